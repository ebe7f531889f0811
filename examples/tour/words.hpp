// SPDX-License-Identifier: MIT
/// \file
/// What a word is: letters, digits, underscores and characters beyond ASCII in a row, not beginning
/// with a digit. In code these are the identifiers and keywords.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace tour {

enum class byte_kind : unsigned char { other, digit, letter };

inline constexpr auto kind_of_byte = [] {
  std::array<byte_kind, 256> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c > 127;
    const bool is_digit = c >= '0' && c <= '9';
    kinds[c] = is_letter ? byte_kind::letter : is_digit ? byte_kind::digit : byte_kind::other;
  }
  return kinds;
}();

constexpr byte_kind kind_of(char c) noexcept {
  return kind_of_byte[static_cast<unsigned char>(c)];
}

/// f(std::string_view) for each word of `text`, in order.
template <class F>
void for_each_word(std::string_view text, F&& f) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    while (at != end && kind_of(*at) == byte_kind::other) ++at;
    if (at == end) return;
    const char* const begin = at;
    while (at != end && kind_of(*at) != byte_kind::other) ++at;
    if (kind_of(*begin) == byte_kind::letter) {
      f(std::string_view(begin, static_cast<std::size_t>(at - begin)));
    }
  }
}

}  // namespace tour
