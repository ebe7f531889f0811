// SPDX-License-Identifier: MIT
/// \file
/// The engine of seq_array: which elements there are, and how their number changes.
///
///   index:   0 ............... settled ....... size ............. stale end ........ capacity
///   cell:    | value              value       | value (dying) or vacant | vacant    |  not there
///   access:  | one quiet cache line  + size   | out of range            |           |
///
///   size       the elements 0 .. size-1 exist: the linearization point of whatever changes it
///   settled    a lower bound of size in a line that is rarely written, so that readers of all but
///              the last elements do not read the line that every push_back writes
///   stale end  cells beyond the size and below this may not be vacant yet (tail lock)
///
/// Birth of an element (push_back, resize), under the tail lock:
///   1. the cell is vacant (else: vacate it);  2. its value is prepared;  3. size goes up: now it
///   exists;  4. the cell is occupied. A reader between 3 and 4 reads a small value at once, and
///   waits these few instructions for a wide one, as for any cell that is being published.
/// Death (resize, clear): 1. settled, then size go down: now it does not exist;  2. the cells
/// become
///   vacant, from the last one down; one in which a callback runs is waited for without the lock;
///   3. chunks without elements are unlinked and freed, unless some thread is reading in one: that
///   one is tried again later. The lock is given up between steps of bounded length.
/// An operation that found its index below the size, and finds the cell vacant, looks at the size
/// again. One that gets into a dying cell takes effect immediately before the death: it began
/// before, and nobody who begins later can see that element.
///
/// Per operation, for an element whose cell lies in one line, when nobody else writes:
///   load    settled, segment, slot, cell: 1 line of the element's own; no shared write; 2 stores
///   to
///           the thread's own slot (the leaf hazard)
///   store, exchange, fetch_add: the same and 1 read-modify-write on the cell
///   push_back: 2 read-modify-writes on the tail lock, stores to the cell and the size; every 4096
///           elements or so a chunk
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/seq_array/directory.hpp>
#include <concur/detail/seq_array/geometry.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <concur/detail/sync/parking_lock.hpp>
#include <concur/detail/sync/reentrancy.hpp>
#include <concur/detail/sync/seqlock_cell.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class T, class Allocator, class Tuning = seq_array_tuning<sizeof(seqlock_cell<T>)>>
class seq_array_engine {
 public:
  using cell = seqlock_cell<T>;
  using size_type = std::size_t;

  explicit seq_array_engine(const Allocator& allocator) noexcept : allocator_(allocator) {}
  ~seq_array_engine() { release(); }
  seq_array_engine(const seq_array_engine&) = delete;
  seq_array_engine& operator=(const seq_array_engine&) = delete;

  // ---- elements: nothing (false) if there is no element `index` --------------------------------

  std::optional<T> load(size_type index) const {
    leaf_hazard guard;
    backoff wait;
    while (exists(index)) {
      if (const cell* found = directory_.protect(index, guard)) {
        if (std::optional<T> value = found->read()) return value;
        // Vacant: dying, or born and not yet occupied. If it still exists now that the vacancy was
        // seen, it was born, and the prepared value is the element's; unless it died, and the value
        // is one that is prepared for the next element: that does not exist yet.
        if constexpr (cell::is_small) {
          if (exists(index)) {
            const T value = found->peek();
            if (exists(index)) return value;
          }
        }
      }
      wait.pause();
    }
    return std::nullopt;
  }

  bool store(size_type index, const T& value) {
    return write(index, [&value](cell& c) { return c.store(value); });
  }

  std::optional<T> exchange(size_type index, const T& value) {
    return write(index, [&value](cell& c) { return c.exchange(value); });
  }

  /// `f(old)` is the new value; `f` is no user code.
  template <class F>
  std::optional<T> modify(size_type index, F f) {
    return write(index, [&f](cell& c) { return c.modify(f); });
  }

  /// Enters the update phase of an element: user code may run, in an exclusive_scope of this
  /// engine. The claimed cell keeps its chunk by itself, because it cannot become vacant.
  std::optional<typename cell::updater> claim(size_type index) {
    return write(index, [](cell& c) {
      typename cell::updater phase(c);
      return phase ? std::optional<typename cell::updater>(std::move(phase)) : std::nullopt;
    });
  }

  std::optional<bool> compare_exchange(size_type index, T& expected, const T& desired) {
    exclusive_scope::require_inactive(this);
    const std::optional<T> seen = load(index);  // unequal: answered without writing anything
    if (!seen) return std::nullopt;
    constexpr bool is_plain = std::is_arithmetic_v<T> || std::is_pointer_v<T>;
    if (!is_equal<is_plain>(*seen, expected)) {
      expected = *seen;
      return false;
    }
    if constexpr (is_plain) {
      return write(index, [&](cell& c) {
        return c.replace_if(desired, expected, [](T a, T b) noexcept { return a == b; });
      });
    } else {
      std::optional<typename cell::updater> phase = claim(index);
      if (!phase) return std::nullopt;
      const exclusive_scope scope(this);
      const T now = phase->value();
      if (now == expected) {
        phase->publish(desired);
        return true;
      }
      expected = now;
      return false;
    }
  }

  // ---- their number ----------------------------------------------------------------------------

  size_type size() const noexcept {
    return size_.load(std::memory_order_acquire);  // (1) acquire: pairs with (4), (5).
  }

  size_type capacity() const noexcept {
    return geometry::capacity(chunks_.load(std::memory_order_relaxed));  // relaxed: only a number
  }

  size_type chunks() const noexcept {
    return chunks_.load(std::memory_order_relaxed);  // relaxed: only a number
  }

  size_type bytes() const noexcept { return capacity() * sizeof(cell) + directory_.bytes(); }

  bool is_resizing() const noexcept {
    return resizing_.load(std::memory_order_relaxed) != 0;  // relaxed: only a hint
  }

  static constexpr size_type max_size() noexcept {
    constexpr auto bytes = static_cast<size_type>(std::numeric_limits<std::ptrdiff_t>::max());
    return geometry::max_elements < bytes / sizeof(cell) ? geometry::max_elements
                                                         : bytes / sizeof(cell);
  }

  size_type push_back(const T& value) {
    exclusive_scope::require_inactive(this);
    lock_holder tail(tail_lock_);
    backoff wait;
    for (;;) {
      const size_type index = size_.load(std::memory_order_relaxed);  // relaxed: the tail lock
      if (index >= max_size()) fail_length("concur::seq_array: too many elements");
      make_chunks(index + 1);
      if (give_birth(index, index + 1, value)) return index;
      pause(tail, wait);
    }
  }

  void resize(size_type n, const T& value) {
    exclusive_scope::require_inactive(this);
    if (n <= size()) {
      shrink(n);
    } else {
      grow(n, value);
    }
  }

  void reserve(size_type n) {
    exclusive_scope::require_inactive(this);
    require_length(n);
    growth demand(*this, n);
    make_room(n);
  }

  /// The elements from `n` on die. Nothing if there are none.
  void shrink(size_type n) {
    exclusive_scope::require_inactive(this);
    const resizing_scope running(*this);
    lock_holder tail(tail_lock_);
    const size_type old = size_.load(std::memory_order_relaxed);  // relaxed: the tail lock
    if (n >= old) return;
    // relaxed: the tail lock
    if (settled_.load(std::memory_order_relaxed) > n) {
      // (2) release: not above the size at any time; pairs with (3).
      settled_.store(n, std::memory_order_release);
    }
    if (stale_end_ < old) stale_end_ = old;
    size_.store(n, std::memory_order_release);  // (4) release: see \file, death; pairs with (1).
    bury(tail);
    trim(tail, n == 0 ? 0 : 1);
  }

  void shrink_to_fit() {
    exclusive_scope::require_inactive(this);
    const resizing_scope running(*this);
    lock_holder tail(tail_lock_);
    trim(tail, 0);
  }

  // ---- quiet -----------------------------------------------------------------------------------

  Allocator& allocator() noexcept { return allocator_; }
  const Allocator& allocator() const noexcept { return allocator_; }

  void swap_contents(seq_array_engine& other) noexcept {
    directory_.swap(other.directory_);
    swap_words(settled_, other.settled_);
    swap_words(size_, other.size_);
    swap_words(chunks_, other.chunks_);
    std::swap(stale_end_, other.stale_end_);
    std::swap(unlinked_end_, other.unlinked_end_);
  }

  /// Gives all memory back.
  void release() noexcept {
    const size_type used = chunks();
    directory_.release(used < unlinked_end_ ? unlinked_end_ : used, allocator_);
    // relaxed: the caller's quiet orders them.
    settled_.store(0, std::memory_order_relaxed);
    size_.store(0, std::memory_order_relaxed);
    chunks_.store(0, std::memory_order_relaxed);
    stale_end_ = unlinked_end_ = 0;
  }

 private:
  using geometry = seq_array_geometry<Tuning::first_bits, Tuning::full_bits>;
  using tail_holder = lock_holder<parking_lock>;

  /// Elements that are born, or cells that are vacated, in one go under the tail lock.
  static constexpr size_type cells_at_once = 64;
  static constexpr size_type chunks_at_once = 16;

  /// `==`, which is the user's unless `IsPlain`: then it may not write to this array.
  template <bool IsPlain>
  bool is_equal(const T& a, const T& b) {
    if constexpr (IsPlain) {
      return a == b;
    } else {
      const exclusive_scope scope(this);
      return static_cast<bool>(a == b);
    }
  }

  static void require_length(size_type n) {
    if (n > max_size()) fail_length("concur::seq_array: too many elements");
  }

  /// Shown by `is_resizing` while it lives.
  class [[nodiscard]] resizing_scope {
   public:
    explicit resizing_scope(seq_array_engine& engine) noexcept : engine_(engine) {
      engine_.resizing_.fetch_add(1, std::memory_order_relaxed);  // relaxed: only a hint
    }
    ~resizing_scope() {
      engine_.resizing_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: only a hint
    }
    resizing_scope(const resizing_scope&) = delete;
    resizing_scope& operator=(const resizing_scope&) = delete;

   private:
    seq_array_engine& engine_;
  };

  /// While it lives nobody frees chunks of the first `n` elements: what make_room took stays.
  class [[nodiscard]] growth {
   public:
    growth(seq_array_engine& engine, size_type n) noexcept : engine_(engine), running_(engine) {
      const tail_holder tail(engine_.tail_lock_);
      ++engine_.growing_;
      if (engine_.wanted_ < n) engine_.wanted_ = n;
    }
    ~growth() {
      const tail_holder tail(engine_.tail_lock_);
      if (--engine_.growing_ == 0) engine_.wanted_ = 0;
    }
    growth(const growth&) = delete;
    growth& operator=(const growth&) = delete;

   private:
    seq_array_engine& engine_;
    resizing_scope running_;
  };

  bool exists(size_type index) const noexcept {
    // (3) acquire: as (1); pairs with (2), (6).
    return index < settled_.load(std::memory_order_acquire) || index < size();
  }

  /// `f(cell)` on the cell of an element, until it returns something (or true). Nothing (or false)
  /// if there is no such element. `f` is no user code.
  template <class F>
  auto write(size_type index, F f) -> decltype(f(std::declval<cell&>())) {
    exclusive_scope::require_inactive(this);
    leaf_hazard guard;
    backoff wait;
    while (exists(index)) {
      if (cell* found = directory_.protect(index, guard)) {
        auto result = f(*found);
        if (result) return result;
      }
      wait.pause();
    }
    return {};
  }

  // ---- the rest needs the tail lock
  // --------------------------------------------------------------

  void pause(tail_holder& tail, backoff& wait) noexcept {
    tail.unlock();
    wait.pause();
    tail.lock();
  }

  /// Lets somebody else have the tail lock.
  static void breathe(tail_holder& tail) noexcept {
    tail.unlock();
    tail.lock();
  }

  void make_chunks(size_type n) {
    const size_type needed = geometry::chunks_for(n);
    if (chunks() >= needed) [[likely]]
      return;
    const resizing_scope running(*this);
    for (size_type chunk = chunks(); chunk < needed; ++chunk) {
      directory_.link(chunk, allocator_);
      chunks_.store(chunk + 1, std::memory_order_relaxed);  // relaxed: only a number for others
    }
  }

  /// Makes the elements [first, last) of one chunk exist; `first` is the size. False if a cell
  /// among them still has a callback of its previous element running in it.
  bool give_birth(size_type first, size_type last, const T& value) noexcept {
    cell* const cells = directory_.at(first);
    const size_type count = last - first;
    if (first < stale_end_) {
      for (size_type i = 0; i < count; ++i) {
        if (!cells[i].try_vacate()) return false;
      }
    }
    for (size_type i = 0; i < count; ++i) cells[i].prepare(value);
    if (geometry::locate(first).offset == 0) {
      settled_.store(first, std::memory_order_release);  // (6) release: pairs with (3).
    }
    size_.store(last, std::memory_order_release);  // (5) release: the birth; pairs with (1).
    for (size_type i = 0; i < count; ++i) cells[i].occupy();
    return true;
  }

  /// All chunks for `n` elements, or none more than before and an exception.
  void make_room(size_type n) {
    tail_holder tail(tail_lock_);
    const size_type before = chunks();
    CONCUR_TRY {
      while (capacity() < n) {
        make_chunks(capacity() + 1);
        breathe(tail);
      }
    }
    CONCUR_CATCH_ALL {
      // The demand of this call must not keep what it took; another's keeps what that one needs.
      if (growing_ == 1) wanted_ = geometry::capacity(before);
      trim(tail, 0, before);
      CONCUR_RETHROW;
    }
  }

  void grow(size_type n, const T& value) {
    require_length(n);
    growth demand(*this, n);
    make_room(n);
    tail_holder tail(tail_lock_);
    backoff wait;
    for (;;) {
      const size_type first = size_.load(std::memory_order_relaxed);  // relaxed: the tail lock
      if (first >= n) break;
      const size_type last = end_of_step(first, n);
      make_chunks(last);
      if (give_birth(first, last, value)) {
        breathe(tail);
      } else {
        pause(tail, wait);
      }
    }
    settled_.store(size_.load(std::memory_order_relaxed),  // relaxed: the tail lock
                   std::memory_order_release);             // release: as (6); pairs with (3).
  }

  static size_type end_of_step(size_type first, size_type n) noexcept {
    const seq_array_place place = geometry::locate(first);
    size_type count = geometry::chunk_elements(place.chunk) - place.offset;
    if (count > cells_at_once) count = cells_at_once;
    return n - first < count ? n : first + count;
  }

  /// Vacates the cells of dead elements. Who pushes meanwhile does his share.
  void bury(tail_holder& tail) noexcept {
    backoff wait;
    size_type step = 0;
    // relaxed: the tail lock
    while (stale_end_ > size_.load(std::memory_order_relaxed)) {
      if (!directory_.at(stale_end_ - 1)->try_vacate()) {
        pause(tail, wait);
        continue;
      }
      --stale_end_;
      if (++step % cells_at_once == 0) breathe(tail);
    }
    stale_end_ = 0;
  }

  /// Frees the chunks that hold neither elements nor a running growth, but for `spare` of them, and
  /// but for the first `floor`.
  void trim(tail_holder& tail, size_type spare, size_type floor = 0) noexcept {
    for (;;) {
      size_type needed = size_.load(std::memory_order_relaxed);  // relaxed: the tail lock
      if (needed < stale_end_) needed = stale_end_;
      if (needed < wanted_) needed = wanted_;
      size_type keep = geometry::chunks_for(needed) + spare;
      if (keep < floor) keep = floor;
      const size_type end = chunks();
      if (end <= keep) break;
      const size_type first = end - keep > chunks_at_once ? end - chunks_at_once : keep;
      for (size_type chunk = end; chunk > first; --chunk) directory_.unlink(chunk - 1);
      chunks_.store(first, std::memory_order_relaxed);  // relaxed: only a number for others
      const size_type left = directory_.sweep(first, end, allocator_);
      if (left > first && unlinked_end_ < left) unlinked_end_ = left;
      breathe(tail);
    }
    // What earlier calls could not free. Linking has perhaps taken some of it back.
    if (unlinked_end_ > chunks()) {
      const size_type left = directory_.sweep(chunks(), unlinked_end_, allocator_);
      unlinked_end_ = left > chunks() ? left : 0;
    }
  }

  static void swap_words(std::atomic<size_type>& a, std::atomic<size_type>& b) noexcept {
    // relaxed: the caller's quiet orders them.
    const size_type value = a.load(std::memory_order_relaxed);
    a.store(b.exchange(value, std::memory_order_relaxed), std::memory_order_relaxed);
  }

  // Read by every operation, written rarely.
  seq_array_directory<cell, Allocator, geometry> directory_;
  std::atomic<size_type> settled_{0};

  // Written by every push_back.
  alignas(cache_line_size) std::atomic<size_type> size_{0};
  std::atomic<size_type> chunks_{0};
  size_type stale_end_ = 0;     // 0: no cell beyond the size is anything but vacant
  size_type unlinked_end_ = 0;  // chunks beyond chunks_ and below this may wait for being freed
  size_type wanted_ = 0;        // the largest of the running growths
  std::uint32_t growing_ = 0;   // their number
  parking_lock tail_lock_;
  std::atomic<std::uint32_t> resizing_{0};
  CONCUR_NO_UNIQUE_ADDRESS Allocator allocator_;
};

}  // namespace concur::inline CONCUR_ABI::detail
