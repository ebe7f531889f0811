// SPDX-License-Identifier: MIT
/// \file
/// `concur::fixed_map`: keys of 32 bytes, a capacity that is fixed at construction, and no
/// allocation after it.
///
///     concur::fixed_map<std::uint64_t> index(1 << 20);
///     if (index.insert(digest, offset).full()) ...
///     std::optional<std::uint64_t> where = index.find(digest);
///
/// - One allocation, in the constructor. An element of up to 16 bytes lies in one cache line, and
///   has a tag of one byte elsewhere, by which a lookup finds it: most misses read no element.
/// - `insert` is lock-free: exactly one of those who insert a key wins, and one that sleeps in the
///   middle is in nobody's way. It is `full()` only when no slot is free.
/// - Trivially copyable values are read optimistically: a read waits only while that very value, of
///   more than 8 bytes, is being stored. Other values are read under the entry's shared lock.
/// - `update`, `erase` and the other callbacks have the entry for themselves: trivially copyable
///   values as a copy that is stored when the callback returns, others in place. Inside them writes
///   to the map throw `std::system_error` (`resource_deadlock_would_occur`), and reads see the old
///   value (of a value in place: throw too, for the key that the thread holds).
/// - An erased slot is as good as a new one: what a miss costs depends on the elements that are
///   there, never on those that were.
///
/// When not: if you cannot say how many elements there will be, take `seqmap` or `cmap`. A map that
/// is nearly full finds what it has, but looks far for a free slot.
///
/// `concur::shared_fixed_map`: a `fixed_map` in memory that processes share, by `shm_open`,
/// `memfd_create`, or a file, and `mmap`.
///
///     using table = concur::shared_fixed_map<std::uint64_t>;
///     ftruncate(file, table::bytes_for(1 << 20));    // one process, once
///     table map = table::format(memory, 1 << 20);    // memory is a std::span
///     table map = table::attach(memory);             // every other process
///
/// - A process may be killed at any instruction: the others go on, and see for each key the value
///   before its unfinished write or after it, never a mixture. Who waits for a dead process finds
///   out, and repairs the entry.
/// - Every process may map the region at another address. It survives the end of all of them; in a
///   file also a restart of the machine, if it was shut down in good order.
/// - Reads never wait. Writes are those of `fixed_map`.
/// - What lies in the region is not trusted: `attach` rejects what is not a map of this type, and
///   whatever somebody writes there afterwards leads to wrong answers, or to waiting, at most. That
///   a `T` may have any bytes is the user's promise: no `bool`, no pointers.
/// - Values are trivially copyable. One of up to 12 bytes lies in one cache line with its key.
///
/// The processes must see each other's ids (not from two containers), and detach by destroying the
/// map, or by ending. A child of `fork` may go on using its parent's object.
#pragma once

#include <concepts>
#include <concur/concepts.hpp>
#include <concur/detail/fixed_map/engine.hpp>
#include <concur/detail/fixed_map/own_memory.hpp>
#include <concur/detail/fixed_map/shared_engine.hpp>
#include <concur/detail/map/deduced.hpp>
#include <concur/detail/map/exchange.hpp>
#include <concur/detail/map/from_range.hpp>
#include <concur/detail/map/map_interface.hpp>
#include <concur/detail/map/stats.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/concepts.hpp>
#include <concur/policy/digest_hash.hpp>
#include <concur/policy/hash_seed.hpp>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <span>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {

/// What `fixed_map::stats()` returns. A momentary view; exact when nobody writes.
struct fixed_map_stats {
  std::size_t size;           ///< elements
  std::size_t capacity;       ///< slots
  float load_factor;          ///< size / capacity
  std::size_t slot_bytes;     ///< of one slot
  std::size_t longest_probe;  ///< slots that the longest lookup reads

  template <class Out>
  friend Out& operator<<(Out& out, const fixed_map_stats& s) {
    using detail::stat;
    return detail::print_stats(out, "fixed_map", stat{"size", s.size}, stat{"capacity", s.capacity},
                               stat{"load_factor", s.load_factor}, stat{"slot_bytes", s.slot_bytes},
                               stat{"longest_probe", s.longest_probe});
  }
};

template <class T>
struct fixed_map_guarantees {
  static constexpr bool is_copied = detail::fixed_map::is_copied<T>;
  static constexpr progress read_progress =
      is_copied ? progress::element_blocking : progress::blocking;
  static constexpr progress write_progress = progress::blocking;
  static constexpr bool callback_is_exclusive = true;
  static constexpr bool callback_may_run_again = false;
  static constexpr reentry_rules exclusive_callback{
      is_copied ? reentry::old_value : reentry::other_keys, reentry::throws};
  static constexpr reentry_rules shared_callback{reentry::works,
                                                 is_copied ? reentry::works : reentry::other_keys};
  static constexpr bool callback_keeps_old_value = is_copied;
  static constexpr bool garbage_is_bounded = true;
  static constexpr bool is_bounded = true;
  static constexpr bool needs_trivially_copyable = false;
};

namespace detail {

template <class Key, class T>
struct fixed_map_traits : map_traits<Key, T> {
  using insert_result = concur::insert_result;
};

/// A fixed map with keys of any size.
template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class basic_fixed_map : public map_interface<basic_fixed_map<Key, T, Hash, KeyEqual, Allocator>,
                                             Key, T, fixed_map_traits<Key, T>> {
  static_assert(std::is_trivially_copyable_v<Key> && std::has_unique_object_representations_v<Key>,
                "concur::fixed_map: keys are compared by their bytes");
  static_assert(hasher_for<Hash, Key>,
                "concur::fixed_map: Hash must be callable with a const key32&");
  static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                "concur::fixed_map: T must be an object type, and not const");

  using vocabulary = map_interface<basic_fixed_map, Key, T, fixed_map_traits<Key, T>>;
  using storage = fixed_map::own_memory<fixed_map::own_slot<Key, T>, Allocator>;
  using engine_type = fixed_map::engine<storage, Hash, KeyEqual>;
  friend struct map_access;
  friend struct fixed_map_test_access;

 public:
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using guarantees_type = fixed_map_guarantees<T>;

  /// \name Constructors
  /// `capacity` is a power of two, else `std::invalid_argument`. A map that is not given a hasher
  /// draws a random seed.
  /// \{
  /// A map without capacity, which is always full: to be assigned to. Allocates nothing.
  basic_fixed_map() : basic_fixed_map(Allocator()) {}
  explicit basic_fixed_map(const Allocator& allocator)
      : engine_(make_default_hasher<Hash>(), allocator) {}
  explicit basic_fixed_map(size_type capacity)
      : basic_fixed_map(capacity, make_default_hasher<Hash>()) {}
  basic_fixed_map(size_type capacity, const Hash& hash, const Allocator& allocator = Allocator())
      : engine_(hash, capacity, allocator) {}
  basic_fixed_map(size_type capacity, const Hash& hash, const KeyEqual&,
                  const Allocator& allocator = Allocator())
      : basic_fixed_map(capacity, hash, allocator) {}
  basic_fixed_map(size_type capacity, const Allocator& allocator)
      : basic_fixed_map(capacity, make_default_hasher<Hash>(), allocator) {}

  /// Throws std::length_error if the elements do not fit.
  template <std::input_iterator Iterator>
  basic_fixed_map(Iterator first, Iterator last, size_type capacity,
                  const Hash& hash = make_default_hasher<Hash>(),
                  const Allocator& allocator = Allocator())
      : basic_fixed_map(capacity, hash, allocator) {
    insert_or_fail(first, last);
  }
  template <std::input_iterator Iterator>
  basic_fixed_map(Iterator first, Iterator last, size_type capacity, const Allocator& allocator)
      : basic_fixed_map(capacity, allocator) {
    insert_or_fail(first, last);
  }
  basic_fixed_map(std::initializer_list<value_type> values, size_type capacity,
                  const Hash& hash = make_default_hasher<Hash>(),
                  const Allocator& allocator = Allocator())
      : basic_fixed_map(values.begin(), values.end(), capacity, hash, allocator) {}
  basic_fixed_map(std::initializer_list<value_type> values, size_type capacity,
                  const Allocator& allocator)
      : basic_fixed_map(values.begin(), values.end(), capacity, allocator) {}
  template <any_range Range, class... Rest>
  basic_fixed_map(from_range_t, Range&& range, size_type capacity, const Rest&... rest) requires
      std::constructible_from<basic_fixed_map, size_type, const Rest&...>
      : basic_fixed_map(capacity, rest...) {
    insert_or_fail(std::begin(range), std::end(range));
  }
  /// \}

  /// Copies are safe beside writers of the source: what they see is that of `cvisit_all`.
  basic_fixed_map(const basic_fixed_map& other) requires std::copy_constructible<T>
      : basic_fixed_map(other, allocator_of_copy(other.engine_.allocator())) {}
  basic_fixed_map(const basic_fixed_map& other,
                  const Allocator& allocator) requires std::copy_constructible<T>
      : engine_(other.hash_function(), allocator) {
    if (other.capacity() == 0) return;
    engine_type made(other.hash_function(), other.capacity(), allocator);
    engine_.swap_elements(made);
    other.cvisit_all(
        [this](const auto& element) { this->try_emplace(element.first, element.second); });
  }
  /// Moves need both maps to be quiet. What was moved from has no capacity.
  basic_fixed_map(basic_fixed_map&& other) noexcept(std::is_nothrow_copy_constructible_v<Hash>)
      : engine_(other.hash_function(), other.engine_.allocator()) {
    engine_.swap_elements(other.engine_);
  }
  /// With another allocator, the elements are moved one by one; if that throws, those that were
  /// moved by then are lost.
  /// - Throws: std::length_error then, before anything has happened, if `T` cannot be moved.
  basic_fixed_map(basic_fixed_map&& other, const Allocator& allocator)
      : engine_(other.hash_function(), allocator) {
    take_from(other);
  }
  ~basic_fixed_map() = default;

  basic_fixed_map& operator=(const basic_fixed_map& other) requires std::copy_constructible<T> {
    assign_copy(*this, other);
    return *this;
  }
  basic_fixed_map& operator=(basic_fixed_map&& other) noexcept(
      (pocma<Allocator> || always_equal<Allocator>)&&  //
      std::is_nothrow_copy_constructible_v<Hash>) {
    assign_moved(*this, other);
    return *this;
  }

  /// Needs both maps to be quiet. The allocators are exchanged if they propagate, else they must be
  /// equal.
  void swap(basic_fixed_map& other) noexcept { exchange_maps(*this, other); }

  hasher hash_function() const { return engine_.hash_function(); }
  key_equal key_eq() const { return engine_.key_eq(); }
  allocator_type get_allocator() const noexcept { return engine_.allocator(); }

  using vocabulary::insert;

  /// Inserts (k, v); a present element is left alone.
  /// - Returns: inserted, exists, or full.
  /// - Linearizes at: the admission of the element; the read of the present one; a moment when no
  ///   slot was free.
  /// - Progress: lock-free beside inserts, erasures, reads and updates; it waits for a callback of
  ///   `compute` and its like that is making an element of the very key.
  /// - Throws: what making `T` throws.
  template <new_key<basic_fixed_map> K = Key, class V = T>
  concur::insert_result insert(K&& k, V&& v) requires std::constructible_from<T, V> {
    return this->try_emplace(std::forward<K>(k), std::forward<V>(v));
  }

  fixed_map_stats stats() const noexcept {
    return {this->size(), this->capacity(), this->load_factor(), sizeof(typename storage::slot),
            engine_.longest_probe()};
  }

 private:
  template <class Iterator, class End>
  void insert_or_fail(Iterator first, End last) {
    for (; first != last; ++first) {
      if (this->insert(*first).full()) fail_length("concur::fixed_map: the elements do not fit");
    }
  }

  void take_from(basic_fixed_map& other) {
    if (other.capacity() == 0) return;
    if (memory_is_exchangeable(*this, other)) {
      engine_.swap_elements(other.engine_);
      return;
    }
    if constexpr (std::move_constructible<T>) {
      engine_type made(other.hash_function(), other.capacity(), engine_.allocator());
      engine_.swap_elements(made);
      this->merge(other);
    } else {
      fail_length("concur::fixed_map: elements that cannot move, and an allocator that differs");
    }
  }

  engine_type& engine() noexcept { return engine_; }
  const engine_type& engine() const noexcept { return engine_; }

  engine_type engine_;
};

}  // namespace detail

template <class T, class Hash, class Allocator>
class fixed_map : public detail::basic_fixed_map<key32, T, Hash, std::equal_to<>, Allocator> {
  using base = detail::basic_fixed_map<key32, T, Hash, std::equal_to<>, Allocator>;

 public:
  using base::base;

  friend void swap(fixed_map& left, fixed_map& right) noexcept { left.swap(right); }
};

/// \name Deduction guides
/// From pairs, of which the first are the keys; the capacity is always named.
/// \{
template <std::input_iterator Iterator, detail::function_argument Hash = digest_hash,
          detail::allocator_argument Allocator = std::allocator<std::byte>>
fixed_map(Iterator, Iterator, std::size_t, Hash = Hash(), Allocator = Allocator())
    -> fixed_map<typename detail::deduced_map<std::iter_value_t<Iterator>>::mapped, Hash,
                 Allocator>;
template <std::input_iterator Iterator, detail::allocator_argument Allocator>
fixed_map(Iterator, Iterator, std::size_t, Allocator)
    -> fixed_map<typename detail::deduced_map<std::iter_value_t<Iterator>>::mapped, digest_hash,
                 Allocator>;
template <detail::any_range Range, detail::function_argument Hash = digest_hash,
          detail::allocator_argument Allocator = std::allocator<std::byte>>
fixed_map(from_range_t, Range&&, std::size_t, Hash = Hash(), Allocator = Allocator())
    -> fixed_map<typename detail::deduced_map<detail::element_of<Range>>::mapped, Hash, Allocator>;
template <detail::any_range Range, detail::allocator_argument Allocator>
fixed_map(from_range_t, Range&&, std::size_t, Allocator)
    -> fixed_map<typename detail::deduced_map<detail::element_of<Range>>::mapped, digest_hash,
                 Allocator>;
template <class Key, class T, detail::function_argument Hash = digest_hash,
          detail::allocator_argument Allocator = std::allocator<std::byte>>
fixed_map(std::initializer_list<std::pair<Key, T>>, std::size_t, Hash = Hash(),
          Allocator = Allocator()) -> fixed_map<T, Hash, Allocator>;
template <class Key, class T, detail::allocator_argument Allocator>
fixed_map(std::initializer_list<std::pair<Key, T>>, std::size_t, Allocator)
    -> fixed_map<T, digest_hash, Allocator>;
template <class T, class Hash, class Allocator>
fixed_map(const fixed_map<T, Hash, Allocator>&, const std::type_identity_t<Allocator>&)
    -> fixed_map<T, Hash, Allocator>;
/// \}

/// What `shared_fixed_map::verify()` returns. It is `true` when all is well.
struct shared_fixed_map_report {
  std::size_t elements;     ///< that are there
  std::size_t owned;        ///< slots that somebody was at work on
  std::size_t unreachable;  ///< elements that no lookup finds
  std::size_t twice;        ///< elements whose key is there once more
  std::size_t corrupt;      ///< slots and bounds that say what no map writes

  explicit operator bool() const noexcept { return unreachable + twice + corrupt == 0; }

  template <class Out>
  friend Out& operator<<(Out& out, const shared_fixed_map_report& r) {
    using detail::stat;
    return detail::print_stats(out, "shared_fixed_map", stat{"elements", r.elements},
                               stat{"owned", r.owned}, stat{"unreachable", r.unreachable},
                               stat{"twice", r.twice}, stat{"corrupt", r.corrupt});
  }
};

template <class T>
struct shared_fixed_map_guarantees : fixed_map_guarantees<T> {
  static constexpr progress read_progress = progress::lock_free;
  static constexpr bool needs_trivially_copyable = true;
};

namespace detail {

/// A shared map with keys of any size, and processes that a test can kill.
template <class Key, class T, class Hash, class KeyEqual, class Processes>
class basic_shared_fixed_map
    : public map_interface<basic_shared_fixed_map<Key, T, Hash, KeyEqual, Processes>, Key, T,
                           fixed_map_traits<Key, T>> {
  static_assert(fixed_map::is_copied<T>,
                "concur::shared_fixed_map: T must be trivially copyable, and copyable");
  static_assert(alignof(T) <= 64, "concur::shared_fixed_map: T must not be over-aligned");
  static_assert(std::is_trivially_copyable_v<Key> && std::has_unique_object_representations_v<Key>,
                "concur::shared_fixed_map: keys are compared by their bytes");
  static_assert(
      seedable_hasher<Hash>,
      "concur::shared_fixed_map: every process makes the same hasher from the seed in the "
      "region: Hash must be constructible from std::uint64_t, and have seed()");

  using vocabulary = map_interface<basic_shared_fixed_map, Key, T, fixed_map_traits<Key, T>>;
  using slot = fixed_map::shared_slot<Key, T>;
  using engine_type = fixed_map::shared_engine<slot, Hash, KeyEqual, Processes>;
  friend struct map_access;
  friend struct fixed_map_test_access;

 public:
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = typename engine_type::allocator_type;
  using size_type = std::size_t;
  using guarantees_type = shared_fixed_map_guarantees<T>;

  /// How long a region must be for `capacity` slots. Throws std::length_error for what no memory
  /// holds.
  static size_type bytes_for(size_type capacity) {
    return fixed_map::region_layout<slot>::bytes_for(capacity);
  }

  /// Makes an empty map of a region, whatever was there, and attaches to it. Nobody else may be
  /// attached to it.
  /// - Throws: std::invalid_argument unless `capacity` is a power of two; `format_error` if the
  ///   region is too short, or does not begin at a multiple of 64 bytes.
  static basic_shared_fixed_map format(std::span<std::byte> region, size_type capacity) {
    return format(region, capacity, random_seed());
  }
  static basic_shared_fixed_map format(std::span<std::byte> region, size_type capacity,
                                       std::uint64_t seed) {
    engine_type::format(region, capacity, seed);
    return attach(region);
  }

  /// The map that lies in a region, which must stay mapped for as long as the object lives. Looks
  /// at every slot, and repairs what dead processes have left; beside others who use the map.
  /// - Throws: `format_error`, whose reason says what is wrong with the region, or that the table
  ///   of processes (128) has no place left.
  [[nodiscard]] static basic_shared_fixed_map attach(std::span<std::byte> region) {
    return basic_shared_fixed_map(region);
  }

  /// Moves need both maps to be quiet. What was moved from is attached to nothing, and always full.
  basic_shared_fixed_map(basic_shared_fixed_map&& other) noexcept { swap(other); }
  basic_shared_fixed_map& operator=(basic_shared_fixed_map&& other) noexcept {
    basic_shared_fixed_map moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~basic_shared_fixed_map() = default;

  /// Exchanges what the two are attached to. Needs both to be quiet.
  void swap(basic_shared_fixed_map& other) noexcept { engine_.swap_contents(other.engine_); }

  hasher hash_function() const { return engine_.hash_function(); }
  key_equal key_eq() const { return engine_.key_eq(); }
  allocator_type get_allocator() const noexcept { return engine_.allocator(); }

  using vocabulary::insert;

  /// As `fixed_map::insert`.
  template <new_key<basic_shared_fixed_map> K = Key, class V = T>
  concur::insert_result insert(K&& k, V&& v) requires std::constructible_from<T, V> {
    return this->try_emplace(std::forward<K>(k), std::forward<V>(v));
  }

  /// Looks at every slot beside all other operations, and repairs what dead processes have left.
  /// After a death `size()` counts the slots, until somebody attaches while nobody else is
  /// attached.
  shared_fixed_map_report verify() {
    const auto found = engine_.verify();
    return {found.elements, found.owned, found.unreachable, found.twice, found.corrupt};
  }

  /// How many are attached: processes, and objects within a process. Those of processes that have
  /// died count until somebody attaches.
  size_type processes() const noexcept { return engine_.processes(); }

  fixed_map_stats stats() const noexcept {
    return {this->size(), this->capacity(), this->load_factor(), sizeof(slot),
            engine_.longest_probe()};
  }

 private:
  basic_shared_fixed_map() = default;
  explicit basic_shared_fixed_map(std::span<std::byte> region) : engine_(region) {}

  engine_type& engine() noexcept { return engine_; }
  const engine_type& engine() const noexcept { return engine_; }

  engine_type engine_;
};

}  // namespace detail

#if !defined(_WIN32)  // who is alive is asked by kill and /proc
template <class T, class Hash>
class shared_fixed_map
    : public detail::basic_shared_fixed_map<key32, T, Hash, std::equal_to<>,
                                            detail::fixed_map::system_processes> {
  using base = detail::basic_shared_fixed_map<key32, T, Hash, std::equal_to<>,
                                              detail::fixed_map::system_processes>;

 public:
  /// As those of the base, whose type nobody needs to name.
  static shared_fixed_map format(std::span<std::byte> region, std::size_t capacity) {
    return shared_fixed_map(base::format(region, capacity));
  }
  static shared_fixed_map format(std::span<std::byte> region, std::size_t capacity,
                                 std::uint64_t seed) {
    return shared_fixed_map(base::format(region, capacity, seed));
  }
  [[nodiscard]] static shared_fixed_map attach(std::span<std::byte> region) {
    return shared_fixed_map(base::attach(region));
  }

  friend void swap(shared_fixed_map& left, shared_fixed_map& right) noexcept { left.swap(right); }

 private:
  explicit shared_fixed_map(base&& attached) : base(std::move(attached)) {}
};
#endif

}  // namespace concur::inline CONCUR_ABI
