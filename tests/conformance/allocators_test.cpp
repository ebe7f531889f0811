// SPDX-License-Identifier: MIT
/// \file
/// Allocators: stateful, throwing, polymorphic, and with pointers that are classes. What was taken
/// is given back, to whom it was taken from, also after a failure at every allocation.

#include "conformance/families.hpp"
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using element = std::pair<const number, number>;

template <class TestType, template <class> class Allocator>
using map_with = typename TestType::template map<number, number, std::hash<number>, std::equal_to<>,
                                                 Allocator<element>>;

/// Fills, changes, copies, moves, swaps and empties maps of one account.
template <class M>
void exercise(allocation_account& account) {
  using allocator = typename M::allocator_type;
  M map{allocator(account)};
  for (number i = 0; i < 500; ++i) map.try_emplace(i, i);
  for (number i = 0; i < 500; i += 2) map.insert_or_assign(i, i + 1);
  for (number i = 0; i < 500; i += 3) map.erase(i);
  map.reserve(5'000);
  REQUIRE(account.live_bytes() > 0);
  const M copy(map);
  REQUIRE(copy == map);
  REQUIRE(copy.get_allocator() == map.get_allocator());
  M moved(std::move(map));
  REQUIRE(moved == copy);
  M assigned{allocator(account)};
  assigned = copy;
  assigned = std::move(moved);
  REQUIRE(assigned == copy);
  M other{allocator(account)};
  other.insert({1, 1});
  other.swap(assigned);
  REQUIRE(other == copy);
  other.clear();
  other.shrink_to_fit();
  other.insert({1, 1});
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("all memory is back when the maps are gone", "[allocators]",
                        own_memory_maps) {
  allocation_account account;
  exercise<map_with<TestType, counting_allocator>>(account);
  REQUIRE(account.balanced());
}

TEMPLATE_LIST_TEST_CASE("memory comes from the memory resource", "[allocators]", own_memory_maps) {
  using M = map_with<TestType, std::pmr::polymorphic_allocator>;
  std::pmr::monotonic_buffer_resource buffer(1 << 20);
  M map{typename M::allocator_type(&buffer)};
  for (number i = 0; i < 200; ++i) REQUIRE(map.insert({i, i}));
  REQUIRE(map.get_allocator().resource() == &buffer);
  REQUIRE(map.size() == 200);
  const M copy(map);  // as the standard has it: a copy uses the default resource
  REQUIRE(copy.get_allocator().resource() == std::pmr::get_default_resource());
  REQUIRE(copy == map);
}

TEMPLATE_LIST_TEST_CASE("copies and moves may go to another allocator", "[allocators]",
                        own_memory_maps) {
  using M = map_with<TestType, counting_allocator>;
  allocation_account here;
  allocation_account there;
  {
    M map{counting_allocator<element>(here)};
    for (number i = 0; i < 100; ++i) map.insert({i, i});
    const M copy(map, counting_allocator<element>(there));
    REQUIRE(&copy.get_allocator().account() == &there);
    REQUIRE(copy == map);
    const M moved(std::move(map), counting_allocator<element>(there));
    REQUIRE(&moved.get_allocator().account() == &there);
    REQUIRE(moved == copy);
    M assigned{counting_allocator<element>(here)};
    assigned = moved;  // does not propagate
    REQUIRE(&assigned.get_allocator().account() == &here);
    REQUIRE(assigned == copy);
    M target{counting_allocator<element>(there)};
    target = std::move(assigned);
    REQUIRE(&target.get_allocator().account() == &there);
    REQUIRE(target == copy);
  }
  REQUIRE(here.balanced());
  REQUIRE(there.balanced());
}

#if CONCUR_TEST_HAS_OWN_MAPS
namespace {

/// A key that only moves; one that was moved from is found in no map.
struct sole_key {
  explicit sole_key(number n) : value(std::make_unique<number>(n)) {}
  friend bool operator==(const sole_key& a, const sole_key& b) {
    return a.value && b.value && *a.value == *b.value;
  }
  std::unique_ptr<number> value;
};
struct sole_key_hash {
  std::size_t operator()(const sole_key& key) const { return std::hash<number>()(*key.value); }
};

template <class TestType, class Key, class T, class Hash = std::hash<Key>>
using map_with_resource =
    typename TestType::template map<Key, T, Hash, std::equal_to<>,
                                    std::pmr::polymorphic_allocator<std::pair<const Key, T>>>;

template <class M>
void require_values(M& map, number count) {
  REQUIRE(map.size() == count);
  number sound = 0;
  map.cvisit_all([&](const auto& e) {
    if (e.second != nullptr && *e.second == e.first * 3) ++sound;
  });
  REQUIRE(sound == count);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("values that only move go to another allocator", "[allocators]",
                        own_any_type_maps) {
  using M = map_with_resource<TestType, number, std::unique_ptr<number>>;
  std::pmr::unsynchronized_pool_resource here;
  std::pmr::unsynchronized_pool_resource there;
  M map{typename M::allocator_type(&here)};
  for (number i = 0; i < 1'000; ++i) map.try_emplace(i, std::make_unique<number>(i * 3));
  M moved(std::move(map), typename M::allocator_type(&there));
  REQUIRE(moved.get_allocator().resource() == &there);
  require_values(moved, 1'000);
  REQUIRE(map.empty());  // NOLINT(bugprone-use-after-move): it has no elements any more
  M assigned{typename M::allocator_type(&here)};
  assigned.try_emplace(5'000, std::make_unique<number>(1));
  assigned = std::move(moved);
  REQUIRE(assigned.get_allocator().resource() == &here);
  require_values(assigned, 1'000);
  REQUIRE(moved.empty());  // NOLINT(bugprone-use-after-move): as above
  REQUIRE(moved.try_emplace(1, std::make_unique<number>(3)));
  require_values(moved, 1);
}

TEMPLATE_LIST_TEST_CASE("keys that only move go to another allocator, or stay where they are",
                        "[allocators]", own_any_type_maps) {
  using M = map_with_resource<TestType, sole_key, std::unique_ptr<number>, sole_key_hash>;
  std::pmr::unsynchronized_pool_resource here;
  std::pmr::unsynchronized_pool_resource there;
  M map{typename M::allocator_type(&here)};
  for (number i = 0; i < 100; ++i) map.try_emplace(sole_key(i), std::make_unique<number>(i * 3));
  M same(std::move(map), typename M::allocator_type(&here));
  REQUIRE(same.size() == 100);
  M other{typename M::allocator_type(&there)};
  // Where an element is a pair its key is const, and cannot be moved.
  constexpr bool keys_are_const = !concur::guarantees<M>::callback_is_exclusive;
  bool is_refused = false;
  try {
    other = std::move(same);
  } catch (const std::length_error&) {
    is_refused = true;
  }
  REQUIRE(is_refused == keys_are_const);
  M& full = keys_are_const ? same : other;
  M& none = keys_are_const ? other : same;
  REQUIRE(none.empty());
  REQUIRE(full.size() == 100);
  number sound = 0;
  for (number i = 0; i < 100; ++i) {
    full.cvisit(sole_key(i), [&](const auto& e) { sound += *e.second == i * 3 ? 1u : 0u; });
  }
  REQUIRE(sound == 100);
}

TEMPLATE_LIST_TEST_CASE("a move to another allocator that fails keeps what was not moved",
                        "[allocators]", own_any_type_maps) {
  using M = typename TestType::template map<
      number, std::unique_ptr<number>, std::hash<number>, std::equal_to<>,
      counting_allocator<std::pair<const number, std::unique_ptr<number>>>>;
  using allocator = typename M::allocator_type;
  std::size_t failures = 0;
  for (std::size_t index = 1;; index += 7) {
    allocation_account here;
    allocation_account there;
    bool failed = false;
    {
      M map{allocator(here)};
      for (number i = 0; i < 50; ++i) map.try_emplace(i, std::make_unique<number>(i * 3));
      there.fail_at(index);
      try {
        const M moved(std::move(map), allocator(there));
        REQUIRE(moved.size() == 50);
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      // NOLINTNEXTLINE(bugprone-use-after-move): it has what was not moved
      REQUIRE((failed || map.empty()));
      number keys = 0;
      map.cvisit_all([&](const auto& e) { keys += map.contains(e.first) ? 1u : 0u; });
      REQUIRE(keys == map.size());
      REQUIRE(map.try_emplace(1'000, std::make_unique<number>(1)));
    }
    REQUIRE(here.balanced());
    REQUIRE(there.balanced());
    if (!failed) break;
    ++failures;
  }
  REQUIRE(failures >= 1);
}

#if CONCUR_TEST_HAS_HAMT
TEST_CASE("a hamt that a snapshot shares keeps values that only move", "[allocators]") {
  using M = map_with_resource<hamt_family, number, std::unique_ptr<number>>;
  std::pmr::unsynchronized_pool_resource here;
  std::pmr::unsynchronized_pool_resource there;
  M map{typename M::allocator_type(&here)};
  for (number i = 0; i < 100; ++i) map.try_emplace(i, std::make_unique<number>(i * 3));
  M other{typename M::allocator_type(&there)};
  {
    const auto snapshot = map.snapshot();
    REQUIRE_THROWS_AS(other = std::move(map), std::length_error);
    REQUIRE(snapshot.size() == 100);
    require_values(map, 100);  // NOLINT(bugprone-use-after-move): nothing was moved
    REQUIRE(other.empty());
  }
  other = std::move(map);
  require_values(other, 100);
}
#endif
#endif

TEMPLATE_LIST_TEST_CASE("a failing allocation leaves the map as it was", "[allocators]",
                        own_memory_maps) {
  using M = map_with<TestType, counting_allocator>;
  using model = std::unordered_map<number, number>;
  const auto sweep = [](number elements, auto operation) {
    std::size_t failures = 0;
    for (std::size_t index = 1;; ++index) {
      allocation_account account;
      bool failed = false;
      {
        M map{counting_allocator<element>(account)};
        for (number i = 0; i < elements; ++i) map.insert({i, i + 1});
        const model before = contents(map);
        account.fail_at(index);
        try {
          operation(map);
        } catch (const std::bad_alloc&) {
          failed = true;
        }
        if (failed) {
          ++failures;
          REQUIRE(contents(map) == before);
          REQUIRE(map.size() == before.size());
          account.fail_never();
          operation(map);  // and it works when there is memory again
        }
        account.fail_never();
      }
      REQUIRE(account.balanced());
      if (!failed) return failures;
    }
  };
  const auto one = [](M& map) { map.insert({1'000'000, 1}); };
  // A bounded map took everything when it was made.
  REQUIRE((sweep(0, one) == 0) == concur::guarantees<M>::is_bounded);
  for (const number n : {1u, 5u, 16u, 100u, 1000u}) sweep(n, one);
  REQUIRE(sweep(50, [](M& map) { const M copy(map); }) >= 1);
  sweep(50, [](M& map) { map.reserve(10'000); });
  sweep(500, [](M& map) { map.shrink_to_fit(); });
  sweep(50, [](M& map) { map.insert_or_assign(1, 1); });
  sweep(50, [](M& map) { map.exchange(1'000'000, 1); });
  sweep(50, [](M& map) { map.compute(1'000'000, [](auto& v) { v = 1; }); });
  sweep(50, [](M& map) { map.update(1, [](number& v) { v = 1; }); });
}

TEMPLATE_LIST_TEST_CASE("growth through failing allocations loses nothing", "[allocators]",
                        own_memory_maps) {
  using M = map_with<TestType, counting_allocator>;
  allocation_account account;
  {
    M map{counting_allocator<element>(account)};
    std::unordered_map<number, number> model;
    for (number key = 0; key < 3'000; ++key) {
      if (key % 2 == 0) account.fail_at(1 + key % 3);
      try {
        map.insert({key, key});
        model.emplace(key, key);
      } catch (const std::bad_alloc&) {
      }
      account.fail_never();
    }
    REQUIRE(contents(map) == model);
  }
  REQUIRE(account.balanced());
}

#if CONCUR_TEST_HAS_OWN_MAPS
TEMPLATE_LIST_TEST_CASE("an empty map allocates nothing", "[allocators]", own_maps) {
  using M = map_with<TestType, counting_allocator>;
  allocation_account account;
  {
    M map{counting_allocator<element>(account)};
    REQUIRE(map.find(1) == std::nullopt);
    REQUIRE(map.erase(1) == 0);
    REQUIRE(map.visit_all([](auto&) {}) == 0);
    map.clear();
    const M copy(map);
    const M moved(std::move(map));
    REQUIRE(account.total_allocations() == 0);
  }
}

TEMPLATE_LIST_TEST_CASE("pointers may be classes", "[allocators]", own_maps) {
  allocation_account account;
  exercise<map_with<TestType, fancy_allocator>>(account);
  REQUIRE(account.balanced());
}

TEMPLATE_LIST_TEST_CASE("an empty map is at most 256 bytes", "[allocators]", own_maps) {
  REQUIRE(sizeof(typename TestType::template map<number, number>) <= 256);
}
#endif
