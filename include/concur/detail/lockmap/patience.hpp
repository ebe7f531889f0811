// SPDX-License-Identifier: MIT
/// \file
/// How long somebody waits: not at all, for ever, or until a moment. A patience sleeps on a word,
/// and says when it is over, or that it is over before it has slept. Durations and moments are
/// template arguments: <chrono> is the caller's.
#pragma once

#include <atomic>
#include <concur/detail/sync/futex.hpp>
#include <concur/detail/sync/platform.hpp>
#include <concur/version.hpp>
#include <cstdint>
#include <type_traits>

#if defined(_WIN32)
extern "C" __declspec(dllimport) unsigned long long __stdcall GetTickCount64();
#endif

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// Nanoseconds of a clock that only goes forward.
inline std::int64_t monotonic_now() noexcept {
#if defined(_WIN32)
  return static_cast<std::int64_t>(GetTickCount64()) * 1'000'000;
#else
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
#endif
}

/// Nobody but the key's holders wakes the one who waits.
struct no_subscription {};

/// Until a `std::stop_token`'s source asks to stop: defined in concur/lockmap_stop.hpp.
template <class StopToken>
class patience_unless;

struct no_patience {
  static constexpr bool waits = false;
  static bool sleep(std::atomic<std::uint32_t>&, std::uint32_t) noexcept { return false; }
};

struct endless_patience {
  static constexpr bool waits = true;
  static no_subscription subscribe(std::atomic<std::uint32_t>&) noexcept { return {}; }
  /// Whether it would not sleep at all: who has it then makes one attempt.
  static constexpr bool is_over() noexcept { return false; }
  /// Sleeps while the word is `seen`, or shorter; false when there is no more patience.
  static bool sleep(std::atomic<std::uint32_t>& word, std::uint32_t seen) noexcept {
    futex::wait(word, seen);
    return true;
  }
};

/// Sleeps for at most `left` nanoseconds; polls where a sleep cannot be timed.
inline void sleep_at_most(std::atomic<std::uint32_t>& word, std::uint32_t seen,
                          std::int64_t left) noexcept {
  if constexpr (futex::has_timeout) {
    // A clock that may be set is looked at again at least once a second.
    futex::wait_for(word, seen, left < 1'000'000'000 ? left : 1'000'000'000);
  } else if (word.load(std::memory_order_relaxed) == seen) {  // relaxed: the caller looks again
    sleep_thread(50);
  }
}

/// For a duration from now on.
class patience_for {
 public:
  static constexpr bool waits = true;

  template <class Duration>
  explicit patience_for(const Duration& duration) noexcept {
    using period = typename Duration::period;
    // In floating point a duration that would overflow is seen to be one.
    const double nanoseconds =
        static_cast<double>(duration.count()) *
        (1e9 * static_cast<double>(period::num) / static_cast<double>(period::den));
    is_endless_ = nanoseconds > 4e18;
    if (!is_endless_ && nanoseconds > 0) left_ = static_cast<std::int64_t>(nanoseconds) + 1;
    end_ = left_ == 0 ? 0 : saturated(monotonic_now(), left_);
  }

  static no_subscription subscribe(std::atomic<std::uint32_t>&) noexcept { return {}; }
  bool is_over() const noexcept { return !is_endless_ && left_ == 0; }
  bool sleep(std::atomic<std::uint32_t>& word, std::uint32_t seen) noexcept {
    if (is_endless_) return endless_patience::sleep(word, seen);
    if (is_over()) return false;
    const std::int64_t left = end_ - monotonic_now();
    if (left <= 0) return false;
    sleep_at_most(word, seen, left);
    return true;
  }

 private:
  static std::int64_t saturated(std::int64_t now, std::int64_t more) noexcept {
    constexpr std::int64_t largest = 0x7fff'ffff'ffff'ffff;
    return more > largest - now ? largest : now + more;
  }

  bool is_endless_ = false;
  std::int64_t left_ = 0;
  std::int64_t end_ = 0;
};

/// Until a moment of a clock of the caller's.
template <class TimePoint>
class patience_until {
 public:
  static constexpr bool waits = true;
  explicit patience_until(const TimePoint& end) : end_(end) {}

  static no_subscription subscribe(std::atomic<std::uint32_t>&) noexcept { return {}; }
  bool is_over() const { return left() <= 0; }
  bool sleep(std::atomic<std::uint32_t>& word, std::uint32_t seen) {
    const double nanoseconds = left();
    if (nanoseconds <= 0) return false;
    sleep_at_most(word, seen,
                  nanoseconds < 1e9 ? static_cast<std::int64_t>(nanoseconds) + 1 : 1'000'000'000);
    return true;
  }

 private:
  /// In nanoseconds. Of moments that are far from each other the difference need not exist.
  double left() const {
    const auto now = TimePoint::clock::now();
    const double distance =
        nanoseconds(end_.time_since_epoch()) - nanoseconds(now.time_since_epoch());
    constexpr double day = 86'400e9;
    return -day < distance && distance < day ? nanoseconds(end_ - now) : distance;
  }
  template <class Duration>
  static double nanoseconds(const Duration& duration) {
    using period = typename Duration::period;
    return static_cast<double>(duration.count()) *
           (1e9 * static_cast<double>(period::num) / static_cast<double>(period::den));
  }

  const TimePoint& end_;
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
