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
/// Linearization: the slot's store in 1.
#pragma once

#include <atomic>
#include <concur/detail/lockmap/element.hpp>
#include <concur/detail/lockmap/key_word.hpp>
#include <concur/detail/lockmap/memory.hpp>
#include <concur/detail/lockmap/patience.hpp>
#include <concur/detail/lru/eviction.hpp>
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
  using lock_mode = lockmap::lock_mode;
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
    typename Self::doomed_type doomed;
    const taken what = take_or_insert(hash, key, value);
    if (what.state == nullptr) return true;
    lockmap::grip<Self> held(self(), what);
    if (held.is_present()) return false;
    make(held, doomed, key, value);
    return true;
  }
  /// The same, but a present element is assigned the value.
  bool store_pair(std::uint64_t hash, const Key& key, const T& value) requires(is_quick) {
    typename Self::doomed_type doomed;
    const taken what = take_or_insert(hash, key, value);
    if (what.state == nullptr) return true;
    lockmap::grip<Self> held(self(), what);
    if (!held.is_present()) {
      make(held, doomed, key, value);
      return true;
    }
    lockmap::held_element<Self>(held, doomed).assign(value);
    return false;
  }

 private:
  enum class insertion : unsigned char { done, look_again, is_too_heavy };

  Self& self() noexcept { return static_cast<Self&>(*this); }

  template <class Doomed>
  static void make(lockmap::grip<Self>& held, Doomed& doomed, const Key& key, const T& value) {
    lockmap::held_slot<Self>(held, doomed).emplace(key, value);
  }
  bool asks_nobody() const noexcept { return !this->options_.weigher && !this->asks_time(); }

  /// Inserts the pair, and then there is no state; or takes the key exclusively.
  taken take_or_insert(std::uint64_t hash, const Key& key, const T& value) {
    if (!asks_nobody()) [[unlikely]]
      return self().take_or_make(hash, key);
    this->require_regions();
    prepared_state fresh(*this);
    lockmap::endless_patience patience;
    for (;;) {
      const taken what = locks::search_or(
          hash, key, fresh,
          [&](state_type& state, lockmap::section& where) {
            return locks::template take_found<lock_mode::exclusive, Key>(state, where, patience);
          },
          [&](lockmap::shard& s, std::uint64_t arrivals, taken& result) {
            switch (insert_free(s, hash, arrivals, key, value, fresh)) {
              case insertion::done:
                return true;
              case insertion::look_again:
                return false;
              case insertion::is_too_heavy:
                break;
            }
            result = self().take_or_make(hash, key);
            return true;
          });
      if (!what.is_present) return what;
      if (self().is_valid(*what.state)) [[likely]] {
        this->touch(*what.state);
        return what;
      }
      self().expire(*what.state);
    }
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
                                        std::uint64_t arrivals, const Key& key, const T& value,
                                        prepared_state& fresh) {
    const auto fill = [&](state_type& state, const auto& allocator) noexcept {
      state.make_key(allocator, key);
      state.make_value(allocator, value);
      // relaxed: the insertion publishes it.
      if constexpr (lockmap::is_published<T>) {
        state.published.template store<std::memory_order_relaxed>(value);
      }
    };
    if (!fresh && !s.has_spares()) fresh.make(hash, key_word::made_present(), fill);
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
      return insertion::is_too_heavy;
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
