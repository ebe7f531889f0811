// SPDX-License-Identifier: MIT
/// \file
/// Words as keys of a fixed size, which `seqmap` needs. Two ways: the word itself, and its digest.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <concur/policy/digest_hash.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace tour {

using digest = std::array<std::uint64_t, 2>;

/// The 128-bit XXH3. That two of n different words have the same one has a probability of about
/// n * n / 2^129: for a million words 1 in 10^27. Who may choose the words can make it happen.
inline digest digest_of(std::string_view word) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(word.data(), word.size());
  return {hash.low64, hash.high64};
}

/// The word itself, in 32 bytes: the text, zeros, and in the last byte its length. Of a word that
/// is longer than 31 bytes only the digest is kept. The last byte is then one that no length can
/// be, so that it is equal to no short word, whatever that is.
struct word_key {
  static constexpr const char* name = "concur::seqmap, key: word";
  static constexpr std::size_t longest = 31;
  static constexpr unsigned char is_digest = 255;

  using type = std::array<std::uint64_t, 4>;
  using hasher = concur::digest_hash;  // fast for keys of exactly 32 bytes

  static type of(std::string_view word) noexcept {
    unsigned char bytes[sizeof(type)] = {};
    if (word.size() <= longest) {
      std::memcpy(bytes, word.data(), word.size());
      bytes[longest] = static_cast<unsigned char>(word.size());
    } else {
      const digest hash = digest_of(word);
      std::memcpy(bytes, &hash, sizeof hash);
      bytes[longest] = is_digest;
    }
    type key;
    std::memcpy(&key, bytes, sizeof key);
    return key;
  }
};

/// The digest of the word, whatever its length. Smaller, and the map cannot give the word back.
struct digest_key {
  static constexpr const char* name = "concur::seqmap, key: XXH3";

  using type = digest;
  /// A digest needs no hashing: each of its bits depends on all bits of the word.
  struct hasher {
    using is_avalanching = std::true_type;
    std::uint64_t operator()(const digest& key) const noexcept { return key[0]; }
  };

  static type of(std::string_view word) noexcept { return digest_of(word); }
};

}  // namespace tour
