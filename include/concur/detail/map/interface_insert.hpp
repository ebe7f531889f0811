// SPDX-License-Identifier: MIT
/// \file
/// The names that insert or overwrite, and show nothing: insert, emplace, try_emplace,
/// insert_or_assign, exchange. The clauses are explained in interface_lookup.hpp.
#pragma once

#include <concepts>
#include <concur/detail/assert.hpp>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/insert_core.hpp>
#include <concur/detail/map/keys.hpp>
#include <concur/detail/map/results.hpp>
#include <concur/policy/construction.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Derived, class Key, class T, class Traits>
class interface_insert {
  using key_type = Key;
  using size_type = std::size_t;
  using value_type = typename Traits::value_type;
  using init_type = typename Traits::init_type;
  using insert_result = typename Traits::insert_result;

 public:
  /// Inserts an element; a present one is left alone.
  /// - Returns: whether it was inserted.
  /// - Linearizes at: the publication of the element, or the read of the present one.
  /// - Progress: write.
  /// - Callback: none.
  /// - Throws: what making the element throws; then nothing was inserted, though `value` may have
  ///   been moved from.
  /// - Needs: a pair, or what a `std::pair<Key, T>` can be made of; moved or copied as given.
  template <element_argument<Derived> P = init_type>
  insert_result insert(P&& value) {
    return to_result<insert_result>(insertion_into(derived()).insert(std::forward<P>(value)));
  }

  /// `insert` for each element of a range.
  /// - Returns: how many were inserted.
  /// - Linearizes at: as `insert`, each element for itself.
  /// - Progress: write.
  /// - Callback: none.
  /// - Throws: as `insert`; what was inserted before stays.
  /// - Needs: input iterators, an initializer list, or a range.
  template <std::input_iterator It>
  size_type insert(It first, It last) {
    return insert_all(std::move(first), last);
  }
  size_type insert(std::initializer_list<value_type> values) {
    return insert_all(values.begin(), values.end());
  }
  template <class Range>
  size_type insert_range(Range&& values) {
    return insert_all(std::begin(values), std::end(values));
  }

  /// Inserts the pair that `args` make: (key, value), a pair, nothing, or
  /// (std::piecewise_construct, keys, values). The value is built only if the key is absent.
  /// - Returns: whether it was inserted.
  /// - Linearizes at: as `insert`.
  /// - Progress: write.
  /// - Callback: none.
  /// - Throws: as `insert`.
  /// - Needs: `args` that make a `std::pair<Key, T>`.
  template <class... Args>
  insert_result emplace(Args&&... args) {
    return to_result<insert_result>(insertion_into(derived()).emplace(std::forward<Args>(args)...));
  }

  /// Inserts (k, T(args...)) if `k` is absent; else builds nothing, and moves from nothing, unless
  /// another insertion of `k` has come first in the last moment.
  /// - Returns: whether it was inserted.
  /// - Linearizes at: as `insert`.
  /// - Progress: write.
  /// - Callback: none.
  /// - Throws: as `insert`.
  /// - Needs: `T` constructible from `args`.
  template <new_key<Derived> K = key_type, class... Args>
  insert_result try_emplace(K&& k, Args&&... args) requires std::constructible_from<T, Args...> {
    return to_result<insert_result>(
        insertion_into(derived()).try_emplace(std::forward<K>(k), std::forward<Args>(args)...));
  }

  /// Stores `value` for `k`, whether or not it is there.
  /// - Returns: true when inserted, false when assigned.
  /// - Linearizes at: the publication of the value.
  /// - Progress: write.
  /// - Callback: none.
  /// - Throws: what making or assigning `T` throws; then the old value stays as that left it.
  /// - Needs: `T` constructible from `value`, and assignable from it where the map assigns in
  /// place;
  ///   copyable keys where callbacks are not exclusive.
  template <new_key<Derived> K = key_type, class V = T>
  insert_result insert_or_assign(K&& k, V&& value) requires std::constructible_from<T, V> &&
      rewritable_in<Derived, K> {
    if constexpr (can_store_pair<decltype(as_key<Derived>(std::forward<K>(k))), V>) {
      const auto& key = as_key<Derived>(std::forward<K>(k));
      auto& engine = map_access::engine(derived());
      return to_result<insert_result>(
          engine.store_pair(engine.hash(key), key, T(std::forward<V>(value)))
              ? insert_outcome::inserted
              : insert_outcome::exists);
    } else {
      return to_result<insert_result>(
          store(std::forward<K>(k), std::forward<V>(value),
                [](auto& element, auto&& v) { element.assign(static_cast<decltype(v)>(v)); }));
    }
  }

  /// `insert_or_assign` that hands back what was there.
  /// - Returns: the old value, or nothing when inserted.
  /// - Linearizes at: the publication of the value.
  /// - Progress: write.
  /// - Callback: none.
  /// - Throws: as `insert_or_assign`; `std::length_error` when a bounded map is full.
  /// - Needs: copyable `T` and keys; movable is enough where callbacks are exclusive.
  template <new_key<Derived> K = key_type, class V = T>
  std::optional<T> exchange(K&& k, V&& value) requires std::constructible_from<T, V> &&
      std::move_constructible<T> && changeable_in<T, Derived, K> && rewritable_in<Derived, K> {
    std::optional<T> old;
    const auto outcome =
        store(std::forward<K>(k), std::forward<V>(value), [&](auto& element, auto&& v) {
          swap_out(map_access::engine(derived()).allocator(), element, static_cast<decltype(v)>(v),
                   old);
        });
    if (outcome == insert_outcome::full) fail_length("exchange: the map is full");
    if (outcome == insert_outcome::inserted)
      old.reset();  // a run that lost its race may have set it
    return old;
  }

 private:
  Derived& derived() noexcept { return static_cast<Derived&>(*this); }

  /// No user code makes or assigns key or value: whether the value is made before it is known
  /// whether the key is there makes no difference.
  template <class Probe, class V>
  static constexpr bool can_store_pair = [] {
    if constexpr (std::same_as<std::remove_cvref_t<Probe>, Key> &&
                  std::same_as<std::remove_cvref_t<V>, T>) {
      return std::is_trivially_copyable_v<Key> && std::is_trivially_copyable_v<T> &&
             has_store_pair<engine_of<Derived>>;
    } else {
      return false;
    }
  }();

  template <class It, class End>
  size_type insert_all(It first, End last) {
    size_type inserted = 0;
    for (; first != last; ++first) {
      if (insertion_into(derived()).insert(*first) == insert_outcome::inserted) ++inserted;
    }
    return inserted;
  }

  template <class K, class V, class Overwrite>
  insert_outcome store(K&& k, V&& value, Overwrite overwrite) {
    auto&& key = as_new_key(derived(), std::forward<K>(k));
    using ProbeKey = decltype(key);
    auto& engine = map_access::engine(derived());
    const auto& probe = key;
    auto outcome = insert_outcome::full;
    engine.modify(
        engine.hash(probe), probe,
        [&](auto&& slot) {
          outcome = insert_outcome::inserted;
          slot.emplace(static_cast<ProbeKey>(key), std::forward<V>(value));
        },
        [&](auto&& element) {
          outcome = insert_outcome::exists;
          overwrite(element, std::forward<V>(value));
        });
    return outcome;
  }

  /// Where the element is ours alone and moves cannot fail, the old value is moved out; else it is
  /// copied, so that an exception leaves it as it was.
  template <class Allocator, class Element, class V>
  static void swap_out(const Allocator& allocator, Element& element, V&& value,
                       std::optional<T>& old) {
    constexpr bool moves_safely = is_exclusive<Derived> && !std::is_trivially_copyable_v<T> &&
                                  std::is_nothrow_move_constructible_v<T> &&
                                  std::is_nothrow_move_assignable_v<T>;
    if constexpr (moves_safely || !std::copy_constructible<T>) {
      T next(detail::made_with<T>(allocator, std::forward<V>(value)));
      element.mutate([&](T& current) {
        old.emplace(std::move(current));
        current = std::move(next);
      });
    } else if constexpr (requires { element.exchange(std::forward<V>(value), old); }) {
      element.exchange(std::forward<V>(value), old);
    } else {
      old.emplace(element.value());
      element.assign(std::forward<V>(value));
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail
