// SPDX-License-Identifier: MIT
/// \file
/// Finds of one key by all threads.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement g_hotread(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  return timed(map, p, stream_kind::hits, [](auto& handle, std::uint32_t, value& sum) {
    std::uint32_t index = 0;
    asm volatile("" : "+r"(index));  // the hash is computed every time
    value found = 0;
    if (handle.find(key_of<Key>(index), found)) sum += found;
  });
}

}  // namespace concur_bench
