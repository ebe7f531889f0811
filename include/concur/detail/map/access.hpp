// SPDX-License-Identifier: MIT
/// \file
/// The private door between a map's face and the vocabulary, and the types behind it. All of it is
/// evaluated when a member is used, because a face is incomplete while its bases are made.
#pragma once

#include <concepts>
#include <concur/version.hpp>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {

struct parallel;  // concur/parallel.hpp, the only header of a map that needs <thread>

namespace detail {

/// A face befriends this, and has private members `engine()` and `engine() const`.
struct map_access {
  template <class Map>
  static constexpr decltype(auto) engine(Map& map) noexcept {
    return map.engine();
  }
};

template <class Map>
using engine_of = std::remove_cvref_t<decltype(map_access::engine(std::declval<Map&>()))>;

template <class Map>
using key_of = typename engine_of<Map>::key_type;

template <class Map>
using mapped_of = typename engine_of<Map>::mapped_type;

template <class Map>
inline constexpr bool is_exclusive = engine_of<Map>::callback_is_exclusive;

/// A value can be changed, or taken out: in place where the element is ours alone, else on a copy.
///
/// `K` is a template argument of the call. It makes the question wait for the call: clang 14 would
/// ask while `Map` is incomplete.
template <class T, class Map, class K>
concept changeable_in = std::copy_constructible<T> || is_exclusive<Map>;

/// An element can get another value: in place, or in another element, which needs a key of its own.
template <class Map, class K>
concept rewritable_in = std::copy_constructible<key_of<Map>> || is_exclusive<Map>;

template <class Engine>
struct lent_by {
  using value_type = typename Engine::value_type;
  using const_reference = const value_type&;
  using reference =
      std::conditional_t<Engine::callback_is_exclusive, value_type&, const value_type&>;
};

/// An engine whose elements are no pairs names what it lends.
template <class Engine>
  requires requires {
    typename Engine::reference;
    typename Engine::const_reference;
  }
struct lent_by<Engine> {
  using const_reference = typename Engine::const_reference;
  using reference = typename Engine::reference;
};

/// What `visit` hands to its callable, and what `cvisit` does.
template <class Map>
using reference_of = typename lent_by<engine_of<Map>>::reference;
template <class Map>
using const_reference_of = typename lent_by<engine_of<Map>>::const_reference;

// Callables are checked by these inside the functions, not by constraints: a constraint of the
// const overload of `visit` would instantiate a mutating generic lambda with a const element.
template <class F, class Map>
concept visitor_for = std::invocable<F&, reference_of<Map>>;
template <class F, class Map>
concept const_visitor_for = std::invocable<F&, const_reference_of<Map>>;
template <class F, class Map>
concept predicate_for = std::predicate<F&, const_reference_of<Map>>;

}  // namespace detail
}  // namespace concur::inline CONCUR_ABI
