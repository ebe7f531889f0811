// SPDX-License-Identifier: MIT
/// \file
/// `concur::cmap`: the general concurrent map, and the default choice.
///
/// A hash trie whose root is a table that grows with the elements, so that it is nearly always one
/// step deep: a slot of the table, and an immutable leaf of up to six elements. Reads are
/// lock-free, write nothing that is shared, and touch two cache lines; a write makes another leaf
/// and puts it in place by one compare-and-swap. No operation waits for another thread.
///
///     concur::cmap<std::string, user> users;
///     users.try_emplace("ann", 42);
///     users.visit("ann"sv, [](const auto& e) { greet(e.second); });
///     users.update("ann"sv, [](user& u) { ++u.logins; });
///
/// - Any types: keys and values that only move, have no default, are over-aligned. Elements of up
///   to 16 bytes that are trivially copyable are kept in the leaves; others never move.
/// - What `visit` lends is const, and stays as it is while the callable runs, whatever others do.
///   `update`, `upsert`, `compute` and keyed predicates work on a copy, and may run again when
///   another thread was faster.
/// - Callables, hashers, equality, allocators and destructors may use the same map. A callable of
///   `update` and the like that itself writes its own key each time it runs, runs for ever.
/// - Growing and shrinking is done in shares by those who write; nobody waits for it.
/// - Removal gives memory back: after erasing everything, what is left does not depend on how many
///   elements there were.
/// - Reclamation by eras (reclaim/epoch.hpp): a thread that sleeps in a callable or holds a
///   `read_guard` keeps from being freed what existed at its last read, and a constant.
///
/// When not: for small trivially copyable types whose values change all the time `seqmap` is
/// faster.
///
/// Cost, for 8-byte keys and values: hit 2 lines (slot, leaf), miss 1 (the slot has 16 filter bits
/// of what is in its leaf), write 2 lines, one new leaf from the thread's cache, one
/// compare-and-swap.
/// Memory: 31 to 39 bytes per element of millions, 34 on average; per thread and map 2.8 KiB, and
/// cached leaves and elements of at most 70 KiB, which `quiesce` and `shrink_to_fit` give back; an
/// empty map takes none.
#pragma once

#include <concepts>
#include <concur/concepts.hpp>
#include <concur/detail/cmap/engine.hpp>
#include <concur/detail/cmap/stats.hpp>
#include <concur/detail/map/deduced.hpp>
#include <concur/detail/map/exchange.hpp>
#include <concur/detail/map/from_range.hpp>
#include <concur/detail/map/map_interface.hpp>
#include <concur/detail/reclaim/era_pin.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/concepts.hpp>
#include <concur/policy/hash.hpp>
#include <concur/policy/hash_seed.hpp>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {

struct cmap_guarantees {
  static constexpr progress read_progress = progress::lock_free;
  static constexpr progress write_progress = progress::lock_free;
  static constexpr bool callback_is_exclusive = false;
  static constexpr bool callback_may_run_again = true;
  static constexpr reentry_rules exclusive_callback{reentry::works, reentry::works};
  static constexpr reentry_rules shared_callback{reentry::works, reentry::works};
  static constexpr bool callback_keeps_old_value = true;
  static constexpr bool garbage_is_bounded = true;
  static constexpr bool is_bounded = false;
  static constexpr bool needs_trivially_copyable = false;
};

namespace detail {

/// A cmap with a tuning of its own: for tests that want every event to be frequent.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
class basic_cmap
    : public map_interface<basic_cmap<Key, T, Hash, KeyEqual, Allocator, Tuning>, Key, T> {
  static_assert(check_policies<Key, Hash, KeyEqual, Allocator>());

  using vocabulary = map_interface<basic_cmap, Key, T>;
  using engine_type = cmap::engine<Key, T, Hash, KeyEqual, Allocator, Tuning>;
  friend struct map_access;
  friend struct cmap_test_access;

 public:
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using guarantees_type = cmap_guarantees;

  /// \name Constructors, those of boost::concurrent_flat_map
  /// An empty map allocates nothing. A map that is not given a hasher draws a random seed.
  /// \{
  basic_cmap() : engine_(make_default_hasher<Hash>(), KeyEqual(), Allocator()) {}
  explicit basic_cmap(size_type n)
      : basic_cmap(n, make_default_hasher<Hash>(), KeyEqual(), Allocator()) {}
  explicit basic_cmap(size_type n, const Hash& hash, const KeyEqual& equal = KeyEqual(),
                      const Allocator& allocator = Allocator())
      : engine_(hash, equal, allocator) {
    engine_.reserve(n);
  }
  basic_cmap(size_type n, const Allocator& allocator)
      : basic_cmap(n, make_default_hasher<Hash>(), KeyEqual(), allocator) {}
  basic_cmap(size_type n, const Hash& hash, const Allocator& allocator)
      : basic_cmap(n, hash, KeyEqual(), allocator) {}
  explicit basic_cmap(const Allocator& allocator) : basic_cmap(0, allocator) {}

  template <std::input_iterator Iterator>
  basic_cmap(Iterator first, Iterator last, size_type n = 0) : basic_cmap(n) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_cmap(Iterator first, Iterator last, size_type n, const Hash& hash,
             const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_cmap(n, hash, equal, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_cmap(Iterator first, Iterator last, const Allocator& allocator) : basic_cmap(allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_cmap(Iterator first, Iterator last, size_type n, const Allocator& allocator)
      : basic_cmap(n, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_cmap(Iterator first, Iterator last, size_type n, const Hash& hash,
             const Allocator& allocator)
      : basic_cmap(n, hash, allocator) {
    this->insert(first, last);
  }

  /// From a range, with what follows the size in the constructors above.
  template <any_range Range>
  explicit basic_cmap(from_range_t, Range&& range) : basic_cmap() {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range, class... Rest>
  basic_cmap(from_range_t, Range&& range, size_type n, const Rest&... rest) requires
      std::constructible_from<basic_cmap, size_type, const Rest&...> : basic_cmap(n, rest...) {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range>
  basic_cmap(from_range_t, Range&& range, const Allocator& allocator) : basic_cmap(allocator) {
    this->insert_range(std::forward<Range>(range));
  }

  basic_cmap(std::initializer_list<value_type> values, size_type n = 0)
      : basic_cmap(values.begin(), values.end(), n) {}
  basic_cmap(std::initializer_list<value_type> values, size_type n, const Hash& hash,
             const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_cmap(values.begin(), values.end(), n, hash, equal, allocator) {}
  basic_cmap(std::initializer_list<value_type> values, const Allocator& allocator)
      : basic_cmap(values.begin(), values.end(), allocator) {}
  basic_cmap(std::initializer_list<value_type> values, size_type n, const Allocator& allocator)
      : basic_cmap(values.begin(), values.end(), n, allocator) {}
  basic_cmap(std::initializer_list<value_type> values, size_type n, const Hash& hash,
             const Allocator& allocator)
      : basic_cmap(values.begin(), values.end(), n, hash, allocator) {}
  /// \}

  /// Copies are safe beside writers of the source: what they see is that of `cvisit_all`.
  basic_cmap(const basic_cmap& other)
      : basic_cmap(other, allocator_of_copy(other.engine_.allocator())) {}
  basic_cmap(const basic_cmap& other, const Allocator& allocator)
      : engine_(other.hash_function(), other.key_eq(), allocator) {
    engine_.make_room(other.size());
    other.cvisit_all([this](const value_type& element) { this->insert(element); });
  }
  /// Moves need both maps to be quiet. To an allocator that is not equal the elements are moved one
  /// by one, with copies of their keys; if that throws, those that were moved by then are lost.
  /// - Throws: std::length_error then, before anything has happened, if `Key` cannot be copied.
  basic_cmap(basic_cmap&& other) noexcept(
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>)
      : engine_(other.hash_function(), other.key_eq(), other.engine_.allocator()) {
    engine_.swap_elements(other.engine_);
  }
  basic_cmap(basic_cmap&& other, const Allocator& allocator)
      : engine_(other.hash_function(), other.key_eq(), allocator) {
    take_elements(*this, other);
  }
  ~basic_cmap() = default;

  basic_cmap& operator=(const basic_cmap& other) {
    assign_copy(*this, other);
    return *this;
  }
  basic_cmap& operator=(basic_cmap&& other) noexcept(
      (pocma<Allocator> || always_equal<Allocator>)&&  //
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>) {
    assign_moved(*this, other);
    return *this;
  }
  basic_cmap& operator=(std::initializer_list<value_type> values) {
    assign_values(*this, values);
    return *this;
  }

  /// Needs both maps to be quiet. The allocators are exchanged if they propagate, else they must be
  /// equal.
  void swap(basic_cmap& other) noexcept { exchange_maps(*this, other); }

  hasher hash_function() const { return engine_.hash_function(); }
  key_equal key_eq() const { return engine_.key_eq(); }
  allocator_type get_allocator() const noexcept { return engine_.allocator(); }

  /// One pin for many reads. What `find(guard, k)` returns is good while the guard lives. It is
  /// bound to its thread, and keeps from being freed what existed at the last read with it.
  class [[nodiscard]] read_guard {
   public:
    read_guard(read_guard&& other) noexcept
        : map_(std::exchange(other.map_, nullptr)), me_(other.me_) {}
    read_guard& operator=(read_guard&& other) noexcept {
      if (this != &other) {
        release();
        map_ = std::exchange(other.map_, nullptr);
        me_ = other.me_;
      }
      return *this;
    }
    ~read_guard() { release(); }

   private:
    friend basic_cmap;
    explicit read_guard(const basic_cmap& map) : map_(&map), me_(&thread_slots::mine()) {
      const era_pin pin(*me_);
      ++me_->pins;  // stays when `pin` goes
    }
    // Not inlined: in a std::optional g++ 12 takes it for a read of what was never written.
    CONCUR_NOINLINE void release() noexcept {
      if (map_ == nullptr) return;
      {
        const era_pin pin(*me_);
        --me_->pins;
      }
      thread_slots::left_section();
    }

    const basic_cmap* map_;
    thread_slot* me_;
  };

  /// A guard for many reads of this map by this thread. O(1), no memory.
  /// - Throws: std::bad_alloc if the thread is one of more than 64 and cannot be registered.
  read_guard pin() const { return read_guard(*this); }

  /// The value of `k`, or nullptr.
  /// - Returns: a pointer that is good while `guard` lives; what it points to does not change.
  /// - Linearizes at: the read of the element.
  /// - Progress: read.
  /// - Throws: std::invalid_argument if `guard` is that of another map, or was moved from.
  template <lookup_key<basic_cmap> K = Key>
  const T* find(const read_guard& guard, const K& k) const {
    if (guard.map_ != this) {
      constexpr const char* what = "concur::cmap::find: a guard of another map";
      fail<std::invalid_argument>(what, what);
    }
    const T* found = nullptr;
    this->cvisit(k, [&](const value_type& e) { found = std::addressof(e.second); });
    return found;
  }
  using vocabulary::find;

  /// Frees everything that was retired before the call, and waits for the threads that keep it.
  /// - Throws: std::system_error: resource_deadlock_would_occur if the calling thread holds a guard
  ///   or is inside a callable of a map; operation_not_permitted if the kernel has begun to refuse
  ///   membarrier.
  void quiesce() { engine_.quiesce(); }

  /// How many nodes a thread retires before it looks for what it can free; 128 unless set, and 0 is
  /// as 1.
  void set_reclaim_period(std::uint32_t n) noexcept { engine_.set_reclaim_period(n); }

  /// Elements per slot of the root table at which it is doubled, and how many elements that is.
  float max_load_factor() const noexcept { return engine_type::max_load_factor; }
  void max_load_factor(float) noexcept {}  ///< ignored
  size_type max_load() const noexcept {
    return static_cast<size_type>(static_cast<double>(this->capacity()) *
                                  engine_type::max_load_factor);
  }

  /// O(threads).
  cmap_stats stats() const { return engine_.stats(); }

  /// Checks every structural invariant, and counts. Needs a quiet map. O(elements).
  /// - Returns: the counts, and what is wrong: `report.error` is nullptr if nothing is.
  cmap_report validate() const { return engine_.validate(); }

 private:
  engine_type& engine() noexcept { return engine_; }
  const engine_type& engine() const noexcept { return engine_; }

  engine_type engine_;
};

}  // namespace detail

template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class cmap
    : public detail::basic_cmap<Key, T, Hash, KeyEqual, Allocator, detail::cmap::default_tuning> {
  using base = detail::basic_cmap<Key, T, Hash, KeyEqual, Allocator, detail::cmap::default_tuning>;

 public:
  using base::base;
  using base::operator=;
  cmap& operator=(std::initializer_list<typename base::value_type> values) {
    base::operator=(values);
    return *this;
  }

  friend void swap(cmap& left, cmap& right) noexcept { left.swap(right); }
};

/// \name Deduction guides, those of `std::unordered_map`
/// \{
template <std::input_iterator Iterator, class... Policies,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Policies...>>
cmap(Iterator, Iterator, std::size_t = 0, Policies...)
    -> cmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <std::input_iterator Iterator, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Allocator>>
cmap(Iterator, Iterator, Allocator)
    -> cmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <detail::any_range Range, class... Policies,
          class Map = detail::deduced_map<detail::element_of<Range>, Policies...>>
cmap(from_range_t, Range&&, std::size_t = 0, Policies...)
    -> cmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <detail::any_range Range, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<detail::element_of<Range>, Allocator>>
cmap(from_range_t, Range&&, Allocator)
    -> cmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <class Key, class T, class... Policies,
          class Map = detail::deduced_map<std::pair<Key, T>, Policies...>>
cmap(std::initializer_list<std::pair<Key, T>>, std::size_t = 0, Policies...)
    -> cmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <class Key, class T, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::pair<Key, T>, Allocator>>
cmap(std::initializer_list<std::pair<Key, T>>, Allocator)
    -> cmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <class Key, class T, class Hash, class KeyEqual, class Allocator>
cmap(const cmap<Key, T, Hash, KeyEqual, Allocator>&, const std::type_identity_t<Allocator>&)
    -> cmap<Key, T, Hash, KeyEqual, Allocator>;
/// \}

}  // namespace concur::inline CONCUR_ABI
