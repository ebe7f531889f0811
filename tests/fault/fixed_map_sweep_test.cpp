// SPDX-License-Identifier: MIT
/// \file
/// Every fault at every point of a life of a fixed map: with values of one word, with values of
/// several that are copied, and with values in place whose copies and moves throw.

#include <concur/fixed_map.hpp>

#include "support/fixed_map_access.hpp"
#include "support/map_life.hpp"

using namespace concur_test;

namespace {

/// With room for the whole life. The memory comes from the constructor's one allocation.
template <class V, class Hash>
class swept : public concur::detail::basic_fixed_map<number, V, Hash, std::equal_to<>,
                                                     sweep_allocator<std::byte>> {
 public:
  explicit swept(const sweep_allocator<std::byte>& memory)
      : swept::basic_fixed_map(256, Hash(), memory) {}
};

/// One home for all keys: the hasher is asked again for those that are far from it.
struct one_home : sweep_hash {
  std::uint64_t operator()(number key) const { return sweep_hash::operator()(key) & 0; }
};

}  // namespace

TEST_CASE("a fault at any point of a life leaves a fixed_map whole: values of one word",
          "[fault][fixed_map]") {
  REQUIRE(sweep_life<swept<number, sweep_hash>>() > 500);
  REQUIRE(faults_of(fault_kind::hash) > 100);
  REQUIRE(faults_of(fault_kind::conversion) > 10);
  REQUIRE(faults_of(fault_kind::callback) > 100);
  REQUIRE(faults_of(fault_kind::allocation) > 2);
}

TEST_CASE("a fault at any point of a life leaves a fixed_map whole: values of several words",
          "[fault][fixed_map]") {
  REQUIRE(sweep_life<swept<sweep_value, sweep_hash>>() > 500);
  REQUIRE(faults_of(fault_kind::equality) > 10);
}

TEST_CASE("a fault at any point of a life leaves a fixed_map whole: values in place",
          "[fault][fixed_map]") {
  REQUIRE(sweep_life<swept<sweep_text, sweep_hash>>() > 1000);
  REQUIRE(faults_of(fault_kind::copy) > 50);
  REQUIRE(faults_of(fault_kind::move) > 50);
  REQUIRE(sweep_text::alive == 0);
}

TEST_CASE("a fault at any point of a life leaves a fixed_map whole: one home for all keys",
          "[fault][fixed_map]") {
  REQUIRE(sweep_life<swept<number, one_home>>() > 500);
  REQUIRE(faults_of(fault_kind::hash) > 100);
}
