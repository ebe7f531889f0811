// SPDX-License-Identifier: MIT
/// \file
/// `concur::hamt`: the map with snapshots.
///
/// A lock-free hash array mapped trie. A snapshot is an immutable map, taken in O(1) as of one
/// moment beside any number of writers; it shares its nodes with the map and with other snapshots,
/// and what changes afterwards is copied, a path at a time. From a snapshot a new writable
/// map is made in O(1). Two versions are compared in time proportional to their difference.
///
///     concur::hamt<std::string, int> stock;
///     stock.insert_or_assign("apples", 3);
///     auto yesterday = stock.snapshot();
///     stock.update("apples", [](int& n) { --n; });
///     concur::diff(yesterday, stock.snapshot(), [](const std::string& what, const int* before,
///                                                  const int* after) { ... });
///     concur::hamt<std::string, int> experiment(yesterday);
///
/// - Nothing blocks: no operation waits for another thread.
/// - A read writes to no shared cache line.
/// - Callbacks of `update`, `upsert`, `compute` and keyed predicates work on a copy, and may run
///   again after a lost race. Callbacks may use the map.
/// - Traversals run over a snapshot: they see the map as of one moment, in parallel too. So does
///   `clear`, which is atomic. Of `scan` each step is of a moment of its own.
/// - Batches (`find_each`, `visit(first, last, f)`) are the single calls one after the other:
///   nothing is fetched ahead.
/// - What was replaced is freed when no snapshot has it and nobody reads it. A thread that sleeps
///   in the callable of a read keeps what it is shown, and nothing else, from being freed; in a
///   write, a version or two: docs/hamt.md has it exactly.
///
/// When not: without snapshots `cmap` is faster; for small trivially copyable pairs `seqmap` more
/// so.
///
/// The first write to a place after a snapshot copies the branches on the way to it: a few
/// microseconds for the very first, less and less for the following ones.
#pragma once

#include <concepts>
#include <concur/concepts.hpp>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/hamt/diff.hpp>
#include <concur/detail/hamt/engine.hpp>
#include <concur/detail/hamt/stats.hpp>
#include <concur/detail/map/deduced.hpp>
#include <concur/detail/map/exchange.hpp>
#include <concur/detail/map/from_range.hpp>
#include <concur/detail/map/map_interface.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/concepts.hpp>
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

struct hamt_guarantees {
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

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
class basic_hamt;
struct hamt_access;

/// An immutable map: a hamt as it was at one moment. Move-only; may be handed to other threads,
/// and read by any number of them at once. Outlives the map.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
class [[nodiscard]] basic_hamt_snapshot {
  using engine_type = hamt::engine<Key, T, Hash, KeyEqual, Allocator, Tuning>;
  using map_type = basic_hamt<Key, T, Hash, KeyEqual, Allocator, Tuning>;
  using types = typename engine_type::types;
  using held = typename engine_type::held;
  friend struct hamt_access;

 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using reference = const value_type&;
  using const_reference = const value_type&;

  /// Forward; valid while the snapshot is. The order is that of the hashes.
  class iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::pair<const Key, T>;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;

    iterator() noexcept = default;
    reference operator*() const noexcept { return types::pair_at(leaf_, index_); }
    pointer operator->() const noexcept { return &**this; }
    iterator& operator++() noexcept {
      if (++index_ == leaf_->number()) {
        index_ = 0;
        if (last_ == ~std::uint64_t{0}) {
          leaf_ = nullptr;
        } else {
          go_to(last_ + 1);
        }
      }
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept {
      return a.leaf_ == b.leaf_ && a.index_ == b.index_;
    }

   private:
    friend class basic_hamt_snapshot;
    explicit iterator(hamt::version* v) noexcept : version_(v) { go_to(0); }
    void go_to(std::uint64_t from) noexcept {
      const hamt::found_leaf found = hamt::seek(version_, from);
      leaf_ = found.leaf;
      last_ = found.last;
    }

    hamt::version* version_ = nullptr;
    const hamt::node* leaf_ = nullptr;
    std::uint32_t index_ = 0;
    std::uint64_t last_ = 0;
  };
  using const_iterator = iterator;

  /// An empty map.
  basic_hamt_snapshot() noexcept = default;
  basic_hamt_snapshot(basic_hamt_snapshot&&) noexcept = default;
  basic_hamt_snapshot& operator=(basic_hamt_snapshot&&) noexcept = default;
  ~basic_hamt_snapshot() = default;

  /// Another handle to the same version. O(1).
  basic_hamt_snapshot share() const noexcept { return basic_hamt_snapshot(held_.share()); }

  iterator begin() const noexcept { return held_ ? iterator(held_.get()) : iterator(); }
  iterator end() const noexcept { return iterator(); }
  iterator cbegin() const noexcept { return begin(); }
  iterator cend() const noexcept { return end(); }

  /// Exact. O(1); the first call counts what has changed since the last snapshot that was counted:
  /// if none was, all of it.
  size_type size() const noexcept { return static_cast<size_type>(held_.size()); }
  [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

  /// The value, good while the snapshot lives; null if the key is absent. What stands for a key is
  /// what does in a lookup of the map.
  /// - Progress: wait-free; O(1) on average. Throws: what hasher and equality throw.
  template <lookup_key<map_type> K = Key>
  const T* find(const K& k) const {
    auto&& key = as_key<map_type>(k);
    const value_type* const found = held_.find(key);
    return found == nullptr ? nullptr : std::addressof(found->second);
  }
  template <lookup_key<map_type> K = Key>
  bool contains(const K& k) const {
    return find(k) != nullptr;
  }
  template <lookup_key<map_type> K = Key>
  size_type count(const K& k) const {
    return contains(k) ? 1 : 0;
  }

  /// f(const value_type&) for every element; returns how many.
  template <class F>
  size_type visit_all(F&& f) const {
    size_type shown = 0;
    for (const value_type& element : *this) {
      f(element);
      ++shown;
    }
    return shown;
  }

  /// Whether both have the same keys with values in which `diff` sees no difference. Stops at what
  /// they share.
  friend bool operator==(const basic_hamt_snapshot& a,
                         const basic_hamt_snapshot& b) requires(std::equality_comparable<T>) {
    auto stop = [](const Key&, const T*, const T*) { return false; };
    return hamt::comparison<types, decltype(stop)>(a.held_, b.held_, stop).run();
  }

  void swap(basic_hamt_snapshot& other) noexcept { held_.swap(other.held_); }
  friend void swap(basic_hamt_snapshot& a, basic_hamt_snapshot& b) noexcept { a.swap(b); }

 private:
  template <class, class, class, class, class, class>
  friend class basic_hamt;
  explicit basic_hamt_snapshot(held h) noexcept : held_(std::move(h)) {}

  held held_;
};

/// A hamt with a tuning of its own: for tests that want every event to be frequent.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
class basic_hamt
    : public map_interface<basic_hamt<Key, T, Hash, KeyEqual, Allocator, Tuning>, Key, T> {
  static_assert(check_policies<Key, Hash, KeyEqual, Allocator>());

  using engine_type = hamt::engine<Key, T, Hash, KeyEqual, Allocator, Tuning>;
  friend struct map_access;
  friend struct hamt_access;

 public:
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using guarantees_type = hamt_guarantees;
  using snapshot_type = basic_hamt_snapshot<Key, T, Hash, KeyEqual, Allocator, Tuning>;

  /// \name Constructors, those of boost::concurrent_flat_map
  /// An empty map allocates nothing. A map that is not given a hasher draws a random seed.
  /// \{
  basic_hamt() : basic_hamt(0) {}
  explicit basic_hamt(size_type n)
      : basic_hamt(n, make_default_hasher<Hash>(), KeyEqual(), Allocator()) {}
  explicit basic_hamt(size_type n, const Hash& hash, const KeyEqual& equal = KeyEqual(),
                      const Allocator& allocator = Allocator())
      : engine_(hash, equal, allocator) {
    static_cast<void>(n);
  }
  basic_hamt(size_type n, const Allocator& allocator)
      : basic_hamt(n, make_default_hasher<Hash>(), KeyEqual(), allocator) {}
  basic_hamt(size_type n, const Hash& hash, const Allocator& allocator)
      : basic_hamt(n, hash, KeyEqual(), allocator) {}
  explicit basic_hamt(const Allocator& allocator) : basic_hamt(0, allocator) {}

  template <std::input_iterator Iterator>
  basic_hamt(Iterator first, Iterator last, size_type n = 0) : basic_hamt(n) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_hamt(Iterator first, Iterator last, size_type n, const Hash& hash,
             const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_hamt(n, hash, equal, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_hamt(Iterator first, Iterator last, const Allocator& allocator) : basic_hamt(allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_hamt(Iterator first, Iterator last, size_type n, const Allocator& allocator)
      : basic_hamt(n, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator Iterator>
  basic_hamt(Iterator first, Iterator last, size_type n, const Hash& hash,
             const Allocator& allocator)
      : basic_hamt(n, hash, allocator) {
    this->insert(first, last);
  }

  /// From a range, with what follows the size in the constructors above.
  template <any_range Range>
  explicit basic_hamt(from_range_t, Range&& range) : basic_hamt() {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range, class... Rest>
  basic_hamt(from_range_t, Range&& range, size_type n, const Rest&... rest) requires
      std::constructible_from<basic_hamt, size_type, const Rest&...> : basic_hamt(n, rest...) {
    this->insert_range(std::forward<Range>(range));
  }
  template <any_range Range>
  basic_hamt(from_range_t, Range&& range, const Allocator& allocator) : basic_hamt(allocator) {
    this->insert_range(std::forward<Range>(range));
  }

  basic_hamt(std::initializer_list<value_type> values, size_type n = 0)
      : basic_hamt(values.begin(), values.end(), n) {}
  basic_hamt(std::initializer_list<value_type> values, size_type n, const Hash& hash,
             const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : basic_hamt(values.begin(), values.end(), n, hash, equal, allocator) {}
  basic_hamt(std::initializer_list<value_type> values, const Allocator& allocator)
      : basic_hamt(values.begin(), values.end(), allocator) {}
  basic_hamt(std::initializer_list<value_type> values, size_type n, const Allocator& allocator)
      : basic_hamt(values.begin(), values.end(), n, allocator) {}
  basic_hamt(std::initializer_list<value_type> values, size_type n, const Hash& hash,
             const Allocator& allocator)
      : basic_hamt(values.begin(), values.end(), n, hash, allocator) {}
  /// \}

  /// A fork: a map of its own with what the snapshot has, which it shares until either changes it.
  /// O(1); what its first `size`, `empty` or `capacity` costs is that of the snapshot's `size`.
  /// Of an empty handle, an empty map as by default, if its functions and its allocator have one.
  explicit basic_hamt(const snapshot_type& from) : engine_(from.held_) {}

  /// A copy is a fork of a snapshot where the allocators are equal: O(1), safe beside writers, and
  /// as of one moment; its first `size` counts as a fork's does. Else it copies every element.
  /// - Throws: std::length_error if the allocators are not equal and the elements cannot be copied.
  basic_hamt(const basic_hamt& other)
      : basic_hamt(other, allocator_of_copy(other.engine_.allocator())) {}
  basic_hamt(const basic_hamt& other, const Allocator& allocator)
      : engine_(other.hash_function(), other.key_eq(), allocator) {
    if (other.engine_.is_without_version()) return;
    if (memory_is_exchangeable(*this, other)) {
      engine_.adopt(other.engine_.snapshot());
    } else if constexpr (std::copy_constructible<Key> && std::copy_constructible<T>) {
      other.cvisit_all([this](const value_type& element) { this->insert(element); });
    } else {
      fail_length("hamt: elements that cannot be copied, and another allocator");
    }
  }
  /// Moves need both maps to be quiet. To an allocator that is not equal the elements are moved one
  /// by one, with copies of their keys, or are copied if there is a snapshot or a fork that has
  /// them too; if that throws, those that were moved by then are lost.
  /// - Throws: std::length_error then, before anything has happened, if that takes a copy of what
  ///   cannot be copied.
  basic_hamt(basic_hamt&& other) noexcept(
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>)
      : engine_(other.hash_function(), other.key_eq(), other.engine_.allocator()) {
    engine_.swap_elements(other.engine_);
  }
  basic_hamt(basic_hamt&& other, const Allocator& allocator)
      : engine_(other.hash_function(), other.key_eq(), allocator) {
    if (memory_is_exchangeable(*this, other) || !other.engine_.is_shared()) {
      take_elements(*this, other);
    } else if constexpr (std::copy_constructible<Key> && std::copy_constructible<T>) {
      this->merge(other);
    } else {
      fail_length("hamt: elements that cannot be copied, and another allocator");
    }
  }
  ~basic_hamt() = default;

  basic_hamt& operator=(const basic_hamt& other) {
    assign_copy(*this, other);
    return *this;
  }
  basic_hamt& operator=(basic_hamt&& other) noexcept(
      (pocma<Allocator> || always_equal<Allocator>)&&  //
      std::is_nothrow_copy_constructible_v<Hash>&& std::is_nothrow_copy_constructible_v<KeyEqual>) {
    assign_moved(*this, other);
    return *this;
  }
  basic_hamt& operator=(std::initializer_list<value_type> values) {
    assign_values(*this, values);
    return *this;
  }

  /// Needs both maps to be quiet. The allocators are exchanged if they propagate, else they must be
  /// equal.
  void swap(basic_hamt& other) noexcept { exchange_maps(*this, other); }

  hasher hash_function() const { return engine_.hash_function(); }
  key_equal key_eq() const { return engine_.key_eq(); }
  allocator_type get_allocator() const noexcept { return engine_.allocator(); }

  /// The map as it is now: an immutable one that shares its nodes.
  /// - Linearizes at: the replacement of the root.
  /// - Progress: lock-free; O(1).
  /// - Throws: what the allocator throws.
  snapshot_type snapshot() const { return snapshot_type(engine_.snapshot()); }

  /// An input iterator that owns the snapshot it took; the end is `std::default_sentinel`.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = std::pair<const Key, T>;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    const value_type& operator*() const noexcept { return *at_; }
    const value_type* operator->() const noexcept { return &*at_; }
    iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
      return i.at_ == typename snapshot_type::iterator();
    }

   private:
    friend class basic_hamt;
    explicit iterator(snapshot_type&& s) noexcept
        : snapshot_(std::move(s)), at_(snapshot_.begin()) {}
    snapshot_type snapshot_;
    typename snapshot_type::iterator at_;
  };
  iterator begin() const { return iterator(snapshot()); }
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Walks over a snapshot: O(elements).
  hamt_stats stats() const {
    hamt_stats result{};
    if (engine_.is_without_version()) return result;
    const auto now = engine_.snapshot();
    gather(result, hamt::settled_word(now.get()->top), 0);
    return result;
  }

  /// Checks every structural invariant. For tests. O(elements). Needs quiet.
  hamt_report validate() const { return engine_.validate(); }

 private:
  static void gather(hamt_stats& result, hamt::word w, std::size_t depth) {
    const hamt::node* const n = hamt::node_of(w);
    if (n == nullptr) return;
    if (!hamt::is_branch(w)) {
      ++(n->kind() == hamt::node_kind::collision ? result.lists : result.leaves);
      result.size += n->number();
      result.max_depth = depth > result.max_depth ? depth : result.max_depth;
      return;
    }
    ++result.branches;
    auto* const b = hamt::branch_of(w);
    for (std::size_t i = 0; i < b->width(); ++i) {
      gather(result, hamt::settled_word(b->slots()[i]), depth + 1);
    }
  }

  engine_type& engine() noexcept { return engine_; }
  const engine_type& engine() const noexcept { return engine_; }

  engine_type engine_;
};

struct hamt_access {
  template <class Snapshot>
  static const auto& held(const Snapshot& s) noexcept {
    return s.held_;
  }
  template <class Map>
  static auto& engine(Map& m) noexcept {
    return m.engine_;
  }
  /// A map without elements, with the functions and the allocator of a snapshot that has some.
  template <class Map>
  static Map empty_as(const typename Map::snapshot_type& s) {
    const auto& shared = *s.held_.shared();
    return Map(0, shared.hash_function(), shared.key_eq(), shared.allocator());
  }
  template <class Snapshot>
  static bool same_value(const typename Snapshot::mapped_type& a,
                         const typename Snapshot::mapped_type& b) {
    return hamt::same_value<typename Snapshot::types>(a, b);
  }
  /// f(const Key&, const T*, const T*) -> bool. Returns the number of nodes that were looked at.
  template <class Snapshot, class F>
  static std::size_t compare(const Snapshot& older, const Snapshot& newer, F f) {
    hamt::comparison<typename Snapshot::types, F> c(older.held_, newer.held_, f);
    c.run();
    return c.visits();
  }
};

}  // namespace detail

template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class hamt
    : public detail::basic_hamt<Key, T, Hash, KeyEqual, Allocator, detail::hamt::default_tuning> {
  using base = detail::basic_hamt<Key, T, Hash, KeyEqual, Allocator, detail::hamt::default_tuning>;

 public:
  using base::base;
  using base::operator=;
  hamt& operator=(std::initializer_list<typename base::value_type> values) {
    base::operator=(values);
    return *this;
  }

  friend void swap(hamt& left, hamt& right) noexcept { left.swap(right); }
};

/// Shows every key that differs: `f(const Key&, const T* before, const T* after)`, null where the
/// key is absent. Values that compare equal do not differ, nor does one that nobody has touched,
/// even if it is not equal to itself. (In pairs of up to 32 trivially copyable bytes: one that has
/// the same bytes.)
/// - Complexity: proportional to the change where the snapshots have a common ancestor, else to
///   their sizes.
/// - Throws: what `f`, equality and `==` of `T` throw.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning, class F>
void diff(const detail::basic_hamt_snapshot<Key, T, Hash, KeyEqual, Allocator, Tuning>& older,
          const detail::basic_hamt_snapshot<Key, T, Hash, KeyEqual, Allocator, Tuning>& newer,
          F&& f) {
  detail::hamt_access::compare(older, newer, [&](const Key& key, const T* before, const T* after) {
    f(key, before, after);
    return true;
  });
}

/// Three-way: `ours` with what changed between `base` and `theirs`. Where both changed a key, and
/// differently, `resolve(const Key&, const T* base, const T* ours, const T* theirs)` says what it
/// becomes, as `std::optional<T>`; empty erases.
/// - Complexity: proportional to the change between `base` and `theirs` where they have a common
///   ancestor, else to their sizes.
/// - Throws: what `resolve`, copying, equality and the allocator throw.
/// - Needs: copyable `Key` and `T`; comparable `T`, or a change to the same value is a conflict if
///   `diff` would show it.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning,
          class Resolve>
detail::basic_hamt_snapshot<Key, T, Hash, KeyEqual, Allocator, Tuning> merge(
    const detail::basic_hamt_snapshot<Key, T, Hash, KeyEqual, Allocator, Tuning>& base,
    const detail::basic_hamt_snapshot<Key, T, Hash, KeyEqual, Allocator, Tuning>& ours,
    const detail::basic_hamt_snapshot<Key, T, Hash, KeyEqual, Allocator, Tuning>& theirs,
    Resolve&& resolve) {
  using access = detail::hamt_access;
  using map_type = detail::basic_hamt<Key, T, Hash, KeyEqual, Allocator, Tuning>;
  const auto same = [](const T* a, const T* b) {
    if (a == nullptr || b == nullptr) return a == b;
    return access::same_value<typename map_type::snapshot_type>(*a, *b);
  };
  // An empty handle has no functions and no allocator: then, those of the others.
  const auto& like = access::held(theirs) ? theirs : base;
  if (!access::held(ours) && !access::held(like)) return {};
  map_type result = access::held(ours) ? map_type(ours) : access::empty_as<map_type>(like);
  diff(base, theirs, [&](const Key& key, const T* before, const T* after) {
    const T* const mine = ours.find(key);
    if (same(mine, after)) return;
    if (same(mine, before)) {
      if (after == nullptr) {
        result.erase(key);
      } else {
        result.insert_or_assign(key, *after);
      }
      return;
    }
    std::optional<T> resolved = resolve(key, before, mine, after);
    if (resolved) {
      result.insert_or_assign(key, *std::move(resolved));
    } else {
      result.erase(key);
    }
  });
  return result.snapshot();
}

/// \name Deduction guides, those of `std::unordered_map`
/// \{
template <std::input_iterator Iterator, class... Policies,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Policies...>>
hamt(Iterator, Iterator, std::size_t = 0, Policies...)
    -> hamt<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <std::input_iterator Iterator, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::iter_value_t<Iterator>, Allocator>>
hamt(Iterator, Iterator, Allocator)
    -> hamt<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <detail::any_range Range, class... Policies,
          class Map = detail::deduced_map<detail::element_of<Range>, Policies...>>
hamt(from_range_t, Range&&, std::size_t = 0, Policies...)
    -> hamt<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <detail::any_range Range, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<detail::element_of<Range>, Allocator>>
hamt(from_range_t, Range&&, Allocator)
    -> hamt<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <class Key, class T, class... Policies,
          class Map = detail::deduced_map<std::pair<Key, T>, Policies...>>
hamt(std::initializer_list<std::pair<Key, T>>, std::size_t = 0, Policies...)
    -> hamt<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <class Key, class T, detail::allocator_argument Allocator,
          class Map = detail::deduced_map<std::pair<Key, T>, Allocator>>
hamt(std::initializer_list<std::pair<Key, T>>, Allocator)
    -> hamt<typename Map::key, typename Map::mapped, typename Map::hash, typename Map::equal,
            typename Map::allocator>;
template <class Key, class T, class Hash, class KeyEqual, class Allocator>
hamt(const hamt<Key, T, Hash, KeyEqual, Allocator>&, const std::type_identity_t<Allocator>&)
    -> hamt<Key, T, Hash, KeyEqual, Allocator>;
template <class Key, class T, class Hash, class KeyEqual, class Allocator>
hamt(const hamt_snapshot<Key, T, Hash, KeyEqual, Allocator>&)
    -> hamt<Key, T, Hash, KeyEqual, Allocator>;
/// \}

}  // namespace concur::inline CONCUR_ABI
