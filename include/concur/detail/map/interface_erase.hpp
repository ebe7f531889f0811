// SPDX-License-Identifier: MIT
/// \file
/// The names that remove: erase, erase_if, erase_if_equal, take. The clauses are explained in
/// interface_lookup.hpp.
#pragma once

#include <concepts>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/keys.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/detail/map/traversal.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <optional>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Derived, class Key, class T, class Traits>
class interface_erase {
  using key_type = Key;
  using size_type = std::size_t;

 public:
  /// Removes the element of `k`.
  /// - Returns: 1 if it was there, else 0.
  /// - Linearizes at: its removal, or the read that found it absent.
  /// - Progress: write.
  /// - Callback: none.
  /// - Throws: nothing of its own.
  /// - Needs: nothing.
  template <lookup_key<Derived> K = key_type>
  size_type erase(const K& k) {
    if constexpr (has_erase_key<engine_of<Derived>,
                                std::remove_cvref_t<decltype(as_key<Derived>(k))>>) {
      auto&& key = as_key<Derived>(k);
      auto& engine = map_access::engine(derived());
      return engine.erase_key(engine.hash(key), key) ? 1 : 0;
    } else {
      return erase_when(k, [](auto&) { return true; });
    }
  }

  /// Removes the element of `k` if `pred` says so.
  /// - Returns: 1 if removed, else 0.
  /// - Linearizes at: its removal, or the read that found it absent or not to be removed.
  /// - Progress: write.
  /// - Callback: `pred(const value_type&)`; may run again where `callback_may_run_again`.
  /// - Throws: what `pred` throws; the element stays.
  /// - Needs: nothing.
  template <lookup_key<Derived> K = key_type, class Pred>
  size_type erase_if(const K& k, Pred&& pred) requires(!std::same_as<K, parallel>) {
    static_assert(predicate_for<Pred, Derived>,
                  "erase_if: pred is no predicate of a const element of this map");
    return erase_when(k, [&](auto& element) { return accepted(element, pred); });
  }

  /// Removes every element that `pred` accepts; with `concur::parallel` first, by several threads.
  /// - Returns: how many were removed.
  /// - Linearizes at: each removal for itself; the traversal is that of `visit_all`.
  /// - Progress: write, per element.
  /// - Callback: `pred(const value_type&)`; may run again where `callback_may_run_again`; in
  ///   parallel also at the same time.
  /// - Throws: what `pred` throws, the first if several; what was removed before stays removed.
  /// - Needs: nothing; in parallel <concur/parallel.hpp>.
  template <class Pred>
  size_type erase_if(Pred&& pred) {
    static_assert(predicate_for<Pred, Derived>,
                  "erase_if: pred is no predicate of a const element of this map");
    traversal_count removed;
    map_access::engine(derived()).traverse(hash_range(), removing(pred, removed));
    return removed.value;
  }
  template <std::same_as<parallel> Parallel, class Pred>
  size_type erase_if(const Parallel& policy, Pred&& pred) {
    static_assert(predicate_for<Pred, Derived>,
                  "erase_if: pred is no predicate of a const element of this map");
    auto& engine = map_access::engine(derived());
    require_nothing_held_here<true>(policy, engine);
    const auto moment = moment_of(engine);
    return count_in_parallel(policy, [&](hash_range range, traversal_count& removed, auto& go_on) {
      auto remove = removing(pred, removed);
      return traverse_part(engine, moment, range,
                           [&](auto&& element) { return remove(element) && go_on(); });
    });
  }

  /// Removes the element of `k` if its value equals `expected`.
  /// - Returns: 1 if removed, else 0.
  /// - Linearizes at: as keyed `erase_if`.
  /// - Progress: write.
  /// - Callback: none; `==` of `T` is called as if it were one.
  /// - Throws: what `==` throws; the element stays.
  /// - Needs: `T` comparable with `expected`.
  template <lookup_key<Derived> K = key_type, class E = T>
  size_type erase_if_equal(const K& k, const E& expected) requires comparable_with<E, T> {
    auto&& wanted = as_value<T>(expected);
    return erase_when(k,
                      [&](auto& element) { return static_cast<bool>(element.value() == wanted); });
  }

  /// Removes the element of `k`, and hands its value back.
  /// - Returns: the value, or nothing.
  /// - Linearizes at: as `erase`.
  /// - Progress: write.
  /// - Callback: none.
  /// - Throws: what moving or copying `T` throws; the element stays, as that left it.
  /// - Needs: movable `T`; copyable where readers may still hold it (callbacks not exclusive).
  template <lookup_key<Derived> K = key_type>
  std::optional<T> take(const K& k) requires std::move_constructible<T> &&
      changeable_in<T, Derived, K> {
    std::optional<T> taken;
    auto&& key = as_key<Derived>(k);
    auto& engine = map_access::engine(derived());
    const bool present = modify_present(engine, engine.hash(key), key,
                                        [&](auto& element) { taken.emplace(element.take()); });
    if (!present) taken.reset();
    return taken;
  }

 private:
  Derived& derived() noexcept { return static_cast<Derived&>(*this); }

  template <class Element, class Pred>
  static bool accepted(Element& element, Pred& pred) {
    bool yes = false;
    auto ask = [&](const auto& shown) { yes = static_cast<bool>(pred(shown)); };
    element.cvisit(ask);
    return yes;
  }

  template <class K, class When>
  size_type erase_when(const K& k, When when) {
    bool erased = false;
    auto&& key = as_key<Derived>(k);
    auto& engine = map_access::engine(derived());
    const bool present = modify_present(engine, engine.hash(key), key, [&](auto& element) {
      erased = when(element);
      if (erased) element.erase();
    });
    return present && erased ? 1 : 0;
  }

  template <class Pred>
  static auto removing(Pred& pred, traversal_count& removed) {
    return [&](auto&& element) {
      if (accepted(element, pred) && erase_in_traversal(element)) ++removed.value;
      return true;
    };
  }
};

/// `map.erase_if(pred)`. Here, where it is found for every map that has these names by its bases.
template <class Derived, class Key, class T, class Traits, class Pred>
std::size_t erase_if(interface_erase<Derived, Key, T, Traits>& map, Pred&& pred) {
  return static_cast<Derived&>(map).erase_if(std::forward<Pred>(pred));
}

}  // namespace concur::inline CONCUR_ABI::detail

namespace concur::inline CONCUR_ABI {
using detail::erase_if;
}  // namespace concur::inline CONCUR_ABI
