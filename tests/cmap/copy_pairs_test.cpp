// SPDX-License-Identifier: MIT
/// \file
/// The copy of a leaf's pairs: those that are wanted, and at most one more place.
#include "support/catch.hpp"

#include <concur/cmap.hpp>
#include <concur/detail/cmap/copy_pairs.hpp>

#include <cstdint>

#if CONCUR_VECTOR_LOADS

namespace lib = concur::detail::cmap;

namespace {

struct alignas(16) numbers {
  std::uint64_t words[20];
};

template <class Part>
void check_copies() {
  for (unsigned count = 1; count <= 6; ++count) {
    numbers from, to;
    for (unsigned i = 0; i < 20; ++i) {
      from.words[i] = 100 + i;
      to.words[i] = 900 + i;
    }
    lib::copy_pairs<Part>(to.words, from.words, count);
    const unsigned written = 2 * (count + count % 2);  // an odd number is rounded up
    for (unsigned i = 0; i < 20; ++i) {
      CAPTURE(count, i);
      if (i < 2 * count) REQUIRE(to.words[i] == from.words[i]);
      if (i >= written) REQUIRE(to.words[i] == 900 + i);
    }
  }
}

}  // namespace

TEST_CASE("copied pairs are those of the leaf, and nothing is written beyond one more") {
  check_copies<lib::one_pair>();
  check_copies<lib::two_pairs>();
}

#endif
