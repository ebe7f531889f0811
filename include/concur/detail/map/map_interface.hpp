// SPDX-License-Identifier: MIT
/// \file
/// The vocabulary that all maps share, derived from the primitives of an engine. A face says
///
///     template <...> class seqmap : public detail::map_interface<seqmap<...>, Key, T> {
///       friend struct detail::map_access;
///       engine_type& engine() noexcept;  const engine_type& engine() const noexcept;   // private
///      public:
///       using guarantees_type = ...;   // see guarantees.hpp
///       // hasher, key_equal, allocator_type; constructors, assignment, swap, hash_function,
///       key_eq,
///       // get_allocator, stats, and what this map alone has
///     };
///
/// and has every other name of the public interface. A face that overrides a name for speed
/// restates `using map_interface<...>::name;`, or it hides the other overloads. A bounded map gives
/// its own `map_traits`. Nothing here holds state; the bases are empty.
///
/// Where to look: interface_lookup (find, contains, visit, batches), interface_insert (insert,
/// emplace, try_emplace, insert_or_assign, exchange), interface_insert_visit (..._or_visit,
/// ..._and_visit), interface_update (update, upsert, compute, replace_if_equal), interface_erase
/// (erase, erase_if, take), interface_bulk (visit_all, visit_while, scan, merge, ==),
/// interface_capacity (size, clear, reserve).
#pragma once

#include <concur/detail/map/access.hpp>
#include <concur/detail/map/interface_bulk.hpp>
#include <concur/detail/map/interface_capacity.hpp>
#include <concur/detail/map/interface_erase.hpp>
#include <concur/detail/map/interface_insert.hpp>
#include <concur/detail/map/interface_insert_visit.hpp>
#include <concur/detail/map/interface_lookup.hpp>
#include <concur/detail/map/interface_update.hpp>
#include <concur/detail/map/results.hpp>
#include <concur/version.hpp>
#include <cstddef>

namespace concur::inline CONCUR_ABI::detail {

template <class Derived, class Key, class T, class Traits = map_traits<Key, T>>
class map_interface : public interface_lookup<Derived, Key, T, Traits>,
                      public interface_insert<Derived, Key, T, Traits>,
                      public interface_insert_visit<Derived, Key, T, Traits>,
                      public interface_update<Derived, Key, T, Traits>,
                      public interface_erase<Derived, Key, T, Traits>,
                      public interface_bulk<Derived, Key, T, Traits>,
                      public interface_capacity<Derived, Key, T, Traits> {
 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = typename Traits::value_type;
  /// What `insert({key, value})` makes of its braces: a pair whose key can be moved.
  using init_type = typename Traits::init_type;
  using insert_result_type = typename Traits::insert_result;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = value_type&;
  using const_reference = const value_type&;

 protected:
  map_interface() = default;
  ~map_interface() = default;
  map_interface(const map_interface&) = default;
  map_interface& operator=(const map_interface&) = default;
};

}  // namespace concur::inline CONCUR_ABI::detail
