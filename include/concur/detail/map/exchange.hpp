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
///
/// and one that an engine may have:
///
///     copy_settings(other)     what users set beside the constructors; it stays with `other`, too
///
/// A move to another allocator is `take_elements`: of the engine it needs
///
///     swap_elements(other)     contents, without functions and allocators
///     static constexpr bool keys_may_move        optional: its keys are not const, and
///     element.key_to_move() -> Key&              its elements lend them to who drops them next
#pragma once

#include <concepts>
#include <concur/detail/assert.hpp>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/detail/map/insert_core.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/policy/allocator.hpp>
#include <concur/version.hpp>
#include <type_traits>
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

template <class Map>
inline constexpr bool keys_may_move = requires {
  requires engine_of<Map>::keys_may_move;
};

/// Moves every element of `from` to `to`, which is empty; both are quiet, and nobody else has the
/// elements. Keys are copied, for those of a pair are const; where they are not, and cannot be
/// copied, they are moved. What has been moved is no longer in `from`, also if it throws.
template <class Map>
void move_elements(Map& to, Map& from) {
  using T = mapped_of<Map>;
  [[maybe_unused]] const auto room = room_for(map_access::engine(to), from.size());
  auto into = insertion_into(to);
  map_access::engine(from).traverse(hash_range(), [&](auto&& element) {
    if constexpr (!std::copy_constructible<key_of<Map>>) {
      // Dropped before anything can throw: a key that was moved from is not to be found.
      T value(std::move(element.value_to_move()));
      key_of<Map> key(std::move(element.key_to_move()));
      drop_in_traversal(element);
      into.try_emplace(std::move(key), std::move(value));
    } else if constexpr (is_exclusive<Map>) {
      element.visit([&](auto& lent) { into.try_emplace(element.key(), std::move(lent.second)); });
      drop_in_traversal(element);
    } else {
      // Lent as const to those who share it. There is nobody, and the value itself is not const.
      into.try_emplace(element.key(), std::move(const_cast<T&>(element.value())));
      drop_in_traversal(element);
    }
    return true;
  });
}

/// `made` is empty and has the functions of `from`, which is moved from: takes over what is there,
/// one by one where the memory cannot be taken over.
template <class Map>
void take_elements(Map& made, Map& from) {
  if (memory_is_exchangeable(made, from)) {
    map_access::engine(made).swap_elements(map_access::engine(from));
  } else if constexpr (std::move_constructible<mapped_of<Map>> &&
                       (std::copy_constructible<key_of<Map>> || keys_may_move<Map>)) {
    if constexpr (!always_equal<allocator_of<Map>>) move_elements(made, from);
  } else {
    fail_length("concur: elements that cannot be moved one by one, and another allocator");
  }
}

/// What assignment and swap need of the functions, which have no way back; the message is the
/// user's.
template <class Map>
constexpr bool check_functions_swap() {
  static_assert(std::is_nothrow_swappable_v<typename engine_of<Map>::hasher> &&
                    std::is_nothrow_swappable_v<typename engine_of<Map>::key_equal>,
                "assigning or swapping a map needs Hash and KeyEqual that swap without throwing");
  return true;
}

/// `made` has been made for `to`: with the allocator that `to` shall have afterwards.
template <bool WithAllocator, class Map>
void take_over(Map& to, Map& made) noexcept {
  static_assert(check_functions_swap<Map>());
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
  Map made(0, engine.hash_function(), engine.key_eq(), engine.allocator());
  if constexpr (requires { engine.copy_settings(engine); }) {
    map_access::engine(made).copy_settings(engine);
  }
  made.insert(values.begin(), values.end());
  take_over<false>(to, made);
}

/// The allocators are exchanged if they propagate, else they must be equal.
template <class Map>
void exchange_maps(Map& a, Map& b) noexcept {
  static_assert(check_functions_swap<Map>());
  if constexpr (pocs<allocator_of<Map>>) {
    map_access::engine(a).swap_everything(map_access::engine(b));
  } else {
    CONCUR_ASSERT(memory_is_exchangeable(a, b));
    map_access::engine(a).swap_contents(map_access::engine(b));
  }
}

}  // namespace concur::inline CONCUR_ABI::detail
