// SPDX-License-Identifier: MIT
/// \file
/// Increments of uniform keys; with `Every` > 0 a thread that has done a block takes a snapshot if
/// the last one is that many microseconds old, and keeps it until then.
#pragma once

#include "snapshots.hpp"

#include <mutex>
#include <optional>

namespace concur_bench {

template <class Map, class Key, std::uint64_t Every>
measurement s_update(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::changed);
  using snapshot = decltype(map.snapshot());
  std::mutex one_at_a_time;
  std::optional<snapshot> last;
  std::atomic<std::uint64_t> next{0};
  double taken = 0;
  measurement m = timed(
      map, p, stream_kind::hits,
      [&](auto& handle, std::uint32_t index, value& count) {
        handle.increment(key_of<Key>(index));
        if (Every == 0 || ++count % 64 != 0) return;
        if (steady_nanoseconds() < next.load(std::memory_order_relaxed)) return;
        const std::unique_lock guard(one_at_a_time, std::try_to_lock);
        if (!guard) return;
        last.emplace(map.snapshot());
        ++taken;
        next.store(steady_nanoseconds() + Every * 1'000, std::memory_order_relaxed);
      },
      [&] { taken = 0; });
  if (Every != 0) m.counters = {{"snapshots", taken}};
  return m;
}

}  // namespace concur_bench
