// SPDX-License-Identifier: MIT
/// \file
/// How a key is found, made, taken and given back: the one walk behind every operation.
///
/// 1. announce the table of the shard, probe it; announce a state whose hash fits, and see that it
///    is still in the table, and that the table is still the current one
/// 2. compare the keys. Where that may run code of the user's, the state is pinned before, and
///    nothing is announced meanwhile
/// 3. take the state by one CAS (key_lock.hpp). If others hold it: pin it, and wait
/// 4. nothing found, and the key is wanted: make a state outside the lock, already held, and insert
///    it if nothing of its hash has arrived since the probe
///
/// A state that has no key yet (it is moved there with its value) stands for every key of its hash:
/// one waits for it, and looks then.
#pragma once

#include <concepts>
#include <concur/detail/assert.hpp>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/lockmap/hold.hpp>
#include <concur/detail/lockmap/memory.hpp>
#include <concur/detail/lockmap/patience.hpp>
#include <concur/policy/key_equal.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// `Self` is the engine that is made of it: it may leave a key in ways of its own.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning, class Self>
class engine_locks : public engine_memory<Key, T, Hash, KeyEqual, Allocator, Tuning> {
  using base = engine_memory<Key, T, Hash, KeyEqual, Allocator, Tuning>;

 public:
  using typename base::layout;
  using typename base::prepared_state;
  using typename base::state_type;

  /// The result of a search: the state, and whether it has a value; null if the key is absent and
  /// was not to be made, or the patience was over.
  struct taken {
    state_type* state = nullptr;
    bool is_present = false;
  };

  /// What makes the key of a new state; for a search that makes none.
  struct no_key {
    void operator()(state_type&, const Allocator&) const noexcept {}
  };
  /// Of a new state that is made without it, see held_slot::emplace.
  struct key_that_comes_later {
    static constexpr bool is_quiet = true;
    void operator()(state_type&, const Allocator&) const noexcept {}
  };
  /// The caller's key, moved if he gave it so. One of another type is copied: it may be needed to
  /// search again, and what was moved from is found nowhere.
  template <class K>
  class key_from {
    using probe = const std::remove_reference_t<K>&;
    using source = std::conditional_t<std::is_same_v<std::remove_cvref_t<K>, Key>, K&&, probe>;

   public:
    /// Whether no code of the user's runs, so that it may be made under the lock of a shard.
    static constexpr bool is_quiet = std::is_trivially_copyable_v<Key> &&
                                     std::is_trivially_constructible_v<Key, K> &&
                                     std::is_same_v<std::remove_cvref_t<K>, Key>;
    explicit key_from(std::remove_reference_t<K>& key) noexcept : key_(std::addressof(key)) {}
    void operator()(state_type& state, const Allocator& allocator) const {
      state.make_key(allocator, static_cast<source>(*key_));
    }

   private:
    std::remove_reference_t<K>* key_;
  };

  /// Takes `key`, which is made of `make_key` if it is absent.
  template <lock_mode Mode, class K, class MakeKey, class Patience>
  taken acquire(std::uint64_t hash, const K& key, MakeKey make_key, Patience&& patience) {
    prepared_state fresh(*this);
    return acquire<Mode>(hash, key, make_key, patience, fresh);
  }
  /// The same for who may have to call it again: `fresh`, which may have taken the caller's key, is
  /// his.
  template <lock_mode Mode, class K, class MakeKey, class Patience>
  taken acquire(std::uint64_t hash, const K& key, MakeKey& make_key, Patience&& patience,
                prepared_state& fresh) {
    constexpr key_word made =
        Mode == lock_mode::exclusive ? key_word::made_exclusive() : key_word::made_shared();
    return search<K>(hash, key, make_key, made, fresh, [&](state_type& state, section& where) {
      return take_found<Mode, K>(state, where, patience);
    });
  }

  /// Takes `key` exclusively, which is made if it is absent; or takes nothing and says so, if there
  /// is a value that can be read without taking anything.
  template <class K, class MakeKey>
  taken acquire_unless_seen(std::uint64_t hash, const K& key, MakeKey& make_key, bool& is_seen) {
    prepared_state fresh(*this);
    endless_patience patience;
    return search<K>(
        hash, key, make_key, key_word::made_exclusive(), fresh,
        [&](state_type& state, section& where) {
          if constexpr (is_published<T> && compares_unpinned_with<K>) {
            const auto is_valid = [](const state_type&) noexcept { return true; };
            if (where.is_certain && look(state, is_valid, [](const T&) {}) == glance::seen) {
              is_seen = true;
              return attempt::held;
            }
          }
          return take_found<lock_mode::exclusive, K>(state, where, patience);
        });
  }

  /// Pins the state of `key`, which is made if it is absent. Null if the patience is over while
  /// somebody holds a state that may become that of `key`.
  template <class K, class MakeKey, class Patience>
  state_type* pin(std::uint64_t hash, const K& key, MakeKey make_key, Patience& patience) {
    prepared_state fresh(*this);
    return search<K>(hash, key, make_key, key_word::made_pinned(), fresh,
                     [&](state_type& state, section& where) {
                       return pin_found<K>(state, where, patience);
                     })
        .state;
  }
  /// The same without waiting: such a state is pinned, and `fresh` has the key then, for
  /// `pin_again` when it is seen to be another's.
  template <class K, class MakeKey>
  state_type& pin_at_once(std::uint64_t hash, const K& key, MakeKey make_key,
                          prepared_state& fresh) {
    bool is_certain = true;
    state_type& found = *search<K>(hash, key, make_key, key_word::made_pinned(), fresh,
                                   [&](state_type& state, section& where) {
                                     if (!pin_announced<K>(state)) return attempt::gone;
                                     is_certain = where.is_certain;
                                     return attempt::taken;
                                   })
                             .state;
    if (!is_certain && !fresh) {
      pinned_state pin(*this, found);
      fresh.make(hash, key_word::made_pinned(), make_key);
      pin.release();
    }
    return found;
  }
  /// Of the key that `fresh` has; it is given up if that is found absent.
  state_type& pin_again(prepared_state& fresh) {
    return pin_at_once((*fresh).hash(), std::as_const((*fresh).key), key_that_comes_later(), fresh);
  }

  /// Takes a state that the caller has pinned, and gives the pin back; if the patience is over, he
  /// still has it.
  template <lock_mode Mode, class Patience>
  bool take_pinned(state_type& state, Patience& patience) {
    const attempt first = key_lock::try_take<Mode>(state, 1);
    if (first == attempt::taken) return true;
    CONCUR_ASSERT(first == attempt::held);
    if constexpr (!std::remove_reference_t<Patience>::waits) {
      return false;
    } else {
      if (hold::has(state)) [[unlikely]] {
        if (Mode == lock_mode::shared && key_lock::share_once_more(state, 1)) return true;
        if (patience.is_over()) return false;
        fail_deadlock("concur: a thread waits for a key of a lockmap that it holds itself");
      }
      return key_lock::take_slowly<Mode>(state, this->shard_of(state).queues(), patience);
    }
  }

  /// Gives back what `acquire` took.
  void leave_exclusive(state_type& state, bool with_value) noexcept {
    if constexpr (is_published<T>) {
      // (1) release: who sees it sees the word as it was when it was stored, that is exclusive;
      // pairs with (2).
      if (with_value) state.published.template store<std::memory_order_release>(state.value);
    }
    if (key_lock::try_leave(state, with_value)) [[likely]]
      return;
    self().leave_slowly(state, [with_value](key_word now) { return now.left(with_value); });
  }
  void leave_shared(state_type& state) noexcept {
    if (key_lock::try_leave_shared(state)) [[likely]]
      return;
    self().leave_slowly(state, [](key_word now) { return now.left(); });
  }
  void unpin(state_type& state) noexcept {
    if (!key_lock::try_unpin(state)) [[unlikely]] {
      self().leave_slowly(state, [](key_word now) { return now.unpinned(); });
    }
  }
  /// The exclusive holder becomes the first of several sharers.
  void downgrade(state_type& state, bool with_value) noexcept {
    if constexpr (is_published<T>) {
      // release: pairs with (2).
      if (with_value) state.published.template store<std::memory_order_release>(state.value);
    }
    self().leave_slowly(state, [with_value](key_word now) {
      return now.left(with_value).template taken<lock_mode::shared>();
    });
  }
  /// The only sharer becomes exclusive.
  static bool try_upgrade(state_type& state) noexcept {
    std::uint64_t seen = state.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word now(seen);
      if (now.sharers() != 1) return false;
      // (3) acquire: the other sharers are done; pairs with those of key_lock.hpp.
      if (state.word.compare_exchange_weak(seen,
                                           now.left().template taken<lock_mode::exclusive>().bits(),
                                           std::memory_order_acquire, std::memory_order_relaxed)) {
        return true;
      }
    }
  }

  /// Calls take(const T&) with an unmixed copy of the value, if there is one that `is_valid`, and
  /// nobody holds the key exclusively: nothing is written. `held` says that somebody does. What
  /// is_valid(state) loads, by an acquire, is of the same value.
  enum class glance : unsigned char { absent, seen, held };
  template <class IsValid, class Take>
  static glance look(const state_type& state, IsValid&& is_valid, Take&& take) {
    static_assert(is_published<T>);
    for (;;) {
      const key_word before(state.word.load(std::memory_order_acquire));  // acquire: pairs with (2)
                                                                          // of key_lock.hpp
      if (!before.is_readable()) [[unlikely]] {
        return before.is_exclusive() ? glance::held : glance::absent;
      }
      // (2) acquire: pairs with (1).
      const T copy = state.published.template load<std::memory_order_acquire>();
      const bool valid = is_valid(state);
      // relaxed: the acquire before keeps it behind the copy.
      if (before.has_same_value_as(key_word(state.word.load(std::memory_order_relaxed)))) {
        if (!valid) return glance::absent;
        take(copy);
        return glance::seen;
      }
    }
  }

  template <class K>
  static constexpr bool compares_unpinned_with = base::compares_unpinned&& is_plain_probe<K>;

 protected:
  using base::base;

  /// A pin of a state, given back at the end.
  class pinned_state {
   public:
    pinned_state(engine_locks& owner, state_type& state) noexcept : owner_(owner), state_(&state) {}
    pinned_state(const pinned_state&) = delete;
    pinned_state& operator=(const pinned_state&) = delete;
    ~pinned_state() {
      if (state_ != nullptr) owner_.unpin(*state_);
    }
    /// Somebody else has the pin now.
    void release() noexcept { state_ = nullptr; }

   private:
    engine_locks& owner_;
    state_type* state_;
  };

  /// The state of `key`, announced, or, if it could not be compared so, pinned; or null.
  template <class K>
  CONCUR_FORCEINLINE state_type* find_state(const shard& s, std::uint64_t hash, const K& key,
                                            section& where) {
    for (;;) {
      [[maybe_unused]] std::uint64_t arrivals = 0;
      if constexpr (!compares_unpinned_with<K>) arrivals = s.seen_arrivals();
      const std::uintptr_t word = where.protect(s.current);
      if (word == 0) return nullptr;
      const table_view view(word, layout::log2_shards);
      for (std::size_t i = view.first_for(hash);; ++i) {
        const slot_word here = view.load(i);
        if (!here.matches(hash)) {
          if (here.is_empty()) return nullptr;
          continue;
        }
        auto& state = static_cast<state_type&>(*here.state_of(hash));
        where.announce(state);
        // The two cases: the announcement is first, and whoever frees the state sees it; or the
        // state was taken out before, and we see another slot, or another table.
        if (view.load(i).bits() != here.bits()) {
          --i;
          continue;
        }
        // (4) acquire: as the load of section::protect; pairs with (3) of shard.hpp.
        if (s.current.load(std::memory_order_acquire) != word) break;
        if constexpr (compares_unpinned_with<K>) {
          if constexpr (base::keys_come_late) {
            if (state.hash() != hash) continue;
            where.is_certain = state.is_keyed();
            if (!where.is_certain) return &state;
          }
          if (keys_are_equal(this->equal_, state.key, key)) return &state;
        } else {
          if (state.hash() != hash) continue;
          if (pin_if_equal(state, key, where)) return &state;
          where.announce(word);
          if (s.current.load(std::memory_order_acquire) != word) break;  // acquire: as (4)
          // Nothing was announced meanwhile: it may be another table at the same address.
          if (s.seen_arrivals() != arrivals) break;
        }
      }
    }
  }

  /// Removes the element of `key`, if nobody holds it, waits for it or has it pinned: else `held`.
  /// `gone`: there is none. It may sleep for the shard's lock with the state announced, which
  /// delays the freeing of others, not more.
  template <class K>
  attempt bury_found(std::uint64_t hash, const K& key) {
    shard* const all = this->shards();
    if (all == nullptr) [[unlikely]]
      return attempt::gone;
    shard& s = all[layout::shard_of(hash)];
    section where;
    state_type* const state = find_state(s, hash, key, where);
    if (state == nullptr) return attempt::gone;
    const key_word seen = state->look();
    if (!where.is_certain || !seen.is_free() || !seen.left(false).is_unused()) return attempt::held;
    key_state* batch = nullptr;
    {
      const lock_holder locked(s.lock);
      // One that is dead by now is looked for again.
      if (!key_lock::try_kill(*state)) return attempt::held;
      batch = this->bury(s, *state);
    }
    this->count(hash, -1);
    where.pause();
    if (batch != nullptr) this->free_states(s, batch);
    return attempt::taken;
  }

  /// Under the shard's lock: `change`s the word, passes the key on, or removes it.
  template <class Change>
  CONCUR_NOINLINE void leave_slowly(state_type& state, Change change) noexcept {
    shard& s = this->shard_of(state);
    finish_leaving(s, state, pass_on(s, state, change));
  }
  template <class Change>
  wake_list pass_on(shard& s, state_type& state, Change change) noexcept {
    const lock_holder locked(s.lock);
    wake_list others = key_lock::pass_on(state, s.sleepers, change);
    if (others.is_buried) others.batch = this->bury(s, state);
    return others;
  }
  /// If it was buried, it may have been freed already.
  void finish_leaving(shard& s, state_type& state, wake_list others) noexcept {
    if (others.is_buried) {
      this->retire_buried(s, state, others.batch);
    } else {
      others.wake();
    }
  }

  /// `take(state, where)` on the state of the key; `gone` makes it look again. If the key is
  /// absent, absent(shard, arrivals, result), whose result it is, or false to look again.
  template <class K, class Take, class Absent>
  CONCUR_FORCEINLINE taken search_or(std::uint64_t hash, const K& key, prepared_state& fresh,
                                     Take take, Absent absent) {
    shard* all = this->shards();
    if (all == nullptr) [[unlikely]]
      all = this->make_shards();
    shard& s = all[layout::shard_of(hash)];
    for (;;) {
      const std::uint64_t arrivals = s.seen_arrivals();
      {
        section where;
        if (state_type* const state = find_again(s, hash, key, fresh, where)) {
          const attempt found = take(*state, where);
          if (found == attempt::taken) [[likely]]
            return {state, state->look().is_present()};
          if (found == attempt::held) return {};
          continue;
        }
      }
      taken result;
      if (absent(s, arrivals, result)) return result;
    }
  }

  /// Inserts a state: `fresh`, if there is one, or a new one. Null if one should look again: it may
  /// be there by now, or `fresh` has been made, or the table has been replaced.
  template <class MakeKey>
  CONCUR_NOINLINE state_type* insert_made(shard& s, std::uint64_t hash, std::uint64_t arrivals,
                                          key_word made, MakeKey& make_key, prepared_state& fresh) {
    if (!fresh && !(MakeKey::is_quiet && s.has_spares())) fresh.make(hash, made, make_key);
    key_state* state = fresh ? &*fresh : nullptr;
    const auto make = [&](void* memory) noexcept {
      state_type* const in_spare = this->make_state(memory, hash, made);
      if constexpr (MakeKey::is_quiet) make_key(*in_spare, this->allocator_);
      return in_spare;
    };
    switch (s.template insert<state_type>(state, hash, arrivals, layout::log2_shards, make)) {
      case shard::insertion::done:
        fresh.release();
        return static_cast<state_type*>(state);
      case shard::insertion::table_is_full:
        this->replace_table(s, s.table_word(), s.next_log2());
        break;
      case shard::insertion::look_again:
      case shard::insertion::lacks_memory:
        break;
    }
    return nullptr;
  }

  template <lock_mode Mode, class K, class Patience>
  CONCUR_FORCEINLINE attempt take_found(state_type& state, section& where, Patience& patience) {
    constexpr unsigned pins = compares_unpinned_with<K> ? 0 : 1;
    if (where.is_certain) {
      const attempt first = key_lock::try_take<Mode>(state, pins);
      if (first != attempt::held) return first;
    }
    return wait_for_found<Mode>(state, where, pins, patience);
  }

 private:
  static constexpr unsigned microseconds_until_gone = 200;

  Self& self() noexcept { return static_cast<Self&>(*this); }

  template <class K>
  bool pin_if_equal(state_type& state, const K& key, section& where) {
    if (!state.try_pin()) return false;
    where.pause();
    pinned_state pin(*this, state);
    where.is_certain = state.is_keyed();
    if (where.is_certain && !this->equal_(state.key, key)) return false;
    pin.release();
    return true;
  }

  /// The state of `key`, which `fresh` may have been given.
  template <class K>
  CONCUR_FORCEINLINE state_type* find_again(shard& s, std::uint64_t hash, const K& key,
                                            const prepared_state& fresh, section& where) {
    if constexpr (std::is_same_v<K, Key> && !std::is_trivially_copyable_v<Key>) {
      // The caller's may have been moved from.
      if (fresh && (*fresh).is_keyed()) [[unlikely]]
        return this->find_state(s, hash, std::as_const((*fresh).key), where);
    }
    return this->find_state(s, hash, key, where);
  }

  /// `take(state, where)` on the state of the key; `gone` makes it look again.
  template <class K, class MakeKey, class Take>
  CONCUR_FORCEINLINE taken search(std::uint64_t hash, const K& key, MakeKey& make_key,
                                  key_word made, prepared_state& fresh, Take take) {
    if constexpr (std::is_same_v<MakeKey, no_key>) {
      if (this->shards() == nullptr) [[unlikely]]
        return {};
    }
    return search_or(hash, key, fresh, take, [&](shard& s, std::uint64_t arrivals, taken& result) {
      if constexpr (std::is_same_v<MakeKey, no_key>) {
        return true;
      } else {
        result.state = insert_made(s, hash, arrivals, made, make_key, fresh);
        return result.state != nullptr;
      }
    });
  }

  template <lock_mode Mode, class Patience>
  CONCUR_NOINLINE attempt wait_for_found(state_type& state, section& where, unsigned pins,
                                         Patience& patience) {
    if (!Patience::waits && pins == 0) return attempt::held;
    if (pins == 0 && !state.try_pin()) return attempt::gone;
    where.pause();
    pinned_state pin(*this, state);
    if (!Patience::waits || !take_pinned<Mode>(state, patience)) return attempt::held;
    pin.release();
    if (where.is_certain) return attempt::taken;
    const bool is_keyed = state.is_keyed();
    leave<Mode>(state);
    // Making its key has failed. If all who wait for it came again at once, it would never go.
    if (!is_keyed) [[unlikely]]
      sleep_thread(microseconds_until_gone);
    return attempt::gone;
  }

  template <class K, class Patience>
  attempt pin_found(state_type& state, section& where, Patience& patience) {
    constexpr unsigned pins = compares_unpinned_with<K> ? 0 : 1;
    if (!where.is_certain) {
      return wait_for_found<lock_mode::shared>(state, where, pins, patience);
    }
    return pin_announced<K>(state) ? attempt::taken : attempt::gone;
  }
  /// A state that was found, and was pinned then if its key could not be compared else.
  template <class K>
  static bool pin_announced(state_type& state) noexcept {
    if constexpr (compares_unpinned_with<K>) {
      return state.try_pin();
    } else {
      return true;
    }
  }

  template <lock_mode Mode>
  void leave(state_type& state) noexcept {
    if constexpr (Mode == lock_mode::shared) {
      leave_shared(state);
    } else {
      leave_exclusive(state, state.look().is_present());
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
