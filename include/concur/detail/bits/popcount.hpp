// SPDX-License-Identifier: MIT
/// \file
/// How many bits of 16 are set, where the processor may have no instruction for it.
#pragma once

#include <bit>
#include <concur/detail/config.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

constexpr unsigned popcount(std::uint16_t bits) noexcept {
#if defined(__x86_64__) && !defined(__POPCNT__)
  // Without the instruction std::popcount is a call, which costs more than all of this.
  unsigned sums = bits - (bits >> 1 & 0x5555U);
  sums = (sums & 0x3333U) + (sums >> 2 & 0x3333U);
  sums = (sums + (sums >> 4)) & 0x0F0FU;
  return (sums + (sums >> 8)) & 0x1FU;
#else
  return static_cast<unsigned>(std::popcount(bits));
#endif
}

}  // namespace concur::inline CONCUR_ABI::detail
