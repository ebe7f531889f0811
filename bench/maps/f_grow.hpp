// SPDX-License-Identifier: MIT
/// \file
/// From an empty map to n elements, no size hint. Construction and destruction are not timed.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement f_grow(const parameters& p) {
  release_kept_map();
  use_once<Map, Key>(p.threads);
  return repeated(p, static_cast<double>(p.n), [&] {
    Map map(p.n);
    return fill<Map, Key>(map, p.n, p.threads);
  });
}

}  // namespace concur_bench
