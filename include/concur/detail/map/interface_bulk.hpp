// SPDX-License-Identifier: MIT
/// \file
/// The names that go over the whole map: visit_all, cvisit_all, visit_while, cvisit_while, scan,
/// merge, ==. The clauses are explained in interface_lookup.hpp.
///
/// A traversal is weakly consistent: it stops nobody. An element that is there throughout is seen
/// exactly once, never one twice; one that comes or goes meanwhile may be seen or not. A key that
/// is erased and inserted again is a new element, a value that is overwritten is not.
#pragma once

#include <concepts>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/detail/map/insert_core.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/detail/map/traversal.hpp>
#include <concur/policy/construction.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Derived, class Key, class T, class Traits>
class interface_bulk {
  using size_type = std::size_t;

 public:
  /// Shows every element to `f`; with `concur::parallel` first, from several threads.
  /// - Returns: how many were shown.
  /// - Linearizes at: each element for itself, as `visit`.
  /// - Progress: as `visit`, per element.
  /// - Callback: as `visit`; once per element; in parallel also at the same time.
  /// - Throws: what `f` throws, the first if several; what was done before stays. In parallel also
  ///   std::system_error (`resource_deadlock_would_occur`) if the threads that help would wait for
  ///   the caller: who holds a key of a lockmap, or changes elements inside a callback that does;
  ///   and of a fixed_map whose values are in place who changes elements inside any callback, or
  ///   looks at them inside one that changes.
  /// - Needs: nothing; in parallel <concur/parallel.hpp>.
  template <class F>
  size_type visit_all(F&& f) {
    return show_all<lend::exclusive>(derived(), f);
  }
  template <class F>
  size_type visit_all(F&& f) const {
    return show_all<lend::shared>(derived(), f);
  }
  template <std::same_as<parallel> Parallel, class F>
  size_type visit_all(const Parallel& policy, F&& f) {
    return show_all<lend::exclusive>(policy, derived(), f);
  }
  template <std::same_as<parallel> Parallel, class F>
  size_type visit_all(const Parallel& policy, F&& f) const {
    return show_all<lend::shared>(policy, derived(), f);
  }

  /// `visit_all` with const elements, and the progress of `cvisit`.
  template <class F>
  size_type cvisit_all(F&& f) const {
    return show_all<lend::shared>(derived(), f);
  }
  template <std::same_as<parallel> Parallel, class F>
  size_type cvisit_all(const Parallel& policy, F&& f) const {
    return show_all<lend::shared>(policy, derived(), f);
  }

  /// Shows elements to `f` until it returns false.
  /// - Returns: false when stopped, true when all have been shown. In parallel, elements may be
  ///   shown for a moment after `f` said no.
  /// - Linearizes at, Progress, Throws, Needs: as `visit_all`.
  /// - Callback: as `visit`, returning what converts to `bool`; once per element.
  template <class F>
  bool visit_while(F&& f) {
    return show_while<lend::exclusive>(derived(), f);
  }
  template <class F>
  bool visit_while(F&& f) const {
    return show_while<lend::shared>(derived(), f);
  }
  template <std::same_as<parallel> Parallel, class F>
  bool visit_while(const Parallel& policy, F&& f) {
    return show_while<lend::exclusive>(policy, derived(), f);
  }
  template <std::same_as<parallel> Parallel, class F>
  bool visit_while(const Parallel& policy, F&& f) const {
    return show_while<lend::shared>(policy, derived(), f);
  }

  /// `visit_while` with const elements, and the progress of `cvisit`.
  template <class F>
  bool cvisit_while(F&& f) const {
    return show_while<lend::shared>(derived(), f);
  }
  template <std::same_as<parallel> Parallel, class F>
  bool cvisit_while(const Parallel& policy, F&& f) const {
    return show_while<lend::shared>(policy, derived(), f);
  }

  /// A traversal in steps: shows about `n` elements from `cursor` on; 0 begins. With an `n` of zero
  /// it goes on too, by little.
  /// - Returns: the cursor of the next step; 0 when the traversal is complete.
  /// - Linearizes at: each element for itself. The steps together are one weakly consistent
  ///   traversal, whatever happens to the map between them.
  /// - Progress: read, per element.
  /// - Callback: `f(const value_type&)`, once per element.
  /// - Throws: what `f` throws; the step may be repeated from its cursor.
  /// - Needs: nothing.
  template <class F>
  std::uint64_t scan(std::uint64_t cursor, size_type n, F&& f) const {
    static_assert(const_visitor_for<F, Derived>,
                  "scan: f is not callable with a const element of this map");
    return map_access::engine(derived()).scan(cursor, n, f);
  }

  /// Moves the elements of `source` here whose keys are absent here.
  /// - Returns: how many were moved.
  /// - Linearizes at: here and there, each element for itself: it may be seen in both maps for a
  ///   moment, never in none.
  /// - Progress: write, per element, in both maps; a seqmap makes room for all first, as `reserve`.
  /// - Callback: none. Where callbacks are exclusive the element in `source` is held meanwhile: two
  ///   maps that are merged into each other at the same time are a cycle, as with any mutex.
  ///   Where they are not, an element that is overwritten, or erased and inserted, in `source`
  ///   while it is moved is moved again as it is then, over what was made of it here meanwhile.
  /// - Throws: what copying keys, and moving or copying values throws; what was moved stays.
  /// - Needs: copyable `Key`; `T` movable if callbacks of `source` are exclusive, else copyable.
  template <class Source>
  size_type merge(Source& source) requires std::copy_constructible<Key> &&
      std::same_as<mapped_of<Source>, T> && std::same_as<key_of<Source>, Key> &&
      changeable_in<T, Source, Source> {
    auto& here = map_access::engine(derived());
    auto& there = map_access::engine(source);
    if (static_cast<const void*>(&here) == &there) return 0;
    [[maybe_unused]] const auto room =
        room_for(here, source.empty() ? 0 : derived().size() + source.size());
    size_type moved = 0;
    // On a copy-on-write map an erasure may lose its race, and the element is then offered again,
    // changed: what is dropped must have arrived, so it is stored once more.
    std::optional<Key> arrived;
    there.traverse(hash_range(), [&](auto&& element) {
      const bool again = arrived && source.key_eq()(*arrived, element.key());
      if (!(again ? store_from<Source>(element) : insert_from<Source>(element))) return true;
      if (drop_in_traversal(element)) {
        arrived.reset();
        ++moved;
      } else if (!again) {
        const auto keep = [&](auto&&... args) {
          arrived.emplace(static_cast<decltype(args)>(args)...);
        };
        detail::with_allocator<Key>(map_access::engine(derived()).allocator(), keep, element.key());
      }
      return true;
    });
    return moved;
  }
  size_type merge(Derived&& source) { return merge(source); }

  /// Whether both maps have the same keys with equal values, when nobody writes; beside writers
  /// some answer that was true of each element at some time.
  /// - Returns: as said. Linearizes at: nothing. Progress: read, per element. Callback: none, but
  ///   `==` of `T`. Throws: what `==` throws. Needs: comparable `T`.
  friend bool operator==(const Derived& left,
                         const Derived& right) requires std::equality_comparable<T> {
    if (&left == &right) return true;
    const auto& there = map_access::engine(right);
    size_type matches = 0;
    const bool all = left.cvisit_while([&](const auto& element) {
      bool equal = false;
      peek_or_read(there, there.hash(element.first), element.first, [&](const auto& other) {
        equal = static_cast<bool>(element.second == other.second);
      });
      if (equal) ++matches;
      return equal;
    });
    return all && (matches == right.size() || has_just(right, matches));
  }

 private:
  Derived& derived() noexcept { return static_cast<Derived&>(*this); }
  const Derived& derived() const noexcept { return static_cast<const Derived&>(*this); }

  /// Where `size` counts what has expired and is not shown any more: whether `n` are shown.
  static bool has_just(const Derived& map, size_type n) {
    if constexpr (requires { map_access::engine(map).keeps_time(); }) {
      if (map.size() < n || !map_access::engine(map).keeps_time()) return false;
      size_type seen = 0;
      return map.cvisit_while([&](const auto&) { return ++seen <= n; }) && seen == n;
    } else {
      return false;
    }
  }

  /// Traverses `range` with exclusive or shared elements, whichever `Lend` asks for and the map
  /// has; `f` gets what `visit` or `cvisit` would lend, and says whether to go on.
  template <lend Lend, class Map, class F, class Moment = no_moment>
  static bool each(Map& map, hash_range range, F f, const Moment& moment = {}) {
    if constexpr (Lend == lend::exclusive && is_exclusive<Derived>) {
      return traverse_part(map_access::engine(map), moment, range, [&](auto&& element) {
        bool go_on = true;
        auto step = [&](auto& lent) { go_on = f(lent); };
        element.visit(step);
        return go_on;
      });
    } else {
      return traverse_part(map_access::engine(std::as_const(map)), moment, range, f);
    }
  }

  template <lend Lend, class F>
  static constexpr void check_visitor() {
    static_assert(shown_to<Lend, F, Derived>, "f is not callable with the elements of this map");
  }

  template <lend Lend, class Map, class F>
  static size_type show_all(Map& map, F& f) {
    check_visitor<Lend, F>();
    size_type shown = 0;
    each<Lend>(map, hash_range(), [&](auto& element) {
      f(element);
      ++shown;
      return true;
    });
    return shown;
  }

  template <lend Lend, class Parallel, class Map, class F>
  static size_type show_all(const Parallel& policy, Map& map, F& f) {
    check_visitor<Lend, F>();
    require_nothing_held_here<Lend == lend::exclusive>(policy, map_access::engine(map));
    const auto moment = moment_of(map_access::engine(map));
    return count_in_parallel(policy, [&](hash_range range, traversal_count& shown, auto& go_on) {
      const auto show_one = [&](auto& element) {
        f(element);
        ++shown.value;
        return go_on();
      };
      return each<Lend>(map, range, show_one, moment);
    });
  }

  template <lend Lend, class Map, class F>
  static bool show_while(Map& map, F& f) {
    check_visitor<Lend, F>();
    return each<Lend>(map, hash_range(),
                      [&](auto& element) { return static_cast<bool>(f(element)); });
  }

  template <lend Lend, class Parallel, class Map, class F>
  static bool show_while(const Parallel& policy, Map& map, F& f) {
    check_visitor<Lend, F>();
    require_nothing_held_here<Lend == lend::exclusive>(policy, map_access::engine(map));
    const auto moment = moment_of(map_access::engine(map));
    const std::size_t parts = policy.parts();
    return policy.for_each_part(parts, [&](std::size_t index, auto& go_on) {
      const auto show_one = [&](auto& element) { return static_cast<bool>(f(element)) && go_on(); };
      return each<Lend>(map, hash_range::part(index, parts), show_one, moment);
    });
  }

  /// The value is moved where the element is ours alone, else copied; not touched if the key is
  /// here.
  template <class Source, class Element>
  bool insert_from(Element& element) {
    auto into = insertion_into(derived());
    constexpr bool is_copied = std::is_trivially_copyable_v<T> && std::copy_constructible<T>;
    if constexpr (is_exclusive<Source> && !is_copied) {
      bool inserted = false;
      element.visit([&](auto& lent) {
        inserted =
            into.try_emplace(element.key(), std::move(lent.second)) == insert_outcome::inserted;
      });
      return inserted;
    } else {
      return into.try_emplace(element.key(), element.value()) == insert_outcome::inserted;
    }
  }

  /// The element is here whether or not its key was. False if the map is full.
  template <class Source, class Element>
  bool store_from(Element& element) {
    if constexpr (is_exclusive<Source>) {
      return insert_from<Source>(element);  // an erasure there loses no race
    } else if constexpr (is_exclusive<Derived> && !std::assignable_from<T&, const T&>) {
      derived().erase(element.key());
      return insert_from<Source>(element);
    } else {
      const auto outcome = derived().insert_or_assign(element.key(), element.value());
      if constexpr (requires { outcome.full(); }) {
        return !outcome.full();
      } else {
        return true;
      }
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail
