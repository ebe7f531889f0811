// SPDX-License-Identifier: MIT
/// \file
/// A mix of finds, inserts and erases at a steady size, shared by d_90_9_1 and e_50_25_25.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement mixed(const parameters& p, stream_kind kind) {
  Map& map = filled<Map, Key>(p, p.n, leaves::changed);
  return timed(map, p, kind, [](auto& handle, std::uint32_t drawn, value& sum) {
    const auto& key = key_of<Key>(drawn & index_mask);
    value found = 0;
    switch (static_cast<operation>(drawn >> operation_shift)) {
      case operation::find:
        if (handle.find(key, found)) sum += found;
        break;
      case operation::insert:
        handle.insert(key, drawn);
        break;
      case operation::erase:
        handle.erase(key);
        break;
    }
  });
}

}  // namespace concur_bench
