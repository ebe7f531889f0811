// SPDX-License-Identifier: MIT
/// \file
/// `std::equal_to<>` at the price of <string>, and when equality of keys is equality of their
/// bytes: then a map may compare several keys at once by vector instructions.
#pragma once

#include <array>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/config.hpp>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace concur::inline CONCUR_ABI::detail {

/// An enum may have an `==` of its own, which `std::equal_to` calls.
template <class T>
concept has_own_equality = std::is_enum_v<T> && requires(T a, T b) {
  operator==(a, b);
};

/// `==` of two `T` is true exactly when all their bytes are equal. Floating point (-0.0, NaN) and
/// classes (their `==` may be anything) are not among these.
template <class T>
inline constexpr bool equals_by_bytes = (std::is_integral_v<T> || std::is_enum_v<T> ||
                                         std::is_pointer_v<T>)&&  //
                                        std::has_unique_object_representations_v<T> &&
                                        !has_own_equality<T>;

/// An array has no padding between its elements; that it has none after them is checked.
template <class T, std::size_t Size>
inline constexpr bool equals_by_bytes<std::array<T, Size>> =
    Size != 0 && sizeof(std::array<T, Size>) == Size * sizeof(T) && equals_by_bytes<T>;

/// A type that depends on none of the program's: nobody may specialise `std::equal_to` for it.
template <class K>
inline constexpr bool is_of_the_language = std::is_integral_v<K>;
template <class K>
inline constexpr bool is_of_the_language<K*> =
    is_of_the_language<std::remove_cv_t<K>> || std::is_void_v<K>;
template <class K, std::size_t Size>
inline constexpr bool is_of_the_language<std::array<K, Size>> = is_of_the_language<K>;

template <class KeyEqual, class K>
inline constexpr bool is_standard_equality = std::is_same_v<KeyEqual, std::equal_to<>> ||
                                             (std::is_same_v<KeyEqual, std::equal_to<K>> &&
                                              is_of_the_language<K>);

/// True when `KeyEqual` of two `K` is the comparison of their bytes.
template <class K, class KeyEqual>
inline constexpr bool is_bitwise_comparable =
    is_standard_equality<KeyEqual, K>&& equals_by_bytes<K>;

/// `equal(a, b)`. Arrays whose equality is that of their bytes are compared by words: the `==` of
/// std::array may be a loop over its elements.
template <class KeyEqual, class A, class B>
CONCUR_FORCEINLINE bool keys_are_equal(const KeyEqual& equal, const A& a,
                                       const B& b) noexcept(noexcept(equal(a, b))) {
  if constexpr (std::is_same_v<A, B> && std::is_class_v<A> && is_bitwise_comparable<A, KeyEqual>) {
    return std::memcmp(std::addressof(a), std::addressof(b), sizeof(A)) == 0;
  } else {
    return equal(a, b);
  }
}

}  // namespace concur::inline CONCUR_ABI::detail
