// SPDX-License-Identifier: MIT
/// \file
/// How keys and values are made: with the map's allocator, if their type takes one
/// (`std::uses_allocator`, as `std::pmr::string` does in a map of `concur::pmr`), so that what they
/// own comes from where the map's memory comes from; in every other way as if this file were not.
///
/// It is the uses-allocator construction of the standard ([allocator.uses.construction]), written
/// out because libc++ has it only since its version 16:
///
///     X(allocator_arg, allocator, args...)   if there is such a constructor
///     X(args..., allocator)                  else, if there is such a one
///     X(args...)                             else: the standard's maps refuse that
///     a pair                                 its two parts each by these rules
///
/// `std::allocator` is never handed on, for all are equal, nor is anything to trivially copyable
/// types, which own nothing. Of a `std::scoped_allocator_adaptor` it is the inner allocator.
#pragma once

#include <concur/detail/bits/equal_to.hpp>
#include <concur/policy/allocator.hpp>
#include <concur/version.hpp>
#include <tuple>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class>
inline constexpr bool is_std_pair = false;
template <class A, class B>
inline constexpr bool is_std_pair<std::pair<A, B>> = true;

/// What is handed on to the elements.
template <class Allocator>
constexpr const auto& allocator_for_elements(const Allocator& allocator) noexcept {
  if constexpr (requires { allocator.inner_allocator(); }) {
    return allocator.inner_allocator();
  } else {
    return allocator;
  }
}

/// Whether an `X` in a map with this allocator is made with it.
template <class X, class Allocator>
constexpr bool takes_allocator() noexcept {
  if constexpr (is_standard_allocator<Allocator> || std::is_scalar_v<X>) {
    return false;
  } else if constexpr (is_std_pair<X>) {
    return takes_allocator<std::remove_const_t<typename X::first_type>, Allocator>() ||
           takes_allocator<std::remove_const_t<typename X::second_type>, Allocator>();
  } else {
    using inner = decltype(allocator_for_elements(std::declval<const Allocator&>()));
    return !std::is_trivially_copyable_v<X> && std::uses_allocator_v<X, std::remove_cvref_t<inner>>;
  }
}

/// What a map lends instead of a pair.
template <class P>
concept has_two_parts = requires(const std::remove_reference_t<P>& pair) {
  pair.first;
  pair.second;
};

template <class X, class Allocator, class Use, class... Args>
constexpr decltype(auto) with_allocator(const Allocator& allocator, Use&& use, Args&&... args);

/// use(piecewise_construct, ...) with what both parts of the pair `X` are made of.
template <class X, class Allocator, class Use, class Firsts, class Seconds>
constexpr decltype(auto) with_allocator_in_pair(const Allocator& allocator, Use&& use,
                                                Firsts&& firsts, Seconds&& seconds) {
  using first_type = std::remove_const_t<typename X::first_type>;
  using second_type = std::remove_const_t<typename X::second_type>;
  // One in the other: the tuples of a pair in a pair are there until all is made.
  const auto with_first = [&](auto&&... first) -> decltype(auto) {
    const auto with_second = [&](auto&&... second) -> decltype(auto) {
      return use(std::piecewise_construct,
                 std::forward_as_tuple(static_cast<decltype(first)>(first)...),
                 std::forward_as_tuple(static_cast<decltype(second)>(second)...));
    };
    const auto take = [&](auto&&... args) -> decltype(auto) {
      return detail::with_allocator<second_type>(allocator, with_second,
                                                 static_cast<decltype(args)>(args)...);
    };
    return std::apply(take, std::forward<Seconds>(seconds));
  };
  const auto take = [&](auto&&... args) -> decltype(auto) {
    return detail::with_allocator<first_type>(allocator, with_first,
                                              static_cast<decltype(args)>(args)...);
  };
  return std::apply(take, std::forward<Firsts>(firsts));
}

/// use(what an `X` is made of, if `args` are what its maker has given).
template <class X, class Allocator, class Use, class... Args>
constexpr decltype(auto) with_allocator(const Allocator& allocator, Use&& use, Args&&... args) {
  if constexpr (!takes_allocator<X, Allocator>()) {
    return use(std::forward<Args>(args)...);
  } else if constexpr (is_std_pair<X>) {
    if constexpr (sizeof...(Args) == 0) {
      return detail::with_allocator_in_pair<X>(allocator, use, std::tuple<>(), std::tuple<>());
    } else if constexpr (sizeof...(Args) == 2) {
      const auto both = [&](auto&& first, auto&& second) -> decltype(auto) {
        return detail::with_allocator_in_pair<X>(
            allocator, use, std::forward_as_tuple(static_cast<decltype(first)>(first)),
            std::forward_as_tuple(static_cast<decltype(second)>(second)));
      };
      return both(std::forward<Args>(args)...);
    } else if constexpr (sizeof...(Args) == 3) {
      const auto piecewise = [&](std::piecewise_construct_t, auto&& firsts,
                                 auto&& seconds) -> decltype(auto) {
        return detail::with_allocator_in_pair<X>(allocator, use,
                                                 static_cast<decltype(firsts)>(firsts),
                                                 static_cast<decltype(seconds)>(seconds));
      };
      return piecewise(std::forward<Args>(args)...);
    } else if constexpr ((is_std_pair<std::remove_cvref_t<Args>> && ...)) {
      // By get: a part that is a reference to what may be moved is moved.
      const auto apart = [&](auto&& pair) -> decltype(auto) {
        using given = decltype(pair);
        return detail::with_allocator<X>(allocator, use, std::get<0>(static_cast<given>(pair)),
                                         std::get<1>(static_cast<given>(pair)));
      };
      return apart(std::forward<Args>(args)...);
    } else if constexpr ((has_two_parts<Args> && ...)) {
      const auto apart = [&](const auto& lent) -> decltype(auto) {
        return detail::with_allocator<X>(allocator, use, lent.first, lent.second);
      };
      return apart(args...);
    } else {
      return detail::with_allocator<X>(allocator, use, X(std::forward<Args>(args)...));
    }
  } else {
    const auto& inner = allocator_for_elements(allocator);
    using inner_type = decltype(inner);
    if constexpr (std::is_constructible_v<X, std::allocator_arg_t, inner_type, Args...>) {
      return use(std::allocator_arg, inner, std::forward<Args>(args)...);
    } else if constexpr (std::is_constructible_v<X, Args..., inner_type>) {
      return use(std::forward<Args>(args)..., inner);
    } else {
      return use(std::forward<Args>(args)...);
    }
  }
}

/// An `X` at `at`. By the standard library: a narrowing of the caller's is not for us to warn of.
template <class X, class Allocator, class... Args>
constexpr void construct(const Allocator& allocator, X* at, Args&&... args) {
  if constexpr (!takes_allocator<X, Allocator>()) {
    static_cast<void>(allocator);
    std::construct_at(at, std::forward<Args>(args)...);
  } else {
    detail::with_allocator<X>(
        allocator,
        [at](auto&&... all) { std::construct_at(at, static_cast<decltype(all)>(all)...); },
        std::forward<Args>(args)...);
  }
}

/// An `X` on the way into a map.
template <class X, class Allocator, class... Args>
constexpr X made_with(const Allocator& allocator, Args&&... args) {
  if constexpr (!takes_allocator<X, Allocator>()) {
    static_cast<void>(allocator);
    return X(std::forward<Args>(args)...);
  } else {
    return detail::with_allocator<X>(
        allocator, [](auto&&... all) { return X(static_cast<decltype(all)>(all)...); },
        std::forward<Args>(args)...);
  }
}

}  // namespace concur::inline CONCUR_ABI::detail
