// SPDX-License-Identifier: MIT
/// \file
/// 50 % finds, 25 % inserts, 25 % erases over 2n keys: the size stays at n, half of all calls find
/// nothing to do.
#pragma once

#include "mixed.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement e_50_25_25(const parameters& p) {
  return mixed<Map, Key>(p, stream_kind::mix_50_25_25);
}

}  // namespace concur_bench
