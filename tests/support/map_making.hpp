// SPDX-License-Identifier: MIT
/// \file
/// How a map is made, copied, moved and swapped, with and without allocators and hashers that go
/// along: for the tests of the single maps.
#pragma once

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/scattered.hpp"

#include <concur/policy/hash.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace concur_test {

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

/// Numbers as they are, or as text that has memory of its own.
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

/// Says which one it is.
struct numbered_hash {
  int id = 0;
  std::size_t operator()(number k) const noexcept { return k; }
};

/// Copies, moves and swaps of maps whose accounts differ or not.
template <template <class...> class Map, class Key, template <class> class Allocator,
          bool Propagates>
void exchange_contents() {
  using map_type =
      Map<Key, number, concur::hash<Key>, std::equal_to<>, Allocator<std::pair<const Key, number>>>;
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
    if constexpr (requires { a.validate(); }) {
      for (const map_type* map : {&a, &b, &c, &d, &e, &f}) {
        REQUIRE(map->validate().error == nullptr);
      }
    }
  }
  REQUIRE(first.balanced());
  REQUIRE(second.balanced());
}

template <template <class...> class Map>
void require_constructors() {
  using map_type = Map<number, number>;
  const std::vector<std::pair<number, number>> some{{0, 0}, {1, 2}, {2, 4}, {1, 99}};
  REQUIRE(map_type().empty());
  REQUIRE(map_type(100).empty());
  REQUIRE(is_full(map_type(some.begin(), some.end()), 3));
  REQUIRE(is_full(map_type(some.begin(), some.end(), 500), 3));
  REQUIRE(is_full(map_type({{0, 0}, {1, 2}}), 2));
  REQUIRE(is_full(map_type({{0, 0}, {1, 2}}, 100), 2));
  REQUIRE(is_full(map_type(some.begin(), some.end(), std::allocator<int>()), 3));
  using hashed = Map<number, number, numbered_hash>;
  REQUIRE(hashed(10, numbered_hash{5}).hash_function().id == 5);
  REQUIRE(hashed(some.begin(), some.end(), 0, numbered_hash{6}).hash_function().id == 6);
  REQUIRE(hashed({{1, 1}}, 0, numbered_hash{7}).hash_function().id == 7);
}

/// The hasher is that of the source, or goes along.
template <template <class...> class Map>
void exchange_hashers() {
  using hashed = Map<number, number, numbered_hash>;
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

}  // namespace concur_test
