// SPDX-License-Identifier: MIT
/// \file
/// Finds of n keys that are all there, in a cache with room for twice as many.
#pragma once

#include "lru.hpp"

namespace concur_bench {

template <class Cache, class Key, stream_kind Kind>
measurement lru_get_hit(const parameters& p) {
  const auto cache = filled_cache<Cache, Key>(2 * p.n, p.n);
  return timed(*cache, p, Kind, [](auto& handle, std::uint32_t index, value&) {
    find_or_insert(handle, key_of<Key>(index), index);
  });
}

}  // namespace concur_bench
