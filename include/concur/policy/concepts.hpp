// SPDX-License-Identifier: MIT
/// \file
/// What a map asks of its hasher, its equality and its allocator, as public concepts, and
/// `detail::check_policies`, which says in one line which of them does not fit and why.
#pragma once

#include <concepts>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/hash_traits.hpp>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {
namespace detail {

template <class T>
concept hash_result = std::integral<T> && !std::same_as<T, bool>;

template <class T>
concept boolean_like = std::convertible_to<T, bool> && requires(T&& value) {
  { !static_cast<T&&>(value) } -> std::convertible_to<bool>;
};

template <class T>
concept declares_transparent = requires {
  typename T::is_transparent;
};

template <class T>
concept has_is_transparent_object = requires {
  &T::is_transparent;
}
|| requires {
  T::is_transparent;
};

}  // namespace detail

/// `hash(key)` on a const `Hash` returns an integer (not a bool); a map copies its hasher and hands
/// it out. Equal keys must have equal hashes: no concept can check that. Calls may throw.
template <class Hash, class K>
concept hasher_for = std::copy_constructible<Hash> && requires(const Hash& hash, const K& key) {
  { hash(key) } -> detail::hash_result;
};

/// `equal(a, b)` on a const `KeyEqual` returns something that converts to bool. It must be an
/// equivalence. Calls may throw.
template <class KeyEqual, class K>
concept key_equal_for = std::copy_constructible<KeyEqual> &&
    requires(const KeyEqual& equal, const K& a, const K& b) {
  { equal(a, b) } -> detail::boolean_like;
};

/// Both hasher and equality take other types than the key: a map may then be searched with a
/// `std::string_view` without making a `std::string`.
template <class Hash, class KeyEqual>
concept transparent = detail::declares_transparent<Hash> && detail::declares_transparent<KeyEqual>;

/// An allocator (of anything) that can be rebound to allocate `T`: stateful, `pmr` and with fancy
/// pointers as well.
template <class Allocator, class T>
concept allocator_for =
    std::copy_constructible<Allocator> && std::equality_comparable<Allocator> && requires {
  typename Allocator::value_type;
} && requires(typename std::allocator_traits<Allocator>::template rebind_alloc<T>& allocator,
              std::size_t n) {
  allocator.deallocate(allocator.allocate(n), n);
};

namespace detail {

template <class Hash, class Key>
inline constexpr bool is_default_hash = std::is_same_v<Hash, hash<Key>>;

/// Instantiated in the body of every map: `static_assert(check_policies<...>());`. Each mistake is
/// one line; a map adds what it asks beyond.
template <class Key, class Hash, class KeyEqual, class Allocator>
constexpr bool check_policies() {
  static_assert(std::is_object_v<Key> && std::same_as<Key, std::remove_cv_t<Key>>,
                "Key must be an object type, without const or volatile");
  static_assert(!is_default_hash<Hash, Key> || hasher_for<Hash, Key>,
                "Key has no hash: declare `std::uint64_t concur_hash_value(const Key&, "
                "std::uint64_t seed)` beside it, specialise std::hash<Key>, or give a Hash");
  static_assert(is_default_hash<Hash, Key> || hasher_for<Hash, Key>,
                "Hash does not fit Key: `hash(key)` on a const Hash must return an integer, and "
                "Hash must be copyable");
  static_assert(key_equal_for<KeyEqual, Key>,
                "KeyEqual does not fit Key: `equal(a, b)` on a const KeyEqual must return a bool, "
                "and KeyEqual must be copyable");
  static_assert(allocator_for<Allocator, std::byte>,
                "Allocator is not an allocator: it needs value_type, allocate(n), "
                "deallocate(p, n), == and a constructor that rebinds");
  static_assert(declares_transparent<Hash> || !has_is_transparent_object<Hash>,
                "Hash::is_transparent must be a type: write `using is_transparent = void;`");
  static_assert(declares_transparent<KeyEqual> || !has_is_transparent_object<KeyEqual>,
                "KeyEqual::is_transparent must be a type: write `using is_transparent = void;`");
  if constexpr (hasher_for<Hash, Key>) static_cast<void>(is_avalanching_v<Hash>);
  return true;
}

}  // namespace detail
}  // namespace concur::inline CONCUR_ABI
