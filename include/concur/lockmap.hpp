// SPDX-License-Identifier: MIT
/// \file
/// `concur::lockmap`: hold a lock on one key of a map, present or not, or on many.
///
///     concur::lockmap<std::string, account> accounts;
///     {
///       auto a = accounts.lock("alice");       // waits while somebody else holds it
///       a.value_or_emplace().balance += 10;    // the key is ours: nobody else sees it
///     }                                        // given back; gone if it has no value
///     auto both = accounts.lock_all({"alice", "bob"});   // no deadlock, whatever the order
///     both["alice"]->balance -= 5;
///
/// - A key is locked by one compare-and-swap of its own word and given back by another; no other
///   key is concerned. Who waits sleeps after a few microseconds, and is not starved.
/// - A key that is absent can be locked. It disappears by itself if no value was put there.
/// - Operations by key honour the locks: `find(k)` waits while another thread holds `k`
///   exclusively. Trivially copyable values of up to 16 bytes are read without taking anything
///   where keys are integers, enumerations, pointers or standard strings, compared by
///   `std::equal_to`, and `k` is a `Key`; else while the key is shared.
/// - A call that would wait for a key that the same thread holds throws `std::system_error`
///   (`resource_deadlock_would_occur`), in release builds too. Cycles across threads are yours to
///   avoid, as with any mutex; `lock_all` has none.
/// - Values, also erased ones, are destroyed outside of every internal lock, and callbacks run
///   there: they may use the map, other keys of it, and other maps.
/// - Any key and value: move-only, not default-constructible, over-aligned. Values do not move.
///
/// Locking one key and many: detail/lockmap/locking_interface.hpp. The vocabulary of all maps:
/// detail/map/map_interface.hpp.
///
/// Timed forms take durations and time points of <chrono>, which this header does not include. With
/// a `std::stop_token`: concur/lockmap_stop.hpp. In coroutines: concur/lockmap_async.hpp.
///
/// Memory: one allocation per key, of 16 bytes and the pair (8 more for keys that are no scalars,
/// and once more the value where it is small and trivially copyable), 12 to 24 bytes of table; an
/// empty map takes none. That of up to 64 erased keys per shard is kept for new ones, until `clear`
/// or `shrink_to_fit`.
#pragma once

#include <concepts>
#include <concur/concepts.hpp>
#include <concur/detail/lockmap/engine.hpp>
#include <concur/detail/lockmap/locking_interface.hpp>
#include <concur/detail/map/deduced.hpp>
#include <concur/detail/map/exchange.hpp>
#include <concur/detail/map/from_range.hpp>
#include <concur/detail/map/map_interface.hpp>
#include <concur/detail/map/stats.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/concepts.hpp>
#include <concur/policy/hash.hpp>
#include <concur/policy/hash_seed.hpp>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {

/// What `lockmap::stats()` returns. A momentary view; exact when nobody writes.
struct lockmap_stats {
  std::size_t size;      ///< elements
  std::size_t keys;      ///< those, and absent keys that somebody is concerned with
  std::size_t capacity;  ///< slots
  std::size_t shards;    ///< 0 in a map that was never used
  std::size_t retired;   ///< taken out and not yet freed, about

  template <class Out>
  friend Out& operator<<(Out& out, const lockmap_stats& s) {
    using detail::stat;
    return detail::print_stats(out, "lockmap", stat{"size", s.size}, stat{"keys", s.keys},
                               stat{"capacity", s.capacity}, stat{"shards", s.shards},
                               stat{"retired", s.retired});
  }
};

struct lockmap_guarantees {
  static constexpr progress read_progress = progress::blocking;
  static constexpr progress write_progress = progress::blocking;
  static constexpr bool callback_is_exclusive = true;
  static constexpr bool callback_may_run_again = false;
  static constexpr reentry_rules exclusive_callback{reentry::other_keys, reentry::other_keys};
  static constexpr reentry_rules shared_callback{reentry::works, reentry::other_keys};
  static constexpr bool callback_keeps_old_value = false;
  static constexpr bool garbage_is_bounded = true;
  static constexpr bool is_bounded = false;
  static constexpr bool needs_trivially_copyable = false;
};

namespace detail {

/// A lockmap with a tuning of its own: for tests that want every event to be frequent.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
class basic_lockmap
    : public map_interface<basic_lockmap<Key, T, Hash, KeyEqual, Allocator, Tuning>, Key, T>,
      public lockmap::locking_interface<
          basic_lockmap<Key, T, Hash, KeyEqual, Allocator, Tuning>,
          lockmap::engine<Key, T, Hash, KeyEqual, Allocator, Tuning>> {
  static_assert(check_policies<Key, Hash, KeyEqual, Allocator>());

  using engine_type = lockmap::engine<Key, T, Hash, KeyEqual, Allocator, Tuning>;
  friend struct map_access;

 public:
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using guarantees_type = lockmap_guarantees;

  /// \name Constructors, those of boost::concurrent_flat_map
  /// An empty map allocates nothing. A map that is not given a hasher draws a random seed.
  /// \{
  basic_lockmap() : basic_lockmap(0) {}
  explicit basic_lockmap(size_type n)
      : basic_lockmap(n, make_default_hasher<Hash>(), KeyEqual(), Allocator()) {}
  explicit basic_lockmap(size_type n, const Hash& hash, const KeyEqual& equal = KeyEqual(),
                         const Allocator& allocator = Allocator())
      : engine_(hash, equal, allocator) {
    engine_.reserve(n);
  }
  basic_lockmap(size_type n, const Allocator& allocator)
      : basic_lockmap(n, make_default_hasher<Hash>(), KeyEqual(), allocator) {}
  basic_lockmap(size_type n, const Hash& hash, const Allocator& allocator)
      : basic_lockmap(n, hash, KeyEqual(), allocator) {}
  explicit basic_lockmap(const Allocator& allocator) : basic_lockmap(0, allocator) {}

  template <std::input_iterator Iterator>
  basic_lockmap(Iterator first, Iterator last, size_type n = 0) : basic_lockmap(n) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_lockmap(Iterator first, Iterator last, size_type n, const Hash& hash,
                const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_lockmap(n, hash, equal, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_lockmap(Iterator first, Iterator last, const Allocator& allocator)
      : basic_lockmap(allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_lockmap(Iterator first, Iterator last, size_type n, const Allocator& allocator)
      : basic_lockmap(n, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_lockmap(Iterator first, Iterator last, size_type n, const Hash& hash,
                const Allocator& allocator)
      : basic_lockmap(n, hash, allocator) {
    this->insert(first, last);
  }

  /// From a range, with what follows the size in the constructors above.
  template <any_range Range>
  explicit basic_lockmap(from_range_t, Range&& range) : basic_lockmap() {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range, class... Rest>
  basic_lockmap(from_range_t, Range&& range, size_type n, const Rest&... rest) requires
      std::constructible_from<basic_lockmap, size_type, const Rest&...>
      : basic_lockmap(n, rest...) {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range>
  basic_lockmap(from_range_t, Range&& range, const Allocator& allocator)
      : basic_lockmap(allocator) {
    this->insert_range(std::forward<Range>(range));
  }

  basic_lockmap(std::initializer_list<value_type> values, size_type n = 0)
      : basic_lockmap(values.begin(), values.end(), n) {}
  basic_lockmap(std::initializer_list<value_type> values, size_type n, const Hash& hash,
                const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_lockmap(values.begin(), values.end(), n, hash, equal, allocator) {}
  basic_lockmap(std::initializer_list<value_type> values, const Allocator& allocator)
      : basic_lockmap(values.begin(), values.end(), allocator) {}
  basic_lockmap(std::initializer_list<value_type> values, size_type n, const Allocator& allocator)
      : basic_lockmap(values.begin(), values.end(), n, allocator) {}
  basic_lockmap(std::initializer_list<value_type> values, size_type n, const Hash& hash,
                const Allocator& allocator)
      : basic_lockmap(values.begin(), values.end(), n, hash, allocator) {}
  /// \}

  /// Copies are safe beside writers of the source: what they see is that of `cvisit_all`.
  basic_lockmap(const basic_lockmap& other)
      : basic_lockmap(other, allocator_of_copy(other.engine_.allocator())) {}
  basic_lockmap(const basic_lockmap& other, const Allocator& allocator)
      : engine_(other.hash_function(), other.key_eq(), allocator) {
    engine_.reserve(other.size());
    other.cvisit_all([this](const auto& e) { this->try_emplace(e.first, e.second); });
  }
  /// Moves need both maps to be quiet: nobody holds an entry. To an allocator that is not equal the
  /// elements are moved one by one; if that throws, those that were moved by then are lost.
  /// - Throws: std::length_error then, before anything has happened, if `T` cannot be moved.
  basic_lockmap(basic_lockmap&& other) noexcept(
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>)
      : engine_(other.hash_function(), other.key_eq(), other.engine_.allocator()) {
    engine_.swap_elements(other.engine_);
  }
  basic_lockmap(basic_lockmap&& other, const Allocator& allocator)
      : engine_(other.hash_function(), other.key_eq(), allocator) {
    take_elements(*this, other);
  }
  ~basic_lockmap() = default;

  basic_lockmap& operator=(const basic_lockmap& other) {
    assign_copy(*this, other);
    return *this;
  }
  basic_lockmap& operator=(basic_lockmap&& other) noexcept(
      (pocma<Allocator> || always_equal<Allocator>)&&  //
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>) {
    assign_moved(*this, other);
    return *this;
  }
  basic_lockmap& operator=(std::initializer_list<value_type> values) {
    assign_values(*this, values);
    return *this;
  }

  /// Needs both maps to be quiet. The allocators are exchanged if they propagate, else they must be
  /// equal.
  void swap(basic_lockmap& other) noexcept { exchange_maps(*this, other); }

  hasher hash_function() const { return engine_.hash_function(); }
  key_equal key_eq() const { return engine_.key_eq(); }
  allocator_type get_allocator() const noexcept { return engine_.allocator(); }

  lockmap_stats stats() const noexcept { return engine_.template stats<lockmap_stats>(); }

 private:
  engine_type& engine() noexcept { return engine_; }
  const engine_type& engine() const noexcept { return engine_; }

  engine_type engine_;
};

}  // namespace detail

template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class lockmap : public detail::basic_lockmap<Key, T, Hash, KeyEqual, Allocator,
                                             detail::lockmap::default_tuning> {
  using base =
      detail::basic_lockmap<Key, T, Hash, KeyEqual, Allocator, detail::lockmap::default_tuning>;

 public:
  using base::base;
  using base::operator=;
  lockmap& operator=(std::initializer_list<typename base::value_type> values) {
    base::operator=(values);
    return *this;
  }

  friend void swap(lockmap& left, lockmap& right) noexcept { left.swap(right); }
};

/// \name Deduction guides, those of `std::unordered_map`
/// \{
template <std::input_iterator Iterator, class... Policies,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Policies...>>
lockmap(Iterator, Iterator, std::size_t = 0, Policies...)
    -> lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
               typename Map::allocator>;
template <std::input_iterator Iterator, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Allocator>>
lockmap(Iterator, Iterator, Allocator)
    -> lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
               typename Map::allocator>;
template <detail::any_range Range, class... Policies,
          class Map = detail::deduced_map<detail::element_of<Range>, Policies...>>
lockmap(from_range_t, Range&&, std::size_t = 0, Policies...)
    -> lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
               typename Map::allocator>;
template <detail::any_range Range, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<detail::element_of<Range>, Allocator>>
lockmap(from_range_t, Range&&, Allocator)
    -> lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
               typename Map::allocator>;
template <class Key, class T, class... Policies,
          class Map = detail::deduced_map<std::pair<Key, T>, Policies...>>
lockmap(std::initializer_list<std::pair<Key, T>>, std::size_t = 0, Policies...)
    -> lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
               typename Map::allocator>;
template <class Key, class T, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::pair<Key, T>, Allocator>>
lockmap(std::initializer_list<std::pair<Key, T>>, Allocator)
    -> lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
               typename Map::allocator>;
template <class Key, class T, class Hash, class KeyEqual, class Allocator>
lockmap(const lockmap<Key, T, Hash, KeyEqual, Allocator>&, const std::type_identity_t<Allocator>&)
    -> lockmap<Key, T, Hash, KeyEqual, Allocator>;
/// \}

}  // namespace concur::inline CONCUR_ABI
