// SPDX-License-Identifier: MIT
/// \file
/// Finds of keys that are there, Zipf 0.99.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement c_zipf(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  return timed(map, p, stream_kind::zipf, [](auto& handle, std::uint32_t index, value& sum) {
    value found = 0;
    if (handle.find(key_of<Key>(index), found)) sum += found;
  });
}

}  // namespace concur_bench
