// SPDX-License-Identifier: MIT
/// \file
/// The sum that every `fetch_add` stores: integers wrap around, as those of `std::atomic` do.
#pragma once

#include <concur/version.hpp>
#include <type_traits>

namespace concur::inline CONCUR_ABI::detail {

template <class T>
constexpr T wrapping_sum(T a, T b) noexcept {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    using wide = std::common_type_t<std::make_unsigned_t<T>, unsigned>;  // int would overflow
    return static_cast<T>(static_cast<wide>(a) + static_cast<wide>(b));
  } else {
    return static_cast<T>(a + b);
  }
}

}  // namespace concur::inline CONCUR_ABI::detail
