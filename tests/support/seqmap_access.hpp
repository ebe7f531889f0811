// SPDX-License-Identifier: MIT
/// \file
/// What the tests of seqmap share: a tuning that makes every event frequent, a look behind the
/// face, and places where a thread can be made to stop.
#pragma once

#include <atomic>
#include <concur/policy/identity_hash.hpp>
#include <concur/seqmap.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

/// Befriended by the face.
struct seqmap_test_access {
  template <class Map>
  static decltype(auto) engine(Map& map) noexcept {
    return map.engine();
  }
};

}  // namespace concur::inline CONCUR_ABI::detail

namespace concur_test {

using number = std::uint64_t;

/// Two buckets at first, blocks of sixteen, shares of eight, and the counter striped from eight
/// buckets on.
struct tiny : concur::detail::seqmap::default_tuning {
  static constexpr unsigned first_log2_buckets = 1;
  static constexpr unsigned log2_block = 4;
  static constexpr unsigned log2_check_interval = 2;
  static constexpr unsigned striped_log2_buckets = 3;
  static constexpr unsigned max_load(unsigned) noexcept { return 54; }
  static constexpr unsigned log2_growth(unsigned) noexcept { return 1; }
};

template <class Key, class T, class Hash = concur::hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
using tiny_map = concur::detail::basic_seqmap<Key, T, Hash, KeyEqual, Allocator, tiny>;

/// Numbers that are their own hashes: the highest bits choose the bucket.
using placed_map = tiny_map<number, number, concur::identity_hash>;

/// How many buckets a lookup of `key` reads.
template <class Map>
std::size_t probes(const Map& map, const typename Map::key_type& key) {
  return concur::detail::seqmap_test_access::engine(map).probe_count(key);
}

/// A bijection without structure: the i-th of a sequence of different, evenly spread numbers.
inline number scattered(number i) noexcept {
  i ^= i >> 31;
  i *= 0x9e3779b97f4a7c15;
  i ^= i >> 29;
  i *= 0xbf58476d1ce4e5b9;
  i ^= i >> 32;
  return i;
}

/// A door where one thread can be made to stop. The thread that is to stop arms it; whoever comes
/// through while it is armed disarms it, and stays until it is opened.
class gate {
 public:
  void arm() noexcept { armed_.store(true); }
  void pass() noexcept {
    if (!armed_.load(std::memory_order_relaxed) || !armed_.exchange(false)) return;
    waiting_.store(true);
    waiting_.notify_all();
    open_.wait(false);
  }
  /// Returns when a thread has stopped here.
  void wait_for_visitor() const noexcept { waiting_.wait(false); }
  void open() noexcept {
    open_.store(true);
    open_.notify_all();
  }

 private:
  std::atomic<bool> armed_{false};
  std::atomic<bool> waiting_{false};
  std::atomic<bool> open_{false};
};

/// Every comparison goes through `door`.
struct gated_equal {
  gate* door = nullptr;
  bool operator()(number a, number b) const noexcept {
    if (door != nullptr) door->pass();
    return a == b;
  }
};

/// The hash of a number is the number, and to ask for that of `stop_at` is to go through `door`.
struct gated_hash {
  using is_avalanching = std::true_type;
  gate* door = nullptr;
  std::atomic<number>* stop_at = nullptr;

  number operator()(number key) const noexcept {
    if (stop_at != nullptr && stop_at->load(std::memory_order_relaxed) == key) door->pass();
    return key;
  }
};

}  // namespace concur_test
