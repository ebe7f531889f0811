// SPDX-License-Identifier: MIT
/// \file
/// Sleeping on a 32-bit word until somebody wakes it: the system call on Linux, `std::atomic::wait`
/// elsewhere.
///
/// Wakers and sleepers must both come through here: `std::atomic::notify_one` of libstdc++ does not
/// wake a thread that sleeps by the system call. Nothing here orders memory, and every sleep may
/// end for no reason: the caller looks at the word again.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <cstdint>

#if defined(__linux__)
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

namespace concur::inline CONCUR_ABI::detail {

class futex {
 public:
  using word = std::atomic<std::uint32_t>;

#if defined(__linux__)
  /// Whether `wait_for` sleeps until its time is over; elsewhere it returns at once.
  static constexpr bool has_timeout = true;
#else
  static constexpr bool has_timeout = false;
#endif

  /// Sleeps while `where` holds `expected`.
  static void wait(const word& where, std::uint32_t expected) noexcept {
#if defined(__linux__)
    call(where, command_wait, expected, nullptr);
#else
    where.wait(expected, std::memory_order_relaxed);  // relaxed: the caller's next access orders
#endif
  }

  /// Sleeps while `where` holds `expected`, at most about `nanoseconds`.
  static void wait_for([[maybe_unused]] const word& where, [[maybe_unused]] std::uint32_t expected,
                       [[maybe_unused]] std::int64_t nanoseconds) noexcept {
#if defined(__linux__)
    constexpr std::int64_t second = 1'000'000'000;
    kernel_timespec duration{};
    duration.seconds = static_cast<long>(nanoseconds / second);
    duration.nanoseconds = static_cast<long>(nanoseconds % second);
    call(where, command_wait, expected, &duration);
#endif
  }

  static void wake_one(word& where) noexcept {
#if defined(__linux__)
    call(where, command_wake, 1, nullptr);
#else
    where.notify_one();
#endif
  }

  static void wake_all(word& where) noexcept {
#if defined(__linux__)
    call(where, command_wake, 0x7fffffff, nullptr);
#else
    where.notify_all();
#endif
  }

 private:
#if defined(__linux__)
  static constexpr int flag_private = 128;
  static constexpr int command_wait = 0 | flag_private;  // relative timeout, monotonic clock
  static constexpr int command_wake = 1 | flag_private;

#if defined(SYS_futex)
  static constexpr long number = SYS_futex;
  struct kernel_timespec {  // what this call reads, whatever the size of time_t is
    long seconds;
    long nanoseconds;
  };
#else
  static constexpr long number = SYS_futex_time64;
  struct kernel_timespec {
    long long seconds;
    long long nanoseconds;
  };
#endif

  static void call(const word& where, int command, std::uint32_t value,
                   const kernel_timespec* duration) noexcept {
    static_assert(sizeof(word) == 4, "the kernel compares four bytes");
    ::syscall(number, &where, command, value, duration, nullptr, 0);
  }
#endif
};

}  // namespace concur::inline CONCUR_ABI::detail
