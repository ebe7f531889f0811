// SPDX-License-Identifier: MIT
/// \file
/// The seams of the vocabulary: maps that may be full, faces that override a name, engines that
/// offer less or more; and the small parts of detail/map that have no map of their own.

#include <concur/detail/map/map_interface.hpp>

#include "conformance/test_map.hpp"
#include "support/catch.hpp"

#include <concur/concepts.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/detail/map/insert_core.hpp>
#include <concur/detail/map/results.hpp>
#include <concur/detail/map/stats.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

using namespace concur_test;

namespace {

constexpr std::size_t room = 3;

/// The locked engine, with room for three elements.
template <class Key, class T>
class bounded_engine
    : public locked_engine<Key, T, std::hash<Key>, std::equal_to<>, std::allocator<Key>> {
  using base = locked_engine<Key, T, std::hash<Key>, std::equal_to<>, std::allocator<Key>>;

 public:
  bounded_engine() : base({}, {}, {}) {}
  std::size_t capacity() const noexcept { return room; }

  template <class K, class OnAbsent, class OnPresent>
  void modify(std::uint64_t hash, K&& key, OnAbsent&& on_absent, OnPresent&& on_present) {
    const bool has_room = this->size() < room;
    if (!has_room && !this->read(hash, key, [](auto&) {})) return;
    base::modify(hash, key, on_absent, on_present);
  }
};

template <class Key, class T>
struct bounded_traits : concur::detail::map_traits<Key, T> {
  using insert_result = concur::insert_result;
};

template <class Key, class T>
class bounded_map
    : public concur::detail::map_interface<bounded_map<Key, T>, Key, T, bounded_traits<Key, T>> {
  friend struct concur::detail::map_access;
  auto& engine() noexcept { return engine_; }
  const auto& engine() const noexcept { return engine_; }
  bounded_engine<Key, T> engine_;
};

/// A face that overrides names, and restates the overloads.
class fast_map : public concur::detail::map_interface<fast_map, int, int> {
  using interface = concur::detail::map_interface<fast_map, int, int>;
  using engine_type = locked_engine<int, int, std::hash<int>, std::equal_to<>, std::allocator<int>>;
  friend struct concur::detail::map_access;
  engine_type& engine() noexcept { return engine_; }
  const engine_type& engine() const noexcept { return engine_; }
  engine_type engine_{{}, {}, {}};

 public:
  using interface::contains;
  mutable int fast_calls = 0;
  bool contains(const int& key) const {
    ++fast_calls;
    return interface::contains(key);
  }
};

/// Not inline: g++ 12 would warn of a string that is not there.
[[gnu::noinline]] void drop(std::optional<std::string>& value) {
  value.reset();
}

}  // namespace

TEST_CASE("a full map says so, and changes nothing", "[map_interface]") {
  bounded_map<int, std::string> map;
  STATIC_REQUIRE(std::is_same_v<decltype(map.insert({1, "a"})), concur::insert_result>);
  REQUIRE(map.insert({1, "a"}).inserted());
  REQUIRE(map.insert({1, "b"}).exists());
  REQUIRE(map.try_emplace(2, "b").inserted());
  REQUIRE(static_cast<bool>(map.emplace(3, "c")));
  const auto nothing = [](auto&) {};
  std::string spare = "spare";

  REQUIRE(map.insert({4, "d"}).full());
  REQUIRE_FALSE(static_cast<bool>(map.insert({4, "d"})));
  REQUIRE(map.try_emplace(4, std::move(spare)).full());
  REQUIRE(spare == "spare");
  REQUIRE(map.emplace(4, "d").full());
  REQUIRE(map.insert_or_assign(4, "d").full());
  REQUIRE(map.insert_or_assign(3, "C").exists());
  REQUIRE(map.upsert(4, nothing, "d").full());
  REQUIRE(map.upsert(
                 3, [](std::string& s) { s += '!'; }, "d")
              .exists());
  REQUIRE(map.insert_or_visit({4, "d"}, nothing).full());
  REQUIRE(map.insert_and_cvisit({4, "d"}, nothing, nothing).full());
  REQUIRE(map.try_emplace_or_visit(4, "d", nothing).full());
  REQUIRE(map.emplace_and_visit(4, "d", nothing, nothing).full());
  REQUIRE_THROWS_AS(map.exchange(4, "d"), std::length_error);
  REQUIRE(map.exchange(3, "c") == "C!");
  REQUIRE_THROWS_AS(map.compute(4, [](auto& v) { v = "d"; }), std::length_error);
  REQUIRE(map.insert({{3, "x"}, {4, "d"}, {5, "e"}}) == 0);
  REQUIRE(map.update(4, nothing) == 0);
  REQUIRE(map.erase(4) == 0);
  REQUIRE(map.size() == 3);

  REQUIRE_FALSE(map.compute(3, drop));
  REQUIRE(map.insert({{3, "x"}, {4, "d"}, {5, "e"}}) == 1);
  REQUIRE(map.load_factor() == 1.0F);
}

TEST_CASE("a face may override a name and keep its overloads", "[map_interface]") {
  fast_map map;
  map.insert({1, 2});
  REQUIRE(map.contains(1));
  REQUIRE(map.contains(short{1}));
  REQUIRE(map.count(1) == 1);  // derived from the override
  REQUIRE(map.fast_calls == 2);
}

TEST_CASE("the bases of the interface take no room", "[map_interface]") {
  struct alone {
    locked_engine<int, int, std::hash<int>, std::equal_to<>, std::allocator<int>> engine;
  };
  STATIC_REQUIRE(sizeof(bounded_map<int, int>) == sizeof(alone));
}

TEST_CASE("an insert_result is one of three", "[map_interface]") {
  using concur::detail::insert_outcome;
  const concur::insert_result inserted(insert_outcome::inserted);
  const concur::insert_result exists(insert_outcome::exists);
  const concur::insert_result full(insert_outcome::full);
  REQUIRE((inserted.inserted() && !inserted.exists() && !inserted.full()));
  REQUIRE((!exists.inserted() && exists.exists() && !exists.full()));
  REQUIRE((!full.inserted() && !full.exists() && full.full()));
  REQUIRE((static_cast<bool>(inserted) && !static_cast<bool>(exists) && !static_cast<bool>(full)));
  REQUIRE(inserted != exists);
  STATIC_REQUIRE(!std::is_convertible_v<concur::insert_result, bool>);
}

TEST_CASE("parts of the hashes cover each of them once", "[map_interface]") {
  using concur::detail::hash_range;
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7},
                                  std::size_t{16}, std::size_t{1'000}}) {
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const hash_range part = hash_range::part(i, count);
      REQUIRE(part.first == next);
      REQUIRE(part.last >= part.first);
      next = part.last + 1;  // wraps to 0 after the last
    }
    REQUIRE(next == 0);
  }
  REQUIRE(hash_range().is_all());
  REQUIRE(hash_range::part(0, 1).is_all());
  REQUIRE(hash_range{5, 7}.contains(5));
  REQUIRE(hash_range{5, 7}.contains(7));
  REQUIRE_FALSE(hash_range{5, 7}.contains(8));
}

TEST_CASE("callables that come last are handed on first, as they were given", "[map_interface]") {
  std::string moved = "moved";
  int kept = 1;
  const auto use = [](auto&& f, auto&& g, auto&&... rest) {
    STATIC_REQUIRE(sizeof...(rest) == 2);
    STATIC_REQUIRE(std::is_same_v<std::tuple<decltype(rest)...>, std::tuple<int&, std::string&&>>);
    return f() + g();
  };
  REQUIRE(concur::detail::with_last_first<2>(
              use, kept, std::move(moved), [] { return 3; }, [] { return 4; }) == 7);
}

TEST_CASE("statistics print as name and fields", "[map_interface]") {
  using concur::detail::stat;
  std::ostringstream text;
  concur::detail::print_stats(text, "map", stat{"size", 3}, stat{"resizing", false});
  REQUIRE(text.str() == "map{size: 3, resizing: 0}");
}
