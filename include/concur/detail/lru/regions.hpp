// SPDX-License-Identifier: MIT
/// \file
/// The order of eviction, in parts: a region is a queue of the policy, a lock and a share of the
/// capacity. Which region an element belongs to follows from its hash and from how many regions
/// there are, which changes when the capacity does.
///
///     [how many, memory]  [region 0][region 1] ...  [lines of counters]
///
/// The table of the keys has shards of its own, which do not depend on the capacity.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/lru/deadlines.hpp>
#include <concur/detail/sync/parking_lock.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::lru {

template <class Queue, class Allocator>
struct alignas(destructive_distance) region {
  parking_lock lock;
  std::uint64_t capacity;  ///< under the lock
  Queue queue;             ///< under the lock, but for `touch`
  /// Out of the queue, because somebody held them when their turn came. Under the lock.
  eviction::node_list parked;
  /// Of those that are in the queue, and have one. Under the lock.
  deadlines<Allocator> timers;
  /// Up to where its part of the table has been looked through for what has expired.
  std::atomic<std::uint64_t> swept_to{0};

  region(std::uint64_t share, const Allocator& allocator)
      : capacity(share), queue(share, allocator), timers(allocator) {}
};

/// Exact: the shares of all regions add up to the capacity.
constexpr std::uint64_t share_of(std::uint64_t capacity, std::size_t index,
                                 std::size_t count) noexcept {
  if (capacity == ~std::uint64_t{0}) return capacity;  // unbounded
  return capacity / count + (index < capacity % count ? 1 : 0);
}

template <class Queue, class Allocator>
struct alignas(destructive_distance) region_set {
  using region_type = region<Queue, Allocator>;

  std::size_t units;  ///< of memory
  std::size_t size;   ///< regions that there is room for
  /// Those in use. Changed under the locks of all of them.
  std::atomic<std::size_t> count;
  std::atomic<std::size_t> pop_cursor{0};

  region_type* first() noexcept { return reinterpret_cast<region_type*>(this + 1); }
  region_type& operator[](std::size_t i) noexcept { return first()[i]; }

  static std::size_t index_of(std::uint64_t hash, std::size_t among) noexcept {
    return static_cast<std::size_t>(((hash >> 32) * among) >> 32);
  }
  /// Where an element of this hash is, unless the number of regions is being changed.
  region_type& likely_of(std::uint64_t hash) noexcept {
    // relaxed: a hint; `lock_of` looks again under the lock.
    return first()[index_of(hash, count.load(std::memory_order_relaxed))];
  }
  /// The region of an element, locked.
  region_type& lock_of(std::uint64_t hash) noexcept {
    for (;;) {
      // relaxed, both: it is changed under the locks of all.
      const std::size_t among = count.load(std::memory_order_relaxed);
      region_type& r = first()[index_of(hash, among)];
      r.lock.lock();
      if (among == count.load(std::memory_order_relaxed)) [[likely]]
        return r;
      r.lock.unlock();
    }
  }
  /// The same, or null if somebody else has it.
  region_type* try_lock_of(std::uint64_t hash) noexcept {
    region_type& r = likely_of(hash);
    if (!r.lock.try_lock()) return nullptr;
    if (&r == &likely_of(hash)) [[likely]]
      return &r;
    r.lock.unlock();
    return nullptr;
  }
};

/// All that is in a list of parked nodes, to where `list_of(node)` says.
template <class ListOf>
void move_parked(eviction::node_list& from, ListOf list_of) noexcept {
  while (eviction::node* const n = from.oldest()) {
    from.erase(*n);
    list_of(*n).push_newest(*n);
  }
}

/// Deals out everything anew over `wanted` regions; all of them are locked. Elements keep their
/// rank: the k-th of n of a region comes before the m-th of n of another if k < m. O(elements).
template <class Regions, class SetCapacity>
void redeal(Regions& all, std::size_t wanted, SetCapacity set_capacity) noexcept {
  const std::size_t before = all.count.load(std::memory_order_relaxed);  // relaxed: under the locks
  struct chain {
    eviction::node* first = nullptr;
    eviction::node* last = nullptr;
    std::size_t length = 0;
    std::size_t dealt = 0;
  };
  constexpr std::size_t at_once = 64;
  // By 64 regions at a time: their elements are as cold as those of the next 64, more or less.
  eviction::node* merged = nullptr;
  eviction::node** end = &merged;
  for (std::size_t begin = 0; begin < before; begin += at_once) {
    chain chains[at_once];
    const std::size_t n = before - begin < at_once ? before - begin : at_once;
    std::size_t longest = 0;
    for (std::size_t i = 0; i < n; ++i) {
      chain& c = chains[i];
      auto& queue = all[begin + i].queue;
      while (eviction::node* const coldest = queue.victim()) {
        queue.erase(*coldest);
        all[begin + i].timers.remove(*coldest);  // set anew by the caller
        (c.last == nullptr ? c.first : c.last->newer) = coldest;
        c.last = coldest;
        ++c.length;
      }
      longest = c.length > longest ? c.length : longest;
    }
    for (std::size_t round = 1; round <= longest; ++round) {
      for (std::size_t i = 0; i < n; ++i) {
        chain& c = chains[i];
        for (; c.first != nullptr && c.dealt * longest < round * c.length; ++c.dealt) {
          *end = c.first;
          end = &c.first->newer;
          c.first = c.dealt + 1 == c.length ? nullptr : c.first->newer;
        }
      }
    }
  }
  *end = nullptr;
  eviction::node_list parked;
  for (std::size_t i = 0; i < before; ++i) {
    move_parked(
        all[i].parked, [&](eviction::node&) -> auto& { return parked; });
  }
  // relaxed: under the locks of all.
  all.count.store(wanted, std::memory_order_relaxed);
  for (std::size_t i = 0; i < wanted; ++i) set_capacity(all[i], i);
  while (merged != nullptr) {
    eviction::node& next = *merged;
    merged = next.newer;
    next.newer = nullptr;
    all.likely_of(next.hash).queue.insert(next);
  }
  move_parked(
      parked, [&](eviction::node & n) -> auto& { return all.likely_of(n.hash).parked; });
}

}  // namespace concur::inline CONCUR_ABI::detail::lru
