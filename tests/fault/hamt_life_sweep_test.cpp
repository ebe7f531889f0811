// SPDX-License-Identifier: MIT
/// \file
/// Every fault at every point of the life that all maps have, for hamts with keys and values whose
/// copies and moves throw, one below the other and in lists of equal hashes.

#include "support/hamt_access.hpp"
#include "support/map_life.hpp"

#include <cstdint>
#include <type_traits>
#include <utility>

using namespace concur_test;

namespace {

/// Four hashes for all keys: lists, long ones.
struct few_hashes {
  using is_avalanching = std::true_type;
  template <class Key>
  std::uint64_t operator()(const Key& key) const {
    fault_at(fault_kind::hash);
    return number_of(key) % 4 << 62;
  }
};

template <class Hash>
using swept = tiny_hamt<sweep_text, sweep_text, Hash, sweep_equal,
                        sweep_allocator<std::pair<const sweep_text, sweep_text>>>;

template <class Hash>
void sweep_texts() {
  REQUIRE(sweep_life<swept<Hash>>() > 1000);
  REQUIRE(faults_of(fault_kind::hash) > 100);
  REQUIRE(faults_of(fault_kind::equality) > 50);
  REQUIRE(faults_of(fault_kind::copy) > 50);
  REQUIRE(faults_of(fault_kind::move) > 50);
  REQUIRE(faults_of(fault_kind::callback) > 100);
  REQUIRE(faults_of(fault_kind::allocation) > 100);
  REQUIRE(sweep_text::alive == 0);
}

}  // namespace

TEST_CASE("a fault at any point of a life leaves a hamt whole: copies and moves that throw",
          "[fault][hamt]") {
  sweep_texts<sweep_hash>();
}

TEST_CASE(
    "a fault at any point of a life leaves a hamt whole: copies and moves that throw, in lists",
    "[fault][hamt]") {
  sweep_texts<few_hashes>();
}
