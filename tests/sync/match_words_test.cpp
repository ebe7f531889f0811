// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <concur/detail/sync/match_words.hpp>
#include <concur/detail/sync/word_copy.hpp>
#include <cstddef>
#include <cstdint>

#include "support/catch.hpp"

namespace {

namespace lib = concur::detail;
using word = std::uint64_t;

/// Words that differ in their lower or upper halves alone, beside equal ones.
constexpr std::array<word, 4> near = {0x1234'5678'0000'0001, 0x1234'5678'0000'0002,
                                      0x8765'4321'0000'0001, 0};

template <unsigned Count>
void require_matches() {
  for (unsigned at = 0; at < Count; ++at) {
    for (const word key : near) {
      // As in a bucket: a word before, which may be read along, and others behind.
      alignas(32) lib::atomic_words<word> all[Count + 3];
      lib::atomic_words<word>* const words = all + 1;
      for (unsigned i = 0; i < Count + 2; ++i) words[i].store(near[(i + 1) % near.size()]);
      all[0].store(key);
      words[at].store(key);
      unsigned expected = 0;
      for (unsigned i = 0; i < Count; ++i) {
        expected |= (i == at || near[(i + 1) % near.size()] == key ? 1U : 0U) << i;
      }
      REQUIRE(lib::match_words<Count>(words, key) == expected);
    }
  }
}

}  // namespace

TEST_CASE("matching several words at once finds those that are equal", "[sync][match_words]") {
  require_matches<2>();
  require_matches<3>();
  require_matches<4>();
  require_matches<5>();
}

TEST_CASE("of eight tags all that are the same are found, wherever they lie",
          "[sync][match_words]") {
  std::array<std::atomic<std::uint8_t>, 24> tags{};
  std::uint64_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    for (auto& t : tags) {
      state = state * 6364136223846793005 + 1442695040888963407;
      t.store(static_cast<std::uint8_t>(state >> 62));  // few different ones, and many zeros
    }
    for (std::size_t at = 0; at + lib::tags_at_once <= tags.size(); ++at) {
      for (const std::uint8_t tag : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{255}}) {
        bool is_found[lib::tags_at_once] = {};
        for (auto m = lib::match_tags(&tags[at], tag); m; m.drop_first())
          is_found[m.first()] = true;
        auto exact = lib::match_tags_portable(&tags[at], tag);
        for (unsigned i = 0; i < lib::tags_at_once; ++i) {
          const bool is_same = tags[at + i].load() == tag;
          REQUIRE((!is_same || is_found[i]));
          if (!is_same) continue;
          REQUIRE(exact.first() == i);
          exact.drop_first();
        }
        REQUIRE_FALSE(static_cast<bool>(exact));
      }
    }
  }
}
