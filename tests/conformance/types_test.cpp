// SPDX-License-Identifier: MIT
/// \file
/// Types that a map may not take for granted: values that only move, have no default, are
/// over-aligned, empty, or of odd sizes; and what becomes of the objects that it is given.

#include "conformance/families.hpp"
#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

using namespace concur_test;

namespace {

template <std::size_t Size>
struct odd {
  std::array<unsigned char, Size> bytes{};

  static odd of(number seed) {
    odd made;
    for (std::size_t i = 0; i < Size; ++i) {
      made.bytes[i] = static_cast<unsigned char>(seed * 31 + i * (seed + 7));
    }
    return made;
  }
  friend bool operator==(const odd&, const odd&) = default;
};

struct odd_hash {
  template <std::size_t Size>
  std::size_t operator()(const odd<Size>& key) const {
    std::size_t hash = Size;
    for (const unsigned char byte : key.bytes) hash = hash * 131 + byte;
    return hash;
  }
};

/// Keys and values of `Size` bytes: all there, all whole, none left behind.
template <class TestType, std::size_t KeySize, std::size_t ValueSize>
void check_sizes() {
  using M = typename TestType::template map<odd<KeySize>, odd<ValueSize>, odd_hash>;
  M map;
  constexpr number n = KeySize == 1 ? 200 : 300;
  const auto key = [](number i) {
    auto made = odd<KeySize>();
    made.bytes[0] = static_cast<unsigned char>(i);
    if constexpr (KeySize > 1) made.bytes[KeySize - 1] = static_cast<unsigned char>(i >> 8);
    return made;
  };
  std::size_t wrong = 0;
  for (number i = 0; i < n; ++i) {
    wrong += map.insert({key(i), odd<ValueSize>::of(i)}) ? 0u : 1u;
  }
  for (number i = 0; i < n; i += 2) {
    wrong += map.update(key(i), [&](auto& v) { v = odd<ValueSize>::of(i + 1); }) == 1 ? 0u : 1u;
  }
  for (number i = 0; i < n; ++i) {
    wrong += map.find(key(i)) == odd<ValueSize>::of(i % 2 == 0 ? i + 1 : i) ? 0u : 1u;
  }
  for (number i = 0; i < n; i += 3) {
    wrong += map.take(key(i)) == odd<ValueSize>::of(i % 2 == 0 ? i + 1 : i) ? 0u : 1u;
  }
  for (number i = 0; i < n; ++i) wrong += map.contains(key(i)) == (i % 3 != 0) ? 0u : 1u;
  INFO("keys of " << KeySize << " bytes, values of " << ValueSize);
  REQUIRE(wrong == 0);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("trivially copyable types of every size are kept whole", "[types]",
                        vocabulary_maps) {
  check_sizes<TestType, 1, 1>();
  check_sizes<TestType, 3, 5>();
  check_sizes<TestType, 7, 9>();
  check_sizes<TestType, 8, 8>();
  check_sizes<TestType, 8, 24>();
  check_sizes<TestType, 12, 20>();
  check_sizes<TestType, 31, 33>();
  check_sizes<TestType, 64, 100>();
}

TEMPLATE_LIST_TEST_CASE("an empty type is a value", "[types]", vocabulary_maps) {
  struct nothing {
    bool operator==(const nothing&) const = default;
  };
  using M = typename TestType::template map<number, nothing>;
  M map;
  REQUIRE(map.try_emplace(1));
  REQUIRE_FALSE(map.insert({1, {}}));
  REQUIRE(map.find(1).has_value());
  REQUIRE(map.size() == 1);
}

TEMPLATE_LIST_TEST_CASE("a value without a default is a value", "[types]", vocabulary_maps) {
  struct no_default {
    explicit no_default(number v) : value(v) {}
    number value;
  };
  using M = typename TestType::template map<number, no_default>;
  M map;
  REQUIRE(map.try_emplace(1, 10u));
  REQUIRE(map.insert({2, no_default(20)}));
  REQUIRE(map.upsert(
      3, [](no_default&) {}, 30u));
  REQUIRE(map.compute(4, [](auto& v) { v.emplace(40u); }));
  REQUIRE_FALSE(map.insert_or_assign(4, no_default(44)));
  REQUIRE(map.find(4)->value == 44);
  REQUIRE(map.find_or(5, no_default(50)).value == 50);
  REQUIRE(map.take(3)->value == 30);
  REQUIRE(map.visit_all([](auto&) {}) == 3);
}

TEMPLATE_LIST_TEST_CASE("a value that cannot even be moved is made in its place", "[types]",
                        any_type_maps) {
  using M = typename TestType::template map<number, std::atomic<int>>;
  static_assert(concur::concurrent_map<M>);
  M map;
  REQUIRE(map.try_emplace(1, 10));
  REQUIRE_FALSE(map.try_emplace(1, 11));
  int seen = 0;
  REQUIRE(map.cvisit(1, [&](const auto& e) { seen = e.second; }) == 1);
  REQUIRE(seen == 10);
  REQUIRE(map.erase(1) == 1);
}

TEMPLATE_LIST_TEST_CASE("a value that only moves can do all that needs no copy", "[types]",
                        any_value_maps) {
  using M = typename TestType::template map<number, move_only>;
  static_assert(concur::concurrent_map<M>);
  static_assert(!requires(const M& m) { m.find(1); });
  static_assert(!requires(const M& m, move_only v) { m.find_or(1, std::move(v)); });
  M map;
  REQUIRE(map.try_emplace(1, 10));
  REQUIRE(map.insert({2, move_only(20)}));
  REQUIRE(map.emplace(3, move_only(30)));
  REQUIRE(map.insert_or_assign(4, move_only(40)));
  REQUIRE_FALSE(map.insert_or_assign(4, move_only(44)));
  REQUIRE(map.insert_and_cvisit(
      {5, move_only(50)}, [](auto&) {}, [](auto&) {}));
  number seen = 0;
  REQUIRE(map.cvisit(4, [&](const auto& e) { seen = e.second.get(); }) == 1);
  REQUIRE(seen == 44);
  REQUIRE(map.erase_if_equal(1, move_only(10)) == 1);
  REQUIRE_FALSE(map.replace_if_equal(2, move_only(1), move_only(2)));
  REQUIRE(map.replace_if_equal(2, move_only(20), move_only(21)));
  REQUIRE(map.erase(3) == 1);
  M moved(std::move(map));
  REQUIRE(moved.size() == 3);
  if constexpr (concur::guarantees<M>::callback_is_exclusive) {
    REQUIRE(moved.update(5, [](move_only& v) { v.set(55); }) == 1);
    REQUIRE(moved.exchange(5, move_only(56))->get() == 55);
    REQUIRE(moved.compute(5, [](auto& v) { v = move_only(v->get() + 1); }));
    REQUIRE(moved.take(5)->get() == 57);
    REQUIRE_FALSE(moved.compute(4, [](auto& v) { v.reset(); }));
    REQUIRE(moved.upsert(
        6, [](move_only&) {}, number{60}));
    M target;
    REQUIRE(target.merge(moved) == 2);
    REQUIRE(moved.empty());
  } else {
    static_assert(!requires(M & m) { m.take(1); });
    static_assert(!requires(M & m) { m.exchange(1, move_only(1)); });
    static_assert(!requires(M & m) { m.compute(1, [](auto&) {}); });
  }
}

TEMPLATE_LIST_TEST_CASE("a key may only move where nothing replaces its node", "[types]",
                        any_type_maps) {
  using M = typename TestType::template map<move_only, number>;
  M map;
  REQUIRE(map.try_emplace(move_only(1), 10));
  REQUIRE(map.insert({move_only(2), 20}));
  REQUIRE_FALSE(map.emplace(move_only(2), 21));
  REQUIRE(map.find(move_only(1)) == 10);
  REQUIRE(map.erase(move_only(1)) == 1);
  REQUIRE(map.size() == 1);
}

TEMPLATE_LIST_TEST_CASE("over-aligned keys and values are aligned", "[types]", any_key_maps) {
  using M = typename TestType::template map<over_aligned, over_aligned>;
  M map;
  for (number i = 0; i < 100; ++i) REQUIRE(map.insert({over_aligned{i}, over_aligned{i + 1}}));
  std::size_t misaligned = 0;
  REQUIRE(map.visit_all([&](auto& e) {
    misaligned += e.first.is_aligned() && e.second.is_aligned() ? 0u : 1u;
  }) == 100);
  REQUIRE(misaligned == 0);
  REQUIRE(map.find(over_aligned{7})->value == 8);
}

TEMPLATE_LIST_TEST_CASE("every value is destroyed once, none is used after its end", "[types]",
                        any_type_maps) {
  using M = typename TestType::template map<tracked, tracked>;
  tracking.reset();
  {
    M map;
    for (number i = 0; i < 300; ++i) map.try_emplace(tracked(i), i);
    for (number i = 0; i < 300; ++i) map.insert({tracked(i), tracked(i)});
    for (number i = 0; i < 300; i += 2) map.insert_or_assign(tracked(i), tracked(i + 1));
    for (number i = 0; i < 300; i += 3) map.exchange(tracked(i), tracked(i + 2));
    for (number i = 0; i < 300; i += 5) map.update(tracked(i), [](tracked& v) { v = tracked(1); });
    for (number i = 0; i < 300; i += 7) map.compute(tracked(i), [](auto& v) { v.reset(); });
    for (number i = 0; i < 300; i += 11) map.take(tracked(i));
    map.erase_if([](const auto& e) { return e.first.get() % 13 == 0; });
    M copy(map);
    REQUIRE(copy == map);
    M moved(std::move(copy));
    moved.merge(map);
    map.clear();
    map.try_emplace(tracked(1), 1);
  }
  REQUIRE(tracking.alive == 0);
  REQUIRE(tracking.misuses == 0);
}

TEMPLATE_LIST_TEST_CASE("rvalues are moved into the map, not copied", "[types]", any_type_maps) {
  using M = typename TestType::template map<tracked, tracked>;
  M map;
  tracking.reset();
  REQUIRE(map.try_emplace(tracked(1), tracked(1)));
  REQUIRE(map.insert({tracked(2), tracked(2)}));
  REQUIRE(map.emplace(tracked(3), tracked(3)));
  REQUIRE(map.insert_or_assign(tracked(4), tracked(4)));
  REQUIRE(map.upsert(
      tracked(5), [](tracked&) {}, tracked(5)));
  REQUIRE(map.insert_or_visit({tracked(6), tracked(6)}, [](auto&) {}));
  REQUIRE(tracking.copies == 0);
  REQUIRE(tracking.misuses == 0);
}
