// SPDX-License-Identifier: MIT
/// \file
/// A present key held and given back, of n in a cache with room for twice as many: exclusively, for
/// an increment, and only so that it stays, for a look at it.
#pragma once

#include "lru.hpp"

namespace concur_bench {

template <class Cache, class Key>
measurement lru_lock(const parameters& p) {
  const auto cache = filled_cache<Cache, Key>(2 * p.n, p.n);
  return timed(*cache, p, stream_kind::hits, [](auto& handle, std::uint32_t index, value&) {
    handle.locked(key_of<Key>(index), [](value& v) { ++v; });
  });
}

template <class Cache, class Key>
measurement lru_pin(const parameters& p) {
  const auto cache = filled_cache<Cache, Key>(2 * p.n, p.n);
  return timed(*cache, p, stream_kind::hits, [](auto& handle, std::uint32_t index, value& sum) {
    handle.pinned(key_of<Key>(index), [&](const value& v) { sum += v; });
  });
}

}  // namespace concur_bench
