// SPDX-License-Identifier: MIT
/// \file
/// How often keys were used lately, approximately, also of keys that are not there: a count-min
/// sketch (Cormode and Muthukrishnan, "An Improved Data Stream Summary", J. Algorithms 2005) of
/// 4-bit counters, halved now and then (Einziger, Friedman, Manes, "TinyLFU", ACM Transactions on
/// Storage 2017). 8 bytes for each key of a full cache.
///
/// The four counters of a key lie in one block of 64 bytes: a row is a quarter of it.
#pragma once

#include <bit>
#include <concur/detail/bits/extremes.hpp>
#include <concur/policy/eviction/memory.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

template <class Allocator>
class frequency_sketch {
 public:
  static constexpr std::size_t most = std::size_t{1} << (sizeof(std::size_t) > 4 ? 32 : 24);
  static constexpr unsigned highest = 15;

  explicit frequency_sketch(const Allocator& allocator) noexcept : memory_(allocator) {}

  /// For a cache of `n` elements: 16 counters each.
  static constexpr std::size_t words_for(std::size_t n) noexcept {
    constexpr std::size_t counters_of_element = 16;
    const std::size_t elements = greatest(least(n, most), std::size_t{1});
    const std::size_t counters = elements * counters_of_element;
    return words_of_block * std::bit_ceil((counters + counters_of_block - 1) / counters_of_block);
  }
  std::size_t words() const noexcept { return memory_.size(); }

  /// Takes the memory if it is more; what was counted is forgotten then.
  void exchange_memory(eviction::memory<Allocator>& fresh) noexcept {
    if (fresh.size() <= memory_.size()) return;
    memory_.swap(fresh);
    added_ = 0;
  }

  /// Counts `n` uses. `sample` is the number of uses after which all counts are halved; not more
  /// often than once in as many uses as there are words, so that halving costs O(1) a use, also
  /// when the cache has become much smaller than the sketch.
  void add(std::uint64_t hash, unsigned n, std::uint64_t sample) noexcept {
    if (words() == 0) return;
    for (unsigned row = 0; row != rows; ++row) {
      const position at = position_of(hash, row);
      std::uint32_t& word = memory_.data()[at.word];
      const unsigned sum = least(((word >> at.shift) & highest) + n, highest);
      word = (word & ~(highest << at.shift)) | (sum << at.shift);
    }
    added_ += n;
    if (added_ >= sample && added_ >= words()) halve();
  }
  /// 0 to `highest`. Never too low but for halvings, and for what was beyond `highest`.
  unsigned estimate(std::uint64_t hash) const noexcept {
    if (words() == 0) return 0;
    unsigned smallest = highest;
    for (unsigned row = 0; row != rows; ++row) {
      const position at = position_of(hash, row);
      smallest = least(smallest, (memory_.data()[at.word] >> at.shift) & highest);
    }
    return smallest;
  }

 private:
  static constexpr unsigned rows = 4;
  static constexpr unsigned words_of_block = 16;
  static constexpr std::size_t counters_of_word = 8;
  static constexpr std::size_t counters_of_block = words_of_block * counters_of_word;
  static constexpr unsigned words_of_row = words_of_block / rows;

  /// Where the counter of a key is in a row: its word, and how far to the left.
  struct position {
    std::size_t word;
    unsigned shift;
  };
  position position_of(std::uint64_t hash, unsigned row) const noexcept {
    // The block by the bits from 20 on, the counter of each row by five of the low 20.
    const std::size_t block = (hash >> 20) & (words() / words_of_block - 1);
    const auto in_row = static_cast<unsigned>(hash >> (5 * row)) & 31U;
    return {.word = block * words_of_block + row * words_of_row + in_row % words_of_row,
            .shift = in_row / words_of_row * 4U};
  }
  void halve() noexcept {
    std::uint32_t* const all = memory_.data();
    for (std::size_t i = 0; i != words(); ++i) all[i] = (all[i] >> 1) & 0x77777777U;
    added_ /= 2;
  }

  eviction::memory<Allocator> memory_;
  std::uint64_t added_ = 0;  ///< since the last halving, and half of those before
};

}  // namespace concur::inline CONCUR_ABI::detail
