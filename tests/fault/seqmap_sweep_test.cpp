// SPDX-License-Identifier: MIT
/// \file
/// Every fault at every point of a life of a seqmap, in a tuning in which tables grow and shrink
/// all the time.

#include "support/map_life.hpp"
#include "support/seqmap_access.hpp"

using namespace concur_test;

namespace {

template <class V, class KeyEqual>
using swept =
    tiny_map<number, V, sweep_hash, KeyEqual, sweep_allocator<std::pair<const number, V>>>;

}  // namespace

TEST_CASE("a fault at any point of a life leaves a seqmap whole: keys compared by their bytes",
          "[fault][seqmap]") {
  const std::size_t points = sweep_life<swept<number, std::equal_to<>>>();
  REQUIRE(points > 500);
  REQUIRE(faults_of(fault_kind::hash) > 100);
  REQUIRE(faults_of(fault_kind::conversion) > 10);
  REQUIRE(faults_of(fault_kind::callback) > 100);
  REQUIRE(faults_of(fault_kind::allocation) > 10);
}

TEST_CASE("a fault at any point of a life leaves a seqmap whole: keys compared by their user",
          "[fault][seqmap]") {
  const std::size_t points = sweep_life<swept<number, sweep_equal>>();
  REQUIRE(points > 500);
  REQUIRE(faults_of(fault_kind::equality) > 50);
}

TEST_CASE("a fault at any point of a life leaves a seqmap whole: values of several words",
          "[fault][seqmap]") {
  const std::size_t points = sweep_life<swept<sweep_value, sweep_equal>>();
  REQUIRE(points > 500);
  REQUIRE(faults_of(fault_kind::equality) > 50);
}
