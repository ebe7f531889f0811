// SPDX-License-Identifier: MIT
/// \file
/// How a key is taken, waited for, given back and handed over. Nothing here depends on the types.
///
///     take     one CAS of the word, if it admits us                          (1)
///     wait     spin a little; then, under the shard's lock: set `waiting`, queue; sleep
///     leave    one CAS of the word, if nobody waits and the state is kept      (2)
///              else under the shard's lock: pass on, or remove
///     pass on  the front of the queue, if it can have the key now:
///                sharers, up to the first exclusive one, and coroutines: granted, the word says so
///                an exclusive thread: notified. It may be overtaken by threads that run, which is
///                what makes a contended key fast; after `patience_limit` such losses: granted
///
/// No starvation: the front loses a bounded number of times, newcomers queue behind it, and a
/// sharer does not overtake a queue while the key is shared. `waiting` is set exactly while the
/// queue is not empty, both change under the shard's lock, and a state with a queue is not removed.
///
/// A lost wake-up would need a release that does not see `waiting`: the CAS that sets `waiting` and
/// that of the release are on one word, so one sees the other. If `waiting` is first, the release
/// takes the shard's lock, and finds the waiter queued; if the release is first, the waiter's CAS
/// fails, and it looks again.
#pragma once

#include <atomic>
#include <concur/detail/lockmap/key_state.hpp>
#include <concur/detail/lockmap/patience.hpp>
#include <concur/detail/sync/parking_lock.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::lockmap {

enum class attempt : unsigned char { taken, held, gone };

/// Those to be woken when the shard's lock has been given back.
class wake_list {
 public:
  /// Nobody is to be woken: the state is dead, and the caller takes it out of the table.
  bool is_buried = false;
  key_state* batch = nullptr;  ///< then: what is to be freed on this occasion

  void grant(waiter& w) noexcept {
    w.previous = nullptr;
    (last_ == nullptr ? first_ : last_->previous) = &w;
    last_ = &w;
  }
  /// The word of a thread that stays in the queue: an address to wake, not to look at.
  void notify(std::atomic<std::uint32_t>& word) noexcept { notified_ = &word; }

  /// Outside the shard's lock: a coroutine runs from here. A waiter may vanish as soon as it is
  /// told; waking an address where nobody sleeps any more does nothing.
  void wake() noexcept {
    if (notified_ != nullptr) futex::wake_one(*notified_);
    for (waiter* w = first_; w != nullptr;) {
      waiter* const next = w->previous;
      if (w->resume != nullptr) {
        w->resume(*w);
      } else {
        auto& word = w->state;
        // (5) release: what the last holder did happened before; pairs with (6).
        word.store(waiter::granted, std::memory_order_release);
        futex::wake_one(word);
      }
      w = next;
    }
  }

 private:
  waiter* first_ = nullptr;
  waiter* last_ = nullptr;
  std::atomic<std::uint32_t>* notified_ = nullptr;
};

/// What a shard has for its keys.
struct shard_queues {
  parking_lock& lock;
  waiting_threads& sleepers;  ///< under the lock
};

class key_lock {
 public:
  /// So often the front of a queue may be overtaken.
  static constexpr unsigned patience_limit = 2;

  /// One attempt. Gives `pins` pins back if it succeeds.
  template <lock_mode Mode>
  static attempt try_take(key_state& key, unsigned pins) noexcept {
    std::uint64_t seen = key.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word now(seen);
      if (now.is_dead()) return attempt::gone;
      if (!now.admits<Mode>()) return attempt::held;
      // (1) acquire: what earlier holders did happened before; pairs with (2), (3), (4).
      if (key.word.compare_exchange_weak(seen, now.taken<Mode>().unpinned(pins).bits(),
                                         std::memory_order_acquire, std::memory_order_relaxed)) {
        return attempt::taken;
      }
    }
  }

  /// For a thread that is already one of the sharers: it does not wait for those who wait for it.
  static bool share_once_more(key_state& key, unsigned pins) noexcept {
    std::uint64_t seen = key.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word now(seen);
      if (now.is_exclusive() || !now.can_be_shared_once_more()) return false;
      const key_word next = now.taken<lock_mode::shared>().unpinned(pins);
      // acquire: pairs with (2), (3), (4).
      if (key.word.compare_exchange_weak(seen, next.bits(), std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
        return true;
      }
    }
  }

  /// Waits for a key that the caller has pinned, once. True when taken, and the pin is given back;
  /// false when the patience is over, and the caller still has his pin. A clock that throws
  /// meanwhile terminates the program.
  template <lock_mode Mode, class Patience>
  static bool take_slowly(key_state& key, shard_queues shard, Patience& patience) noexcept {
    if (try_take_spinning<Mode>(key)) return true;
    waiter self(Mode);
    if (enqueue<Mode>(key, shard, self)) return true;
    [[maybe_unused]] const auto subscription = patience.subscribe(self.state);
    for (;;) {
      // (6) acquire: pairs with (5).
      const std::uint32_t state = self.state.load(std::memory_order_acquire);
      if ((state & waiter::granted) != 0) break;
      if ((state & waiter::notified) != 0 && take_notified<Mode>(key, shard, self)) return true;
      if (!patience.sleep(self.state, waiter::queued)) {
        if (!withdraw(key, shard, self)) return false;
        break;
      }
    }
    // relaxed: we hold the key, which keeps the state.
    key.word.fetch_sub(key_word(0).pinned().bits(), std::memory_order_relaxed);
    return true;
  }

  /// Queues `self`, unless the key can be taken, and the pin given back (true). Who waits without
  /// an end may give it back also when he queues: a state with a queue stays.
  enum class pin_of_queued : bool { kept, given_back };
  template <lock_mode Mode, pin_of_queued Pin = pin_of_queued::kept>
  static bool enqueue(key_state& key, shard_queues shard, waiter& self) noexcept {
    const lock_holder locked(shard.lock);
    std::uint64_t seen = key.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word now(seen);
      const bool can = now.admits<Mode>();
      const key_word then = can ? now.taken<Mode>() : now.with_waiting(true);
      const key_word next = can || Pin == pin_of_queued::given_back ? then.unpinned() : then;
      // acquire: if it is taken, pairs with (2), (3), (4).
      if (key.word.compare_exchange_weak(seen, next.bits(), std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
        if (!can) shard.sleepers.push_back(key, self, now.is_waiting());
        return can;
      }
    }
  }

  /// Takes `self` out of the queue. True if the key has been granted to it meanwhile.
  CONCUR_NOINLINE static bool withdraw(key_state& key, shard_queues shard, waiter& self) noexcept {
    wake_list others;
    {
      lock_holder locked(shard.lock);
      if (self.next == nullptr) {
        locked.unlock();
        wait_for_grant(self);
        return true;
      }
      shard.sleepers.remove(self);
      others = pass_on(key, shard.sleepers, [](key_word now) { return now; });
    }
    others.wake();
    return false;
  }

  /// Leaves a key whose state stays for somebody's sake: one CAS. False if it has to be passed on,
  /// or removed.
  static bool try_leave(key_state& key, bool with_value) noexcept {
    std::uint64_t seen = key.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word next = key_word(seen).left(with_value);
      if (next.needs_care() || next.is_unused()) return false;
      // (2) release: what we did happens before the next holder; pairs with (1), (4).
      if (key.word.compare_exchange_weak(seen, next.bits(), std::memory_order_release,
                                         std::memory_order_relaxed)) {
        return true;
      }
    }
  }
  static bool try_leave_shared(key_state& key) noexcept {
    std::uint64_t seen = key.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word next = key_word(seen).left();
      if ((next.needs_care() && next.is_free()) || next.is_unused()) return false;
      // (3) release: as (2); pairs with (1), (4).
      if (key.word.compare_exchange_weak(seen, next.bits(), std::memory_order_release,
                                         std::memory_order_relaxed)) {
        return true;
      }
    }
  }
  static bool try_unpin(key_state& key) noexcept {
    std::uint64_t seen = key.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word next = key_word(seen).unpinned();
      if (next.is_unused()) return false;
      // release: what we looked at happened before it is removed; pairs with (4).
      if (key.word.compare_exchange_weak(seen, next.bits(), std::memory_order_release,
                                         std::memory_order_relaxed)) {
        return true;
      }
    }
  }

  /// Under the shard's lock: a free state with a value that nobody has pinned or waits for dies, by
  /// one CAS. The two cases: a CAS of somebody else's is first, and then this one fails, or finds
  /// it free again; or this one is first, and the other finds a dead key.
  static bool try_kill(key_state& key) noexcept {
    std::uint64_t seen = key.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word now(seen);
      const key_word next = now.left(false);
      if (!now.is_free() || !now.is_present() || !next.is_unused()) return false;
      // acq_rel: as (4), and pairs with the same.
      if (key.word.compare_exchange_weak(seen, next.died().bits(), std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
        return true;
      }
    }
  }

  /// Under the shard's lock: the word becomes `change(word)`, and the front of the queue gets what
  /// it can have then; or, if nobody is left who wants it, the state dies.
  template <class Change>
  static wake_list pass_on(key_state& key, waiting_threads& sleepers, Change change) noexcept {
    // Set and cleared under the lock: exactly while the queue is not empty, or was until just now.
    waiter* const front = key.look().is_waiting() ? sleepers.front_of(key) : nullptr;
    std::uint64_t seen = key.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word left = change(key_word(seen));
      const plan next = plan_for(left, front);
      // (4) acq_rel: as (2), and for whom it is granted as (1); pairs with (1), (2), (3).
      if (key.word.compare_exchange_weak(seen, next.word.bits(), std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
        return carry_out(next, front, sleepers);
      }
    }
  }

 private:
  struct plan {
    key_word word;
    std::uint64_t grants = 0;
    bool notifies = false;
  };

  static plan plan_for(key_word word, const waiter* front) noexcept {
    plan result{word.with_waiting(front != nullptr)};
    if (front == nullptr) {
      if (result.word.is_unused()) result.word = result.word.died();
      return result;
    }
    const waiter* w = front;
    if (w->mode == lock_mode::exclusive) {
      if (!word.is_free()) return result;
      if (w->resume == nullptr && w->lost < patience_limit) {
        // relaxed: it changes under the shard's lock.
        result.notifies = (w->state.load(std::memory_order_relaxed) & waiter::notified) == 0;
        return result;
      }
      result.grants = 1;
      result.word = word.taken<lock_mode::exclusive>();
      w = w->next;
    } else {
      if (word.is_exclusive()) return result;
      result.word = word;
      do {
        if (!result.word.can_be_shared_once_more()) break;
        ++result.grants;
        result.word = result.word.taken<lock_mode::shared>();
        w = w->next;
      } while (w != front && w->mode == lock_mode::shared);
    }
    result.word = result.word.with_waiting(result.grants == 0 || w != front);
    return result;
  }

  static wake_list carry_out(const plan& what, waiter* front, waiting_threads& sleepers) noexcept {
    wake_list list;
    list.is_buried = what.word.is_dead();
    if (what.notifies) {
      // relaxed: it looks under the shard's lock again.
      front->state.fetch_or(waiter::notified, std::memory_order_relaxed);
      list.notify(front->state);
    }
    for (std::uint64_t i = 0; i < what.grants; ++i) {
      waiter& w = *front;
      front = w.next;
      sleepers.remove(w);
      w.next = nullptr;  // no longer queued: see withdraw
      list.grant(w);
    }
    return list;
  }

  template <lock_mode Mode>
  static bool try_take_spinning(key_state& key) noexcept {
    backoff wait;
    for (int round = 0; round < spin_rounds; ++round) {
      wait.pause();
      if (key.look().admits<Mode>() && try_take<Mode>(key, 1) == attempt::taken) return true;
    }
    return false;
  }

  /// The front of the queue has been told that the key is free. If it is not, it was overtaken.
  template <lock_mode Mode>
  CONCUR_NOINLINE static bool take_notified(key_state& key, shard_queues shard,
                                            waiter& self) noexcept {
    const lock_holder locked(shard.lock);
    std::uint64_t seen = key.word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const key_word now(seen);
      if (!now.is_free()) {
        ++self.lost;
        // relaxed: under the shard's lock.
        self.state.fetch_and(~std::uint32_t{waiter::notified}, std::memory_order_relaxed);
        return false;
      }
      const key_word next = now.taken<Mode>().unpinned().with_waiting(self.next != &self);
      // acquire: pairs with (2), (3), (4).
      if (key.word.compare_exchange_weak(seen, next.bits(), std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
        shard.sleepers.remove(self);
        return true;
      }
    }
  }

  CONCUR_NOINLINE static void wait_for_grant(waiter& self) noexcept {
    backoff wait;
    // acquire: pairs with (5).
    while ((self.state.load(std::memory_order_acquire) & waiter::granted) == 0) wait.pause();
  }

  static constexpr int spin_rounds = 7;  // all of backoff's spinning
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
