// SPDX-License-Identifier: MIT
/// \file
/// One of the parts of a map: a table, a lock for whoever changes it or queues, and what has been
/// taken out and may still be looked at. No code of the user's runs under the lock, nothing is
/// allocated or freed under it.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/lockmap/key_lock.hpp>
#include <concur/detail/lockmap/table.hpp>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/sync/parking_lock.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// Where a state was, for the next one.
struct spare_memory {
  spare_memory* next;
};
struct spare_chain {
  spare_memory* first = nullptr;
  spare_memory* last = nullptr;
  std::uint32_t length = 0;

  void add(spare_memory& one) noexcept {
    one.next = first;
    if (first == nullptr) last = &one;
    first = &one;
    ++length;
  }
};

/// Dead states of which it is not known yet who announces them.
struct waiting_states {
  key_state* first = nullptr;
  /// As era_clock::begin_next returned it, after all of them were unlinked.
  std::uint64_t era = ~std::uint64_t{0};
  std::uint32_t batches = 0;  ///< so many have joined

  static key_state* joined(key_state* a, key_state* b) noexcept {
    if (a == nullptr) return b;
    if (b == nullptr) return a;
    key_state* last = a;
    while (key_state* const next = last->next_retired()) last = next;
    last->set_next_retired(b);
    return a;
  }
};

/// What an insertion or a removal touches is on one line with what everybody reads: two threads
/// that write in turns hand over one line, not two.
struct alignas(destructive_distance) shard {
  /// Read by everybody: the table, see table::word, or 0.
  std::atomic<std::uintptr_t> current{0};
  /// Counts insertions of states: who saw it before a probe that found nothing, and sees it again
  /// under the lock, knows that there is still nothing.
  std::atomic<std::uint64_t> arrivals{0};
  parking_lock lock;
  std::atomic<std::uint32_t> spare_count{0};  ///< changes under the lock
  std::size_t used = 0;                       ///< slots that are not empty; under the lock
  std::size_t states = 0;                     ///< in the table; under the lock
  spare_memory* spares = nullptr;             ///< under the lock
  key_state* retired = nullptr;   ///< dead states that may still be looked at; under the lock
  std::size_t retired_count = 0;  ///< under the lock

  // Touched once a batch, or where somebody waits, or never.
  alignas(cache_line_size) waiting_states waiting;  ///< under the lock
  waiting_threads sleepers;                         ///< under the lock
  /// States with a value, as far as they are not counted by the stripes of the map.
  std::atomic<std::int64_t> elements{0};
  std::atomic<table*> retired_tables{nullptr};  ///< in the first shard: of all of them

  shard_queues queues() noexcept { return {lock, sleepers}; }

  enum class insertion : unsigned char { done, look_again, table_is_full, lacks_memory };

  /// Inserts `fresh` if the key of `hash` is still absent: nothing has arrived since
  /// `seen_arrivals`, or nothing of this hash. If it is null, it becomes make(spare memory).
  template <class State, class Make>
  CONCUR_FORCEINLINE insertion insert(key_state*& fresh, std::uint64_t hash,
                                      std::uint64_t seen_arrivals, unsigned log2_shards,
                                      Make make) noexcept {
    const lock_holder locked(lock);
    const std::uintptr_t word = table_word();
    if (word == 0) return insertion::table_is_full;
    const table_view view(word, log2_shards);
    const std::uint64_t now = arrivals.load(std::memory_order_relaxed);  // relaxed: under the lock
    if (now != seen_arrivals && view.has_hash<State>(hash)) return insertion::look_again;
    if (is_full(view.slot_count())) return insertion::table_is_full;
    if (fresh == nullptr) {
      void* const memory = take_spare();
      if (memory == nullptr) return insertion::lacks_memory;
      fresh = make(memory);
    }
    if (view.insert(*fresh, hash)) ++used;
    ++states;
    // (1) release: who sees this number finds what it counts; pairs with (2).
    arrivals.store(now + 1, std::memory_order_release);
    return insertion::done;
  }
  std::uint64_t seen_arrivals() const noexcept {
    return arrivals.load(std::memory_order_acquire);  // (2) acquire: pairs with (1).
  }

  /// Under the lock: out of the table with a dead state.
  void unlink(key_state& dead, std::uint64_t hash, unsigned log2_shards) noexcept {
    used -= table_view(table_word(), log2_shards).erase(dead, hash);
    --states;
  }
  /// Under the lock: a dead state that may still be looked at, and may be freed by others as soon
  /// as the lock is given back. Returns a batch that is worth being freed, or null.
  key_state* retire(key_state& dead, std::size_t batch) noexcept {
    dead.set_next_retired(retired);
    retired = &dead;
    return ++retired_count < batch ? nullptr : take_retired();
  }
  /// Under the lock.
  key_state* take_retired() noexcept {
    retired_count = 0;
    return std::exchange(retired, nullptr);
  }
  void keep_retired(table& old) noexcept {
    // relaxed: the CAS decides
    table* head = retired_tables.load(std::memory_order_relaxed);
    do {
      old.next_retired = head;
      // (4) release: publishes the link; pairs with (5).
    } while (!retired_tables.compare_exchange_weak(head, &old, std::memory_order_release,
                                                   std::memory_order_relaxed));
  }
  table* take_retired_tables() noexcept {
    // (5) acquire: pairs with (4).
    return retired_tables.exchange(nullptr, std::memory_order_acquire);
  }

  /// What waits is the caller's.
  waiting_states take_waiting() noexcept {
    const lock_holder locked(lock);
    return std::exchange(waiting, {});
  }
  /// `list`, of dead states, is the last of so many batches that wait, with what others put there.
  void wait(key_state* list, std::uint32_t batches) noexcept {
    const lock_holder locked(lock);
    waiting.first = waiting_states::joined(list, waiting.first);
    waiting.era = era_clock::begin_next();
    waiting.batches += batches;
  }
  /// Under the lock.
  std::size_t count_retired() const noexcept {
    std::size_t n = retired_count;
    for (const key_state* s = waiting.first; s != nullptr; s = s->next_retired()) ++n;
    return n;
  }

  /// A hint.
  bool has_spares() const noexcept {
    return spare_count.load(std::memory_order_relaxed) != 0;  // relaxed: a hint
  }
  std::size_t room_for_spares(std::size_t most) const noexcept {
    const std::size_t n = spare_count.load(std::memory_order_relaxed);  // relaxed: a hint
    return n < most ? most - n : 0;
  }
  /// Under the lock: one piece, or null.
  void* take_spare() noexcept {
    spare_memory* const one = spares;
    if (one == nullptr) return nullptr;
    spares = one->next;
    prefetch_to_write(spares);
    add_to_spare_count(std::uint32_t(-1));
    return one;
  }
  void give_spares(const spare_chain& chain) noexcept {
    if (chain.first == nullptr) return;
    const lock_holder locked(lock);
    chain.last->next = spares;
    spares = chain.first;
    add_to_spare_count(chain.length);
  }
  spare_memory* take_spares() noexcept {
    const lock_holder locked(lock);
    spare_count.store(0, std::memory_order_relaxed);  // relaxed: under the lock, or a hint
    return std::exchange(spares, nullptr);
  }

  /// log2 of the slots that the table should have for `n` states, or more for those to come.
  static unsigned log2_for(std::size_t n) noexcept {
    unsigned log2 = table::least_log2;
    while (limit_of(std::size_t{1} << log2) <= n && log2 < 60) ++log2;
    return log2;
  }
  /// Of the table that replaces this one when it is full: it has room for as many again.
  unsigned next_log2() noexcept {
    const lock_holder locked(lock);
    return log2_for(states + states / 2 + 1);
  }
  unsigned log2_for_states() noexcept {
    const lock_holder locked(lock);
    return log2_for(states);
  }
  bool is_full(std::size_t slots) const noexcept { return used >= limit_of(slots); }

  /// Moves everything to `fresh`, if that has room for it and the table is still `seen`. Returns
  /// the old table, to be freed by the caller, or `fresh` if nothing was done.
  template <class State>
  table* replace(table& fresh, std::uintptr_t seen, unsigned log2_shards) noexcept {
    const lock_holder locked(lock);
    const std::uintptr_t word = table_word();
    const table_view to(fresh.word(), log2_shards);
    if (word != seen || limit_of(to.slot_count()) <= states) return &fresh;
    if (word != 0) {
      table_view(word, log2_shards).for_each([&](key_state& state) {
        to.insert(state, static_cast<const State&>(state).hash());
      });
    }
    used = states;
    // relaxed load: under the lock. release: as (1), for all that was counted before. Before (3),
    // so that who finds a table at an address that he has seen before finds another number, too.
    arrivals.store(arrivals.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    // (3) release: publishes the table; pairs with the acquire of section::protect.
    current.store(fresh.word(), std::memory_order_release);
    return word == 0 ? nullptr : table::of(word);
  }

  std::uintptr_t table_word() const noexcept {
    return current.load(std::memory_order_relaxed);  // relaxed: under the lock, or a hint
  }

 private:
  void add_to_spare_count(std::uint32_t n) noexcept {
    // relaxed: under the lock, or a hint
    spare_count.store(spare_count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  /// Slots in use, removed ones counted, beyond which probes become long.
  static constexpr std::size_t limit_of(std::size_t slots) noexcept {
    return slots - slots / 4 - slots / 16;  // 0.6875
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
