// SPDX-License-Identifier: MIT
/// \file
/// The lockmap engine: a lock in every key, found without a lock.
///
///   map     shards, hasher, equality           written once
///   shard   table, lock, spares | queues        64 of them, made on first use
///   table   [tag|state][tag|state]...           open addressing, replaced when full
///   state   hash | word | key | value          one per key; its address does not change
///
///   operation by key   1 line of the table, 1 of the state, 2 read-modify-writes of its word
///   find, small value  the same lines, nothing written
///   insert, erase      and the shard's lock once (twice where making the key runs user code); an
///                      erasure of a trivially destructible value that nobody is shown takes the
///                      key by no RMW of its own: it kills the state under that lock
///
/// Protocols: key_word.hpp (the word), key_lock.hpp (taking, waiting, handing over), acquire.hpp
/// (finding, making, removing), multi_lock.hpp (many keys), single_flight.hpp (get_or_compute).
///
/// Linearization: an operation by key takes effect while it holds the key; a `find` that takes
/// nothing, at the load of the word that precedes its copy; a miss, at the load of the empty slot,
/// or when the state that it found died.
#pragma once

#include <concepts>
#include <concur/detail/config.hpp>
#include <concur/detail/lockmap/acquire.hpp>
#include <concur/detail/lockmap/element.hpp>
#include <concur/detail/lockmap/single_flight.hpp>
#include <concur/detail/lockmap/traverse.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/policy/hash_traits.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

struct default_tuning {
  static constexpr unsigned log2_shards = 6;
  /// States that wait in a shard until it is worth asking whether they can be freed.
  static constexpr std::size_t retire_batch = 32;
  /// With so many threads batches are a quarter of that. (A batch looks at a line of each thread.)
  static constexpr std::uint32_t few_threads = 0;
  /// So many such batches may wait in a shard until all threads are known to have let go of them,
  /// before a heavy fence makes sure of it.
  static constexpr std::uint32_t waiting_batches = 4;
  /// So much memory of states that were freed may wait in a shard for the next ones, in states.
  static constexpr std::size_t spare_states = 2 * retire_batch;
  /// What lies in memory for a key.
  template <class Key, class T>
  using state = typed_state<Key, T>;
};

/// `Derived` is an engine that is made of this one and restates some of its names, or void.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning,
          class Derived = void>
class engine;

template <class Engine, class Derived>
using made_of = std::conditional_t<std::is_void_v<Derived>, Engine, Derived>;

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning,
          class Derived>
class engine : public engine_locks<
                   Key, T, Hash, KeyEqual, Allocator, Tuning,
                   made_of<engine<Key, T, Hash, KeyEqual, Allocator, Tuning, Derived>, Derived>> {
 protected:
  using self_type = made_of<engine, Derived>;
  using base = engine_locks<Key, T, Hash, KeyEqual, Allocator, Tuning, self_type>;
  using typename base::glance;
  using typename base::no_key;
  using typename base::pinned_state;

 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using lent = lent_element<Key, T>;
  using const_lent = const lent_element<Key, const T>;
  using reference = lent&;
  using const_reference = const_lent&;
  using typename base::layout;
  using typename base::state_type;
  using typename base::taken;
  using grip_type = grip<self_type>;
  using element_type = held_element<self_type>;
  using slot_type = held_slot<self_type>;
  using doomed_type = doomed_value<T>;
  static constexpr bool callback_is_exclusive = true;
  static constexpr bool keys_may_move = true;  ///< see detail/map/exchange.hpp
  /// Whether somebody is told of the values that leave.
  static constexpr bool reports = false;

  engine(const Hash& hash, const KeyEqual& equal, const Allocator& allocator)
      : base(hash, equal, allocator) {}

  template <class K>
  std::uint64_t hash(const K& key) const {
    return mixed_hash(this->hash_, key);
  }
  void prefetch(std::uint64_t hash) const noexcept {
    if (const shard* all = this->shards()) {
      const std::uintptr_t word = all[layout::shard_of(hash)].table_word();
      if (word == 0) return;
      const table_view view(word, layout::log2_shards);
      prefetch_to_read(&view[view.home_of(hash)]);
    }
  }

  // Primitives.

  template <class K, class F>
  bool read(std::uint64_t hash, const K& key, F&& f) const {
    return read_and(hash, key, f, [](state_type&, const auto&) noexcept {});
  }
  /// And `found(state, moment)` while the state is announced or held, before `f`.
  template <class K, class F, class Found>
  bool read_and(std::uint64_t hash, const K& key, F&& f, Found found) const {
    self_type& self = const_cast<self_type&>(static_cast<const self_type&>(*this));
    const auto now = self.moment();
    if constexpr (is_published<T> && base::template compares_unpinned_with<K>) {
      if constexpr (std::is_same_v<K, Key>) {
        // The key that is shown is the caller's: equal keys of these types cannot be told apart.
        copied_value copy;
        const glance seen = self.look_for(hash, key, copy, now, found);
        if (seen == glance::absent) return false;
        if (seen == glance::seen) {
          const_lent shown{key, copy.value};
          f(shown);
          return true;
        }
        const std::optional<T> held = self.copy_holding(hash, key, now, found);
        if (!held) return false;
        const_lent shown{key, *held};
        f(shown);
        return true;
      }
    }
    return self.read_holding(hash, key, f, now, found);
  }

  template <class K, class OnAbsent, class OnPresent>
  void modify(std::uint64_t hash, K&& key, OnAbsent&& on_absent, OnPresent&& on_present) {
    typename self_type::doomed_type doomed;
    grip_type held(self(), take_or_make(hash, key));
    if (held.is_present()) {
      element_type present(held, doomed);
      on_present(present);
    } else {
      slot_type absent(held, doomed);
      on_absent(absent);
    }
  }

  template <class K, class OnPresent>
  bool modify_present(std::uint64_t hash, const K& key, OnPresent&& on_present) {
    typename self_type::doomed_type doomed;
    grip_type held(self(), self().template acquire<lock_mode::exclusive>(hash, key, no_key(),
                                                                         endless_patience()));
    if (!held || !held.is_present()) return false;
    element_type present(held, doomed);
    on_present(present);
    return true;
  }

  /// A present element is seen as by a read, if nobody holds its key.
  template <class K, class OnAbsent>
  bool modify_absent(std::uint64_t hash, const K& key,
                     OnAbsent&& on_absent) requires(std::is_void_v<Derived>) {
    bool is_present = false;
    auto make_key = key_maker_for(key);
    doomed_type doomed;
    grip_type held(*this, this->acquire_unless_seen(hash, key, make_key, is_present));
    if (is_present || held.is_present()) return true;
    slot_type absent(held, doomed);
    on_absent(absent);
    return false;
  }

  /// Removes the element of `key` and shows it to nobody: if it is free, by one compare-and-swap.
  template <class K>
  bool erase_key(std::uint64_t hash, const K& key) requires(
      std::is_void_v<Derived>&& std::is_trivially_destructible_v<T>) {
    if constexpr (base::template compares_unpinned_with<K>) {
      switch (this->bury_found(hash, key)) {
        case attempt::taken:
          return true;
        case attempt::gone:
          return false;
        case attempt::held:
          break;
      }
    }
    return modify_present(hash, key, [](element_type& element) { element.erase(); });
  }

  template <class F>
  bool traverse(hash_range range, F&& f) {
    require_nothing_held();
    return each_state(range, [&](state_type& state) {
      typename self_type::doomed_type doomed;
      grip_type held(self(), self().template take_all_the_same<lock_mode::exclusive>(state));
      if (!held || !held.is_present()) return true;
      element_type present(held, doomed);
      return static_cast<bool>(f(present));
    });
  }

  template <class F>
  bool traverse(hash_range range, F&& f) const {
    engine& self = const_cast<engine&>(*this);
    return self.each_state(range, [&](state_type& state) { return self.show(state, f); });
  }

  template <class F>
  std::uint64_t scan(std::uint64_t cursor, size_type n, F&& f) const {
    if (n == 0) n = 1;
    self_type& self = const_cast<self_type&>(static_cast<const self_type&>(*this));
    walk<self_type> steps(self, hash_range{cursor, ~std::uint64_t{0}});
    size_type seen = 0;
    while (!steps.is_over() && seen < n) {
      steps.step(n < run_homes ? n : run_homes, [&](state_type& state) {
        return self.show(state, [&](auto& shown) {
          ++seen;
          f(shown);
          return true;
        });
      });
    }
    return steps.cursor();
  }

  size_type size() const noexcept {
    const std::int64_t total = this->count_of_elements();
    return total < 0 ? 0 : static_cast<size_type>(total);
  }
  bool empty() const noexcept { return size() == 0; }
  size_type capacity() const noexcept {
    size_type total = 0;
    this->for_each_shard([&](shard& s) {
      if (const std::uintptr_t word = s.table_word()) {
        total += table_view(word, layout::log2_shards).slot_count();
      }
    });
    return total;
  }

  void clear() {
    traverse(hash_range(), [](element_type& element) {
      element.erase(eviction_cause::cleared);
      return true;
    });
    this->free_retired();
  }
  void reserve(size_type n) {
    if (n == 0) return;
    shard* all = this->shards();
    if (all == nullptr) all = this->make_shards();
    // Hashes are spread over the shards with some variance.
    const size_type each = checked_add(n, n / 8) / layout::shard_count + 1;
    const unsigned wanted = shard::log2_for(each);
    for (std::size_t i = 0; i < layout::shard_count; ++i) {
      const std::uintptr_t seen = all[i].table_word();
      if (seen == 0 || table_view(seen, 0).log2_slots() < wanted) {
        this->replace_table(all[i], seen, wanted);
      }
    }
  }
  void shrink_to_fit() {
    this->for_each_shard([this](shard& s) {
      const std::uintptr_t seen = s.table_word();
      if (seen == 0) return;
      const unsigned wanted = s.log2_for_states();
      if (wanted < table_view(seen, 0).log2_slots()) this->replace_table(s, seen, wanted);
    });
    this->free_retired();
  }

  /// get_or_compute.
  template <class K, class MakeKey, class F>
  T compute_once(std::uint64_t hash, const K& key, MakeKey make_key, F& f) {
    return lockmap::compute_once(self(), hash, key, make_key, f);
  }

  template <class Stats>
  Stats stats() const noexcept {
    Stats result{size(), 0, capacity(), 0, 0};
    this->for_each_shard([&](shard& s) {
      const lock_holder locked(s.lock);
      result.keys += s.states;
      result.retired += s.count_retired();
      ++result.shards;
    });
    return result;
  }

  // For guards.

  /// What a thread's holds are of.
  const void* identity() const noexcept { return this; }
  /// A value has been made, or has got a successor in its place.
  void made(state_type& state) noexcept { count(state, 1); }
  void rewritten(state_type&) noexcept {}
  /// Whether the value that is there counts.
  static bool is_valid(const state_type&) noexcept { return true; }
  /// The same as of a moment that is asked for before anything is announced: a clock may be the
  /// user's.
  struct any_moment {
    static bool is_valid(const state_type&) noexcept { return true; }
  };
  static any_moment moment() noexcept { return {}; }
  /// A guard has got a key that it had pinned, or shared.
  static void freshen(state_type&, bool& /*is_present*/) noexcept {}
  using base::count;
  shard_queues queues_of(const state_type& state) const noexcept {
    return this->shard_of(state).queues();
  }
  shard* all_shards() const noexcept { return this->shards(); }
  void require_nothing_held() const {
    if (hold::any_of(identity())) [[unlikely]] {
      fail_deadlock("concur: many keys of a lockmap are asked for by a thread that holds one");
    }
  }
  /// For a search that makes the key of what is absent: of `key` as it is given, or later.
  template <class K>
  static auto key_maker_for([[maybe_unused]] const K& key) noexcept {
    if constexpr (!base::keys_come_late && std::constructible_from<Key, const K&>) {
      return typename base::template key_from<const K&>(key);
    } else {
      return typename base::key_that_comes_later();
    }
  }
  template <class K>
  taken take_or_make(std::uint64_t hash, const K& key) {
    return self().template acquire<lock_mode::exclusive>(hash, key, key_maker_for(key),
                                                         endless_patience());
  }

  /// A share of a key for the time of a callback, or of a copy.
  class share {
   public:
    share(self_type& owner, taken what) noexcept : owner_(owner), what_(what) {
      if (what_.state != nullptr) hold_.link(owner.identity(), *what_.state);
    }
    share(const share&) = delete;
    share& operator=(const share&) = delete;
    ~share() {
      if (what_.state == nullptr) return;
      hold_.unlink();
      owner_.leave_shared(*what_.state);
    }
    explicit operator bool() const noexcept { return what_.is_present; }

    template <class F>
    bool show(F&& f) const {
      const_lent shown{what_.state->key, what_.state->value};
      f(shown);
      return true;
    }
    state_type& state() const noexcept { return *what_.state; }

   private:
    self_type& owner_;
    taken what_;
    held_key hold_;
  };

  // Needs quiet.

  void swap_elements(engine& other) noexcept { base::swap_elements(other); }
  void swap_contents(engine& other) noexcept {
    swap_elements(other);
    using std::swap;
    swap(this->hash_, other.hash_);
    swap(this->equal_, other.equal_);
  }
  void swap_everything(engine& other) noexcept {
    swap_contents(other);
    swap_allocators(this->allocator_, other.allocator_);
  }
  /// Takes everything of `other`, its allocator included, whatever that means for `this`.
  void become(engine& other) noexcept {
    this->release_all();
    swap_contents(other);
    this->allocator_ = std::move(other.allocator_);
  }

 protected:
  self_type& self() noexcept { return static_cast<self_type&>(*this); }

  static constexpr std::size_t run_homes = 64;

  /// Where a copy will be: a value of a type that need not be default-constructible.
  struct copied_value {
    copied_value() noexcept {}
    void set(const T& from) noexcept { ::new (static_cast<void*>(std::addressof(value))) T(from); }
    union {
      T value;
    };
  };

  /// A copy of the value of `key`; `seen(state, now)` while the state is good.
  template <class K, class Moment, class Seen>
  glance look_for(std::uint64_t hash, const K& key, copied_value& copy, const Moment& now,
                  Seen&& seen) {
    shard* const all = this->shards();
    if (all == nullptr) [[unlikely]]
      return glance::absent;
    section where;
    state_type* const state = this->find_state(all[layout::shard_of(hash)], hash, key, where);
    if (state == nullptr) return glance::absent;
    if (!where.is_certain) return glance::held;
    return base::look(
        *state, [&](const state_type& s) { return now.is_valid(s); },
        [&](const T& value) {
          copy.set(value);
          seen(*state, now);
        });
  }

  /// A read that takes the key: out of line, for the sake of those that take nothing.
  template <class K, class F, class Moment, class Found>
  CONCUR_NOINLINE bool read_holding(std::uint64_t hash, const K& key, F&& f, const Moment& now,
                                    Found& found) {
    share held(self(),
               base::template acquire<lock_mode::shared>(hash, key, no_key(), endless_patience()));
    if (!held || !now.is_valid(held.state())) return false;
    found(held.state(), now);
    return held.show(f);
  }

  /// The value, which is small, as `read_holding` would show it.
  template <class K, class Moment, class Found>
  CONCUR_NOINLINE std::optional<T> copy_holding(std::uint64_t hash, const K& key, const Moment& now,
                                                Found& found) {
    std::optional<T> copy;
    read_holding(
        hash, key, [&copy](const auto& e) { copy.emplace(e.second); }, now, found);
    return copy;
  }

  template <class Each>
  bool each_state(hash_range range, Each each) {
    walk<self_type> steps(self(), range);
    while (!steps.is_over()) {
      if (!steps.step(run_homes, each)) return false;
    }
    return true;
  }

  /// Takes a state whose pin the caller gives away.
  template <lock_mode Mode>
  taken take_all_the_same(state_type& state) {
    pinned_state pin(*this, state);
    endless_patience patience;
    this->template take_pinned<Mode>(state, patience);
    pin.release();
    return {&state, state.look().is_present()};
  }

  /// Shows a state, whose pin is given away, to `f`. What `f` says, or true.
  template <class F>
  bool show(state_type& state, F&& f) {
    return show_if(
        state, [this](const state_type& s) { return self().is_valid(s); }, f);
  }
  /// The same, if what is_valid(state) looks at, which is of the same value, is fine.
  template <class IsValid, class F>
  bool show_if(state_type& state, IsValid is_valid, F&& f) {
    if constexpr (is_published<T>) {
      pinned_state pin(*this, state);
      copied_value copy;
      const glance seen = base::look(state, is_valid, [&](const T& value) { copy.set(value); });
      if (seen == glance::absent) return true;
      if (seen == glance::seen) {
        const_lent shown{state.key, copy.value};
        return static_cast<bool>(f(shown));
      }
      pin.release();
    }
    const share held(self(), take_all_the_same<lock_mode::shared>(state));
    if (!held || !is_valid(state)) return true;
    const_lent shown{held.state().key, held.state().value};
    return static_cast<bool>(f(shown));
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
