// SPDX-License-Identifier: MIT
/// \file
/// Making a map that stays empty, and destroying it. What it weighs meanwhile: m_memory.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map>
measurement n_empty(const parameters& p) {
  release_kept_map();
  std::uint64_t done = 0;
  const auto duration = static_cast<std::uint64_t>(p.seconds * 1e9);
  const team_time time = on_team(1, [&](unsigned) {
    const std::uint64_t end = steady_nanoseconds() + duration;
    do {
      const Map map(p.n);
      keep(&map);
      ++done;
    } while (steady_nanoseconds() < end);
  });
  return {static_cast<double>(done), time.seconds, time.cpu_share, {}};
}

}  // namespace concur_bench
