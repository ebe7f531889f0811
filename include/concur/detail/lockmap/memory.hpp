// SPDX-License-Identifier: MIT
/// \file
/// Where shards, tables and states of keys come from, and when they are freed: a state or a table
/// that was taken out is freed when no thread announces it (detail/reclaim/leaf_hazard.hpp), in
/// batches, because asking costs a system call. What waits is at most a batch per shard, and what
/// is announced: two objects per thread. Where the tuning says so, the memory of freed states is
/// kept for the next ones.
#pragma once

#include <atomic>
#include <concur/detail/lockmap/shard.hpp>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// What a thread announces while it looks for a key: a table, and a state in it.
class section {
 public:
  section() = default;
  // The hazard clears the first once more: a store to a line that is at hand.
  ~section() { hazard_.clear_both(); }
  std::uintptr_t protect(const std::atomic<std::uintptr_t>& source) noexcept {
    return hazard_.protect(source);
  }
  void announce(std::uintptr_t table_word) noexcept { hazard_.announce(table_word); }
  void announce(const key_state& state) noexcept {
    hazard_.announce_second(reinterpret_cast<std::uintptr_t>(&state));
  }
  /// User code is about to run, or a sleep.
  void pause() noexcept { hazard_.clear_both(); }

  /// Whether the keys have been compared: one of them may not be there yet.
  bool is_certain = true;

 private:
  leaf_hazard hazard_;
};

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
class engine_memory {
 public:
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using state_type = typename Tuning::template state<Key, T>;
  using layout = hash_layout<Tuning::log2_shards>;

  /// Keys are compared without a pin: see is_plain_key. A key that died is then still looked at.
  static constexpr bool compares_unpinned = is_plain_key<Key> && is_plain_equal<KeyEqual, Key>;

  /// The key of a new element is made when its value is, of the caller's, who may have it moved.
  static constexpr bool keys_come_late = !std::is_trivially_copyable_v<Key>;

  const hasher& hash_function() const noexcept { return hash_; }
  const key_equal& key_eq() const noexcept { return equal_; }
  const allocator_type& allocator() const noexcept { return allocator_; }

 protected:
  engine_memory(const Hash& hash, const KeyEqual& equal, const Allocator& allocator)
      : hash_(hash), equal_(equal), allocator_(allocator) {}
  engine_memory(const engine_memory&) = delete;
  engine_memory& operator=(const engine_memory&) = delete;
  ~engine_memory() { release_all(); }

  // Shards.

  shard* shards() const noexcept {
    return shards_.load(std::memory_order_acquire);  // (1) acquire: pairs with (2).
  }
  shard& shard_of(const key_state& state) const noexcept {
    // relaxed: there is a state, and whoever gave it to us saw the shards.
    return shards_.load(std::memory_order_relaxed)[layout::shard_of(state.hash)];
  }
  CONCUR_NOINLINE shard* make_shards() {
    shard* const made = static_cast<shard*>(allocate_units(shard_units));
    for (std::size_t i = 0; i < layout::shard_count; ++i) ::new (made + i) shard;
    shard* expected = nullptr;
    // (2) release: publishes the shards; pairs with (1). acquire: those of another thread.
    if (shards_.compare_exchange_strong(expected, made, std::memory_order_release,
                                        std::memory_order_acquire)) {
      return made;
    }
    free_shards(made);
    return expected;
  }
  template <class F>
  void for_each_shard(F&& f) const {
    if (shard* all = shards()) {
      for (std::size_t i = 0; i < layout::shard_count; ++i) f(all[i]);
    }
  }

  // States.

  /// A state that is not in the table yet.
  class prepared_state {
   public:
    explicit prepared_state(engine_memory& owner) noexcept : owner_(owner) {}
    prepared_state(const prepared_state&) = delete;
    prepared_state& operator=(const prepared_state&) = delete;
    ~prepared_state() {
      if (state_ != nullptr) owner_.free_state(*state_);
    }
    explicit operator bool() const noexcept { return state_ != nullptr; }
    state_type& operator*() const noexcept { return *state_; }
    state_type* release() noexcept { return std::exchange(state_, nullptr); }

    template <class MakeKey>
    void make(std::uint64_t hash, key_word word, MakeKey& make_key) {
      state_ = ::new (owner_.memory_for_state(hash)) state_type(hash, word);
      make_key(*state_);
    }

   private:
    engine_memory& owner_;
    state_type* state_ = nullptr;
  };

  void free_state(state_type& state) noexcept {
    state.~state_type();
    free_memory(&state);
  }
  /// Of a state that has been destroyed, or a spare.
  void free_memory(void* of_state) noexcept {
    rebind<allocator_type, state_type> allocator(allocator_);
    deallocate(allocator, static_cast<state_type*>(of_state), 1);
  }
  void* memory_for_state(std::uint64_t hash) {
    if constexpr (Tuning::spare_states != 0) {
      // relaxed: whoever makes a state has seen the shards.
      shard* const all = shards_.load(std::memory_order_relaxed);
      if (void* spare = all[layout::shard_of(hash)].take_spare()) return spare;
    }
    rebind<allocator_type, state_type> allocator(allocator_);
    return detail::allocate(allocator, 1);
  }

  /// A state that died: out of the table, under the lock of its shard. Where nobody looks at a key
  /// without a pin it is still the caller's, whose key is to be destroyed first: see retire_buried.
  key_state* bury(shard& s, key_state& dead) noexcept {
    s.unlink(dead, layout::log2_shards);
    return compares_unpinned ? s.retire(dead, Tuning::retire_batch) : nullptr;
  }
  /// After the lock; with what `bury` returned.
  void retire_buried(shard& s, state_type& dead, key_state* batch) noexcept {
    if constexpr (!compares_unpinned) {
      // relaxed: nobody looks at the key of a dead state.
      if (dead.has_key.exchange(false, std::memory_order_relaxed)) dead.key.~Key();
      const lock_holder locked(s.lock);
      batch = s.retire(dead, Tuning::retire_batch);
    }
    if (batch != nullptr) free_states(s, batch);
  }

  CONCUR_NOINLINE void free_states(shard& s, key_state* list) noexcept {
    static_assert(sizeof(state_type) >= sizeof(spare_memory) &&
                  alignof(state_type) >= alignof(spare_memory));
    spare_memory* spares = nullptr;
    if constexpr (Tuning::spare_states != 0) {
      spares =
          s.spares.exchange(nullptr, std::memory_order_acquire);  // acquire: as (6) of shard.hpp
    }
    std::size_t length = spares == nullptr ? 0 : spares->length;
    const bool may_free = leaf_hazard::settle();
    while (list != nullptr) {
      state_type* const state = static_cast<state_type*>(list);
      list = state->next_retired;
      const auto address = reinterpret_cast<std::uintptr_t>(state);
      if (!may_free || leaf_hazard::is_protected(address, ~std::uintptr_t{0})) {
        const lock_holder locked(s.lock);
        s.retire(*state, std::size_t(-1));
      } else if (length + 1 <= Tuning::spare_states) {
        state->~state_type();
        spares = ::new (static_cast<void*>(state)) spare_memory{spares, ++length};
      } else {
        free_state(*state);
      }
    }
    if (spares != nullptr) s.give_spares(spares);
  }
  void free_spares(shard& s) noexcept {
    // acquire: as (6) of shard.hpp
    spare_memory* spare = s.spares.exchange(nullptr, std::memory_order_acquire);
    while (spare != nullptr) free_memory(std::exchange(spare, spare->next));
  }
  /// Frees what can be freed of what waits, and what is spare.
  void free_retired(shard& s) noexcept {
    s.lock.lock();
    key_state* const states = s.take_retired();
    s.lock.unlock();
    if (states != nullptr) free_states(s, states);
    if (table* list = s.take_retired_tables()) free_tables(s, list);
    free_spares(s);
  }

  // Tables.

  table& make_table(unsigned log2_slots) {
    const std::size_t slots = checked_multiply(std::size_t{1} << log2_slots, sizeof(table::slot));
    const std::size_t units = units_for(checked_add(slots, sizeof(table)));
    void* const memory = allocate_units(units);
    table* const made = ::new (memory) table{memory, units, log2_slots};
    auto* const first = reinterpret_cast<table::slot*>(made + 1);
    for (std::size_t i = 0; i < std::size_t{1} << log2_slots; ++i) ::new (first + i) table::slot(0);
    return *made;
  }
  void free_table(table& t) noexcept { deallocate_units(t.memory, t.units); }

  void free_tables(shard& s, table* list) noexcept {
    const bool may_free = leaf_hazard::settle();
    while (list != nullptr) {
      table& t = *list;
      list = t.next_retired;
      if (may_free &&
          !leaf_hazard::is_protected(reinterpret_cast<std::uintptr_t>(&t), table::address_mask)) {
        free_table(t);
      } else {
        s.keep_retired(t);
      }
    }
  }

  /// Gives the shard a table of 2^log2 slots, unless somebody else has replaced `seen`.
  CONCUR_NOINLINE void replace_table(shard& s, std::uintptr_t seen, unsigned log2_slots) {
    table& fresh = make_table(log2_slots);
    table* const old = s.replace(fresh, seen, layout::log2_shards);
    if (old == &fresh) {
      free_table(fresh);
    } else if (old != nullptr) {
      s.keep_retired(*old);
      free_tables(s, s.take_retired_tables());
    }
  }

  /// Needs quiet: gives back everything; the map is an empty one.
  void release_all() noexcept {
    // relaxed: the caller's quiet orders all of these.
    shard* const all = shards_.exchange(nullptr, std::memory_order_relaxed);
    if (all == nullptr) return;
    for (std::size_t i = 0; i < layout::shard_count; ++i) {
      shard& s = all[i];
      if (const std::uintptr_t word = s.table_word()) {
        table_view(word, layout::log2_shards).for_each([this](key_state& state) {
          CONCUR_ASSERT(state.look().is_free() && !state.look().is_waiting() &&
                        "a lockmap entry outlives its map");
          free_state(static_cast<state_type&>(state));
        });
        free_table(*table::of(word));
      }
      for (key_state* state = s.take_retired(); state != nullptr;) {
        key_state* const next = state->next_retired;
        free_state(*static_cast<state_type*>(state));
        state = next;
      }
      for (table* t = s.take_retired_tables(); t != nullptr;) {
        table* const next = t->next_retired;
        free_table(*t);
        t = next;
      }
      free_spares(s);
    }
    free_shards(all);
  }

  /// Needs both maps to be quiet.
  void swap_elements(engine_memory& other) noexcept {
    // relaxed: the caller's quiet orders all of these.
    shards_.store(
        other.shards_.exchange(shards_.load(std::memory_order_relaxed), std::memory_order_relaxed),
        std::memory_order_relaxed);
  }

  std::atomic<shard*> shards_{nullptr};
  CONCUR_NO_UNIQUE_ADDRESS hasher hash_;
  CONCUR_NO_UNIQUE_ADDRESS key_equal equal_;
  CONCUR_NO_UNIQUE_ADDRESS allocator_type allocator_;

  /// Memory is taken in units that every allocator can align, because one need not honour more, and
  /// aligned here, as shards are. The unit before it says where the memory begins.
  static constexpr std::size_t alignment = alignof(shard);
  struct memory_unit {
    alignas(std::max_align_t) unsigned char bytes[alignof(std::max_align_t)];
  };
  static constexpr std::size_t spare_units = alignment / sizeof(memory_unit);
  static_assert(alignof(table) <= alignment && sizeof(memory_unit) >= sizeof(void*));

  static constexpr std::size_t units_for(std::size_t bytes) {
    return checked_add(bytes, sizeof(memory_unit) - 1) / sizeof(memory_unit) + spare_units;
  }
  void* allocate_units(std::size_t units) {
    rebind<allocator_type, memory_unit> allocator(allocator_);
    memory_unit* memory = allocate(allocator, units);
    const auto behind = reinterpret_cast<std::uintptr_t>(memory) & (alignment - 1);
    memory_unit* aligned = memory + (alignment - behind) / sizeof(memory_unit);
    ::new (static_cast<void*>(aligned - 1)) memory_unit*(memory);
    return aligned;
  }
  void deallocate_units(void* aligned, std::size_t units) noexcept {
    memory_unit* before = static_cast<memory_unit*>(aligned) - 1;
    rebind<allocator_type, memory_unit> allocator(allocator_);
    deallocate(allocator, *std::launder(reinterpret_cast<memory_unit**>(before)), units);
  }

 private:
  static constexpr std::size_t shard_units = units_for(sizeof(shard) * layout::shard_count);

  void free_shards(shard* all) noexcept {
    for (std::size_t i = 0; i < layout::shard_count; ++i) all[i].~shard();
    deallocate_units(all, shard_units);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
