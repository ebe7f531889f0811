// SPDX-License-Identifier: MIT
/// \file
/// Every fault at every point of a life of a cmap, in a tuning in which its root grows and shrinks
/// all the time: with elements in the leaves and beside them, and with keys and values whose copies
/// and moves throw.

#include "support/cmap_access.hpp"
#include "support/map_life.hpp"

#include <stdexcept>
#include <string>

using namespace concur_test;

namespace {

template <class Key, class V, class Hash = sweep_hash, class KeyEqual = sweep_equal>
using swept = tiny_cmap<Key, V, Hash, KeyEqual, sweep_allocator<std::pair<const Key, V>>>;

/// Four hashes for all keys: lists, long ones.
struct few_hashes {
  using is_avalanching = std::true_type;
  std::uint64_t operator()(number key) const {
    fault_at(fault_kind::hash);
    return key % 4 << 62;
  }
};

}  // namespace

TEST_CASE("a fault at any point of a life leaves a cmap whole: elements in the leaves",
          "[fault][cmap]") {
  REQUIRE(sweep_life<swept<number, number>>() > 500);
  REQUIRE(faults_of(fault_kind::hash) > 100);
  REQUIRE(faults_of(fault_kind::equality) > 50);
  REQUIRE(faults_of(fault_kind::conversion) > 10);
  REQUIRE(faults_of(fault_kind::callback) > 100);
  REQUIRE(faults_of(fault_kind::allocation) > 100);
}

TEST_CASE("a fault at any point of a life leaves a cmap whole: elements beside the leaves",
          "[fault][cmap]") {
  REQUIRE(sweep_life<swept<number, sweep_value>>() > 500);
  REQUIRE(faults_of(fault_kind::equality) > 50);
  REQUIRE(faults_of(fault_kind::allocation) > 100);
}

TEST_CASE("a fault at any point of a life leaves a cmap whole: copies and moves that throw",
          "[fault][cmap]") {
  REQUIRE(sweep_life<swept<sweep_text, sweep_text>>() > 1000);
  REQUIRE(faults_of(fault_kind::copy) > 50);
  REQUIRE(faults_of(fault_kind::move) > 50);
  REQUIRE(sweep_text::alive == 0);
}

TEST_CASE("a fault at any point of a life leaves a cmap whole: lists of equal hashes",
          "[fault][cmap]") {
  REQUIRE(sweep_life<swept<number, number, few_hashes>>() > 500);
  REQUIRE(faults_of(fault_kind::equality) > 200);
}

TEST_CASE("a constructor that throws inside an insertion leaves no trace", "[fault][cmap]") {
  struct refuses {
    explicit refuses(int n) {
      if (n % 2 == 1) throw std::runtime_error("odd");
    }
  };
  allocation_account account;
  {
    tiny_cmap<int, refuses, std::hash<int>, std::equal_to<>,
              counting_allocator<std::pair<const int, refuses>>>
        map{counting_allocator<std::pair<const int, refuses>>(account)};
    for (int i = 0; i < 2'000; ++i) {
      bool is_inserted = false;
      try {
        is_inserted = map.try_emplace(i, i);
      } catch (const std::runtime_error&) {
      }
      REQUIRE(is_inserted == (i % 2 == 0));
    }
    REQUIRE(map.size() == 1'000);
    for (int i = 0; i < 2'000; ++i) REQUIRE(map.contains(i) == (i % 2 == 0));
    require_sound(map);
  }
  REQUIRE(account.balanced());
}
