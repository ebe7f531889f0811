// SPDX-License-Identifier: MIT
/// \file
/// Where an element lies: index -> chunk and offset, chunk -> segment and slot. Arithmetic alone.
///
///   chunks    first, first, 2*first, 4*first, ..., full/2, full, full, full, ...   elements
///   segments  24, 96, 384, 1536, ...                                               chunk slots
///
/// The first chunks double, so that a tiny array is small; then all have one size, so that adding
/// one never costs more. Segments grow fourfold, so that a handful of them is enough for any memory
/// there is, and none is ever copied or replaced.
#pragma once

#include <bit>
#include <concur/detail/config.hpp>
#include <cstddef>
#include <limits>

namespace concur::inline CONCUR_ABI::detail {

struct seq_array_place {
  std::size_t chunk;
  std::size_t offset;
};

struct seq_array_slot {
  std::size_t segment;
  std::size_t offset;
};

/// `FirstBits`, `FullBits`: logarithms of the elements of the first and of a full chunk.
template <unsigned FirstBits, unsigned FullBits>
struct seq_array_geometry {
  static_assert(FirstBits <= FullBits && FullBits < 32);

  static constexpr std::size_t first = std::size_t{1} << FirstBits;
  static constexpr std::size_t full = std::size_t{1} << FullBits;
  static constexpr std::size_t doubling_chunks = FullBits - FirstBits + 1;

  static constexpr seq_array_place locate(std::size_t index) noexcept {
    if (index >= full) [[likely]] {
      return {(index >> FullBits) + doubling_chunks - 1, index & (full - 1)};
    }
    if (index < first) return {0, index};
    const auto high = static_cast<unsigned>(std::bit_width(index)) - 1;
    return {high - FirstBits + 1, index - (std::size_t{1} << high)};
  }

  static constexpr std::size_t chunk_elements(std::size_t chunk) noexcept {
    if (chunk >= doubling_chunks) return full;
    return chunk == 0 ? first : first << (chunk - 1);
  }

  /// The elements of the first `chunks` chunks together.
  static constexpr std::size_t capacity(std::size_t chunks) noexcept {
    if (chunks == 0) return 0;
    if (chunks <= doubling_chunks) return first << (chunks - 1);
    return (chunks - doubling_chunks + 1) << FullBits;
  }

  /// The number of chunks that hold `elements`.
  static constexpr std::size_t chunks_for(std::size_t elements) noexcept {
    return elements == 0 ? 0 : locate(elements - 1).chunk + 1;
  }

  static constexpr std::size_t segment_count = 14;

  static constexpr seq_array_slot slot_of(std::size_t chunk) noexcept {
    const std::size_t biased = chunk + 8;
    const std::size_t segment = static_cast<std::size_t>(std::bit_width(biased) - 4) / 2;
    return {segment, biased - segment_start(segment)};
  }

  static constexpr std::size_t segment_slots(std::size_t segment) noexcept {
    return 3 * segment_start(segment);
  }

  static constexpr std::size_t max_chunks = (std::size_t{8} << (2 * segment_count)) - 8;

  static constexpr std::size_t max_elements =
      max_chunks - doubling_chunks + 1 < (std::numeric_limits<std::size_t>::max() >> FullBits)
          ? (max_chunks - doubling_chunks + 1) << FullBits
          : std::numeric_limits<std::size_t>::max() / 2;

 private:
  /// The biased number of a segment's first chunk.
  static constexpr std::size_t segment_start(std::size_t segment) noexcept {
    return std::size_t{8} << (2 * segment);
  }
};

/// How an array is cut into chunks. Tests use a tiny one.
template <std::size_t CellSize>
struct seq_array_tuning {
  /// A full chunk is about this large: adding one costs some microseconds, whatever the size of
  /// the array; a smaller one would make the directory larger, and shrinking slower.
  static constexpr std::size_t full_chunk_bytes = 64 * 1024;
  /// The first chunk: two cache lines, or one element.
  static constexpr std::size_t first_chunk_bytes = 128;

  static constexpr unsigned full_bits =
      CellSize >= full_chunk_bytes
          ? 0
          : static_cast<unsigned>(std::bit_width(full_chunk_bytes / CellSize)) - 1;
  static constexpr unsigned first_bits =
      CellSize >= first_chunk_bytes
          ? 0
          : static_cast<unsigned>(std::bit_width(first_chunk_bytes / CellSize)) - 1;
};

}  // namespace concur::inline CONCUR_ABI::detail
