// SPDX-License-Identifier: MIT
#include <array>
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
      alignas(16) lib::atomic_words<word> words[Count + 2];
      for (unsigned i = 0; i < Count + 2; ++i) words[i].store(near[(i + 1) % near.size()]);
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
