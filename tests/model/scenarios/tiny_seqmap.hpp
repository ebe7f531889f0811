// SPDX-License-Identifier: MIT
/// \file
/// seqmap in a tiny world: two buckets at first, blocks of two, every change of the size looks at
/// the load. The code is that of the library.
#pragma once

#include <concur/seqmap.hpp>

#include "scenarios/vocabulary_adapter.hpp"

namespace scenarios {

struct tiny_tuning : concur::detail::seqmap::default_tuning {
  static constexpr unsigned first_log2_buckets = 1;
  static constexpr unsigned log2_block = 1;
  static constexpr unsigned max_load(unsigned) noexcept { return 54; }
  static constexpr unsigned log2_growth(unsigned) noexcept { return 1; }
  static constexpr unsigned min_load_divisor = 10;
  static constexpr unsigned log2_check_interval = 0;
  static constexpr unsigned striped_log2_buckets = 3;
};

/// In steps of four, as small tables of the default tuning.
struct tuning_by_four : tiny_tuning {
  static constexpr unsigned log2_growth(unsigned) noexcept { return 2; }
};

template <class Key, class T, class Tuning = tiny_tuning>
using tiny_seqmap = concur::detail::basic_seqmap<Key, T, placed_hash, std::equal_to<>,
                                                 std::allocator<std::pair<const Key, T>>, Tuning>;

using word = std::uint64_t;
using three_words = std::array<std::uint64_t, 3>;
using four_words = std::array<std::uint64_t, 4>;

// One line, keys compared in place; values of several words; keys with tags.
using narrow = vocabulary_adapter<tiny_seqmap<word, word>, word, word>;
using wide_value = vocabulary_adapter<tiny_seqmap<word, three_words>, word, three_words>;
using by_four = vocabulary_adapter<tiny_seqmap<word, word, tuning_by_four>, word, word>;
using wide_key_by_four =
    vocabulary_adapter<tiny_seqmap<four_words, word, tuning_by_four>, four_words, word>;
using wide_key = vocabulary_adapter<tiny_seqmap<four_words, word>, four_words, word>;

}  // namespace scenarios
