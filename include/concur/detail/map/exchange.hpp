// SPDX-License-Identifier: MIT
/// \file
/// Assignment and swap of whole maps: one text for all faces. What differs is in their constructors
/// and in four names of the engine, all of which need both maps to be quiet:
///
///     become(other)            gives everything back, and takes over what `other` has, its
///                              allocator included
///     swap_contents(other)     contents and functions, without the allocators
///     swap_everything(other)   the allocators too
///     allocator()
#pragma once

#include <concur/detail/assert.hpp>
#include <concur/detail/map/access.hpp>
#include <concur/policy/allocator.hpp>
#include <concur/version.hpp>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Map>
using allocator_of = typename engine_of<Map>::allocator_type;

/// Whether each of the two can free what the other one has allocated.
template <class Map>
bool memory_is_exchangeable(const Map& a, const Map& b) noexcept {
  return always_equal<allocator_of<Map>> ||
         map_access::engine(a).allocator() == map_access::engine(b).allocator();
}

/// `made` has been made for `to`: with the allocator that `to` shall have afterwards.
template <bool WithAllocator, class Map>
void take_over(Map& to, Map& made) noexcept {
  if constexpr (WithAllocator) {
    map_access::engine(to).become(map_access::engine(made));
  } else {
    map_access::engine(to).swap_contents(map_access::engine(made));
  }
}

template <class Map>
void assign_copy(Map& to, const Map& from) {
  if (&to == &from) return;
  constexpr bool propagates = pocca<allocator_of<Map>>;
  Map copy(from, map_access::engine(propagates ? from : std::as_const(to)).allocator());
  take_over<propagates>(to, copy);
}

/// `from` is moved from.
template <class Map>
void assign_moved(Map& to, Map& from) {
  if (&to == &from) return;
  if constexpr (pocma<allocator_of<Map>>) {
    Map moved(std::move(from));
    take_over<true>(to, moved);
  } else {
    Map moved(std::move(from), map_access::engine(to).allocator());
    take_over<false>(to, moved);
  }
}

template <class Map, class Values>
void assign_values(Map& to, const Values& values) {
  auto& engine = map_access::engine(to);
  Map made(values, 0, engine.hash_function(), engine.key_eq(), engine.allocator());
  take_over<false>(to, made);
}

/// The allocators are exchanged if they propagate, else they must be equal.
template <class Map>
void exchange_maps(Map& a, Map& b) noexcept {
  if constexpr (pocs<allocator_of<Map>>) {
    map_access::engine(a).swap_everything(map_access::engine(b));
  } else {
    CONCUR_ASSERT(memory_is_exchangeable(a, b));
    map_access::engine(a).swap_contents(map_access::engine(b));
  }
}

}  // namespace concur::inline CONCUR_ABI::detail
