// SPDX-License-Identifier: MIT
/// \file
/// Bytes per element while growing to n: at the end, at the worst, and the mean over sizes n/2 to
/// n.
#pragma once

#include "../support/run.hpp"

#include <optional>

namespace concur_bench {

/// heap_: what malloc gave out. resident_: pages in memory; also counts what comes from mmap, and
/// not what was never touched. The rate is that of growing with the samples taken.
template <class Map, class Key>
measurement m_memory(const parameters& p) {
  release_kept_map();
  trim_memory();
  memory();  // what reading it allocates the first time is not the map's
  const memory_use before = memory();
  const auto beyond = [](std::size_t now, std::size_t then) {
    return now > then ? static_cast<double>(now - then) : 0.0;
  };
  std::size_t empty_heap = 0;
  {
    std::optional<Map> empty;
    const std::size_t heap = heap_in_use();
    empty.emplace(p.n);
    empty_heap = heap_in_use() - heap;
  }
  auto map = std::make_unique<Map>(p.n);
  const bool peak_known = reset_peak_resident();
  double heap_sum = 0, resident_sum = 0, heap_peak = 0;
  std::size_t samples = 0;
  const std::size_t step = std::max<std::size_t>(1, p.n / 200);
  team_time time = on_team(1, [&](unsigned) {
    typename Map::handle handle(*map);
    for (std::size_t i = 0; i != p.n; ++i) {
      handle.insert(key_of<Key>(static_cast<std::uint32_t>(i)), i);
      if ((i + 1) % step != 0 || i + 1 < p.n / 2) continue;
      const memory_use now = memory();
      const auto size = static_cast<double>(i + 1);
      heap_sum += beyond(now.heap, before.heap) / size;
      resident_sum += beyond(now.resident, before.resident) / size;
      heap_peak = std::max(heap_peak, beyond(now.heap, before.heap));
      ++samples;
    }
  });
  const memory_use after = memory();
  const auto n = static_cast<double>(p.n);
  measurement m{n, time.seconds, time.cpu_share, {}};
  m.counters = {
      {"heap_B", beyond(after.heap, before.heap) / n},
      {"resident_B", beyond(after.resident, before.resident) / n},
      {"heap_mean_B", heap_sum / static_cast<double>(samples)},
      {"resident_mean_B", resident_sum / static_cast<double>(samples)},
      {"heap_peak_B", heap_peak / n},
      {"resident_peak_B", peak_known ? beyond(peak_resident(), before.resident) / n : 0},
      {"empty_object_B", static_cast<double>(sizeof(Map))},
      {"empty_heap_B", static_cast<double>(empty_heap)},
  };
  map.reset();
  return m;
}

}  // namespace concur_bench
