// SPDX-License-Identifier: MIT
/// \file
/// How long a writer stays away after a loss: seen by a clock that moves when it is read.
#include <concur/detail/sync/contention.hpp>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

using concur::detail::basic_contention;

namespace {

/// Moves on by `step` after each `readings_per_step` readings.
struct hand_clock {
  inline static std::uint64_t now = 0;
  inline static std::uint64_t step = 0;
  inline static unsigned readings_per_step = 1;
  inline static unsigned readings = 0;
  inline static std::uint64_t last = 0;

  static void set(std::uint64_t step_by, unsigned every = 1) {
    now = 1'000'000;
    step = step_by;
    readings_per_step = every;
    readings = 0;
  }
  static std::uint64_t nanoseconds() noexcept {
    last = now;
    if (++readings % readings_per_step == 0) now += step;
    return last;
  }
};

using timed = basic_contention<hand_clock>;

/// By the clock, how long each of so many losses in a row took.
std::vector<std::uint64_t> waits(timed others, int losses) {
  std::vector<std::uint64_t> all;
  for (int i = 0; i < losses; ++i) {
    const std::uint64_t before = hand_clock::now;
    others.lost();
    all.push_back(hand_clock::last - before);
  }
  return all;
}

}  // namespace

TEST_CASE("each loss in a row waits twice as long as the one before, up to a cap",
          "[sync][contention]") {
  hand_clock::set(100);
  REQUIRE(waits(timed(), 8) ==
          std::vector<std::uint64_t>{400, 800, 1'600, 3'200, 6'400, 6'400, 6'400, 6'400});
  REQUIRE(timed::first_nanoseconds == 400);
  REQUIRE(timed::most_nanoseconds == 6'400);
}

TEST_CASE("the first wait may be given, and each operation begins with its own",
          "[sync][contention]") {
  hand_clock::set(100);
  REQUIRE(waits(timed(1'600), 4) == std::vector<std::uint64_t>{1'600, 3'200, 6'400, 6'400});
  REQUIRE(waits(timed(800), 1) == std::vector<std::uint64_t>{800});
  REQUIRE(waits(timed(), 1) == std::vector<std::uint64_t>{400});
  // It looks before it has waited twice.
  REQUIRE(waits(timed(0), 1) == std::vector<std::uint64_t>{100});
}

TEST_CASE("a wait ends with a clock that stands still, and with one that is coarse",
          "[sync][contention]") {
  hand_clock::set(0);
  timed others;
  for (int i = 0; i < 8; ++i) {
    hand_clock::readings = 0;
    others.lost();
    REQUIRE(hand_clock::readings == 1 + timed::most_rounds);
  }
  hand_clock::set(4'000'000, 300);
  others.lost();
  REQUIRE(hand_clock::readings == 301);  // the first tick ends it
  hand_clock::set(4'000'000, 100'000);
  others.lost();
  REQUIRE(hand_clock::readings == 1 + timed::most_rounds);
}
