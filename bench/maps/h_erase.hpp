// SPDX-License-Identifier: MIT
/// \file
/// From n elements to none.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement h_erase(const parameters& p) {
  return repeated(p, static_cast<double>(p.n), [&] {
    Map& map = filled<Map, Key>(p, p.n, leaves::changed);
    return on_team(p.threads, [&](unsigned t) {
      typename Map::handle handle(map);
      for (std::size_t i = t; i < p.n; i += p.threads)
        handle.erase(key_of<Key>(static_cast<std::uint32_t>(i)));
    });
  });
}

}  // namespace concur_bench
