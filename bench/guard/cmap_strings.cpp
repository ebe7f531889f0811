// SPDX-License-Identifier: MIT
#include "guard.hpp"

#include <concur/cmap.hpp>

#include <cstring>
#include <string_view>

namespace {

using text = std::basic_string<char, std::char_traits<char>, concur_guard::arena_allocator<char>>;

/// 16 to 31 letters: none fits into the string object.
std::string_view text_key(std::uint64_t index) {
  static char letters[32];
  std::uint64_t words[4];
  concur_guard::fill_words(index, words);
  for (std::uint64_t& word : words) word = (word & 0x0f0f0f0f0f0f0f0fU) + 0x6161616161616161U;
  std::memcpy(letters, words, sizeof words);
  return {letters, 16 + static_cast<std::size_t>(words[1] >> 56 & 15)};
}

}  // namespace

void concur_guard::count_cmap_strings() {
  using map = concur::cmap<text, std::uint64_t, concur::hash<text>, std::equal_to<>,
                           arena_allocator<std::pair<const text, std::uint64_t>>>;
  map m(0, concur::hash<text>(seed));
  count_map("cmap/string", m, text_key);
}
