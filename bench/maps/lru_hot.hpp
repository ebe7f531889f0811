// SPDX-License-Identifier: MIT
/// \file
/// One key of a cache of n elements, used by all threads: found, and held for an increment.
#pragma once

#include "lru.hpp"

namespace concur_bench {

template <class Cache, class Key>
measurement lru_hot(const parameters& p) {
  const auto cache = filled_cache<Cache, Key>(2 * p.n, p.n);
  return timed(*cache, p, stream_kind::hits, [](auto& handle, std::uint32_t, value&) {
    std::uint32_t index = 0;
    asm volatile("" : "+r"(index));  // the hash is computed every time
    find_or_insert(handle, key_of<Key>(index), index);
  });
}

template <class Cache, class Key>
measurement lru_hot_lock(const parameters& p) {
  const auto cache = filled_cache<Cache, Key>(2 * p.n, p.n);
  return timed(*cache, p, stream_kind::hits, [](auto& handle, std::uint32_t, value&) {
    std::uint32_t index = 0;
    asm volatile("" : "+r"(index));
    handle.locked(key_of<Key>(index), [](value& v) { ++v; });
  });
}

}  // namespace concur_bench
