// SPDX-License-Identifier: MIT
/// \file
/// A full cache of n elements, and keys that were never there: every use is a miss, an insertion
/// and an eviction.
#pragma once

#include "lru.hpp"

namespace concur_bench {

template <class Cache, class Key>
measurement lru_evict(const parameters& p) {
  const auto cache = filled_cache<Cache, Key>(p.n, p.n);
  std::atomic<std::uint32_t> blocks{0};
  return timed(*cache, p, stream_kind::hits, [&](auto& handle, std::uint32_t, value& drawn) {
    // `drawn`: the next index of this thread; 0 at first and at the end of each of its blocks.
    if (drawn % stream_block == 0) {
      // relaxed: a number to draw.
      const std::uint32_t block = blocks.fetch_add(1, std::memory_order_relaxed);
      drawn = p.n + std::uint64_t{block} * stream_block;
      drawn += stream_block - drawn % stream_block;
    }
    const auto index = static_cast<std::uint32_t>(drawn++);
    find_or_insert(handle, key_of<Key>(index), index);
  });
}

}  // namespace concur_bench
