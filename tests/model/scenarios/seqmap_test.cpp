// SPDX-License-Identifier: MIT
#include <concur/seqmap.hpp>

#include "scenarios/vocabulary_adapter.hpp"

// seqmap in a tiny world: two buckets at first, blocks of two, every change of the size looks at
// the load. The code is that of the library.

namespace {

using namespace scenarios;

struct tiny_tuning {
  static constexpr unsigned first_log2_buckets = 1;
  static constexpr unsigned log2_block = 1;
  static constexpr unsigned default_max_load = 54;
  static constexpr unsigned min_load_divisor = 10;
  static constexpr unsigned log2_check_interval = 0;
  static constexpr unsigned striped_log2_buckets = 3;
};

template <class Key, class T>
using tiny_seqmap =
    concur::detail::basic_seqmap<Key, T, placed_hash, std::equal_to<>,
                                 std::allocator<std::pair<const Key, T>>, tiny_tuning>;

using word = std::uint64_t;
using three_words = std::array<std::uint64_t, 3>;
using four_words = std::array<std::uint64_t, 4>;

// One line, keys compared in place; values of several words; keys with tags.
using narrow = vocabulary_adapter<tiny_seqmap<word, word>, word, word>;
using wide_value = vocabulary_adapter<tiny_seqmap<word, three_words>, word, three_words>;
using wide_key = vocabulary_adapter<tiny_seqmap<four_words, word>, four_words, word>;

template <class Adapter>
void all_pairs() {
  std::uint64_t done = 0;
  for (const scenario& s : pairs<Adapter>()) done += explore<Adapter>(s, 240);
  CHECK(done >= 60'000);
}

template <class Adapter>
void all_mixes() {
  std::uint64_t done = 0;
  for (const scenario& s : mixes()) done += explore<Adapter>(s, 4'000);
  CHECK(done >= 60'000);
}

}  // namespace

TEST_CASE("seqmap, words: pairs of operations", "[seqmap]") {
  all_pairs<narrow>();
}
TEST_CASE("seqmap, words: mixes", "[seqmap]") {
  all_mixes<narrow>();
}
TEST_CASE("seqmap, wide values: pairs of operations", "[seqmap]") {
  all_pairs<wide_value>();
}
TEST_CASE("seqmap, wide values: mixes", "[seqmap]") {
  all_mixes<wide_value>();
}
TEST_CASE("seqmap, wide keys: pairs of operations", "[seqmap]") {
  all_pairs<wide_key>();
}
TEST_CASE("seqmap, wide keys: mixes", "[seqmap]") {
  all_mixes<wide_key>();
}
