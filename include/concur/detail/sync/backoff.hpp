// SPDX-License-Identifier: MIT
/// \file
/// The one way to wait in a loop: spin with doubling pauses, then yield the core, then sleep.
///
/// A lock holder that runs is gone within the first pauses; one that was descheduled needs our
/// core, which only `yield` gives; one that sleeps (a page fault, a debugger) is not worth a core.
/// No loop of the library waits in any other way, so that a test can count and steer every wait.
#pragma once

#include <concur/detail/sync/platform.hpp>

namespace concur::inline CONCUR_ABI::detail {

class backoff {
 public:
  /// Waits a little longer than the last time.
  CONCUR_NOINLINE void pause() noexcept {
    if (round_ < spin_rounds) {
      for (unsigned i = 1u << round_; i != 0; --i) cpu_relax();
    } else if (round_ < spin_rounds + yield_rounds) {
      yield_thread();
    } else {
      sleep_thread(sleep_microseconds);
      return;
    }
    ++round_;
  }

  /// The wait made progress: start again with short pauses.
  void reset() noexcept { round_ = 0; }

 private:
  // 1 + 2 + ... + 64 pauses, about 2 to 8 microseconds: longer than any critical section that runs.
  static constexpr unsigned spin_rounds = 7;
  static constexpr unsigned yield_rounds = 64;
  static constexpr unsigned sleep_microseconds = 50;

  unsigned round_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail
