// SPDX-License-Identifier: MIT
/// \file
/// The names that look: find, find_or, contains, count, visit, cvisit, and the batch forms.

#include "conformance/families.hpp"
#include "support/catch.hpp"
#include "support/lazy_range.hpp"

#include <optional>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

/// Keys 0, 2, 4, ...: every odd key is absent.
template <class M>
M map_of_even(number n) {
  M map;
  for (number i = 0; i < n; ++i) map.try_emplace(2 * i, i + 1000);
  return map;
}

/// Counts how often a key is hashed. All copies share the count, as maps copy their hasher.
struct counting_hash {
  static inline std::size_t calls = 0;
  std::size_t operator()(number key) const {
    ++calls;
    return std::hash<number>()(key);
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("a lookup finds what is there and nothing else", "[lookup]", shared_maps) {
  using M = typename TestType::template map<number, number>;
  const M map = map_of_even<M>(500);
  REQUIRE(map.size() == 500);
  std::size_t wrong = 0;
  for (number key = 0; key < 1000; ++key) {
    const bool expected = key % 2 == 0;
    if (map.contains(key) != expected) ++wrong;
    if (map.count(key) != (expected ? 1u : 0u)) ++wrong;
    number seen = 0;
    if (map.cvisit(key, [&](const auto& e) { seen = e.second + (e.first - key); }) !=
        (expected ? 1u : 0u)) {
      ++wrong;
    }
    if (seen != (expected ? key / 2 + 1000 : 0)) ++wrong;
  }
  REQUIRE(wrong == 0);
}

TEMPLATE_LIST_TEST_CASE("an empty map finds nothing", "[lookup]", shared_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  REQUIRE(map.empty());
  REQUIRE(map.size() == 0);
  REQUIRE_FALSE(map.contains(0));
  REQUIRE(map.count(0) == 0);
  bool called = false;
  REQUIRE(map.visit(0, [&](auto&) { called = true; }) == 0);
  REQUIRE(map.cvisit(0, [&](const auto&) { called = true; }) == 0);
  REQUIRE(map.visit_all([&](auto&) { called = true; }) == 0);
  REQUIRE(map.erase(0) == 0);
  REQUIRE_FALSE(called);
}

TEMPLATE_LIST_TEST_CASE("find copies the value out, find_or has a fallback", "[lookup]",
                        core_maps) {
  using M = typename TestType::template map<number, number>;
  const M map = map_of_even<M>(50);
  REQUIRE(map.find(4) == std::optional<number>(1002));
  REQUIRE(map.find(5) == std::nullopt);
  REQUIRE(map.find_or(4, 7) == 1002);
  REQUIRE(map.find_or(5, 7) == 7);
}

TEMPLATE_LIST_TEST_CASE("visit lends the element as the map says it does", "[lookup]",
                        shared_maps) {
  using M = typename TestType::template map<number, number>;
  M map = map_of_even<M>(50);
  number key = 0;
  REQUIRE(map.visit(8, [&](auto& element) {
    static_assert(std::is_const_v<std::remove_reference_t<decltype(element.first)>>);
    static_assert(std::is_const_v<std::remove_reference_t<decltype(element)>> !=
                  callback_is_exclusive<M>());
    key = element.first;
    if constexpr (callback_is_exclusive<M>()) element.second = 1;
  }) == 1);
  REQUIRE(key == 8);
  number value = 0;
  // A const map lends const elements.
  REQUIRE(std::as_const(map).visit(8, [&](const auto& e) { value = e.second; }) == 1);
  REQUIRE(value == (callback_is_exclusive<M>() ? 1 : 1004));
}

TEMPLATE_LIST_TEST_CASE("a batch visit shows every key that is there, in order", "[lookup]",
                        shared_maps) {
  using M = typename TestType::template map<number, number>;
  M map = map_of_even<M>(100);
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16},
                              std::size_t{17}, std::size_t{32}, std::size_t{100}}) {
    std::vector<number> keys;
    std::vector<number> expected;
    for (number i = 0; i < n; ++i) {
      keys.push_back(i * 7 % 50);  // hits, misses and repetitions
      if (keys.back() % 2 == 0) expected.push_back(keys.back());
    }
    std::vector<number> seen;
    REQUIRE(map.visit(keys.begin(), keys.end(), [&](auto& e) { seen.push_back(e.first); }) ==
            expected.size());
    REQUIRE(seen == expected);
    seen.clear();
    REQUIRE(std::as_const(map).cvisit(keys.begin(), keys.end(), [&](const auto& e) {
      seen.push_back(e.first);
    }) == expected.size());
    REQUIRE(seen == expected);
  }
}

TEMPLATE_LIST_TEST_CASE("find_each gives one optional per key, in order", "[lookup]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  const M map = map_of_even<M>(100);
  std::vector<number> keys;
  std::vector<std::optional<number>> found;
  for (number i = 0; i < 61; ++i) {
    found.assign(1, std::nullopt);
    map.find_each(keys, std::back_inserter(found));
    REQUIRE(found.size() == keys.size() + 1);
    for (std::size_t k = 0; k < keys.size(); ++k) REQUIRE(found[k + 1] == map.find(keys[k]));
    keys.push_back(i * 5 % 97);
  }
  std::optional<number> three[3];
  REQUIRE(map.find_each({0, 1, 2}, three) == three + 3);
  REQUIRE(three[0] == 1000);
  REQUIRE(three[1] == std::nullopt);
  REQUIRE(three[2] == 1001);
}

TEMPLATE_LIST_TEST_CASE("find_each takes a view that cannot be read where it is const", "[lookup]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  const M map = map_of_even<M>(3);
  std::vector<std::optional<number>> found;
  map.find_each(lazy_range<number>({2, 1, 4}, 2), std::back_inserter(found));
  REQUIRE(found == std::vector<std::optional<number>>{std::nullopt, 1002});
  lazy_range<number> named({0}, 7);
  map.find_each(named, std::back_inserter(found));
  REQUIRE(found.back() == 1000);
}

TEMPLATE_LIST_TEST_CASE("what converts to a key is taken for one", "[lookup]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map = map_of_even<M>(10);
  const int small = 4;
  const unsigned char smaller = 6;
  REQUIRE(map.find(small) == 1002);
  REQUIRE(map.contains(smaller));
  REQUIRE(map.contains({}));  // a key that is made of braces
  REQUIRE(map.try_emplace(11, 5));
  REQUIRE_FALSE(map.insert_or_assign(small, small));
  REQUIRE(map.find(4) == 4);
  const std::vector<int> ints{4, 5, 11};
  REQUIRE(map.visit(ints.begin(), ints.end(), [](auto&) {}) == 2);
}

TEMPLATE_LIST_TEST_CASE("an operation hashes its key once", "[lookup]", vocabulary_maps) {
  using M = typename TestType::template map<number, number, counting_hash>;
  M map;
  map.reserve(1000);
  map.insert({1, 1});
  std::size_t before = 0;
  const auto hashes = [&](auto operation) {
    before = counting_hash::calls;
    operation();
    return counting_hash::calls - before;
  };
  const auto nothing = [](auto&) {};
  const auto no = [](const auto&) { return false; };

  for (const number key : {number{1}, number{2}}) {
    INFO("key " << key << (key == 1 ? ", present" : ", absent"));
    CHECK(hashes([&] { map.find(key); }) == 1);
    CHECK(hashes([&] { map.find_or(key, 3); }) == 1);
    CHECK(hashes([&] { map.contains(key); }) == 1);
    CHECK(hashes([&] { map.count(key); }) == 1);
    CHECK(hashes([&] { map.visit(key, nothing); }) == 1);
    CHECK(hashes([&] { map.cvisit(key, nothing); }) == 1);
    CHECK(hashes([&] { map.update(key, nothing); }) == 1);
    CHECK(hashes([&] { map.erase_if(key, no); }) == 1);
    CHECK(hashes([&] { map.erase_if_equal(key, 77); }) == 1);
    CHECK(hashes([&] { map.replace_if_equal(key, 77, 78); }) == 1);
    CHECK(hashes([&] { map.compute(key, [](auto& value) { value.reset(); }); }) == 1);
    CHECK(hashes([&] { map.take(key); }) == 1);
    CHECK(hashes([&] { map.erase(key); }) == 1);
    CHECK(hashes([&] { map.insert({key, 1}); }) == 1);
    CHECK(hashes([&] { map.insert({key, 1}); }) == 1);
    CHECK(hashes([&] { map.emplace(key, 1); }) == 1);
    CHECK(hashes([&] { map.try_emplace(key, 1); }) == 1);
    CHECK(hashes([&] { map.insert_or_assign(key, 1); }) == 1);
    CHECK(hashes([&] { map.exchange(key, 1); }) == 1);
    CHECK(hashes([&] { map.upsert(key, nothing, 1); }) == 1);
    CHECK(hashes([&] { map.insert_or_visit({key, 1}, nothing); }) == 1);
    CHECK(hashes([&] { map.try_emplace_and_visit(key, 1, nothing, nothing); }) == 1);
    CHECK(hashes([&] { map.erase(key); }) == 1);
    map.insert({1, 1});
  }
  const std::vector<number> keys(40, 1);
  std::vector<std::optional<number>> out;
  CHECK(hashes([&] { map.visit(keys.begin(), keys.end(), nothing); }) == 40);
  CHECK(hashes([&] { map.find_each(keys, std::back_inserter(out)); }) == 40);
}
