// SPDX-License-Identifier: MIT
/// \file
/// The face: constructors, copies, moves and swaps with all kinds of allocators, what is said about
/// room, and what prints.
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
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

/// A counting allocator that goes along with copies, moves and swaps.
template <class T>
struct propagating_allocator : counting_allocator<T> {
  using propagate_on_container_copy_assignment = std::true_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using counting_allocator<T>::counting_allocator;
  template <class U>
  propagating_allocator(const propagating_allocator<U>& other) noexcept
      : counting_allocator<T>(other) {}
};

template <template <class> class Allocator>
using map_with = concur::seqmap<number, number, concur::hash<number>, std::equal_to<>,
                                Allocator<std::pair<const number, number>>>;

template <class Map>
void fill(Map& map, number n) {
  for (number i = 0; i < n; ++i) map.insert({i, 2 * i});
}

template <class Map>
bool is_full(const Map& map, number n) {
  bool ok = map.size() == n;
  for (number i = 0; i < n; ++i) ok &= map.find(i) == 2 * i;
  return ok;
}

struct numbered_hash {
  int id = 0;
  std::size_t operator()(number k) const noexcept { return k; }
};

/// Copies, moves and swaps of maps whose accounts differ or not.
template <template <class> class Allocator, bool Propagates>
void exchange_contents() {
  using map_type = map_with<Allocator>;
  using allocator = typename map_type::allocator_type;
  allocation_account first;
  allocation_account second;
  {
    map_type a{allocator(first)};
    fill(a, 500);
    map_type b{allocator(second)};
    fill(b, 30);
    const map_type copy(a);
    REQUIRE(is_full(copy, 500));
    REQUIRE(copy == a);
    const map_type elsewhere(a, allocator(second));
    REQUIRE(is_full(elsewhere, 500));
    REQUIRE(elsewhere.get_allocator() == allocator(second));

    b = a;
    REQUIRE(is_full(b, 500));
    REQUIRE(is_full(a, 500));
    REQUIRE(b.get_allocator() == allocator(Propagates ? first : second));

    map_type c{allocator(second)};
    fill(c, 10);
    c = std::move(a);
    REQUIRE(is_full(c, 500));
    REQUIRE(a.empty());  // NOLINT: empty, as a moved-from map of ours is
    REQUIRE(c.get_allocator() == allocator(Propagates ? first : second));
    fill(a, 20);
    REQUIRE(is_full(a, 20));

    map_type d(std::move(c));
    REQUIRE(is_full(d, 500));
    REQUIRE(c.empty());  // NOLINT
    map_type e(std::move(d), allocator(first));
    REQUIRE(is_full(e, 500));
    REQUIRE(d.empty());  // NOLINT

    map_type f{e.get_allocator()};
    fill(f, 7);
    swap(e, f);
    REQUIRE(is_full(f, 500));
    REQUIRE(is_full(e, 7));
    e.swap(e);
    REQUIRE(is_full(e, 7));
    if constexpr (Propagates) {
      map_type g{allocator(second)};
      fill(g, 3);
      e.swap(g);
      REQUIRE(is_full(e, 3));
      REQUIRE(is_full(g, 7));
      REQUIRE(e.get_allocator() == allocator(second));
    }
    const map_type& alias = e;
    e = alias;
    REQUIRE(e.size() != 0);
    e = {{1, 2}, {2, 4}, {0, 0}};
    REQUIRE(is_full(e, 3));
  }
  REQUIRE(first.balanced());
  REQUIRE(second.balanced());
}

}  // namespace

TEST_CASE("all constructors make the map that they say") {
  const std::vector<std::pair<number, number>> some{{0, 0}, {1, 2}, {2, 4}, {1, 99}};
  REQUIRE(plain_map().empty());
  REQUIRE(plain_map(100).capacity() >= 100);
  REQUIRE(is_full(plain_map(some.begin(), some.end()), 3));
  REQUIRE(is_full(plain_map(some.begin(), some.end(), 500), 3));
  REQUIRE(is_full(plain_map({{0, 0}, {1, 2}}), 2));
  REQUIRE(is_full(plain_map({{0, 0}, {1, 2}}, 100), 2));
  REQUIRE(is_full(plain_map(some.begin(), some.end(), std::allocator<int>()), 3));
  using hashed = concur::seqmap<number, number, numbered_hash>;
  REQUIRE(hashed(10, numbered_hash{5}).hash_function().id == 5);
  REQUIRE(hashed(some.begin(), some.end(), 0, numbered_hash{6}).hash_function().id == 6);
  REQUIRE(hashed({{1, 1}}, 0, numbered_hash{7}).hash_function().id == 7);
}

TEST_CASE("copies, moves and swaps take the hasher along") {
  using hashed = concur::seqmap<number, number, numbered_hash>;
  hashed a(0, numbered_hash{1});
  hashed b(0, numbered_hash{2});
  fill(a, 100);
  fill(b, 10);
  a.swap(b);
  REQUIRE(a.hash_function().id == 2);
  REQUIRE(b.hash_function().id == 1);
  REQUIRE(is_full(a, 10));
  REQUIRE(is_full(b, 100));
  a = b;
  REQUIRE(a.hash_function().id == 1);
  REQUIRE(is_full(a, 100));
  const hashed c(std::move(a));
  REQUIRE(c.hash_function().id == 1);
  REQUIRE(is_full(c, 100));
}

TEST_CASE("contents change hands between maps whose allocators stay") {
  exchange_contents<counting_allocator, false>();
  exchange_contents<fancy_allocator, false>();
}

TEST_CASE("contents change hands between maps whose allocators go along") {
  exchange_contents<propagating_allocator, true>();
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
  using map_type = map_with<counting_allocator>;
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
