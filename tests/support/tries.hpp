// SPDX-License-Identifier: MIT
/// \file
/// What the tests of cmap and hamt share: hashes of every quality, and a check of the whole
/// structure.
#pragma once

#include "support/catch.hpp"
#include "support/scattered.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace concur_test {

/// Every structural invariant of a quiet map, and its size. `is_finished`: nothing has failed
/// before.
template <class Map>
void require_sound(const Map& map, bool is_finished = true) {
  const auto report = map.validate();
  CAPTURE(report.error);
  REQUIRE(report.error == nullptr);
  if constexpr (requires { report.unfinished; }) {
    if (is_finished) REQUIRE(report.unfinished == 0);
  }
  REQUIRE(report.elements == map.size());
  std::size_t n = 0;
  map.cvisit_all([&](const auto&) { ++n; });
  REQUIRE(n == map.size());
}

/// Numbers whose hashes are as `shape` says.
enum class shape : unsigned char {
  even,        ///< as a hash should be
  one,         ///< one for all
  few,         ///< four of them
  small,       ///< the number itself: the high bits are all zero
  high,        ///< the number in the high bits, zeros below
  equal_low,   ///< differ in bits 32 to 47 only
  equal_ends,  ///< differ in the middle
  reversed,    ///< consecutive numbers at opposite ends
  count
};

struct shaped_hash {
  using is_avalanching = std::true_type;
  shape kind = shape::even;

  std::uint64_t operator()(number key) const noexcept {
    switch (kind) {
      case shape::one:
        return 0x8000'0000'0000'0001;
      case shape::few:
        return (key % 4) << 62 | 5;
      case shape::small:
        return key;
      case shape::high:
        return key << 44;
      case shape::equal_low:
        return (key & 0xFFFF) << 32 | 0xABCD;
      case shape::equal_ends:
        return 0xFFFF'0000'0000'00FF | (key & 0xFF'FFFF) << 12;
      case shape::reversed:
        return key % 2 == 0 ? key << 40 : ~(key << 40);
      default:
        return scattered(key);
    }
  }
};

}  // namespace concur_test
