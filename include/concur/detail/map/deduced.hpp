// SPDX-License-Identifier: MIT
/// \file
/// Which map is meant by what one is made from: the deduction guides of all maps, which are those
/// of `std::unordered_map`, name the members of `deduced_map`.
#pragma once

#include <concepts>
#include <concur/fwd.hpp>
#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

/// What a guide takes for an allocator. `allocator_for` asks for more, and a map says what of it.
template <class A>
concept allocator_argument = requires(A& allocator) {
  typename A::value_type;
  allocator.allocate(std::size_t{1});
};

/// A hasher or an equality: anything else but a number.
template <class F>
concept function_argument = !std::integral<F> && !allocator_argument<F>;

template <class P>
concept pair_element = requires {
  typename P::first_type;
  typename P::second_type;
};

template <class Range>
using element_of = std::iter_value_t<decltype(std::begin(std::declval<Range&>()))>;

/// The parameters of a map of such pairs, and what follows the size: a hasher, an equality, an
/// allocator, of which each may be the last, and the allocator come sooner. Undefined for what is
/// no such list: then there is no guide.
template <class Pair, class... Policies>
struct deduced_map;

template <pair_element Pair>
struct deduced_map<Pair> {
  using key = std::remove_const_t<typename Pair::first_type>;
  using mapped = typename Pair::second_type;
  using hash = concur::hash<key>;
  using equal = std::equal_to<>;
  using allocator = std::allocator<std::pair<const key, mapped>>;
};

template <pair_element Pair, function_argument Hash>
struct deduced_map<Pair, Hash> : deduced_map<Pair> {
  using hash = Hash;
};

template <pair_element Pair, function_argument Hash, function_argument Equal>
struct deduced_map<Pair, Hash, Equal> : deduced_map<Pair, Hash> {
  using equal = Equal;
};

template <pair_element Pair, allocator_argument Allocator>
struct deduced_map<Pair, Allocator> : deduced_map<Pair> {
  using allocator = Allocator;
};

template <pair_element Pair, function_argument Hash, allocator_argument Allocator>
struct deduced_map<Pair, Hash, Allocator> : deduced_map<Pair, Hash> {
  using allocator = Allocator;
};

template <pair_element Pair, function_argument Hash, function_argument Equal,
          allocator_argument Allocator>
struct deduced_map<Pair, Hash, Equal, Allocator> : deduced_map<Pair, Hash, Equal> {
  using allocator = Allocator;
};

}  // namespace concur::inline CONCUR_ABI::detail
