// SPDX-License-Identifier: MIT
/// \file
/// One of the parts of a map: a table, a lock for whoever changes it or queues, and what has been
/// taken out and may still be looked at. No code of the user's runs under the lock, nothing is
/// allocated or freed under it.
#pragma once

#include <atomic>
#include <concur/detail/lockmap/key_lock.hpp>
#include <concur/detail/lockmap/table.hpp>
#include <concur/detail/sync/parking_lock.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// Where a state was, for the next one.
struct spare_memory {
  spare_memory* next;
  std::size_t length;  ///< of the chain that begins here
};

struct alignas(destructive_distance) shard {
  /// Read by everybody: the table, see table::word, or 0.
  std::atomic<std::uintptr_t> current{0};
  /// Counts insertions of states: who saw it before a probe that found nothing, and sees it again
  /// under the lock, knows that there is still nothing.
  std::atomic<std::uint64_t> arrivals{0};

  // Written by insertions and removals: on a line of its own.
  alignas(cache_line_size) parking_lock lock;
  std::atomic<std::int64_t> elements{0};  ///< states with a value
  std::size_t used = 0;                   ///< slots that are not empty; under the lock
  std::size_t states = 0;                 ///< in the table; under the lock
  std::atomic<table*> retired_tables{nullptr};
  key_state* retired = nullptr;   ///< dead states that may still be looked at; under the lock
  std::size_t retired_count = 0;  ///< under the lock
  std::atomic<spare_memory*> spares{nullptr};

  enum class insertion : unsigned char { done, look_again, table_is_full };

  /// Inserts `fresh` if its key is still absent: nothing has arrived since `seen_arrivals`, or
  /// nothing of this hash.
  insertion insert(key_state& fresh, std::uint64_t seen_arrivals, unsigned log2_shards) noexcept {
    const lock_holder locked(lock);
    const std::uintptr_t word = table_word();
    if (word == 0) return insertion::table_is_full;
    const table_view view(word, log2_shards);
    const std::uint64_t now = arrivals.load(std::memory_order_relaxed);  // relaxed: under the lock
    if (now != seen_arrivals && view.has_hash(fresh.hash)) return insertion::look_again;
    if (is_full(view.slot_count())) return insertion::table_is_full;
    if (view.insert(fresh)) ++used;
    ++states;
    // (1) release: who sees this number finds what it counts; pairs with (2).
    arrivals.store(now + 1, std::memory_order_release);
    return insertion::done;
  }
  std::uint64_t seen_arrivals() const noexcept {
    return arrivals.load(std::memory_order_acquire);  // (2) acquire: pairs with (1).
  }

  /// Under the lock: out of the table with a dead state.
  void unlink(key_state& dead, unsigned log2_shards) noexcept {
    used -= table_view(table_word(), log2_shards).erase(dead);
    --states;
  }
  /// Under the lock: a dead state that may still be looked at, and may be freed by others as soon
  /// as the lock is given back. Returns a batch that is worth being freed, or null.
  key_state* retire(key_state& dead, std::size_t batch) noexcept {
    dead.next_retired = retired;
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

  /// One piece, or null. The others go back: who comes in between finds none.
  spare_memory* take_spare() noexcept {
    // relaxed: a look
    if (spares.load(std::memory_order_relaxed) == nullptr) return nullptr;
    // (6) acquire: pairs with (7).
    spare_memory* const first = spares.exchange(nullptr, std::memory_order_acquire);
    if (first != nullptr && first->next != nullptr) give_spares(first->next);
    return first;
  }
  /// Others that came in between are put before.
  void give_spares(spare_memory* chain) noexcept {
    for (;;) {
      spare_memory* there = nullptr;
      // (7) release: what was there is destroyed, and the chain written; pairs with (6).
      if (spares.compare_exchange_strong(there, chain, std::memory_order_release,
                                         std::memory_order_relaxed)) {
        return;
      }
      there = spares.exchange(nullptr, std::memory_order_acquire);  // acquire: as (6)
      while (there != nullptr) {
        spare_memory* const next = there->next;
        *there = {chain, chain->length + 1};
        chain = there;
        there = next;
      }
    }
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
  table* replace(table& fresh, std::uintptr_t seen, unsigned log2_shards) noexcept {
    const lock_holder locked(lock);
    const std::uintptr_t word = table_word();
    const table_view to(fresh.word(), log2_shards);
    if (word != seen || limit_of(to.slot_count()) <= states) return &fresh;
    if (word != 0) {
      table_view(word, log2_shards).for_each([&](key_state& state) { to.insert(state); });
    }
    used = states;
    // (3) release: publishes the table; pairs with the acquire of leaf_hazard::protect.
    current.store(fresh.word(), std::memory_order_release);
    return word == 0 ? nullptr : table::of(word);
  }

  std::uintptr_t table_word() const noexcept {
    return current.load(std::memory_order_relaxed);  // relaxed: under the lock, or a hint
  }

 private:
  /// Slots in use, removed ones counted, beyond which probes become long.
  static constexpr std::size_t limit_of(std::size_t slots) noexcept {
    return slots - slots / 4 - slots / 16;  // 0.6875
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
