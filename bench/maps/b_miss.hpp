// SPDX-License-Identifier: MIT
/// \file
/// Finds of keys that were never there.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement b_miss(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  return timed(map, p, stream_kind::misses, [](auto& handle, std::uint32_t index, value& sum) {
    value found = 0;
    if (handle.find(key_of<Key>(index), found)) sum += found;
  });
}

}  // namespace concur_bench
