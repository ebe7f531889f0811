// SPDX-License-Identifier: MIT
/// \file
/// `concur::from_range`: the tag of the constructors that take a range. C++23 has one in <ranges>,
/// which costs more to include than a map.
#pragma once

#include <concur/detail/config.hpp>
#include <iterator>

namespace concur::inline CONCUR_ABI {

struct from_range_t {
  explicit from_range_t() = default;
};
inline constexpr from_range_t from_range{};

namespace detail {
template <class R>
concept any_range = requires(R& range) {
  std::begin(range);
  std::end(range);
};
}  // namespace detail

}  // namespace concur::inline CONCUR_ABI
