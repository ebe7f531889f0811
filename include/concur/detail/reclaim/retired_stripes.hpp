// SPDX-License-Identifier: MIT
/// \file
/// Objects that were unlinked and wait for their readers to leave: a few stacks, chosen by the
/// thread's number, so that threads seldom share one. They belong to no thread, so there is nothing
/// to hand over when one ends: whoever fills the next batch works it off.
///
///     retire(node)       push onto the stack of the caller's stripe: never waits, never allocates
///     push says          every `batch` pushes of a stripe: time to `collect`
///     collect            detach the stripe; make sure of what is announced; free what no hazard
///                        word names; the rest goes back. Freeing may retire more: repeated while
///                        it frees something.
///
/// Where all readers are inside of frames (hazard_frame.hpp), making sure seldom takes the heavy
/// fence (section_fence.hpp): a batch waits for the next one, and up to four wait together.
///
/// Waiting at any time: at most `stripe_count * batch` objects that nobody has looked at yet, where
/// readers are in frames four times as many that are not settled, plus what only these link to,
/// plus those that a hazard word names, plus what threads that are inside `collect` have detached.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/reclaim/section_fence.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// Who announces what is retired: in frames, threads that have a slot (thread_slots.hpp); anywhere,
/// also a thread that was handed a hazard pointer and uses nothing else.
enum class readers { in_frames, anywhere };

/// What a retired object needs. `Traits` below finds the address that readers announce.
struct retired_link {
  retired_link* next_retired = nullptr;
};

class CONCUR_SHARED retired_stripes {
 public:
  static constexpr std::size_t stripe_count = 16;
  static constexpr std::uint32_t default_batch = 64;
  /// So often a batch that waits is joined by the next one, where that saves the heavy fence.
  static constexpr std::uint32_t most_put_off = 3;

  constexpr explicit retired_stripes(readers who = readers::in_frames) noexcept : who_(who) {}
  retired_stripes(const retired_stripes&) = delete;
  retired_stripes& operator=(const retired_stripes&) = delete;

  /// True when a batch is full: then `collect` is due.
  bool retire(retired_link* object, const thread_slot& me,
              std::uint32_t batch = default_batch) noexcept {
    stripe& mine = stripe_of(me);
    const std::uint64_t counted = mine.push(object, object, 1);
    if constexpr (counts_in_head) {
      return counted % batch == 0;
    } else {
      // relaxed: a number that orders nothing.
      return (mine.pushes.fetch_add(1, std::memory_order_relaxed) + 1) % batch == 0;
    }
  }

  /// Frees what is waiting in the caller's stripe, is settled, and not protected.
  /// `address_of(link)` is what readers announce; `free(link)` may run user code, which may retire
  /// more.
  template <class AddressOf, class Free>
  void collect(const thread_slot& me, AddressOf address_of, Free free) noexcept {
    collect(me, address_of, free, who_ == readers::in_frames);
  }
  /// The same, and settles everything.
  template <class AddressOf, class Free>
  void collect_now(const thread_slot& me, AddressOf address_of, Free free) noexcept {
    collect(me, address_of, free, false);
  }

  /// The same for every stripe.
  template <class AddressOf, class Free>
  void collect_all(AddressOf address_of, Free free) noexcept {
    if (!may_collect()) return;
    const scope inside(*this);
    // What is freed from one stripe retires into that of the caller.
    for (bool again = true; again;) {
      again = false;
      for (stripe& s : stripes_) {
        again |= collection<AddressOf, Free>(s, who_, address_of, free).run_now();
      }
    }
  }

  /// Frees everything, protected or not. Needs quiet.
  template <class Free>
  void free_all(Free free) noexcept {
    const scope inside(*this);
    for (bool again = true; again;) {
      again = false;
      for (stripe& s : stripes_) {
        again |= free_each(s.take_waiting(), free);
        again |= free_each(s.detach(), free);
      }
    }
  }

  bool is_empty() const noexcept {
    for (const stripe& s : stripes_) {
      // relaxed: a momentary view.
      if (s.head.load(std::memory_order_relaxed) != 0 ||
          s.waiting.load(std::memory_order_relaxed) != nullptr) {
        return false;
      }
    }
    return true;
  }

  /// Whether the caller is called by `free`, for this very object: the loop above it sees what is
  /// retired now, and nobody below it collects. (One for all objects would keep what a destructor
  /// retires elsewhere from being freed, for as long as nothing else is retired there.)
  bool is_collecting() const noexcept {
    const scope* s = innermost;
    while (s != nullptr && &s->of != this) s = s->outer;
    return s != nullptr;
  }

 private:
  static constexpr bool counts_in_head =
      CONCUR_POINTER_HAS_FREE_BITS && sizeof(std::uintptr_t) == 8;
  static constexpr unsigned address_bits = counts_in_head ? 48 : 0;
  static constexpr std::uintptr_t address_mask =
      counts_in_head ? (std::uintptr_t{1} << address_bits) - 1 : ~std::uintptr_t{0};
  static retired_link* link_of(std::uintptr_t head) noexcept {
    return reinterpret_cast<retired_link*>(head & address_mask);
  }

  struct alignas(cache_line_size) stripe {
    /// The address of the first, and how many were pushed since it was empty: modulo 2^16, in the
    /// bits that an address leaves free. Where it has none they are counted beside it.
    std::atomic<std::uintptr_t> head{0};
    std::atomic<std::uint32_t> pushes{0};

    /// Held by who changes the rest. Nobody waits for it.
    std::atomic<bool> is_held{false};
    /// What is not settled yet, and the era in which it was retired.
    std::atomic<retired_link*> waiting{nullptr};
    std::uint64_t waiting_era = 0;
    std::uint32_t times_put_off = 0;

    /// `count`: how many of them are new. Returns how many were pushed, if that is counted here.
    std::uint64_t push(retired_link* first, retired_link* last, std::uint64_t count) noexcept {
      std::uintptr_t seen = head.load(std::memory_order_relaxed);  // relaxed: the CAS decides
      std::uintptr_t next;
      do {
        last->next_retired = link_of(seen);
        next = reinterpret_cast<std::uintptr_t>(first);
        if constexpr (counts_in_head) next |= (seen & ~address_mask) + (count << address_bits);
        // (1) release: publishes the links, and that the objects were unlinked; pairs with (2).
      } while (!head.compare_exchange_weak(seen, next, std::memory_order_release,
                                           std::memory_order_relaxed));
      return counts_in_head ? next >> address_bits : 0;
    }
    retired_link* detach() noexcept {
      if (head.load(std::memory_order_relaxed) == 0) return nullptr;  // relaxed: (2) takes it
      // (2) acquire: pairs with (1).
      return link_of(head.exchange(0, std::memory_order_acquire));
    }

    bool try_hold() noexcept {
      return !is_held.exchange(true, std::memory_order_acquire);  // (3) acquire: pairs with (4).
    }
    void let_go() noexcept {
      is_held.store(false, std::memory_order_release);  // (4) release: pairs with (3).
    }
    retired_link* take_waiting() noexcept {
      retired_link* const list =
          waiting.load(std::memory_order_relaxed);        // relaxed: held, or quiet
      waiting.store(nullptr, std::memory_order_relaxed);  // relaxed: as above
      return list;
    }
    /// `list` ends the current era.
    void wait(retired_link* list) noexcept {
      waiting.store(list, std::memory_order_relaxed);  // relaxed: as above
      waiting_era = era_clock::begin_next();
    }
    /// Instead of the heavy fence, a few times. Often it helps: some thread was slow, or had lost
    /// its processor in the middle of a section.
    bool put_off(retired_link* waited, retired_link* fresh) noexcept {
      if (times_put_off == most_put_off) return false;
      ++times_put_off;
      wait(joined(fresh, waited));
      return true;
    }
  };
  static retired_link* joined(retired_link* first, retired_link* second) noexcept {
    if (first == nullptr) return second;
    retired_link* last = first;
    while (last->next_retired != nullptr) last = last->next_retired;
    last->next_retired = second;
    return first;
  }
  /// This thread frees from `of`.
  struct scope {
    explicit scope(const retired_stripes& s) noexcept : of(s), outer(innermost) {
      innermost = this;
    }
    ~scope() { innermost = outer; }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    const retired_stripes& of;
    const scope* outer;
  };

  /// Of others, too, if the stack is not deep: destructors may lead from each to the next. What is
  /// refused there waits for the next batch.
  bool may_collect() const noexcept {
    constexpr unsigned deep = 8;
    unsigned depth = 0;
    for (const scope* s = innermost; s != nullptr; s = s->outer) ++depth;
    return depth < deep && !is_collecting();
  }

  template <class AddressOf, class Free>
  void collect(const thread_slot& me, AddressOf& address_of, Free& free, bool may_wait) noexcept {
    if (!may_collect()) return;
    const scope inside(*this);
    collection<AddressOf, Free> c(stripe_of(me), who_, address_of, free);
    if (may_wait) {
      c.run(me);
    } else {
      c.run_now();
    }
  }

  stripe& stripe_of(const thread_slot& me) noexcept { return stripes_[me.index % stripe_count]; }

  template <class Free>
  static bool free_each(retired_link* list, Free& free) noexcept {
    const bool has_any = list != nullptr;
    while (list != nullptr) {
      retired_link* const object = list;
      list = object->next_retired;
      free(object);
    }
    return has_any;
  }

  /// One `collect` of one stripe.
  template <class AddressOf, class Free>
  class collection {
   public:
    collection(stripe& s, readers who, AddressOf& address_of, Free& free) noexcept
        : stripe_(s), who_(who), address_of_(address_of), free_(free), is_holder_(s.try_hold()) {}
    collection(const collection&) = delete;
    collection& operator=(const collection&) = delete;
    ~collection() {
      if (kept_ != nullptr) stripe_.push(kept_, last_kept_, 0);
      if (is_holder_) stripe_.let_go();
    }

    /// What is not settled may wait for the next collection.
    void run(const thread_slot& me) noexcept {
      if (!is_holder_) {
        run_now();
        return;
      }
      retired_link* const waited = stripe_.take_waiting();
      retired_link* const fresh = stripe_.detach();
      if (waited == nullptr && fresh == nullptr) return;
      // What is looked at was unlinked before, and detached.
      settled known = section_fence::try_settle<announces::objects>(me, stripe_.waiting_era);
      if (known == settled::nothing) {
        if (stripe_.put_off(waited, fresh)) return;
        known = section_fence::settle<announces::objects>(me, stripe_.waiting_era);
      }
      stripe_.times_put_off = 0;
      if (known == settled::earlier) {
        stripe_.wait(fresh);
        examine(waited, true);
      } else {
        examine(waited, known == settled::everything);
        examine(fresh, known == settled::everything);
      }
      examine_what_followed();
    }

    /// Whether something has been freed.
    bool run_now() noexcept {
      retired_link* const waited = is_holder_ ? stripe_.take_waiting() : nullptr;
      retired_link* const fresh = stripe_.detach();
      if (waited == nullptr && fresh == nullptr) return false;
      const bool is_settled = settle();
      examine(waited, is_settled);
      examine(fresh, is_settled);
      const bool has_freed = has_freed_;
      examine_what_followed();
      return has_freed;
    }

   private:
    /// The fence between the unlinking and the look at what is announced. That no other thread has
    /// a slot says nothing of those that need none.
    bool settle() const noexcept {
      return who_ == readers::anywhere ? asymmetric_fence::heavy() : leaf_hazard::settle();
    }

    /// Frees what is not protected, if it `may`.
    void examine(retired_link* list, bool may) noexcept {
      if (list == nullptr) return;
      const hazard_set protected_now;
      while (list != nullptr) {
        retired_link* const object = list;
        list = object->next_retired;
        prefetch_to_write(list);  // it may have waited for long
        if (may && !protected_now.contains(address_of_(object))) {
          free_(object);
          has_freed_ = true;
        } else {
          keep(object);
        }
      }
    }

    /// What was retired by what has been freed: that may be a whole tree, and does not wait.
    void examine_what_followed() noexcept {
      while (has_freed_) {
        has_freed_ = false;
        if (retired_link* const list = stripe_.detach()) examine(list, settle());
      }
    }

    void keep(retired_link* object) noexcept {
      object->next_retired = kept_;
      if (kept_ == nullptr) last_kept_ = object;
      kept_ = object;
    }

    stripe& stripe_;
    const readers who_;
    AddressOf& address_of_;
    Free& free_;
    const bool is_holder_;
    bool has_freed_ = false;
    retired_link* kept_ = nullptr;
    retired_link* last_kept_ = nullptr;
  };

  inline static constinit thread_local const scope* innermost = nullptr;
  const readers who_;
  stripe stripes_[stripe_count];
};

}  // namespace concur::inline CONCUR_ABI::detail
