// SPDX-License-Identifier: MIT
/// \file
/// The workloads of caches, and what a cache is to them:
///
///     template <class Key, class T> struct my_cache {
///         static constexpr const char* name = "my_cache";
///         static constexpr role kind = role::peer;
///         explicit my_cache(std::size_t capacity);
///         struct handle {                      // one per thread
///             explicit handle(my_cache&);
///             bool find(const Key&, T& out);
///             void insert(const Key&, const T&);      // replaces
///         };
///     };
///
/// A cache that only ever finds or makes has `bool find_or_insert(const Key&, const T&)` in place
/// of the two: whether it was there. Every cache gets the same keys, hash and capacity.
///
/// Optional, of a handle: `locked(key, work)` runs work(T&) on a present key while others are kept
/// off it, `pinned(key, work)` runs work(const T&) while it cannot be evicted, and `hold(key)`
/// makes it if it is absent, and returns what keeps it from being evicted: movable, by this thread.
#pragma once

#include "check.hpp"
#include "lru_evict.hpp"
#include "lru_get_hit.hpp"
#include "lru_hot.hpp"
#include "lru_lock.hpp"
#include "lru_miss.hpp"
#include "lru_zipf.hpp"

namespace concur_bench {

/// What check_cache asks of a cache with room for all n keys.
template <class Cache, class Key, class Expect>
void check_roomy(std::uint32_t n, const Expect& expect) {
  Cache cache(2 * std::size_t{n});
  typename Cache::handle handle(cache);
  for (std::uint32_t i = 0; i != n; ++i) expect(!find_or_insert(handle, key_of<Key>(i), i));
  for (std::uint32_t i = 0; i != n; ++i) expect(find_or_insert(handle, key_of<Key>(i), i));
  if constexpr (can_pin<Cache, Key>) {
    for (std::uint32_t i = 0; i != n; ++i) {
      std::uint32_t calls = 0;
      handle.pinned(key_of<Key>(i), [&](const value& v) {
        ++calls;
        expect(v == i || !can_only_find<Cache, Key>);  // one that makes makes something else
      });
      expect(calls == 1);
    }
  }
  if constexpr (can_lock<Cache, Key>) {
    for (std::uint32_t i = 0; i != n; ++i) handle.locked(key_of<Key>(i), [](value& v) { ++v; });
    for (std::uint32_t i = 0; i != n; ++i) {
      value found = 0;
      expect(handle.find(key_of<Key>(i), found) && found == value{i} + 1);
    }
    const std::uint64_t wrong = not_excluded([&](std::uint64_t turns, const auto& work) {
      typename Cache::handle mine(cache);
      for (; turns != 0; --turns) mine.locked(key_of<Key>(0), [&](value&) { work(); });
    });
    expect(wrong == 0);
  }
  if constexpr (can_only_find<Cache, Key>) {
    for (std::uint32_t i = n; i != 2 * n; ++i) {
      value found = 0;
      expect(!handle.find(key_of<Key>(i), found));
    }
  }
}

/// What is held outlives many times the capacity of others.
template <class Cache, class Key, class Expect>
void check_held(std::uint32_t n, const Expect& expect) {
  constexpr std::uint32_t few = 100;
  Cache cache(n / 4);
  typename Cache::handle handle(cache);
  std::vector<decltype(handle.hold(key_of<Key>(0)))> held;
  for (std::uint32_t i = 0; i != few; ++i) held.push_back(handle.hold(key_of<Key>(i)));
  for (std::uint32_t i = few; i != n; ++i) expect(!find_or_insert(handle, key_of<Key>(i), i));
  for (std::uint32_t i = few; i-- != 0;) {
    held.pop_back();
    expect(find_or_insert(handle, key_of<Key>(i), i));
  }
}

/// As check.hpp: the counter "wrong" is the number of answers that were not the expected ones.
template <class Cache, class Key>
measurement check_cache(const parameters& p) {
  const auto n = static_cast<std::uint32_t>(p.n);
  std::uint64_t wrong = 0;
  const auto expect = [&](bool good) { wrong += good ? 0U : 1U; };
  check_roomy<Cache, Key>(n, expect);
  if constexpr (can_hold<Cache, Key>) check_held<Cache, Key>(n, expect);
  const std::size_t capacity = p.n / 4;
  Cache small(capacity);
  typename Cache::handle handle(small);
  for (std::uint32_t i = 0; i != n; ++i) expect(!find_or_insert(handle, key_of<Key>(i), i));
  if constexpr (can_only_find<Cache, Key>) {
    std::size_t there = 0;
    for (std::uint32_t i = 0; i != n; ++i) {
      value found = 0;
      if (!handle.find(key_of<Key>(i), found)) continue;
      expect(found == i);
      ++there;
    }
    // Some round up the capacity of each shard.
    expect(there <= capacity + capacity / 20 && there >= capacity / 2);
  }
  return {static_cast<double>(n), 1, 1, {{"wrong", static_cast<double>(wrong)}}};
}

template <template <class, class> class Adapter, class Key>
bool add_cache() {
  using cache = Adapter<Key, value>;
  const auto add = [](const char* workload, run_function run) {
    registry().push_back(
        {workload, key_maker<Key>::name, cache::name, cache::kind, false, false, run});
  };
  checks().push_back({"check", key_maker<Key>::name, cache::name, cache::kind, true, false,
                      check_cache<cache, Key>});
  add("lru_zipf", lru_zipf<cache, Key>);
  add("lru_get_hit", lru_get_hit<cache, Key, stream_kind::zipf>);
  add("lru_get_hit_uniform", lru_get_hit<cache, Key, stream_kind::hits>);
  if constexpr (can_only_find<cache, Key>) add("lru_miss", lru_miss<cache, Key>);
  add("lru_evict", lru_evict<cache, Key>);
  if constexpr (can_hold<cache, Key>) {
    add("lru_evict_held", lru_evict_held<cache, Key, 100'000>);
  }
  if constexpr (can_lock<cache, Key>) add("lru_lock", lru_lock<cache, Key>);
  if constexpr (can_pin<cache, Key>) add("lru_pin", lru_pin<cache, Key>);
  add("lru_hot", lru_hot<cache, Key>);
  if constexpr (can_lock<cache, Key>) add("lru_hot_lock", lru_hot_lock<cache, Key>);
  return true;
}

}  // namespace concur_bench

#define CONCUR_BENCH_CACHE(adapter)                    \
  [[maybe_unused]] static const bool adapter##_added = \
      concur_bench::add_cache<adapter, std::uint64_t>()
