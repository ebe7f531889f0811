// SPDX-License-Identifier: MIT
/// \file
/// `concur::from_range`: the tag of the constructors that take a range. C++23 has one in <ranges>,
/// which costs more to include than a map.
#pragma once

#include <concur/detail/config.hpp>

namespace concur::inline CONCUR_ABI {

struct from_range_t {
  explicit from_range_t() = default;
};
inline constexpr from_range_t from_range{};

}  // namespace concur::inline CONCUR_ABI
