// SPDX-License-Identifier: MIT
/// \file
/// Measures of a 64-bit hash: avalanche, and how evenly a family of keys falls into buckets chosen
/// by some of its bits. Deterministic: every random number comes from a fixed seed.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace concur_test {

/// splitmix64: good enough to judge by, and unlike anything that is judged.
class generator {
 public:
  explicit generator(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t operator()() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

/// 64 counters, one for each bit of a word, kept as bit planes.
class bit_counters {
 public:
  void add(std::uint64_t bits) noexcept {
    for (std::uint64_t& plane : planes_) {
      const std::uint64_t carry = plane & bits;
      plane ^= bits;
      bits = carry;
      if (bits == 0) return;
    }
  }
  std::uint64_t operator[](std::size_t bit) const noexcept {
    std::uint64_t count = 0;
    for (std::size_t p = 0; p < planes_.size(); ++p) count |= (planes_[p] >> bit & 1) << p;
    return count;
  }

 private:
  std::array<std::uint64_t, 24> planes_{};
};

/// With so many samples 0.02 is seven standard deviations: a fair cell exceeds it once in 10^12.
inline constexpr std::size_t avalanche_samples = 32768;
inline constexpr double avalanche_bound = 0.02;

/// The largest distance from 0.5 of the probability that an output bit flips with an input bit.
/// `hash_of(sample, flipped)` is the hash of key number `sample` with one bit flipped, or with none
/// if `flipped` is -1.
template <class HashOf>
double worst_avalanche(std::size_t input_bits, HashOf hash_of,
                       std::size_t samples = avalanche_samples) {
  std::vector<bit_counters> flips(input_bits);
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const std::uint64_t unchanged = hash_of(sample, -1);
    for (std::size_t bit = 0; bit < input_bits; ++bit) {
      flips[bit].add(unchanged ^ hash_of(sample, static_cast<int>(bit)));
    }
  }
  double worst = 0;
  for (const bit_counters& input : flips) {
    for (std::size_t output = 0; output < 64; ++output) {
      const double probability = static_cast<double>(input[output]) / static_cast<double>(samples);
      worst = std::max(worst, std::abs(probability - 0.5));
    }
  }
  return worst;
}

/// How much worse than chance `hashes` fall into 2^`bits` buckets, which `bucket_of` chooses: the
/// chi-square statistic, in standard deviations above its mean. Below 6 for a random function.
template <class BucketOf>
double excess_of_chance(const std::vector<std::uint64_t>& hashes, unsigned bits,
                        BucketOf bucket_of) {
  const std::size_t buckets = std::size_t{1} << bits;
  std::vector<std::uint32_t> load(buckets);
  for (const std::uint64_t hash : hashes) ++load[bucket_of(hash)];
  const double expected = static_cast<double>(hashes.size()) / static_cast<double>(buckets);
  double chi_square = 0;
  for (const std::uint32_t n : load) {
    const double off = static_cast<double>(n) - expected;
    chi_square += off * off / expected;
  }
  const double freedom = static_cast<double>(buckets) - 1;
  return (chi_square - freedom) / std::sqrt(2 * freedom);
}

/// The bits that maps use: places are chosen by high bits, tags are low bits.
inline double worst_spread(const std::vector<std::uint64_t>& hashes) {
  double worst = 0;
  for (const unsigned bits : {4U, 8U, 11U, 13U}) {
    worst = std::max(worst, excess_of_chance(hashes, bits, [&](std::uint64_t hash) {
                       return static_cast<std::size_t>(hash >> (64 - bits));
                     }));
    worst = std::max(worst, excess_of_chance(hashes, bits, [&](std::uint64_t hash) {
                       return static_cast<std::size_t>(hash & ((std::uint64_t{1} << bits) - 1));
                     }));
  }
  // Tags of the keys of one bucket.
  return std::max(worst, excess_of_chance(hashes, 13, [](std::uint64_t hash) {
                    return static_cast<std::size_t>((hash >> 58 << 7) | (hash & 127));
                  }));
}

/// Chance gives a random function more than this once in 10^9 families (and the tail of chi-square
/// with few degrees of freedom is a little heavier).
inline constexpr double spread_bound = 7;

inline bool all_different(std::vector<std::uint64_t> hashes) {
  std::sort(hashes.begin(), hashes.end());
  return std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end();
}

}  // namespace concur_test
