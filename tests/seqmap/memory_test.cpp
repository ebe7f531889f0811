// SPDX-License-Identifier: MIT
/// \file
/// Where the memory comes from, and what happens when there is none: at every allocation, the map
/// is what a model says, and everything is given back. The same for hashers and equalities that
/// throw.
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/faults.hpp"
#include "support/seqmap_access.hpp"

#include <map>
#include <memory_resource>
#include <new>
#include <vector>

using namespace concur_test;

namespace {

using model_type = std::map<number, number>;

template <class Map>
bool is_as(const Map& map, const model_type& model) {
  if (map.size() != model.size()) return false;
  for (const auto& [k, v] : model) {
    if (map.find(k) != v) return false;
  }
  std::size_t n = 0;
  map.cvisit_all([&](const auto&) { ++n; });
  return n == model.size();
}

/// A long life: growth, annex pages (the keys below 2^20 share a few homes of an identity hash),
/// erasure, shrinking. `attempt(f)` runs f and says whether it got through.
template <class Map, class Attempt>
void live(Map& map, model_type& model, Attempt attempt) {
  const auto insert = [&](number k, number v) {
    bool is_new = false;
    if (attempt([&] { is_new = map.insert({k, v}); }) && is_new) model.emplace(k, v);
  };
  const auto erase = [&](number k) {
    std::size_t n = 0;
    if (attempt([&] { n = map.erase(k); }) && n == 1) model.erase(k);
  };
  for (number i = 0; i < 60; ++i) insert(scattered(i), i);
  for (number i = 0; i < 90; ++i) insert(i, i);
  for (number i = 0; i < 60; i += 2) {
    if (attempt([&] { map.insert_or_assign(scattered(i), i + 1); })) model[scattered(i)] = i + 1;
  }
  attempt([&] { map.reserve(700); });
  for (number i = 60; i < 200; ++i) insert(scattered(i), i);
  for (number i = 0; i < 90; i += 2) erase(i);
  for (number i = 0; i < 170; ++i) erase(scattered(i));
  attempt([&] { map.shrink_to_fit(); });
  attempt([&] {
    const Map copy(map);
    if (!is_as(copy, model)) throw std::logic_error("the copy differs");
  });
  for (number i = 300; i < 340; ++i) insert(scattered(i), i);
}

template <class Hash, class KeyEqual, class Allocator>
using faulty_map = tiny_map<number, number, Hash, KeyEqual, Allocator>;

struct faulty_identity {
  using is_avalanching = std::true_type;
  std::uint64_t operator()(number key) const {
    fault_point();
    return key;
  }
};

}  // namespace

TEST_CASE("an allocation that fails, whichever it is, costs one operation and nothing else") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  using map_type = faulty_map<concur::identity_hash, std::equal_to<>, allocator>;
  std::size_t failures_seen = 0;
  for (std::size_t n = 1;; ++n) {
    allocation_account account;
    bool is_over = false;
    {
      model_type model;
      map_type map{allocator(account)};
      account.fail_at(n);
      live(map, model, [&](auto f) {
        try {
          f();
          return true;
        } catch (const std::bad_alloc&) {
          ++failures_seen;
          return false;
        }
      });
      is_over = account.failure_pending();
      account.fail_never();
      CAPTURE(n);
      REQUIRE(is_as(map, model));
      for (const auto& element : model) REQUIRE(map.erase(element.first) == 1);
      REQUIRE(map.empty());
    }
    REQUIRE(account.balanced());
    if (is_over) {
      REQUIRE(n > 20);
      break;
    }
  }
  REQUIRE(failures_seen > 0);
}

TEST_CASE("a map that gets no memory at all for a while goes on with what it has") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  allocation_account account;
  {
    // One seed: with some a block is full, and needs a page, long before the table is.
    faulty_map<concur::hash<number>, std::equal_to<>, allocator> map(
        0, concur::hash<number>(1), std::equal_to<>(), allocator(account));
    for (number i = 0; i < 100; ++i) map.insert({i, i});
    std::size_t inserted = 100;
    bool has_failed = false;
    for (number i = 100; i < 2000 && !has_failed; ++i) {
      account.fail_at(1);
      try {
        inserted += map.insert({i, i}) ? 1U : 0U;
      } catch (const std::bad_alloc&) {
        has_failed = true;
      }
    }
    // It went on far beyond the load at which it would have grown, and then said so; nothing of the
    // failed insertion is there.
    REQUIRE(has_failed);
    REQUIRE(map.size() == inserted);
    REQUIRE(map.load_factor() > 0.65F);
    for (number i = 0; i < inserted; ++i) REQUIRE(map.find(i) == i);
    REQUIRE_FALSE(map.contains(inserted));
    account.fail_never();
    for (number i = inserted; i < 2000; ++i) REQUIRE(map.insert({i, i}));
    REQUIRE(map.size() == 2000);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("a hasher or an equality that throws, whenever it does, leaves the map as it was") {
  const auto sweep = [](auto make, std::size_t step, auto& seen) {
    for (std::size_t n = 1;; n += step) {
      auto map = make();
      model_type model;
      fault_countdown = n;
      live(*map, model, [&](auto f) {
        try {
          f();
          return true;
        } catch (const injected_fault&) {
          ++seen;
          return false;
        }
      });
      const bool is_over = fault_countdown != 0;
      fault_countdown = 0;
      CAPTURE(n);
      REQUIRE(is_as(*map, model));
      if (is_over) break;
    }
  };
  std::size_t seen = 0;
  SECTION("hasher") {
    using map_type = tiny_map<number, number, faulty_identity>;
    sweep([] { return std::make_unique<map_type>(); }, 3, seen);
  }
  SECTION("equality") {
    using map_type = tiny_map<number, number, concur::identity_hash, faulty_equal>;
    sweep([] { return std::make_unique<map_type>(); }, 5, seen);
  }
  REQUIRE(seen > 0);
}

TEST_CASE("constructors refuse what cannot be, and leak nothing") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  using map_type = concur::seqmap<number, number, concur::hash<number>, std::equal_to<>, allocator>;
  allocation_account account;
  const std::size_t most = ~std::size_t{0};
  for (const std::size_t n : {most, most / 2 + 1, most / 16, most / 64}) {
    REQUIRE_THROWS_AS(map_type(n, allocator(account)), std::length_error);
    REQUIRE_THROWS_AS((concur::seqmap<number, number>(n)), std::length_error);
  }
  account.fail_at(1);
  REQUIRE_THROWS_AS(map_type(1000, allocator(account)), std::bad_alloc);
  const std::vector<std::pair<number, number>> values{{1, 1}, {2, 2}};
  account.fail_at(1);
  REQUIRE_THROWS_AS(map_type(values.begin(), values.end(), allocator(account)), std::bad_alloc);
  REQUIRE(account.balanced());
}

TEST_CASE("an empty map takes no memory, and neither do reading, erasing and copying it") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  using map_type = concur::seqmap<number, number, concur::hash<number>, std::equal_to<>, allocator>;
  STATIC_REQUIRE(sizeof(concur::seqmap<number, number>) <= 256);
  allocation_account account;
  map_type map{allocator(account)};
  REQUIRE_FALSE(map.contains(1));
  REQUIRE(map.capacity() == 0);
  REQUIRE(map.load_factor() == 0.0F);
  REQUIRE(map.cvisit_all([](const auto&) {}) == 0);
  map.shrink_to_fit();
  const map_type copy(map);
  REQUIRE(copy.empty());
  REQUIRE(account.total_allocations() == 0);
}

TEST_CASE("fancy pointers are used as pointers") {
  using allocator = fancy_allocator<std::pair<const number, number>>;
  allocation_account account;
  {
    tiny_map<number, number, concur::identity_hash, std::equal_to<>, allocator> map{
        allocator(account)};
    model_type model;
    live(map, model, [](auto f) {
      f();
      return true;
    });
    REQUIRE(is_as(map, model));
    auto other = map;
    REQUIRE(other == map);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("a polymorphic allocator is used, and stays where it is") {
  using allocator = std::pmr::polymorphic_allocator<std::pair<const number, number>>;
  using map_type = concur::seqmap<number, number, concur::hash<number>, std::equal_to<>, allocator>;
  std::pmr::monotonic_buffer_resource first;
  std::pmr::unsynchronized_pool_resource second;
  map_type a(100, allocator(&first));
  for (number i = 0; i < 1000; ++i) a.insert({i, i});
  map_type b(a, allocator(&second));
  REQUIRE(b == a);
  REQUIRE(b.get_allocator().resource() == &second);
  map_type c(&second);
  c = a;
  REQUIRE(c == a);
  REQUIRE(c.get_allocator().resource() == &second);
  map_type d(&second);
  d = std::move(a);  // another resource: the elements move, not the memory
  REQUIRE(d == b);
  REQUIRE(d.get_allocator().resource() == &second);
  map_type e(std::move(b), allocator(&first));
  REQUIRE(e == d);
  REQUIRE(e.get_allocator().resource() == &first);
}

TEST_CASE("copies, moves to other memory and merges make room for all once, and keep it") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  using map_type = concur::seqmap<number, number, concur::hash<number>, std::equal_to<>, allocator>;
  constexpr number n = 40'000;
  allocation_account account;
  allocation_account other;
  map_type map{allocator(account)};
  for (number i = 0; i < n; ++i) map.insert({i, i});
  std::size_t allocated = account.total_allocations();
  const auto has_taken_little = [&](const allocation_account& from) {
    // A table, the stripes of the counter, and under some seeds a list for a home with many
    // elements; no table before that one, and no annex pages.
    return from.total_allocations() - std::exchange(allocated, from.total_allocations()) <= 8;
  };
  map_type copy(map);
  REQUIRE(has_taken_little(account));
  REQUIRE(copy == map);
  map_type merged(0, map.hash_function(), std::equal_to<>(), allocator(account));
  REQUIRE(merged.merge(copy) == n);
  REQUIRE(merged == map);
  REQUIRE(merged.capacity() <= map.capacity());
  allocated = 0;
  const map_type moved(std::move(merged), allocator(other));
  REQUIRE(has_taken_little(other));
  REQUIRE(moved == map);
}

TEST_CASE("a map that was merged into shrinks again, and one without memory merges as it can") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  using map_type = tiny_map<number, number, concur::hash<number>, std::equal_to<>, allocator>;
  allocation_account account;
  allocation_account plenty;
  map_type source{allocator(plenty)};
  for (number i = 0; i < 500; ++i) source.insert({i, i});
  {
    map_type here{allocator(account)};
    REQUIRE(here.merge(source) == 500);
    const std::size_t capacity = here.capacity();
    for (number i = 0; i < 500; ++i) here.erase(i);
    REQUIRE(here.capacity() < capacity / 4);
  }
  for (std::size_t n = 1; n <= 4; ++n) {
    for (number i = 0; i < 500; ++i) source.insert({i, i});
    map_type here(0, source.hash_function(), std::equal_to<>(), allocator(account));
    here.insert({0, 0});
    account.fail_at(n);
    std::size_t moved = 0;
    try {
      moved = here.merge(source);
    } catch (const std::bad_alloc&) {
    }
    account.fail_never();
    if (n == 1) REQUIRE(moved == 499);  // the room could not be had at first
    REQUIRE(here.size() + source.size() == 501);
    for (number i = 0; i < 500; ++i) REQUIRE((here.contains(i) || source.contains(i)));
  }
}
