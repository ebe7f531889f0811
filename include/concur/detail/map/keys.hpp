// SPDX-License-Identifier: MIT
/// \file
/// What may be given where a key is asked for: a key; when both hasher and equality are
/// transparent, anything that they take; else whatever converts to a key, converted once. And what
/// may be compared with a value.
#pragma once

#include <concepts>
#include <concur/detail/map/access.hpp>
#include <concur/policy/construction.hpp>
#include <concur/version.hpp>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class F>
concept says_transparent = requires {
  typename F::is_transparent;
};

template <class K, class Map>
concept exact_key = std::same_as<std::remove_cvref_t<K>, key_of<Map>>;

/// Whether `K` is made a `Key` although functors may take it as it is: to a scalar key that costs
/// nothing, and a hasher may not hash two widths of one number alike.
template <class K, class Key>
concept converted_at_once = std::is_scalar_v<Key> && std::convertible_to<K, Key>;

/// Hashed and compared as it is.
template <class K, class Map>
concept transparent_key =
    !exact_key<K, Map> && !converted_at_once<K, key_of<Map>> &&
    says_transparent<typename engine_of<Map>::hasher> &&
    says_transparent<typename engine_of<Map>::key_equal> &&
    requires(const typename engine_of<Map>::hasher& hash,
             const typename engine_of<Map>::key_equal& equal,
             const std::remove_reference_t<K>& given, const key_of<Map>& key) {
  { hash(given) } -> std::convertible_to<std::uint64_t>;
  { equal(key, given) } -> std::convertible_to<bool>;
};

/// An engine may know more types that stand for a key than convert to one.
template <class K, class Map>
concept engine_key = !exact_key<K, Map> && requires(const std::remove_reference_t<K>& given) {
  { engine_of<Map>::to_key(given) } -> std::same_as<key_of<Map>>;
};

template <class K, class Map>
concept key_argument = exact_key<K, Map> || transparent_key<K, Map> || engine_key<K, Map> ||
    std::convertible_to<K, key_of<Map>>;

/// What a lookup takes as `const K&`.
template <class K, class Map>
concept lookup_key = key_argument<const K&, Map>;

/// What an insertion takes as `K&&`: a key must be made of it when it is absent.
template <class K, class Map>
concept new_key = key_argument<K, Map> &&
    (engine_key<K, Map> || std::constructible_from<key_of<Map>, K>);

/// `k` itself if it can be hashed as it is, else the key that is made of it. To be bound to
/// `auto&&`, and handed on by `static_cast<decltype(key)>(key)`.
template <class Map, class K>
constexpr decltype(auto) as_key(K&& k) {
  if constexpr (exact_key<K, Map> || transparent_key<K, Map>) {
    return static_cast<K&&>(k);
  } else if constexpr (engine_key<K, Map>) {
    return engine_of<Map>::to_key(k);
  } else {
    return static_cast<key_of<Map>>(std::forward<K>(k));
  }
}

/// The same for a key that may be inserted: what is made of it is made as the map makes its keys.
template <class Map, class K>
constexpr decltype(auto) as_new_key(Map& map, K&& k) {
  using allocator_type = typename engine_of<Map>::allocator_type;
  if constexpr (exact_key<K, Map> || transparent_key<K, Map> || engine_key<K, Map> ||
                !takes_allocator<key_of<Map>, allocator_type>()) {
    return as_key<Map>(std::forward<K>(k));
  } else {
    return detail::made_with<key_of<Map>>(map_access::engine(map).allocator(), std::forward<K>(k));
  }
}

/// The same for a key that may be needed to search again when the element's has been made of it:
/// what that can be made of by a move only is made a key at once.
template <class Map, class K>
constexpr decltype(auto) as_lasting_key(Map& map, K&& k) {
  if constexpr (transparent_key<K, Map> &&
                !std::constructible_from<key_of<Map>, const std::remove_reference_t<K>&>) {
    return detail::made_with<key_of<Map>>(map_access::engine(map).allocator(), std::forward<K>(k));
  } else {
    return as_new_key(map, std::forward<K>(k));
  }
}

/// A value to compare with a `T`: a scalar `T` is compared with a `T`, as if that were the type of
/// the parameter; else the two types have an `==` of their own.
template <class T, class E>
constexpr decltype(auto) as_value(const E& expected) {
  if constexpr (std::is_scalar_v<T> && std::convertible_to<const E&, T>) {
    return static_cast<T>(expected);
  } else {
    return static_cast<const E&>(expected);
  }
}

template <class E, class T>
concept comparable_with = requires(const T& value, const E& expected) {
  { value == as_value<T>(expected) } -> std::convertible_to<bool>;
};

}  // namespace concur::inline CONCUR_ABI::detail
