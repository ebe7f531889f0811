// SPDX-License-Identifier: MIT
/// \file
/// What a map asks of a hasher: is every bit of its result good? If not, the map mixes.
///
/// A hasher declares its quality by a member type, with the name and the meaning that Boost and
/// unordered_dense gave it: `using is_avalanching = std::true_type;` (or `void`). `std::false_type`
/// says the opposite, and so does leaving it out. Anything else by that name is an error here, not
/// a silent loss of speed.
#pragma once

#include <concepts>
#include <concur/detail/bits/mix.hpp>
#include <cstdint>
#include <type_traits>

namespace concur::inline CONCUR_ABI {

namespace detail {

template <class Hash>
concept names_is_avalanching = requires {
  typename Hash::is_avalanching;
};

template <class Hash>
concept has_is_avalanching_object = requires {
  &Hash::is_avalanching;
}
|| requires {
  Hash::is_avalanching;
};

template <class Hash>
constexpr bool declares_avalanching() {
  if constexpr (names_is_avalanching<Hash>) {
    using declared = typename Hash::is_avalanching;
    if constexpr (std::is_void_v<declared>) {
      return true;
    } else if constexpr (requires {
                           { declared::value } -> std::convertible_to<bool>;
                         }) {
      return declared::value;
    } else {
      static_assert(!names_is_avalanching<Hash>,
                    "Hash::is_avalanching must be void, std::true_type or std::false_type: "
                    "write `using is_avalanching = std::true_type;`");
      return false;
    }
  } else {
    static_assert(!has_is_avalanching_object<Hash>,
                  "Hash::is_avalanching must be a type, not a value or a function: "
                  "write `using is_avalanching = std::true_type;`");
    return false;
  }
}

}  // namespace detail

/// `value` is true when `Hash` declares that every bit of its result depends on every bit of the
/// key. Specialise it for a hasher that cannot be changed.
template <class Hash>
struct is_avalanching : std::bool_constant<detail::declares_avalanching<Hash>()> {};

template <class Hash>
inline constexpr bool is_avalanching_v = is_avalanching<Hash>::value;

namespace detail {

/// The 64-bit hash that a map works with: its high bits choose the place, its low bits make tags.
/// The result of a hasher that is not avalanching, or that has fewer than 64 bits, is mixed: the
/// identity that `std::hash<int>` often is would put all keys into one place.
template <class Hash, class K>
constexpr std::uint64_t mixed_hash(const Hash& hash, const K& key) noexcept(noexcept(hash(key))) {
  using result = decltype(hash(key));
  if constexpr (is_avalanching_v<Hash> && sizeof(result) >= sizeof(std::uint64_t)) {
    return static_cast<std::uint64_t>(hash(key));
  } else {
    return mix(static_cast<std::uint64_t>(hash(key)));
  }
}

}  // namespace detail
}  // namespace concur::inline CONCUR_ABI
