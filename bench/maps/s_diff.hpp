// SPDX-License-Identifier: MIT
/// \file
/// Finds the changes between two snapshots with a thousand increments between them: changes per
/// second, and how many nodes were looked at for one of them, where the map can tell.
#pragma once

#include "snapshots.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement s_diff(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::changed);
  const auto older = map.snapshot();
  const std::vector<std::uint32_t>& keys = stream(stream_kind::hits, p.n, 0);
  typename Map::handle handle(map);
  for (std::size_t i = 0; i != 1'000; ++i) handle.increment(key_of<Key>(keys[i]));
  const auto newer = map.snapshot();
  const auto changes = static_cast<double>(newer.changes_since(older));
  measurement m = again_and_again(p, [&] { keep(newer.changes_since(older)); });
  m.operations *= changes;
  m.counters = {{"changes", changes}};
  if constexpr (requires { newer.nodes_visited_since(older); }) {
    m.counters.emplace_back("nodes_per_change",
                            static_cast<double>(newer.nodes_visited_since(older)) / changes);
  }
  return m;
}

}  // namespace concur_bench
