// SPDX-License-Identifier: MIT
/// \file
/// The names that insert, change and remove, one element at a time and in ranges.

#include "conformance/families.hpp"
#include "support/catch.hpp"

#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

struct line : std::pair<number, number> {
  friend std::istream& operator>>(std::istream& in, line& l) { return in >> l.first >> l.second; }
};

struct everything {
  template <class Element>
  bool operator()(const Element&) const {
    return true;
  }
};
template <class Container>
concept can_be_erased_from = requires(Container& container) {
  concur::erase_if(container, everything());
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("insert keeps the first value of a key", "[modifiers]", shared_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  REQUIRE(map.insert({1, 10}));
  REQUIRE_FALSE(map.insert({1, 11}));
  const typename M::value_type constant(2, 20);
  REQUIRE(map.insert(constant));
  REQUIRE_FALSE(map.insert(constant));
  REQUIRE(map.insert(typename M::init_type(3, 30)));
  REQUIRE(map.size() == 3);
  REQUIRE(contents(map) == std::unordered_map<number, number>{{1, 10}, {2, 20}, {3, 30}});
}

TEMPLATE_LIST_TEST_CASE("insert takes any pair that makes an element", "[modifiers]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  const std::pair<number, number> copied(1, 10);
  REQUIRE(map.insert(copied));
  REQUIRE(map.insert(std::pair<int, short>(2, short{20})));
  const number key = 3;
  const number value = 30;
  REQUIRE(map.insert(std::pair<const number&, const number&>(key, value)));
  REQUIRE_FALSE(map.insert(std::pair(3, 31)));
  REQUIRE(map.find(3) == 30);
  REQUIRE(map.size() == 3);
}

TEMPLATE_LIST_TEST_CASE("ranges say how many were inserted", "[modifiers]", core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  const std::vector<std::pair<number, number>> pairs{{1, 1}, {2, 2}, {1, 3}, {4, 4}};
  REQUIRE(map.insert(pairs.begin(), pairs.end()) == 3);
  REQUIRE(map.insert({{4, 0}, {5, 5}, {6, 6}}) == 2);
  REQUIRE(map.insert_range(std::vector<typename M::value_type>{{6, 0}, {7, 7}}) == 1);
  REQUIRE(map.insert(pairs.begin(), pairs.begin()) == 0);
  REQUIRE(map.size() == 6);
  REQUIRE(map.find(1) == 1);
  REQUIRE(map.find(6) == 6);
}

TEMPLATE_LIST_TEST_CASE("a range may be read once only", "[modifiers]", any_type_maps) {
  using M = typename TestType::template map<number, number>;
  std::istringstream text("1 10 2 20 1 30");
  M map;
  REQUIRE(map.insert(std::istream_iterator<line>(text), std::istream_iterator<line>()) == 2);
  REQUIRE(map.find(1) == 10);
}

TEMPLATE_LIST_TEST_CASE("emplace and try_emplace insert when the key is absent", "[modifiers]",
                        shared_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  REQUIRE(map.emplace(1, 10));
  REQUIRE_FALSE(map.emplace(1, 11));
  REQUIRE(map.emplace(std::pair<number, number>(2, 20)));
  REQUIRE(
      map.emplace(std::piecewise_construct, std::forward_as_tuple(3), std::forward_as_tuple(30)));
  REQUIRE_FALSE(
      map.emplace(std::piecewise_construct, std::forward_as_tuple(3), std::forward_as_tuple(31)));
  REQUIRE(map.emplace());
  REQUIRE(map.try_emplace(4, 40));
  REQUIRE_FALSE(map.try_emplace(4, 41));
  REQUIRE(map.try_emplace(5));
  REQUIRE(contents(map) ==
          std::unordered_map<number, number>{{0, 0}, {1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 0}});
}

TEMPLATE_LIST_TEST_CASE("insert_or_assign stores in any case", "[modifiers]", shared_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  REQUIRE(map.insert_or_assign(1, 10));
  REQUIRE_FALSE(map.insert_or_assign(1, 11));
  REQUIRE(map.size() == 1);
  REQUIRE(contents(map).at(1) == 11);
}

TEMPLATE_LIST_TEST_CASE("exchange stores and hands the old value back", "[modifiers]", core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  REQUIRE(map.exchange(1, 10) == std::nullopt);
  REQUIRE(map.exchange(1, 11) == 10);
  REQUIRE(map.find(1) == 11);
  REQUIRE(map.size() == 1);
}

TEMPLATE_LIST_TEST_CASE("update changes a present value", "[modifiers]", core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  bool called = false;
  REQUIRE(map.update(1, [&](number&) { called = true; }) == 0);
  REQUIRE_FALSE(called);
  map.insert({1, 10});
  REQUIRE(map.update(1, [](number& value) { value += 5; }) == 1);
  REQUIRE(map.find(1) == 15);
}

TEMPLATE_LIST_TEST_CASE("upsert inserts or changes", "[modifiers]", core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  const auto increment = [](number& value) { ++value; };
  REQUIRE(map.upsert(1, increment, 1));
  REQUIRE(map.find(1) == 1);
  for (int i = 0; i < 9; ++i) REQUIRE_FALSE(map.upsert(1, increment, 1));
  REQUIRE(map.find(1) == 10);
  REQUIRE(map.upsert(2, increment));
  REQUIRE(map.find(2) == 0);
}

TEMPLATE_LIST_TEST_CASE("compute stores what its callable leaves", "[modifiers]", core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  std::optional<number> saw = 99;
  const auto leave = [&](std::optional<number> what) {
    return [&saw, what](std::optional<number>& value) {
      saw = value;
      value = what;
    };
  };
  REQUIRE_FALSE(map.compute(1, leave(std::nullopt)));  // absent, stays absent
  REQUIRE(saw == std::nullopt);
  REQUIRE(map.empty());
  REQUIRE(map.compute(1, leave(10)));  // inserted
  REQUIRE(saw == std::nullopt);
  REQUIRE(map.compute(1, leave(11)));  // replaced
  REQUIRE(saw == 10);
  REQUIRE(map.find(1) == 11);
  REQUIRE(map.size() == 1);
  REQUIRE_FALSE(map.compute(1, leave(std::nullopt)));  // erased
  REQUIRE(saw == 11);
  REQUIRE(map.empty());
}

TEMPLATE_LIST_TEST_CASE("a callable that ran again leaves what its last run computed",
                        "[modifiers]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  number runs = 0;
  const auto count = [&](std::optional<number>& value) { value = ++runs; };
  map.compute(1, count);
  REQUIRE(map.find(1) == runs);
  map.compute(1, count);
  REQUIRE(map.find(1) == runs);
  map.update(1, [&](number& value) { value = ++runs; });
  REQUIRE(map.find(1) == runs);
  if (!callback_may_run_again<M>()) REQUIRE(runs == 3);
}

TEMPLATE_LIST_TEST_CASE("replace_if_equal and erase_if_equal compare first", "[modifiers]",
                        core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  REQUIRE_FALSE(map.replace_if_equal(1, 10, 11));
  REQUIRE(map.erase_if_equal(1, 10) == 0);
  REQUIRE(map.empty());
  map.insert({1, 10});
  REQUIRE_FALSE(map.replace_if_equal(1, 9, 11));
  REQUIRE(map.find(1) == 10);
  REQUIRE(map.replace_if_equal(1, 10, 11));
  REQUIRE(map.find(1) == 11);
  REQUIRE(map.erase_if_equal(1, 10) == 0);
  REQUIRE(map.size() == 1);
  REQUIRE(map.erase_if_equal(1, 11) == 1);
  REQUIRE(map.empty());
}

TEMPLATE_LIST_TEST_CASE("erase and take remove", "[modifiers]", core_maps) {
  using M = typename TestType::template map<number, number>;
  M map{{1, 10}, {2, 20}, {3, 30}};
  REQUIRE(map.erase(1) == 1);
  REQUIRE(map.erase(1) == 0);
  REQUIRE(map.take(2) == 20);
  REQUIRE(map.take(2) == std::nullopt);
  REQUIRE(map.size() == 1);
  REQUIRE_FALSE(map.contains(1));
  REQUIRE_FALSE(map.contains(2));
  REQUIRE(map.contains(3));
}

TEMPLATE_LIST_TEST_CASE("erase_if asks its predicate", "[modifiers]", shared_maps) {
  using M = typename TestType::template map<number, number>;
  M map{{1, 10}, {2, 20}, {3, 30}, {4, 40}};
  REQUIRE(map.erase_if(1, [](const auto& e) { return e.second != 10; }) == 0);
  REQUIRE(map.contains(1));
  REQUIRE(map.erase_if(1, [](const auto& e) { return e.second == 10; }) == 1);
  REQUIRE(map.erase_if(1, [](const auto&) { return true; }) == 0);
  REQUIRE(map.erase_if([](const auto& e) { return e.first % 2 == 0; }) == 2);
  REQUIRE(erase_if(map, [](const auto& e) { return e.first == 2; }) == 0);
  REQUIRE(erase_if(map, [](const auto& e) { return e.first == 3; }) == 1);
  REQUIRE(map.empty());
}

TEMPLATE_LIST_TEST_CASE("the free erase_if is a member of the namespace", "[modifiers]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map{{1, 10}, {2, 20}};
  REQUIRE(concur::erase_if(map, [](const auto& e) { return e.first == 2; }) == 1);
  static_assert(can_be_erased_from<M>);
  static_assert(!can_be_erased_from<std::set<int>>);
  REQUIRE(map.contains(1));
}

TEMPLATE_LIST_TEST_CASE("a braced list is assigned to a map, which is the result", "[modifiers]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  if constexpr (requires(M map, std::initializer_list<typename M::value_type> list) {
                  map = list;
                }) {
    M map{{5, 50}};
    M& result = (map = {{1, 10}, {2, 20}});
    REQUIRE(&result == &map);
    REQUIRE(map.size() == 2);
    REQUIRE(map.find(2) == 20);
    map = {};
    REQUIRE(map.empty());
  }
}

TEMPLATE_LIST_TEST_CASE("what is not inserted is not moved from", "[modifiers]", any_type_maps) {
  using M = typename TestType::template map<std::string, std::unique_ptr<int>>;
  M map;
  REQUIRE(map.try_emplace("key", std::make_unique<int>(1)));
  std::string key = "key";
  auto value = std::make_unique<int>(2);
  REQUIRE_FALSE(map.try_emplace(std::move(key), std::move(value)));
  REQUIRE(value != nullptr);
  REQUIRE(key == "key");
  REQUIRE_FALSE(map.emplace(std::move(key), std::move(value)));
  REQUIRE(value != nullptr);
  typename M::init_type element(key, std::move(value));
  REQUIRE_FALSE(map.insert(std::move(element)));
  REQUIRE(element.second != nullptr);
  REQUIRE_FALSE(map.insert_or_visit(std::move(element), [](auto&) {}));
  REQUIRE(element.second != nullptr);

  key = "a key that is new and too long to be stored without memory of its own";
  const std::string copy = key;
  REQUIRE(map.try_emplace(std::move(key), std::move(element.second)));
  REQUIRE(key.empty());
  REQUIRE(element.second == nullptr);
  int found = 0;
  map.cvisit(copy, [&](const auto& e) { found = *e.second; });
  REQUIRE(found == 2);
}
