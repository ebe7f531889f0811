// SPDX-License-Identifier: MIT
#include <atomic>
#include <concur/detail/sync/backoff.hpp>
#include <thread>

#include "support/catch.hpp"

using concur::detail::backoff;

TEST_CASE("a waiting thread lets the one that it waits for run", "[sync][backoff]") {
  std::atomic<int> stage{0};
  std::thread other([&stage] {
    backoff wait;
    while (stage.load(std::memory_order_acquire) != 1) wait.pause();
    stage.store(2, std::memory_order_release);
  });
  stage.store(1, std::memory_order_release);
  backoff wait;
  while (stage.load(std::memory_order_acquire) != 2) wait.pause();
  other.join();
  REQUIRE(stage.load() == 2);
}

TEST_CASE("a long wait ends up sleeping and can start again", "[sync][backoff]") {
  backoff wait;
  int rounds = 0;
  for (; rounds < 90; ++rounds) wait.pause();  // through spinning and yielding, into sleeping
  wait.reset();
  for (; rounds < 95; ++rounds) wait.pause();
  REQUIRE(rounds == 95);
}
