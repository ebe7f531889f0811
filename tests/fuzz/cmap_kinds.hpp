// SPDX-License-Identifier: MIT
/// \file
/// Cmaps of all kinds for the fuzz targets.
#pragma once

#include "fuzz/map_program.hpp"
#include "support/cmap_access.hpp"

namespace concur_fuzz {

/// Elements in the leaves and beside them, trivial and not, compared by their bytes or by their
/// user.
template <class Run>
void on_some_map(bytes& input, Run run) {
  const unsigned kind = input.next();
  const any_hash hash{kind / 4};
  switch (kind % 4) {
    case 0: {
      concur_test::tiny_cmap<number, number, any_hash> map(0, hash);
      return run(map);
    }
    case 1: {
      concur_test::tiny_cmap<number, number, any_hash, any_equal> map(0, hash);
      return run(map);
    }
    case 2: {
      concur_test::tiny_cmap<number, wide, any_hash> map(0, hash);
      return run(map);
    }
    default: {
      concur_test::tiny_cmap<number, boxed, any_hash, any_equal> map(0, hash);
      return run(map);
    }
  }
}

}  // namespace concur_fuzz
