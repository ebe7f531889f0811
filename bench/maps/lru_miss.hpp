// SPDX-License-Identifier: MIT
/// \file
/// Finds of keys that were never there, in a full cache of n elements.
#pragma once

#include "lru.hpp"

namespace concur_bench {

template <class Cache, class Key>
measurement lru_miss(const parameters& p) {
  const auto cache = filled_cache<Cache, Key>(p.n, p.n);
  return timed(*cache, p, stream_kind::misses, [](auto& handle, std::uint32_t index, value& sum) {
    value found = 0;
    if (handle.find(key_of<Key>(index), found)) sum += found;
  });
}

}  // namespace concur_bench
