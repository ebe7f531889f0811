// SPDX-License-Identifier: MIT
/// \file
/// 90 % finds, 9 % inserts, 1 % erases over n / 0.9 keys: the size stays at n, one find in ten
/// misses.
#pragma once

#include "mixed.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement d_90_9_1(const parameters& p) {
  return mixed<Map, Key>(p, stream_kind::mix_90_9_1);
}

}  // namespace concur_bench
