// SPDX-License-Identifier: MIT
/// \file
/// `concur::seqmap`: the map for small trivially copyable keys and values.
///
/// A cache line is a bucket of cells, and carries the version of a seqlock: a read copies what it
/// finds there and checks the version; it takes no lock, writes nothing that is shared, and reads
/// one line of the table. Writers lock the bucket with one compare-and-swap.
///
///     concur::seqmap<std::uint64_t, double> prices;
///     prices.insert_or_assign(42, 9.99);
///     std::optional<double> p = prices.find(42);
///     prices.update(42, [](double& x) { x *= 1.1; });
///
/// - Reads wait only while the very element is being overwritten by a value of more than 8 bytes.
/// - Writes of one key are serialised; of several concurrent inserts of a key exactly one wins.
/// - Growing and shrinking is done in shares by the writers; nobody waits for it.
/// - An erased cell is as good as a fresh one: costs do not depend on history, whatever the hash.
/// - Callbacks of `visit`, `update`, `upsert`, `compute` and the like have the element for
///   themselves, on a copy that is stored when they return. Inside them reads of the map see the
///   old value, and writes throw `std::system_error` (`resource_deadlock_would_occur`).
///
/// When not: for keys or values that are not trivially copyable take `cmap`; for values of hundreds
/// of bytes the copies cost more than a node would.
///
/// Cost, for 8-byte keys and values: hit 1 line of the table and no atomic read-modify-write, miss
/// the same, write 1 line and 1 read-modify-write (5 to 20 % of the elements are one line further
/// at a high load). Memory: 26 to 51 bytes per element in large tables, 36 on average, and more in
/// small ones, which trade it for speed; an empty map takes none.
#pragma once

#include <concepts>
#include <concur/concepts.hpp>
#include <concur/detail/bits/wrapping_sum.hpp>
#include <concur/detail/map/deduced.hpp>
#include <concur/detail/map/exchange.hpp>
#include <concur/detail/map/from_range.hpp>
#include <concur/detail/map/map_interface.hpp>
#include <concur/detail/map/stats.hpp>
#include <concur/detail/seqmap/engine.hpp>
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

/// What `seqmap::stats()` returns. A momentary view; exact when nobody writes.
struct seqmap_stats {
  std::size_t size;      ///< elements
  std::size_t capacity;  ///< cells
  bool resizing;         ///< a table is being replaced
  float load_factor;     ///< size / capacity
  std::size_t cells_per_bucket;
  std::size_t bucket_bytes;

  template <class Out>
  friend Out& operator<<(Out& out, const seqmap_stats& s) {
    using detail::stat;
    return detail::print_stats(out, "seqmap", stat{"size", s.size}, stat{"capacity", s.capacity},
                               stat{"load_factor", s.load_factor}, stat{"resizing", s.resizing},
                               stat{"cells_per_bucket", s.cells_per_bucket},
                               stat{"bucket_bytes", s.bucket_bytes});
  }
};

struct seqmap_guarantees {
  static constexpr progress read_progress = progress::element_blocking;
  static constexpr progress write_progress = progress::blocking;
  static constexpr bool callback_is_exclusive = true;
  static constexpr bool callback_may_run_again = false;
  static constexpr reentry_rules exclusive_callback{reentry::old_value, reentry::throws};
  static constexpr reentry_rules shared_callback{reentry::works, reentry::works};
  static constexpr bool callback_keeps_old_value = true;
  static constexpr bool garbage_is_bounded = true;
  static constexpr bool is_bounded = false;
  static constexpr bool needs_trivially_copyable = true;
};

namespace detail {

/// A seqmap with a tuning of its own: for tests that want every event to be frequent.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
class basic_seqmap
    : public map_interface<basic_seqmap<Key, T, Hash, KeyEqual, Allocator, Tuning>, Key, T> {
  static_assert(std::is_trivially_copyable_v<Key>,
                "concur::seqmap: Key must be trivially copyable; use concur::cmap");
  static_assert(std::is_trivially_copyable_v<T>,
                "concur::seqmap: T must be trivially copyable; use concur::cmap");
  static_assert(std::copy_constructible<Key> && std::copy_constructible<T>,
                "concur::seqmap: Key and T must be copyable: reads copy them; use concur::cmap");
  static_assert(check_policies<Key, Hash, KeyEqual, Allocator>());

  using engine_type = seqmap::engine<Key, T, Hash, KeyEqual, Allocator, Tuning>;
  friend struct map_access;
  friend struct seqmap_test_access;

 public:
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using guarantees_type = seqmap_guarantees;

  /// \name Constructors, those of boost::concurrent_flat_map
  /// An empty map allocates nothing. A map that is not given a hasher draws a random seed.
  /// \{
  basic_seqmap() : basic_seqmap(0) {}
  explicit basic_seqmap(size_type n)
      : basic_seqmap(n, make_default_hasher<Hash>(), KeyEqual(), Allocator()) {}
  explicit basic_seqmap(size_type n, const Hash& hash, const KeyEqual& equal = KeyEqual(),
                        const Allocator& allocator = Allocator())
      : engine_(hash, equal, allocator) {
    engine_.reserve(n);
  }
  basic_seqmap(size_type n, const Allocator& allocator)
      : basic_seqmap(n, make_default_hasher<Hash>(), KeyEqual(), allocator) {}
  basic_seqmap(size_type n, const Hash& hash, const Allocator& allocator)
      : basic_seqmap(n, hash, KeyEqual(), allocator) {}
  explicit basic_seqmap(const Allocator& allocator) : basic_seqmap(0, allocator) {}

  template <std::input_iterator Iterator>
  basic_seqmap(Iterator first, Iterator last, size_type n = 0) : basic_seqmap(n) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_seqmap(Iterator first, Iterator last, size_type n, const Hash& hash,
               const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_seqmap(n, hash, equal, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_seqmap(Iterator first, Iterator last, const Allocator& allocator)
      : basic_seqmap(allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_seqmap(Iterator first, Iterator last, size_type n, const Allocator& allocator)
      : basic_seqmap(n, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_seqmap(Iterator first, Iterator last, size_type n, const Hash& hash,
               const Allocator& allocator)
      : basic_seqmap(n, hash, allocator) {
    this->insert(first, last);
  }

  /// From a range, with what follows the size in the constructors above.
  template <any_range Range>
  explicit basic_seqmap(from_range_t, Range&& range) : basic_seqmap() {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range, class... Rest>
  basic_seqmap(from_range_t, Range&& range, size_type n, const Rest&... rest) requires
      std::constructible_from<basic_seqmap, size_type, const Rest&...> : basic_seqmap(n, rest...) {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range>
  basic_seqmap(from_range_t, Range&& range, const Allocator& allocator) : basic_seqmap(allocator) {
    this->insert_range(std::forward<Range>(range));
  }

  basic_seqmap(std::initializer_list<value_type> values, size_type n = 0)
      : basic_seqmap(values.begin(), values.end(), n) {}
  basic_seqmap(std::initializer_list<value_type> values, size_type n, const Hash& hash,
               const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_seqmap(values.begin(), values.end(), n, hash, equal, allocator) {}
  basic_seqmap(std::initializer_list<value_type> values, const Allocator& allocator)
      : basic_seqmap(values.begin(), values.end(), allocator) {}
  basic_seqmap(std::initializer_list<value_type> values, size_type n, const Allocator& allocator)
      : basic_seqmap(values.begin(), values.end(), n, allocator) {}
  basic_seqmap(std::initializer_list<value_type> values, size_type n, const Hash& hash,
               const Allocator& allocator)
      : basic_seqmap(values.begin(), values.end(), n, hash, allocator) {}
  /// \}

  /// Copies are safe beside writers of the source: what they see is that of `cvisit_all`. A
  /// copied or moved map has the maximum load factor of its source, which keeps it too; where a
  /// list is assigned, that of the map stays.
  basic_seqmap(const basic_seqmap& other)
      : basic_seqmap(other, allocator_of_copy(other.engine_.allocator())) {}
  basic_seqmap(const basic_seqmap& other, const Allocator& allocator)
      : engine_(other.hash_function(), other.key_eq(), allocator) {
    engine_.copy_settings(other.engine_);
    const typename engine_type::filling scope(engine_);
    engine_.make_room(other.size());
    other.cvisit_all([this](const value_type& element) { this->insert(element); });
  }
  /// Moves need both maps to be quiet. To an allocator that is not equal the elements are moved one
  /// by one; if that throws, those that were moved by then are lost.
  basic_seqmap(basic_seqmap&& other) noexcept(
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>)
      : engine_(other.hash_function(), other.key_eq(), other.engine_.allocator()) {
    engine_.copy_settings(other.engine_);
    engine_.swap_elements(other.engine_);
  }
  basic_seqmap(basic_seqmap&& other, const Allocator& allocator)
      : engine_(other.hash_function(), other.key_eq(), allocator) {
    engine_.copy_settings(other.engine_);
    take_elements(*this, other);
  }
  ~basic_seqmap() = default;

  basic_seqmap& operator=(const basic_seqmap& other) {
    assign_copy(*this, other);
    return *this;
  }
  basic_seqmap& operator=(basic_seqmap&& other) noexcept(
      (pocma<Allocator> || always_equal<Allocator>)&&  //
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>) {
    assign_moved(*this, other);
    return *this;
  }
  basic_seqmap& operator=(std::initializer_list<value_type> values) {
    assign_values(*this, values);
    return *this;
  }

  /// Needs both maps to be quiet. The allocators are exchanged if they propagate, else they must be
  /// equal.
  void swap(basic_seqmap& other) noexcept { exchange_maps(*this, other); }

  hasher hash_function() const { return engine_.hash_function(); }
  key_equal key_eq() const { return engine_.key_eq(); }
  allocator_type get_allocator() const noexcept { return engine_.allocator(); }

  /// Adds `n` to the value of `k`, which counts as zero if it is absent. Integers wrap around.
  /// - Returns: the previous value.
  /// - Linearizes at: the store of the new value.
  /// - Progress: write. One read-modify-write instruction.
  /// - Throws: what an insertion throws.
  T fetch_add(const Key& k, T n) requires(std::is_arithmetic_v<T>) {
    T previous{};
    const std::uint64_t h = engine_.hash(k);
    if constexpr (engine_type::compares_bytes) {
      const auto add = [&](T present) {
        previous = present;
        return detail::wrapping_sum(present, n);
      };
      if (engine_.change_at_home(h, k, add)) [[likely]]
        return previous;
    }
    engine_.modify(
        h, k, [&](auto& slot) { slot.emplace(k, n); },
        [&](auto& element) {
          previous = element.value();
          element.assign(detail::wrapping_sum(previous, n));
        });
    return previous;
  }

  /// The values of several keys as of one moment.
  /// - Returns: a tuple of `std::optional<T>`, one per key, empty if the key is absent.
  /// - Linearizes at: the first of the checks that nothing has changed since the copies.
  /// - Progress: lock-free beside writers that come and go: it retries while one of the buckets it
  ///   reads is being changed.
  /// - Throws: what the hasher throws.
  template <std::convertible_to<const Key&>... Keys>
    requires(sizeof...(Keys) > 0)
  std::tuple<decltype(static_cast<void>(std::declval<Keys>()), std::optional<T>())...>
  read_together(const Keys&... keys)
  const {
    return std::apply(
        [](const auto&... elements) {
          return std::make_tuple(
              (elements ? std::optional<T>(elements->second) : std::optional<T>())...);
        },
        engine_.lookup_together(static_cast<const Key&>(keys)...));
  }

  /// The part of the cells that may be in use before the table grows: 0.25 to 0.95. A lower one is
  /// faster, a higher one smaller; unless set 0.42 in tables of up to 1,024 buckets, 0.62 of up to
  /// 65,536, then 0.84.
  void max_load_factor(float f) noexcept {
    const float bounded = f > 0.25F ? (f < 0.95F ? f : 0.95F) : 0.25F;  // not-a-number: 0.25
    engine_.set_max_load(static_cast<unsigned>(bounded * 64));
  }
  float max_load_factor() const noexcept { return static_cast<float>(engine_.max_load()) / 64; }

  seqmap_stats stats() const noexcept {
    return {this->size(),
            this->capacity(),
            engine_.is_resizing(),
            this->load_factor(),
            engine_type::cells_per_bucket,
            engine_type::bucket_bytes};
  }

 private:
  engine_type& engine() noexcept { return engine_; }
  const engine_type& engine() const noexcept { return engine_; }

  engine_type engine_;
};

}  // namespace detail

template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class seqmap : public detail::basic_seqmap<Key, T, Hash, KeyEqual, Allocator,
                                           detail::seqmap::default_tuning> {
  using base =
      detail::basic_seqmap<Key, T, Hash, KeyEqual, Allocator, detail::seqmap::default_tuning>;

 public:
  using base::base;
  using base::operator=;
  seqmap& operator=(std::initializer_list<typename base::value_type> values) {
    base::operator=(values);
    return *this;
  }

  friend void swap(seqmap& left, seqmap& right) noexcept { left.swap(right); }
};

/// \name Deduction guides, those of `std::unordered_map`
/// \{
template <std::input_iterator Iterator, class... Policies,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Policies...>>
seqmap(Iterator, Iterator, std::size_t = 0, Policies...)
    -> seqmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
              typename Map::allocator>;
template <std::input_iterator Iterator, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Allocator>>
seqmap(Iterator, Iterator, Allocator)
    -> seqmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
              typename Map::allocator>;
template <detail::any_range Range, class... Policies,
          class Map = detail::deduced_map<detail::element_of<Range>, Policies...>>
seqmap(from_range_t, Range&&, std::size_t = 0, Policies...)
    -> seqmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
              typename Map::allocator>;
template <detail::any_range Range, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<detail::element_of<Range>, Allocator>>
seqmap(from_range_t, Range&&, Allocator)
    -> seqmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
              typename Map::allocator>;
template <class Key, class T, class... Policies,
          class Map = detail::deduced_map<std::pair<Key, T>, Policies...>>
seqmap(std::initializer_list<std::pair<Key, T>>, std::size_t = 0, Policies...)
    -> seqmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
              typename Map::allocator>;
template <class Key, class T, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::pair<Key, T>, Allocator>>
seqmap(std::initializer_list<std::pair<Key, T>>, Allocator)
    -> seqmap<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
              typename Map::allocator>;
template <class Key, class T, class Hash, class KeyEqual, class Allocator>
seqmap(const seqmap<Key, T, Hash, KeyEqual, Allocator>&, const std::type_identity_t<Allocator>&)
    -> seqmap<Key, T, Hash, KeyEqual, Allocator>;
/// \}

}  // namespace concur::inline CONCUR_ABI
