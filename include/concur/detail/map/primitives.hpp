// SPDX-License-Identifier: MIT
/// \file
/// The primitives that an engine owes to the vocabulary. The rest of detail/map derives every name
/// of the public interface from them, so that maps cannot drift apart.
///
///     key_type, mapped_type, value_type, hasher, key_equal, allocator_type, size_type
///     static constexpr bool callback_is_exclusive    visit lends value_type&, else const
///     value_type& reference, const_reference                     only where an element is no
///     value_type
///
///     hash(key) const -> uint64_t        the user's hasher, mixed; may throw. The interface calls
///     it
///                                        once per operation (once per key of a batch)
///     prefetch(hash) const noexcept      a hint ahead of a batch
///     prefetch_deeper(hash) const        optional: a second round, when the first has arrived
///     read(hash, key, f) const -> bool   f(const_reference) at most once, if present, on a
///                                        consistent element; true when present
///     modify(hash, key, on_absent, on_present)
///                                        atomically either on_absent(slot) or on_present(element);
///                                        neither if absent and a bounded engine has no room
///     modify_present(hash, key, on_present) -> bool
///                                        optional: `modify` that has nothing to insert, and may be
///                                        cheaper for an absent key; true when present
///     modify_absent(hash, key, on_absent) -> bool
///                                        optional: `modify` that does nothing to a present
///                                        element, and may wait for less; true when present
///     insert_pair(hash, key, value) -> bool
///                                        optional: `modify_absent` of a slot that is given copies
///                                        of key and value; true when inserted
///     store_pair(hash, key, value) -> bool
///                                        optional: the same, but a present element is assigned
///                                        the value
///     erase_key(hash, key) -> bool       optional: `modify_present` that erases and shows
///                                        nothing; true when it did
///     traverse(range, f) -> bool         exclusive: f(element) -> bool go on; false when stopped
///     traverse(range, f) const -> bool   shared: f(const_reference) -> bool
///     to_traverse() const, traverse(it, range, f)
///                                        optional: what makes the parts of a parallel traversal
///                                        one, both kinds of it
///     scan(cursor, n, f) const -> uint64_t   about n elements; the next cursor, 0 at the end
///     size, empty, capacity, clear, reserve(n), shrink_to_fit
///
///     slot.emplace(key, args...) -> element&   inserts (Key(key), T(args...)); not called: nothing
///     slot.put(key, value) -> element&         optional, see below
///     element.key() -> const Key&, element.value() -> const T&    as seen now
///     element.visit(f)     f(reference); what it changed is stored when f returns
///     element.cvisit(f)    f(const_reference)
///     element.mutate(f)    f(T&); what it changed is stored when f returns
///     element.assign(v)    the value becomes T(v)
///     element.put(v)       optional, see below
///     element.exchange(v, old)   optional: as assign(v); a copy of the old value goes to the
///     caller,
///                          in the std::optional<T>& `old`, and nobody else is told of it
///     element.take() -> T  the value moved out, or copied where readers may hold it; erases
///     element.drop()       optional: as erase(), of a value that has been moved elsewhere
///     element.erase()      in a traversal of a copy-on-write engine -> bool, at once; false if the
///                          race was lost, and then the element, if still there, is offered again
///
/// Rules of `modify`:
/// 1. On a copy-on-write engine either callback may run again after a lost race. Derived functions
///    write only results that a rerun overwrites, and move from arguments only by giving them to
///    `slot.emplace` or `element.assign`. The engine keeps the node that a lost attempt prepared
///    and ignores the arguments of the rerun, for `emplace` and `assign` alike: they have been
///    moved from. `slot.put` and `element.put` are for values that each run computes anew: the key
///    of a kept node is used, its value replaced. An engine that never reruns need not have them.
/// 2. The key that `slot.emplace` is given may be the very object that `modify` was given, and
/// moved
///    from: after `emplace` the engine looks at the stored key only.
/// 3. Once `slot.emplace` has returned, the element stays even if the callback then throws. A
///    callback that throws before leaves nothing. One that throws from `mutate` or `visit` changes
///    neither structure nor size.
/// 4. `visit` and `cvisit` on the element that `slot.emplace` returned run once, and may be put off
///    until the element is published; the callable given to them outlives `modify`.
/// 5. A callable that can be called without arguments does not look at what it is for. An engine
///    that can answer by a read may call it so, and spare itself the lock.
#pragma once

#include <concepts>
#include <concur/detail/config.hpp>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/version.hpp>
#include <cstdint>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

/// Stands for any callable of an engine: takes anything, and says "go on".
struct any_callable {
  using runs_no_user_code = void;  ///< see below
  template <class... Args>
  constexpr bool operator()(Args&&...) const noexcept {
    return true;
  }
};

/// A callable of the vocabulary itself, which an engine may call where the map cannot be used
/// again.
template <class F>
concept runs_no_user_code = requires {
  typename F::runs_no_user_code;
};

/// Copies the value of an element. Assigning a trivially copyable type runs no code of the user.
template <class T>
struct value_reader {
  using runs_no_user_code = void;
  T& value;
  template <class Element>
  void operator()(Element&& element) const noexcept {
    value = element.second;
  }
};

/// The signatures above, as far as a concept can see them.
template <class E>
concept map_engine = requires(E& engine, const E& shared, const typename E::key_type& key,
                              std::uint64_t hash, hash_range range, any_callable f) {
  typename E::mapped_type;
  typename E::value_type;
  typename E::hasher;
  typename E::key_equal;
  typename E::allocator_type;
  typename E::size_type;
  requires std::same_as<decltype(E::callback_is_exclusive), const bool>;
  { shared.hash(key) } -> std::same_as<std::uint64_t>;
  { shared.prefetch(hash) }
  noexcept;
  { shared.read(hash, key, f) } -> std::same_as<bool>;
  engine.modify(hash, key, f, f);
  { engine.traverse(range, f) } -> std::same_as<bool>;
  { shared.traverse(range, f) } -> std::same_as<bool>;
  { shared.scan(hash, typename E::size_type{}, f) } -> std::same_as<std::uint64_t>;
  { shared.size() }
  noexcept->std::same_as<typename E::size_type>;
  { shared.empty() }
  noexcept->std::same_as<bool>;
  { shared.capacity() }
  noexcept->std::same_as<typename E::size_type>;
  engine.clear();
  engine.reserve(typename E::size_type{});
  engine.shrink_to_fit();
};

/// `modify` for operations that insert nothing. True when the key was there in the last run: what
/// on_present of an earlier one wrote is void then.
template <class Engine, class K, class OnPresent>
CONCUR_FORCEINLINE constexpr bool modify_present(Engine& engine, std::uint64_t hash, const K& key,
                                                 OnPresent&& on_present) {
  if constexpr (requires {
                  { engine.modify_present(hash, key, on_present) } -> std::same_as<bool>;
                }) {
    return engine.modify_present(hash, key, on_present);
  } else {
    bool present = false;
    engine.modify(
        hash, key, [&](auto&&) { present = false; },
        [&](auto&& element) {
          present = true;
          on_present(element);
        });
    return present;
  }
}

template <class Engine>
concept has_insert_pair = requires(Engine& engine, std::uint64_t hash,
                                   const typename Engine::key_type& key,
                                   const typename Engine::mapped_type& value) {
  { engine.insert_pair(hash, key, value) } -> std::same_as<bool>;
};

template <class Engine>
concept has_store_pair = requires(Engine& engine, std::uint64_t hash,
                                  const typename Engine::key_type& key,
                                  const typename Engine::mapped_type& value) {
  { engine.store_pair(hash, key, value) } -> std::same_as<bool>;
};

template <class Engine, class K>
concept has_erase_key = requires(Engine& engine, std::uint64_t hash, const K& key) {
  { engine.erase_key(hash, key) } -> std::same_as<bool>;
};

/// `read` for those who only compare: a cache neither counts it nor takes it for a use.
template <class Engine, class K, class F>
constexpr bool peek_or_read(const Engine& engine, std::uint64_t hash, const K& key, F&& f) {
  if constexpr (requires { engine.peek(hash, key, f); }) {
    return engine.peek(hash, key, f);
  } else {
    return engine.read(hash, key, f);
  }
}

/// `modify` for operations that leave a present element alone, and say so by `on_exists()`.
template <class Engine, class K, class OnAbsent, class OnExists>
CONCUR_FORCEINLINE constexpr void modify_absent(Engine& engine, std::uint64_t hash, const K& key,
                                                OnAbsent&& on_absent, OnExists&& on_exists) {
  if constexpr (requires {
                  { engine.modify_absent(hash, key, on_absent) } -> std::same_as<bool>;
                }) {
    if (engine.modify_absent(hash, key, on_absent)) on_exists();
  } else {
    engine.modify(hash, key, on_absent, [&](auto&&...) { on_exists(); });
  }
}

/// Inserts a value that this run of `modify` computed; see rule 1.
template <class Slot, class K, class V>
constexpr void put_computed(Slot& slot, K&& key, V&& value) {
  if constexpr (requires { slot.put(std::forward<K>(key), std::forward<V>(value)); }) {
    slot.put(std::forward<K>(key), std::forward<V>(value));
  } else {
    slot.emplace(std::forward<K>(key), std::forward<V>(value));
  }
}

/// Stores a value that this run of `modify` computed; see rule 1.
template <class Element, class V>
constexpr void assign_computed(Element& element, V&& value) {
  if constexpr (requires { element.put(std::forward<V>(value)); }) {
    element.put(std::forward<V>(value));
  } else {
    element.assign(std::forward<V>(value));
  }
}

/// True when the element is gone; see `element.erase()`.
template <class Element>
constexpr bool erase_in_traversal(Element& element) {
  if constexpr (requires {
                  { element.erase() } -> std::same_as<bool>;
                }) {
    return element.erase();
  } else {
    element.erase();
    return true;
  }
}

/// Of an element whose value has been moved, or handed, elsewhere. True when it is gone.
template <class Element>
constexpr bool drop_in_traversal(Element& element) {
  if constexpr (requires { element.drop(); }) {
    element.drop();
    return true;
  } else {
    return erase_in_traversal(element);
  }
}

}  // namespace concur::inline CONCUR_ABI::detail
