// SPDX-License-Identifier: MIT
/// \file
/// Multiplications that mix. Pure functions of words, `constexpr`, the same values on every
/// processor and compiler.
///
/// `mix` is the integer hash of the library. Its construction is the cheapest of nine measured that
/// flips every output bit with probability 0.5 ± 0.02 for every input bit, also when the keys are
/// consecutive (tests/bits/mix_test.cpp): the first multiplication spreads every input bit over 128
/// bits, the second multiplies one half of that product by the other. A single multiplication whose
/// halves are xored is 1.2 ns cheaper and has output bits that always flip.
#pragma once

#include <concur/detail/config.hpp>
#include <cstdint>
#include <type_traits>

namespace concur::inline CONCUR_ABI::detail {

/// Odd, dense, without a large common factor with 2^64 - 1 or 2^64 + 1. The first is the fraction
/// of the golden ratio, the second the reciprocal of the root of x^4 = x + 1.
inline constexpr std::uint64_t mix_multiplier = 0x9E3779B97F4A7C15;
inline constexpr std::uint64_t mix_increment = 0xD1B54A32D192ED03;

/// The two words of a 128-bit product.
struct product128 {
  std::uint64_t low;
  std::uint64_t high;
};

/// The full product by four multiplications of 32-bit words, for compilers without `__int128`.
constexpr product128 multiply_portable(std::uint64_t a, std::uint64_t b) noexcept {
  constexpr std::uint64_t low_half = 0xFFFFFFFF;
  const std::uint64_t low = (a & low_half) * (b & low_half);
  const std::uint64_t middle = (a >> 32) * (b & low_half) + (low >> 32);
  const std::uint64_t middle2 = (a & low_half) * (b >> 32) + (middle & low_half);
  return {.low = (middle2 << 32) | (low & low_half),
          .high = (a >> 32) * (b >> 32) + (middle >> 32) + (middle2 >> 32)};
}

#if defined(__SIZEOF_INT128__)
__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

constexpr product128 multiply(std::uint64_t a, std::uint64_t b) noexcept {
  const uint128 product = static_cast<uint128>(a) * b;
  return {.low = static_cast<std::uint64_t>(product),
          .high = static_cast<std::uint64_t>(product >> 64)};
}
#else
constexpr product128 multiply(std::uint64_t a, std::uint64_t b) noexcept {
#if defined(_M_X64) || defined(_M_ARM64)
  if (!std::is_constant_evaluated()) return {.low = a * b, .high = __umulh(a, b)};
#endif
  return multiply_portable(a, b);
}
#endif

/// Both words of the product, xored.
constexpr std::uint64_t multiply_fold(std::uint64_t a, std::uint64_t b) noexcept {
  const product128 product = multiply(a, b);
  return product.low ^ product.high;
}

/// Avalanching. Not a bijection: two words collide with the probability of a random function.
constexpr std::uint64_t mix(std::uint64_t word) noexcept {
  const product128 spread = multiply(word, mix_multiplier);
  // The high word is below `mix_multiplier`, so that this factor is never zero; the other is zero
  // for a single word.
  return multiply_fold(spread.low ^ mix_increment, spread.high ^ mix_multiplier);
}

/// Avalanching and a bijection: different words stay different. Slower than `mix` by a fifth.
constexpr std::uint64_t mix_bijective(std::uint64_t word) noexcept {
  word = (word ^ (word >> 32)) * mix_multiplier;
  word = (word ^ (word >> 29)) * mix_increment;
  return word ^ (word >> 32);
}

}  // namespace concur::inline CONCUR_ABI::detail
