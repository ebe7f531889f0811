// SPDX-License-Identifier: MIT
/// \file
/// What lies in memory for a key of a cache: the state of a lockmap, and behind it what the order
/// of eviction and the clock want to know.
///
///     state: ... word | key | published copy | value | flags | node of the policy | times
///
/// What a hit reads lies together, in 44 bytes for words: from the word to the stamp, with which
/// the node begins. 120 bytes, and so 128 with what malloc adds.
#pragma once

#include <atomic>
#include <concur/detail/bits/mix.hpp>
#include <concur/detail/bits/overflow.hpp>
#include <concur/detail/lockmap/key_state.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstdint>
#include <type_traits>

namespace concur::inline CONCUR_ABI::detail::lru {

/// A moment that does not come.
inline constexpr std::int64_t never = INT64_MAX;

/// Before all that a clock says: when nobody asks one.
inline constexpr std::int64_t no_time = INT64_MIN;

/// Arithmetic of moments that stops at the ends: a user's clock may begin anywhere.
constexpr std::int64_t later(std::int64_t at, std::int64_t by) noexcept {
  std::int64_t sum = 0;
  if (add_overflows(at, by, sum)) return by > 0 ? never - 1 : no_time + 1;
  return sum == never ? never - 1 : sum;
}
constexpr std::int64_t span(std::int64_t from, std::int64_t to) noexcept {
  std::int64_t difference = 0;
  if (subtract_overflows(to, from, difference)) return to > from ? never - 1 : no_time + 1;
  return difference == never ? never - 1 : difference;
}

/// Of a state: first in a class of its own, so that a policy's node leads back to the state.
struct ordered {
  eviction::node node;
};
static_assert(std::is_standard_layout_v<ordered>, "a node's address is that of what it is in");

/// Where the base before it has room at its end.
struct cache_flags {
  std::atomic<bool> is_refreshing{false};
  bool is_queued = false;  ///< in the order of eviction; under the lock of its region
};

template <class Key, class T>
struct cached_state : lockmap::typed_state<Key, T>, cache_flags, ordered {
  /// When the value expires, apart from idleness. Written by the exclusive holder.
  std::atomic<std::int64_t> expires{never};
  /// When it was last written, or found if there is a time to idle; whoever finds it writes. Only
  /// with times.
  std::atomic<std::int64_t> used{0};
  /// When it was written. Only with times. Written by the exclusive holder.
  std::atomic<std::int64_t> written{0};

  cached_state(std::uint64_t h, lockmap::key_word made) noexcept
      : lockmap::typed_state<Key, T>(h, made) {
    this->node.hash = order_hash(h);
  }

  /// What decides of the region. Of the table's bits nothing is left: its shards and homes and the
  /// regions are independent.
  static constexpr std::uint64_t order_hash(std::uint64_t hash) noexcept {
    return mix_bijective(hash + mix_increment);
  }

  static cached_state& of(eviction::node& n) noexcept {
    return static_cast<cached_state&>(reinterpret_cast<ordered&>(n));
  }
  static const cached_state& of(const eviction::node& n) noexcept {
    return static_cast<const cached_state&>(reinterpret_cast<const ordered&>(n));
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
