// SPDX-License-Identifier: MIT
#include <chrono>
#include <concur/detail/sync/platform.hpp>

#include "support/catch.hpp"

TEST_CASE("a sleep lasts at least as long as it was asked to", "[sync][platform]") {
  const auto start = std::chrono::steady_clock::now();
  concur::detail::sleep_thread(2000);
  const auto slept = std::chrono::steady_clock::now() - start;
  // A signal may cut it short, and the clock may be coarse: half of it is enough to tell.
  REQUIRE(slept >= std::chrono::microseconds(1000));
}

TEST_CASE("pausing and yielding come back", "[sync][platform]") {
  int rounds = 0;
  for (; rounds < 100; ++rounds) {
    concur::detail::cpu_relax();
    concur::detail::yield_thread();
  }
  REQUIRE(rounds == 100);
}
