// SPDX-License-Identifier: MIT
/// \file
/// The seqmap engine: open addressing over cache lines that are buckets, read without locks.
///
///   map      root word, hasher, equality    read by everybody, written when a table is replaced
///   table    [b][b][b][b] ...               bucket = state, directory, keys, values: one line
///
/// Hit at home (80 to 95 %):  root, equal to the thread's lasting announcement; then in one line:
///     directory, state, keys (one comparison of all), value, state again. No write, no fence, no
///     atomic read-modify-write. Wide keys: the tags, and the one key that has the tag, often in
///     another line.
/// Miss (98 %):  the same without the value and the last load; one bit of the directory.
/// Insert, update, erase:  the same first: what changes nothing is done then. Else one
///     compare-and-swap that takes the bucket's lock from the state that was read, plain stores,
///     one release store that publishes and unlocks. Another such pair if the element is displaced.
///
/// Linearization points:
///     read        the load of the state (hit: the value is of that version)
///     insert      the release of the lock of the bucket with the cell; displaced: the later of
///                 that and the directory's store
///     update      one word: the store of the value; several: the release of the lock
///     erase       the publication of the state without the cell
///     A key changes tables by the store that says "moved", without changing its value.
///
/// Sources: Boehm, "Can Seqlocks Get Along with Programming Language Memory Models?" (MSPC 2012);
/// Purcell and Harris, "Non-blocking Hashtables with Open Addressing" (DISC 2005) for bounds kept
/// in the home bucket; Maier, Sanders, Dementiev, "Concurrent Hash Tables: Fast and General(?)!"
/// (TOPC 2019) for cooperative migration.
#pragma once

#include <array>
#include <concur/detail/config.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/detail/seqmap/element.hpp>
#include <concur/detail/seqmap/traversal.hpp>
#include <concur/detail/sync/reentrancy.hpp>
#include <optional>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::seqmap {

template <class Key, class T, class Hash, class KeyEqual, class Allocator,
          class Tuning = default_tuning>
class engine : public traversal<engine_types<Key, T, Hash, KeyEqual, Allocator, Tuning>,
                                engine<Key, T, Hash, KeyEqual, Allocator, Tuning>> {
  using types = engine_types<Key, T, Hash, KeyEqual, Allocator, Tuning>;
  using base = traversal<types, engine>;
  using typename base::bucket;

  /// A key that is compared by its bytes.
  template <class K>
  static constexpr bool can_match = types::compares_bytes&& std::is_same_v<K, Key>;

  template <class K>
  using as_argument = std::conditional_t<can_match<K> && sizeof(K) <= 16, const K, const K&>;
  template <class V>
  using copied_if_small = std::conditional_t<sizeof(V) <= 16, const V, const V&>;

 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;

  static constexpr bool callback_is_exclusive = true;
  static constexpr bool compares_bytes = types::compares_bytes;

  static constexpr std::size_t cells_per_bucket = types::bucket::cell_count;
  static constexpr std::size_t bucket_bytes = sizeof(typename types::bucket);

  engine(const Hash& hash, const KeyEqual& equal, const Allocator& allocator)
      : base(hash, equal, allocator) {}

  /// In 1/64; of the present table unless it was set.
  unsigned max_load() const noexcept {
    // relaxed: a hint
    return base::max_load(base::log2_of(this->root_.load(std::memory_order_relaxed)));
  }
  void set_max_load(unsigned in_64ths) noexcept {
    this->max_load_.store(in_64ths, std::memory_order_relaxed);  // relaxed: a setting
  }

  void copy_settings(const engine& other) noexcept {
    // relaxed: a setting
    this->max_load_.store(other.max_load_.load(std::memory_order_relaxed),
                          std::memory_order_relaxed);
  }

  /// These need both maps to be quiet. Contents and functions, without the allocators:
  void swap_contents(engine& other) noexcept { base::swap_contents(other); }
  void swap_elements(engine& other) noexcept { base::swap_elements(other); }
  void swap_everything(engine& other) noexcept {
    base::swap_contents(other);
    using std::swap;
    swap(this->allocator_, other.allocator_);
  }
  /// Gives everything back, and takes over what `other` has, its allocator included.
  void become(engine& other) noexcept {
    this->release_all();
    this->allocator_ = std::move(other.allocator_);
    base::swap_contents(other);
  }

  /// Fetches the home of a key that will be read soon.
  void prefetch(std::uint64_t hash) const noexcept {
    // relaxed: an address to prefetch, which need not be right.
    prefetch_to_read(table::home(this->root_.load(std::memory_order_relaxed), hash));
  }

  /// f(const value_type&) on a copy of the element, if there is one; nothing is held meanwhile.
  template <class K, class F>
  CONCUR_FORCEINLINE bool read(std::uint64_t hash, const K& key, F&& f) const {
    if constexpr (can_match<K>) {
      std::optional<T> value;
      if (read_at_home(hash, key, value)) [[likely]] {
        if (!value) return false;
        const value_type copy(key, *value);
        std::forward<F>(f)(copy);
        return true;
      }
      std::optional<T> displaced_value;
      const outcome o = read_displaced(hash, key, displaced_value);
      if (o == outcome::absent) return false;
      if (o == outcome::found) {
        const value_type element(key, *displaced_value);
        std::forward<F>(f)(element);
        return true;
      }
    }
    const std::optional<value_type> copy = lookup_everywhere<K>(hash, key);
    if (!copy) return false;
    std::forward<F>(f)(*copy);
    return true;
  }

  /// Inlined, because the callables are: what they refer to stays in registers.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE void modify(std::uint64_t hash, K&& key, OnAbsent&& on_absent,
                                 OnPresent&& on_present) {
    exclusive_scope::require_inactive(this);
    if constexpr (can_match<std::remove_cvref_t<K>>) {
      constexpr bool inserts_mostly = std::invocable<OnPresent&>;
      if (modify_at_home<inserts_mostly>(hash, key, on_absent, on_present)) [[likely]]
        return;
    }
    modify_anywhere(hash, key, on_absent, on_present);
  }

  /// `modify` for what inserts nothing: a map that was never written to stays without memory, and
  /// an absent key costs a read.
  template <class K, class OnPresent>
  CONCUR_FORCEINLINE bool modify_present(std::uint64_t hash, K&& key, OnPresent&& on_present) {
    exclusive_scope::require_inactive(this);
    bool present = false;
    const auto note = [&](auto& element) {
      present = true;
      on_present(element);
    };
    const auto nothing = [](auto&...) {};
    if constexpr (can_match<std::remove_cvref_t<K>>) {
      if (modify_at_home<false>(hash, key, nothing, note)) [[likely]]
        return present;
    }
    // relaxed: an insertion that this call must see has replaced the root before.
    if (!base::is_empty_word(this->root_.load(std::memory_order_relaxed))) {
      modify_anywhere(hash, key, nothing, note);
    }
    return present;
  }

  /// `modify` with nothing to call: inserts the pair unless the key is there. Whether it did.
  CONCUR_FORCEINLINE bool insert_pair(std::uint64_t hash, const Key& key,
                                      const T& value) requires(can_match<Key>) {
    exclusive_scope::require_inactive(this);
    const auto done = this->insert_at_home(hash, key, value);
    if (done != base::answer::unknown) [[likely]]
      return done == base::answer::yes;
    return insert_pair_anywhere(hash, key, value);
  }

  /// `modify_present` that erases. Whether the key was there.
  template <class K>
  CONCUR_FORCEINLINE bool erase_key(std::uint64_t hash, const K& key) requires(
      std::is_same_v<K, Key>&& can_match<Key>) {
    exclusive_scope::require_inactive(this);
    const auto done = this->erase_at_home(hash, key);
    if (done != base::answer::unknown) [[likely]]
      return done == base::answer::yes;
    return erase_key_anywhere(hash, key);
  }

  /// Removes every element that was there when the call began. O(capacity).
  void clear() {
    this->traverse(hash_range{}, [](auto& element) {
      element.erase();
      return true;
    });
    this->check_load();
  }

  /// Copies of several elements as of one moment: reads all, then checks that nothing they were
  /// read from has changed. Retries for as long as it has. The owner of a bucket's lock may have
  /// changed what its version does not show yet: beside one, two equal readings in a row are
  /// needed.
  template <class... Keys>
  std::array<std::optional<value_type>, sizeof...(Keys)> lookup_together(
      const Keys&... keys) const {
    constexpr std::size_t count = sizeof...(Keys);
    const std::array<std::uint64_t, count> hashes{this->hash(keys)...};
    std::array<std::optional<value_type>, count> result;
    std::array<observation, 2 * count> seen, seen_before;
    lasting_hazard guard;
    struct second_hazard {
      lasting_hazard& guard;
      ~second_hazard() { guard.clear_second(); }
    } second{guard};
    for (backoff wait;; wait.pause()) {
      const std::uintptr_t root = guard.protect(this->root_);
      const std::uint64_t id = table::of(root)->id;
      const auto announce_again = [&] { return this->announce_both(guard, root, id); };
      seen_before = std::exchange(seen, {});
      std::size_t n = 0;
      const auto observe = [&](const observation& o) { seen[n++] = o; };
      std::size_t i = 0;
      // The announcement each time: the equality that ran for the key before may have used a map.
      const auto read_next = [&](const auto& key) {
        result[i].reset();
        const std::size_t at = i++;
        return announce_again() &&
               lookup_in_both(root, hashes[at], key, result[at], announce_again, observe);
      };
      if (!(read_next(keys) && ...) || !announce_again()) continue;
      bool is_unchanged = true;
      bool is_locked = false;
      for (std::size_t k = 0; k < n; ++k) {
        // A miss depends on the directory, which was loaded before the state. Loaded again before
        // the state: who changes it in between holds the lock, or has changed the version.
        is_unchanged &= !seen[k].is_home || seen[k].where->load_displaced().bits() == seen[k].word;
        const state now = seen[k].where->load_state();
        is_unchanged &= now.is_same_version(seen[k].before);
        is_locked |= now.is_locked();
      }
      if (is_unchanged && (!is_locked || seen == seen_before)) return result;
    }
  }

 private:
  friend class locked_element<engine>;
  friend class locked_slot<engine, true>;
  friend class locked_slot<engine, false>;
  friend base;
  using element_type = locked_element<engine>;
  using slot_type = locked_slot<engine>;
  using slot_with_room = locked_slot<engine, true>;
  using typename base::bucket_guard;
  using typename base::cell_place;
  using typename base::home_guard;
  using typename base::size_watch;
  using typename base::state;
  using typename base::table;

  CONCUR_NOINLINE bool insert_pair_anywhere(std::uint64_t hash, as_argument<Key> key,
                                            copied_if_small<T> value) {
    if (this->insert_beside(hash, key, value)) return true;
    bool is_new = false;
    const auto insert = [&](auto& slot) {
      slot.emplace(key, value);
      is_new = true;
    };
    const auto leave = [](auto&&...) {};
    modify_anywhere(hash, key, insert, leave);
    return is_new;
  }

  CONCUR_NOINLINE bool erase_key_anywhere(std::uint64_t hash, as_argument<Key> key) {
    bool is_erased = false;
    const auto erase = [&](auto& element) {
      element.erase();
      is_erased = true;
    };
    const auto nothing = [](auto&...) {};
    // relaxed: an insertion that this call must see has replaced the root before.
    if (!base::is_empty_word(this->root_.load(std::memory_order_relaxed))) {
      modify_anywhere(hash, key, nothing, erase);
    }
    return is_erased;
  }

  enum class outcome { found, absent, again, elsewhere };

  /// What nearly every lookup needs: the key at home, or nowhere. False if it takes more. The guard
  /// and the key do not leave the registers: the rest is a function of its own, which starts anew.
  CONCUR_FORCEINLINE bool read_at_home(std::uint64_t hash, const Key& key,
                                       std::optional<T>& value) const {
    const std::uintptr_t word = this->protected_root();
    const bucket& home = *table::home(word, hash);
    // The directory before the state: see bucket.hpp (2). If it names no such element, then the
    // state that is loaded now shows it at home, or moved, or it is not in the map.
    const displaced_directory directory = home.load_displaced();
    const state before = home.load_state();
    const unsigned found = home.find(key, hash, before.occupied());
    if (found != 0) {
      const auto cell = static_cast<unsigned>(std::countr_zero(found));
      value.emplace(home.copy_value(cell));
      return bucket::can_use(home, before, cell);
    }
    return !directory.may_hold(displaced_directory::tag_of(hash)) && !before.is_moved();
  }

  /// What the answer of a lookup depends on: a bucket's version, and the value's word if it has
  /// only one, which is stored before there is a new version.
  struct observation {
    const bucket* where = nullptr;
    state before;
    std::uint64_t word = 0;
    bool is_home = false;  ///< then `word` is its directory
    friend bool operator==(const observation& a, const observation& b) noexcept {
      return a.where == b.where && a.before.is_same_version(b.before) && a.word == b.word;
    }
  };

  /// The next likely case: the key is one more line away, and nothing moves. `again` if it is not.
  CONCUR_NOINLINE outcome read_displaced(std::uint64_t hash, as_argument<Key> key,
                                         std::optional<T>& value) const {
    const std::uintptr_t word = this->protected_root();
    bucket* home = table::home(word, hash);
    const displaced_directory directory = home->load_displaced();
    const state before = home->load_state();
    if (before.is_moved() || directory.spilled() != 0) return outcome::again;
    const unsigned tag = displaced_directory::tag_of(hash);
    for (unsigned i = 0; i < displaced_directory::entry_count; ++i) {
      if (!directory.matches(i, tag)) continue;
      const bucket& b = *table::of(word)->neighbour(home, directory.distance(i));
      const state seen = b.load_state();
      const unsigned found = b.find(key, hash, seen.displaced());
      if (found == 0) continue;
      const auto cell = static_cast<unsigned>(std::countr_zero(found));
      value.emplace(b.copy_value(cell));
      return bucket::can_use(b, seen, cell) ? outcome::found : outcome::again;
    }
    // Not there, unless it has come home or left with its home meanwhile.
    const bool is_settled =
        home->find(key, hash, before.occupied()) == 0 && home->is_unchanged_since(before);
    return is_settled ? outcome::absent : outcome::again;
  }

  static constexpr auto observe_nothing = [](const observation&) {};

  /// False if the lookup met a change, and everything is to be read again.
  template <class K, class Announce, class Observe>
  bool lookup_in_both(std::uintptr_t root, std::uint64_t hash, const K& key,
                      std::optional<value_type>& result, Announce& announce_again,
                      Observe& observe) const {
    outcome o = lookup_in(root, hash, key, result, announce_again, observe);
    if (o == outcome::elsewhere) {
      if (base::is_empty_word(root)) return true;
      if (!table::is_replacing(root)) return false;
      // acquire: see migration (1)
      const table* next = table::of(root)->next.load(std::memory_order_acquire);
      o = lookup_in(next->word(), hash, key, result, announce_again, observe);
    }
    return o == outcome::found || o == outcome::absent;
  }

  /// Any case: displaced, moved, being published, keys that need the user's equality.
  template <class K>
  CONCUR_NOINLINE std::optional<value_type> lookup_everywhere(std::uint64_t hash,
                                                              as_argument<K> key) const {
    lasting_hazard guard;
    std::optional<value_type> result;
    for (backoff wait;; wait.pause()) {
      const std::uintptr_t root = guard.protect(this->root_);
      const typename base::known_table first(root);
      const auto announce_first = [&] { return this->still_announced(guard, first, first); };
      outcome o = lookup_in(root, hash, key, result, announce_first, observe_nothing);
      if (o == outcome::elsewhere) {
        // acquire: see migration (1)
        const table* next = table::of(root)->next.load(std::memory_order_acquire);
        if (next == nullptr) return result;  // the table of an empty map
        if (this->announce_next(guard, root, next)) {
          const typename base::known_table second(next->word());
          const auto announce_second = [&] { return this->still_announced(guard, second, first); };
          o = lookup_in(second.word, hash, key, result, announce_second, observe_nothing);
        }
      }
      if (o == outcome::found || o == outcome::absent) return result;
    }
  }

  /// Looks into one announced table. `announce_again()` is called after user code, and says whether
  /// the table is still safe; `observe(observation)` for what the answer depends on.
  template <class K, class Announce, class Observe>
  outcome lookup_in(std::uintptr_t word, std::uint64_t hash, const K& key,
                    std::optional<value_type>& result, Announce& announce_again,
                    Observe&& observe) const {
    bucket* home = table::home(word, hash);
    const displaced_directory directory = home->load_displaced();
    const state before = home->load_state();
    if (before.is_moved()) return outcome::elsewhere;
    outcome o = lookup_in_bucket(*home, before, before.at_home(), hash, key, result, announce_again,
                                 observe);
    if (o == outcome::absent) {
      table::of(word)->visit_displaced(home, directory, displaced_directory::tag_of(hash),
                                       [&](bucket& b, unsigned) {
                                         const state seen = b.load_state();
                                         o = lookup_in_bucket(b, seen, seen.displaced(), hash, key,
                                                              result, announce_again, observe);
                                         return o != outcome::absent;
                                       });
      // It may have come home, or left with its home, while we looked elsewhere.
      if (o == outcome::absent && !home->is_unchanged_since(before)) return outcome::again;
    }
    observe(observation{home, before, directory.bits(), true});
    return o;
  }

  template <class K, class Announce, class Observe>
  outcome lookup_in_bucket(const bucket& b, state before, unsigned cells, std::uint64_t hash,
                           const K& key, std::optional<value_type>& result,
                           Announce& announce_again, Observe& observe) const {
    if constexpr (can_match<K>) {
      cells = b.find(key, hash, cells);
    } else {
      cells &= b.tags.match(hash);
    }
    for (; cells != 0; cells &= cells - 1) {
      const auto cell = static_cast<unsigned>(std::countr_zero(cells));
      const Key found = b.copy_key(cell);
      const T value = b.copy_value(cell);
      const observation seen{&b, before, b.values[cell].only_word()};
      // The user's equality sees only keys that were there at one moment.
      if (!b.is_unchanged_since(before)) return outcome::again;
      if (keys_are_equal(this->equal_, found, key)) {
        // Only now: a cell that has but the tag of the key is not waited for.
        if (before.is_publishing(cell)) return outcome::again;
        result.emplace(found, value);
        observe(seen);
        return outcome::found;
      }
      if constexpr (!can_match<K>) {
        // It may have used a map, and with it the announcement.
        if (!announce_again()) return outcome::again;
      }
    }
    return outcome::absent;
  }

  /// What nearly every write needs: the key at home, or nowhere and a cell free at home; nothing
  /// moves, nobody has the lock. False if it takes more: then nothing was done. `Inserts`: whether
  /// this is the place for an insertion, too.
  template <bool Inserts, class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE bool modify_at_home(std::uint64_t hash, const K& key, OnAbsent& on_absent,
                                         OnPresent& on_present) {
    const std::uintptr_t word = this->protected_root();
    if (table::is_replacing(word)) [[unlikely]]
      return false;  // every write does a share of that, the one that changes nothing, too
    bucket& home = *table::home(word, hash);
    // Before the state, for an answer without the lock, as read_at_home does.
    [[maybe_unused]] const displaced_directory before = home.load_displaced();
    const state seen = home.load_state();
    // All that is read from here on is what the lock's owner will find: the lock is taken from this
    // very state, and who changes anything leaves another version.
    const unsigned found = home.find(key, hash, seen.occupied());
    const unsigned tag = displaced_directory::tag_of(hash);
    if constexpr (std::invocable<OnPresent&>) {
      if (found != 0 && home.is_unchanged_since(seen)) {
        on_present();
        return true;
      }
    }
    if constexpr (std::invocable<OnAbsent&>) {
      if (found == 0) {
        const bool is_absent = !before.may_hold(tag) && !seen.is_moved();
        if (is_absent) on_absent();
        return is_absent;
      }
    } else if constexpr (!Inserts) {
      if (found == 0) return false;
    } else {
      if (found == 0 && (seen.vacant() == 0 || home.load_displaced().may_hold(tag))) return false;
    }
    if (seen.is_moved()) return false;
    if (!home.try_lock_from(seen)) [[unlikely]] {
      this->stay_away();
      return false;
    }
    // Each branch with guards of its own: what nothing but inlined code refers to needs no memory.
    if (found != 0) {
      size_watch watch{*this};
      home_guard lock{word, bucket_guard(home, seen), &watch};
      const exclusive_scope scope(this);
      const auto cell = static_cast<unsigned>(std::countr_zero(found));
      element_type present(*this, lock, lock.lock, {&home, cell, 0}, hash);
      on_present(present);
    } else if constexpr (Inserts) {
      size_watch watch{*this};
      home_guard lock{word, bucket_guard(home, seen), &watch};
      const exclusive_scope scope(this);
      slot_with_room absent(*this, lock, hash);
      on_absent(absent);
    }
    return true;
  }

  template <class K, class OnAbsent, class OnPresent>
  CONCUR_NOINLINE void modify_anywhere(std::uint64_t hash, K& key, OnAbsent on_absent,
                                       OnPresent on_present) {
    if constexpr (can_match<std::remove_cv_t<K>> && !std::invocable<OnAbsent&> &&
                  !std::invocable<OnPresent&>) {
      if (modify_at_home<true>(hash, key, on_absent, on_present)) return;
    }
    size_watch watch{*this};
    for (backoff wait; !try_modify(watch, hash, key, on_absent, on_present);) wait.pause();
  }

  /// One attempt; false if the locks could not be had in order, and nothing was done.
  template <class K, class OnAbsent, class OnPresent>
  bool try_modify(size_watch& watch, std::uint64_t hash, K& key, OnAbsent& on_absent,
                  OnPresent& on_present) {
    const auto locked = this->lock_home(hash);
    home_guard home{locked.word, bucket_guard(*locked.where, locked.current), &watch};
    const exclusive_scope scope(this);
    const int cell = find_in(*locked.where, locked.current, locked.current.at_home(), hash, key);
    if (cell >= 0) {
      element_type present(*this, home, home.lock, {locked.where, static_cast<unsigned>(cell), 0},
                           hash);
      on_present(present);
      return true;
    }
    cell_place away{nullptr, 0, 0};
    const displaced_directory directory = locked.where->load_displaced();
    if (directory.may_hold(displaced_directory::tag_of(hash))) [[unlikely]] {
      away = find_displaced<K>(locked.word, locked.where, directory, hash, key);
      if (away.distance == is_torn) return false;
    }
    if (away.where == nullptr) {
      slot_type absent(*this, home, hash);
      on_absent(absent);
      return true;
    }
    bucket_guard second;
    if (!base::lock_another(locked.where, away.where, second)) return false;
    element_type present(*this, home, second, away, hash);
    on_present(present);
    return true;
  }

  /// Where the key is that is not in the cells of its locked home: a null bucket if it is absent,
  /// with the distance `is_torn` if that could not be told.
  template <class K>
  CONCUR_NOINLINE cell_place find_displaced(std::uintptr_t word, bucket* home,
                                            displaced_directory directory, std::uint64_t hash,
                                            const K& key) const {
    cell_place result{nullptr, 0, 0};
    table::of(word)->visit_displaced(
        home, directory, displaced_directory::tag_of(hash), [&](bucket& other, unsigned distance) {
          const state seen = other.load_state();
          const int cell = find_in(other, seen, seen.displaced(), hash, key);
          if (cell == torn) result.distance = is_torn;
          if (cell >= 0) result = {&other, static_cast<unsigned>(cell), distance};
          return cell != not_here;
        });
    return result;
  }

  static constexpr unsigned is_torn = ~0u;
  static constexpr int not_here = -1;
  static constexpr int torn = -2;

  /// The cell of `key` among `cells`. An element whose home we have locked stays where it is; other
  /// cells of a bucket that we have not locked may change: then the answer may be `torn`.
  template <class K>
  int find_in(const bucket& b, state before, unsigned cells, std::uint64_t hash,
              const K& key) const {
    if constexpr (can_match<K> && atomic_words<Key>::is_single_word) {
      cells = b.find(key, hash, cells);
      return cells == 0 ? not_here : std::countr_zero(cells);
    } else {
      if constexpr (can_match<K>) {
        cells = b.find(key, hash, cells);
      } else {
        cells &= b.tags.match(hash);
      }
      for (; cells != 0; cells &= cells - 1) {
        const int cell = std::countr_zero(cells);
        const Key found = b.copy_key(static_cast<unsigned>(cell));
        if (!b.is_unchanged_since(before)) return torn;
        if (keys_are_equal(this->equal_, found, key)) return cell;
      }
      return not_here;
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
