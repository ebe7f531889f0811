// SPDX-License-Identifier: MIT
/// \file
/// What the tests of hamt share: a tuning that makes every event frequent.
#pragma once

#include "support/tries.hpp"

#include <concur/hamt.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace concur_test {

/// Branches of four slots, leaves of two pairs, batches of four.
struct tiny_hamt_tuning {
  static constexpr unsigned bits(unsigned) noexcept { return 2; }
  static constexpr std::uint32_t max_leaf = 2;
  static constexpr std::size_t inline_bytes = 32;
  static constexpr std::uint32_t retire_batch = 4;
  static constexpr std::uint32_t spare_leaves = 3;
};

template <class Key, class T, class Hash = concur::hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
using tiny_hamt = concur::detail::basic_hamt<Key, T, Hash, KeyEqual, Allocator, tiny_hamt_tuning>;

}  // namespace concur_test
