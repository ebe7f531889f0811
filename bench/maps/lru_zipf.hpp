// SPDX-License-Identifier: MIT
/// \file
/// n keys, Zipf 0.99, a cache with room for a tenth of them: find, and insert what was not there.
#pragma once

#include "lru.hpp"

namespace concur_bench {

template <class Cache, class Key>
measurement lru_zipf(const parameters& p) {
  const std::size_t capacity = std::max<std::size_t>(p.n / 10, 1);
  const auto cache = filled_cache<Cache, Key>(capacity, capacity);
  measurement m =
      timed(*cache, p, stream_kind::zipf, [](auto& handle, std::uint32_t index, value&) {
        find_or_insert(handle, key_of<Key>(index), index);
      });
  // How often it hits, counted apart, in the state that it is in.
  const std::vector<std::uint32_t>& indices = stream(stream_kind::zipf, p.n, 0);
  typename Cache::handle handle(*cache);
  std::size_t hits = 0;
  for (const std::uint32_t index : indices) {
    hits += find_or_insert(handle, key_of<Key>(index), index) ? 1U : 0U;
  }
  m.counters = {{"hit_%", 100 * static_cast<double>(hits) / static_cast<double>(indices.size())}};
  return m;
}

}  // namespace concur_bench
