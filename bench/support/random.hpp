// SPDX-License-Identifier: MIT
/// \file
/// Index streams: what the timed loops read, made before the clock starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace concur_bench {

enum class stream_kind : unsigned {
  hits,          ///< uniform in [0, n)
  misses,        ///< uniform in [n, 2n): never inserted
  zipf,          ///< Zipf 0.99 over [0, n)
  mix_90_9_1,    ///< uniform over n / 0.9 keys with an operation in the top bits
  mix_50_25_25,  ///< uniform over 2n keys with an operation in the top bits
};

inline constexpr std::uint32_t operation_shift = 30;
inline constexpr std::uint32_t index_mask = (std::uint32_t{1} << operation_shift) - 1;
enum class operation : std::uint32_t { find, insert, erase };

/// A power of two of indices, at least `stream_block`, the same for every map: thread t of kind k
/// over n keys always gets the same stream. Kept until another n is asked for. Not thread-safe: ask
/// before the threads start.
const std::vector<std::uint32_t>& stream(stream_kind kind, std::size_t n, unsigned thread);

inline constexpr std::size_t stream_block = 1024;

}  // namespace concur_bench
