// SPDX-License-Identifier: MIT
#include <atomic>
#include <concur/detail/sync/futex.hpp>
#include <cstdint>
#include <thread>

#include "support/catch.hpp"

using concur::detail::futex;

TEST_CASE("a sleeper does not sleep when the word has changed already", "[sync][futex]") {
  futex::word word{1};
  futex::wait(word, 0);
  REQUIRE(word.load() == 1);
}

TEST_CASE("a sleeper is woken by a change and a wake-up", "[sync][futex]") {
  futex::word word{0};
  std::atomic<bool> woken{false};
  std::thread sleeper([&] {
    while (word.load(std::memory_order_acquire) == 0) futex::wait(word, 0);
    woken.store(true);
  });
  word.store(1, std::memory_order_release);
  futex::wake_one(word);
  sleeper.join();
  REQUIRE(woken.load());
}

TEST_CASE("waking all wakes every sleeper", "[sync][futex]") {
  futex::word word{0};
  std::atomic<int> woken{0};
  std::thread sleepers[4];
  for (auto& sleeper : sleepers) {
    sleeper = std::thread([&] {
      while (word.load(std::memory_order_acquire) == 0) futex::wait(word, 0);
      woken.fetch_add(1);
    });
  }
  word.store(1, std::memory_order_release);
  futex::wake_all(word);
  for (auto& sleeper : sleepers) sleeper.join();
  REQUIRE(woken.load() == 4);
}

TEST_CASE("a sleep with a timeout ends without a wake-up", "[sync][futex]") {
  futex::word word{0};
  futex::wait_for(word, 0, 1'000'000);
  REQUIRE(word.load() == 0);
}
