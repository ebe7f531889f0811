// SPDX-License-Identifier: MIT
/// \file
/// Keys of several words, taken apart and put together. A key that was just made has its words in
/// registers, or has just stored them one by one: a copy of the whole would put it into memory, and
/// a vector load of it would wait for all of the stores, longer than a lookup takes.
#pragma once

#include <array>
#include <bit>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/config.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Key>
struct key_words {
  static constexpr std::size_t count = (sizeof(Key) + 7) / 8;
  using indices = std::make_index_sequence<count>;

  /// Word I of a key, the last one filled up with zeros.
  template <std::size_t I>
  static CONCUR_FORCEINLINE std::uint64_t at(const void* key) noexcept {
    constexpr std::size_t rest = sizeof(Key) - 8 * I;
    std::uint64_t word = 0;
    std::memcpy(&word, static_cast<const unsigned char*>(key) + 8 * I, rest < 8 ? rest : 8);
#if defined(__x86_64__) || defined(__aarch64__)
    __asm__("" : "+r"(word));  // in a register: no part of a vector
#endif
    return word;
  }
  template <class... Words>
  static CONCUR_FORCEINLINE Key join(Words... words) noexcept {
    if constexpr (std::is_trivially_default_constructible_v<Key>) {
      Key key;
      auto* const to = reinterpret_cast<unsigned char*>(std::addressof(key));
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (std::memcpy(to + 8 * I, &words, I + 1 < count ? 8 : sizeof(Key) - 8 * I), ...);
      }
      (indices());
      return key;
    } else {
      const std::uint64_t all[] = {words...};
      std::array<unsigned char, sizeof(Key)> bytes;
      std::memcpy(bytes.data(), all, sizeof(Key));
      return std::bit_cast<Key>(bytes);
    }
  }
  /// A copy that is made word by word.
  template <class Other>
  static CONCUR_FORCEINLINE Key copy(const Other& key) noexcept {
    static_assert(sizeof(Other) == sizeof(Key));
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return join(at<I>(std::addressof(key))...);
    }
    (indices());
  }
};

}  // namespace concur::inline CONCUR_ABI::detail
