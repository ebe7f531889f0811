// SPDX-License-Identifier: MIT
/// \file
/// The smaller and the larger of two, without <algorithm>, whose C++20 parts cost more to parse
/// than a map.
#pragma once

#include <concur/version.hpp>

namespace concur::inline CONCUR_ABI::detail {

template <class T>
constexpr T least(T a, T b) noexcept {
  return b < a ? b : a;
}
template <class T>
constexpr T greatest(T a, T b) noexcept {
  return a < b ? b : a;
}

}  // namespace concur::inline CONCUR_ABI::detail
