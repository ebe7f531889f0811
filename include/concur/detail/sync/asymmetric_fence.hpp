// SPDX-License-Identifier: MIT
/// \file
/// A pair of fences whose cost lies on one side: `light_fence` where it runs all the time,
/// `heavy_fence` where it runs rarely.
///
/// Contract: a light fence L and a heavy fence H order as two `atomic_thread_fence(seq_cst)` would.
/// For a store A before L and a load B after it, a store C before H and a load D after it:
///   - if L comes before H in the total order, D sees A (or something newer);
///   - if H comes before L, B sees C (or something newer).
/// There is no third case.
///
/// On Linux the heavy side is membarrier(PRIVATE_EXPEDITED), which makes every running thread of
/// the process execute a full barrier, and the light side only stops the compiler: 0.4 ns instead
/// of 6 to 10. On Windows it is FlushProcessWriteBuffers. Where the kernel offers neither, both
/// sides are seq_cst fences.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(_WIN32)
extern "C" __declspec(dllimport) void __stdcall FlushProcessWriteBuffers();
#endif

namespace concur::inline CONCUR_ABI::detail {

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"  // ThreadSanitizer ignores fences: so do our proofs of it
#endif
/// The only fence instruction of the library. Plain data never depends on it: that is published by
/// release and acquire operations.
inline void full_fence() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // seq_cst: its users say what it pairs with
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

class CONCUR_SHARED asymmetric_fence {
 public:
  /// The side that runs on every read. A compiler fence once `prepare` found membarrier.
  CONCUR_FORCEINLINE static void light() noexcept {
    // (1) relaxed: `light_is_free` only ever says "free" after the registration succeeded, and the
    // heavy side registers itself before it relies on it: a stale value costs one real fence.
    if (light_is_free.load(std::memory_order_relaxed)) [[likely]] {
      free_light();
    } else {
      full_fence();  // (2) seq_cst: pairs with (3), case "no membarrier".
    }
  }

  /// Whether `light` costs nothing now. A short section may ask once and then use `free_light`: the
  /// answer does not spoil, because the heavy side goes on calling the kernel where it ever did.
  static bool is_light_free() noexcept {
    return light_is_free.load(std::memory_order_relaxed);  // relaxed: see (1)
  }
  /// As `light`, in such a section.
  static void free_light() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

  /// The side that runs rarely. False when the kernel refused although the registration had
  /// succeeded (a seccomp filter set later): then nothing is ordered, and the caller frees nothing.
  [[nodiscard]] static bool heavy() noexcept {
    const bool registered = prepare();
    full_fence();  // (3) seq_cst: pairs with (2); and orders this thread's own accesses.
    if (!registered) return true;
    return membarrier(command_private_expedited) == 0;
  }

  /// Registers the process with the kernel once. Called when a thread takes its slot, that is
  /// before its first light fence. True where membarrier works.
  static bool prepare() noexcept {
    // acquire: pairs with the release below, so that whoever sees `available` is registered.
    int known = state.load(std::memory_order_acquire);
    if (known == unknown) [[unlikely]] {
      const int found = membarrier(command_register_private_expedited) == 0 ? available : missing;
      // release: pairs with the acquire above. Two threads may both register, which is idempotent;
      // should the kernel begin to refuse in between, the first answer stands.
      known = unknown;
      if (state.compare_exchange_strong(known, found, std::memory_order_release,
                                        std::memory_order_acquire)) {
        known = found;
      }
      if (known == available && !symmetric_by_request.load(std::memory_order_relaxed)) {
        light_is_free.store(true, std::memory_order_relaxed);  // relaxed: see (1)
      }
    }
    return known == available;
  }

  /// From now on light fences are real fences. For tests of the fallback, and for programs that
  /// must not make the system call from some later point on. Safe at any time: the heavy side
  /// goes on calling membarrier where it can.
  static void use_symmetric_fences() noexcept {
    symmetric_by_request.store(true, std::memory_order_relaxed);  // relaxed: a request, see (1)
    light_is_free.store(false, std::memory_order_relaxed);        // relaxed: see (1)
  }

 private:
  static constexpr int command_private_expedited = 1 << 3;
  static constexpr int command_register_private_expedited = 1 << 4;
  enum : int { unknown, available, missing };

  static long membarrier([[maybe_unused]] int command) noexcept {
#if defined(__linux__) && defined(SYS_membarrier)
    return ::syscall(SYS_membarrier, command, 0, 0);
#elif defined(_WIN32)
    if (command == command_private_expedited) FlushProcessWriteBuffers();
    return 0;
#else
    return -1;
#endif
  }

  inline static constinit std::atomic<bool> light_is_free{false};
  inline static constinit std::atomic<bool> symmetric_by_request{false};
  inline static constinit std::atomic<int> state{unknown};
};

}  // namespace concur::inline CONCUR_ABI::detail
