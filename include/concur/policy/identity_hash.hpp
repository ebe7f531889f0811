// SPDX-License-Identifier: MIT
/// \file
/// `concur::identity_hash`: the key is its hash.
#pragma once

#include <concepts>
#include <concur/detail/config.hpp>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace concur::inline CONCUR_ABI {

/// For integers that are uniformly distributed already, such as other hashes or random identifiers.
/// A 64-bit key is its own hash; a narrower one is repeated until it fills 64 bits, because a map
/// places by the high bits. It claims to be avalanching, so that no map mixes it. With other keys
/// (counters, addresses) everything still works, only slower, down to one long chain; and who
/// chooses the keys chooses the collisions.
struct identity_hash {
  using is_avalanching = std::true_type;

  template <class K>
    requires((std::integral<K> || std::is_enum_v<K>)&&sizeof(K) <= sizeof(std::uint64_t))
  constexpr std::uint64_t operator()(K key) const noexcept {
    if constexpr (std::is_enum_v<K>) {
      return operator()(static_cast<std::underlying_type_t<K>>(key));
    } else if constexpr (std::is_same_v<K, bool>) {
      return operator()(static_cast<unsigned char>(key));
    } else {
      using word = std::make_unsigned_t<K>;
      // 2^64 - 1 divided by the largest key: 1, 0x1'0000'0001, 0x1'0001'0001'0001, ...
      constexpr std::uint64_t repeat =
          std::numeric_limits<std::uint64_t>::max() / std::numeric_limits<word>::max();
      return static_cast<word>(key) * repeat;
    }
  }

  friend constexpr bool operator==(identity_hash, identity_hash) noexcept { return true; }
};

}  // namespace concur::inline CONCUR_ABI
