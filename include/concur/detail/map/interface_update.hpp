// SPDX-License-Identifier: MIT
/// \file
/// The names that change a value in place of its old one: update, upsert, compute,
/// replace_if_equal. On copy-on-write maps (`callback_may_run_again`) the callables work on a copy
/// and may run again after a lost race. The clauses are explained in interface_lookup.hpp.
#pragma once

#include <concepts>
#include <concur/detail/assert.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/keys.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/detail/map/results.hpp>
#include <concur/policy/construction.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <optional>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Derived, class Key, class T, class Traits>
class interface_update {
  using key_type = Key;
  using size_type = std::size_t;
  using insert_result = typename Traits::insert_result;

 public:
  /// Changes the value of `k`, if present.
  /// - Returns: 1 if it was there, else 0.
  /// - Linearizes at: the publication of the new value.
  /// - Progress: write.
  /// - Callback: `f(T&)`.
  /// - Throws: what `f` throws; the old value stays, or stays as `f` left it, by
  ///   `callback_keeps_old_value`.
  /// - Needs: copyable `T` and keys where `f` works on a copy.
  template <lookup_key<Derived> K = key_type, class F>
  size_type update(const K& k,
                   F&& f) requires changeable_in<T, Derived, K> && rewritable_in<Derived, K> {
    static_assert(std::invocable<F&, T&>, "update: f is not callable with T&");
    auto&& key = as_key<Derived>(k);
    auto& engine = map_access::engine(derived());
    const bool present =
        modify_present(engine, engine.hash(key), key, [&](auto& element) { element.mutate(f); });
    return present ? 1 : 0;
  }

  /// Inserts (k, T(args...)) if absent, else changes the present value.
  /// - Returns: whether it was inserted.
  /// - Linearizes at: the publication of the element or of the new value.
  /// - Progress: write.
  /// - Callback: `f(T&)`, on a present value only.
  /// - Throws: as `try_emplace` and `update`.
  /// - Needs: as `try_emplace` and `update`.
  template <new_key<Derived> K = key_type, class F, class... Args>
  insert_result upsert(K&& k, F&& f, Args&&... args) requires std::constructible_from<T, Args...> &&
      changeable_in<T, Derived, K> && rewritable_in<Derived, K> {
    static_assert(std::invocable<F&, T&>, "upsert: f is not callable with T&");
    auto&& key = as_new_key(derived(), std::forward<K>(k));
    using ProbeKey = decltype(key);
    auto& engine = map_access::engine(derived());
    const auto& probe = key;
    auto outcome = insert_outcome::full;
    engine.modify(
        engine.hash(probe), probe,
        [&](auto&& slot) {
          outcome = insert_outcome::inserted;
          slot.emplace(static_cast<ProbeKey>(key), std::forward<Args>(args)...);
        },
        [&](auto&& element) {
          outcome = insert_outcome::exists;
          element.mutate(f);
        });
    return to_result<insert_result>(outcome);
  }

  /// Shows the value or its absence to `f`, and stores what `f` leaves.
  /// - Returns: whether `k` is there afterwards.
  /// - Linearizes at: the publication of what `f` left, or the read if it left an absent key
  /// absent.
  /// - Progress: write.
  /// - Callback: `f(std::optional<T>&)`: empty for an absent key; left empty, the key is erased. An
  ///   rvalue that was given as the key may have been moved from by then, and stays so.
  /// - Throws: what `f`, or copying, moving and assigning `T` throw; a copyable `T` is then as it
  ///   was before. `std::length_error` when a bounded map has no room for an absent key.
  /// - Needs: movable `T`; copyable, as keys, where callbacks are not exclusive.
  template <new_key<Derived> K = key_type, class F>
  bool compute(K&& k, F&& f) requires std::move_constructible<T> && changeable_in<T, Derived, K> &&
      rewritable_in<Derived, K> {
    static_assert(std::invocable<F&, std::optional<T>&>,
                  "compute: f is not callable with std::optional<T>&");
    auto&& key = as_new_key(derived(), std::forward<K>(k));
    using ProbeKey = decltype(key);
    auto& engine = map_access::engine(derived());
    const auto& probe = key;
    bool room = false;
    bool present = false;
    engine.modify(
        engine.hash(probe), probe,
        [&](auto&& slot) {
          room = true;
          if constexpr (requires { slot.claim(static_cast<ProbeKey>(key)); }) {
            slot.claim(static_cast<ProbeKey>(key));
          }
          std::optional<T> value;
          f(value);
          present = value.has_value();
          if (value) put_computed(slot, static_cast<ProbeKey>(key), *std::move(value));
        },
        [&](auto&& element) {
          room = true;
          present = recompute(engine.allocator(), element, f);
        });
    if (!room) fail_length("compute: the map is full");
    return present;
  }

  /// Stores `desired` for `k` if its value equals `expected`.
  /// - Returns: whether it was replaced.
  /// - Linearizes at: the publication of `desired`, or the read that found it absent or unequal.
  /// - Progress: write.
  /// - Callback: none; `==` of `T` is called as if it were one.
  /// - Throws: what `==` or assigning `T` throws.
  /// - Needs: `T` comparable with `expected`, constructible from `desired`; copyable keys where
  /// callbacks are not exclusive.
  template <lookup_key<Derived> K = key_type, class E = T, class V = T>
  bool replace_if_equal(const K& k, const E& expected, V&& desired) requires
      std::constructible_from<T, V> && comparable_with<E, T> && rewritable_in<Derived, K> {
    bool replaced = false;
    auto&& key = as_key<Derived>(k);
    auto&& wanted = as_value<T>(expected);
    auto& engine = map_access::engine(derived());
    const bool present = modify_present(engine, engine.hash(key), key, [&](auto& element) {
      replaced = static_cast<bool>(element.value() == wanted);
      if (replaced) element.assign(std::forward<V>(desired));
    });
    return present && replaced;
  }

 private:
  Derived& derived() noexcept { return static_cast<Derived&>(*this); }

  /// `f` on a copy, so that an exception leaves the element alone. A value that cannot be copied
  /// is moved to `f` and back, also when `f` throws; if `f` left nothing then, it stays moved from.
  template <class Allocator, class Element, class F>
  static bool recompute([[maybe_unused]] const Allocator& allocator, Element& element, F& f) {
    bool present = true;
    if constexpr (std::copy_constructible<T>) {
      const auto make = [](auto&&... args) {
        return std::optional<T>(std::in_place, static_cast<decltype(args)>(args)...);
      };
      std::optional<T> value = detail::with_allocator<T>(allocator, make, element.value());
      f(value);
      present = value.has_value();
      if (value) assign_computed(element, *std::move(value));
    } else {
      element.mutate([&](T& current) {
        moved_out loan(current);
        f(loan.value);
        present = loan.value.has_value();
      });
      if (!present) drop_in_traversal(element);
      return present;
    }
    if (!present) element.erase();
    return present;
  }

  /// A value that is moved into an optional, and back at the end, however that comes.
  struct moved_out {
    explicit moved_out(T& from) : home(from), value(std::in_place, std::move(from)) {}
    moved_out(const moved_out&) = delete;
    moved_out& operator=(const moved_out&) = delete;
    ~moved_out() noexcept(std::is_nothrow_move_assignable_v<T>) {
      if (value) home = *std::move(value);
    }
    T& home;
    std::optional<T> value;
  };
};

}  // namespace concur::inline CONCUR_ABI::detail
