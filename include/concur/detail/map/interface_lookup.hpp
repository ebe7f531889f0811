// SPDX-License-Identifier: MIT
/// \file
/// The names that only look: find, contains, count, visit, cvisit, and the batch forms, which hash
/// and prefetch `bulk_visit_size` keys before they touch the first, where the map gains from that
/// (a hamt does not).
///
/// Here and in the other interface_*.hpp, each name has the same six clauses. "read" and "write"
/// progress are `guarantees<M>::read_progress` and `write_progress`. What hasher, equality and
/// allocator throw passes through everywhere and is not repeated. Where `K` stands for a key, it is
/// a key, anything that transparent hasher and equality take, or what converts to a key; what
/// converts to a key that is a scalar is always converted.
#pragma once

#include <concepts>
#include <concur/detail/config.hpp>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/keys.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/detail/map/results.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

/// A range that can be read twice, without <ranges>: `Keys` is what a forwarding reference deduces.
/// A view may have a begin() only where it is not const.
template <class Keys>
concept forward_keys = requires(std::remove_reference_t<Keys>& keys) {
  { std::begin(keys) } -> std::forward_iterator;
  { std::end(keys) } -> std::sentinel_for<decltype(std::begin(keys))>;
};

template <class Derived, class Key, class T, class Traits>
class interface_lookup {
  using key_type = Key;
  using size_type = std::size_t;

 public:
  /// Keys whose hashes and cache lines are fetched ahead in batch operations.
  static constexpr size_type bulk_visit_size = 16;

  /// A copy of the value of `k`.
  /// - Returns: the value, or nothing.
  /// - Linearizes at: the read of the element.
  /// - Progress: read.
  /// - Callback: none.
  /// - Throws: what copying `T` throws.
  /// - Needs: copyable `T`.
  template <lookup_key<Derived> K = key_type>
  CONCUR_FORCEINLINE std::optional<T> find(const K& k) const requires std::copy_constructible<T> {
    auto&& key = as_key<Derived>(k);
    const auto& engine = map_access::engine(derived());
    return copy_of(engine, engine.hash(key), key);
  }

  /// A copy of the value of `k`, or `fallback`.
  /// - Returns: the value, else `T(fallback)`.
  /// - Linearizes at: the read of the element.
  /// - Progress: read.
  /// - Callback: none.
  /// - Throws: what copying `T` or converting `fallback` throws.
  /// - Needs: copyable `T`.
  template <lookup_key<Derived> K = key_type, class U = T>
  T find_or(const K& k, U&& fallback)
      const requires std::copy_constructible<T> && std::constructible_from<T, U> {
    std::optional<T> found = find(k);
    if (found) return *std::move(found);
    return static_cast<T>(std::forward<U>(fallback));
  }

  /// Whether `k` is there.
  /// - Returns: true when present.
  /// - Linearizes at: the read of the element.
  /// - Progress: read.
  /// - Callback: none.
  /// - Throws: nothing of its own.
  /// - Needs: nothing.
  template <lookup_key<Derived> K = key_type>
  bool contains(const K& k) const {
    auto&& key = as_key<Derived>(k);
    const auto& engine = map_access::engine(derived());
    return engine.read(engine.hash(key), key, any_callable());
  }

  /// `contains` as a number, 0 or 1.
  template <lookup_key<Derived> K = key_type>
  size_type count(const K& k) const {
    return derived().contains(k) ? 1 : 0;
  }

  /// Shows the element of `k` to `f`, to be changed where the map lends exclusive access.
  /// - Returns: 1 if `f` ran, else 0.
  /// - Linearizes at: while `f` runs if exclusive, else the read of the element.
  /// - Progress: write if exclusive, else read.
  /// - Callback: `f(value_type&)` if `callback_is_exclusive`, else `f(const value_type&)`; once at
  ///   most. The reference is good only inside `f`.
  /// - Throws: what `f` throws.
  /// - Needs: nothing.
  template <lookup_key<Derived> K = key_type, class F>
  size_type visit(const K& k, F&& f) {
    static_assert(visitor_for<F, Derived>, "visit: f is not callable with what this map lends");
    auto&& key = as_key<Derived>(k);
    auto& engine = map_access::engine(derived());
    return show_element(engine, engine.hash(key), key, f);
  }

  /// On a const map: as `cvisit`.
  template <lookup_key<Derived> K = key_type, class F>
  size_type visit(const K& k, F&& f) const {
    return derived().cvisit(k, std::forward<F>(f));
  }

  /// Shows the element of `k` to `f`, to be read.
  /// - Returns: 1 if `f` ran, else 0.
  /// - Linearizes at: the read of the element.
  /// - Progress: read.
  /// - Callback: `f(const value_type&)`; once at most. The reference is good only inside `f`.
  /// - Throws: what `f` throws.
  /// - Needs: nothing.
  template <lookup_key<Derived> K = key_type, class F>
  size_type cvisit(const K& k, F&& f) const {
    static_assert(const_visitor_for<F, Derived>,
                  "cvisit: f is not callable with a const element of this map");
    auto&& key = as_key<Derived>(k);
    const auto& engine = map_access::engine(derived());
    return show_element(engine, engine.hash(key), key, f);
  }

  /// `visit(k, f)` for each key of [first, last), prefetched.
  /// - Returns: how many of the keys were there.
  /// - Linearizes at: as `visit`, each key for itself.
  /// - Progress: as `visit`.
  /// - Callback: as `visit`, in the order of the keys.
  /// - Throws: what `f` throws; the keys before it stay visited.
  /// - Needs: forward iterators.
  template <std::forward_iterator It, class F>
  size_type visit(It first, It last, F&& f) {
    static_assert(visitor_for<F, Derived>, "visit: f is not callable with what this map lends");
    return show_batch(map_access::engine(derived()), first, last, f);
  }
  template <std::forward_iterator It, class F>
  size_type visit(It first, It last, F&& f) const {
    return derived().cvisit(first, last, std::forward<F>(f));
  }

  /// `cvisit(k, f)` for each key of [first, last), prefetched; as the batch form of `visit`.
  template <std::forward_iterator It, class F>
  size_type cvisit(It first, It last, F&& f) const {
    static_assert(const_visitor_for<F, Derived>,
                  "cvisit: f is not callable with a const element of this map");
    return show_batch(map_access::engine(derived()), first, last, f);
  }

  /// `find(k)` for each key of a range, prefetched.
  /// - Returns: `out`, advanced by one `std::optional<T>` per key, in the order of the keys.
  /// - Linearizes at: as `find`, each key for itself.
  /// - Progress: read.
  /// - Callback: none.
  /// - Throws: what copying `T` or writing to `out` throws; what was written stays.
  /// - Needs: copyable `T`, a forward range.
  template <forward_keys Keys, std::output_iterator<std::optional<T>> Out>
  Out find_each(Keys&& keys, Out out) const requires std::copy_constructible<T> {
    const auto& engine = map_access::engine(derived());
    in_batches(engine, std::begin(keys), std::end(keys), [&](std::uint64_t hash, const auto& key) {
      *out = copy_of(engine, hash, key);
      ++out;
    });
    return out;
  }
  template <std::output_iterator<std::optional<T>> Out>
  Out find_each(std::initializer_list<key_type> keys,
                Out out) const requires std::copy_constructible<T> {
    return find_each<std::initializer_list<key_type>&>(keys, std::move(out));
  }

 private:
  Derived& derived() noexcept { return static_cast<Derived&>(*this); }
  const Derived& derived() const noexcept { return static_cast<const Derived&>(*this); }

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
// The caller who asks an empty optional for its value is warned of bytes that are not set here.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
  /// By force, as its callers: a small optional that a function returns is put together in memory,
  /// the flag stored as a byte and loaded as a word, which waits for that store; so does one that a
  /// callable fills by reference. Either is half of a find's time.
  template <class Engine, class K>
  CONCUR_FORCEINLINE static std::optional<T> copy_of(const Engine& engine, std::uint64_t hash,
                                                     const K& key) {
    if constexpr (std::is_trivially_copyable_v<T> && std::is_copy_assignable_v<T> &&
                  std::is_trivially_default_constructible_v<T>) {
      T value;
      if (!engine.read(hash, key, value_reader<T>{value})) return std::nullopt;
      return value;
    } else {
      return copy_in_memory(engine, hash, key);
    }
  }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

  template <class Engine, class K>
  static std::optional<T> copy_in_memory(const Engine& engine, std::uint64_t hash, const K& key) {
    std::optional<T> copy;
    engine.read(hash, key, [&](auto&& element) { copy.emplace(element.second); });
    return copy;
  }

  template <class Engine, class K, class F>
  static size_type show_element(Engine& engine, std::uint64_t hash, const K& key, F& f) {
    if constexpr (!std::is_const_v<Engine> && Engine::callback_is_exclusive) {
      const auto show = [&](auto& element) { element.visit(f); };
      return modify_present(engine, hash, key, show) ? 1 : 0;
    } else {
      return engine.read(hash, key, f) ? 1 : 0;
    }
  }

  template <class Engine, class It, class F>
  static size_type show_batch(Engine& engine, It first, It last, F& f) {
    size_type visited = 0;
    in_batches(engine, first, last, [&](std::uint64_t hash, const auto& key) {
      visited += show_element(engine, hash, key, f);
    });
    return visited;
  }

  /// use(hash, key) for every key; hashes and prefetches a group ahead of its first use.
  template <class Engine, class It, class Use>
  static void in_batches(Engine& engine, It first, It last, Use use) {
    static_assert(key_argument<std::iter_reference_t<It>, Derived>,
                  "the elements of this range are no keys of the map");
    while (first != last) {
      std::uint64_t hashes[bulk_visit_size];
      size_type n = 0;
      for (It ahead = first; n < bulk_visit_size && ahead != last; ++ahead, ++n) {
        // An iterator may make what it shows: it lives for as long as the key is used.
        auto&& given = *ahead;
        auto&& key = as_key<Derived>(static_cast<decltype(given)>(given));
        hashes[n] = engine.hash(key);
        engine.prefetch(hashes[n]);
      }
      if constexpr (requires { engine.prefetch_deeper(hashes[0]); }) {
        for (size_type i = 0; i < n; ++i) engine.prefetch_deeper(hashes[i]);
      }
      for (size_type i = 0; i < n; ++i, ++first) {
        auto&& given = *first;
        auto&& key = as_key<Derived>(static_cast<decltype(given)>(given));
        use(hashes[i], key);
      }
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail
