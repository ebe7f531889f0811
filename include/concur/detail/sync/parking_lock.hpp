// SPDX-License-Identifier: MIT
/// \file
/// A mutex of four bytes: spins for a few microseconds, then sleeps in the kernel.
///
///                    lock                        lock, after spinning
///     unlocked (0) ------> locked (1)   unlocked, locked ------> contended (2)
///     unlocked     <------ locked, contended    (unlock; from contended it also wakes one sleeper)
///
/// `contended` means "locked, and somebody may sleep". A woken thread takes the lock as contended,
/// because it cannot know whether others still sleep: one needless wake-up at the end of a queue,
/// and no sleeper is ever forgotten (Drepper, "Futexes Are Tricky", 2011, section 5).
///
/// Exclusive, not recursive, unfair: a running thread may overtake a woken one, which is what makes
/// it fast; the kernel wakes in order of arrival, so a sleeper's turn to try comes round. Meets
/// BasicLockable and Lockable. Timed: parking_lock_timed.hpp.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <concur/detail/sync/futex.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

class parking_lock {
 public:
  constexpr parking_lock() noexcept = default;
  parking_lock(const parking_lock&) = delete;
  parking_lock& operator=(const parking_lock&) = delete;

  void lock() noexcept {
    if (!try_lock()) [[unlikely]]
      lock_slowly();
  }

  [[nodiscard]] bool try_lock() noexcept {
    std::uint32_t expected = unlocked;
    // (1) acquire: what the previous holder did happened before; pairs with (3).
    return word_.compare_exchange_strong(expected, locked, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  void unlock() noexcept {
    // (3) release: pairs with (1), (2).
    const std::uint32_t before = word_.exchange(unlocked, std::memory_order_release);
    CONCUR_ASSERT(before != unlocked);
    if (before == contended) [[unlikely]]
      futex::wake_one(word_);
  }

  /// Whether somebody holds it: a hint, and for assertions of the holder.
  bool is_locked() const noexcept {
    return word_.load(std::memory_order_relaxed) != unlocked;  // relaxed: orders nothing
  }

 private:
  friend class parking_lock_timed;

  enum : std::uint32_t { unlocked = 0, locked = 1, contended = 2 };
  static constexpr int spin_rounds = 8;  // all of backoff's spinning, and one yield

  bool try_lock_spinning() noexcept {
    backoff wait;
    for (int round = 0; round < spin_rounds; ++round) {
      wait.pause();
      // relaxed: only a look, so that waiters do not take the line from the holder.
      if (word_.load(std::memory_order_relaxed) == unlocked && try_lock()) return true;
    }
    return false;
  }

  /// One attempt that also leaves the mark which makes the holder wake us.
  bool try_lock_contended() noexcept {
    // (2) acquire: as (1); pairs with (3).
    return word_.exchange(contended, std::memory_order_acquire) == unlocked;
  }

  CONCUR_NOINLINE void lock_slowly() noexcept {
    if (try_lock_spinning()) return;
    while (!try_lock_contended()) futex::wait(word_, contended);
  }

  std::atomic<std::uint32_t> word_{unlocked};
};

static_assert(sizeof(parking_lock) == 4, "one lies in every key of a lockmap");

/// Holds a lock for its own lifetime; `unlock` and `lock` open a gap in it.
template <class Lock>
class [[nodiscard]] lock_holder {
 public:
  explicit lock_holder(Lock& lock) noexcept : lock_(&lock) { lock_->lock(); }
  ~lock_holder() {
    if (owns_) lock_->unlock();
  }
  lock_holder(const lock_holder&) = delete;
  lock_holder& operator=(const lock_holder&) = delete;

  void unlock() noexcept {
    owns_ = false;
    lock_->unlock();
  }
  void lock() noexcept {
    lock_->lock();
    owns_ = true;
  }

 private:
  Lock* lock_;
  bool owns_ = true;
};

}  // namespace concur::inline CONCUR_ABI::detail
