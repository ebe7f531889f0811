// SPDX-License-Identifier: MIT
/// \file
/// Counted bits, against the standard library's.
#include "support/catch.hpp"

#include <bit>
#include <concur/detail/bits/popcount.hpp>
#include <cstdint>

TEST_CASE("bits of 16 are counted as the standard library does") {
  unsigned wrong = 0;
  for (unsigned bits = 0; bits <= 0xFFFF; ++bits) {
    const auto word = static_cast<std::uint16_t>(bits);
    wrong += concur::detail::popcount(word) == static_cast<unsigned>(std::popcount(word)) ? 0U : 1U;
  }
  REQUIRE(wrong == 0);
}
