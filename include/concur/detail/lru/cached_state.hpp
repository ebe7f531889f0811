// SPDX-License-Identifier: MIT
/// \file
/// What lies in memory for a key of a cache: the state of a lockmap, and behind it what the order
/// of eviction and the clock want to know.
///
///     state: expires | next dead | word | key | published copy | node of the policy, flags | value
///            without a published copy: ... key | value | node, flags
///     behind it, if the cache keeps times: used | written
///
/// What a hit reads lies together, for words in the second and third of the 16 bytes that malloc
/// aligns to: from the word to the stamp, with which the node begins. 88 bytes, and so 96 with what
/// malloc adds, which keeps that on one line in every state, or in every other one, as malloc has
/// begun; 16 more with times.
#pragma once

#include <atomic>
#include <bit>
#include <concur/detail/bits/overflow.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/lockmap/key_state.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstdint>
#include <new>
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

struct deadline {
  /// When the value expires, apart from idleness. Written by the exclusive holder.
  std::atomic<std::int64_t> expires{never};
};
/// Of a state: its hash is in the node.
struct cached_key : deadline, lockmap::key_state {
  cached_key(std::uint64_t, lockmap::key_word made) noexcept : key_state(made) {}
};

/// Of a state: first in a class of its own, so that a policy's node leads back to the state. The
/// others are where the node has room at its end.
struct ordered {
  CONCUR_NO_UNIQUE_ADDRESS eviction::node node;
  std::atomic<bool> has_key{false};  ///< see lockmap::key_mark
  std::atomic<bool> is_refreshing{false};
  bool is_queued = false;  ///< in the order of eviction; under the lock of its region
};
static_assert(std::is_standard_layout_v<ordered>, "a node's address is that of what it is in");

/// What lies behind the state in a cache that keeps times.
struct moments {
  /// When the value was last written, or found if there is a time to idle; whoever finds it writes.
  std::atomic<std::int64_t> used{0};
  /// When it was written. Written by the exclusive holder.
  std::atomic<std::int64_t> written{0};
};

template <class Key, class T>
using ordered_state = lockmap::typed_state<Key, T, cached_key, ordered, lockmap::is_published<T>>;

template <class Key, class T>
struct cached_state : ordered_state<Key, T> {
  using tail_type = moments;

  cached_state(std::uint64_t h, lockmap::key_word made) noexcept : ordered_state<Key, T>(h, made) {
    this->node.hash = order_hash(h);
  }

  /// Of a cache that keeps times.
  moments& times() noexcept { return *std::launder(reinterpret_cast<moments*>(this + 1)); }
  const moments& times() const noexcept {
    return *std::launder(reinterpret_cast<const moments*>(this + 1));
  }

  std::uint64_t hash() const noexcept { return std::rotr(this->node.hash, order_shift); }
  /// What decides of the region: bits of the hash that the table does not use, as long as it has
  /// less than 2^32 slots, and there are less than 2^16 regions. So its shards and homes and the
  /// regions are independent.
  static constexpr std::uint64_t order_hash(std::uint64_t hash) noexcept {
    return std::rotl(hash, order_shift);
  }

  static cached_state& of(eviction::node& n) noexcept {
    return static_cast<cached_state&>(reinterpret_cast<ordered&>(n));
  }
  static const cached_state& of(const eviction::node& n) noexcept {
    return static_cast<const cached_state&>(reinterpret_cast<const ordered&>(n));
  }

 private:
  static constexpr int order_shift = 32;
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
