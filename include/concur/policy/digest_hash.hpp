// SPDX-License-Identifier: MIT
/// \file
/// `concur::digest_hash`: for keys of 32 bytes that are digests, identifiers or public keys.
///
/// A digest is random already, but who may choose its bytes may choose them so that a hash which
/// takes a few of them, or combines them linearly, collides. Here every byte counts, the words are
/// multiplied by each other, and both factors are hidden by the seed: without the seed, nobody can
/// say which keys collide. Who can observe the seed, or measure single operations precisely, can:
/// this is not a cryptographic hash. Three multiplications; big- and little-endian counters in any
/// place of the key spread like random keys.
#pragma once

#include <concur/detail/bits/key_words.hpp>
#include <concur/detail/bits/mix.hpp>
#include <concur/detail/config.hpp>
#include <cstdint>
#include <type_traits>

namespace concur::inline CONCUR_ABI {

/// A key of 32 bytes that is equal to another exactly when all bytes are: `std::array<std::byte,
/// 32>`, or any trivially copyable type of that size that is made of bytes, integers, enums and
/// pointers without padding. Not of floating-point numbers: two that are equal may differ in their
/// bytes.
template <class K>
concept digest_key = sizeof(K) == 32 &&
                     std::is_trivially_copyable_v<K>&& std::has_unique_object_representations_v<K>;

/// Hash of a 32-byte key. Avalanching, seeded; never throws. The values differ between little- and
/// big-endian machines.
class digest_hash {
 public:
  using is_avalanching = std::true_type;

  constexpr digest_hash() noexcept : digest_hash(0) {}
  constexpr explicit digest_hash(std::uint64_t seed) noexcept
      : secret_{seed ^ detail::mix_increment, detail::mix(seed ^ 1), detail::mix(seed ^ 2),
                detail::mix(seed ^ 3)} {}

  constexpr std::uint64_t seed() const noexcept { return secret_[0] ^ detail::mix_increment; }

  /// Each half of the key is one product, both are computed at the same time. The four factors are
  /// hidden by secrets that no simple function relates for all seeds. Were the xor of the first two
  /// a constant, exchanging two words of a key (and xoring both with it) would give the same
  /// product under every seed; were the secrets of the halves related by a constant, halves that
  /// are related likewise would cancel (by a rotation: in part).
  template <digest_key K>
  CONCUR_FORCEINLINE std::uint64_t operator()(const K& key) const noexcept {
    using words = detail::key_words<K>;
    const void* const at = std::addressof(key);
    const std::uint64_t first = detail::multiply_fold(words::template at<0>(at) ^ secret_[0],
                                                      words::template at<1>(at) ^ secret_[1]);
    const std::uint64_t second = detail::multiply_fold(words::template at<2>(at) ^ secret_[2],
                                                       words::template at<3>(at) ^ secret_[3]);
    // A counter in one word has passed a single multiplication so far.
    return detail::multiply_fold(first ^ second, detail::mix_multiplier);
  }

  friend constexpr bool operator==(const digest_hash& a, const digest_hash& b) noexcept {
    return a.secret_[0] == b.secret_[0];
  }

 private:
  /// Functions of the seed, kept because they take longer than the hash to compute.
  std::uint64_t secret_[4];
};

}  // namespace concur::inline CONCUR_ABI
