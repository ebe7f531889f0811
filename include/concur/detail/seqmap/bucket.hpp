// SPDX-License-Identifier: MIT
/// \file
/// A bucket: one cache line (or a few, for wide elements) with some cells, one lock, one version.
///
/// For 8-byte keys and values:
///
///     0           8          32      40         64
///     | displaced | k0 k1 k2 | state | v0 v1 v2 |
///
/// A hit reads that line and nothing else of the table. The keys are compared by vector loads,
/// which take the word before an odd number of them along. It is one that is seldom written: a
/// vector that has a word in it which was stored a moment ago, as a value or a state, is waited for
/// until that store has left the processor's buffer.
///
/// Wide elements have a word of 8-bit tags after the two control words and take several lines: the
/// first one, and those of the one cell.
///
/// Readers take no lock. They load the state, copy, and load the state again: an equal version says
/// that the copies are of one moment. Writers own the bucket's lock bit. What they store:
///   insert  the key and value into a vacant cell, where no reader looks; then the state with
///           `occupied` (one store: the element appears whole)
///   erase   the state without `occupied`
///   update  a value of one word: the word, then the state with a new version. A longer value: the
///           state with `publishing`, the words, the state with a new version.
#pragma once

#include <atomic>
#include <bit>
#include <concur/detail/seqmap/bucket_state.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <concur/detail/sync/match_words.hpp>
#include <concur/detail/sync/word_copy.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::seqmap {

/// How many cells in how many lines, and whether tags are stored.
struct bucket_shape {
  unsigned cells;
  unsigned lines;
  bool has_tags;
};

/// The smallest bucket that wastes little. `direct`: keys are compared by their bytes, in place.
constexpr bucket_shape shape_of(std::size_t pair_size, bool direct) noexcept {
  constexpr std::size_t line = 64;
  constexpr std::size_t most = 7;
  const auto fit = [](std::size_t bytes, std::size_t control, std::size_t each) {
    const std::size_t n = bytes > control ? (bytes - control) / each : 0;
    return static_cast<unsigned>(n < most ? n : most);
  };
  if (direct && fit(line, 16, pair_size) >= 2) return {fit(line, 16, pair_size), 1, false};
  bucket_shape best{1, static_cast<unsigned>((24 + pair_size + line - 1) / line), true};
  for (unsigned lines = 1; lines <= 8; ++lines) {
    const unsigned cells = fit(lines * line, 24, pair_size);
    // A longer bucket must save a twelfth of the memory.
    if (cells >= 2 && lines * best.cells * 12 < best.lines * cells * 11) {
      best = {cells, lines, true};
    }
  }
  return best;
}

/// The tags of a bucket that has any: one byte per cell.
template <bool HasTags>
struct tag_word {
  static constexpr unsigned match(std::uint64_t) noexcept { return ~0u; }
  static constexpr void store(unsigned, std::uint64_t) noexcept {}
};

template <>
struct tag_word<true> {
  std::atomic<std::uint64_t> bits{0};

  static constexpr std::uint64_t tag_of(std::uint64_t hash) noexcept { return hash >> 6 & 255; }

  /// The cells whose tag is that of `hash`. A filter only: the key decides.
  unsigned match(std::uint64_t hash) const noexcept {
    // acquire: while an element is there its tag does not change, and it was stored before the
    // state that says so. Who finds the tag of another one that took its cell must not find what it
    // left at home unchanged: pairs with `store`.
    const std::uint64_t tags = bits.load(std::memory_order_acquire);
    constexpr std::uint64_t low_bits = 0x7f7f'7f7f'7f7f'7f7f;
    const std::uint64_t difference = tags ^ tag_of(hash) * 0x0101'0101'0101'0101;
    // The high bit of each byte that is zero, then all of them in a row.
    const std::uint64_t equal = ~(((difference & low_bits) + low_bits) | difference | low_bits);
    return static_cast<unsigned>(equal * 0x0002'0408'1020'4081 >> 56);
  }

  /// Needs the bucket's lock.
  void store(unsigned cell, std::uint64_t hash) noexcept {
    const unsigned shift = 8 * cell;
    const std::uint64_t others =
        bits.load(std::memory_order_relaxed) & ~(std::uint64_t{255} << shift);  // relaxed: locked
    // release: as the stores of key and value, see bucket::fill.
    bits.store(others | tag_of(hash) << shift, std::memory_order_release);
  }
};

/// The control words, and the keys: in the order of \file.
template <class Key, bucket_shape Shape>
struct bucket_head {
  constexpr bucket_head() noexcept = default;
  constexpr explicit bucket_head(std::uint64_t state) noexcept : state_word(state) {}

  std::atomic<std::uint64_t> displaced_word{0};
  atomic_words<Key> keys[Shape.cells] = {};
  std::atomic<std::uint64_t> state_word{0};
  static constexpr tag_word<false> tags{};
};

template <class Key, bucket_shape Shape>
  requires(Shape.has_tags)
struct bucket_head<Key, Shape> {
  constexpr bucket_head() noexcept = default;
  constexpr explicit bucket_head(std::uint64_t state) noexcept : state_word(state) {}

  std::atomic<std::uint64_t> state_word{0};
  std::atomic<std::uint64_t> displaced_word{0};
  tag_word<true> tags;
  atomic_words<Key> keys[Shape.cells] = {};
};

/// The shape of the buckets of a type.
template <class Key, class T, bool Direct>
inline constexpr bucket_shape bucket_shape_of = shape_of(sizeof(atomic_words<Key>) +
                                                             sizeof(atomic_words<T>),
                                                         Direct);

template <class Key, class T, bool Direct>
struct alignas(64) bucket : bucket_head<Key, bucket_shape_of<Key, T, Direct>> {
  static constexpr bucket_shape shape = bucket_shape_of<Key, T, Direct>;
  static constexpr unsigned cell_count = shape.cells;
  using state = bucket_state<cell_count>;

  constexpr bucket() noexcept = default;
  /// A bucket without elements whose readers and writers go on elsewhere.
  struct moved_tag {};
  constexpr explicit bucket(moved_tag) noexcept : head(state::always_moved().bits()) {}

  using head = bucket_head<Key, shape>;
  using head::displaced_word;
  using head::keys;
  using head::state_word;
  using head::tags;
  atomic_words<T> values[cell_count] = {};

  // --- what readers do ---

  state load_state() const noexcept {
    // (1) acquire: the elements that the state shows are stored; pairs with (4), (5).
    return state(state_word.load(std::memory_order_acquire));
  }

  displaced_directory load_displaced() const noexcept {
    // (2) acquire: a directory without an entry is loaded before the state that must then show the
    // element at home or moved (engine.hpp, read_at_home); pairs with (6).
    return displaced_directory(displaced_word.load(std::memory_order_acquire));
  }

  /// Whether the copies made since `before` was loaded are of one moment.
  bool is_unchanged_since(state before) const noexcept {
    // (3) relaxed: the copies were acquire loads: if one of them saw a word of a later write, this
    // load sees the state that preceded that write.
    return state(state_word.load(std::memory_order_relaxed)).is_same_version(before);
  }

  /// A copy of a key or a value, which `is_unchanged_since` or a lock has to vouch for.
  Key copy_key(unsigned cell) const noexcept {
    return keys[cell].template load<std::memory_order_acquire>();  // acquire: for (3)
  }
  T copy_value(unsigned cell) const noexcept {
    return values[cell].template load<std::memory_order_acquire>();  // acquire: for (3)
  }

  /// Whether copies that were made from a cell of `b` since `before` are those of one moment.
  static bool can_use(const bucket& b, state before, unsigned cell) noexcept {
    if constexpr (!atomic_words<T>::is_single_word) {
      if (before.is_publishing(cell)) return false;
    } else {
      static_cast<void>(cell);
    }
    return b.is_unchanged_since(before);
  }

  /// Which of `cells` hold the bytes of `key`: one, as a rule. They may be changing meanwhile: what
  /// was found is that of one moment if the state is still the same afterwards, and what was not is
  /// a key that was not there throughout.
  CONCUR_FORCEINLINE unsigned find(const Key& key, std::uint64_t hash,
                                   unsigned cells) const noexcept {
    if constexpr (shape.has_tags) {
      for (cells &= tags.match(hash); cells != 0; cells &= cells - 1) {
        const auto cell = static_cast<unsigned>(std::countr_zero(cells));
        if (keys[cell].has_bytes_of(key)) return 1u << cell;
      }
      return 0;
    } else {
      static_cast<void>(hash);
      return match_words<cell_count>(keys, key) & cells;
    }
  }

  // --- what the lock's owner does ---

  /// Takes the lock if it is free. `seen` is the state found, unlocked if the lock was taken.
  bool try_lock(state& seen) noexcept {
    seen = state(state_word.load(std::memory_order_relaxed));  // relaxed: the CAS decides
    return try_lock_from(seen);
  }

  /// The same if the state is still `seen`.
  bool try_lock_from(state seen) noexcept {
    std::uint64_t bits = seen.bits();
    // (7) acquire: what the last owner wrote; pairs with (5).
    return !seen.is_locked() &&
           state_word.compare_exchange_strong(bits, seen.locked().bits(), std::memory_order_acquire,
                                              std::memory_order_relaxed);
  }

  /// Takes the lock if it is free or about to be.
  bool try_lock_briefly(state& seen) noexcept {
    constexpr int tries = 4;
    backoff wait;
    for (int i = 0; i < tries; ++i, wait.pause()) {
      if (try_lock(seen)) return true;
    }
    return false;
  }

  /// Takes the lock, waiting for it.
  state lock() noexcept {
    state seen;
    for (backoff wait; !try_lock(seen);) {
      if (seen.is_locked()) wait.pause();
    }
    return seen;
  }

  /// The same for a home, which is of no use once it has moved: then the result says so, the lock
  /// is not taken, and the caller goes on in the next table. Only the very state that was seen
  /// unmoved is locked: the lock of a moved bucket, taken here, would never be given back.
  state lock_unless_moved() noexcept {
    state seen = load_state();
    for (backoff wait; !seen.is_moved() && !try_lock_from(seen); seen = load_state()) {
      if (seen.is_locked()) wait.pause();
    }
    return seen;
  }

  /// Makes a new state visible while the lock stays.
  void publish(state s) noexcept {
    state_word.store(s.locked().bits(), std::memory_order_release);  // (4) release; pairs with (1).
  }

  void unlock(state s) noexcept {
    // (5) release: everything written under the lock; pairs with (1), (7).
    state_word.store(s.unlocked().bits(), std::memory_order_release);
  }

  void store_displaced(displaced_directory d) noexcept {
    displaced_word.store(d.bits(), std::memory_order_release);  // (6) release; pairs with (2).
  }

  /// Writes an element into a vacant cell. Readers do not look there yet, but one may still be
  /// copying the cell's last element: release, so that his check (3) fails once he saw a new word.
  void fill(unsigned cell, const Key& key, const T& value, std::uint64_t hash) noexcept {
    tags.store(cell, hash);
    keys[cell].template store<std::memory_order_release>(key);
    values[cell].template store<std::memory_order_release>(value);
  }

  /// The same with the element in a cell of another bucket, whose home is locked.
  void fill_from(unsigned cell, const bucket& other, unsigned from, std::uint64_t hash) noexcept {
    tags.store(cell, hash);
    keys[cell].copy_from(other.keys[from]);
    values[cell].copy_from(other.values[from]);
  }

  /// Overwrites a value. `s` is the state under the lock, and gets a new version. Of several words
  /// it is published at once, though the lock stays: user code may run before its release, and
  /// readers of the value wait until then.
  void overwrite(unsigned cell, const T& value, state& s) noexcept {
    if constexpr (!atomic_words<T>::is_single_word) publish(s.with_publishing(cell));
    values[cell].template store<std::memory_order_release>(value);  // release: as in fill
    s = s.with_new_version();
    if constexpr (!atomic_words<T>::is_single_word) publish(s);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
