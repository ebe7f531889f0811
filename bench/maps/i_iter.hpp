// SPDX-License-Identifier: MIT
/// \file
/// Visits every element, one thread: elements per second.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement i_iter(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  return repeated(p, static_cast<double>(p.n),
                  [&] { return on_team(1, [&](unsigned) { keep(map.sum()); }); });
}

}  // namespace concur_bench
