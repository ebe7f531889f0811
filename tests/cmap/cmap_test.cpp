// SPDX-License-Identifier: MIT
/// \file
/// The face: constructors, copies, moves and swaps with all kinds of allocators, what is said about
/// room, and what prints.
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/counting_allocator.hpp"

#include <map>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

using namespace concur_test;

namespace {

using plain_map = concur::cmap<number, number>;

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

template <class Key, template <class> class Allocator>
using map_with = concur::cmap<Key, number, concur::hash<Key>, std::equal_to<>,
                              Allocator<std::pair<const Key, number>>>;

/// Keys that are kept in the leaves, and keys that are kept beside them.
template <class Key>
Key key_of(number i) {
  if constexpr (std::is_same_v<Key, std::string>) {
    return "a key that is too long for a short string: " + std::to_string(i);
  } else {
    return i;
  }
}

template <class Map>
void fill(Map& map, number n) {
  using key = typename Map::key_type;
  for (number i = 0; i < n; ++i) map.insert({key_of<key>(i), 2 * i});
}

template <class Map>
bool is_full(const Map& map, number n) {
  using key = typename Map::key_type;
  bool ok = map.size() == n;
  for (number i = 0; i < n; ++i) ok &= map.find(key_of<key>(i)) == 2 * i;
  return ok;
}

struct numbered_hash {
  int id = 0;
  std::size_t operator()(number k) const noexcept { return k; }
};

/// Copies, moves and swaps of maps whose accounts differ or not.
template <class Key, template <class> class Allocator, bool Propagates>
void exchange_contents() {
  using map_type = map_with<Key, Allocator>;
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
    e = {{key_of<Key>(1), 2}, {key_of<Key>(2), 4}, {key_of<Key>(0), 0}};
    REQUIRE(is_full(e, 3));
    for (const map_type* map : {&a, &b, &c, &d, &e, &f}) require_sound(*map);
  }
  REQUIRE(first.balanced());
  REQUIRE(second.balanced());
}

}  // namespace

TEST_CASE("cmap: all constructors make the map that they say") {
  const std::vector<std::pair<number, number>> some{{0, 0}, {1, 2}, {2, 4}, {1, 99}};
  REQUIRE(plain_map().empty());
  REQUIRE(plain_map(100).empty());
  REQUIRE(plain_map(100).capacity() > 0);
  REQUIRE(is_full(plain_map(some.begin(), some.end()), 3));
  REQUIRE(is_full(plain_map(some.begin(), some.end(), 500), 3));
  REQUIRE(is_full(plain_map({{0, 0}, {1, 2}}), 2));
  REQUIRE(is_full(plain_map({{0, 0}, {1, 2}}, 100), 2));
  REQUIRE(is_full(plain_map(some.begin(), some.end(), std::allocator<int>()), 3));
  using hashed = concur::cmap<number, number, numbered_hash>;
  REQUIRE(hashed(10, numbered_hash{5}).hash_function().id == 5);
  REQUIRE(hashed(some.begin(), some.end(), 0, numbered_hash{6}).hash_function().id == 6);
  REQUIRE(hashed({{1, 1}}, 0, numbered_hash{7}).hash_function().id == 7);
}

TEST_CASE("cmap: copies, moves and swaps take the hasher along") {
  using hashed = concur::cmap<number, number, numbered_hash>;
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

TEST_CASE("cmap: contents change hands between maps whose allocators stay") {
  exchange_contents<number, counting_allocator, false>();
  exchange_contents<number, fancy_allocator, false>();
  exchange_contents<std::string, counting_allocator, false>();
  exchange_contents<std::string, fancy_allocator, false>();
}

TEST_CASE("cmap: contents change hands between maps whose allocators go along") {
  exchange_contents<number, propagating_allocator, true>();
  exchange_contents<std::string, propagating_allocator, true>();
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
