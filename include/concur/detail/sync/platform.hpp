// SPDX-License-Identifier: MIT
/// \file
/// What the operating system and the processor lend to a waiting thread. The only file that names
/// their interfaces for it.
#pragma once

#include <concur/detail/config.hpp>
#include <cstdint>

#if defined(_WIN32)
extern "C" __declspec(dllimport) unsigned long long __stdcall GetTickCount64();
extern "C" __declspec(dllimport) int __stdcall SwitchToThread();
extern "C" __declspec(dllimport) void __stdcall Sleep(unsigned long);
extern "C" __declspec(dllimport) unsigned long __stdcall GetActiveProcessorCount(unsigned short);
#else
#include <sched.h>
#include <time.h>
#include <unistd.h>
#endif

namespace concur::inline CONCUR_ABI::detail {

/// Tells the processor that this is a spin loop: frees the sibling's execution units, and delays
/// the next look at the contended line.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile(
      "isb" ::
          : "memory");  // "yield" is a no-op on most cores; isb waits about as long as pause
#elif defined(_M_X64) || defined(_M_IX86)
  _mm_pause();
#elif defined(_M_ARM64)
  __isb(15);  // the whole system, as above
#endif
}

/// Lets another runnable thread have this core.
inline void yield_thread() noexcept {
#if defined(_WIN32)
  SwitchToThread();
#else
  sched_yield();
#endif
}

/// Sleeps for about `microseconds` (below a second).
inline void sleep_thread(unsigned microseconds) noexcept {
#if defined(_WIN32)
  Sleep((microseconds + 999) / 1000);
#else
  const timespec duration{0, static_cast<long>(microseconds) * 1000};
  nanosleep(&duration, nullptr);
#endif
}

/// A clock that never goes back, for short waits.
inline std::uint64_t monotonic_nanoseconds() noexcept {
#if defined(_WIN32)
  return GetTickCount64() * 1'000'000;
#else
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
#endif
}

/// As `monotonic_nanoseconds`, but only as fine as the scheduler's tick, and four times cheaper.
inline std::uint64_t coarse_nanoseconds() noexcept {
#if defined(CLOCK_MONOTONIC_COARSE)
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
#else
  return monotonic_nanoseconds();
#endif
}

/// How many processors there are, at least 1.
inline unsigned processor_count() noexcept {
#if defined(_WIN32)
  const unsigned long n = GetActiveProcessorCount(0xffff);
#else
  const long n = sysconf(_SC_NPROCESSORS_ONLN);
#endif
  return n < 1 ? 1U : static_cast<unsigned>(n);
}

}  // namespace concur::inline CONCUR_ABI::detail
