// SPDX-License-Identifier: MIT
/// \file
/// The layout of a shared region, and its table of processes.
///
///     [header][process table][counters][bounds: 8 bytes a slot][tags][slots]
///
/// Everything is a number or an offset: every process may map it elsewhere. The first line of the
/// header never changes after `format`, and is checked by `attach`, which keeps what it needs of
/// it: nobody trusts it twice. All other words may hold anything: each is masked or bounded where
/// it is used.
///
/// A process takes an entry of the table with one compare-and-swap that names it, and writes its
/// entry's index and generation into every slot that it claims or locks.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/bits/mix.hpp>
#include <concur/detail/fixed_map/format_error.hpp>
#include <concur/detail/fixed_map/processes.hpp>
#include <concur/detail/fixed_map/slot_tags.hpp>
#include <concur/detail/fixed_map/slot_word.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free,
              "a lock of this process's own would guard nothing in shared memory");

/// What `format` writes and `attach` checks.
struct region_description {
  std::uint64_t magic;
  std::uint64_t version;
  std::uint64_t layout;    ///< sizes of keys, values and slots
  std::uint64_t capacity;  ///< slots
  std::uint64_t bytes;     ///< of the region
  std::uint64_t seed;      ///< of the hasher
  std::uint64_t probe;     ///< the hash of a key of zeros: the same hasher, the same byte order
  std::uint64_t checksum;  ///< of the words before

  static constexpr std::uint64_t this_magic = 0x31'70'61'6d'64'78'69'66;  // "fixdmap1"
  static constexpr std::uint64_t this_version = 4;
  static constexpr std::size_t word_count = 8;

  constexpr std::uint64_t sum() const noexcept {
    std::uint64_t h = 0;
    for (const std::uint64_t word : {magic, version, layout, capacity, bytes, seed, probe}) {
      h = mix(h ^ word) + mix_increment;
    }
    return h;
  }
};

/// An entry of the table of processes.
class alignas(64) process_entry {
 public:
  /// [id 32][generation 24][state 8]
  struct word {
    std::uint64_t bits = 0;
    enum : std::uint64_t { unused = 0, entering = 1, present = 2 };

    std::uint64_t state() const noexcept { return bits & 0xff; }
    std::uint64_t generation() const noexcept { return (bits >> 8) & 0xffffff; }
    std::uint64_t id() const noexcept { return bits >> 32; }
    word entered_by(std::uint64_t process) const noexcept {
      return {process << 32 | ((generation() + 1) & 0xffffff) << 8 | entering};
    }
    word with(std::uint64_t s) const noexcept { return {(bits & ~std::uint64_t{0xff}) | s}; }
  };

  word seen() const noexcept {
    return {word_.load(std::memory_order_acquire)};  // (1) acquire: start and boot; pairs with (2).
  }
  bool replace(word expected, word desired) noexcept {
    // (2) release: start and boot; pairs with (1). What is replaced was seen by (1).
    return word_.compare_exchange_strong(expected.bits, desired.bits, std::memory_order_release,
                                         std::memory_order_relaxed);
  }

  /// Who is meant by `w`. Only a process that is present has said when it started.
  process_identity identity(word w) const noexcept {
    process_identity p;
    p.id = w.id();
    if (w.state() == word::present) {
      // relaxed: ordered by (1); should the entry change hands, `w` is compared again.
      p.start = start_.load(std::memory_order_relaxed);
      p.boot = boot_.load(std::memory_order_relaxed);
    }
    return p;
  }
  void describe(const process_identity& me) noexcept {
    // relaxed: published by (2)
    start_.store(me.start, std::memory_order_relaxed);
    boot_.store(me.boot, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> word_{0};
  std::atomic<std::uint64_t> start_{0};
  std::atomic<std::uint64_t> boot_{0};
};

/// An owner, as a slot names it: an entry and the end of its generation.
struct owner_name {
  static constexpr unsigned index_bits = 7;
  static constexpr std::size_t process_count = std::size_t{1} << index_bits;

  unsigned bits = 0;

  static owner_name of(std::size_t index, process_entry::word w) noexcept {
    return {static_cast<unsigned>((w.generation() << index_bits | index) & slot_word::max_owner)};
  }
  std::size_t index() const noexcept { return bits & (process_count - 1); }
};

struct alignas(64) region_counters {
  std::atomic<std::int64_t> size{0};
  std::atomic<std::int64_t> releases{0};
};

struct alignas(64) region_header {
  std::atomic<std::uint64_t> description[region_description::word_count];
  /// So many have died, or more, since the counters of the size were right.
  alignas(64) std::atomic<std::uint64_t> deaths{0};
  std::atomic<std::int64_t> known_full{-1};
  process_entry processes[owner_name::process_count];
  static constexpr std::size_t counter_count = 32;
  region_counters counters[counter_count];
};

/// Where things are, for a capacity. Throws std::length_error for what no memory holds.
template <class Slot>
struct region_layout {
  static constexpr std::uint64_t word =
      static_cast<std::uint64_t>(sizeof(Slot)) << 40 |
      static_cast<std::uint64_t>(sizeof(typename Slot::mapped_type)) << 20 |
      static_cast<std::uint64_t>(alignof(typename Slot::mapped_type)) << 8 |
      sizeof(typename Slot::key_type);

  static constexpr std::size_t bounds_at = sizeof(region_header);
  static std::size_t tags_at(std::size_t capacity) {
    return checked_add(bounds_at, checked_multiply(capacity, 8));
  }
  static std::size_t slots_at(std::size_t capacity) {
    const std::size_t end = checked_add(tags_at(capacity), slot_tags::bytes_for(capacity));
    return checked_add(end, alignof(Slot) - 1) / alignof(Slot) * alignof(Slot);
  }
  static std::size_t bytes_for(std::size_t capacity) {
    if (capacity > bound_word::max_length) fail_length("concur: capacity too large");
    return checked_add(slots_at(capacity), checked_multiply(capacity, sizeof(Slot)));
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
