// SPDX-License-Identifier: MIT
/// \file
/// The numbers of a cache's `stats()`: a line for every thread, written by it alone. What is
/// counted before there are lines, or by threads beyond them, goes to one line for all.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <concur/fwd.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lru {

enum class counter : std::size_t { hits, misses, loads, load_failures, departures };

class cache_counters {
 public:
  /// Departures are counted by cause.
  static constexpr std::size_t size = static_cast<std::size_t>(counter::departures) + 5;
  struct alignas(destructive_distance) stripe {
    std::atomic<std::int64_t> values[size] = {};
  };
  static constexpr std::size_t stripe_count = 32;

  void add(counter c) noexcept { add_at(static_cast<std::size_t>(c)); }
  /// By the thread of this slot.
  void add(counter c, const thread_slot& me) noexcept { add_at(static_cast<std::size_t>(c), &me); }
  void add(eviction_cause cause) noexcept {
    add_at(static_cast<std::size_t>(counter::departures) + static_cast<std::size_t>(cause));
  }
  std::uint64_t sum(counter c) const noexcept { return sum_at(static_cast<std::size_t>(c)); }
  std::uint64_t sum(eviction_cause cause) const noexcept {
    return sum_at(static_cast<std::size_t>(counter::departures) + static_cast<std::size_t>(cause));
  }

  /// Gives it its lines. Before others may count in them, or in quiet.
  void spread(stripe* stripes) noexcept {
    // (1) release: the lines are constructed; pairs with (2).
    stripes_.store(stripes, std::memory_order_release);
  }
  /// Needs quiet.
  void swap(cache_counters& other) noexcept {
    const auto exchange = [](auto& a, auto& b) {
      // relaxed: the caller's quiet orders them.
      a.store(b.exchange(a.load(std::memory_order_relaxed), std::memory_order_relaxed),
              std::memory_order_relaxed);
    };
    exchange(stripes_, other.stripes_);
    for (std::size_t i = 0; i < size; ++i) exchange(base_.values[i], other.base_.values[i]);
  }

 private:
  struct line {
    std::atomic<std::int64_t> values[size] = {};
  };

  void add_at(std::size_t i) noexcept { add_at(i, thread_slots::find_mine()); }
  void add_at(std::size_t i, const thread_slot* me) noexcept {
    // (2) acquire: pairs with (1).
    stripe* const stripes = stripes_.load(std::memory_order_acquire);
    if (stripes != nullptr && me != nullptr && me->index < stripe_count) [[likely]] {
      std::atomic<std::int64_t>& mine = stripes[me->index].values[i];
      // relaxed: this thread alone writes it while it has the slot; see striped_counter.
      mine.store(mine.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return;
    }
    base_.values[i].fetch_add(1, std::memory_order_relaxed);  // relaxed: orders nothing
  }
  std::uint64_t sum_at(std::size_t i) const noexcept {
    std::int64_t total = base_.values[i].load(std::memory_order_relaxed);  // relaxed: a number
    // acquire: pairs with (1).
    if (const stripe* stripes = stripes_.load(std::memory_order_acquire)) {
      for (std::size_t s = 0; s < stripe_count; ++s) {
        total += stripes[s].values[i].load(std::memory_order_relaxed);  // relaxed: a number
      }
    }
    return static_cast<std::uint64_t>(total);
  }

  std::atomic<stripe*> stripes_{nullptr};
  line base_;
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
