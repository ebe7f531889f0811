// SPDX-License-Identifier: MIT
/// \file
/// What the operating system and the processor lend to a waiting thread. The only file that names
/// their interfaces for it.
#pragma once

#include <concur/detail/config.hpp>

#if defined(_WIN32)
extern "C" __declspec(dllimport) int __stdcall SwitchToThread();
extern "C" __declspec(dllimport) void __stdcall Sleep(unsigned long);
#else
#include <sched.h>
#include <time.h>
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
  __nop();
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

}  // namespace concur::inline CONCUR_ABI::detail
