// SPDX-License-Identifier: MIT
/// \file
/// `concur::lru_lockmap`: a cache, and a lock in every key of it.
///
///     concur::lru_lockmap<std::string, page> pages(10'000);
///     const page p = pages.get_or_compute(url, [&] { return load(url); });   // one load per key
///     {
///       auto entry = pages.lock(url);        // ours, present or not; never evicted meanwhile
///       entry.value_or_emplace().hits += 1;
///     }
///
///     using options = concur::cache_options<std::string, page>;
///     concur::lru_lockmap<std::string, page> kept(options{
///         .capacity = 64 << 20,
///         .time_to_live = std::chrono::minutes(5),
///         .weigher = [](const std::string&, const page& p) { return p.size(); },
///         .on_evict = [](const std::string& url, page&&, concur::eviction_cause) { log(url); }});
///
/// Everything of `lockmap` (concur/lockmap.hpp), and
/// - a capacity, in elements or in weight, that holds when a call returns; keys that are held are
///   apart, and are brought back under it when they are given back. A locked absent key evicts
///   nothing. An element that is heavier than its shard's share does not stay, and takes no other
///   with it.
/// - what is evicted is decided by the policy, a template parameter: `eviction::lru` (the default:
///   reads of recently used elements write nothing shared), `eviction::exact_lru`,
///   `eviction::s3fifo`, `eviction::w_tinylfu`, or one of your own (concur/policy/eviction.hpp)
/// - expiry after a time to live or to idle, or as set_expiry says; an expired value is never
///   returned. It is removed when it is met, or `remove_expired`; until then it counts in `size`.
/// - a listener that is given every value that leaves, and is not handed to a caller, exactly once,
///   with its cause; outside every lock of the map, and outside of the key's, but for what a guard
///   itself removes or finds expired. It may use the map.
/// - `get_or_compute` is the loader: one load per key at a time; with `refresh_after`, values that
///   are too old are computed anew by one caller, while the others get the old one. A value that
///   does not stay (heavier than its region's share) is given to those who waited for it in a row.
///
/// `find` and all operations on one key that find it promote it; `peek`, traversals and the like do
/// not. Values are destroyed outside of every internal lock. Destruction of the map reports
/// nothing.
#pragma once

#include <concepts>
#include <concur/concepts.hpp>
#include <concur/detail/lockmap/locking_interface.hpp>
#include <concur/detail/lru/engine.hpp>
#include <concur/detail/map/deduced.hpp>
#include <concur/detail/map/exchange.hpp>
#include <concur/detail/map/from_range.hpp>
#include <concur/detail/map/map_interface.hpp>
#include <concur/detail/map/stats.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/cache_options.hpp>
#include <concur/policy/concepts.hpp>
#include <concur/policy/eviction.hpp>
#include <concur/policy/hash.hpp>
#include <concur/policy/hash_seed.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {

/// What `lru_lockmap::stats()` returns. A momentary view; exact when nobody uses the map.
struct lru_lockmap_stats {
  std::size_t size;      ///< elements
  std::size_t keys;      ///< those, and absent keys that somebody is concerned with
  std::size_t capacity;  ///< as asked for
  std::size_t shards;    ///< of the order of eviction; 0 in a map that was never used
  std::uint64_t weight;  ///< of the elements, but those that were held when their turn came
  std::uint64_t hits;    ///< of lookups: find, contains, cvisit, get_or_compute, ...
  std::uint64_t misses;
  std::uint64_t loads;          ///< by get_or_compute
  std::uint64_t load_failures;  ///< of them, those that threw: not counted in `loads`
  std::uint64_t evicted;        ///< values that left to make room
  std::uint64_t expired;        ///< values that left because their time was over
  std::uint64_t replaced;       ///< by assignment, and not handed to the caller
  std::uint64_t erased;         ///< and not handed to the caller
  std::uint64_t cleared;
  std::size_t retired;  ///< taken out and not yet freed, about

  template <class Out>
  friend Out& operator<<(Out& out, const lru_lockmap_stats& s) {
    using detail::stat;
    return detail::print_stats(
        out, "lru_lockmap", stat{"size", s.size}, stat{"keys", s.keys},
        stat{"capacity", s.capacity}, stat{"shards", s.shards}, stat{"weight", s.weight},
        stat{"hits", s.hits}, stat{"misses", s.misses}, stat{"loads", s.loads},
        stat{"load_failures", s.load_failures}, stat{"evicted", s.evicted},
        stat{"expired", s.expired}, stat{"replaced", s.replaced}, stat{"erased", s.erased},
        stat{"cleared", s.cleared}, stat{"retired", s.retired});
  }
};

struct lru_lockmap_guarantees {
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

/// An element that `restore` brings back.
template <class Key, class T>
struct cache_record {
  Key key;
  T value;
  cache_duration remaining = cache_duration::forever();  ///< until it expires
};

namespace detail {

/// A cache with a tuning of its own: for tests that want every event to be frequent.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Policy,
          class Tuning>
class basic_lru_lockmap
    : public map_interface<basic_lru_lockmap<Key, T, Hash, KeyEqual, Allocator, Policy, Tuning>,
                           Key, T>,
      public lockmap::locking_interface<
          basic_lru_lockmap<Key, T, Hash, KeyEqual, Allocator, Policy, Tuning>,
          lru::engine<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy>> {
  static_assert(check_policies<Key, Hash, KeyEqual, Allocator>());
  static_assert(check_eviction_policy<Policy>());

  using engine_type = lru::engine<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy>;
  friend struct map_access;

 public:
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using policy_type = Policy;
  using options_type = cache_options<Key, T>;
  using record_type = cache_record<Key, T>;
  using guarantees_type = lru_lockmap_guarantees;

  static constexpr size_type unbounded = options_type::unbounded;

  /// \name Constructors
  /// Those of boost::concurrent_flat_map, where the number is the capacity; and with options in its
  /// place. An empty map allocates nothing. A map that is not given a hasher draws a random seed.
  /// \{
  basic_lru_lockmap() : basic_lru_lockmap(unbounded) {}
  explicit basic_lru_lockmap(size_type capacity)
      : basic_lru_lockmap(capacity, make_default_hasher<Hash>(), KeyEqual(), Allocator()) {}
  explicit basic_lru_lockmap(size_type capacity, const Hash& hash,
                             const KeyEqual& equal = KeyEqual(),
                             const Allocator& allocator = Allocator())
      : basic_lru_lockmap(options_type{.capacity = capacity}, hash, equal, allocator) {}
  basic_lru_lockmap(size_type capacity, const Allocator& allocator)
      : basic_lru_lockmap(capacity, make_default_hasher<Hash>(), KeyEqual(), allocator) {}
  basic_lru_lockmap(size_type capacity, const Hash& hash, const Allocator& allocator)
      : basic_lru_lockmap(capacity, hash, KeyEqual(), allocator) {}
  explicit basic_lru_lockmap(const Allocator& allocator)
      : basic_lru_lockmap(unbounded, allocator) {}

  explicit basic_lru_lockmap(const options_type& options)
      : basic_lru_lockmap(options, make_default_hasher<Hash>(), KeyEqual(), Allocator()) {}
  basic_lru_lockmap(const options_type& options, const Hash& hash,
                    const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : engine_(hash, equal, allocator, options) {}
  basic_lru_lockmap(const options_type& options, const Allocator& allocator)
      : basic_lru_lockmap(options, make_default_hasher<Hash>(), KeyEqual(), allocator) {}

  template <std::input_iterator Iterator>
  basic_lru_lockmap(Iterator first, Iterator last, size_type capacity = unbounded)
      : basic_lru_lockmap(capacity) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_lru_lockmap(Iterator first, Iterator last, size_type capacity, const Hash& hash,
                    const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_lru_lockmap(capacity, hash, equal, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_lru_lockmap(Iterator first, Iterator last, const Allocator& allocator)
      : basic_lru_lockmap(allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_lru_lockmap(Iterator first, Iterator last, size_type capacity, const Allocator& allocator)
      : basic_lru_lockmap(capacity, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_lru_lockmap(Iterator first, Iterator last, size_type capacity, const Hash& hash,
                    const Allocator& allocator)
      : basic_lru_lockmap(capacity, hash, allocator) {
    this->insert(first, last);
  }

  /// From a range, with what follows the size in the constructors above.
  template <any_range Range>
  explicit basic_lru_lockmap(from_range_t, Range&& range) : basic_lru_lockmap() {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range, class... Rest>
  basic_lru_lockmap(from_range_t, Range&& range, size_type capacity, const Rest&... rest) requires
      std::constructible_from<basic_lru_lockmap, size_type, const Rest&...>
      : basic_lru_lockmap(capacity, rest...) {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range>
  basic_lru_lockmap(from_range_t, Range&& range, const Allocator& allocator)
      : basic_lru_lockmap(allocator) {
    this->insert_range(std::forward<Range>(range));
  }

  basic_lru_lockmap(std::initializer_list<value_type> values, size_type capacity = unbounded)
      : basic_lru_lockmap(values.begin(), values.end(), capacity) {}
  basic_lru_lockmap(std::initializer_list<value_type> values, size_type capacity, const Hash& hash,
                    const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_lru_lockmap(values.begin(), values.end(), capacity, hash, equal, allocator) {}
  basic_lru_lockmap(std::initializer_list<value_type> values, const Allocator& allocator)
      : basic_lru_lockmap(values.begin(), values.end(), allocator) {}
  basic_lru_lockmap(std::initializer_list<value_type> values, size_type capacity,
                    const Allocator& allocator)
      : basic_lru_lockmap(values.begin(), values.end(), capacity, allocator) {}
  basic_lru_lockmap(std::initializer_list<value_type> values, size_type capacity, const Hash& hash,
                    const Allocator& allocator)
      : basic_lru_lockmap(values.begin(), values.end(), capacity, hash, allocator) {}
  /// \}

  /// Copies are safe beside writers of the source. A copy has the options of its source, with the
  /// same listener, and the elements in the same order, with the same deadlines,
  /// but that their time to idle begins anew.
  basic_lru_lockmap(const basic_lru_lockmap& other)
      : basic_lru_lockmap(other, allocator_of_copy(other.engine_.allocator())) {}
  basic_lru_lockmap(const basic_lru_lockmap& other, const Allocator& allocator)
      : basic_lru_lockmap(other.options(), other.hash_function(), other.key_eq(), allocator) {
    other.save([this](const Key& k, const T& value, cache_duration remaining) {
      insert_until(k, value, remaining);
    });
  }
  /// Moves need both maps to be quiet: nobody holds an entry. The source keeps its options. To an
  /// allocator that is not equal the elements are moved one by one; if that throws, those that were
  /// moved by then are lost.
  /// - Throws: std::length_error then, before anything has happened, if `T` cannot be moved.
  basic_lru_lockmap(basic_lru_lockmap&& other) noexcept(
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>)
      : basic_lru_lockmap(other.options(), other.hash_function(), other.key_eq(),
                          other.engine_.allocator()) {
    engine_.swap_elements(other.engine_);
  }
  basic_lru_lockmap(basic_lru_lockmap&& other, const Allocator& allocator)
      : basic_lru_lockmap(other.options(), other.hash_function(), other.key_eq(), allocator) {
    if (memory_is_exchangeable(*this, other)) {
      engine_.swap_elements(other.engine_);
    } else if constexpr (std::move_constructible<T>) {
      other.engine_.drain_from_coldest([this](auto&& k, T&& value, cache_duration remaining) {
        this->insert_until(std::forward<decltype(k)>(k), std::move(value), remaining);
      });
    } else {
      fail_length("concur::lru_lockmap: elements that cannot be moved, and another allocator");
    }
  }
  ~basic_lru_lockmap() = default;

  basic_lru_lockmap& operator=(const basic_lru_lockmap& other) {
    assign_copy(*this, other);
    return *this;
  }
  basic_lru_lockmap& operator=(basic_lru_lockmap&& other) noexcept(
      (pocma<Allocator> || always_equal<Allocator>)&&  //
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>) {
    assign_moved(*this, other);
    return *this;
  }
  /// Keeps the options. What was there is destroyed, and not reported.
  basic_lru_lockmap& operator=(std::initializer_list<value_type> values) {
    basic_lru_lockmap made(options(), hash_function(), key_eq(), get_allocator());
    made.insert(values.begin(), values.end());
    take_over<false>(*this, made);
    return *this;
  }

  /// Needs both maps to be quiet. Options are exchanged too; the allocators if they propagate, else
  /// they must be equal.
  void swap(basic_lru_lockmap& other) noexcept { exchange_maps(*this, other); }

  hasher hash_function() const { return engine_.hash_function(); }
  key_equal key_eq() const { return engine_.key_eq(); }
  allocator_type get_allocator() const noexcept { return engine_.allocator(); }
  /// With the capacity as it is now.
  options_type options() const noexcept {
    options_type now = engine_.options();
    now.capacity = engine_.asked_capacity();
    return now;
  }

  /// \name The capacity
  /// \{

  /// From now on at most so much. Evicts what is too much, before it returns. Safe beside other
  /// operations, which wait; O(elements) if the number of shards changes, else O(evictions).
  void set_capacity(size_type capacity) { engine_.set_capacity(capacity, unbounded); }
  /// The same, but no call evicts more than `max_evictions` (at least 1) elements per shard, this
  /// one in all: the bound is reached by and by. What is copied, or moved one by one, is within it
  /// at once.
  void set_capacity(size_type capacity, size_type max_evictions) {
    engine_.set_capacity(capacity, max_evictions == 0 ? 1 : max_evictions);
  }
  /// \}

  /// \name Recency
  /// Between shards the order is by rank: the element that is k-th of n in its shard is taken to be
  /// as cold as the m-th of m * n / k in another. Walks pin all elements: one pointer each.
  /// Those that were held when their turn came to be evicted, and are, are the hottest.
  /// \{

  /// As `find`, but the element stays as cold as it is, and nothing is counted.
  template <lookup_key<basic_lru_lockmap> K = Key>
  std::optional<T> peek(const K& k) const requires std::copy_constructible<T> {
    std::optional<T> copy;
    auto&& key = as_key<basic_lru_lockmap>(k);
    engine_.peek(engine_.hash(key), key, [&](const auto& e) { copy.emplace(e.second); });
    return copy;
  }
  /// As if it had been found: whether it is there.
  template <lookup_key<basic_lru_lockmap> K = Key>
  bool touch(const K& k) {
    auto&& key = as_key<basic_lru_lockmap>(k);
    return engine_.touch_key(engine_.hash(key), key);
  }
  /// Takes the coldest element that nobody holds: of one shard after the other, in turn.
  std::optional<std::pair<Key, T>> pop_lru() requires std::copy_constructible<Key> &&
      std::move_constructible<T> {
    return engine_.pop_coldest();
  }
  /// f(element), or f(element, times) with its `cache_times`, for at most `n` elements, from the
  /// coldest on. Returns how many.
  template <class F>
  size_type cvisit_coldest(size_type n, F&& f) const {
    size_type shown = 0;
    engine_.each_from_coldest(n, [&](const auto& element, cache_duration, auto times) {
      show(f, element, times);
      ++shown;
      return true;
    });
    return shown;
  }
  /// The same from the hottest on.
  template <class F>
  size_type cvisit_hottest(size_type n, F&& f) const {
    size_type shown = 0;
    engine_.each_from_hottest(n, [&](const auto& element, cache_duration, auto times) {
      show(f, element, times);
      ++shown;
      return true;
    });
    return shown;
  }

  /// save(key, value, remaining) for all elements, from the coldest to the hottest: `remaining` is
  /// the time until it expires, but for idleness. Returns how many.
  template <class F>
  size_type save(F&& f) const {
    size_type saved = 0;
    engine_.each_from_coldest(unbounded,
                              [&](const auto& element, cache_duration remaining, auto&&) {
                                f(element.first, element.second, remaining);
                                ++saved;
                                return true;
                              });
    return saved;
  }
  /// Brings back what `save` gave out, in the same order: next() -> std::optional<cache_record>,
  /// empty at the end. Elements that are there are overwritten. Returns how many were read.
  template <class Next>
  size_type restore(Next&& next) {
    size_type restored = 0;
    while (std::optional<record_type> record = next()) {
      ++restored;
      if (record->remaining.nanoseconds() <= 0) continue;
      Key& key = record->key;
      const auto put_deadline = [&](auto& element) {
        engine_.expire_in(element.state(), record->remaining);
      };
      engine_.modify(
          engine_.hash(key), key,
          [&](auto& slot) { put_deadline(slot.emplace(std::move(key), std::move(record->value))); },
          [&](auto& element) {
            element.assign(std::move(record->value));
            put_deadline(element);
          });
    }
    return restored;
  }
  /// \}

  /// \name Loading
  /// Beside `get_or_compute`. A load that fails is counted, and nothing is kept of it.
  /// \{

  /// As `get_or_compute`, with a loader that may fail without an exception: f() makes an optional
  /// value. Without one, nothing is kept, the next one who waits loads, and the result is empty;
  /// if it was a refresh, the old value stays, and is the result.
  template <new_key<basic_lru_lockmap> K = Key, class F>
    requires std::copy_constructible<T> std::optional<T> try_get_or_compute(K&& k, F&& f) {
      return find_or_load(std::forward<K>(k), f, lockmap::endless_patience());
    }
  /// The same, but whoever finds the key held, mostly by one who loads, waits at most so long, and
  /// gets an empty result then. The own load is not cut short. A hit locks the key.
  template <new_key<basic_lru_lockmap> K = Key, class Duration, class F>
    requires std::copy_constructible<T> std::optional<T> try_get_or_compute_for(
        K&& k, const Duration& duration, F&& f) {
      return find_or_load(std::forward<K>(k), f, lockmap::patience_for(duration));
    }
  /// \}

  /// \name Expiry
  /// \{

  /// The value of `k` expires in `t` from now, whatever the options say but for idleness; a value
  /// that is written later is subject to the options again. Returns whether it is there.
  template <lookup_key<basic_lru_lockmap> K = Key>
  bool set_expiry(const K& k, cache_duration t) {
    auto&& key = as_key<basic_lru_lockmap>(k);
    return engine_.set_expiry(engine_.hash(key), key, t);
  }
  /// Removes and reports all values that have expired. Returns how many. O(elements).
  size_type remove_expired() { return engine_.remove_expired(); }
  /// \}

  lru_lockmap_stats stats() const noexcept { return engine_.template stats<lru_lockmap_stats>(); }

 private:
  template <class K, class F, class Patience>
  std::optional<T> find_or_load(K&& k, F& f, Patience patience) {
    static_assert(std::is_convertible_v<std::invoke_result_t<F&>, std::optional<T>>,
                  "try_get_or_compute: f() does not make an optional value");
    auto&& key = as_lasting_key(*this, std::forward<K>(k));
    return find_or_load_key(static_cast<decltype(key)>(key), f, patience);
  }
  template <class K, class F, class Patience>
  std::optional<T> find_or_load_key(K&& key, F& f, Patience& patience) {
    const auto& probe = key;
    return engine_.try_compute_once(engine_.hash(probe), probe,
                                    typename engine_type::template key_from<K>(key), f, patience);
  }
  template <class F, class Element, class Times>
  static void show(F& f, const Element& element, const Times& times) {
    if constexpr (std::is_invocable_v<F&, const Element&, cache_times>) {
      f(element, times());
    } else {
      f(element);
    }
  }
  /// Of a key that is absent.
  template <class K, class V>
  void insert_until(K&& k, V&& value, cache_duration remaining) {
    engine_.modify(
        engine_.hash(k), k,
        [&](auto& slot) {
          auto& made = slot.emplace(std::forward<K>(k), std::forward<V>(value));
          engine_.expire_in(made.state(), remaining);
        },
        [](auto&) {});
  }

  engine_type& engine() noexcept { return engine_; }
  const engine_type& engine() const noexcept { return engine_; }

  engine_type engine_;
};

}  // namespace detail

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Policy>
class lru_lockmap : public detail::basic_lru_lockmap<Key, T, Hash, KeyEqual, Allocator, Policy,
                                                     detail::lru::default_tuning> {
  using base = detail::basic_lru_lockmap<Key, T, Hash, KeyEqual, Allocator, Policy,
                                         detail::lru::default_tuning>;

 public:
  using base::base;
  using base::operator=;
  lru_lockmap& operator=(std::initializer_list<typename base::value_type> values) {
    base::operator=(values);
    return *this;
  }

  friend void swap(lru_lockmap& left, lru_lockmap& right) noexcept { left.swap(right); }
};

/// \name Deduction guides, those of `std::unordered_map`
/// \{
template <std::input_iterator Iterator, class... Policies,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Policies...>>
lru_lockmap(Iterator, Iterator, std::size_t = 0, Policies...)
    -> lru_lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
                   typename Map::allocator>;
template <std::input_iterator Iterator, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Allocator>>
lru_lockmap(Iterator, Iterator, Allocator)
    -> lru_lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
                   typename Map::allocator>;
template <detail::any_range Range, class... Policies,
          class Map = detail::deduced_map<detail::element_of<Range>, Policies...>>
lru_lockmap(from_range_t, Range&&, std::size_t = 0, Policies...)
    -> lru_lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
                   typename Map::allocator>;
template <detail::any_range Range, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<detail::element_of<Range>, Allocator>>
lru_lockmap(from_range_t, Range&&, Allocator)
    -> lru_lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
                   typename Map::allocator>;
template <class Key, class T, class... Policies,
          class Map = detail::deduced_map<std::pair<Key, T>, Policies...>>
lru_lockmap(std::initializer_list<std::pair<Key, T>>, std::size_t = 0, Policies...)
    -> lru_lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
                   typename Map::allocator>;
template <class Key, class T, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::pair<Key, T>, Allocator>>
lru_lockmap(std::initializer_list<std::pair<Key, T>>, Allocator)
    -> lru_lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
                   typename Map::allocator>;
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Policy>
lru_lockmap(const lru_lockmap<Key, T, Hash, KeyEqual, Allocator, Policy>&,
            const std::type_identity_t<Allocator>&)
    -> lru_lockmap<Key, T, Hash, KeyEqual, Allocator, Policy>;
template <class Key, class T, class... Policies,
          class Map = detail::deduced_map<std::pair<Key, T>, Policies...>>
lru_lockmap(cache_options<Key, T>, Policies...)
    -> lru_lockmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
                   typename Map::allocator>;
/// \}

}  // namespace concur::inline CONCUR_ABI
