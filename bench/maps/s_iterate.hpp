// SPDX-License-Identifier: MIT
/// \file
/// Visits every element of a snapshot, one thread: elements per second.
#pragma once

#include "snapshots.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement s_iterate(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  const auto now = map.snapshot();
  return repeated(p, static_cast<double>(p.n),
                  [&] { return on_team(1, [&](unsigned) { keep(now.sum()); }); });
}

}  // namespace concur_bench
