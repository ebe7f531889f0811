// SPDX-License-Identifier: MIT
/// \file
/// `hamt_snapshot` by its name alone: with default arguments, before <concur/hamt.hpp>, and as a
/// parameter that templates deduce.

#include <concur/fwd.hpp>
#include <string>

namespace {

int sum_of(const concur::hamt_snapshot<std::string, int>& stock);

template <class Key, class T>
T first_or(const concur::hamt_snapshot<Key, T>& of, T otherwise);

}  // namespace

#include <concur/hamt.hpp>
#include <type_traits>

#include "support/catch.hpp"

namespace {

using stock_map = concur::hamt<std::string, int>;
static_assert(
    std::is_same_v<concur::hamt_snapshot<std::string, int>, typename stock_map::snapshot_type>);

int sum_of(const concur::hamt_snapshot<std::string, int>& stock) {
  int sum = 0;
  stock.visit_all([&](const auto& e) { sum += e.second; });
  return sum;
}

template <class Key, class T>
T first_or(const concur::hamt_snapshot<Key, T>& of, T otherwise) {
  return of.empty() ? otherwise : of.begin()->second;
}

}  // namespace

TEST_CASE("a snapshot has a name", "[hamt][snapshot]") {
  stock_map stock{{"apples", 3}, {"pears", 4}};
  concur::hamt_snapshot<std::string, int> now;
  REQUIRE(first_or(now, 7) == 7);
  now = stock.snapshot();
  stock.clear();
  REQUIRE(sum_of(now) == 7);
  REQUIRE(first_or(now, 0) != 0);
}
