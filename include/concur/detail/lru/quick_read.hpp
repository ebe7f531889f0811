// SPDX-License-Identifier: MIT
/// \file
/// Reads of a cache. Almost every one is of a small value, where no clock is asked: such a hit goes
/// the way of lockmap::engine::read_and, but what is rare (a key that somebody holds, the first
/// section of a thread) is a matter of that one, which starts anew. It is out of line and gets
/// copies, and the result comes back as a value, so that nothing of a hit lives in memory.
#pragma once

#include <concur/detail/config.hpp>
#include <concur/detail/lockmap/key_state.hpp>
#include <concur/detail/lockmap/memory.hpp>
#include <concur/detail/lru/counters.hpp>
#include <concur/detail/lru/engine_times.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstdint>
#include <type_traits>

namespace concur::inline CONCUR_ABI::detail::lru {

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning,
          class Policy, class Self>
class engine_quick_read
    : public engine_times<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, Self> {
  using above = engine_times<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, Self>;

 protected:
  using typename above::base;
  using typename base::copied_value;
  using typename base::glance;

 public:
  using above::above;
  using typename base::state_type;

  template <class K, class F>
  bool read(std::uint64_t hash, const K& key, F&& f) const {
    engine_quick_read& self = const_cast<engine_quick_read&>(*this);
    if constexpr (is_quick<K>) {
      copied_value copy;
      const glance seen = self.look_quickly(hash, key, copy);
      if (seen == glance::absent) return false;
      if (seen == glance::seen) [[likely]]
        return show_copy(key, copy.value, f);
      if constexpr (runs_no_user_code<std::remove_reference_t<F>>) {
        const answer slow = self.copy_slowly(hash, key);
        return slow.is_found && show_copy(key, slow.copy.value, f);
      }
    }
    return self.read_slowly(hash, key, f);
  }

 protected:
  void note_lookup(bool found) noexcept {
    if constexpr (above::counts) this->counters_.add(found ? counter::hits : counter::misses);
  }

 private:
  template <class K>
  static constexpr bool is_quick = lockmap::is_published<T>&& std::is_same_v<K, Key>&&
                                       base::template compares_unpinned_with<K> &&
                                   !base::keys_come_late;
  struct answer {
    copied_value copy;
    bool is_found;
  };

  template <class F>
  static bool show_copy(const Key& key, const T& value, F& f) {
    typename base::const_lent shown{key, value};
    f(shown);
    return true;
  }

  /// Counts what it finds. `held`: nothing has happened, whatever the reason.
  CONCUR_FORCEINLINE glance look_quickly(std::uint64_t hash, const Key& key, copied_value& copy) {
    lockmap::shard* const all = this->shards();
    thread_slot* const me = thread_slots::find_mine();
    if (all == nullptr || me == nullptr || this->asks_time()) [[unlikely]]
      return glance::held;
    lockmap::section where(*me);
    state_type* const state = this->find_state(all[base::layout::shard_of(hash)], hash, key, where);
    if (state == nullptr) {
      count_lookup(counter::misses, *me);
      return glance::absent;
    }
    const auto is_valid = [](const state_type&) noexcept { return true; };
    const glance seen = base::look(*state, is_valid, [&](const T& value) noexcept {
      copy.set(value);
      this->touch_untimed(*state, hash);
    });
    // Three ways to the end, each with a result of its own: joined, they would be 12 instructions
    // longer.
    if (seen == glance::seen) [[likely]] {
      count_lookup(counter::hits, *me);
      return glance::seen;
    }
    if (seen == glance::absent) count_lookup(counter::misses, *me);
    return seen;
  }

  void count_lookup(counter what, const thread_slot& me) noexcept {
    if constexpr (above::counts) this->counters_.add(what, me);
  }

  template <class K, class F>
  bool read_slowly(std::uint64_t hash, const K& key, F& f) {
    const bool found = base::read_and(
        hash, key, f, [&](state_type& state, const typename above::instant& at) noexcept {
          this->touch(state, hash, at.now);
        });
    note_lookup(found);
    return found;
  }
  CONCUR_NOINLINE answer copy_slowly(std::uint64_t hash, Key key) {
    answer result;
    const auto copy = [&](const auto& element) noexcept { result.copy.set(element.second); };
    result.is_found = read_slowly(hash, key, copy);
    return result;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
