// SPDX-License-Identifier: MIT
/// \file
/// Where shards, tables and states of keys come from, and when they are freed: a state or a table
/// that was taken out is freed when no thread announces it (detail/reclaim/leaf_hazard.hpp), states
/// in batches, and mostly without a system call: by the time that the next batch is full, every
/// other thread has begun a section since (detail/reclaim/section_fence.hpp).
///
/// What waits is at most five batches per shard, or as many states in smaller ones, and eight
/// tables, one batch more for each thread that is freeing just then, beside what is announced: two
/// objects per thread. (Should the kernel refuse the fence that it has granted before, nothing is
/// freed.) The memory of a few freed states per shard is kept for the next ones, until the map is
/// cleared or shrunk.
#pragma once

#include <atomic>
#include <concur/detail/lockmap/shard.hpp>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/reclaim/section_fence.hpp>
#include <concur/detail/storage/aligned_units.hpp>
#include <concur/detail/sync/striped_counter.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// What a thread announces while it looks for a key: a table, and a state in it.
class section {
 public:
  section() : section(thread_slots::mine()) {}
  explicit section(thread_slot& mine) noexcept : hazard_(mine) {
    section_fence::begin_leaves(mine);
  }
  ~section() { hazard_.clear_both(); }
  section(const section&) = delete;
  section& operator=(const section&) = delete;

  /// Loads the word of a table, and protects the table: until it is `pause`d, or the end.
  std::uintptr_t protect(const std::atomic<std::uintptr_t>& source) noexcept {
    // acquire: pairs with (3) of shard.hpp.
    std::uintptr_t seen = source.load(std::memory_order_acquire);
    for (;;) {
      announce(seen);
      const std::uintptr_t now = source.load(std::memory_order_acquire);  // acquire: as above
      if (now == seen) [[likely]]
        return seen;
      seen = now;
    }
  }
  /// The first word: nothing is announced in the second one without it.
  void announce(std::uintptr_t table_word) noexcept {
    hazard_.announce(table_word);
    section_fence::after_first_leaf(hazard_.slot());
  }
  void announce(const key_state& state) noexcept {
    hazard_.announce_second(reinterpret_cast<std::uintptr_t>(&state));
  }
  /// User code is about to run, or a sleep.
  void pause() noexcept { hazard_.clear_both(); }

  /// Whether the keys have been compared: one of them may not be there yet.
  bool is_certain = true;

 private:
  hazard_announcement hazard_;
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

  /// Whether something may lie behind a state, which depends on the options of the map.
  static constexpr bool has_tails = requires { typename state_type::tail_type; };

  /// The key of a new element is made when its value is, of the caller's, who may have it moved.
  static constexpr bool keys_come_late =
      !std::is_trivially_copyable_v<Key> || !std::is_copy_constructible_v<Key>;

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
  shard& shard_of(const state_type& state) const noexcept {
    // relaxed: there is a state, and whoever gave it to us saw the shards.
    return shards_.load(std::memory_order_relaxed)[layout::shard_of(state.hash())];
  }
  CONCUR_NOINLINE shard* make_shards() {
    shard* const made = static_cast<shard*>(aligned::allocate(allocator_, shard_units));
    for (std::size_t i = 0; i < layout::shard_count; ++i) ::new (made + i) shard;
    for (std::size_t i = 0; i < count_stripes; ++i) ::new (stripes_behind(made) + i) count_stripe;
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

  // The number of elements.

  using count_stripe = striped_counter::stripe;
  static constexpr std::size_t count_stripes = striped_counter::stripe_count;
  static count_stripe* stripes_behind(shard* all) noexcept {
    return reinterpret_cast<count_stripe*>(all + layout::shard_count);
  }

  void count(const state_type& state, int change) noexcept { count(state.hash(), change); }
  /// The same for a state of that hash.
  void count(std::uint64_t hash, int change) noexcept {
    // relaxed: as shard_of
    shard* const all = shards_.load(std::memory_order_relaxed);
    const thread_slot* const me = thread_slots::find_mine();
    if (me != nullptr && me->index < count_stripes) [[likely]] {
      std::atomic<std::int64_t>& mine = stripes_behind(all)[me->index].value;
      // relaxed: a word of this thread alone, as in striped_counter.hpp; a number.
      mine.store(mine.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
    } else {
      // relaxed: a number that orders nothing.
      all[layout::shard_of(hash)].elements.fetch_add(change, std::memory_order_relaxed);
    }
  }
  std::int64_t count_of_elements() const noexcept {
    std::int64_t total = 0;
    if (shard* const all = shards()) {
      // relaxed: numbers that order nothing.
      for (std::size_t i = 0; i < layout::shard_count; ++i) {
        total += all[i].elements.load(std::memory_order_relaxed);
      }
      for (std::size_t i = 0; i < count_stripes; ++i) {
        total += stripes_behind(all)[i].value.load(std::memory_order_relaxed);
      }
    }
    return total;
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
      state_ = owner_.make_state(owner_.memory_for_state(hash), hash, word);
      make_key(*state_, owner_.allocator_);
    }

   private:
    engine_memory& owner_;
    state_type* state_ = nullptr;
  };

  state_type* make_state(void* memory, std::uint64_t hash, key_word word) const noexcept {
    auto* const made = ::new (memory) state_type(hash, word);
    if constexpr (has_tails) {
      if (with_tails_) ::new (static_cast<void*>(made + 1)) typename state_type::tail_type;
    }
    return made;
  }
  void free_state(state_type& state) noexcept {
    state.~state_type();
    free_memory(&state);
  }
  /// Of a state that has been destroyed, or a spare.
  void free_memory(void* of_state) noexcept {
    rebind<allocator_type, state_unit> allocator(allocator_);
    deallocate(allocator, static_cast<state_unit*>(of_state), units_of_state());
  }
  void* memory_for_state(std::uint64_t hash) {
    if constexpr (Tuning::spare_states != 0) {
      // relaxed: whoever makes a state has seen the shards.
      shard& s = shards_.load(std::memory_order_relaxed)[layout::shard_of(hash)];
      if (s.has_spares()) {
        const lock_holder locked(s.lock);
        if (void* const spare = s.take_spare()) return spare;
      }
    }
    rebind<allocator_type, state_unit> allocator(allocator_);
    return detail::allocate(allocator, units_of_state());
  }

  /// While few threads are to be asked, a batch may be small.
  static std::size_t retire_batch() noexcept {
    return Tuning::few_threads != 0 && thread_slots::indices_in_use() <= Tuning::few_threads
               ? (Tuning::retire_batch + 3) / 4
               : Tuning::retire_batch;
  }
  /// A state that died: out of the table, under the lock of its shard. Where nobody looks at a key
  /// without a pin it is still the caller's, whose key is to be destroyed first: see retire_buried.
  key_state* bury(shard& s, state_type& dead) noexcept {
    s.unlink(dead, dead.hash(), layout::log2_shards);
    return compares_unpinned ? s.retire(dead, retire_batch()) : nullptr;
  }
  /// After the lock; with what `bury` returned.
  void retire_buried(shard& s, state_type& dead, key_state* batch) noexcept {
    if constexpr (!compares_unpinned) {
      dead.drop_key();
      const lock_holder locked(s.lock);
      batch = s.retire(dead, retire_batch());
    }
    if (batch != nullptr) free_states(s, batch);
  }

  /// A batch. What is not settled waits for the next one: instead of the heavy fence, a few times.
  /// Often it helps: some thread was slow, or has lost its processor in the middle of a section.
  CONCUR_NOINLINE void free_states(shard& s, key_state* fresh) noexcept {
    const thread_slot& me = thread_slots::mine_or_nobodys();
    const waiting_states waited = s.take_waiting();
    settled known = section_fence::try_settle<announces::leaves>(me, waited.era);
    if (known == settled::nothing) {
      if (waited.batches < Tuning::waiting_batches * (Tuning::retire_batch / retire_batch())) {
        s.wait(waiting_states::joined(fresh, waited.first), waited.batches + 1);
        return;
      }
      known = section_fence::settle<announces::leaves>(me, waited.era);
    }
    free_settled(s, waited.first, known != settled::nothing);
    if (known == settled::everything) {
      free_settled(s, fresh, true);
    } else {
      s.wait(fresh, 1);
    }
  }
  /// Frees what is not announced, if it `may`; some of the memory is for the next ones.
  void free_settled(shard& s, key_state* list, bool may) noexcept {
    static_assert(sizeof(state_type) >= sizeof(spare_memory) &&
                  alignof(state_type) >= alignof(spare_memory));
    spare_chain spares;
    std::size_t room = s.room_for_spares(Tuning::spare_states);
    key_state* kept = nullptr;
    while (list != nullptr) {
      state_type* const state = static_cast<state_type*>(list);
      list = state->next_retired();
      // As it is announced: the state may begin before.
      const auto address = reinterpret_cast<std::uintptr_t>(static_cast<const key_state*>(state));
      if (!may || leaf_hazard::is_protected(address, ~std::uintptr_t{0})) {
        state->set_next_retired(kept);
        kept = state;
      } else if (room != 0) {
        --room;
        state->~state_type();
        spares.add(*::new (static_cast<void*>(state)) spare_memory{});
      } else {
        free_state(*state);
      }
    }
    if (kept != nullptr) s.wait(kept, 1);
    s.give_spares(spares);
  }
  void free_spares(shard& s) noexcept {
    spare_memory* spare = s.take_spares();
    while (spare != nullptr) free_memory(std::exchange(spare, spare->next));
  }
  /// Frees what can be freed of what waits, and what is spare.
  void free_retired(shard& s) noexcept {
    s.lock.lock();
    key_state* const states = s.take_retired();
    s.lock.unlock();
    key_state* const waited = s.take_waiting().first;
    if (states != nullptr || waited != nullptr) {
      const bool may = leaf_hazard::settle();
      free_settled(s, states, may);
      free_settled(s, waited, may);
    }
    free_spares(s);
  }
  void free_retired() noexcept {
    if (shards() == nullptr) return;
    for_each_shard([this](shard& s) { free_retired(s); });
    if (table* const list = take_retired_tables()) free_tables(list, leaf_hazard::settle());
  }

  // Tables.

  table& make_table(unsigned log2_slots) {
    const std::size_t slots = checked_multiply(std::size_t{1} << log2_slots, sizeof(table::slot));
    const std::size_t units = aligned::units_for(checked_add(slots, sizeof(table)));
    void* const memory = aligned::allocate(allocator_, units);
    table* const made = ::new (memory) table{memory, units, log2_slots};
    auto* const first = reinterpret_cast<table::slot*>(made + 1);
    for (std::size_t i = 0; i < std::size_t{1} << log2_slots; ++i) ::new (first + i) table::slot(0);
    return *made;
  }
  void free_table(table& t) noexcept { aligned::deallocate(allocator_, t.memory, t.units); }

  /// Tables that were replaced, of all shards: in the first one.
  table* take_retired_tables() noexcept {
    return shards_.load(std::memory_order_relaxed)->take_retired_tables();  // relaxed: as shard_of
  }
  void keep_retired(table& old) noexcept {
    shards_.load(std::memory_order_relaxed)->keep_retired(old);  // relaxed: as shard_of
  }

  /// Frees those that nobody announces, if it `may`.
  void free_tables(table* list, bool may) noexcept {
    while (list != nullptr) {
      table& t = *list;
      list = t.next_retired;
      const auto address = reinterpret_cast<std::uintptr_t>(&t);
      if (may && !leaf_hazard::is_protected(address, table::address_mask)) {
        free_table(t);
      } else {
        keep_retired(t);
      }
    }
  }
  /// Those that were replaced before go now, if they are settled; or, if they are many, by the
  /// heavy fence.
  void retire_table(table& old) noexcept {
    old.retired_era = era_clock::begin_next();
    table* const waited = take_retired_tables();
    std::uint64_t era = 0;
    std::size_t count = 0;
    for (const table* t = waited; t != nullptr; t = t->next_retired) {
      if (t->retired_era > era) era = t->retired_era;
      ++count;
    }
    const thread_slot& me = thread_slots::mine_or_nobodys();
    settled known = section_fence::try_settle<announces::leaves>(me, era);
    if (known == settled::nothing && count >= most_tables_waiting) {
      known = section_fence::settle<announces::leaves>(me, era);
    }
    free_tables(waited, known != settled::nothing);
    old.next_retired = nullptr;
    free_tables(&old, known == settled::everything);
  }

  /// Gives the shard a table of 2^log2 slots, unless somebody else has replaced `seen`.
  CONCUR_NOINLINE void replace_table(shard& s, std::uintptr_t seen, unsigned log2_slots) {
    table& fresh = make_table(log2_slots);
    table* const old = s.template replace<state_type>(fresh, seen, layout::log2_shards);
    if (old == &fresh) {
      free_table(fresh);
    } else if (old != nullptr) {
      retire_table(*old);
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
      for (key_state* state : {s.take_retired(), s.take_waiting().first}) {
        while (state != nullptr) {
          free_state(*static_cast<state_type*>(std::exchange(state, state->next_retired())));
        }
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

  /// So many tables may wait.
  static constexpr std::size_t most_tables_waiting = 8;

  std::atomic<shard*> shards_{nullptr};
  CONCUR_NO_UNIQUE_ADDRESS hasher hash_;
  CONCUR_NO_UNIQUE_ADDRESS key_equal equal_;
  CONCUR_NO_UNIQUE_ADDRESS allocator_type allocator_;
  struct no_tails {};
  CONCUR_NO_UNIQUE_ADDRESS std::conditional_t<has_tails, bool, no_tails> with_tails_{};

  /// As shards are aligned.
  using aligned = aligned_units<allocator_type, alignof(shard)>;
  static_assert(alignof(table) <= alignof(shard));

 private:
  struct alignas(alignof(state_type)) state_unit {
    unsigned char bytes[alignof(state_type)];
  };
  std::size_t units_of_state() const noexcept {
    constexpr std::size_t units = sizeof(state_type) / sizeof(state_unit);
    if constexpr (has_tails) {
      constexpr std::size_t tail = sizeof(typename state_type::tail_type);
      static_assert(alignof(typename state_type::tail_type) <= alignof(state_type));
      if (with_tails_) return units + (tail + sizeof(state_unit) - 1) / sizeof(state_unit);
    }
    return units;
  }

  static constexpr std::size_t shard_units = aligned::units_for(
      sizeof(shard) * layout::shard_count + sizeof(count_stripe) * count_stripes);

  void free_shards(shard* all) noexcept {
    for (std::size_t i = 0; i < count_stripes; ++i) stripes_behind(all)[i].~count_stripe();
    for (std::size_t i = 0; i < layout::shard_count; ++i) all[i].~shard();
    aligned::deallocate(allocator_, all, shard_units);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
