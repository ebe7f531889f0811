// SPDX-License-Identifier: MIT
/// \file
/// What the reclaimer sees of the pins: the announced intervals of all threads, read in groups of
/// fixed size because nothing may be allocated here.
#pragma once

#include <atomic>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

struct pinned_era {
  std::uint64_t lower;
  std::uint64_t upper;
  thread_slot* slot;

  /// What `slot` announces now.
  static pinned_era of(thread_slot& slot) noexcept {
    // (1) acquire: what was read in earlier sections happens before what follows here; pairs with
    // era_pin.hpp (1), (2).
    const std::uint64_t lower = slot.era_lower.load(std::memory_order_acquire);
    // relaxed: the fence orders it. It may be that of a later section, which only covers more.
    return {lower, slot.era_upper.load(std::memory_order_relaxed), &slot};
  }

  bool is_pinned() const noexcept { return lower != 0; }
  /// Whether this section still runs as it did.
  bool has_changed() const noexcept {
    // relaxed: a hint, the slot is read again before anything is freed
    return slot->era_lower.load(std::memory_order_relaxed) != lower;
  }
};

class pinned_eras {
 public:
  static constexpr std::size_t capacity = 64;

  /// Reads the next announcements of `slots`. False when that was the end.
  bool read(thread_slots::walk& slots) noexcept {
    count_ = 0;
    latest_upper_ = 0;
    while (thread_slot* slot = slots.next()) {
      const pinned_era seen = pinned_era::of(*slot);
      if (!seen.is_pinned()) continue;
      insert(seen);
      if (count_ == capacity) return true;
    }
    return false;
  }

  /// Whether nothing is announced.
  bool empty() const noexcept { return count_ == 0; }

  /// The oldest announcement that keeps a node with that life from being freed, or nullptr.
  const pinned_era* blocker(std::uint64_t birth, std::uint64_t retired) const noexcept {
    if (birth > latest_upper_) return nullptr;
    for (std::size_t i = 0; i < count_ && eras_[i].lower <= retired; ++i) {
      if (birth <= eras_[i].upper) return &eras_[i];
    }
    return nullptr;
  }

  /// The oldest era that any thread announces, 0 if none does.
  static std::uint64_t oldest() noexcept {
    std::uint64_t oldest = 0;
    thread_slots::for_each_while([&oldest](thread_slot& slot) {
      const pinned_era seen = pinned_era::of(slot);
      if (seen.is_pinned() && (oldest == 0 || seen.lower < oldest)) oldest = seen.lower;
      return true;
    });
    return oldest;
  }

 private:
  /// The oldest pin comes first: most likely it will be the last to go.
  void insert(const pinned_era& seen) noexcept {
    std::size_t at = count_++;
    for (; at != 0 && eras_[at - 1].lower > seen.lower; --at) eras_[at] = eras_[at - 1];
    eras_[at] = seen;
    if (seen.upper > latest_upper_) latest_upper_ = seen.upper;
  }

  std::size_t count_ = 0;
  std::uint64_t latest_upper_ = 0;
  pinned_era eras_[capacity];
};

}  // namespace concur::inline CONCUR_ABI::detail
