// SPDX-License-Identifier: MIT
/// \file
/// What a lock-free writer does after it lost a compare-and-swap: it stays away for a while, so
/// that the winner's cache line is not taken from it (Dice, Hendler, Mirsky, "Lightweight
/// Contention Management for Efficient Compare-and-Swap Operations", 2013). By time, not by a count
/// of pauses, whose length differs tenfold between processors; doubling, with a cap: nobody waits
/// for anybody, the operation is tried again whatever happened meanwhile.
#pragma once

#include <concur/detail/sync/platform.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// Time as `contention` sees it; a test has its own.
struct monotonic_clock {
  static std::uint64_t nanoseconds() noexcept { return monotonic_nanoseconds(); }
};

template <class Clock>
class basic_contention {
 public:
  // Measured on one hot key (bench/NOTES.md): a shorter first wait, or none after the first loss,
  // leaves two to seven times as many losses, and less is done.
  static constexpr std::uint64_t first_nanoseconds = 400;
  static constexpr std::uint64_t most_nanoseconds = 6'400;
  static constexpr unsigned most_rounds = 400;

  constexpr basic_contention() noexcept = default;
  constexpr explicit basic_contention(std::uint64_t first_wait) noexcept : wait_(first_wait) {}

  /// After a loss.
  CONCUR_NOINLINE void lost() noexcept {
    const std::uint64_t until = Clock::nanoseconds() + wait_;
    // Bounded in any case: a clock may be coarse, or stand still.
    for (unsigned round = 0; round < most_rounds; ++round) {
      for (int i = 0; i < 4; ++i) cpu_relax();
      if (Clock::nanoseconds() >= until) break;
    }
    if (wait_ < most_nanoseconds) wait_ *= 2;
  }

 private:
  std::uint64_t wait_ = first_nanoseconds;
};

using contention = basic_contention<monotonic_clock>;

}  // namespace concur::inline CONCUR_ABI::detail
