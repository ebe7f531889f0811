// SPDX-License-Identifier: MIT
/// \file
/// A log-linear histogram of latencies: 32 steps per power of two, so 3 % of resolution, from 1
/// tick to 2^40. Recording is two instructions and one increment.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace concur_bench {

class histogram {
 public:
  void record(std::uint64_t amount) noexcept {
    amount = std::min(amount, limit);
    ++counts_[slot(amount)];
    ++total_;
    maximum_ = std::max(maximum_, amount);
  }
  /// The smallest recorded amount (to 3 %) that at least `share` of all values do not exceed.
  std::uint64_t quantile(double share) const noexcept {
    const auto rank = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i != counts_.size(); ++i)
      if ((seen += counts_[i]) > rank) return std::min(upper(i), maximum_);
    return maximum_;
  }
  std::uint64_t maximum() const noexcept { return maximum_; }
  std::uint64_t total() const noexcept { return total_; }
  std::uint64_t above(std::uint64_t amount) const noexcept {
    std::uint64_t seen = 0;
    for (std::size_t i = slot(std::min(amount, limit)) + 1; i < counts_.size(); ++i)
      seen += counts_[i];
    return seen;
  }
  void merge(const histogram& other) noexcept {
    for (std::size_t i = 0; i != counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    maximum_ = std::max(maximum_, other.maximum_);
  }

 private:
  static constexpr unsigned step_bits = 5;
  static constexpr unsigned steps = 1U << step_bits;
  static constexpr std::uint64_t limit = (std::uint64_t{1} << 40) - 1;

  static std::size_t slot(std::uint64_t amount) noexcept {
    if (amount < steps) return static_cast<std::size_t>(amount);
    const auto shift = static_cast<unsigned>(std::bit_width(amount)) - step_bits - 1;
    return static_cast<std::size_t>((shift + 1) * steps + ((amount >> shift) - steps));
  }
  static std::uint64_t upper(std::size_t index) noexcept {
    if (index < steps) return index;
    const auto shift = static_cast<unsigned>(index / steps - 1);
    return ((index % steps + steps + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (40 - step_bits + 1) * steps> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t maximum_ = 0;
};

}  // namespace concur_bench
