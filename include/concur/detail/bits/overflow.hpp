// SPDX-License-Identifier: MIT
/// \file
/// Sums and differences of signed words that say when they are beyond the ends.
#pragma once

#include <concur/version.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// For compilers that have no function of their own for it.
constexpr bool add_overflows_portable(std::int64_t a, std::int64_t b, std::int64_t& sum) noexcept {
  if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b) return true;
  sum = a + b;
  return false;
}
constexpr bool subtract_overflows_portable(std::int64_t a, std::int64_t b,
                                           std::int64_t& difference) noexcept {
  if (b > 0 ? a < INT64_MIN + b : a > INT64_MAX + b) return true;
  difference = a - b;
  return false;
}

/// True if there is no such word; else `sum` is `a` + `b`.
constexpr bool add_overflows(std::int64_t a, std::int64_t b, std::int64_t& sum) noexcept {
#if !defined(_MSC_VER) || defined(__clang__)
  return __builtin_add_overflow(a, b, &sum);
#else
  return add_overflows_portable(a, b, sum);
#endif
}

/// True if there is no such word; else `difference` is `a` - `b`.
constexpr bool subtract_overflows(std::int64_t a, std::int64_t b,
                                  std::int64_t& difference) noexcept {
#if !defined(_MSC_VER) || defined(__clang__)
  return __builtin_sub_overflow(a, b, &difference);
#else
  return subtract_overflows_portable(a, b, difference);
#endif
}

}  // namespace concur::inline CONCUR_ABI::detail
