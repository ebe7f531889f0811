// SPDX-License-Identifier: MIT
/// \file
/// Hazard words: where threads announce the objects that they are reading.
///
///   hazard_frame   six words for one section of one thread. Frames nest, so that user code may
///                  run inside a section and use any map. The first three of a thread are words of
///                  its slot; deeper ones are rows of the pool.
///   hazard_row     one cache line of six words that any thread may own and hand on: for public
///                  hazard pointers, and deep frames. The pool only grows; each thread keeps a few
///                  free rows, and gives them back when it ends.
///   hazard_set     what is announced now, sorted: for whoever wants to free something.
///
/// The two cases (Michael, "Hazard Pointers", TPDS 2004, with an asymmetric fence):
///   - the announcement comes before the reclaimer's heavy fence: the reclaimer sees it, and the
///     object stays;
///   - the heavy fence comes first: the validating load after the announcement sees that the
///     object was unlinked (the unlinking precedes the fence), and the reader does not touch it.
/// An announcement passes from a word to a later one of the same frame at most, or from the three
/// of a slot to a frame nested in it, and is there before the first is overwritten: a walk over the
/// words, which goes upwards, and over rows at last, cannot miss it.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/reclaim/section_fence.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstddef>
#include <cstdint>
#include <new>

namespace concur::inline CONCUR_ABI::detail {

using hazard_word = std::atomic<std::uintptr_t>;

/// Announces `object` in `word`. The caller then validates, by a load that follows, that the object
/// is still linked.
inline void announce_hazard(hazard_word& word, const void* object) noexcept {
  // (1) release: what this thread did with the object announced before happens before its being
  // freed; pairs with (2). The light fence orders it before the validating load: see \file.
  word.store(reinterpret_cast<std::uintptr_t>(object), std::memory_order_release);
  asymmetric_fence::light();
}

/// The same in a section that has found `asymmetric_fence::is_light_free()`.
inline void announce_hazard_freely(hazard_word& word, const void* object) noexcept {
  // release: as (1); pairs with (2).
  word.store(reinterpret_cast<std::uintptr_t>(object), std::memory_order_release);
  asymmetric_fence::free_light();
}

inline void clear_hazard(hazard_word& word) noexcept {
  // (3) release: this section's accesses happen before the object is freed; pairs with (2).
  word.store(0, std::memory_order_release);
}

struct alignas(cache_line_size) hazard_row {
  hazard_word words[hazards_per_frame] = {};
  std::atomic<bool> taken{false};
  hazard_row* next = nullptr;  ///< constant once the row can be found
};

/// The pool of rows, one for the process.
class CONCUR_SHARED hazard_rows {
 public:
  /// A row of cleared words. Amortised O(1). Throws std::bad_alloc when none is free and none can
  /// be had.
  static hazard_row& take() {
    if (cache.count != 0) [[likely]]
      return *cache.rows[--cache.count];
    return take_from_pool();
  }

  /// The words must have been cleared. Any thread may give a row back.
  static void give_back(hazard_row& row) noexcept {
    if (cache.has_hook && cache.count < cache_size) [[likely]] {
      cache.rows[cache.count++] = &row;
    } else {
      release(row);
    }
  }

  /// f(row) for every row that was ever taken. A row whose owner announced something before a heavy
  /// fence is found by a walk after that fence: its stores to `used` or `overflow` came before.
  template <class F>
  static void for_each(F&& f) {
    // relaxed: the static rows need no publication, and the fences do the rest: see above.
    const std::size_t n = used.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < n; ++i) f(first_rows[i]);
    // (5) acquire: pairs with (4).
    for (hazard_row* row = overflow.load(std::memory_order_acquire); row != nullptr;
         row = row->next) {
      f(*row);
    }
  }

  static constexpr std::size_t static_rows = 32;
  static constexpr std::size_t cache_size = 8;

 private:
  struct thread_cache {
    std::size_t count;
    bool has_hook;
    hazard_row* rows[cache_size];
  };

  static void release(hazard_row& row) noexcept {
    row.taken.store(false, std::memory_order_release);  // (6) release: pairs with (7).
  }

  static void drain(thread_slot&) noexcept {
    while (cache.count != 0) release(*cache.rows[--cache.count]);
    cache.has_hook = false;
  }

  /// The thread's slot is what runs the hook when the thread ends.
  CONCUR_NOINLINE static hazard_row& take_from_pool() {
    static_cast<void>(thread_slots::mine());
    if (!cache.has_hook) {
      thread_slots::add_exit_hook(&drain);
      cache.has_hook = true;
    }
    for (std::size_t i = 0; i < static_rows; ++i) {
      if (!try_take(first_rows[i])) continue;
      // relaxed: before the owner's first announcement, and so before its light fence.
      std::size_t n = used.load(std::memory_order_relaxed);
      while (n < i + 1 && !used.compare_exchange_weak(n, i + 1, std::memory_order_relaxed,
                                                      std::memory_order_relaxed)) {
      }
      return first_rows[i];
    }
    hazard_row* head = overflow.load(std::memory_order_acquire);  // acquire: pairs with (4)
    for (hazard_row* row = head; row != nullptr; row = row->next) {
      if (try_take(*row)) return *row;
    }
    hazard_row* fresh = new (std::nothrow) hazard_row;
    if (fresh == nullptr) fail_bad_alloc();
    fresh->taken.store(true, std::memory_order_relaxed);  // relaxed: published by (4)
    do {
      fresh->next = head;
      // (4) release: publishes the row's fields; pairs with (5).
    } while (!overflow.compare_exchange_weak(head, fresh, std::memory_order_release,
                                             std::memory_order_acquire));
    return *fresh;
  }

  static bool try_take(hazard_row& row) noexcept {
    return !row.taken.load(std::memory_order_relaxed) &&
           // (7) acquire: pairs with (6).
           !row.taken.exchange(true, std::memory_order_acquire);
  }

  inline static constinit thread_local thread_cache cache{};
  inline static constinit hazard_row first_rows[static_rows] = {};
  inline static constinit std::atomic<std::size_t> used{0};
  inline static constinit std::atomic<hazard_row*> overflow{nullptr};
};

/// The words of one section. On the stack; a thread's frames end in the reverse order.
class hazard_frame {
 public:
  /// Throws std::bad_alloc if it is nested deeply and no row can be had.
  explicit hazard_frame(thread_slot& me) : me_(me) {
    const std::uint32_t outer = section_fence::hazard_sections(me);
    if (outer < hazard_frame_count) [[likely]] {
      words_ = me.hazards + hazards_per_frame * outer;
    } else {
      row_ = &hazard_rows::take();
      words_ = row_->words;
    }
    section_fence::begin_hazards(me);
  }
  ~hazard_frame() {
    clear();
    section_fence::end_hazards(me_);
    if (row_ != nullptr) hazard_rows::give_back(*row_);
  }
  hazard_frame(const hazard_frame&) = delete;
  hazard_frame& operator=(const hazard_frame&) = delete;

  /// Announces in the `i`-th word; what it announced before is given up.
  void announce(std::size_t i, const void* object) noexcept { announce_hazard(words_[i], object); }
  void clear(std::size_t i) noexcept { clear_hazard(words_[i]); }
  void clear() noexcept {
    for (std::size_t i = 0; i < hazards_per_frame; ++i) clear_hazard(words_[i]);
  }
  thread_slot& slot() const noexcept { return me_; }

 private:
  thread_slot& me_;
  hazard_word* words_;
  hazard_row* row_ = nullptr;
};

/// What was announced at the time of construction. Meaningful for objects that were unlinked before
/// a heavy fence that came before.
class hazard_set {
 public:
  hazard_set() noexcept {
    for_each_word([this](const hazard_word& word) {
      // (2) acquire: pairs with (1), (3).
      const std::uintptr_t object = word.load(std::memory_order_acquire);
      if (object == 0) return;
      if (count_ < capacity) found_[count_] = object;
      ++count_;
    });
    if (count_ <= capacity) sort();
  }

  bool contains(const void* object) const noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    if (count_ <= capacity) {
      std::size_t first = 0;
      for (std::size_t n = count_; n != 0; n /= 2) {
        const std::size_t middle = first + n / 2;
        if (found_[middle] < address) {
          first = middle + 1;
          --n;
        }
      }
      return first < count_ && found_[first] == address;
    }
    // More than fit: rare, slow, and without memory of its own.
    bool is_there = false;
    for_each_word([&](const hazard_word& word) {
      is_there |= word.load(std::memory_order_acquire) == address;  // acquire: as (2)
    });
    return is_there;
  }

  std::size_t size() const noexcept { return count_; }

  static constexpr std::size_t capacity = 256;

 private:
  template <class F>
  static void for_each_word(F&& f) {
    thread_slots::for_each_while([&](thread_slot& slot) {
      for (const hazard_word& word : slot.hazards) f(word);
      return true;
    });
    hazard_rows::for_each([&](hazard_row& row) {
      for (const hazard_word& word : row.words) f(word);
    });
  }

  /// Shell's: short, and good enough for so few.
  void sort() noexcept {
    for (const std::size_t gap : {57u, 23u, 10u, 4u, 1u}) {
      for (std::size_t i = gap; i < count_; ++i) {
        const std::uintptr_t moving = found_[i];
        std::size_t to = i;
        for (; to >= gap && found_[to - gap] > moving; to -= gap) found_[to] = found_[to - gap];
        found_[to] = moving;
      }
    }
  }

  std::size_t count_ = 0;
  std::uintptr_t found_[capacity];
};

}  // namespace concur::inline CONCUR_ABI::detail
