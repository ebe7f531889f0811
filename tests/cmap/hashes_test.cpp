// SPDX-License-Identifier: MIT
/// \file
/// Hashes of every quality, one for all keys among them: the map is right with each, and gives its
/// memory back.
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/counting_allocator.hpp"
#include "support/sanitizers.hpp"

#include <string>
#include <vector>

using namespace concur_test;

namespace {

/// Longer than a leaf keeps inside.
std::string text_of(number n) {
  return "a value that is kept beside its leaf, " + std::to_string(n);
}
template <class V>
V value_of(number n) {
  if constexpr (std::is_same_v<V, std::string>) {
    return text_of(n);
  } else {
    return n;
  }
}

/// Two hashes that differ in their last bit.
struct last_bit_hash {
  using is_avalanching = std::true_type;
  std::uint64_t operator()(number key) const noexcept { return 0x5555'5555'5555'5554 | key % 2; }
};

/// A whole life with `n` keys; returns what went wrong.
template <class Map>
std::size_t live(Map& map, number n) {
  using V = typename Map::mapped_type;
  std::size_t wrong = 0;
  const auto expect = [&](bool ok) { wrong += ok ? 0U : 1U; };
  for (number i = 0; i < n; ++i) expect(map.insert({i, value_of<V>(i)}));
  for (number i = 0; i < n; i += 7) expect(!map.insert({i, value_of<V>(0)}));
  expect(map.size() == n);
  for (number i = 0; i < n; ++i) expect(map.find(i) == value_of<V>(i));
  for (number i = n; i < n + n / 4; ++i) expect(!map.contains(i));
  require_sound(map);
  std::vector<char> seen(n, 0);
  map.cvisit_all([&](const auto& e) { ++seen[e.first]; });
  for (const char count : seen) expect(count == 1);
  for (number i = 0; i < n; i += 3) expect(!map.insert_or_assign(i, value_of<V>(i + 1)));
  for (number i = 0; i < n; i += 2) expect(map.erase(i) == 1);
  for (number i = 0; i < n; ++i) {
    const auto found = map.find(i);
    expect(found.has_value() == (i % 2 == 1));
    if (found) expect(*found == value_of<V>(i % 3 == 0 ? i + 1 : i));
  }
  require_sound(map);
  expect(map.erase_if([&](const auto& e) { return e.first < n / 2; }) == n / 4);
  for (number i = n; i-- > 0;) map.erase(i);
  expect(map.empty());
  require_sound(map);
  return wrong;
}

template <class V>
void live_with_every_shape() {
  using allocator = counting_allocator<std::pair<const number, V>>;
  for (unsigned kind = 0; kind < static_cast<unsigned>(shape::count); ++kind) {
    const shape s = static_cast<shape>(kind);
    const bool is_crowded = s == shape::one || s == shape::few;
    INFO("shape " << kind);
    allocation_account account;
    {
      tiny_cmap<number, V, shaped_hash, std::equal_to<>, allocator> map(
          0, shaped_hash{s}, std::equal_to<>(), allocator(account));
      REQUIRE(live(map, is_crowded ? 400 : 2000) == 0);
      REQUIRE(live(map, is_crowded ? 200 : 800) == 0);
    }
    REQUIRE(account.balanced());
  }
}

}  // namespace

TEST_CASE("cmap: every shape of hash is right, elements in the leaves") {
  live_with_every_shape<number>();
}

TEST_CASE("cmap: every shape of hash is right, elements beside the leaves") {
  live_with_every_shape<std::string>();
}

TEST_CASE("cmap: every shape of hash is right where addresses leave no room for a filter") {
  using concur::detail::basic_cmap;
  for (unsigned kind = 0; kind < static_cast<unsigned>(shape::count); ++kind) {
    INFO("shape " << kind);
    const shaped_hash hash{static_cast<shape>(kind)};
    const bool is_crowded = hash.kind == shape::one || hash.kind == shape::few;
    basic_cmap<number, number, shaped_hash, std::equal_to<>,
               std::allocator<std::pair<const number, number>>, unfiltered_cmap_tuning>
        inside(0, hash);
    REQUIRE(live(inside, is_crowded ? 200 : 1000) == 0);
    basic_cmap<number, std::string, shaped_hash, std::equal_to<>,
               std::allocator<std::pair<const number, std::string>>, unfiltered_cmap_tuning>
        beside(0, hash);
    REQUIRE(live(beside, is_crowded ? 200 : 1000) == 0);
  }
}

TEST_CASE("cmap: 10,000 keys of one hash are 10,000 elements") {
  constexpr number n = has_sanitizer ? 2'000 : 10'000;
  concur::cmap<number, number, shaped_hash> map(0, shaped_hash{shape::one});
  std::size_t wrong = 0;
  for (number i = 0; i < n; ++i) wrong += map.insert({i, i}) ? 0U : 1U;
  REQUIRE(map.size() == n);
  for (number i = 0; i < n; ++i) wrong += map.find(i) == i ? 0U : 1U;
  wrong += map.contains(n) ? 1U : 0U;
  for (number i = 0; i < n; i += 100) {
    wrong += map.update(i, [](number& v) { ++v; }) == 1 ? 0U : 1U;
  }
  require_sound(map);
  number sum = 0;
  REQUIRE(map.cvisit_all([&](const auto& e) { sum += e.second - e.first; }) == n);
  REQUIRE(sum == n / 100);
  REQUIRE(map.erase_if([](const auto& e) { return e.first % 2 == 0; }) == n / 2);
  for (number i = 0; i < n; ++i) wrong += map.erase(i) == i % 2 ? 0U : 1U;
  REQUIRE(wrong == 0);
  REQUIRE(map.empty());
  require_sound(map);
}

TEST_CASE("cmap: small numbers that are their own hashes cost neither memory nor much time") {
  // All of them are under the first slot of whatever root there is.
  concur::cmap<number, number, concur::identity_hash> map;
  constexpr number n = 100'000;
  std::size_t wrong = 0;
  for (number i = 0; i < n; ++i) wrong += map.insert({i, i}) ? 0U : 1U;
  for (number i = 0; i < n; ++i) wrong += map.find(i) == i ? 0U : 1U;
  REQUIRE(wrong == 0);
  require_sound(map);
  for (number i = 0; i < n; ++i) wrong += map.erase(i) == 1 ? 0U : 1U;
  REQUIRE(wrong == 0);
  REQUIRE(map.empty());
  require_sound(map);
}

TEST_CASE("cmap: two lists of equal hashes that share all bits but the last stay apart") {
  tiny_cmap<number, number, last_bit_hash> map;
  std::size_t wrong = 0;
  for (number i = 0; i < 200; ++i) wrong += map.insert({i, i}) ? 0U : 1U;
  for (number i = 0; i < 200; ++i) wrong += map.find(i) == i ? 0U : 1U;
  require_sound(map);
  for (number i = 0; i < 200; i += 2) wrong += map.erase(i) == 1 ? 0U : 1U;
  for (number i = 0; i < 200; ++i) wrong += map.contains(i) == (i % 2 == 1) ? 0U : 1U;
  require_sound(map);
  for (number i = 1; i < 200; i += 2) wrong += map.erase(i) == 1 ? 0U : 1U;
  REQUIRE(wrong == 0);
  REQUIRE(map.empty());
  require_sound(map);
}
