// SPDX-License-Identifier: MIT
/// \file
/// The face: constructors, copies, moves and swaps with all kinds of allocators, what is said about
/// room, and what prints.
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/counting_allocator.hpp"
#include "support/map_making.hpp"

#include <map>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

using namespace concur_test;

namespace {

using plain_map = concur::cmap<number, number>;

}  // namespace

TEST_CASE("cmap: all constructors make the map that they say") {
  require_constructors<concur::cmap>();
  REQUIRE(plain_map(100).capacity() > 0);
}

TEST_CASE("cmap: copies, moves and swaps take the hasher along") {
  exchange_hashers<concur::cmap>();
}

TEST_CASE("cmap: contents change hands between maps whose allocators stay") {
  exchange_contents<concur::cmap, number, counting_allocator, false>();
  exchange_contents<concur::cmap, number, fancy_allocator, false>();
  exchange_contents<concur::cmap, std::string, counting_allocator, false>();
  exchange_contents<concur::cmap, std::string, fancy_allocator, false>();
}

TEST_CASE("cmap: contents change hands between maps whose allocators go along") {
  exchange_contents<concur::cmap, number, propagating_allocator, true>();
  exchange_contents<concur::cmap, std::string, propagating_allocator, true>();
}

TEST_CASE("cmap: maps are equal when they hold the same elements") {
  plain_map a;
  plain_map b;
  REQUIRE(a == b);
  fill(a, 1000);
  for (number i = 1000; i-- > 0;) b.insert({i, 2 * i});
  REQUIRE(a == b);
  b.insert_or_assign(500, 1U);
  REQUIRE_FALSE(a == b);
  b.erase(500);
  REQUIRE_FALSE(a == b);
  b.insert({500, 1000});
  b.insert({1000, 2000});
  REQUIRE_FALSE(a == b);
  REQUIRE_FALSE(b == a);
}

TEST_CASE("cmap: a map is deduced from what it is made of") {
  const std::vector<std::pair<const int, double>> elements{{1, 0.5}};
  const std::map<short, char> ordered{{short{1}, 'x'}};
  STATIC_REQUIRE(std::is_same_v<decltype(concur::cmap(elements.begin(), elements.end())),
                                concur::cmap<int, double>>);
  STATIC_REQUIRE(std::is_same_v<decltype(concur::cmap(ordered.begin(), ordered.end(), 10)),
                                concur::cmap<short, char>>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(concur::cmap(elements.begin(), elements.end(), 0, numbered_hash())),
                     concur::cmap<int, double, numbered_hash>>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(concur::cmap({std::pair(1, 2U)})), concur::cmap<int, unsigned>>);
  const concur::cmap made(elements.begin(), elements.end());
  REQUIRE(made.find(1) == 0.5);
}

TEST_CASE("cmap: stats are those of the moment, and print") {
  plain_map map;
  REQUIRE(map.stats().size == 0);
  REQUIRE(map.stats().capacity == 0);
  fill(map, 100);
  const auto stats = map.stats();
  REQUIRE(stats.size == 100);
  REQUIRE(stats.capacity == map.capacity());
  REQUIRE(stats.load_factor == map.load_factor());
  REQUIRE(stats.oldest_pinned == 0);
  const auto guard = map.pin();
  REQUIRE(map.stats().oldest_pinned != 0);
  std::ostringstream out;
  out << stats;
  REQUIRE(out.str().find("cmap{size: 100, ") == 0);
}

TEST_CASE("cmap: a reservation is room for as many as it says") {
  for (const std::size_t n : {1U, 10U, 100U, 1000U, 50'000U}) {
    CAPTURE(n);
    plain_map map;
    map.reserve(n);
    const std::size_t capacity = map.capacity();
    REQUIRE(capacity > 0);
    fill(map, n);
    REQUIRE(map.capacity() == capacity);
    REQUIRE_FALSE(map.stats().resizing);
    REQUIRE(is_full(map, n));
    map.reserve(0);
    REQUIRE(map.capacity() == capacity);
    require_sound(map);
  }
}

TEST_CASE("cmap: shrink_to_fit leaves room for what is there") {
  plain_map map(100'000);
  const std::size_t reserved = map.capacity();
  fill(map, 1000);
  map.shrink_to_fit();
  REQUIRE(map.capacity() < reserved / 8);
  REQUIRE(is_full(map, 1000));
  map.clear();
  map.shrink_to_fit();
  REQUIRE(map.capacity() <= 64);
  fill(map, 1000);
  REQUIRE(is_full(map, 1000));
  require_sound(map);
}

TEST_CASE("cmap: two maps do not share a seed") {
  const plain_map a;
  const plain_map b;
  int different = 0;
  for (number i = 0; i < 100; ++i) different += a.hash_function()(i) != b.hash_function()(i);
  REQUIRE(different > 90);
}

TEST_CASE("cmap: the table grows with the map, and the map stays sound") {
  plain_map map;
  std::size_t before = 0;
  for (number n : {10U, 1'000U, 30'000U}) {
    fill(map, n);
    REQUIRE(map.capacity() >= before);
    before = map.capacity();
    REQUIRE(is_full(map, n));
    require_sound(map);
  }
  REQUIRE(before >= 30'000 / 16);
}
