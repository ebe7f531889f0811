// SPDX-License-Identifier: MIT
/// \file
/// concur::parallel on its own: every part once, stopping, exceptions.

#include <concur/parallel.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <vector>

using concur::parallel;

TEST_CASE("every part is done exactly once, whatever the number of threads", "[parallel]") {
  for (const unsigned threads : {0u, 1u, 2u, 5u}) {
    for (const std::size_t parts :
         {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
      std::vector<std::atomic<int>> done(parts);
      REQUIRE(parallel{threads}.for_each_part(parts, [&](std::size_t part, auto& go_on) {
        ++done[part];
        return go_on();
      }));
      for (auto& count : done) REQUIRE(count == 1);
    }
  }
}

TEST_CASE("zero threads are as many as the machine has", "[parallel]") {
  REQUIRE(parallel{}.thread_count() >= 1);
  REQUIRE(parallel{3}.thread_count() == 3);
  REQUIRE(parallel{3}.parts() >= 3);
}

TEST_CASE("a part that says no stops the others", "[parallel]") {
  std::atomic<int> begun{0};
  REQUIRE_FALSE(parallel{3}.for_each_part(1'000'000, [&](std::size_t part, auto&) {
    ++begun;
    return part != 5;
  }));
  REQUIRE(begun >= 1);
  REQUIRE(begun < 1'000'000);
}

TEST_CASE("a running part learns that it shall stop", "[parallel]") {
  std::atomic<bool> other_runs{false};
  REQUIRE_FALSE(parallel{2}.for_each_part(2, [&](std::size_t part, auto& go_on) {
    if (part == 1) {
      other_runs = true;
      while (go_on()) {
      }
      return true;
    }
    while (!other_runs) {
    }
    return false;
  }));
}

TEST_CASE("the first exception is thrown in the caller, when all threads are back", "[parallel]") {
  std::atomic<int> running{0};
  const auto fail = [&](std::size_t part, auto&) -> bool {
    ++running;
    struct leave {
      std::atomic<int>& count;
      ~leave() { --count; }
    } const at_end{running};
    if (part % 2 == 0) throw std::runtime_error("part failed");
    return true;
  };
  REQUIRE_THROWS_AS(parallel{4}.for_each_part(1'000, fail), std::runtime_error);
  REQUIRE(running == 0);
  REQUIRE_THROWS_AS(parallel{1}.for_each_part(10, fail), std::runtime_error);
}
