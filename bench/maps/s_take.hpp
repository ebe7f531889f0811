// SPDX-License-Identifier: MIT
/// \file
/// Takes a snapshot and drops it: one thread, beside nobody.
#pragma once

#include "snapshots.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement s_take(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  return again_and_again(p, [&] { static_cast<void>(map.snapshot()); });
}

}  // namespace concur_bench
