// SPDX-License-Identifier: MIT
/// \file
/// Seqmaps of all kinds for the fuzz targets.
#pragma once

#include "fuzz/map_program.hpp"
#include "support/seqmap_access.hpp"

namespace concur_fuzz {

/// Every kind of bucket: keys compared by their bytes or by their user, small values and large.
template <class Run>
void on_some_map(bytes& input, Run run) {
  const unsigned kind = input.next();
  const any_hash hash{kind / 4};
  switch (kind % 4) {
    case 0: {
      concur_test::tiny_map<number, number, any_hash> map(0, hash);
      return run(map);
    }
    case 1: {
      concur_test::tiny_map<number, number, any_hash, any_equal> map(0, hash);
      return run(map);
    }
    case 2: {
      concur_test::tiny_map<number, wide, any_hash> map(0, hash);
      return run(map);
    }
    default: {
      concur_test::tiny_map<number, wide, any_hash, any_equal> map(0, hash);
      return run(map);
    }
  }
}

}  // namespace concur_fuzz
