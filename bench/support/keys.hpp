// SPDX-License-Identifier: MIT
/// \file
/// Keys of the benchmarks, and the one hash function that every map gets.
///
/// A key is computed from a 32-bit index, so that no table of keys costs the maps a cache miss of
/// its own: workloads read a sequential stream of indices and make the key in registers.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

namespace concur_bench {

/// 64-bit finalizer (Stafford's thirteenth variant): every output bit depends on every input bit.
inline std::uint64_t finalize(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using wide = unsigned __int128;
  const wide product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// 32 bytes: a digest, or (text_key) 16 to 31 letters padded with zeros.
struct wide_key {
  std::array<std::uint64_t, 4> words{};
  friend bool operator==(const wide_key& a, const wide_key& b) noexcept {
    return std::memcmp(&a, &b, sizeof a) == 0;
  }
};

struct text_key {
  std::array<std::uint64_t, 4> words{};
  friend bool operator==(const text_key& a, const text_key& b) noexcept {
    return std::memcmp(&a, &b, sizeof a) == 0;
  }
};

inline std::uint64_t fold_words(const std::uint64_t (&w)[4]) noexcept {
  const std::uint64_t a = fold(w[0] ^ 0xa0761d6478bd642fU, w[1] ^ 0xe7037ed1a0b428dbU);
  const std::uint64_t b = fold(w[2] ^ 0x8ebc6af09c88c6e3U, w[3] ^ 0x589965cc75374cc3U);
  return fold(a ^ 0x1d8e4e27c47d124fU, b ^ 0xeb44accab455d165U);
}

/// The same function for all maps. Declares is_avalanching, so that no map mixes its result again.
struct hash {
  using is_avalanching = std::true_type;
  std::uint64_t operator()(std::uint64_t key) const noexcept { return finalize(key); }
  template <class Key>
    requires requires(const Key& key) {
      key.words[3];
    }
  std::uint64_t operator()(const Key& key) const noexcept {
    const auto& w = key.words;
    return fold_words({w[0], w[1], w[2], w[3]});
  }
  /// Of 16 to 32 letters: the first and the last 16 of them.
  std::uint64_t operator()(const std::string& key) const noexcept {
    std::uint64_t words[4];
    std::memcpy(words, key.data(), 16);
    std::memcpy(words + 2, key.data() + key.size() - 16, 16);
    return fold_words(words);
  }
};

template <class Key>
struct key_maker;

/// Distinct, never zero and below 2^62 (some tables reserve such keys): an odd factor modulo 2^62.
template <>
struct key_maker<std::uint64_t> {
  static constexpr const char* name = "u64";
  static std::uint64_t make(std::uint32_t index) noexcept {
    return (index + std::uint64_t{1}) * 0x9e3779b97f4a7c15U & ((std::uint64_t{1} << 62) - 1);
  }
};

template <>
struct key_maker<wide_key> {
  static constexpr const char* name = "k32";
  static wide_key make(std::uint32_t index) noexcept {
    const std::uint64_t x = (index + std::uint64_t{1}) * 0x9e3779b97f4a7c15U;
    return {{x, x * 0xd6e8feb86659fd93U, x ^ 0x5851f42d4c957f2dU, x * 0x2545f4914f6cdd1dU}};
  }
};

/// Letters a to p: sixteen from the index's bits, and up to fifteen more, so that lengths differ.
template <>
struct key_maker<text_key> {
  static constexpr const char* name = "text";
  static text_key make(std::uint32_t index) noexcept {
    const std::uint64_t x = (index + std::uint64_t{1}) * 0x9e3779b97f4a7c15U;
    const std::uint64_t y = x * 0xd6e8feb86659fd93U;
    text_key key{{letters(x), letters(x >> 4), letters(y), letters(y >> 4)}};
    const unsigned bits = static_cast<unsigned>(y >> 61) * 8;  // the last word keeps 0 to 7 letters
    key.words[3] &= (std::uint64_t{1} << bits) - 1;
    if ((y >> 60 & 1) != 0) key.words[2] &= key.words[3] = 0;
    return key;
  }

 private:
  static std::uint64_t letters(std::uint64_t bits) noexcept {
    return (bits & 0x0f0f0f0f0f0f0f0fU) + 0x6161616161616161U;
  }
};

/// The letters of a text_key in a std::string, none of which fits into the object. One string for
/// each thread is written again and again, so that making a key allocates nothing.
template <>
struct key_maker<std::string> {
  static constexpr const char* name = "string";
  static const std::string& make(std::uint32_t index) {
    thread_local std::string key(32, ' ');
    const text_key letters = key_maker<text_key>::make(index);
    const auto* const begin = reinterpret_cast<const char*>(&letters);
    std::size_t length = 16 + length_of(letters.words[2]);
    if (letters.words[2] >> 56 != 0) length += length_of(letters.words[3]);
    key.assign(begin, length);
    return key;
  }

 private:
  static std::size_t length_of(std::uint64_t word) noexcept {
    return (static_cast<std::size_t>(std::bit_width(word)) + 7) / 8;
  }
};

}  // namespace concur_bench
