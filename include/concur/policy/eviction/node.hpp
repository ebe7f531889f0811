// SPDX-License-Identifier: MIT
/// \file
/// What an eviction policy keeps with an element, and the list that a policy makes of such nodes.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::eviction {

/// A cache embeds one in every element that it may evict. All of it is guarded by the lock of the
/// element's shard, but `stamp`.
struct node {
  /// The policy's: a recency stamp, a count of hits. `touch` writes it without the lock.
  std::atomic<std::uint32_t> stamp{0};
  std::uint32_t weight = 1;  ///< set by the cache before `insert`, then changed by `reweigh` alone
  std::uint64_t hash = 0;    ///< of the key, every bit good; set by the cache before `insert`
  node* older = nullptr;     ///< links of the list that the policy has put it in; null in none
  node* newer = nullptr;
  std::uint32_t timer = 0;  ///< the cache's: its place among the deadlines; 0 in an element without
  /// The policy's: which of its lists. 0 in an element that is new. What `erase` leaves here tells
  /// `insert` that the element comes back: it was held when its turn came to be evicted.
  std::uint8_t where = 0;

  /// Whether it is in a `node_list`.
  bool is_listed() const noexcept { return newer != nullptr; }
};

/// Nodes in an order, the oldest first, with their number and weight. Intrusive, circular: an
/// insertion or removal has no case to distinguish. Neither copied nor moved.
class node_list {
 public:
  node_list() noexcept { end_.older = end_.newer = &end_; }
  node_list(const node_list&) = delete;
  node_list& operator=(const node_list&) = delete;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  std::uint64_t weight() const noexcept { return weight_; }
  bool is_end(const node& n) const noexcept { return &n == &end_; }
  /// Null when there is none.
  node* oldest() const noexcept { return size_ == 0 ? nullptr : end_.newer; }
  node* newest() const noexcept { return size_ == 0 ? nullptr : end_.older; }

  void push_newest(node& fresh) noexcept {
    CONCUR_ASSERT(!fresh.is_listed());
    link(fresh);
    ++size_;
    weight_ += fresh.weight;
  }
  void erase(node& gone) noexcept {
    unlink(gone);
    gone.older = gone.newer = nullptr;
    --size_;
    weight_ -= gone.weight;
  }
  void move_to_newest(node& moved) noexcept {
    unlink(moved);
    link(moved);
  }
  /// Both are in the list.
  void move_before(node& moved, node& next) noexcept {
    unlink(moved);
    moved.newer = &next;
    moved.older = next.older;
    next.older->newer = &moved;
    next.older = &moved;
  }
  void reweigh(node& changed, std::uint32_t weight) noexcept {
    weight_ += std::uint64_t{weight} - changed.weight;  // modulo 2^64: right also when it shrinks
    changed.weight = weight;
  }

  /// `f(node&)` from the oldest to the newest while it returns true; whether it always did. `f` may
  /// erase the node that it is given.
  template <class F>
  bool for_each(F&& f) {
    for (node* at = end_.newer; at != &end_;) {
      node* const next = at->newer;
      if (!f(*at)) return false;
      at = next;
    }
    return true;
  }

 private:
  void link(node& fresh) noexcept {
    fresh.newer = &end_;
    fresh.older = end_.older;
    end_.older->newer = &fresh;
    end_.older = &fresh;
  }
  static void unlink(node& gone) noexcept {
    CONCUR_ASSERT(gone.is_listed());
    gone.older->newer = gone.newer;
    gone.newer->older = gone.older;
  }

  node end_;  // newer: the oldest, older: the newest
  std::size_t size_ = 0;
  std::uint64_t weight_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::eviction
