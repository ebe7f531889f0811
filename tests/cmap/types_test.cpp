// SPDX-License-Identifier: MIT
/// \file
/// Types that a table of pairs could not take: that do not move, that only move, over-aligned ones,
/// strings that are looked up without making strings; through growth, shrinking and overwriting.
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/tracked.hpp"

#include <concur/concepts.hpp>
#include <concur/pmr.hpp>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace concur_test;

namespace {

/// Neither copied nor moved, and without a default.
struct pinned {
  explicit pinned(number n) : value(n), self(this) {}
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;
  bool is_where_it_was_made() const noexcept { return self == this; }
  number value;
  const pinned* self;
};

std::string long_text(number i) {
  return "a text that does not fit into a short string, number " + std::to_string(i);
}

struct three_words {
  number a, b, c;
};

/// Counts how often a string is made for a lookup.
struct counted_text {
  static inline int made = 0;
  explicit counted_text(std::string_view s) : text(s) { ++made; }
  std::string text;
};
struct counted_text_hash {
  using is_transparent = void;
  std::uint64_t operator()(std::string_view s) const { return concur::hash<std::string_view>()(s); }
  std::uint64_t operator()(const counted_text& t) const { return (*this)(t.text); }
};
struct counted_text_equal {
  using is_transparent = void;
  static std::string_view view(std::string_view s) { return s; }
  static std::string_view view(const counted_text& t) { return t.text; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return view(a) == view(b);
  }
};

}  // namespace

TEST_CASE("cmap: all it says about itself is what it takes and promises") {
  STATIC_REQUIRE(concur::concurrent_map<concur::cmap<number, number>>);
  STATIC_REQUIRE(concur::concurrent_map<concur::cmap<std::string, std::string>>);
  STATIC_REQUIRE(concur::concurrent_map<concur::cmap<number, std::unique_ptr<number>>>);
  using promises = concur::guarantees<concur::cmap<number, number>>;
  STATIC_REQUIRE(promises::read_progress >= concur::progress::lock_free);
  STATIC_REQUIRE(promises::write_progress >= concur::progress::lock_free);
  STATIC_REQUIRE_FALSE(promises::callback_is_exclusive);
  STATIC_REQUIRE(promises::garbage_is_bounded);
  STATIC_REQUIRE_FALSE(promises::needs_trivially_copyable);
  STATIC_REQUIRE_FALSE(promises::is_bounded);
  REQUIRE(sizeof(concur::cmap<number, number>) <= 256);
  REQUIRE(sizeof(concur::cmap<std::string, std::string>) <= 256);
}

TEST_CASE("cmap: an element that cannot move stays where it was made while the map grows") {
  tiny_cmap<number, pinned> map;
  for (number i = 0; i < 3000; ++i) REQUIRE(map.try_emplace(i, i));
  std::size_t wrong = 0;
  map.cvisit_all([&](const auto& e) {
    wrong += e.second.is_where_it_was_made() && e.second.value == e.first ? 0U : 1U;
  });
  for (number i = 0; i < 3000; i += 2) wrong += map.erase(i) == 1 ? 0U : 1U;
  for (number i = 1; i < 3000; i += 2) {
    wrong += map.cvisit(
                 i, [&](const auto& e) { wrong += e.second.is_where_it_was_made() ? 0U : 1U; }) == 1
                 ? 0U
                 : 1U;
  }
  REQUIRE(wrong == 0);
  require_sound(map);
}

TEST_CASE("cmap: keys and values that only move live through growth and shrinking") {
  tiny_cmap<move_only, std::unique_ptr<number>> map;
  for (number i = 0; i < 2000; ++i) {
    REQUIRE(map.try_emplace(move_only(i), std::make_unique<number>(i)));
  }
  for (number i = 0; i < 2000; i += 3) {
    REQUIRE_FALSE(map.try_emplace(move_only(i), std::make_unique<number>(0)));
  }
  std::size_t wrong = 0;
  for (number i = 0; i < 2000; ++i) {
    wrong +=
        map.cvisit(move_only(i), [&](const auto& e) { wrong += *e.second == i ? 0U : 1U; }) == 1
            ? 0U
            : 1U;
  }
  for (number i = 0; i < 2000; ++i) wrong += map.erase(move_only(i)) == 1 ? 0U : 1U;
  REQUIRE(wrong == 0);
  REQUIRE(map.empty());
  require_sound(map);
}

template <class Map, class K>
constexpr bool can_rewrite = requires(Map& map, const K& k) {
  map.insert_or_assign(K(0), 1);
}
|| requires(Map& map, const K& k) {
  map.exchange(K(0), 1);
}
|| requires(Map& map, const K& k) {
  map.update(k, [](int&) {});
}
|| requires(Map& map, const K& k) {
  map.upsert(
      K(0), [](int&) {}, 1);
}
|| requires(Map& map, const K& k) {
  map.compute(K(0), [](std::optional<int>&) {});
}
|| requires(Map& map, const K& k) {
  map.replace_if_equal(k, 1, 2);
};

TEST_CASE("cmap: who would need a second key of one kind is told so by the constraints") {
  using map_type = concur::cmap<move_only, int>;
  STATIC_REQUIRE_FALSE(can_rewrite<map_type, move_only>);
  STATIC_REQUIRE(can_rewrite<concur::cmap<int, int>, int>);
  map_type map;
  map.try_emplace(move_only(1), 1);
  REQUIRE(map.take(move_only(1)) == 1);
}

TEST_CASE("cmap: a pair of rvalue references gives what they refer to") {
  concur::cmap<std::string, std::unique_ptr<int>> map;
  std::string key = long_text(1);
  auto value = std::make_unique<int>(1);
  REQUIRE(map.insert(
      std::pair<std::string&&, std::unique_ptr<int>&&>(std::move(key), std::move(value))));
  REQUIRE(map.contains(long_text(1)));
  REQUIRE(value == nullptr);
}

/// A value whose address is not asked for by `&`.
struct aloof {
  int value = 0;
  aloof* operator&() const noexcept { return nullptr; }
  friend bool operator==(const aloof&, const aloof&) = default;
};

TEMPLATE_TEST_CASE("cmap: values with an operator & of their own are like any other", "", aloof,
                   (std::pair<aloof, std::string>)) {
  concur::cmap<int, TestType> map;
  TestType one{};
  map.insert({1, one});
  map.insert_or_assign(1, one);
  map.upsert(
      1, [](TestType&) {}, one);
  map.update(1, [](TestType&) {});
  map.exchange(1, one);
  const auto guard = map.pin();
  REQUIRE(map.find(guard, 1) != nullptr);
  REQUIRE(*map.find(1) == one);
  REQUIRE(map.take(1) == one);
}

TEST_CASE("cmap: over-aligned elements are aligned through growth and overwriting") {
  tiny_cmap<over_aligned, over_aligned> map;
  for (number i = 0; i < 1500; ++i) map.insert({over_aligned{i}, over_aligned{i}});
  for (number i = 0; i < 1500; ++i) map.insert_or_assign(over_aligned{i}, over_aligned{i + 1});
  std::size_t misaligned = 0;
  std::size_t wrong = 0;
  map.cvisit_all([&](const auto& e) {
    misaligned += e.first.is_aligned() && e.second.is_aligned() ? 0U : 1U;
    wrong += e.second.value == e.first.value + 1 ? 0U : 1U;
  });
  REQUIRE(misaligned == 0);
  REQUIRE(wrong == 0);
  require_sound(map);
}

TEST_CASE("cmap: a lookup by another type makes no key") {
  concur::cmap<counted_text, number, counted_text_hash, counted_text_equal> map;
  for (number i = 0; i < 500; ++i) map.try_emplace(counted_text(long_text(i)), i);
  counted_text::made = 0;
  std::size_t wrong = 0;
  for (number i = 0; i < 500; ++i) {
    const std::string text = long_text(i);
    const std::string_view view = text;
    wrong += map.find(view) == i && map.contains(view) && map.count(view) == 1 ? 0U : 1U;
    wrong += map.update(view, [](number& n) { n += 1000; }) == 1 ? 0U : 1U;
    wrong += map.cvisit(view, [&](const auto& e) { wrong += e.second == i + 1000 ? 0U : 1U; }) == 1
                 ? 0U
                 : 1U;
    wrong += map.erase(view) == 1 && !map.contains(view) ? 0U : 1U;
  }
  REQUIRE(wrong == 0);
  REQUIRE(counted_text::made == 0);
  REQUIRE(map.empty());
}

TEST_CASE("cmap: strings are found by literals and views, with guards and in batches") {
  concur::cmap<std::string, std::string> map;
  for (number i = 0; i < 1000; ++i) map.insert({long_text(i), std::to_string(i)});
  using namespace std::string_view_literals;
  map.insert({"short", "literal"});
  REQUIRE(map.find("short") == "literal");
  REQUIRE(map.find("short"sv) == "literal");
  REQUIRE(map.find_or("absent"sv, "fallback") == "fallback");
  {
    const auto guard = map.pin();
    const std::string* const value = map.find(guard, "short"sv);
    REQUIRE(value != nullptr);
    REQUIRE(*value == "literal");
    REQUIRE(map.find(guard, "absent"sv) == nullptr);
  }
  const std::vector<std::string_view> keys{"short", "absent", "short"};
  std::vector<std::optional<std::string>> values;
  map.find_each(keys, std::back_inserter(values));
  REQUIRE(values.size() == 3);
  REQUIRE(values[0] == "literal");
  REQUIRE_FALSE(values[1].has_value());
  REQUIRE(map.cvisit(keys.begin(), keys.end(),
                     [](const auto& e) { REQUIRE(e.first == "short"); }) == 2);
  REQUIRE(map.exchange("short"sv, "new") == "literal");
  REQUIRE(map.take("short"sv) == "new");
  REQUIRE(map.insert_or_assign("made of a literal", "x"));
  REQUIRE(map.size() == 1001);
}

TEST_CASE("cmap: values of every size are whole, in the leaves or beside them") {
  const auto whole = [](auto of) {
    using V = decltype(of(0));
    tiny_cmap<number, V> map;
    for (number i = 0; i < 1000; ++i) map.insert({i, of(i)});
    for (number i = 0; i < 1000; i += 2) map.insert_or_assign(i, of(i + 1));
    std::size_t wrong = 0;
    for (number i = 0; i < 1000; ++i) {
      const std::optional<V> found = map.find(i);
      const V expected = of(i % 2 == 0 ? i + 1 : i);
      wrong += found && std::memcmp(&*found, &expected, sizeof(V)) == 0 ? 0U : 1U;
    }
    REQUIRE(wrong == 0);
    require_sound(map);
  };
  whole([](number i) { return static_cast<unsigned char>(i); });
  whole([](number i) { return static_cast<unsigned>(i); });
  whole([](number i) { return i; });
  whole([](number i) { return three_words{i, ~i, i * 3}; });
}

TEST_CASE("cmap: a map of maps frees what it holds") {
  using inner = concur::cmap<number, std::string>;
  concur::cmap<std::string, std::shared_ptr<inner>> map;
  for (number i = 0; i < 50; ++i) {
    auto held = std::make_shared<inner>();
    for (number j = 0; j < 50; ++j) held->insert({j, long_text(j)});
    map.insert({long_text(i), std::move(held)});
  }
  const std::shared_ptr<inner> kept = map.find(long_text(7)).value();
  map.clear();
  REQUIRE(kept->size() == 50);
  REQUIRE(kept->find(49) == long_text(49));
}

TEST_CASE("cmap: a map in a memory resource keeps its elements there, too") {
  std::pmr::monotonic_buffer_resource buffer(1 << 20);
  concur::pmr::cmap<std::pmr::string, std::pmr::string> map{
      std::pmr::polymorphic_allocator<>(&buffer)};
  for (number i = 0; i < 200; ++i) {
    map.try_emplace(std::pmr::string(long_text(i)), std::pmr::string(std::to_string(i)));
  }
  REQUIRE(map.get_allocator().resource() == &buffer);
  REQUIRE(map.size() == 200);
  REQUIRE(map.find(std::string_view(long_text(9))) == std::pmr::string("9"));
}
