// SPDX-License-Identifier: MIT
/// \file
/// Times for histories of real threads: if one call of the clock returned before another began, on
/// whatever core, its time is not greater, and no memory access of an operation moves out of the
/// interval between the two times that were taken around it.
///
/// A plain clock does not do: a store may still sit in the store buffer when the time after it is
/// read, and a load may have been executed before the time in front of it. Hence, on x86-64,
/// `mfence; rdtsc; lfence` before an operation and `mfence; rdtscp; lfence` after it, where the
/// time-stamp counter is invariant and two threads that ask it in turn never see it go back.
/// Anywhere else: std::chrono::steady_clock between two seq_cst fences.
#pragma once

#include <atomic>
#include <chrono>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <cstdint>
#include <thread>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace concur_test {

class fenced_clock {
 public:
  using time = std::uint64_t;

  fenced_clock() : counts_cycles_(counter_is_usable()) {}
  /// `counts_cycles` false: the portable clock.
  explicit fenced_clock(bool counts_cycles) : counts_cycles_(counts_cycles) {}

  bool counts_cycles() const noexcept { return counts_cycles_; }

  /// Before an operation.
  time begins() const noexcept { return counts_cycles_ ? cycles_before() : portable(); }
  /// After it.
  time ends() const noexcept { return counts_cycles_ ? cycles_after() : portable(); }

  static bool counter_is_usable() {
    static const bool usable = counter_is_invariant() && counter_never_goes_back();
    return usable;
  }

 private:
  static time portable() noexcept {
    concur::detail::full_fence();
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    concur::detail::full_fence();
    return static_cast<time>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  }

#if defined(__x86_64__)
  static time cycles_before() noexcept {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("mfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return time{high} << 32 | low;
  }
  static time cycles_after() noexcept {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("mfence\n\trdtscp\n\tlfence" : "=a"(low), "=d"(high) : : "memory", "ecx");
    return time{high} << 32 | low;
  }
  static bool counter_is_invariant() noexcept {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    const bool has_rdtscp = __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (d >> 27 & 1) != 0;
    return has_rdtscp && __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d >> 8 & 1) != 0;
  }
  /// Two threads ask in turn; each has seen the other's time.
  static bool counter_never_goes_back() {
    constexpr int turns = 4'000;
    std::atomic<int> turn{0};
    time last = 0;  // of whose turn it is
    bool right[2] = {true, true};
    const auto play = [&](int me) {
      for (int i = me; i < turns; i += 2) {
        for (int spins = 0; turn.load(std::memory_order_acquire) != i;) {
          if (++spins % 256 == 0) std::this_thread::yield();
        }
        const time before = cycles_before();
        const time after = cycles_after();
        right[me] = right[me] && last <= before && before <= after;
        last = after;
        turn.store(i + 1, std::memory_order_release);
      }
    };
    std::thread other([&] { play(1); });
    play(0);
    other.join();
    return right[0] && right[1];
  }
#else
  static time cycles_before() noexcept {
    return portable();
  }
  static time cycles_after() noexcept {
    return portable();
  }
  static bool counter_is_invariant() noexcept {
    return false;
  }
  static bool counter_never_goes_back() {
    return false;
  }
#endif

  bool counts_cycles_;
};

}  // namespace concur_test
