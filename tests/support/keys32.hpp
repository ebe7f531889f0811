// SPDX-License-Identifier: MIT
/// \file
/// Keys of 32 bytes for tests: random-looking, or as a counter leaves them.
#pragma once

#include <concur/fixed_map.hpp>
#include <cstdint>
#include <cstring>

namespace concur_test {

/// Different for different numbers, every byte in use.
inline concur::key32 digest(std::uint64_t number) {
  std::uint64_t words[4];
  for (std::uint64_t& word : words)
    word = concur::detail::mix_bijective(number += 0x9E3779B97F4A7C15);
  concur::key32 key;
  std::memcpy(&key, words, sizeof key);
  return key;
}

/// The number in eight bytes from `at` on, the rest zero.
inline concur::key32 counter_key(std::uint64_t number, std::size_t at, bool big_endian) {
  concur::key32 key{};
  for (std::size_t i = 0; i < 8; ++i) {
    const std::size_t place = big_endian ? 7 - i : i;
    key[at + place] = static_cast<std::byte>(number >> (8 * i));
  }
  return key;
}

}  // namespace concur_test
