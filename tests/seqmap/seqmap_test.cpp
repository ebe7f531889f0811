// SPDX-License-Identifier: MIT
/// \file
/// The face: constructors, copies, moves and swaps with all kinds of allocators, what is said about
/// room, and what prints.
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/map_making.hpp"
#include "support/seqmap_access.hpp"

#include <concur/seqmap.hpp>
#include <map>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

using namespace concur_test;

namespace {

using plain_map = concur::seqmap<number, number>;

}  // namespace

TEST_CASE("all constructors make the map that they say") {
  require_constructors<concur::seqmap>();
  REQUIRE(plain_map(100).capacity() >= 100);
}

TEST_CASE("copies, moves and swaps take the hasher along") {
  exchange_hashers<concur::seqmap>();
}

TEST_CASE("contents change hands between maps whose allocators stay") {
  exchange_contents<concur::seqmap, number, counting_allocator, false>();
  exchange_contents<concur::seqmap, number, fancy_allocator, false>();
}

TEST_CASE("contents change hands between maps whose allocators go along") {
  exchange_contents<concur::seqmap, number, propagating_allocator, true>();
}

TEST_CASE("a map is deduced from what it is made of") {
  const std::vector<std::pair<const int, double>> elements{{1, 0.5}};
  const std::map<short, char> ordered{{short{1}, 'x'}};
  STATIC_REQUIRE(std::is_same_v<decltype(concur::seqmap(elements.begin(), elements.end())),
                                concur::seqmap<int, double>>);
  STATIC_REQUIRE(std::is_same_v<decltype(concur::seqmap(ordered.begin(), ordered.end(), 10)),
                                concur::seqmap<short, char>>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(concur::seqmap(elements.begin(), elements.end(), 0, numbered_hash())),
                     concur::seqmap<int, double, numbered_hash>>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(concur::seqmap({std::pair(1, 2U)})), concur::seqmap<int, unsigned>>);
  const concur::seqmap made(elements.begin(), elements.end());
  REQUIRE(made.find(1) == 0.5);
}

TEST_CASE("stats are those of the moment, and print") {
  plain_map map;
  REQUIRE(map.stats().size == 0);
  REQUIRE(map.stats().capacity == 0);
  fill(map, 100);
  const auto stats = map.stats();
  REQUIRE(stats.size == 100);
  REQUIRE(stats.capacity == map.capacity());
  REQUIRE(stats.load_factor == map.load_factor());
  REQUIRE(stats.cells_per_bucket == 3);
  REQUIRE(stats.bucket_bytes == 64);
  std::ostringstream out;
  out << stats;
  REQUIRE(out.str().find("seqmap{size: 100, capacity: ") == 0);
  REQUIRE(out.str().find("load_factor: 0.") != std::string::npos);
}

TEST_CASE("a reservation is room for as many as it says") {
  for (const std::size_t n : {1U, 2U, 3U, 10U, 11U, 100U, 1000U, 1024U, 50'000U}) {
    CAPTURE(n);
    plain_map map;
    map.reserve(n);
    const std::size_t capacity = map.capacity();
    REQUIRE(capacity >= n);
    fill(map, n);
    REQUIRE(map.capacity() == capacity);
    REQUIRE_FALSE(map.stats().resizing);
    REQUIRE(is_full(map, n));
    map.reserve(0);
    REQUIRE(map.capacity() == capacity);
  }
}

TEST_CASE("shrink_to_fit leaves room for what is there") {
  plain_map map(100'000);
  fill(map, 1000);
  map.shrink_to_fit();
  REQUIRE(map.capacity() >= 1000);
  REQUIRE(map.capacity() <= 4000);
  REQUIRE(is_full(map, 1000));
  map.clear();
  map.shrink_to_fit();
  REQUIRE(map.capacity() <= 16);
  fill(map, 1000);
  REQUIRE(is_full(map, 1000));
}

TEST_CASE("two maps do not share a seed") {
  const plain_map a;
  const plain_map b;
  int different = 0;
  for (number i = 0; i < 100; ++i) different += a.hash_function()(i) != b.hash_function()(i);
  REQUIRE(different > 90);
}

TEST_CASE("the maximum load factor goes with copies and moves, and stays when a list is assigned") {
  allocation_account one;
  allocation_account two;
  using map_type = concur::seqmap<number, number, concur::hash<number>, std::equal_to<>,
                                  counting_allocator<std::pair<const number, number>>>;
  const map_type::allocator_type first(one);
  const map_type::allocator_type second(two);
  map_type map(0, first);
  const float unset = map.max_load_factor();
  map.max_load_factor(0.25F);
  fill(map, 10);
  REQUIRE(map.max_load_factor() != unset);
  REQUIRE(map_type(map).max_load_factor() == 0.25F);
  REQUIRE(map_type(map, second).max_load_factor() == 0.25F);
  map_type assigned(0, second);
  assigned = map;
  REQUIRE(assigned.max_load_factor() == 0.25F);
  map = {{1, 1}};
  REQUIRE(map.max_load_factor() == 0.25F);
  assigned.max_load_factor(0.5F);
  assigned = std::move(map);  // element by element
  REQUIRE(assigned.max_load_factor() == 0.25F);
  // What was moved from is an empty map. NOLINTBEGIN(bugprone-use-after-move)
  REQUIRE(map.max_load_factor() == 0.25F);
  map_type moved(std::move(map));
  REQUIRE(moved.max_load_factor() == 0.25F);
  REQUIRE(map.max_load_factor() == 0.25F);
  // NOLINTEND(bugprone-use-after-move)
  map_type other(0, first);
  moved.swap(other);
  REQUIRE(other.max_load_factor() == 0.25F);
  REQUIRE(moved.max_load_factor() == unset);
}
