// SPDX-License-Identifier: MIT
/// \file
/// One slot per living thread, for the whole process: the place where a thread announces what it
/// is reading, and a small number that no other living thread has.
///
///   registry:  [slot 0][slot 1] ... [slot 63]  in static storage, then a list that only grows
///   slot:      lines of its own: announcements | the owner's own | taken, index, next | hazards
///
/// A thread takes the first free slot when it first needs one, keeps it, and gives it back when it
/// ends (after its exit hooks ran). Any number of threads; slots are reused, never freed. Taking a
/// slot allocates only beyond 64 threads at once.
///
/// Thread-local destructors may run after that, and use maps: then a slot is taken again, and given
/// back at the very end. A thread with a thread-local guard that is older than its slot gives it
/// back when the last of these guards dies: see `left_section`.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <cstddef>
#include <cstdint>
#include <new>

#if !defined(_WIN32) && __has_include(<pthread.h>)
#include <pthread.h>
#define CONCUR_HAS_THREAD_KEYS 1
#endif

namespace concur::inline CONCUR_ABI::detail {

/// What the words of a slot are used for; the users live one floor up, in reclaim, as those of the
/// eras do (detail/reclaim/era_pin.hpp).
enum class announcement : std::size_t {
  leaf_hazard,         ///< detail/reclaim/leaf_hazard.hpp
  second_leaf_hazard,  ///< the same
  count
};

/// A section protects that many objects at once, and that many sections of a thread may be nested
/// in each other, before memory has to be found for more: detail/reclaim/hazard_frame.hpp.
inline constexpr std::size_t hazards_per_frame = 6;
inline constexpr std::uint32_t hazard_frame_count = 3;

struct CONCUR_SHARED alignas(destructive_distance) thread_slot {
  /// Written by the owner alone, read by whoever wants to free something.
  std::atomic<std::uintptr_t> announcements[static_cast<std::size_t>(announcement::count)] = {};
  std::atomic<std::uint64_t> era_lower{0};  ///< 0: no era is announced, whatever `era_upper` says
  std::atomic<std::uint64_t> era_upper{0};

  // Touched by the owner alone.
  std::uint32_t pins = 0;    ///< how deep the sections that announce eras are nested
  std::uint32_t births = 0;  ///< nodes stamped since this thread last advanced the era

  /// Whether the owner passes a real fence in its next section, and who knows:
  /// detail/reclaim/section_fence.hpp. Changed rarely.
  std::atomic<std::uint32_t> fencing{0};
  std::uint32_t fenced_announcements = 0;  ///< the owner's own

  std::atomic<bool> taken{false};
  std::uint32_t index = 0;      ///< constant once the slot can be found
  thread_slot* next = nullptr;  ///< constant once the slot can be found
  /// Objects that the owner reads; written by it alone, as the announcements.
  alignas(cache_line_size)
      std::atomic<std::uintptr_t> hazards[hazards_per_frame * hazard_frame_count] = {};
  /// Sections that read objects, nested: begun and ended by detail/reclaim/section_fence.hpp alone.
  std::atomic<std::uint32_t> hazard_sections{0};

  std::atomic<std::uintptr_t>& operator[](announcement a) noexcept {
    return announcements[static_cast<std::size_t>(a)];
  }
};

class CONCUR_SHARED thread_slots {
 public:
  using exit_hook = void (*)(thread_slot&) noexcept;

  /// The calling thread's slot. The first call of a thread registers it: O(threads).
  /// Throws std::bad_alloc beyond 64 threads at once if a slot cannot be allocated.
  static thread_slot& mine() {
    thread_slot* slot = current;
    if (slot != &nobodys) [[likely]]
      return *slot;
    return enter();
  }
  /// The same, nullptr if it has none yet: for hot paths that leave that case to a cold function.
  static thread_slot* find_mine() noexcept { return current == &nobodys ? nullptr : current; }

  /// The same without taking one: a slot that announces nothing and is nobody's, until the calling
  /// thread has called `mine`, and again at its end.
  static thread_slot& mine_or_nobodys() noexcept { return *current; }

  /// No thread has had an index of this or more, but for those beyond the slots in static storage.
  static std::uint32_t indices_in_use() noexcept {
    // relaxed: a number. What a thread did with its index comes after it was counted here, so who
    // knows of the one finds the other.
    return used.load(std::memory_order_relaxed);
  }

  /// Steps through every slot that was taken before it began. A slot whose owner announced
  /// something before a heavy fence is found by a walk that begins after that fence: the owner's
  /// stores to `used` or `overflow` came before the announcement.
  class walk {
   public:
    /// The next slot, nullptr at the end.
    thread_slot* next() noexcept {
      if (index_ < count_) return &first_slots[index_++];
      thread_slot* const slot = rest_;
      if (slot != nullptr) rest_ = slot->next;
      return slot;
    }

   private:
    const std::uint32_t count_ =
        used.load(std::memory_order_acquire);  // (4) acquire: pairs with (2).
    std::uint32_t index_ = 0;
    thread_slot* rest_ = overflow.load(std::memory_order_acquire);  // (5) acquire: pairs with (3).
  };

  /// Calls `f(slot)` for every slot of a walk, until it returns false.
  template <class F>
  static bool for_each_while(F&& f) {
    walk slots;
    while (thread_slot* slot = slots.next()) {
      if (!f(*slot)) return false;
    }
    return true;
  }

  /// f(slot) for every slot whose thread has ended: it is the caller's meanwhile, so what belongs
  /// to its index may be looked at and changed. `f` must not throw.
  template <class F>
  static void for_each_left(F&& f) noexcept {
    for_each_while([&f](thread_slot& slot) {
      if (try_take(slot)) {
        f(slot);
        slot.taken.store(false, std::memory_order_release);  // release: as (6); pairs with (1).
      }
      return true;
    });
  }

  /// Whether no thread but the caller has a slot. If so, then what the caller stored before is seen
  /// by every thread that takes a slot from now on. The two cases: if its fence (7) is before (8),
  /// its slot is seen here to be taken; if (8) is first, it sees the caller's stores.
  static bool is_alone() noexcept {
    full_fence();  // (8) seq_cst: pairs with (7).
    return for_each_while([](thread_slot& slot) {
      // acquire: pairs with (6): what its last owner did happened before.
      return &slot == current || !slot.taken.load(std::memory_order_acquire);
    });
  }

  /// `hook(slot)` runs on every thread that ends with a slot, before the slot is given back. At
  /// most `max_exit_hooks` different hooks per process; registering one twice is one registration.
  static void add_exit_hook(exit_hook hook) noexcept {
    for (auto& entry : exit_hooks) {
      exit_hook expected = nullptr;
      // acq_rel: the hook's code needs no publication; the order only makes the walk below simple.
      if (entry.compare_exchange_strong(expected, hook, std::memory_order_acq_rel,
                                        std::memory_order_acquire) ||
          expected == hook) {
        return;
      }
    }
    terminate_with("too many exit hooks");
  }

  /// To be called when a guard of the user's has ended a section: it may be a thread-local one that
  /// dies when its thread would have given its slot back long ago.
  static void left_section() noexcept {
    if (is_kept_for_guards) [[unlikely]]
      static_cast<void>(leave_unless_guarded());
  }

  static constexpr std::size_t max_exit_hooks = 4;
  static constexpr std::uint32_t static_slots = 64;

 private:
  struct releaser {
    ~releaser() {
      is_ending = true;
      if (!leave_unless_guarded()) leave_at_end(*current);
    }
  };

  /// False if sections of guards are not over.
  CONCUR_COLD static bool leave_unless_guarded() noexcept {
    thread_slot* const slot = current;
    if (slot == &nobodys) return true;
    // relaxed: the owner's own
    is_kept_for_guards =
        slot->pins != 0 || slot->hazard_sections.load(std::memory_order_relaxed) != 0;
    if (!is_kept_for_guards) leave_now();
    return !is_kept_for_guards;
  }
  CONCUR_COLD static void leave_now() noexcept {
    thread_slot* const slot = current;
    if (slot == &nobodys) return;
    current = &nobodys;
    leave(*slot);
  }

  /// Sees to it that the slot is given back when the thread ends.
  CONCUR_COLD static void leave_at_end(thread_slot& slot) {
    if (!is_ending) {
      static thread_local releaser on_end;
      static_cast<void>(&on_end);  // touching it registers its destructor
    } else {
#if defined(CONCUR_HAS_THREAD_KEYS)
      // After all thread-local objects, so that guards which are not over never will be; again and
      // again as long as there is something to do. No key left: the slot stays taken.
      static const late_key key;
      if (key.is_made) static_cast<void>(pthread_setspecific(key.key, &slot));
#else
      static_cast<void>(slot);
      static thread_local releaser on_late_end;
      static_cast<void>(&on_late_end);
#endif
    }
  }
#if defined(CONCUR_HAS_THREAD_KEYS)
  struct late_key {
    late_key() noexcept
        : is_made(pthread_key_create(&key, [](void*) noexcept { leave_now(); }) == 0) {}
    pthread_key_t key{};
    bool is_made;
  };
#endif

  CONCUR_NOINLINE static thread_slot& enter() {
    asymmetric_fence::prepare();
    thread_slot& slot = take();
    full_fence();  // (7) seq_cst: pairs with (8).
    current = &slot;
    leave_at_end(slot);
    return slot;
  }

  static bool try_take(thread_slot& slot) noexcept {
    // (1) acquire: pairs with (6): what the previous owner did with the slot happened before.
    return !slot.taken.load(std::memory_order_relaxed) &&
           !slot.taken.exchange(true, std::memory_order_acquire);
  }

  static thread_slot& take() {
    for (std::uint32_t i = 0; i < static_slots; ++i) {
      if (!try_take(first_slots[i])) continue;
      first_slots[i].index = i;
      std::uint32_t n = used.load(std::memory_order_relaxed);  // relaxed: the CAS decides
      // (2) release: pairs with (4): a walk that counts this slot finds its index set.
      while (n < i + 1 && !used.compare_exchange_weak(n, i + 1, std::memory_order_release,
                                                      std::memory_order_relaxed)) {
      }
      return first_slots[i];
    }
    return take_overflow();
  }

  CONCUR_NOINLINE static thread_slot& take_overflow() {
    thread_slot* head = overflow.load(std::memory_order_acquire);  // acquire: pairs with (3)
    for (thread_slot* s = head; s != nullptr; s = s->next) {
      if (try_take(*s)) return *s;
    }
    thread_slot* fresh = new (std::nothrow) thread_slot;
    if (fresh == nullptr) fail_bad_alloc();
    fresh->taken.store(true, std::memory_order_relaxed);  // relaxed: published by (3)
    do {
      fresh->next = head;
      fresh->index = head == nullptr ? static_slots : head->index + 1;
      // (3) release: publishes the slot's fields; pairs with (5).
    } while (!overflow.compare_exchange_weak(head, fresh, std::memory_order_release,
                                             std::memory_order_acquire));
    return *fresh;
  }

  static void leave(thread_slot& slot) noexcept {
    for (auto& entry : exit_hooks) {
      // acquire: pairs with the CAS in add_exit_hook.
      if (const exit_hook hook = entry.load(std::memory_order_acquire)) hook(slot);
    }
    // release: who finds nothing announced frees what this thread used, and has not seen (6).
    for (auto& word : slot.announcements) word.store(0, std::memory_order_release);
    slot.era_lower.store(0, std::memory_order_release);  // release: as above
    slot.pins = 0;
    slot.taken.store(false, std::memory_order_release);  // (6) release: pairs with (1).
  }

  inline static constinit thread_slot nobodys{};
  inline static constinit thread_local thread_slot* current = &nobodys;
  inline static constinit thread_local bool is_ending = false;
  inline static constinit thread_local bool is_kept_for_guards = false;
  inline static constinit thread_slot first_slots[static_slots] = {};
  inline static constinit std::atomic<std::uint32_t> used{0};
  inline static constinit std::atomic<thread_slot*> overflow{nullptr};
  inline static constinit std::atomic<exit_hook> exit_hooks[max_exit_hooks] = {};
};

}  // namespace concur::inline CONCUR_ABI::detail

#undef CONCUR_HAS_THREAD_KEYS
