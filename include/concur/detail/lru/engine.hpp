// SPDX-License-Identifier: MIT
/// \file
/// The engine of a cache: that of a lockmap, and an order of eviction beside it.
///
///   table    [tag|state]...                        of the lockmap: finds a key, not by recency
///   regions  lock | capacity | queue of nodes      a share of the capacity each; region of a hash
///   state    expires | word | key | node | value   in the queue of its region while it has a value
///
/// A *free* key is one that nobody holds. What holds whenever a region is not locked:
///
///   I1  a node in a queue belongs to a key that has a value, or whose holder is about to leave it
///       with one, or to take the node out
///   I2  a free key that has a value is in the queue
///   I3  `parked` in the word of a key: somebody holds it, it has a value, it is in no queue, but
///       in the region's list of those
///   I4  a node in a queue that has a deadline is among the deadlines of its region, at that moment
///       or an earlier one, unless there was no memory for that, or whoever made it earlier is
///       about to put it there. Nodes that are in no queue are not
///
/// A value comes:
///   1. it is made while its key is held; nothing else happens. An absent key that is locked and
///      left absent has nothing to do with the order
///   2. the holder leaves: under the lock of the region the node is inserted, and victims are taken
///      until the weight fits, but never the own key
///   3. the victims' keys are given back, then the own one, as in a lockmap
///   4. those who wait for them are woken (a coroutine goes on there: no victim may be held any
///      more), values are reported and destroyed
///   5. if it was not enough (the own key was next, or the victims were too many for the stack):
///      once more from the lock on
///
/// What is made without code of the user's comes unheld, under the region's lock: quick_insert.hpp.
///
/// A victim is taken under the lock of the region, by one CAS of its word:
///   free    ->  dead: where nobody is told of the value, nothing is run to destroy it, and nobody
///               else is concerned with the key; under the lock of its shard, too
///           ->  exclusive: it is ours, out of the queue, and its value is on its way out
///   held    ->  parked, out of the queue, and out of the weight: no scan meets it again
///
/// Whoever leaves a parked key cannot do so by the CAS of a lockmap, which looks at the bit: he
/// takes the region's lock, clears the bit, inserts the node again, as in 2, and leaves while he
/// has that lock, so that nobody parks it in between. The two cases: the victim's CAS is first, and
/// the one that leaves sees the bit; or the other is first, and the victim's CAS sees a free key.
///
/// A value goes, by its holder: its node is taken out under the lock of the region, and the bit
/// cleared; then the key is left as in a lockmap. A value that changes leaves the order alone.
///
/// Bound: by I2 whatever is free has its weight in a queue; whoever inserts into a queue, or makes
/// its share smaller, leaves it at its share before he returns. Held keys are apart.
///
/// Locks: region before shard. Under a region's lock words are changed by CAS, and nothing is
/// waited for, allocated, freed or called, but the policy.
///
/// Expiry: the holder writes `expires` before he leaves; a reader that copies a value loads it
/// before it validates the copy by the word, so that the two belong together. Who takes a key
/// exclusively whose value has expired removes it first, and takes the key again. Every insertion
/// removes up to two of those whose deadlines are over: of the coldest, and of those that the
/// wheel of the region says (deadlines.hpp). A deadline that moves later is noticed when the old
/// one comes; who makes one earlier puts it there, under the region's lock, before he leaves.
///
///   hit, small value   lines of a lockmap, one of the region, one of the thread's counters;
///                      no read-modify-write, nothing shared written while the element is warm
///   hit, other value   and 2 read-modify-writes of the word, as in a lockmap
///   promotion          as the policy says: of `eviction::lru`, a store to the element; of exact
///                      LRU, the region's lock, 5 nodes
///   miss               as in a lockmap, and the thread's counter
///   insert             as in a lockmap, and the region's lock; with times 3 places of deadlines
///   insert of a pair   a search, as a miss, and the locks of the region and the shard once each:
///   that is copied     no read-modify-write of the word
///   evicts             and the lock of the victim's shard, 1 CAS of its word, or 2 if somebody is
///                      told of its value; 2 lines of its state, 1 of the next but one's
///
/// Linearization: as in a lockmap; an eviction when the victim's key is left without a value.
#pragma once

#include <concur/detail/assert.hpp>
#include <concur/detail/lockmap/engine.hpp>
#include <concur/detail/lockmap/traverse.hpp>
#include <concur/detail/lru/cached_state.hpp>
#include <concur/detail/lru/eviction.hpp>
#include <concur/detail/lru/order.hpp>
#include <concur/detail/lru/quick_insert.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/detail/sync/platform.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lru {

struct default_tuning : lockmap::default_tuning {
  template <class Key, class T>
  using state = cached_state<Key, T>;
  /// States that die are looked at again, and made anew, before they have left the nearer caches.
  static constexpr std::uint32_t few_threads = 4;
  /// In a full cache there are as many newcomers as victims.
  static constexpr std::size_t spare_states = 2 * retire_batch;
  /// Whether hits, misses and the like are counted, if the policy likes it.
  static constexpr bool counts = true;
  /// So many deadlines are moved or met at an insertion: one comes, and moves three to six times.
  static constexpr unsigned timer_steps = 8;
  /// If there was no memory for a deadline, so many homes of the table are looked through at every
  /// insertion for values that have expired: of them about half have a value.
  static constexpr std::size_t swept_homes = 4;
};

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning,
          class Policy>
class engine
    : public engine_quick_insert<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy,
                                 engine<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy>> {
  using quick_base = engine_quick_insert<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, engine>;
  using eviction_base = engine_eviction<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, engine>;
  using base = typename eviction_base::base;
  using locks = typename eviction_base::locks;
  using lock_mode = lockmap::lock_mode;
  using endless_patience = lockmap::endless_patience;
  using eviction_base::is_before;
  using eviction_base::is_to_be_refreshed;
  using eviction_base::remaining;
  using eviction_base::times_at;
  using typename base::glance;
  using typename base::no_key;
  using typename base::pinned_state;
  using typename eviction_base::region_type;
  using typename eviction_base::regions_type;
  using typename eviction_base::seen_times;
  friend quick_base;
  friend eviction_base;
  friend base;

 public:
  using typename base::copied_value;
  using typename base::prepared_state;
  using typename base::state_type;
  using typename base::taken;
  using typename eviction_base::options_type;
  using grip_type = lockmap::grip<engine>;
  using doomed_type = departure<engine>;
  using eviction_base::is_valid;
  using eviction_base::keeps_time;
  using eviction_base::moment;
  using eviction_base::now;
  using quick_base::quick_base;
  using typename eviction_base::instant;

  // Taking keys.

  template <lock_mode Mode, class K, class MakeKey, class Patience>
  taken acquire(std::uint64_t hash, const K& key, MakeKey make_key, Patience&& patience) {
    prepared_state fresh(*this);
    return acquire<Mode>(hash, key, make_key, patience, fresh);
  }
  template <lock_mode Mode, class K, class MakeKey, class Patience>
  taken acquire(std::uint64_t hash, const K& key, MakeKey& make_key, Patience& patience,
                prepared_state& fresh) {
    if constexpr (!std::is_same_v<MakeKey, no_key>) this->require_regions();
    for (;;) {
      taken what = locks::template acquire<Mode>(hash, key, make_key, patience, fresh);
      if (!what.is_present) return what;
      if (is_valid(*what.state)) [[likely]] {
        this->touch(*what.state);
        return what;
      }
      if constexpr (Mode == lock_mode::shared) {
        what.is_present = false;
        return what;
      }
      expire(*what.state);
    }
  }
  template <class K, class MakeKey, class Patience>
  state_type* pin(std::uint64_t hash, const K& key, MakeKey make_key, Patience& patience) {
    this->require_regions();
    return locks::pin(hash, key, make_key, patience);
  }
  template <class K, class MakeKey>
  state_type& pin_at_once(std::uint64_t hash, const K& key, MakeKey make_key,
                          prepared_state& fresh) {
    this->require_regions();
    return locks::pin_at_once(hash, key, make_key, fresh);
  }
  /// A guard has got a key that it had pinned, or shared.
  void freshen(state_type& state, bool& is_present) noexcept {
    if (!is_present) return;
    if (is_valid(state)) [[likely]] {
      this->touch(state);
      return;
    }
    this->report_in_place(state, eviction_cause::expired);
    state.value.~T();
    is_present = false;
    this->count(state, -1);
  }

  // Primitives; `read` is in quick_read.hpp, the others are those of a lockmap.

  template <class K, class F>
  bool peek(std::uint64_t hash, const K& key, F&& f) const {
    return base::read(hash, key, f);
  }
  /// As `read`, for nothing but that.
  template <class K>
  bool touch_key(std::uint64_t hash, const K& key) {
    return base::read_and(
        hash, key, any_callable(),
        [&](state_type& state, const instant& at) noexcept { this->touch(state, hash, at.now); });
  }
  template <class K>
  bool set_expiry(std::uint64_t hash, const K& key, cache_duration t) {
    return base::modify_present(hash, key,
                                [&](auto& element) { this->expire_in(element.state(), t); });
  }
  std::size_t capacity() const noexcept { return this->asked_capacity(); }

  template <class K, class MakeKey, class F>
  T compute_once(std::uint64_t hash, const K& key, MakeKey make_key, F& f) {
    std::optional<T> found;
    const bool is_old = look_up(hash, key, found);
    if (found) {
      if (is_old) refresh<T>(hash, key, make_key, f, found);
      return *std::move(found);
    }
    grip_type held(*this, acquire<lock_mode::exclusive>(hash, key, make_key, endless_patience()));
    if (!held.is_present()) held.make(load<T>(f));
    return held.value();
  }
  /// f() -> std::optional<T>; with an end to the patience also a hit takes the key.
  template <class K, class MakeKey, class F, class Patience>
  std::optional<T> try_compute_once(std::uint64_t hash, const K& key, MakeKey make_key, F& f,
                                    Patience& patience) {
    std::optional<T> found;
    bool is_old = false;
    if constexpr (std::is_same_v<Patience, endless_patience>) is_old = look_up(hash, key, found);
    prepared_state fresh(*this);
    if (!found) {
      grip_type held(*this, acquire<lock_mode::exclusive>(hash, key, make_key, patience, fresh));
      if constexpr (!std::is_same_v<Patience, endless_patience>) {
        this->note_lookup(held && held.is_present());
      }
      if (!held) return std::nullopt;
      if (!held.is_present()) {
        std::optional<T> made = load<std::optional<T>>(f);
        if (!made) return std::nullopt;
        held.make(*std::move(made));
      } else {
        is_old = is_to_be_refreshed(held.state(), moment().now);
      }
      found.emplace(std::as_const(held.value()));
    }
    if (!is_old) return found;
    if constexpr (std::is_same_v<K, Key>) {
      // The caller's may have been moved into `fresh`, by an insertion that came too late.
      if (fresh && (*fresh).is_keyed()) {
        using source = std::conditional_t<std::is_move_constructible_v<Key>, Key, const Key&>;
        typename base::template key_from<source> again((*fresh).key);
        refresh<std::optional<T>>(hash, std::as_const((*fresh).key), again, f, found);
        return found;
      }
    }
    refresh<std::optional<T>>(hash, key, make_key, f, found);
    return found;
  }

  // By recency.
  /// Elements from the coldest, at most `n`, while f(reference, remaining, times) says true;
  /// `remaining`, until it expires but for idleness, is of the value that is shown; `times()` are
  /// its `cache_times`.
  template <class F>
  void each_from_coldest(std::size_t n, F f) const {
    show_in_order<walk_from::coldest>(n, f);
  }
  template <class F>
  void each_from_hottest(std::size_t n, F f) const {
    show_in_order<walk_from::hottest>(n, f);
  }
  /// Of a quiet map: f(key, value, remaining) for all from the coldest, whose values are moved away
  /// by it, and which leave. Keys that cannot be copied are moved.
  template <class F>
  void drain_from_coldest(F f) {
    in_order<walk_from::coldest>([&](state_type& state) {
      grip_type held(*this, take_all_the_same<lock_mode::exclusive>(state));
      if (!held) return true;
      // relaxed: we hold the key.
      const std::int64_t expires = state.expires.load(std::memory_order_relaxed);
      const cache_duration left = remaining(expires, moment().now);
      if constexpr (std::copy_constructible<Key>) {
        f(std::as_const(state.key), std::move(held.value()), left);
        held.reset();
      } else {
        // Dropped before anything can throw: a key that was moved from is not to be found.
        T value(std::move(held.value()));
        Key key(std::move(state.key));
        held.reset();
        f(std::move(key), std::move(value), left);
      }
      return true;
    });
  }

  /// Takes the coldest element that nobody holds, of one region after the other.
  std::optional<std::pair<Key, T>> pop_coldest() {
    regions_type* const all = this->regions();
    if (all == nullptr) return std::nullopt;
    // relaxed, both: where to begin.
    const std::size_t count = all->count.load(std::memory_order_relaxed);
    const std::size_t begin = all->pop_cursor.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < count; ++i) {
      region_type& r = (*all)[(begin + i) % count];
      while (state_type* const state = this->take_coldest(r)) {
        if (!is_valid(*state)) {
          expire(*state);
          continue;
        }
        grip_type held(*this, {state, true});
        std::optional<std::pair<Key, T>> popped(std::in_place, held.state().key,
                                                std::move(held.value()));
        held.reset();
        return popped;
      }
    }
    return std::nullopt;
  }

  /// Removes every value that has expired; how many it were.
  std::size_t remove_expired() {
    std::size_t removed = 0;
    if (!keeps_time()) return removed;
    this->require_nothing_held();
    this->each_state(hash_range(), [&](state_type& state) {
      pinned_state pin(*this, state);
      if (!state.look().is_present() || is_valid(state)) return true;
      pin.release();
      const grip_type held(*this, take_all_the_same<lock_mode::exclusive>(state));
      if (!held) ++removed;
      return true;
    });
    return removed;
  }

  template <class Stats>
  Stats stats() const noexcept {
    Stats result{};
    const auto of_table = base::template stats<table_stats>();
    result.size = of_table.size;
    result.keys = of_table.keys;
    result.retired = of_table.retired;
    result.capacity = capacity();
    if (regions_type* const all = this->regions()) {
      for (std::size_t i = 0; i < all->size; ++i) {
        const lock_holder locked((*all)[i].lock);
        result.weight += (*all)[i].queue.weight();
      }
      result.shards = all->count.load(std::memory_order_relaxed);  // relaxed: a number
    }
    const cache_counters& n = this->counters_;
    result.hits = n.sum(counter::hits);
    result.misses = n.sum(counter::misses);
    result.loads = n.sum(counter::loads);
    result.load_failures = n.sum(counter::load_failures);
    result.evicted = n.sum(eviction_cause::capacity);
    result.expired = n.sum(eviction_cause::expired);
    result.replaced = n.sum(eviction_cause::replaced);
    result.erased = n.sum(eviction_cause::erased);
    result.cleared = n.sum(eviction_cause::cleared);
    return result;
  }

  // Needs quiet.

  void swap_elements(engine& other) noexcept {
    CONCUR_ASSERT(this->has_times() == other.has_times());
    base::swap_elements(other);
    this->swap_regions(other);
    this->swap_deadlines(other);
  }
  void swap_contents(engine& other) noexcept {
    base::swap_contents(other);
    this->swap_eviction(other);
    this->swap_deadlines(other);
  }
  void swap_everything(engine& other) noexcept {
    swap_contents(other);
    swap_allocators(this->allocator_, other.allocator_);
  }
  void become(engine& other) noexcept {
    this->free_regions();
    this->release_all();
    swap_contents(other);
    this->allocator_ = std::move(other.allocator_);
  }

 private:
  struct table_stats {
    std::size_t size, keys, capacity, shards, retired;
  };

  /// Takes a state whose pin the caller gives away: none if its value has expired.
  template <lock_mode Mode>
  taken take_all_the_same(state_type& state) {
    taken what = base::template take_all_the_same<Mode>(state);
    if (Mode == lock_mode::exclusive && what.is_present && !is_valid(state)) {
      expire(state);
      return {};
    }
    return what;
  }

  /// Removes an expired value, and gives its key back, which the caller holds exclusively.
  CONCUR_NOINLINE void expire(state_type& state) noexcept {
    this->dequeue(state);
    departures<engine> gone;
    gone.add(state, eviction_cause::expired);
    gone.finish(*this);
  }

  /// A step on the way round through the table, by way of an insertion: removes what has expired
  /// there. Each region has its part of the hashes; nobody waits for anybody.
  CONCUR_NOINLINE void sweep(region_type& r, regions_type& all) noexcept {
    if constexpr (Tuning::swept_homes != 0) {
      // relaxed, all: hints of where to go on; two threads may look at the same homes.
      const std::size_t count = all.count.load(std::memory_order_relaxed);
      const auto index = static_cast<std::size_t>(&r - all.first());
      if (index >= count) return;
      const hash_range part = hash_range::part(index, count);
      const std::uint64_t at = r.swept_to.load(std::memory_order_relaxed);
      const std::uint64_t from = part.contains(at) ? at : part.first;
      lockmap::walk<engine> steps(*this, hash_range{from, part.last});
      CONCUR_TRY {
        steps.step(Tuning::swept_homes, [&](state_type& state) {
          expire_pinned(state);
          return true;
        });
      }
      // No memory for hundreds of keys of one hash: the next insertion tries again.
      CONCUR_CATCH_ALL {}
      r.swept_to.store(steps.is_over() ? part.first : steps.cursor(), std::memory_order_relaxed);
    }
  }
  /// Gives the pin back.
  void expire_pinned(state_type& state) noexcept {
    if (!state.look().is_present() || is_valid(state) ||
        lockmap::key_lock::try_take<lock_mode::exclusive>(state, 1) != lockmap::attempt::taken) {
      this->unpin(state);
    } else if (state.look().is_present() && !is_valid(state)) {
      expire(state);
    } else {
      locks::leave_exclusive(state, state.look().is_present());
    }
  }

  /// A lookup that counts as one, into `found`. Whether the value is to be refreshed.
  template <class K>
  bool look_up(std::uint64_t hash, const K& key, std::optional<T>& found) {
    bool is_old = false;
    const auto copy = [&](const auto& element) { found.emplace(element.second); };
    const auto note = [&](state_type& state, const instant& at) noexcept {
      this->touch(state, hash, at.now);
      is_old = is_to_be_refreshed(state, at.now);
    };
    this->note_lookup(base::read_and(hash, key, copy, note));
    return is_old;
  }

  /// f(), which makes a `Made`: a value, or one or none. Counted.
  template <class Made, class F>
  Made load(F& f) {
    struct attempt {
      engine& owner;
      bool succeeded = false;
      ~attempt() {
        if constexpr (eviction_base::counts) {
          owner.counters_.add(succeeded ? counter::loads : counter::load_failures);
        }
      }
    };
    attempt here{*this};
    Made made = static_cast<Made>(f());
    if constexpr (std::is_same_v<Made, T>) {
      here.succeeded = true;
    } else {
      here.succeeded = made.has_value();
    }
    return made;
  }
  /// Computes a value anew, beside readers of the old one; only one thread at a time does. Leaves
  /// the new one in `value`, if there is one.
  template <class Made, class K, class MakeKey, class F>
  CONCUR_NOINLINE void refresh(std::uint64_t hash, const K& key, MakeKey make_key, F& f,
                               std::optional<T>& value) {
    endless_patience patience;
    state_type& state = *pin(hash, key, make_key, patience);
    pinned_state pinned(*this, state);
    // (3) acquire: what an earlier one stored is seen; pairs with (4).
    if (state.is_refreshing.exchange(true, std::memory_order_acquire)) return;
    struct turn {
      state_type& of;
      ~turn() {
        // (4) release: pairs with (3).
        of.is_refreshing.store(false, std::memory_order_release);
      }
    };
    const turn mine{state};
    if (!is_to_be_refreshed(state, now())) return;
    // relaxed: of the value that is too old, or a later one, whose writer is heeded then.
    const std::int64_t written = state.times().written.load(std::memory_order_relaxed);
    std::optional<T> fresh = load<Made>(f);
    if (!fresh) return;
    departure<engine> leaving;
    value.emplace(std::as_const(*fresh));
    state.try_pin();  // for the taking: ours stays
    grip_type held(*this, base::template take_all_the_same<lock_mode::exclusive>(state));
    // What was written, or removed, meanwhile is not undone by what was read before.
    if (held.is_present() && state.times().written.load(std::memory_order_relaxed) == written) {
      leaving.replace(held, *std::move(fresh));
    }
  }

  /// Under the lock of the region: the coldest that is free, taken exclusively. It is parked: if it
  /// is left with its value, it comes back.
  state_type* take_coldest(region_type& r) noexcept {
    const lock_holder locked(r.lock);
    while (eviction::node* const coldest = r.queue.victim()) {
      state_type& state = state_type::of(*coldest);
      const bool is_ours = this->take_or_park(state);
      r.queue.erase(*coldest);
      r.timers.remove(*coldest);
      state.is_queued = false;
      r.parked.push_newest(*coldest);
      if (!is_ours) continue;
      // relaxed: under the lock of the region.
      state.word.fetch_or(~lockmap::key_word::all_but_parked(), std::memory_order_relaxed);
      return &state;
    }
    return nullptr;
  }

  /// Pins everything; each(state), which gets the pin, while it says true.
  template <walk_from From, class Each>
  void in_order(Each each) const {
    engine& self = const_cast<engine&>(*this);
    regions_type* const all = this->regions();
    if (all == nullptr) return;
    pinned_order<engine> order(self);
    allocation<rebind<Allocator, std::size_t>> ends(this->allocator_, all->size);
    for (std::size_t i = 0; i < all->size; ++i) {
      order.add((*all)[i]);
      ends.data()[i] = order.size();
    }
    const auto visit = [&](std::size_t i) { return each(order.release(i)); };
    if constexpr (From == walk_from::coldest) {
      order.from_coldest(ends.data(), all->size, visit);
    } else {
      order.from_hottest(ends.data(), all->size, visit);
    }
  }
  template <walk_from From, class F>
  void show_in_order(std::size_t n, F& f) const {
    engine& self = const_cast<engine&>(*this);
    if (n == 0) return;
    in_order<From>([&](state_type& state) {
      const instant at = moment();
      seen_times seen;
      const auto look_at = [&](const state_type& s) noexcept {
        seen.expires = s.expires.load(std::memory_order_acquire);  // acquire: as (1)
        // relaxed, both: of this value, or a later one.
        if (this->has_times()) {
          seen.used = s.times().used.load(std::memory_order_relaxed);
          seen.written = s.times().written.load(std::memory_order_relaxed);
        }
        return is_before(seen.expires, s, at.now);
      };
      return self.show_if(state, look_at, [&](auto& shown) {
        --n;
        return static_cast<bool>(f(shown, remaining(seen.expires, at.now),
                                   [&] { return times_at(at.now, seen); })) &&
               n != 0;
      });
    });
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
