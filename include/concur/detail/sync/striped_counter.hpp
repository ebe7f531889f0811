// SPDX-License-Identifier: MIT
/// \file
/// A counter that many threads change without sharing a cache line, and that is summed rarely.
///
///   base   one word, read-modify-write by everybody: all there is while the owner is small
///   stripe one cache line per thread slot: written by its thread alone, by a plain load and store
///
/// A change is never lost; the sum is exact when nobody writes. While others write, the sum counts
/// every change that happened before it and some of those that run beside it. O(threads that there
/// were at once), at most O(stripes).
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

class striped_counter {
 public:
  struct alignas(cache_line_size) stripe {
    std::atomic<std::int64_t> value{0};
  };

  /// Adds `delta` and returns the new value of the word that was changed: some threads' share of
  /// the sum, good for doing something every so many changes. Relaxed unless the caller wants that
  /// who sees the change, by a sum that acquires, sees what was done before it.
  template <std::memory_order Order = std::memory_order_relaxed>
  std::int64_t add(std::int64_t delta, const thread_slot& me) noexcept {
    if (stripe* const mine = stripe_of(me)) [[likely]]
      return add_to<Order>(*mine, delta);
    return base_.fetch_add(delta, Order) + delta;
  }

  /// The stripe of a thread, null if it has none. For hot paths, which then use `add_to`.
  CONCUR_FORCEINLINE stripe* stripe_of(const thread_slot& me) const noexcept {
    // (2) acquire: pairs with (1): the stripes are constructed.
    stripe* const stripes = stripes_.load(std::memory_order_acquire);
    return stripes != nullptr && me.index < stripe_count ? stripes + me.index : nullptr;
  }

  /// `add` for the thread that the stripe belongs to.
  template <std::memory_order Order = std::memory_order_relaxed>
  static std::int64_t add_to(stripe& mine, std::int64_t delta) noexcept {
    // relaxed: the index belongs to this thread alone until it ends, and its successor takes the
    // slot after it (thread_slots (6), (1)): nobody else writes this word.
    const std::int64_t value = mine.value.load(std::memory_order_relaxed) + delta;
    mine.value.store(value, Order);
    return value;
  }

  /// The sum, at least 0: a decrement may be seen before the increment that it follows.
  template <std::memory_order Order = std::memory_order_relaxed>
  std::int64_t sum() const noexcept {
    const std::int64_t total = signed_sum<Order>();
    return total < 0 ? 0 : total;
  }
  /// The same without the bound: for a part of a sum.
  template <std::memory_order Order = std::memory_order_relaxed>
  std::int64_t signed_sum() const noexcept {
    std::int64_t total = base_.load(Order);
    // acquire: pairs with (1).
    if (const stripe* stripes = stripes_.load(std::memory_order_acquire)) {
      // Those of indices that no thread has had are 0. A change that happened before this call was
      // made by a thread that had taken its index before.
      const std::size_t indices = thread_slots::indices_in_use();
      for (std::size_t i = 0; i < stripe_count && i < indices; ++i) {
        total += stripes[i].value.load(Order);
      }
    }
    return total;
  }

  /// Gives the counter its stripes, `stripe_count` constructed ones. False if it already has some:
  /// the caller keeps his.
  bool spread(stripe* stripes) noexcept {
    stripe* expected = nullptr;
    // (1) release: publishes the stripes; pairs with (2).
    return stripes_.compare_exchange_strong(expected, stripes, std::memory_order_release,
                                            std::memory_order_relaxed);
  }

  bool is_striped() const noexcept {
    return stripes_.load(std::memory_order_relaxed) != nullptr;  // relaxed: a hint
  }

  /// The stripes, if it has any. For the owner, who gives their memory back.
  stripe* stripes() const noexcept {
    return stripes_.load(std::memory_order_acquire);  // acquire: pairs with (1)
  }

  /// Needs quiet: takes the stripes away, for their memory to be given back.
  stripe* take_stripes() noexcept {
    return stripes_.exchange(nullptr, std::memory_order_relaxed);  // relaxed: quiet
  }

  /// Needs quiet: counts from 0 again.
  void reset() noexcept {
    base_.store(0, std::memory_order_relaxed);  // relaxed: quiet
  }

  /// Needs quiet: exchanges everything with `other`.
  void swap(striped_counter& other) noexcept {
    // relaxed: the caller's quiet orders them.
    base_.store(
        other.base_.exchange(base_.load(std::memory_order_relaxed), std::memory_order_relaxed),
        std::memory_order_relaxed);
    stripes_.store(other.stripes_.exchange(stripes_.load(std::memory_order_relaxed),
                                           std::memory_order_relaxed),
                   std::memory_order_relaxed);
  }

  static constexpr std::size_t stripe_count = 32;

 private:
  std::atomic<std::int64_t> base_{0};
  std::atomic<stripe*> stripes_{nullptr};
};

}  // namespace concur::inline CONCUR_ABI::detail
