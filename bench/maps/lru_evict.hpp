// SPDX-License-Identifier: MIT
/// \file
/// A full cache of n elements, and keys that were never there: every use is a miss, an insertion
/// and an eviction. Before the clock starts the cache has been replaced once: whatever was held
/// from the beginning has had its turn to be evicted.
#pragma once

#include "lru.hpp"

namespace concur_bench {

/// The keys of [from, 2^32), once each, in blocks that threads draw.
template <class Cache, class Key>
measurement evicting(Cache& cache, const parameters& p, std::size_t from) {
  std::atomic<std::uint32_t> blocks{0};
  return timed(cache, p, stream_kind::hits, [&](auto& handle, std::uint32_t, value& drawn) {
    // `drawn`: the next index of this thread; 0 at first and at the end of each of its blocks.
    if (drawn % stream_block == 0) {
      // relaxed: a number to draw.
      const std::uint32_t block = blocks.fetch_add(1, std::memory_order_relaxed);
      drawn = from + std::uint64_t{block} * stream_block;
      drawn += stream_block - drawn % stream_block;
    }
    const auto index = static_cast<std::uint32_t>(drawn++);
    find_or_insert(handle, key_of<Key>(index), index);
  });
}

/// Replaces what the cache has by the keys of [from, from + n).
template <class Cache, class Key>
void replace_all(Cache& cache, std::size_t from, std::size_t n) {
  typename Cache::handle handle(cache);
  for (std::size_t i = from; i != from + n; ++i) {
    find_or_insert(handle, key_of<Key>(static_cast<std::uint32_t>(i)), i);
  }
}

template <class Cache, class Key>
measurement lru_evict(const parameters& p) {
  const auto cache = filled_cache<Cache, Key>(p.n, p.n);
  replace_all<Cache, Key>(*cache, p.n, p.n);
  return evicting<Cache, Key>(*cache, p, 2 * p.n);
}

/// The same beside `Held` other elements that another thread holds meanwhile.
template <class Cache, class Key, std::size_t Held>
measurement lru_evict_held(const parameters& p) {
  const auto cache = filled_cache<Cache, Key>(p.n, p.n);
  typename Cache::handle handle(*cache);
  std::vector<decltype(handle.hold(key_of<Key>(0)))> held;
  held.reserve(Held);
  for (std::size_t i = p.n; i != p.n + Held; ++i) {
    held.push_back(handle.hold(key_of<Key>(static_cast<std::uint32_t>(i))));
  }
  replace_all<Cache, Key>(*cache, p.n + Held, p.n);
  return evicting<Cache, Key>(*cache, p, 2 * p.n + Held);
}

}  // namespace concur_bench
