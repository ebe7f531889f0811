// SPDX-License-Identifier: MIT
/// \file
/// Hamts of all kinds for the fuzz targets.
#pragma once

#include "fuzz/map_program.hpp"
#include "support/hamt_access.hpp"

namespace concur_fuzz {

/// Pairs in leaves and elements of their own, compared by their bytes or by their user; branches of
/// four slots, and the real ones.
template <class Run>
void on_some_map(bytes& input, Run run) {
  const unsigned kind = input.next();
  const any_hash hash{kind / 5};
  switch (kind % 5) {
    case 0: {
      concur_test::tiny_hamt<number, number, any_hash> map(0, hash);
      return run(map);
    }
    case 1: {
      concur_test::tiny_hamt<number, number, any_hash, any_equal> map(0, hash);
      return run(map);
    }
    case 2: {
      concur_test::tiny_hamt<number, wide, any_hash> map(0, hash);
      return run(map);
    }
    case 3: {
      concur_test::tiny_hamt<number, boxed, any_hash, any_equal> map(0, hash);
      return run(map);
    }
    default: {
      concur::hamt<number, number, any_hash> map(0, hash);
      return run(map);
    }
  }
}

}  // namespace concur_fuzz
