// SPDX-License-Identifier: MIT
/// \file
/// A trivially copyable value of any size that threads read and write as a whole.
///
///   wide (several words)    [state: 64 bits][value: 8-byte words, tail bytes included]
///   small (up to 8 bytes)   [state: 32 bits][value: one word]
///
///   state = [version ...][vacant][locked][publishing]
///     publishing  set by the writer that is storing the words; readers of a wide value wait for it
///     locked      set by `update` while its callback runs on a copy: keeps writers out, readers
///                 still get the old value
///     vacant      set by the cell's owner: there is no value here (see below)
///     version     one more for every value published; wide cells only
///
///               store, exchange, fetch_add          update
///     idle -----------------------------> publishing <------- locked <------- idle
///      ^            finish: version + 1        |        publish
///      +---------------------------------------+
///
/// A reader copies the words and then checks that the version did not change. The words are atomic,
/// loaded with acquire and stored with release, so there is no data race and the check cannot move
/// before the copy (Boehm, "Can Seqlocks Get Along with Programming Language Memory Models?", MSPC
/// 2012, which derives fences; orders on the words say the same, cost nothing more on x86, and race
/// detectors understand them). A reader waits only while somebody publishes,
/// that is for one copy of the value, unless that writer was descheduled in it. A small value is
/// one atomic word: its readers never wait and check nothing.
///
/// Wrapping: a reader that stalls between its two looks at the state would accept a mixed value if
/// the version came round to the same number meanwhile. The version of a wide cell has 61 bits: at
/// 200 million writes per second to this one cell that takes 365 years. The wide state costs no
/// memory over a 32-bit one, because the words behind it are aligned to 8 bytes. Small cells need
/// no version.
///
/// Linearization: a write when its words are valid for readers (the finishing store; for a small
/// value the store of the word); a read at its first look at the state (small: the load of the
/// word). Hit: one cache line where the cell lies in one; no read writes to memory.
///
/// Vacancy is for containers whose cells outlive the elements in them. While a cell is vacant,
/// every operation reports so and does nothing; only its owner ends the vacancy (`prepare`,
/// `occupy`), under a lock of the owner's. A vacant cell has no writer, and gets none.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <concur/detail/sync/word_copy.hpp>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

/// The state word of a cell, as a value with verbs. `Word` is 32 bits wide without a version.
template <class Word>
class cell_state {
 public:
  constexpr explicit cell_state(Word bits) noexcept : bits_(bits) {}
  static constexpr cell_state idle() noexcept { return cell_state{0}; }

  constexpr bool is_publishing() const noexcept { return (bits_ & publishing_bit) != 0; }
  constexpr bool is_vacant() const noexcept { return (bits_ & vacant_bit) != 0; }
  constexpr bool is_idle() const noexcept {
    return (bits_ & (publishing_bit | locked_bit | vacant_bit)) == 0;
  }
  /// Whether a value read at this state is still the value at `later`: an updater may have come.
  constexpr bool has_value_of(cell_state later) const noexcept {
    return ((bits_ ^ later.bits_) & static_cast<Word>(~locked_bit)) == 0;
  }

  constexpr cell_state publishing() const noexcept { return cell_state{bits_ | publishing_bit}; }
  constexpr cell_state locked() const noexcept { return cell_state{bits_ | locked_bit}; }
  constexpr cell_state vacant() const noexcept { return cell_state{bits_ | vacant_bit}; }
  /// After a publication: idle, one version later.
  constexpr cell_state finished() const noexcept {
    return cell_state{static_cast<Word>(unlocked().bits_ + version_step)};
  }
  /// After an update that came to nothing: idle, same version.
  constexpr cell_state unlocked() const noexcept {
    return cell_state{bits_ & static_cast<Word>(~(publishing_bit | locked_bit | vacant_bit))};
  }
  constexpr Word bits() const noexcept { return bits_; }

 private:
  static constexpr Word publishing_bit = 1;
  static constexpr Word locked_bit = 2;
  static constexpr Word vacant_bit = 4;
  static constexpr Word version_step = sizeof(Word) == 8 ? 8 : 0;

  Word bits_;
};

/// What `compare_exchange` of a cell came to.
enum class cell_exchange { done, unequal, vacant };

template <class T>
class seqlock_cell {
  static_assert(std::is_trivially_copyable_v<T>,
                "concur: the type must be trivially copyable: it is copied while it may change");

  using state_word =
      std::conditional_t<atomic_words<T>::is_single_word, std::uint32_t, std::uint64_t>;
  using state = cell_state<state_word>;

 public:
  /// Whether the value is one atomic word, which readers load without looking at the state.
  static constexpr bool is_small = atomic_words<T>::is_single_word;

  struct vacant_tag {};

  /// All bytes zero.
  seqlock_cell() noexcept = default;
  explicit seqlock_cell(const T& value) noexcept { words_.store(value); }
  explicit seqlock_cell(vacant_tag) noexcept : state_(state::idle().vacant().bits()) {}
  seqlock_cell(const seqlock_cell&) = delete;
  seqlock_cell& operator=(const seqlock_cell&) = delete;

  // ---- readers -------------------------------------------------------------------------------

  /// The value; nothing if the cell is vacant. Waits only while a wide value is being published.
  std::optional<T> read() const noexcept {
    if constexpr (is_small) {
      // acquire: as (2). Before the copy too: the value may be one from between two lives.
      if (state{state_.load(std::memory_order_acquire)}.is_vacant()) return std::nullopt;
      // (1) acquire: what was done before the value was stored; pairs with (5).
      const T copy = words_.template load<std::memory_order_acquire>();
      // (2) acquire: pairs with (7), so that the caller who then looks at his container finds it
      // as it was when the cell became vacant. If (1) read a value that was prepared during
      // a vacancy, then this load sees that vacancy or something newer, by coherence.
      if (state{state_.load(std::memory_order_acquire)}.is_vacant()) return std::nullopt;
      return copy;
    } else {
      backoff wait;
      for (;;) {
        // (3) acquire: the words of this version; pairs with (6), (7), (8).
        const state before{state_.load(std::memory_order_acquire)};
        if (before.is_vacant()) return std::nullopt;
        if (!before.is_publishing()) {
          // (4) acquire: if a word was stored by a later writer, that store synchronizes with its
          // load here (pairs with (5)), and the load below sees that writer's state or something
          // newer.
          const T copy = words_.template load<std::memory_order_acquire>();
          const state after{state_.load(std::memory_order_relaxed)};  // relaxed: ordered by (4)
          if (before.has_value_of(after)) return copy;
        }
        wait.pause();
      }
    }
  }

  /// The value of a cell that is never vacant.
  T load() const noexcept {
    if constexpr (is_small) {
      return words_.template load<std::memory_order_acquire>();  // acquire: as (1); pairs with (5).
    } else {
      std::optional<T> value = read();
      CONCUR_ASSERT(value.has_value());
      return *value;
    }
  }

  // ---- writers: false (nothing) if the cell is vacant ------------------------------------------

  bool store(const T& value) noexcept {
    const state mine = claim<&state::publishing>();
    if (mine.is_vacant()) return false;
    publish(mine, value);
    return true;
  }

  std::optional<T> exchange(const T& value) noexcept {
    return modify([&value](const T&) noexcept -> const T& { return value; });
  }

  /// Replaces the value by `f(value)` and returns the old one. `f` is no user code: readers wait.
  template <class F>
  std::optional<T> modify(F&& f) noexcept {
    const state mine = claim<&state::publishing>();
    if (mine.is_vacant()) return std::nullopt;
    const T old = words_.load();
    publish(mine, f(old));
    return old;
  }

  /// Stores `desired` if the value equals `expected` by `equal`, which is no user code.
  template <class Equal>
  std::optional<bool> replace_if(const T& desired, T& expected, Equal&& equal) noexcept {
    const state mine = claim<&state::publishing>();
    if (mine.is_vacant()) return std::nullopt;
    const T old = words_.load();
    if (equal(old, expected)) {
      publish(mine, desired);
      return true;
    }
    unlock(mine);
    expected = old;
    return false;
  }

  /// The locked phase of an update, as an object. While it lives no other writer gets in, the cell
  /// does not become vacant, and readers see the old value: user code may run. Leaves the old value
  /// unless `publish` was called.
  class [[nodiscard]] updater {
   public:
    explicit updater(seqlock_cell& cell) noexcept
        : updater(&cell, cell.template claim<&state::locked>()) {}
    updater(updater&& other) noexcept
        : cell_(std::exchange(other.cell_, nullptr)), mine_(other.mine_) {}
    updater& operator=(updater&&) = delete;
    ~updater() {
      if (cell_ != nullptr) cell_->unlock(mine_);
    }

    /// False if the cell was vacant.
    explicit operator bool() const noexcept { return cell_ != nullptr; }

    T value() const noexcept { return cell_->words_.load(); }

    void publish(const T& value) noexcept {
      // relaxed: (5) orders it before the words.
      cell_->state_.store(mine_.publishing().bits(), std::memory_order_relaxed);
      std::exchange(cell_, nullptr)->publish(mine_, value);
    }

   private:
    updater(seqlock_cell* cell, state mine) noexcept
        : cell_(mine.is_vacant() ? nullptr : cell), mine_(mine) {}

    seqlock_cell* cell_;
    state mine_;
  };

  /// Runs `f(copy)` once and publishes the copy. If `f` throws, the old value stays.
  template <class F>
  bool update(F&& f) {
    updater phase(*this);
    if (!phase) return false;
    T copy = phase.value();
    std::forward<F>(f)(copy);
    phase.publish(copy);
    return true;
  }

  /// Stores `desired` if the value `== expected`, else puts the value into `expected`. `==` may be
  /// user code: it runs on copies, while the cell is at most locked.
  cell_exchange compare_exchange(T& expected, const T& desired) {
    const std::optional<T> seen = read();  // an unequal value is answered without writing anything
    if (!seen) return cell_exchange::vacant;
    if (!(*seen == expected)) {
      expected = *seen;
      return cell_exchange::unequal;
    }
    updater phase(*this);
    if (!phase) return cell_exchange::vacant;
    const T now = phase.value();
    if (!(now == expected)) {
      expected = now;
      return cell_exchange::unequal;
    }
    phase.publish(desired);
    return cell_exchange::done;
  }

  // ---- vacancy: the owner alone, one call at a time --------------------------------------------

  /// Makes the cell vacant. False while a writer is in it: try again later.
  bool try_vacate() noexcept {
    state seen{state_.load(std::memory_order_relaxed)};  // relaxed: the CAS decides
    while (!seen.is_vacant()) {
      if (!seen.is_idle()) return false;
      state_word bits = seen.bits();
      // (7) acq_rel: the owner's earlier stores are seen by who finds the cell vacant, pairs with
      // (2), (3), (9); and the last writer's accesses happen before the cell's memory is freed,
      // pairs with (6), (8).
      if (state_.compare_exchange_weak(bits, seen.vacant().bits(), std::memory_order_acq_rel,
                                       std::memory_order_relaxed)) {
        return true;
      }
      seen = state{bits};
    }
    return true;
  }

  /// Puts a value into a vacant cell. It stays vacant until `occupy`.
  void prepare(const T& value) noexcept {
    store_words(value);  // a small reader may see it early, and then finds the vacancy
  }

  void occupy() noexcept {
    const state mine{state_.load(std::memory_order_relaxed)};  // relaxed: the owner's own word
    CONCUR_ASSERT(mine.is_vacant());
    // (8) release: the prepared value, and what the owner did before; pairs with (3), (7), (9).
    state_.store(mine.finished().bits(), std::memory_order_release);
  }

  /// The value of a vacant small cell: the old one, or the prepared one.
  T peek() const noexcept requires is_small {
    return words_.template load<std::memory_order_acquire>();  // acquire: as (1); pairs with (5).
  }

 private:
  /// Waits until no writer is in the cell, and enters by `Enter`. Returns a vacant state if
  /// the cell is vacant. (Not an optional: gcc 12 returns one through memory, and stalls on it.)
  template <state (state::*Enter)() const noexcept>
  state claim() noexcept {
    backoff wait;
    // acquire: who finds the cell vacant has what its owner did before; as (9).
    state seen{state_.load(std::memory_order_acquire)};
    for (;;) {
      state_word bits = seen.bits();
      if (seen.is_idle()) {
        const state mine = (seen.*Enter)();
        // (9) acquire: the previous writer's words; pairs with (6), (7), (8).
        if (state_.compare_exchange_weak(bits, mine.bits(), std::memory_order_acquire,
                                         std::memory_order_acquire)) {
          return mine;
        }
        seen = state{bits};
      } else {
        if (seen.is_vacant()) return seen;
        wait.pause();
        seen = state{state_.load(std::memory_order_acquire)};  // acquire: as (9); pairs with (7).
      }
    }
  }

  void store_words(const T& value) noexcept {
    // (5) release: what this thread did before, and, for a wide value, that the state was set (to
    // publishing, or vacant) before any of its words; pairs with (1), (4).
    words_.template store<std::memory_order_release>(value);
  }

  void publish(state mine, const T& value) noexcept {
    store_words(value);
    // (6) release: the words; pairs with (3), (7), (9).
    state_.store(mine.finished().bits(), std::memory_order_release);
  }

  /// Leaves the cell as it was.
  void unlock(state mine) noexcept {
    // release: as (6): our reads of the words come before the next writer's stores; pairs with (9).
    state_.store(mine.unlocked().bits(), std::memory_order_release);
  }

  std::atomic<state_word> state_{0};
  atomic_words<T> words_;
};

}  // namespace concur::inline CONCUR_ABI::detail
