// SPDX-License-Identifier: MIT
/// \file
/// Increments of one key by all threads, of a lock-free map with its backoff after a lost
/// compare-and-swap and without. `runs` is how often the callback ran for one increment: what is
/// above one was lost to somebody else. An adapter of such a map has
///
///     std::uint64_t take_runs();                      // since the last call; when all is quiet
///     void handle::increment_counting(const Key&);
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
concept can_count_runs = requires(Map& map, typename Map::handle& handle, const Key& key) {
  handle.increment_counting(key);
  map.take_runs();
};

template <class Map, class Key>
measurement g_hot_backoff(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  measurement m = timed(
      map, p, stream_kind::hits,
      [](auto& handle, std::uint32_t, value&) { handle.increment_counting(key_of<Key>(0)); },
      [&] { map.take_runs(); });
  m.counters = {{"runs", static_cast<double>(map.take_runs()) / m.operations}};
  return m;
}

}  // namespace concur_bench
