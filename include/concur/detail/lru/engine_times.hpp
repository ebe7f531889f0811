// SPDX-License-Identifier: MIT
/// \file
/// When the values of a cache expire, what its clock says, and what a use does. See engine.hpp for
/// the protocol.
#pragma once

#include <atomic>
#include <concur/detail/bits/extremes.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/lockmap/hold.hpp>
#include <concur/detail/lru/cached_state.hpp>
#include <concur/detail/lru/engine_regions.hpp>
#include <concur/detail/sync/platform.hpp>
#include <concur/policy/cache_options.hpp>
#include <concur/policy/eviction/memory.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::lru {

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning,
          class Policy, class Self>
class engine_times
    : public engine_regions<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, Self> {
  using above = engine_regions<Key, T, Hash, KeyEqual, Allocator, Tuning, Policy, Self>;

 protected:
  using above::has_deadlines_by_option;
  using above::has_times;
  using typename above::region_type;
  using typename above::regions_type;

 public:
  using above::above;
  using typename above::base::state_type;

  /// Whether values may expire.
  bool keeps_time() const noexcept {
    return has_deadlines_by_option() ||
           has_deadlines_.load(std::memory_order_relaxed);  // relaxed: a hint of what to look for
  }
  std::int64_t now() const noexcept {
    return this->options_.clock ? this->options_.clock().nanoseconds()
                                : static_cast<std::int64_t>(coarse_nanoseconds());
  }
  /// Whether a value has not expired.
  bool is_valid(const state_type& state) const noexcept {
    // (1) acquire: the word that is loaded next belongs to it; pairs with (2).
    const std::int64_t expires = state.expires.load(std::memory_order_acquire);
    if (expires == never && this->options_.time_to_idle.nanoseconds() <= 0) [[likely]]
      return true;
    return is_before(expires, state, now());
  }
  struct instant {
    const engine_times& owner;
    std::int64_t now;
    bool is_valid(const state_type& state) const noexcept {
      if (now == no_time) [[likely]]
        return true;
      // acquire: as (1).
      return owner.is_before(state.expires.load(std::memory_order_acquire), state, now);
    }
  };
  /// `no_time` if nothing that exists now has a deadline: all is valid then.
  instant moment() const noexcept { return {*this, asks_time() ? now() : no_time}; }
  bool is_valid_at(const state_type& state, std::int64_t now) const noexcept {
    if (now == no_time) [[likely]]
      return true;
    // relaxed: the caller holds the key.
    return is_before(state.expires.load(std::memory_order_relaxed), state, now);
  }
  void made(state_type& state) noexcept {
    this->count(state, 1);
    // relaxed: the caller holds the key.
    const std::int64_t before = state.expires.load(std::memory_order_relaxed);
    renew(state);
    // A new one is in no order yet; one that takes the place of another, in the same grip, is.
    if (state.look().is_present()) [[unlikely]]
      set_earlier(state, before);
  }
  void rewritten(state_type& state) noexcept {
    // relaxed: the caller holds the key.
    const std::int64_t before = state.expires.load(std::memory_order_relaxed);
    renew(state);
    set_earlier(state, before);
  }
  /// Of a value that has just been written: its times.
  void renew(state_type& state) noexcept {
    // relaxed, both: the caller holds the key.
    if (!has_times() && state.expires.load(std::memory_order_relaxed) == never) return;
    const std::int64_t at = now();
    if (has_times()) {
      state.times().used.store(at, std::memory_order_relaxed);
      state.times().written.store(at, std::memory_order_relaxed);
    }
    if (this->options_.expiry) [[unlikely]] {
      const cache_duration t = asked_expiry(state);
      expire_at(state, t.is_forever() ? never : later(at, t.nanoseconds()));
      return;
    }
    const std::int64_t live = this->options_.time_to_live.nanoseconds();
    expire_at(state, live > 0 ? later(at, live) : never);
  }
  /// Of a key that the caller holds exclusively.
  void expire_in(state_type& state, cache_duration t) noexcept {
    // relaxed: the caller holds the key.
    const std::int64_t before = state.expires.load(std::memory_order_relaxed);
    put_expiry(state, t);
    set_earlier(state, before);
  }
  void put_expiry(state_type& state, cache_duration t) noexcept {
    if (t.is_forever()) {
      expire_at(state, never);
      return;
    }
    // relaxed, both: see keeps_time.
    has_deadlines_.store(true, std::memory_order_relaxed);
    asks_time_.store(true, std::memory_order_relaxed);
    expire_at(state, later(now(), t.nanoseconds()));
  }

 protected:
  /// Whether there are times, or deadlines.
  bool asks_time() const noexcept {
    return asks_time_.load(std::memory_order_relaxed);  // relaxed: see keeps_time
  }
  /// A hit, while the state is pinned or held.
  void touch(state_type& state) noexcept {
    touch(state, state.hash(), this->options_.time_to_idle.nanoseconds() > 0 ? now() : no_time);
  }
  /// The same, also while it is announced: no clock is asked. `hash` is the state's, which is not
  /// read for that: it lies on another line than what has been read, mostly.
  void touch(state_type& state, std::uint64_t hash, std::int64_t now) noexcept {
    if (now != no_time) [[unlikely]]
      note_use(state, now);
    touch_untimed(state, hash);
  }
  /// The same, where no clock is asked.
  void touch_untimed(state_type& state, std::uint64_t hash) noexcept {
    regions_type* const all = this->regions();
    if (all == nullptr) [[unlikely]]
      return;
    if (!all->likely_of(state_type::order_hash(hash)).queue.touch(state.node)) [[likely]]
      return;
    promote(*all, state);
  }

  /// How long a value that was just written lives, by the user's word.
  CONCUR_NOINLINE cache_duration asked_expiry(state_type& state) noexcept {
    // One that wants this very key is told, and does not wait for ever.
    lockmap::hold held;
    held.link(this->identity(), state);
    CONCUR_TRY {
      return this->options_.expiry(state.key, state.value);
    }
    CONCUR_CATCH_ALL {
      const cache_duration live = this->options_.time_to_live;
      return live.nanoseconds() > 0 ? live : cache_duration::forever();
    }
  }
  void swap_deadlines(engine_times& other) noexcept {
    above::exchange(has_deadlines_, other.has_deadlines_);
    above::exchange(asks_time_, other.asks_time_);
  }
  static constexpr cache_duration remaining(std::int64_t expires, std::int64_t now) noexcept {
    return expires == never ? cache_duration::forever()
                            : cache_duration::of_nanoseconds(span(now, expires));
  }
  /// The deadline of a value that was there has changed: one that is later is noticed when the old
  /// one comes.
  void set_earlier(state_type& state, std::int64_t before) noexcept {
    // relaxed: the caller holds the key.
    if (state.expires.load(std::memory_order_relaxed) >= before) return;
    set_deadline(state);
  }
  /// When it is over if nobody uses it.
  std::int64_t deadline_of(const state_type& state) const noexcept {
    // relaxed, both: whoever makes it earlier sets it anew under the lock of the region,
    // afterwards.
    const std::int64_t expires = state.expires.load(std::memory_order_relaxed);
    const std::int64_t idle = this->options_.time_to_idle.nanoseconds();
    if (idle <= 0) return expires;
    return least(expires, later(state.times().used.load(std::memory_order_relaxed), idle));
  }
  static void expire_at(state_type& state, std::int64_t at) noexcept {
    // (2) release: who sees it sees the word as it was when it was stored, that is exclusive; pairs
    // with (1).
    state.expires.store(at, std::memory_order_release);
  }
  bool is_before(std::int64_t expires, const state_type& state, std::int64_t now) const noexcept {
    if (expires != never && now >= expires) return false;
    const std::int64_t idle = this->options_.time_to_idle.nanoseconds();
    // relaxed: of this value, or a later moment.
    return idle <= 0 || span(state.times().used.load(std::memory_order_relaxed), now) < idle;
  }
  bool is_to_be_refreshed(const state_type& state, std::int64_t now) const noexcept {
    const std::int64_t age = this->options_.refresh_after.nanoseconds();
    // relaxed: if it is of another value than was read, somebody has just written one.
    return age > 0 && span(state.times().written.load(std::memory_order_relaxed), now) >= age;
  }
  /// The moments of one element.
  struct seen_times {
    std::int64_t expires = never;
    std::int64_t used = 0;
    std::int64_t written = 0;
  };
  cache_times times_at(std::int64_t now, const seen_times& seen) const noexcept {
    cache_times told;
    if (now == no_time) return told;
    told.remaining = remaining(seen.expires, now);
    const auto since = [now](std::int64_t at) noexcept {
      return cache_duration::of_nanoseconds(greatest<std::int64_t>(span(at, now), 0));
    };
    if (has_times()) told.age = since(seen.written);
    const std::int64_t idle = this->options_.time_to_idle.nanoseconds();
    if (idle <= 0) return told;
    told.idle = since(seen.used);
    const std::int64_t left = idle - told.idle.nanoseconds();
    if (left < told.remaining.nanoseconds()) {
      told.remaining = cache_duration::of_nanoseconds(left);
    }
    return told;
  }

  /// Under the lock, of a key that is in the queue. False if there is no place.
  bool put_deadline(region_type& r, state_type& state) noexcept {
    const std::int64_t at = deadline_of(state);
    if (at == never) {
      r.timers.remove(state.node);
      return true;
    }
    return r.timers.set(state.node, at);
  }
  /// Of all in a region that have got none.
  CONCUR_NOINLINE void set_deadlines(region_type& r) noexcept {
    bool has_place = true;
    for (bool again = true; again;) {
      r.lock.lock();
      has_place = true;
      r.queue.for_each([&](eviction::node& n) {
        has_place = n.timer != 0 || put_deadline(r, state_type::of(n));
        return has_place;
      });
      const std::size_t lacking = r.timers.words_lacking();
      if (has_place) r.timers.forget_missed();
      r.lock.unlock();
      again = !has_place && lacking != 0;
      if (again) eviction::supply(r.timers, this->allocator_, r.lock);
    }
    if (has_place) return;
    const lock_holder locked(r.lock);
    r.timers.note_missed();
  }

  /// Of a key that the caller holds, or has pinned: sets its deadline, if it is in the queue.
  CONCUR_NOINLINE void set_deadline(state_type& state) noexcept {
    regions_type& all = *this->regions();
    for (bool is_supplied = false;; is_supplied = true) {
      region_type& r = all.lock_of(state.node.hash);
      const bool is_set = !state.is_queued || put_deadline(r, state);
      if (!is_set && is_supplied) r.timers.note_missed();
      r.lock.unlock();
      if (is_set || is_supplied) return;
      eviction::supply(r.timers, this->allocator_, r.lock);
    }
  }

 private:
  /// Forward only: also if this thread has slept since it looked at the clock.
  void note_use(state_type& state, std::int64_t now) const noexcept {
    if (this->options_.time_to_idle.nanoseconds() <= 0) return;
    // relaxed, both: a moment that orders nothing. Tested first: many finders, few ticks.
    std::atomic<std::int64_t>& last = state.times().used;
    std::int64_t used = last.load(std::memory_order_relaxed);
    while (used < now && !last.compare_exchange_weak(used, now, std::memory_order_relaxed)) {
    }
  }

  CONCUR_NOINLINE void promote(regions_type& all, state_type& state) noexcept {
    region_type* r = nullptr;
    if constexpr (Policy::prefers_one_shard) {
      r = &all.lock_of(state.node.hash);
    } else {
      r = all.try_lock_of(state.node.hash);
      if (r == nullptr) return;
    }
    if (state.is_queued) r->queue.promote(state.node);
    r->lock.unlock();
  }

  std::atomic<bool> has_deadlines_{false};
  /// Whether an operation asks what time it is: there are times, or deadlines.
  std::atomic<bool> asks_time_{has_times()};
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
