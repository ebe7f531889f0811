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
#pragma once

#include "lru_evict.hpp"
#include "lru_get_hit.hpp"
#include "lru_zipf.hpp"

namespace concur_bench {

/// As check.hpp: the counter "wrong" is the number of answers that were not the expected ones.
template <class Cache, class Key>
measurement check_cache(const parameters& p) {
  const auto n = static_cast<std::uint32_t>(p.n);
  std::uint64_t wrong = 0;
  const auto expect = [&](bool good) { wrong += good ? 0U : 1U; };
  {
    Cache roomy(2 * p.n);
    typename Cache::handle handle(roomy);
    for (std::uint32_t i = 0; i != n; ++i) expect(!find_or_insert(handle, key_of<Key>(i), i));
    for (std::uint32_t i = 0; i != n; ++i) expect(find_or_insert(handle, key_of<Key>(i), i));
  }
  const std::size_t capacity = p.n / 4;
  Cache small(capacity);
  typename Cache::handle handle(small);
  for (std::uint32_t i = 0; i != n; ++i) expect(!find_or_insert(handle, key_of<Key>(i), i));
  if constexpr (requires(value & out) { handle.find(key_of<Key>(0), out); }) {
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
  add("lru_evict", lru_evict<cache, Key>);
  return true;
}

}  // namespace concur_bench

#define CONCUR_BENCH_CACHE(adapter)                    \
  [[maybe_unused]] static const bool adapter##_added = \
      concur_bench::add_cache<adapter, std::uint64_t>()
