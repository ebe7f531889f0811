// SPDX-License-Identifier: MIT
/// \file
/// `concur::hash<K>`: the default hash of the maps. 64 bits, avalanching (every bit of the result
/// depends on every bit of the key), seeded.
///
///     integers, enums, pointers, bool, characters   two dependent multiplications (`detail::mix`)
///     128-bit integers                              the same for each word, chained
///     floating point                                of the value: +0.0 and -0.0 are one key
///     strings, string views, any character type     XXH3 over the bytes; transparent
///     std::array, std::span, std::vector of bytes   XXH3 over the bytes
///     std::pair, std::tuple, std::array, optional   the members' hashes, chained: order matters
///     types with a `concur_hash_value`              see below
///     everything else that has a std::hash          that, mixed with the seed
///
/// The last line includes `std::unique_ptr`, `std::thread::id`, `std::error_code`, and your types
/// where you specialised `std::hash`.
///
/// **Your own type.** Write a function beside it (found by argument-dependent lookup), usually a
/// friend, that hashes the members with the given seed:
///
///     friend std::uint64_t concur_hash_value(const point& p, std::uint64_t seed) noexcept {
///       return concur::hash_values(seed, p.x, p.y);
///     }
///
/// Keys that are equal must give equal hashes for every seed. It has precedence over `std::hash`. A
/// function of that name with another signature is an error that says so.
///
/// **Seeds.** `hash<K>{}` has seed 0 and `hash<K>{seed}` the one given: the same values in every
/// run (bytes that XXH3 hashes give other values on big-endian machines for types wider than a
/// byte). A map built without a hasher argument draws a random seed. Multiplications and XXH3
/// resist chosen keys as long as nobody can see the seed, the hashes, or precise timings; they are
/// no cryptography.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <concur/detail/bits/mix.hpp>
#include <concur/detail/bits/seeded.hpp>
#include <concur/detail/xxhash.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/digest_hash.hpp>
#include <concur/policy/identity_hash.hpp>
#include <concur/policy/key_equal.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {
namespace detail {

/// Hidden by every function of that name that argument-dependent lookup finds.
void concur_hash_value() = delete;

template <class K>
concept has_seeded_hook = requires(const K& key, std::uint64_t seed) {
  concur_hash_value(key, seed);
};

/// Two near misses, accepted as hashable so that the mistake is reported where it is.
template <class K>
concept has_seedless_hook = requires(const K& key) {
  concur_hash_value(key);
};

template <class K>
concept has_hook = has_seeded_hook<K> || has_seedless_hook<K>;

template <class Result>
concept hash_word = std::unsigned_integral<Result> && sizeof(Result) == sizeof(std::uint64_t);

template <class K>
concept has_std_hash = requires(const K& key) {
  { std::hash<K>{}(key) } -> std::convertible_to<std::size_t>;
};

/// An enum with an `==` or a hash of its own is as any other type.
template <class K>
concept plain_enum = std::is_enum_v<K> && !has_own_equality<K> && !has_hook<K>;

template <class K>
concept word_key = (std::integral<K> || plain_enum<K> || std::is_pointer_v<K> ||
                    std::is_null_pointer_v<K>)&&sizeof(K) <= sizeof(std::uint64_t);

/// Equal exactly when all bytes are.
template <class T>
concept bytes_are_value = (std::integral<T> || plain_enum<T>)&&  //
    std::has_unique_object_representations_v<T>;

template <class T>
concept byte_like = sizeof(T) == 1 && bytes_are_value<std::remove_cv_t<T>> &&
                    !std::is_same_v<std::remove_cv_t<T>, bool>;

template <class K>
inline constexpr bool is_container_of_bytes = false;
template <template <class, class> class Container, class T, class Allocator>
inline constexpr bool is_container_of_bytes<Container<T, Allocator>> =
    byte_like<T>&& requires(const Container<T, Allocator>& c) {
  requires std::same_as<typename Container<T, Allocator>::allocator_type, Allocator>;
  { c.data() } -> std::same_as<const T*>;
  { c.size() } -> std::convertible_to<std::size_t>;
};

/// `std::vector<std::byte>` and its like, without a hash of their own.
template <class K>
concept byte_container = is_container_of_bytes<K> && !has_hook<K> && !has_std_hash<K>;

template <class T>
concept hashable = requires(const hash<T>& hasher, const T& key) {
  { hasher(key) } -> std::same_as<std::uint64_t>;
};

template <class T>
concept nothrow_hashable = hashable<T> && requires(const hash<T>& hasher, const T& key) {
  { hasher(key) }
  noexcept;
};

template <class K>
constexpr std::uint64_t word_of(K key) noexcept {
  if constexpr (std::is_null_pointer_v<K>) {
    return 0;
  } else if constexpr (std::is_pointer_v<K>) {
    return reinterpret_cast<std::uintptr_t>(key);
  } else {
    return static_cast<std::uint64_t>(key);
  }
}

/// The hash of a string view, and of everything that converts to one.
template <class Char, class Hasher>
struct string_hash : seeded<Hasher> {
  using is_avalanching = std::true_type;
  using is_transparent = void;
  using seeded<Hasher>::seeded;

  std::uint64_t operator()(std::basic_string_view<Char> key) const noexcept {
    return xxh::xxh3_64(key.data(), key.size() * sizeof(Char), this->seed());
  }
  void operator()(std::nullptr_t) const = delete;
};

}  // namespace detail

/// The hash of several values in order, for a `concur_hash_value`: each value is hashed with the
/// hash of those before it as the seed. Throws what the hashes of the values throw.
template <detail::hashable... Ts>
constexpr std::uint64_t hash_values(std::uint64_t seed,
                                    const Ts&... values) noexcept((detail::nothrow_hashable<Ts> &&
                                                                   ...)) {
  if constexpr (sizeof...(Ts) == 0) {
    return detail::mix(seed);
  } else {
    ((seed = hash<Ts>(seed)(values)), ...);
    return seed;
  }
}

/// The general case: a `concur_hash_value`, else `std::hash<K>`. Both are mixed: what they return
/// may be weak. A type that has neither has no call operator here.
template <class K>
struct hash : detail::seeded<hash<K>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash<K>>::seeded;

  constexpr std::uint64_t operator()(const K& key) const
      noexcept(is_noexcept()) requires(detail::has_hook<K> || detail::has_std_hash<K>) {
    if constexpr (detail::has_seeded_hook<K>) {
      using result = decltype(concur_hash_value(key, this->seed()));
      static_assert(detail::hash_word<result>, "concur_hash_value must return std::uint64_t");
      return detail::mix(static_cast<std::uint64_t>(concur_hash_value(key, this->seed())));
    } else if constexpr (detail::has_seedless_hook<K>) {
      static_assert(!detail::has_seedless_hook<K>,
                    "concur_hash_value must take a seed as its second argument: "
                    "`std::uint64_t concur_hash_value(const K& key, std::uint64_t seed)`");
      return 0;
    } else {
      return detail::mix(static_cast<std::uint64_t>(std::hash<K>{}(key)) ^ this->seed());
    }
  }

 private:
  static constexpr bool is_noexcept() noexcept {
    if constexpr (detail::has_seeded_hook<K>) {
      return noexcept(concur_hash_value(std::declval<const K&>(), std::uint64_t{}));
    } else if constexpr (detail::has_std_hash<K>) {
      return noexcept(std::hash<K>{}(std::declval<const K&>()));
    } else {
      return true;
    }
  }
};

/// Integers, enums, pointers, `nullptr_t`. Equal signed integers of different widths have equal
/// hashes. A pointer to characters is a pointer, not a string.
template <detail::word_key K>
struct hash<K> : detail::seeded<hash<K>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash<K>>::seeded;

  constexpr std::uint64_t operator()(K key) const noexcept {
    return detail::mix(detail::word_of(key) ^ this->seed());
  }
};

#if defined(__SIZEOF_INT128__)
template <class K>
  requires(std::same_as<K, detail::int128> || std::same_as<K, detail::uint128>)  //
struct hash<K> : detail::seeded<hash<K>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash<K>>::seeded;

  constexpr std::uint64_t operator()(K key) const noexcept {
    const auto word = static_cast<detail::uint128>(key);
    return hash_values(this->seed(), static_cast<std::uint64_t>(word),
                       static_cast<std::uint64_t>(word >> 64));
  }
};
#endif

/// Of the value, not of the representation: +0.0 and -0.0 have one hash. A NaN is equal to nothing,
/// and cannot be found in a map again.
template <std::floating_point K>
struct hash<K> : detail::seeded<hash<K>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash<K>>::seeded;

  constexpr std::uint64_t operator()(K key) const noexcept {
    key = key == K{} ? K{} : key;
    if constexpr (sizeof(K) == sizeof(std::uint32_t)) {
      return detail::mix(std::bit_cast<std::uint32_t>(key) ^ this->seed());
    } else if constexpr (sizeof(K) == sizeof(std::uint64_t)) {
      return detail::mix(std::bit_cast<std::uint64_t>(key) ^ this->seed());
    } else {
      return of_words(key);
    }
  }

 private:
  /// `long double`: the x87 format has 10 bytes and padding that may hold anything; the IEEE format
  /// has 16 and none. A pair of doubles, where a value has several representations, is hashed by
  /// its leading part.
  std::uint64_t of_words(K key) const noexcept {
    constexpr int digits = std::numeric_limits<K>::digits;
    constexpr std::size_t bytes = digits == 64 ? 10 : digits == 113 ? 16 : 0;
    if constexpr (bytes == 0) {
      return hash<double>(this->seed())(static_cast<double>(key));
    } else {
      std::uint64_t word[2] = {};
      std::memcpy(word, &key, bytes);
      return hash_values(this->seed(), word[0], word[1]);
    }
  }
};

/// Strings of every character type and allocator. Transparent: `std::string`, `std::string_view`
/// and `const char*` of one content have one hash. Strings with traits of their own, which may
/// compare otherwise than by bytes, are not covered.
template <class Char, class Allocator>
struct hash<std::basic_string<Char, std::char_traits<Char>, Allocator>>
    : detail::string_hash<Char, hash<std::basic_string<Char, std::char_traits<Char>, Allocator>>> {
  using detail::string_hash<Char, hash>::string_hash;
};

template <class Char>
struct hash<std::basic_string_view<Char, std::char_traits<Char>>>
    : detail::string_hash<Char, hash<std::basic_string_view<Char, std::char_traits<Char>>>> {
  using detail::string_hash<Char, hash>::string_hash;
};

template <detail::byte_like T, std::size_t Extent>
struct hash<std::span<T, Extent>> : detail::seeded<hash<std::span<T, Extent>>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash>::seeded;

  std::uint64_t operator()(std::span<T, Extent> key) const noexcept {
    return detail::xxh::xxh3_64(key.data(), key.size(), this->seed());
  }
};

/// Other containers of bytes one after the other: `std::vector<std::byte>`, with any allocator.
template <detail::byte_container K>
struct hash<K> : detail::seeded<hash<K>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash>::seeded;

  std::uint64_t operator()(const K& key) const noexcept {
    return detail::xxh::xxh3_64(key.data(), key.size(), this->seed());
  }
};

/// Arrays of integers, enums and `std::byte` are hashed as bytes, others element by element.
template <class T, std::size_t Size>
  requires detail::hashable<T>
struct hash<std::array<T, Size>> : detail::seeded<hash<std::array<T, Size>>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash>::seeded;

  std::uint64_t operator()(const std::array<T, Size>& key) const
      noexcept(detail::nothrow_hashable<T>) {
    if constexpr (detail::bytes_are_value<T>) {
      return detail::xxh::xxh3_64(key.data(), Size * sizeof(T), this->seed());
    } else {
      std::uint64_t state = detail::mix(this->seed());
      for (const T& element : key) state = hash<T>(state)(element);
      return state;
    }
  }
};

template <class First, class Second>
  requires(detail::hashable<std::remove_cvref_t<First>>&&
               detail::hashable<std::remove_cvref_t<Second>>)  //
struct hash<std::pair<First, Second>> : detail::seeded<hash<std::pair<First, Second>>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash>::seeded;

  constexpr std::uint64_t operator()(const std::pair<First, Second>& key) const
      noexcept(noexcept(hash_values(std::uint64_t{}, key.first, key.second))) {
    return hash_values(this->seed(), key.first, key.second);
  }
};

template <class... Ts>
  requires(detail::hashable<std::remove_cvref_t<Ts>>&&...)  //
struct hash<std::tuple<Ts...>> : detail::seeded<hash<std::tuple<Ts...>>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash>::seeded;

  constexpr std::uint64_t operator()(const std::tuple<Ts...>& key) const
      noexcept((detail::nothrow_hashable<std::remove_cvref_t<Ts>> && ...)) {
    return std::apply(
        [seed = this->seed()](const auto&... values) { return hash_values(seed, values...); }, key);
  }
};

/// An empty optional is a key of its own.
template <class T>
  requires detail::hashable<std::remove_const_t<T>>
struct hash<std::optional<T>> : detail::seeded<hash<std::optional<T>>> {
  using is_avalanching = std::true_type;
  using detail::seeded<hash>::seeded;

  constexpr std::uint64_t operator()(const std::optional<T>& key) const
      noexcept(detail::nothrow_hashable<std::remove_const_t<T>>) {
    return key ? hash_values(this->seed(), *key)
               : detail::mix(this->seed() ^ detail::mix_increment);
  }
};

}  // namespace concur::inline CONCUR_ABI
