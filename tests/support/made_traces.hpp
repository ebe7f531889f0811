// SPDX-License-Identifier: MIT
/// \file
/// Access patterns of caches, made from a seed: the same on every machine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace concur_test {

using trace = std::vector<std::uint64_t>;

/// `n` keys of [0, keys), the k-th most frequent with probability in proportion to k^-skew.
inline trace zipf_trace(std::size_t n, std::size_t keys, double skew, std::uint64_t seed) {
  std::vector<double> cumulated(keys);
  double sum = 0;
  for (std::size_t k = 0; k != keys; ++k) {
    sum += 1 / std::pow(static_cast<double>(k + 1), skew);
    cumulated[k] = sum;
  }
  std::mt19937_64 random(seed);
  trace made(n);
  for (std::uint64_t& key : made) {
    const double at = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
    const auto found = std::upper_bound(cumulated.begin(), cumulated.end(), at);
    key = static_cast<std::uint64_t>(std::min(found, cumulated.end() - 1) - cumulated.begin());
  }
  return made;
}

/// 0 to keys - 1, round and round.
inline trace loop_trace(std::size_t n, std::size_t keys) {
  trace made(n);
  for (std::size_t i = 0; i != n; ++i) made[i] = i % keys;
  return made;
}

/// A Zipf trace into which now and then a scan of keys falls that are never used again.
inline trace scan_trace(std::size_t n, std::size_t keys, std::size_t scan, std::uint64_t seed) {
  const trace used = zipf_trace(n, keys, 0.9, seed);
  trace made;
  std::uint64_t fresh = std::uint64_t{1} << 40;
  for (std::size_t i = 0; made.size() < n; ++i) {
    made.push_back(used[i]);
    if (i % (4 * scan) != 0) continue;
    for (std::size_t j = 0; j != scan; ++j) made.push_back(fresh++);
  }
  made.resize(n);
  return made;
}

/// Zipf, a loop, and a working set that moves on, in phases.
inline trace mixed_trace(std::size_t n, std::size_t keys, std::uint64_t seed) {
  const trace used = zipf_trace(n, keys, 0.99, seed);
  std::mt19937_64 random(seed + 1);
  const std::size_t phase = n / 12 + 1;
  trace made(n);
  for (std::size_t i = 0; i != n; ++i) {
    switch (i / phase % 3) {
      case 0:
        made[i] = used[i];
        break;
      case 1:
        made[i] = keys + i % (keys / 4 + 1);
        break;
      default:
        made[i] = 2 * keys + i / 16 + random() % 64;
    }
  }
  return made;
}

}  // namespace concur_test
