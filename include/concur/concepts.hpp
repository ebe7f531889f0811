// SPDX-License-Identifier: MIT
/// \file
/// The vocabulary as concepts, for code that takes any map:
/// - `visitable_map<M>`: what concur's maps share with boost::concurrent_flat_map;
/// - `concurrent_map<M>`: everything that a map of this library has, and `guarantees<M>`.
///
/// They check names, order of arguments, results and constness. An operation that needs more of the
/// mapped type than the map does (a copy for `find`) is asked for only where the type has it.
#pragma once

#include <concepts>
#include <concur/detail/map/guarantees.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {
namespace detail {

/// `bool`, or an `insert_result`.
template <class B>
concept says_inserted = std::constructible_from<bool, B>;

/// Stands for a callable on elements, a predicate on them, or one on values.
struct any_visitor {
  template <class Element>
  constexpr bool operator()(Element&) const noexcept {
    return true;
  }
};

/// Stands for an output iterator: a type of values need not be one that can be assigned.
struct any_output {
  using difference_type = std::ptrdiff_t;
  constexpr const auto& operator*() const noexcept { return std::ignore; }
  constexpr any_output& operator++() noexcept { return *this; }
  constexpr any_output operator++(int) noexcept { return *this; }
};

template <class M>
concept map_types = requires {
  typename M::key_type;
  typename M::mapped_type;
  typename M::value_type;
  typename M::init_type;
  typename M::size_type;
  typename M::hasher;
  typename M::key_equal;
  typename M::allocator_type;
};

template <class M>
concept map_observers = requires(const M& map, M& mutable_map) {
  { map.size() }
  noexcept->std::same_as<typename M::size_type>;
  { map.empty() }
  noexcept->std::same_as<bool>;
  { map.max_size() } -> std::same_as<typename M::size_type>;
  { map.load_factor() } -> std::same_as<float>;
  { map.hash_function() } -> std::convertible_to<typename M::hasher>;
  { map.key_eq() } -> std::convertible_to<typename M::key_equal>;
  { map.get_allocator() } -> std::convertible_to<typename M::allocator_type>;
  mutable_map.clear();
  mutable_map.reserve(typename M::size_type{});
  mutable_map.swap(mutable_map);
};

template <class M>
concept map_visits = requires(M& map, const M& shared, const typename M::key_type& key,
                              const typename M::key_type* keys, any_visitor f) {
  { shared.contains(key) } -> std::same_as<bool>;
  { shared.count(key) } -> std::same_as<typename M::size_type>;
  { map.visit(key, f) } -> std::same_as<typename M::size_type>;
  { shared.visit(key, f) } -> std::same_as<typename M::size_type>;
  { shared.cvisit(key, f) } -> std::same_as<typename M::size_type>;
  { map.visit(keys, keys, f) } -> std::same_as<typename M::size_type>;
  { shared.cvisit(keys, keys, f) } -> std::same_as<typename M::size_type>;
  { map.visit_all(f) } -> std::same_as<typename M::size_type>;
  { shared.visit_all(f) } -> std::same_as<typename M::size_type>;
  { shared.cvisit_all(f) } -> std::same_as<typename M::size_type>;
  { map.visit_while(f) } -> std::same_as<bool>;
  { shared.cvisit_while(f) } -> std::same_as<bool>;
  { map.erase(key) } -> std::same_as<typename M::size_type>;
  { map.erase_if(key, f) } -> std::same_as<typename M::size_type>;
  { map.erase_if(f) } -> std::same_as<typename M::size_type>;
  { erase_if(map, f) } -> std::same_as<typename M::size_type>;
};

/// Inserting moved elements; a value that cannot be moved is made in its place, by try_emplace.
template <class M>
concept map_inserts = !std::move_constructible<typename M::mapped_type> ||
                      requires(M & map, typename M::init_type&& made, typename M::key_type&& key,
                               typename M::mapped_type&& value, any_visitor f) {
  { map.insert(std::move(made)) } -> says_inserted;
  { map.emplace(std::move(key), std::move(value)) } -> says_inserted;
  { map.try_emplace(std::move(key), std::move(value)) } -> says_inserted;
  { map.insert_or_assign(std::move(key), std::move(value)) } -> says_inserted;
  { map.insert_or_visit(std::move(made), f) } -> says_inserted;
  { map.insert_or_cvisit(std::move(made), f) } -> says_inserted;
  { map.insert_and_visit(std::move(made), f, f) } -> says_inserted;
  { map.insert_and_cvisit(std::move(made), f, f) } -> says_inserted;
  { map.try_emplace_or_visit(std::move(key), std::move(value), f) } -> says_inserted;
  { map.try_emplace_or_cvisit(std::move(key), std::move(value), f) } -> says_inserted;
  { map.try_emplace_and_visit(std::move(key), std::move(value), f, f) } -> says_inserted;
  { map.try_emplace_and_cvisit(std::move(key), std::move(value), f, f) } -> says_inserted;
  { map.emplace_or_visit(std::move(key), std::move(value), f) } -> says_inserted;
  { map.emplace_or_cvisit(std::move(key), std::move(value), f) } -> says_inserted;
  { map.emplace_and_visit(std::move(key), std::move(value), f, f) } -> says_inserted;
  { map.emplace_and_cvisit(std::move(key), std::move(value), f, f) } -> says_inserted;
};

template <class M>
concept map_inserts_copies =
    !(std::copy_constructible<typename M::key_type> &&
      std::copy_constructible<typename M::mapped_type>) ||
    requires(M & map, const typename M::value_type& element, const typename M::value_type* elements,
             std::initializer_list<typename M::value_type> list, any_visitor f) {
  { map.insert(element) } -> says_inserted;
  { map.insert(elements, elements) } -> std::same_as<typename M::size_type>;
  { map.insert(list) } -> std::same_as<typename M::size_type>;
  { map.insert_range(list) } -> std::same_as<typename M::size_type>;
  { map.insert_or_visit(elements, elements, f) } -> std::same_as<typename M::size_type>;
  { map.insert_and_visit(elements, elements, f, f) } -> std::same_as<typename M::size_type>;
};

template <class M>
concept map_finds =
    !std::copy_constructible<typename M::mapped_type> ||
    requires(const M& map, const typename M::key_type& key, const typename M::mapped_type& value,
             std::initializer_list<typename M::key_type> keys, any_output out) {
  { map.find(key) } -> std::same_as<std::optional<typename M::mapped_type>>;
  { map.find_or(key, value) } -> std::same_as<typename M::mapped_type>;
  { map.find_each(keys, out) } -> std::same_as<any_output>;
};

template <class M>
concept map_updates = !std::copy_constructible<typename M::mapped_type> ||
                      requires(M & map, const typename M::key_type& key,
                               const typename M::mapped_type& value, any_visitor f) {
  { map.update(key, f) } -> std::same_as<typename M::size_type>;
  { map.upsert(key, f, value) } -> says_inserted;
  { map.compute(key, f) } -> std::same_as<bool>;
  { map.exchange(key, value) } -> std::same_as<std::optional<typename M::mapped_type>>;
  { map.take(key) } -> std::same_as<std::optional<typename M::mapped_type>>;
};

template <class M>
concept map_compares = !(std::copy_constructible<typename M::mapped_type> &&
                         std::equality_comparable<typename M::mapped_type>) ||
                       requires(M & map, const M& shared, const typename M::key_type& key,
                                const typename M::mapped_type& value) {
  { map.replace_if_equal(key, value, value) } -> std::same_as<bool>;
  { map.erase_if_equal(key, value) } -> std::same_as<typename M::size_type>;
  { shared == shared } -> std::same_as<bool>;
};

}  // namespace detail

/// The names that concur's maps share with boost::concurrent_flat_map.
template <class M>
concept visitable_map = detail::map_types<M> && detail::map_observers<M> && detail::map_visits<M> &&
    detail::map_inserts<M> && detail::map_inserts_copies<M>;

/// The whole vocabulary.
template <class M>
concept concurrent_map = visitable_map<M> && detail::map_finds<M> && detail::map_updates<M> &&
    detail::map_compares<M> && map_guarantees<guarantees<M>> &&
    requires(M& map, const M& shared, std::uint64_t cursor, detail::any_visitor f) {
  { shared.scan(cursor, typename M::size_type{}, f) } -> std::same_as<std::uint64_t>;
  { shared.capacity() } -> std::same_as<typename M::size_type>;
  map.shrink_to_fit();
  { M::bulk_visit_size } -> std::convertible_to<std::size_t>;
  shared.stats();
};

/// Insertions into `M` may find it full, and return an `insert_result`.
template <class M>
concept bounded_map = concurrent_map<M> && guarantees<M>::is_bounded;

}  // namespace concur::inline CONCUR_ABI
