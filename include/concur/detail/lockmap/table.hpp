// SPDX-License-Identifier: MIT
/// \file
/// The table of a shard: open addressing over words, each the address of a key's state and 15 bits
/// of its hash.
///
///     header  [memory | log2 | next retired]   a cache line
///     slots   [0][tag|state][gone][tag|state]...   by the hash's upper bits, then linear
///
/// A table is written under the shard's lock, and read by anybody. A slot is filled from `empty` or
/// `gone`. It is emptied to `gone`, so that a probe still arrives at what lies behind; or, if the
/// next one is empty, and so nothing behind belongs to a home before, to `empty`, as are those that
/// are gone before it: where keys come and go, as in a full cache, slots are not used up thereby. A
/// table that is too full is replaced; the old one is not changed any more, and has everything that
/// was there before.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/lockmap/key_state.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// A hash: [shard][home and beyond ...][tag], from the top. The order of homes is that of hashes.
template <unsigned Log2Shards>
struct hash_layout {
  static constexpr unsigned log2_shards = Log2Shards;
  static constexpr std::size_t shard_count = std::size_t{1} << Log2Shards;

  static constexpr std::size_t shard_of(std::uint64_t hash) noexcept {
    if constexpr (Log2Shards == 0) {
      return 0;
    } else {
      return static_cast<std::size_t>(hash >> (64 - Log2Shards));
    }
  }
  static constexpr std::uint64_t first_hash(std::size_t shard) noexcept {
    if constexpr (Log2Shards == 0) {
      return 0;
    } else {
      return static_cast<std::uint64_t>(shard) << (64 - Log2Shards);
    }
  }
  static constexpr std::uint64_t last_hash(std::size_t shard) noexcept {
    return first_hash(shard) + (~std::uint64_t{0} >> Log2Shards);
  }
};

class slot_word {
 public:
  constexpr explicit slot_word(std::uint64_t bits) noexcept : bits_(bits) {}
  static slot_word of(key_state& state, std::uint64_t hash) noexcept {
    const std::uint64_t address = reinterpret_cast<std::uintptr_t>(&state);
    if (address >> 48 != 0) [[unlikely]] {
      terminate_with("an address of more than 48 bits");
    }
    return slot_word(address | tag_of(hash));
  }
  static constexpr slot_word empty() noexcept { return slot_word(0); }
  /// Where something was.
  static constexpr slot_word gone() noexcept { return slot_word(1); }

  constexpr std::uint64_t bits() const noexcept { return bits_; }
  constexpr bool is_empty() const noexcept { return bits_ == 0; }
  constexpr bool is_gone() const noexcept { return bits_ == 1; }
  constexpr bool is_state() const noexcept { return bits_ > 1; }
  /// Whether it may be a state of this hash.
  constexpr bool matches(std::uint64_t hash) const noexcept {
    return (bits_ ^ tag_of(hash)) >> 48 == 0;
  }
  key_state* state() const noexcept { return address(bits_ & ((std::uint64_t{1} << 48) - 1)); }
  /// The same of one that `matches(hash)`: what is left without the tag.
  key_state* state_of(std::uint64_t hash) const noexcept { return address(bits_ ^ tag_of(hash)); }

 private:
  /// Not 0: so no hash matches what is empty or gone.
  static constexpr std::uint64_t tag_of(std::uint64_t hash) noexcept { return (hash | 1) << 48; }
  static key_state* address(std::uint64_t bits) noexcept {
    return reinterpret_cast<key_state*>(static_cast<std::uintptr_t>(bits));
  }

  std::uint64_t bits_;
};

/// The header; the slots follow. It is referred to by a word: its address, and in the low bits how
/// far a hash is shifted to be the number of a slot, so that a probe does not read the header.
struct alignas(cache_line_size) table {
  using slot = std::atomic<std::uint64_t>;

  void* memory;       ///< what was allocated
  std::size_t units;  ///< and how much
  unsigned log2_slots;
  table* next_retired = nullptr;
  std::uint64_t retired_era = 0;  ///< as era_clock::begin_next returned it, after it was replaced

  static constexpr std::uintptr_t address_mask = ~std::uintptr_t{cache_line_size - 1};
  static constexpr unsigned least_log2 = 3;

  std::uintptr_t word() noexcept {
    return reinterpret_cast<std::uintptr_t>(this) | (64 - log2_slots);
  }
  static table* of(std::uintptr_t word) noexcept {
    return reinterpret_cast<table*>(word & address_mask);
  }
};
static_assert(sizeof(table) == cache_line_size, "the slots follow it, aligned");

/// What a probe needs of a table.
class table_view {
 public:
  table_view(std::uintptr_t word, unsigned log2_shards) noexcept
      : slots_(reinterpret_cast<table::slot*>((word & table::address_mask) + sizeof(table))),
        shift_(static_cast<unsigned>(word & ~table::address_mask)),
        log2_shards_(log2_shards) {}

  unsigned log2_slots() const noexcept { return 64 - shift_; }
  std::size_t slot_count() const noexcept { return mask() + 1; }
  std::size_t mask() const noexcept {
    return static_cast<std::size_t>(~std::uint64_t{0} >> shift_);
  }
  std::size_t home_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>((hash << log2_shards_) >> shift_);
  }
  /// The first hash of this shard whose home it is, without the bits of the shard.
  std::uint64_t hash_of_home(std::size_t home) const noexcept {
    return (static_cast<std::uint64_t>(home) << shift_) >> log2_shards_;
  }
  /// Where a search for a key of `hash` begins: at its home, or behind that if it is another's. A
  /// sum, not a branch: that would be guessed, a fourth of the time wrong, and it would be known
  /// only when the slot has come from a distant cache.
  std::size_t first_for(std::uint64_t hash) const noexcept {
    const std::size_t home = home_of(hash);
    // relaxed: what it leads to is not looked at; who finds it is to load it again.
    const slot_word there(slots_[home].load(std::memory_order_relaxed));
    const bool is_taken = !there.is_empty();
    return home + static_cast<std::size_t>(is_taken & !there.matches(hash));
  }
  table::slot& operator[](std::size_t i) const noexcept { return slots_[i & mask()]; }
  slot_word load(std::size_t i) const noexcept {
    // (1) acquire: the state is constructed; pairs with (2).
    return slot_word((*this)[i].load(std::memory_order_acquire));
  }

  /// Under the shard's lock. True if it filled a slot that was empty.
  bool insert(key_state& state, std::uint64_t hash) const noexcept {
    for (std::size_t i = home_of(hash);; ++i) {
      const slot_word here = load(i);
      if (here.is_state()) continue;
      // (2) release: publishes the state; pairs with (1).
      (*this)[i].store(slot_word::of(state, hash).bits(), std::memory_order_release);
      return here.is_empty();
    }
  }
  /// Under the shard's lock. How many slots are empty now that were not.
  std::size_t erase(key_state& state, std::uint64_t hash) const noexcept {
    const std::uint64_t wanted = slot_word::of(state, hash).bits();
    std::size_t i = home_of(hash);
    for (slot_word here = load(i); here.bits() != wanted; here = load(++i)) {
      CONCUR_ASSERT(!here.is_empty() && "the state is in the table");
    }
    const bool is_last = load(i + 1).is_empty();
    // relaxed, both: they publish nothing.
    (*this)[i].store((is_last ? slot_word::empty() : slot_word::gone()).bits(),
                     std::memory_order_relaxed);
    std::size_t emptied = is_last ? 1 : 0;
    // One condition: whether it is the last nobody can guess, that there is one before is rare.
    while (is_last & load(i - 1).is_gone()) {
      (*this)[--i].store(slot_word::empty().bits(), std::memory_order_relaxed);
      ++emptied;
    }
    return emptied;
  }
  /// Under the shard's lock: whether some state has this hash.
  template <class State>
  bool has_hash(std::uint64_t hash) const noexcept {
    for (std::size_t i = home_of(hash);; ++i) {
      const slot_word here = load(i);
      if (here.is_empty()) return false;
      if (here.matches(hash) && static_cast<const State*>(here.state())->hash() == hash)
        return true;
    }
  }
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < slot_count(); ++i) {
      if (const slot_word here = load(i); here.is_state()) f(*here.state());
    }
  }

 private:
  table::slot* slots_;
  unsigned shift_;
  unsigned log2_shards_;
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
