// SPDX-License-Identifier: MIT
/// \file
/// Frees what pinned threads (detail/reclaim/era_pin.hpp) can no longer hold. One for each
/// container or domain; what they share is the clock and the thread slots.
///
/// A thread puts what it retires into its own record. When that has a batch of new nodes, a scan
///   1. takes them, and what others left: the records of threads that have ended, or have not used
///      the container for long, and the shared stack;
///   2. makes sure of what other threads announce (detail/reclaim/section_fence.hpp): seldom by the
///      heavy fence, often only for the batch before this one;
///   3. ends the era: that is the retired era of all these nodes;
///   4. reads every announced interval. If none is there at all, everything is freed that (2) has
///      settled; else the new nodes wait for the next scan, which frees them if every announcement
///      is younger than their retired era. Only what is blocked for longer is looked at node by
///      node: what no interval meets is freed, the rest parked.
///
/// Nobody waits: a record is changed by its owner while it is *pinned*, or by whoever has *claimed*
/// it. Who claims the record of another thread sets `claimed_by_`, passes the heavy fence, and then
/// looks whether the owner is pinned; if so it withdraws. The owner looks at `claimed_by_` after it
/// has pinned itself, which costs it a load; while the record is claimed it retires to the shared
/// stack, and scans that. The two cases: its pin comes before the fence, and the claimer sees it
/// (or its end, and with that the lists as the owner left them); or the fence comes first, and the
/// owner sees the claim.
///
/// With every thread that is pinned for a bounded time, at most `threads * 2 * batch` nodes wait.
/// See docs/epoch.md for the bound with one that sleeps.
///
/// `free(Record* mine, epoch_node*, unsigned kind)` frees a node: it must not throw; it may run
/// code of the user that retires more. `mine` is the record of the thread that scans; nullptr when
/// the container is being destroyed.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/reclaim/epoch_record.hpp>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/reclaim/era_pin.hpp>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/reclaim/pinned_eras.hpp>
#include <concur/detail/reclaim/section_fence.hpp>
#include <concur/detail/reclaim/thread_records.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace concur::inline CONCUR_ABI::detail {

template <class Record = epoch_record>
class epoch_reclaimer {
 public:
  static constexpr std::uint32_t default_batch = 128;

  explicit epoch_reclaimer(std::uint32_t batch = default_batch) noexcept
      : batch_(at_least_one(batch)) {}
  epoch_reclaimer(const epoch_reclaimer&) = delete;
  epoch_reclaimer& operator=(const epoch_reclaimer&) = delete;

  // --- records ---

  /// The record of the calling thread, nullptr if there is none yet.
  Record* find(const thread_slot& me) const noexcept { return records_.find(me); }

  /// The same, made if need be: to be called before anything is changed. Throws what the allocator
  /// throws.
  template <class Allocator>
  Record& ensure(thread_slot& me, const Allocator& allocator) {
    return records_.ensure(me, allocator);
  }

  // --- retiring ---

  /// `node` is unlinked: nobody who pins himself from now on finds it. `me` is pinned.
  CONCUR_FORCEINLINE void retire(thread_slot& me, Record& mine, epoch_node* node,
                                 unsigned kind) noexcept {
    CONCUR_ASSERT(kind <= epoch_node::kind_mask);
    // (1) acquire: ring and lists as the last claimer left them; pairs with (2).
    const thread_slot* claimer = mine.claimed_by_.load(std::memory_order_acquire);
    CONCUR_ASSERT(claimer == &me || era_interval::is_pinned(me));
    if (claimer != nullptr || !mine.ring_.push(node, kind)) [[unlikely]]
      retire_elsewhere(me, mine, node, kind, claimer);
  }

  /// The same for a thread without a record. Lock-free.
  void retire_shared(epoch_node* node, unsigned kind) noexcept {
    begin_listed(node, kind);
    push_shared(node);
  }

  /// Whether it is time to `collect`.
  bool is_due(const Record& mine) const noexcept {
    // relaxed: a setting
    return mine.retired_since() >= batch_.load(std::memory_order_relaxed);
  }

  // --- freeing ---

  /// Frees what can be freed of what the calling thread and ended ones have retired. Best called
  /// when `me` is not pinned: its own pin keeps the newest batch for the next time. Does nothing
  /// when it is called by a destructor that it runs itself. O(batch) amortised.
  template <class Free>
  CONCUR_NOINLINE void collect(thread_slot& me, Record& mine, Free&& free) noexcept {
    scan(me, mine, false, disposal(free));
  }

  /// The same, and takes over what idle threads have retired, and looks at everything. False if the
  /// kernel refused the fence, or somebody else is at it. O(all that waits).
  template <class Free>
  CONCUR_NOINLINE bool collect_all(thread_slot& me, Record& mine, Free&& free) noexcept {
    return scan(me, mine, true, disposal(free));
  }

  /// Returns when everything is freed that was retired before the call. Waits for pinned threads.
  /// Throws std::system_error: resource_deadlock_would_occur if the caller itself is pinned or
  /// runs in a destructor that is called by `collect`, operation_not_permitted if the kernel has
  /// begun to refuse the fence.
  template <class Free>
  void quiesce(thread_slot& me, Record& mine, Free&& free) {
    if (era_interval::is_pinned(me) || is_claimed_by(mine, me) || mine.is_scanning_shared_) {
      fail_deadlock("concur: quiesce by a thread that is pinned or is freeing");
    }
    wait_for_all(me, mine, disposal(free));
  }

  // --- settings and numbers ---

  void set_batch(std::uint32_t n) noexcept {
    batch_.store(at_least_one(n), std::memory_order_relaxed);  // relaxed: a setting
  }
  std::uint32_t batch() const noexcept {
    return batch_.load(std::memory_order_relaxed);  // relaxed: a setting
  }

  /// Nodes that were retired and are not freed. O(threads).
  std::uint64_t waiting() const noexcept {
    const std::uint64_t freed_first = freed_of_lists();
    std::uint64_t n = 0;
    records_.for_each([&n](const Record& r) {
      const std::uint64_t taken = r.ring_.taken_for_good();  // first: the other one only grows
      n += r.ring_.retired() - taken;
    });
    for (const auto& listed : listed_)
      n += listed.load(std::memory_order_relaxed);  // relaxed: ditto
    return n - freed_first;
  }
  /// Nodes that have been freed, in all.
  std::uint64_t freed() const noexcept {
    // relaxed: a number that orders nothing
    return freed_of_lists() + freed_from_rings_.load(std::memory_order_relaxed);
  }
  static std::uint64_t era() noexcept { return era_clock::now(); }
  /// The oldest era that is announced, 0 if no thread is pinned. O(threads).
  static std::uint64_t oldest_pinned() noexcept { return pinned_eras::oldest(); }

  // --- quiet ---

  template <class F>
  void for_each_record(F&& f) {
    records_.for_each(f);
  }

  /// Frees everything that waits, and what is retired by that.
  template <class Free>
  void free_retired(Free&& free) noexcept {
    for (;;) {
      epoch_list all = take_shared();
      records_.for_each([&](Record& r) {
        // relaxed: quiet. Claimed all the same: this is the child of a fork, and he who has claimed
        // it is not here. His lists may be half changed: they stay; the ring knows where he was.
        if (r.claimed_by_.load(std::memory_order_relaxed) != nullptr) {
          list_ring(r, r.ring_.retired(), 0, all);
          return;
        }
        epoch_list parked = r.parks_.take_all();
        r.note_parked();
        take_all_fresh(r, all, all);
        all.take(parked);
      });
      if (all.empty()) return;
      free_list(nullptr, all, disposal(free));
    }
  }
  /// Destroys the records; nothing is retired any more.
  template <class Allocator>
  void release_records(const Allocator& allocator) noexcept {
    records_.release(allocator);
  }

  void swap(epoch_reclaimer& other) noexcept {
    records_.swap(other.records_);
    // relaxed: the caller's quiet orders all of these.
    const auto exchange = [](auto& a, auto& b) {
      b.store(a.exchange(b.load(std::memory_order_relaxed), std::memory_order_relaxed),
              std::memory_order_relaxed);
    };
    exchange(shared_, other.shared_);
    exchange(batch_, other.batch_);
    exchange(phase_, other.phase_);
    for (int p = 0; p < 2; ++p) {
      exchange(freed_[p], other.freed_[p]);
      exchange(listed_[p], other.listed_[p]);
    }
    exchange(freed_from_rings_, other.freed_from_rings_);
  }

 private:
  /// A scan ends when less than a batch has come up meanwhile.
  static constexpr std::uint32_t at_least_one(std::uint32_t batch) noexcept {
    return batch == 0 ? 1 : batch;
  }

  /// How the container frees its nodes, without the type of that: nothing here but the loop over a
  /// ring is made anew for each type of container.
  class disposal {
   public:
    template <class Free>
    explicit disposal(Free& free) noexcept
        : free_(const_cast<void*>(static_cast<const void*>(std::addressof(free)))),
          one_([](void* f, Record* mine, epoch_node* node, unsigned kind) noexcept {
            (*static_cast<Free*>(f))(mine, node, kind);
          }),
          ring_([](void* f, Record& mine, std::uint64_t end) noexcept {
            mine.ring_.take_until(end, [&](epoch_node* node, unsigned kind) {
              (*static_cast<Free*>(f))(&mine, node, kind);
            });
          }) {}

    void operator()(Record* mine, epoch_node* node, unsigned kind) const noexcept {
      one_(free_, mine, node, kind);
    }
    /// What is before `end` in the ring.
    void free_ring(Record& mine, std::uint64_t end) const noexcept { ring_(free_, mine, end); }

   private:
    void* free_;
    void (*one_)(void*, Record*, epoch_node*, unsigned) noexcept;
    void (*ring_)(void*, Record&, std::uint64_t) noexcept;
  };

  /// One `quiesce` at a time.
  class turn {
   public:
    explicit turn(std::atomic<bool>& flag) noexcept : flag_(flag) {
      backoff wait;
      // (5) acquire: pairs with (6).
      while (flag_.exchange(true, std::memory_order_acquire)) wait.pause();
    }
    ~turn() { flag_.store(false, std::memory_order_release); }  // (6) release: pairs with (5).
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

   private:
    std::atomic<bool>& flag_;
  };

  CONCUR_COLD void retire_elsewhere(thread_slot& me, Record& mine, epoch_node* node, unsigned kind,
                                    const thread_slot* claimer) noexcept {
    if (claimer == &me && mine.ring_.push(node, kind)) return;
    begin_listed(node, kind);
    if (claimer == nullptr || claimer == &me) {
      mine.add_overflow(node);
    } else {
      push_shared(node);
      --mine.counted_from_;
    }
  }

  /// A node of a list is counted as one.
  void begin_listed(epoch_node* node, unsigned kind) noexcept {
    const unsigned phase = phase_.load(std::memory_order_relaxed);  // relaxed: see quiesce
    // relaxed: push_shared publishes it, or the release of a claim
    listed_[phase].fetch_add(1, std::memory_order_relaxed);
    node->retired = phase;
    node->set(nullptr, kind);
  }
  /// What is before `end` in the ring goes into a list; `era`: when it was retired, 0 if that is
  /// not known yet.
  CONCUR_COLD void list_ring(Record& r, std::uint64_t end, std::uint64_t era,
                             epoch_list& list) noexcept {
    const unsigned phase = phase_.load(std::memory_order_relaxed);  // relaxed: see quiesce
    // relaxed: the ring publishes it, see there (2)
    listed_[phase].fetch_add(end - r.ring_.taken(), std::memory_order_relaxed);
    r.ring_.take_until(end, [&](epoch_node* node, unsigned kind) {
      node->retired = era << 1 | phase;
      node->set(nullptr, kind);
      list.push(node);
    });
  }
  /// All that `r` has but what is parked: into `fresh`, if its retired era is not known yet.
  CONCUR_COLD void take_all_fresh(Record& r, epoch_list& fresh, epoch_list& old) noexcept {
    list_ring(r, r.ring_.looked_at(), r.ring_.waiting_era(), old);
    list_ring(r, r.ring_.retired(), 0, fresh);
    epoch_list waiting = r.take_waiting();
    old.take(waiting);
    epoch_list overflow = r.take_overflow();
    fresh.take(overflow);
  }

  void push_shared(epoch_node* node) noexcept {
    epoch_node* head = shared_.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    do {
      node->set_next(head);
      // (7) release: publishes the node, and its unlinking, to who frees it; pairs with (8).
    } while (!shared_.compare_exchange_weak(head, node, std::memory_order_release,
                                            std::memory_order_relaxed));
  }
  CONCUR_NOINLINE epoch_list take_shared() noexcept {
    epoch_list taken;
    if (shared_.load(std::memory_order_relaxed) == nullptr) return taken;  // relaxed: (8) takes
    // (8) acquire: pairs with (7).
    epoch_node* node = shared_.exchange(nullptr, std::memory_order_acquire);
    while (node != nullptr) {
      epoch_node* const next = node->next();
      taken.push(node);
      node = next;
    }
    return taken;
  }

  std::uint64_t freed_of_lists() const noexcept {
    // (3) acquire: what was freed had been listed, and is counted so: see is_all_freed; pairs with
    // (4).
    return freed_[0].load(std::memory_order_acquire) + freed_[1].load(std::memory_order_acquire);
  }
  /// Everything that was listed in `phase` before is freed. What was freed is read first: then all
  /// of that is among what was listed, and if the numbers agree nothing else is.
  bool is_all_freed(unsigned phase) const noexcept {
    // acquire: as (3); and with the numbers comes what the destructors did.
    const std::uint64_t freed = freed_[phase].load(std::memory_order_acquire);
    return freed == listed_[phase].load(std::memory_order_relaxed);  // relaxed: see quiesce
  }

  void wait_for_all(thread_slot& me, Record& mine, disposal free) {
    const turn mine_now(is_quiescing_);
    // What is in a ring leaves it: freed, or counted as a node of a list.
    records_.for_each([&](const Record& r) {
      const std::uint64_t end = r.ring_.retired();
      wait_for(me, mine, free, [&] { return r.ring_.taken_for_good() >= end; });
    });
    // Each node of a list is counted in one of two phases. Nobody new counts in the one that is
    // waited for, but he who had read it before: so both get their turn.
    for (int round = 0; round < 2; ++round) {
      const unsigned phase = phase_.load(std::memory_order_relaxed);  // relaxed: only changed here
      phase_.store(phase ^ 1, std::memory_order_relaxed);  // relaxed: a late reader delays only
      wait_for(me, mine, free, [&] { return is_all_freed(phase); });
    }
  }

  template <class Done>
  void wait_for(thread_slot& me, Record& mine, disposal free, Done is_done) {
    const auto collect_all = [&] { return scan(me, mine, true, free); };
    backoff wait;
    while (!is_done()) {
      if (!collect_all() && is_refused()) fail_refused();
      if (is_done()) break;
      wait.pause();
    }
  }

  // --- the scan ---

  static bool try_claim(Record& r, thread_slot& me) noexcept {
    thread_slot* unclaimed = nullptr;
    // (9) acquire: the lists as the last claimer left them; pairs with (2).
    return r.claimed_by_.compare_exchange_strong(unclaimed, &me, std::memory_order_acquire,
                                                 std::memory_order_relaxed);
  }
  static bool is_claimed_by(const Record& r, const thread_slot& me) noexcept {
    // relaxed: own claims are known exactly
    return r.claimed_by_.load(std::memory_order_relaxed) == &me;
  }
  static void release_claim(Record& r) noexcept {
    // (2) release: publishes the lists; pairs with (1), (9).
    r.claimed_by_.store(nullptr, std::memory_order_release);
  }

  bool scan(thread_slot& me, Record& mine, bool everything, disposal free) noexcept {
    if (!try_claim(mine, me)) {
      if (!is_claimed_by(mine, me)) scan_shared(mine, free);
      return false;
    }
    bool is_settled;
    do {
      is_settled = pass(me, mine, everything, free);
      everything = false;
      // What destructors have retired meanwhile, without recursion.
    } while (is_settled && is_due(mine));
    release_claim(mine);
    return is_settled;
  }

  bool pass(thread_slot& me, Record& mine, bool everything, disposal free) noexcept {
    const std::uint64_t end = mine.ring_.retired();
    const std::int64_t since = mine.retired_since();
    epoch_list old =
        everything ? mine.parks_.take_all()
                   : mine.parks_.take_changed(since < 0 ? 0 : static_cast<std::size_t>(since));
    epoch_list fresh = mine.take_overflow();
    settled known = settled::everything;
    if (!take_from_others(me, mine, everything, fresh, old)) known = settled::nothing;
    epoch_list shared = take_shared();
    fresh.take(shared);
    if (known != settled::nothing) known = settle(me, mine, everything);
    if (known != settled::nothing) {
      const std::uint64_t now = era_clock::begin_next();
      stamp_retired(fresh, now);
      epoch_list waiting = mine.take_waiting();
      old.take(waiting);
      if (known == settled::everything) {
        old.take(fresh);
      } else {
        mine.keep_waiting(fresh);
      }
      mine.begin_batch(end);
      examine_ring(mine, end, now, known, everything, old, free);
      examine(mine, mine.parks_, old, free);
    } else {
      // The kernel has refused the fence: everything is kept.
      mine.overflow_.take(fresh);
      mine.note_overflow();
      mine.begin_batch(end + mine.overflow_.count());
      mine.parks_.keep_all(old);
    }
    mine.note_parked();
    return known != settled::nothing;
  }

  static settled settle(thread_slot& me, const Record& mine, bool everything) noexcept {
    if (!everything) return section_fence::settle<announces::eras>(me, mine.ring_.waiting_era());
    return leaf_hazard::settle() ? settled::everything : settled::nothing;
  }

  /// What is in the ring of `mine` before `end`, where the fresh part was retired in the era `now`.
  /// One look at the announcements does for all: what they may block goes to `old`, or waits.
  void examine_ring(Record& mine, std::uint64_t end, std::uint64_t now, settled known,
                    bool everything, epoch_list& old, disposal free) noexcept {
    auto& ring = mine.ring_;
    const std::uint64_t oldest = pinned_eras::oldest();
    if (oldest == 0 && known == settled::everything) return free_ring(mine, end, free);
    if (oldest == 0 || oldest > ring.waiting_era()) {
      free_ring(mine, ring.looked_at(), free);
    } else {
      list_ring(mine, ring.looked_at(), ring.waiting_era(), old);
    }
    if (everything) {
      list_ring(mine, end, now, old);
    } else {
      ring.wait(end, now);
    }
  }

  CONCUR_NOINLINE void free_ring(Record& mine, std::uint64_t end, disposal free) noexcept {
    const std::uint64_t n = end - mine.ring_.taken();
    free.free_ring(mine, end);
    // relaxed: a number that orders nothing; the ring says that they are freed.
    if (n != 0) freed_from_rings_.fetch_add(n, std::memory_order_relaxed);
  }

  /// While somebody else has claimed the record of this thread.
  CONCUR_COLD void scan_shared(Record& mine, disposal free) noexcept {
    if (mine.is_scanning_shared_) return;  // a destructor that is called below
    mine.is_scanning_shared_ = true;
    epoch_list list = take_shared();
    epoch_parks kept;
    if (leaf_hazard::settle()) {
      stamp_retired(list, era_clock::begin_next());
      examine(mine, kept, list, free);
      list = kept.take_all();
    }
    mine.begin_batch(mine.ring_.retired() + list.count());
    while (epoch_node* node = list.pop()) push_shared(node);
    mine.is_scanning_shared_ = false;
  }

  /// `now`: the era that has ended after the fence, see era_pin.hpp.
  static void stamp_retired(epoch_list& fresh, std::uint64_t now) noexcept {
    fresh.for_each([now](epoch_node& n) {
      if (n.retired <= 1) n.retired |= now << 1;  // else it has been through scan_shared
    });
  }

  /// Frees what no announced interval meets, and keeps the rest in `parks`.
  CONCUR_COLD void examine(Record& mine, epoch_parks& parks, epoch_list& list,
                           disposal free) noexcept {
    thread_slots::walk slots;
    pinned_eras pinned;
    for (bool more = true; more && !list.empty();) {
      more = pinned.read(slots);
      if (pinned.empty()) continue;
      epoch_list rest;
      while (epoch_node* node = list.pop()) {
        if (const pinned_era* blocker = pinned.blocker(node->birth, node->retired >> 1)) {
          parks.keep(node, *blocker);
        } else {
          rest.push(node);
        }
      }
      list.take(rest);
    }
    free_list(&mine, list, free);
  }

  CONCUR_COLD void free_list(Record* mine, epoch_list& list, disposal free) noexcept {
    std::uint64_t n[2] = {0, 0};
    while (epoch_node* node = list.pop()) {
      ++n[node->retired & 1];
      free(mine, node, node->kind());
    }
    for (int p = 0; p < 2; ++p) {
      // (4) release: the counting of these nodes, and the work of destructors, come with the
      // number; pairs with (3).
      if (n[p] != 0) freed_[p].fetch_add(n[p], std::memory_order_release);
    }
  }

  /// Takes over what ended threads have left, and what others have not touched for long; if
  /// `everything`, what any thread that is not pinned has. False if the kernel refused the fence.
  CONCUR_COLD bool take_from_others(thread_slot& me, Record& mine, bool everything,
                                    epoch_list& fresh, epoch_list& old) noexcept {
    bool claimed_any = false;
    records_.for_each([&](Record& r) {
      if (&r == &mine || r.is_empty()) return;
      // relaxed: a hint; whether it is pinned decides. A living owner may be another one than he
      // who retired all that, and know nothing of it.
      if (!everything && r.owner_.taken.load(std::memory_order_relaxed) && !r.is_left_alone()) {
        return;
      }
      if (try_claim(r, me)) claimed_any = true;
    });
    if (!claimed_any) return true;
    const bool is_settled = leaf_hazard::settle();
    records_.for_each([&](Record& r) {
      if (&r == &mine || !is_claimed_by(r, me)) return;
      // The owner's last section has ended: its lists are as it left them, see \file.
      if (is_settled && !pinned_era::of(r.owner_).is_pinned()) {
        take_all_fresh(r, fresh, old);
        epoch_list theirs = r.parks_.take_all();
        old.take(theirs);
        r.note_parked();
      }
      release_claim(r);
    });
    return is_settled;
  }

  static bool is_refused() noexcept { return !asymmetric_fence::heavy(); }
  [[noreturn]] CONCUR_NOINLINE static void fail_refused() {
    const char* const what = "concur: quiesce: the kernel refuses membarrier";
    fail<system_failure>(what, std::errc::operation_not_permitted, what);
  }

  thread_records<Record> records_;
  std::atomic<epoch_node*> shared_{nullptr};
  std::atomic<std::uint64_t> freed_[2] = {};
  std::atomic<std::uint64_t> listed_[2] = {};
  std::atomic<std::uint64_t> freed_from_rings_{0};
  std::atomic<std::uint32_t> batch_;
  std::atomic<std::uint32_t> phase_{0};
  std::atomic<bool> is_quiescing_{false};
};

}  // namespace concur::inline CONCUR_ABI::detail
