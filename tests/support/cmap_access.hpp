// SPDX-License-Identifier: MIT
/// \file
/// What the tests of cmap share: a tuning that makes every event frequent.
#pragma once

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/scattered.hpp"
#include "support/tries.hpp"

#include <concur/cmap.hpp>
#include <concur/policy/identity_hash.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace concur_test {

/// Four slots at first, segments of eight, blocks of four, the counter striped from eight slots on;
/// eras and batches are short, caches small.
struct tiny_cmap_tuning : concur::detail::cmap::default_tuning {
  static constexpr unsigned first_log2_slots = 2;
  static constexpr unsigned log2_segment = 3;
  static constexpr unsigned log2_block = 2;
  static constexpr unsigned log2_check_interval = 1;
  static constexpr unsigned striped_log2_slots = 3;
  static constexpr std::uint32_t births_per_era = 8;
  static constexpr std::uint32_t retire_batch = 16;
  static constexpr unsigned cached_nodes = 2;
};

/// For addresses that leave no room for a filter.
struct unfiltered_cmap_tuning : tiny_cmap_tuning {
  static constexpr bool has_filter = false;
};

template <class Key, class T, class Hash = concur::hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
using tiny_cmap = concur::detail::basic_cmap<Key, T, Hash, KeyEqual, Allocator, tiny_cmap_tuning>;

/// `concur::cmap` with its own tuning, under the same five parameters.
template <class Key, class T, class Hash = concur::hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
using plain_cmap = concur::cmap<Key, T, Hash, KeyEqual, Allocator>;

/// Numbers that are their own hashes: small ones all fall under the first slot of every root.
using placed_cmap = tiny_cmap<number, number, concur::identity_hash>;

}  // namespace concur_test
