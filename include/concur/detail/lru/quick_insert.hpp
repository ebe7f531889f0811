// SPDX-License-Identifier: MIT
/// \file
/// Insertions of what is made without code of the user's, into a cache that asks nobody for a
/// weight or a time: the key is never held. Under the lock of the region, and that of the shard
/// within,
///
///   1. the state comes into the table, free and with its value, if the key is still absent
///   2. it is queued, and victims are taken, as in engine.hpp, step 2
///
/// and then the region is given back. Between 1 and 2 it is a free key with a value in no queue,
/// which is no state that anybody sees who has the lock. Who finds the key meanwhile may hold it;
/// if he wants to take it out of the queue, he waits for the region, and finds it there. Victims:
/// never the own key, so nothing is lost before the caller returns but by others.
///
/// A present key is seen by a search like that of a read, and nothing is taken; or, if somebody
/// holds it exclusively, or it is to be assigned a value, it is taken as everywhere else.
///
/// Linearization: the slot's store in 1; of a present key, the load of its word.
#pragma once

#include <atomic>
#include <concur/detail/lockmap/element.hpp>
#include <concur/detail/lockmap/key_word.hpp>
#include <concur/detail/lockmap/memory.hpp>
#include <concur/detail/lockmap/patience.hpp>
#include <concur/detail/lru/eviction.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <concur/version.hpp>
#include <cstdint>
#include <new>
#include <type_traits>

namespace concur::inline CONCUR_ABI::detail::lru {

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning,
          class Policy, class Self>
class engine_quick_insert
    : public engine_eviction<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, Self> {
  using above = engine_eviction<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, Self>;
  using key_word = lockmap::key_word;
  using typename above::visit_to_region;
  static constexpr bool is_quick = std::is_trivially_copyable_v<Key> &&
                                   std::is_trivially_copyable_v<T> &&
                                   std::is_copy_constructible_v<T>;

 protected:
  using typename above::base;
  using typename above::locks;
  using typename above::region_type;

 public:
  using typename base::prepared_state;
  using typename base::state_type;
  using typename base::taken;

  using above::above;

  /// `modify_absent` of a slot that is given copies of key and value; true when inserted.
  bool insert_pair(std::uint64_t hash, const Key& key, const T& value) requires(is_quick) {
    const auto look_at = [&](state_type& state, lockmap::section& where) noexcept {
      return see(hash, state, where.is_certain);
    };
    for (;;) {
      switch (try_insert(hash, key, value, look_at)) {
        case insertion::done:
          return true;
        case insertion::is_found:
          return false;
        case insertion::look_again:
          continue;
        case insertion::is_to_be_held:
          return insert_holding(hash, key, value);
      }
    }
  }
  /// The same, but a present element is assigned the value.
  bool store_pair(std::uint64_t hash, const Key& key, const T& value) requires(is_quick) {
    taken what;
    const auto take = [&](state_type& state, lockmap::section& where) {
      lockmap::endless_patience patience;
      const bool is_taken = locks::template take_found<lockmap::lock_mode::exclusive, Key>(
                                state, where, patience) == lockmap::attempt::taken;
      if (is_taken) what = {&state, state.look().is_present()};
      return is_taken ? insertion::is_found : insertion::look_again;
    };
    for (;;) {
      switch (try_insert(hash, key, value, take)) {
        case insertion::done:
          return true;
        case insertion::is_found:
          if (what.is_present && !self().is_valid(*what.state)) {
            self().expire(*what.state);
            continue;
          }
          if (what.is_present) this->touch(*what.state);
          return store_taken(what, key, value);
        case insertion::look_again:
          continue;
        case insertion::is_to_be_held:
          return store_taken(self().take_or_make(hash, key), key, value);
      }
    }
  }

 private:
  enum class insertion : unsigned char { done, look_again, is_found, is_to_be_held };

  Self& self() noexcept { return static_cast<Self&>(*this); }

  bool asks_nobody() const noexcept { return !this->options_.weigher && !this->asks_time(); }

  CONCUR_NOINLINE bool insert_holding(std::uint64_t hash, const Key& key, const T& value) {
    typename Self::doomed_type doomed;
    lockmap::grip<Self> held(self(), self().take_or_make(hash, key));
    if (held.is_present()) return false;
    lockmap::held_slot<Self>(held, doomed).emplace(key, value);
    return true;
  }
  bool store_taken(taken what, const Key& key, const T& value) {
    typename Self::doomed_type doomed;
    lockmap::grip<Self> held(self(), what);
    if (!held.is_present()) {
      lockmap::held_slot<Self>(held, doomed).emplace(key, value);
      return true;
    }
    lockmap::held_element<Self>(held, doomed).assign(value);
    return false;
  }

  /// Inserts the pair if the key is absent, else on_found(state, section).
  template <class OnFound>
  CONCUR_FORCEINLINE insertion try_insert(std::uint64_t hash, const Key& key, const T& value,
                                          OnFound on_found) {
    lockmap::shard* const all = this->shards();
    thread_slot* const me = thread_slots::find_mine();
    if (all == nullptr || me == nullptr || this->regions() == nullptr || !asks_nobody())
        [[unlikely]]
      return insertion::is_to_be_held;
    lockmap::shard& s = all[base::layout::shard_of(hash)];
    const std::uint64_t arrivals = s.seen_arrivals();
    {
      lockmap::section where(*me);
      if (state_type* const state = this->find_state(s, hash, key, where)) {
        return on_found(*state, where);
      }
    }
    return insert_free(s, hash, arrivals, key, value);
  }
  /// Whether there is a value that nobody else is about to change.
  insertion see(std::uint64_t hash, state_type& state, bool is_certain) noexcept {
    // (1) acquire: what he did who left the value happened before; pairs with (2) of key_lock.hpp.
    const key_word now(state.word.load(std::memory_order_acquire));
    const bool is_there = is_certain && now.is_readable();
    if (is_there) [[likely]]
      this->touch_untimed(state, hash);
    // A key that could not be compared else was pinned.
    if constexpr (!base::template compares_unpinned_with<Key>) this->unpin(state);
    return is_there ? insertion::is_found : insertion::is_to_be_held;
  }

  /// Under the lock: puts a state of weight 1, which has just come into the table with its value,
  /// into the order, and makes room for it.
  void settle_new(region_type& r, state_type& state, visit_to_region& visit) noexcept {
    this->enqueue_new(r, state, visit);
    visit.brought = 1;
    ++visit.change;
    this->collect(r, &state, visit);
    this->count_change(visit);
  }
  CONCUR_NOINLINE insertion insert_free(lockmap::shard& s, std::uint64_t hash,
                                        std::uint64_t arrivals, const Key& key, const T& value) {
    const auto fill = [&](state_type& state, const auto& allocator) noexcept {
      state.make_key(allocator, key);
      state.make_value(allocator, value);
      // relaxed: the insertion publishes it.
      if constexpr (lockmap::is_published<T>) {
        state.published.template store<std::memory_order_relaxed>(value);
      }
    };
    prepared_state fresh(*this);
    if (!s.has_spares()) fresh.make(hash, key_word::made_present(), fill);
    lockmap::key_state* made = fresh ? &*fresh : nullptr;
    const auto make = [&](void* memory) noexcept {
      state_type* const in_spare = this->make_state(memory, hash, key_word::made_present());
      fill(*in_spare, this->allocator_);
      return in_spare;
    };
    visit_to_region visit(*this);
    region_type& r = this->regions()->lock_of(state_type::order_hash(hash));
    if (r.capacity == 0) [[unlikely]] {
      r.lock.unlock();
      return insertion::is_to_be_held;
    }
    const auto outcome =
        s.template insert<state_type>(made, hash, arrivals, above::layout::log2_shards, make);
    if (outcome != lockmap::shard::insertion::done) [[unlikely]] {
      r.lock.unlock();
      if (outcome == lockmap::shard::insertion::table_is_full) {
        this->replace_table(s, s.table_word(), s.next_log2());
      }
      return insertion::look_again;
    }
    fresh.release();
    settle_new(r, static_cast<state_type&>(*made), visit);
    r.lock.unlock();
    if (!visit.is_over()) {
      visit.gone.give_back(self());
      this->finish(r, visit);
    }
    return insertion::done;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
