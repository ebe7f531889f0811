// SPDX-License-Identifier: MIT
/// \file
/// Timed attempts on a parking_lock, apart from it because they need <chrono>.
///
/// On Linux a waiter sleeps on the lock's word with a timeout, and an unlock wakes it. Elsewhere
/// the standard has no timed sleep on a word: the waiter polls with growing pauses of up to 50
/// microseconds, which costs some processor time and nothing else.
#pragma once

#include <chrono>
#include <concur/detail/sync/parking_lock.hpp>

namespace concur::inline CONCUR_ABI::detail {

class parking_lock_timed : public parking_lock {
 public:
  /// False when `duration` is over first; a duration of zero or less is one attempt.
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock_for(*this, duration);
  }

  /// False when `deadline` is reached first; a deadline in the past is one attempt.
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(const std::chrono::time_point<Clock, Duration>& deadline) {
    return try_lock_until(*this, deadline);
  }

  /// The same for any parking_lock.
  template <class Rep, class Period>
  [[nodiscard]] static bool try_lock_for(parking_lock& lock,
                                         const std::chrono::duration<Rep, Period>& duration) {
    using clock = std::chrono::steady_clock;
    if (lock.try_lock()) return true;
    const clock::time_point now = clock::now();
    // In seconds as double a sum that would overflow is seen to be one.
    const std::chrono::duration<double> room = clock::time_point::max() - now;
    if (std::chrono::duration<double>(duration) >= room / 2) {
      lock.lock();
      return true;
    }
    return try_lock_until(lock, now + std::chrono::ceil<clock::duration>(duration));
  }

  template <class Clock, class Duration>
  [[nodiscard]] static bool try_lock_until(
      parking_lock& lock, const std::chrono::time_point<Clock, Duration>& deadline) {
    if (lock.try_lock()) return true;
    if (Clock::now() >= deadline) return false;
    if (lock.try_lock_spinning()) return true;
    backoff wait;
    // A waiter that gives up leaves `contended` behind: one needless wake-up, no lost one. The
    // kernel reports a wake-up or a timeout, never both, and after either we try once more first:
    // the wake-up that we consumed is not lost on a lock that nobody holds.
    while (!(futex::has_timeout ? lock.try_lock_contended() : lock.try_lock())) {
      const auto left = deadline - Clock::now();
      if (left <= left.zero()) return false;
      if constexpr (futex::has_timeout) {
        // A clock that may be set is looked at again at least once a second.
        const std::chrono::duration<double> seconds = left;
        const auto slice = seconds.count() < 1.0 ? seconds.count() * 1e9 + 1.0 : 1e9;
        futex::wait_for(lock.word_, contended, static_cast<std::int64_t>(slice));
      } else {
        wait.pause();
      }
    }
    return true;
  }
};

static_assert(sizeof(parking_lock_timed) == sizeof(parking_lock), "one may stand for the other");

}  // namespace concur::inline CONCUR_ABI::detail
