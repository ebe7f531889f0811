// SPDX-License-Identifier: MIT
/// \file
/// What the workloads of maps with snapshots share. An adapter of such a map has
///
///     auto snapshot();                       // the map as it is now, as an object with
///         T sum() const;                     //     a visit of every element
///         std::size_t changes_since(const snapshot& older) const;
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map>
concept can_snapshot = requires(Map& map) {
  map.snapshot().sum();
  map.snapshot().changes_since(map.snapshot());
};

/// Calls `once()` again and again for about p.seconds, and looks at the clock seldom enough.
template <class Once>
measurement again_and_again(const parameters& p, const Once& once) {
  double done = 0;
  const auto duration = static_cast<std::uint64_t>(p.seconds * 1e9);
  const team_time time = on_team(1, [&](unsigned) {
    const std::uint64_t begin = steady_nanoseconds();
    std::uint64_t before = begin;
    for (std::size_t block = 1; before - begin < duration;) {
      for (std::size_t i = 0; i != block; ++i) once();
      done += static_cast<double>(block);
      const std::uint64_t now = steady_nanoseconds();
      if (now - before < 20'000) block *= 2;
      before = now;
    }
  });
  return {done, time.seconds, time.cpu_share, {}};
}

}  // namespace concur_bench
