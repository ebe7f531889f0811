// SPDX-License-Identifier: MIT
/// \file
/// Keys of 32 bytes.
#pragma once

#include "guard.hpp"

#include <concur/fixed_map.hpp>

#include <cstring>

namespace concur_guard {

inline concur::key32 wide_key(std::uint64_t index) noexcept {
  std::uint64_t words[4];
  fill_words(index, words);
  concur::key32 key;
  std::memcpy(&key, words, sizeof key);
  return key;
}

}  // namespace concur_guard
