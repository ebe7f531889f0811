// SPDX-License-Identifier: MIT
/// \file
/// How elements come into the order of eviction and out of it. See engine.hpp for the protocol.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/bits/extremes.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/lockmap/engine.hpp>
#include <concur/detail/lru/cached_state.hpp>
#include <concur/detail/lru/counters.hpp>
#include <concur/detail/lru/departure.hpp>
#include <concur/detail/lru/quick_read.hpp>
#include <concur/detail/lru/regions.hpp>
#include <concur/detail/sync/platform.hpp>
#include <concur/policy/cache_options.hpp>
#include <concur/policy/eviction.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lru {

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning,
          class Policy, class Self>
class engine_eviction
    : public engine_quick_read<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, Self> {
  friend Self;
  using above = engine_quick_read<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, Self>;

 protected:
  using base = typename above::base;
  using locks = typename base::base;
  using typename above::region_type;
  using typename above::regions_type;
  using key_word = lockmap::key_word;

 public:
  using typename above::options_type;
  using typename base::state_type;
  static constexpr bool reports = true;

  using above::above;

  // Giving keys back.

  /// Of a key that is held exclusively.
  void leave_exclusive(state_type& state, bool with_value) noexcept {
    const bool was_present = state.look().is_present();  // nobody else changes that meanwhile
    if (was_present && with_value && !this->options_.weigher) [[likely]] {
      locks::leave_exclusive(state, true);
    } else {
      leave_changed<stays::unless_too_heavy>(state, was_present, with_value,
                                             [&](bool as) { locks::leave_exclusive(state, as); });
    }
  }
  void downgrade(state_type& state, bool with_value) noexcept {
    leave_changed<stays::always>(state, state.look().is_present(), with_value,
                                 [&](bool as) { locks::downgrade(state, as); });
  }
  /// A key that was given back, and what is still to be done for it.
  struct left_key {
    enum class rest : unsigned char { nothing, is_dead, is_waited_for } todo = rest::nothing;
    state_type* state = nullptr;          ///< dead, and perhaps freed already; or pinned
    lockmap::shard* shard = nullptr;      ///< of a dead one
    lockmap::key_state* batch = nullptr;  ///< to be freed on this occasion
  };
  /// Of a key that is in no order, and not parked: gives it back without a value. It is passed on
  /// to nobody yet: whoever had it granted, and is not awake, would keep it from a coroutine that
  /// runs before. A free key may be overtaken.
  left_key leave_quietly(state_type& state) noexcept {
    if (lockmap::key_lock::try_leave(state, false)) return {};
    const auto change = [](key_word now) { return now.left(false); };
    lockmap::shard& s = this->shard_of(state);
    const lock_holder locked(s.lock);
    // Set and cleared under the lock.
    if (!state.look().is_waiting()) {
      if (!lockmap::key_lock::pass_on(state, s.sleepers, change).is_buried) return {};
      return {left_key::rest::is_dead, &state, &s, this->bury(s, state)};
    }
    state.try_pin();                                                  // it is held, and so not dead
    std::uint64_t seen = state.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    // release: as (2) of key_lock.hpp, and pairs with the same.
    while (!state.word.compare_exchange_weak(seen, change(key_word(seen)).bits(),
                                             std::memory_order_release,
                                             std::memory_order_relaxed)) {
    }
    return {left_key::rest::is_waited_for, &state};
  }
  void finish_leaving(left_key& key) noexcept {
    if (key.todo == left_key::rest::is_dead) {
      this->retire_buried(*key.shard, *key.state, key.batch);
    }
    if (key.todo == left_key::rest::is_waited_for) {
      leave_slowly(*key.state, [](key_word now) { return now.unpinned(); });
    }
  }

  /// A key that is passed on, or parked.
  template <class Change>
  CONCUR_NOINLINE void leave_slowly(state_type& state, Change change) noexcept {
    lockmap::shard& s = this->shard_of(state);
    bool is_parked = false;
    const lockmap::wake_list others = locks::pass_on(s, state, [&](key_word now) {
      is_parked = now.is_parked();
      return is_parked ? now : change(now);
    });
    locks::finish_leaving(s, state, others);
    if (is_parked) [[unlikely]]
      leave_parked(state, word_change(change));
  }

  // What leaves.

  bool has_listener() const noexcept { return static_cast<bool>(this->options_.on_evict); }
  void tell_listener(const Key& key, T& value, eviction_cause cause) const noexcept {
    if (has_listener()) this->options_.on_evict(key, std::move(value), cause);
  }
  void count_departure(eviction_cause cause) noexcept {
    if constexpr (above::counts) this->counters_.add(cause);
  }
  void report_in_place(state_type& state, eviction_cause cause) noexcept {
    count_departure(cause);
    tell_listener(state.key, state.value, cause);
  }

  // The capacity.

  void set_capacity(std::size_t capacity, std::size_t max_evictions) {
    regions_type* all = nullptr;
    bool is_redealt = false;
    {
      const lock_holder locked(this->settings_);
      // relaxed: numbers; the regions have theirs under their locks.
      this->capacity_.store(capacity, std::memory_order_relaxed);
      this->max_evictions_.store(max_evictions, std::memory_order_relaxed);
      all = this->regions();
      if (all == nullptr) return;
      // Processors may have come since the regions were made.
      const std::size_t wanted = least(this->wanted_regions(capacity), all->size);
      for (std::size_t i = 0; i < all->size; ++i) (*all)[i].lock.lock();
      const auto set = [&](region_type& r, std::size_t i) {
        r.capacity = share_of(this->widened(capacity), i, wanted);
        r.queue.set_capacity(r.capacity);
      };
      // relaxed: under the locks.
      is_redealt = wanted != all->count.load(std::memory_order_relaxed);
      if (is_redealt) {
        redeal(*all, wanted, set);
      } else {
        for (std::size_t i = 0; i < wanted; ++i) set((*all)[i], i);
      }
      for (std::size_t i = all->size; i != 0; --i) (*all)[i - 1].lock.unlock();
    }
    if (is_redealt && self().keeps_time()) {
      for (std::size_t i = 0; i < all->size; ++i) this->set_deadlines((*all)[i]);
    }
    std::size_t left = max_evictions;
    for (std::size_t i = 0; i < all->size && left != 0; ++i) left -= trim((*all)[i], left);
  }

 protected:
  /// States to be freed, all of one shard.
  struct buried_batch {
    lockmap::shard* of = nullptr;
    lockmap::key_state* states = nullptr;
    bool is_empty() const noexcept { return states == nullptr; }
  };
  /// What is found out under the lock of a region, and done afterwards. Made before: no user's
  /// clock is asked under the lock.
  struct visit_to_region {
    visit_to_region(engine_eviction& engine, std::size_t most) noexcept
        : now(engine.asks_time() && engine.keeps_time() ? engine.self().now() : no_time),
          budget(most) {}
    explicit visit_to_region(engine_eviction& engine) noexcept
        // relaxed: a number.
        : visit_to_region(engine, engine.max_evictions_.load(std::memory_order_relaxed)) {}

    void note_eviction(std::uint32_t weight) noexcept {
      if (brought == 0) {
        --budget;
      } else {
        brought -= least<std::uint64_t>(brought, greatest(weight, 1U));
      }
    }

    /// Whether there is something left to be done after the lock.
    bool is_over() const noexcept {
      return gone.is_empty() && freed.is_empty() && suspects[0] == nullptr && untimed == nullptr &&
             !is_unfinished && !lacks_memory && !is_swept;
    }

    departures<Self> gone;
    buried_batch freed;
    std::int64_t now;
    std::size_t budget;             ///< so many evictions are left
    std::uint64_t brought = 0;      ///< weight that the caller brings: making room for it is free
    int change = 0;                 ///< of the number of elements, not counted yet
    state_type* suspects[2] = {};   ///< pinned: they seem to have expired
    state_type* untimed = nullptr;  ///< pinned: there was no place for its deadline
    bool is_unfinished = false;     ///< there is still too much
    bool lacks_memory = false;      ///< of the policy's
    bool is_swept = false;          ///< what has expired is to be looked for in the table, too
  };
  enum class stays : bool { unless_too_heavy, always };

  /// Out of the order, for a reason of the holder's.
  void dequeue(state_type& state) noexcept {
    regions_type* const all = this->regions();
    region_type& r = all->lock_of(state.node.hash);
    withdraw(r, state);
    r.lock.unlock();
    state.node.where = 0;
  }

  /// Evicts what is too much, at most `budget` elements; how many it were.
  CONCUR_NOINLINE std::size_t trim(region_type& r, std::size_t budget,
                                   std::uint64_t brought = 0) noexcept {
    const std::size_t before = budget;
    for (bool again = true; again;) {
      visit_to_region visit(*this, budget);
      visit.brought = brought;
      r.lock.lock();
      collect(r, nullptr, visit);
      count_change(visit);
      r.lock.unlock();
      budget = visit.budget;
      brought = visit.brought;
      again = visit.is_unfinished;
      free_buried(visit);
      visit.gone.finish(self());
    }
    return before - budget;
  }

  /// Takes a victim exclusively; or, if somebody holds it, marks it as parked.
  static bool take_or_park(state_type& state) noexcept {
    std::uint64_t seen = state.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word now(seen);
      CONCUR_ASSERT(!now.is_dead());
      const bool is_free = now.is_free();
      CONCUR_ASSERT(!is_free || now.is_present());
      const key_word next =
          is_free ? now.template taken<lockmap::lock_mode::exclusive>() : now.parked(true);
      // acquire: what earlier holders did happened before; pairs with (2), (3), (4) of
      // key_lock.hpp.
      if (state.word.compare_exchange_weak(seen, next.bits(), std::memory_order_acquire,
                                           std::memory_order_relaxed)) {
        return is_free;
      }
    }
  }

  void swap_eviction(engine_eviction& other) noexcept {
    this->swap_regions(other);
    std::swap(this->options_, other.options_);
    std::swap(this->with_tails_, other.with_tails_);
    this->exchange(this->capacity_, other.capacity_);
  }

  /// In a full cache an insertion and its victim cancel out.
  void count_change(const visit_to_region& visit) noexcept {
    if (visit.change != 0) this->count(std::uint64_t{0}, visit.change);
  }
  /// After the lock.
  void finish(region_type& r, visit_to_region& visit) noexcept {
    if (visit.lacks_memory) [[unlikely]] {
      eviction::supply(r.queue, this->allocator_, r.lock);
    }
    free_buried(visit);
    visit.gone.finish(self());
    expire_suspects(visit);
    if (visit.untimed != nullptr) [[unlikely]] {
      this->set_deadline(*visit.untimed);
      this->unpin(*visit.untimed);
    }
    if (visit.is_unfinished) trim(r, visit.budget, visit.brought);
    if (visit.is_swept) self().sweep(r, *this->regions());
  }

  Self& self() noexcept { return static_cast<Self&>(*this); }

  void enqueue(region_type& r, state_type& state, visit_to_region& visit) noexcept {
    r.queue.insert(state.node);
    state.is_queued = true;
    if (visit.now == no_time || this->put_deadline(r, state)) return;
    // It is held, or has just been made: whoever wants it dead waits for the region.
    state.try_pin();
    visit.untimed = &state;
  }
  void enqueue_new(region_type& r, state_type& state, visit_to_region& visit) noexcept {
    enqueue(r, state, visit);
    visit.is_swept = visit.now != no_time && r.timers.has_missed();
    visit.lacks_memory = eviction::words_lacking(r.queue) != 0;
  }
  /// Under the lock of the region, of a key that the caller holds: out of the queue, or of those
  /// that are parked.
  static void withdraw(region_type& r, state_type& state) noexcept {
    if (state.is_queued) {
      r.queue.erase(state.node);
      r.timers.remove(state.node);
      state.is_queued = false;
    } else if (state.look().is_parked()) {
      CONCUR_ASSERT(state.node.timer == 0);
      r.parked.erase(state.node);
      // relaxed: under the lock, as where it is set.
      state.word.fetch_and(key_word::all_but_parked(), std::memory_order_relaxed);
    }
  }
  static void park(region_type& r, state_type& state) noexcept {
    r.parked.push_newest(state.node);
    // relaxed: under the lock, as where it is cleared.
    state.word.fetch_or(~key_word::all_but_parked(), std::memory_order_relaxed);
  }

  /// A change of a key's word, of whatever type: so that what is rare is compiled once.
  class word_change {
   public:
    template <class Change>
    explicit word_change(const Change& change) noexcept
        : change_(&change),
          call_([](const void* f, key_word now) { return (*static_cast<const Change*>(f))(now); }) {
    }
    key_word operator()(key_word now) const { return call_(change_, now); }

   private:
    const void* change_;
    key_word (*call_)(const void*, key_word);
  };

  /// A key that the caller holds. It may be left free by this: it is put into the order before, and
  /// left under the lock, so that nobody parks it again in between.
  CONCUR_NOINLINE void leave_parked(state_type& state, word_change change) noexcept {
    visit_to_region visit(*this);
    region_type& r = this->regions()->lock_of(state.node.hash);
    const bool is_parked = state.look().is_parked();  // set and cleared under this lock
    const bool is_too_heavy = is_parked && state.node.weight > r.capacity;
    if (is_parked && !is_too_heavy) {
      withdraw(r, state);
      enqueue(r, state, visit);
      visit.brought = state.node.weight;
      collect(r, &state, visit);
    }
    lockmap::shard& s = this->shard_of(state);
    // What is too heavy is not left free, but taken as a victim is; others keep it as it is.
    bool is_victim = false;
    const lockmap::wake_list others = locks::pass_on(s, state, [&](key_word now) {
      const key_word next = change(now);
      is_victim = is_too_heavy && next.is_free();
      return is_victim ? next.template taken<lockmap::lock_mode::exclusive>().parked(false) : next;
    });
    if (is_victim) {
      r.parked.erase(state.node);
      leave_order(state, eviction_cause::capacity, visit);
    }
    count_change(visit);
    r.lock.unlock();
    visit.gone.give_back(self());
    locks::finish_leaving(s, state, others);
    finish(r, visit);
  }

  std::uint32_t weight_of(state_type& state, std::uint32_t otherwise) noexcept {
    if (!this->options_.weigher) return 1;
    // A weigher that wants this very key is told, and does not wait for ever.
    lockmap::hold held;
    held.link(self().identity(), state);
    CONCUR_TRY {
      constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
      const std::uint64_t weight = this->options_.weigher(state.key, state.value);
      return static_cast<std::uint32_t>(weight < most ? weight : most);
    }
    CONCUR_CATCH_ALL {
      return otherwise;
    }
  }

  /// Gives a key back, by `leave(with_value)`, that may have got or lost its value, or changed its
  /// weight.
  template <stays Stays, class Leave>
  CONCUR_NOINLINE void leave_changed(state_type& state, bool was_present, bool with_value,
                                     Leave leave) noexcept {
    if (!with_value) {
      if (was_present) dequeue(state);
      leave(false);
      return;
    }
    const std::uint32_t weight = weight_of(state, was_present ? state.node.weight : 1);
    if (was_present && weight == state.node.weight) {
      leave(true);
      return;
    }
    regions_type& all = *this->regions();
    visit_to_region visit(*this);
    region_type& r = all.lock_of(state.node.hash);
    const bool is_too_heavy = weight > r.capacity;
    // Who waits gets to see it all the same.
    const bool is_shown = Stays == stays::always || state.look().is_waiting();
    if (is_too_heavy) {
      if (was_present) withdraw(r, state);
      state.node.where = 0;
      state.node.weight = weight;
      // Nobody is to put it back: see leave_parked.
      if (is_shown) park(r, state);
    } else {
      const std::uint32_t before = was_present ? state.node.weight : 0;
      visit.brought = weight > before ? weight - before : 0;
      if (state.is_queued) {
        r.queue.reweigh(state.node, weight);
      } else {
        // One that is parked comes back when it is left.
        if (was_present) {
          r.parked.reweigh(state.node, weight);
        } else {
          state.node.weight = weight;
          state.node.where = 0;
          enqueue_new(r, state, visit);
        }
      }
      collect(r, &state, visit);
    }
    count_change(visit);
    r.lock.unlock();
    visit.gone.give_back(self());
    if (!is_too_heavy || Stays == stays::always) {
      leave(true);
    } else if (is_shown) {
      locks::downgrade(state, true);
      locks::leave_shared(state);
    } else {
      refuse(state, leave);
    }
    finish(r, visit);
  }

  /// An element that is heavier than all that its region may hold does not stay. If it is shared,
  /// or waited for, it is parked, and goes when the last one leaves it: see leave_parked.
  template <class Leave>
  void refuse(state_type& state, Leave leave) noexcept {
    departure<Self> leaving;
    leaving.take(self(), state, eviction_cause::capacity);
    state.value.~T();
    this->count(state, -1);
    state.node.where = 0;
    leave(false);
  }

  /// Under the lock: takes victims until the weight is right, but not `own`, which the caller
  /// holds.
  void collect(region_type& r, const state_type* own, visit_to_region& visit) noexcept {
    // An insertion, once: who only evicts, in as many visits as it takes, does not look for more.
    if (own != nullptr) find_suspects(r, *own, visit);
    while (r.queue.weight() > r.capacity && (visit.budget != 0 || visit.brought != 0)) {
      eviction::node* const coldest = r.queue.victim();
      if (coldest == nullptr) return;
      state_type& state = state_type::of(*coldest);
      const std::uint32_t weight = coldest->weight;
      if (evicts_at_once() && &state != own && visit.freed.is_empty() &&
          bury_victim(r, state, visit)) {
        visit.note_eviction(weight);
        continue;
      }
      // What cannot be moved is reported in place: not while the own key is held.
      if (&state == own || visit.gone.is_full() || (own != nullptr && !leaves_by_move<T>)) {
        visit.is_unfinished = true;
        return;
      }
      state.is_queued = false;
      r.timers.remove(*coldest);
      prefetch_next(*coldest);
      if (take_or_park(state)) {
        r.queue.evict(*coldest);
        visit.note_eviction(weight);
        leave_order(state,
                    self().is_valid_at(state, visit.now) ? eviction_cause::capacity
                                                         : eviction_cause::expired,
                    visit);
      } else {
        r.queue.erase(*coldest);
        r.parked.push_newest(*coldest);
      }
    }
  }
  /// Whether a victim may go without its key being taken before: nobody is told of its value, and
  /// no code of the user's runs when that is destroyed.
  bool evicts_at_once() const noexcept {
    if constexpr (base::compares_unpinned && std::is_trivially_destructible_v<T>) {
      return !has_listener();
    } else {
      return false;
    }
  }
  /// Such a victim, if nobody holds it, waits for it or has it pinned: it is dead by one CAS. The
  /// two cases: a CAS of somebody else's is first, and then this one fails, or finds it free again;
  /// or this one is first, and the other finds a dead key. False: it is as it was.
  bool bury_victim(region_type& r, state_type& state, visit_to_region& visit) noexcept {
    lockmap::shard& s = this->shard_of(state);
    const lock_holder locked(s.lock);
    std::uint64_t seen = state.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word now(seen);
      const key_word next = now.left(false);
      if (!now.is_free() || !next.is_unused()) return false;
      // acq_rel: as (4) of key_lock.hpp, and pairs with the same.
      if (state.word.compare_exchange_weak(seen, next.died().bits(), std::memory_order_acq_rel,
                                           std::memory_order_relaxed)) {
        break;
      }
    }
    count_departure(self().is_valid_at(state, visit.now) ? eviction_cause::capacity
                                                         : eviction_cause::expired);
    state.is_queued = false;
    r.timers.remove(state.node);
    prefetch_next(state.node);
    r.queue.evict(state.node);
    --visit.change;
    visit.freed = {&s, this->bury(s, state)};
    return true;
  }
  /// In a full cache victims are what nobody has looked at for long. What will be read of the next
  /// ones is fetched by the time that their turn comes: of the next but one, the state, and of the
  /// next, the slot of its key, for which its state has to be there.
  void prefetch_next(const eviction::node& victim) const noexcept {
    // The end of a list is in no state; a policy that keeps no lists leaves the links as they are.
    const auto is_in_state = [](const eviction::node* n) noexcept {
      constexpr std::uint64_t no_hash = 0;
      return n != nullptr && n->hash != no_hash;
    };
    const eviction::node* const next = victim.newer;
    if (!is_in_state(next)) return;
    this->prefetch(state_type::of(*next).hash());
    if (!is_in_state(next->newer)) return;
    const auto* const state = reinterpret_cast<const char*>(&state_type::of(*next->newer));
    for (std::size_t i = 0; i < sizeof(state_type); i += cache_line_size) {
      prefetch_to_write(state + i);
    }
  }
  /// Those whose time seems to be over: a few, so that each insertion removes more than it brings.
  /// Who holds them decides, after the lock.
  void find_suspects(region_type& r, const state_type& own, visit_to_region& visit) noexcept {
    if (visit.now == no_time) return;
    std::size_t found = 0;
    // The coldest are at hand, and would be next.
    r.queue.for_each([&](eviction::node& n) {
      state_type& state = state_type::of(n);
      if (found == 2 || &state == &own || self().is_valid_at(state, visit.now)) return false;
      if (state.try_pin()) visit.suspects[found++] = &state;
      return true;
    });
    const auto next = [&](eviction::node& n) {
      state_type& state = state_type::of(n);
      const std::int64_t at = self().deadline_of(state);
      const bool is_over = at <= visit.now && &state != &own && &state != visit.suspects[0];
      if (is_over && state.try_pin()) visit.suspects[found++] = &state;
      return at;
    };
    r.timers.advance(visit.now, Tuning::timer_steps, next, [&] { return found != 2; });
  }
  void expire_suspects(visit_to_region& visit) noexcept {
    for (state_type* const state : visit.suspects) {
      if (state != nullptr) self().expire_pinned(*state);
    }
  }
  void free_buried(visit_to_region& visit) noexcept {
    if (!visit.freed.is_empty()) this->free_states(*visit.freed.of, visit.freed.states);
  }
  static void leave_order(state_type& state, eviction_cause cause,
                          visit_to_region& visit) noexcept {
    state.node.where = 0;
    visit.gone.add(state, cause);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
