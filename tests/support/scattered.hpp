// SPDX-License-Identifier: MIT
/// \file
/// The keys of most tests, and how to spread them.
#pragma once

#include <cstdint>

namespace concur_test {

using number = std::uint64_t;

/// A bijection without structure: the i-th of a sequence of different, evenly spread numbers.
inline number scattered(number i) noexcept {
  i ^= i >> 31;
  i *= 0x9e3779b97f4a7c15;
  i ^= i >> 29;
  i *= 0xbf58476d1ce4e5b9;
  i ^= i >> 32;
  return i;
}

}  // namespace concur_test
