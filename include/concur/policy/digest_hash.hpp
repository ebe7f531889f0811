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

#include <concur/detail/bits/mix.hpp>
#include <concur/detail/bits/seeded.hpp>
#include <cstring>
#include <type_traits>

namespace concur::inline CONCUR_ABI {

/// A key of 32 bytes that is equal to another exactly when all bytes are: `std::array<std::byte,
/// 32>`, or any trivially copyable type of that size without padding.
template <class K>
concept digest_key = sizeof(K) == 32 &&
                     std::is_trivially_copyable_v<K>&& std::has_unique_object_representations_v<K>;

/// Hash of a 32-byte key. Avalanching, seeded; never throws. The values differ between little- and
/// big-endian machines.
struct digest_hash : detail::seeded<digest_hash> {
  using is_avalanching = std::true_type;
  using detail::seeded<digest_hash>::seeded;

  template <digest_key K>
  std::uint64_t operator()(const K& key) const noexcept {
    std::uint64_t word[4];
    std::memcpy(word, &key, sizeof word);
    // Two secrets that no constant relates to each other: were their xor known, exchanging two
    // words of a key (and xoring both with it) would give the same product for every seed. The
    // second costs no latency, the first word of the key is still being loaded.
    const std::uint64_t secret = seed() ^ detail::mix_increment;
    const std::uint64_t secret2 = detail::mix(seed() ^ detail::mix_multiplier);
    // A chain, not a sum of two products: a sum does not change when the halves change places.
    const std::uint64_t first = detail::multiply_fold(word[0] ^ secret, word[1] ^ secret2);
    const std::uint64_t both =
        detail::multiply_fold(word[2] ^ first ^ secret2, word[3] ^ rotated(secret2));
    // A counter in one word has passed a single multiplication so far.
    return detail::multiply_fold(both, detail::mix_multiplier);
  }

 private:
  static constexpr std::uint64_t rotated(std::uint64_t word) noexcept {
    return (word << 32) | (word >> 32);
  }
};

}  // namespace concur::inline CONCUR_ABI
