// SPDX-License-Identifier: MIT
/// \file
/// One array of buckets: addressing, blocks, annexes, and the bookkeeping of its own replacement.
///
///   root word:  table address | replacing (bit 6) | 64 - log2(buckets) (bits 5..0)
///
///   [ header | bucket 0 .. bucket 2^k-1 | one byte per block: is it initialised? ]
///              '--- block of 256 ---'
///
/// The root word alone addresses a bucket: hash >> (word & 63), because x86 takes a shift count
/// modulo 64 anyway; the header is not touched by a hit. The high bits of a hash choose the bucket,
/// so buckets are in hash order, and bucket i of a table has the hashes of buckets 2i and 2i+1 of
/// one twice as large: elements move in sequence, and a position in hash space means the same in
/// every table.
///
/// An element that finds its home full goes to the next bucket with a vacant cell inside the home's
/// block, wrapping around. A block that is quite full, which a good hash does not produce below the
/// maximum load, gets annex pages. So a block is closed: whoever has its buckets has its elements.
#pragma once

#include <atomic>
#include <concur/detail/seqmap/bucket.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstddef>
#include <cstdint>
#include <new>

namespace concur::inline CONCUR_ABI::detail::seqmap {

/// Sizes that decide when, not whether: tests shrink them to make every event frequent.
struct default_tuning {
  static constexpr unsigned first_log2_buckets = 2;
  /// Buckets of a block: larger ones fill more evenly, smaller ones are initialised faster.
  static constexpr unsigned log2_block = 8;
  /// Maximum load in 1/64. Large tables spare memory: 54/64 = 0.84 means 27 to 51 bytes per u64
  /// pair, 36 on average. In small ones, which are in a cache anyway, fewer elements away from home
  /// are worth more.
  static constexpr unsigned max_load(unsigned log2_buckets) noexcept {
    return log2_buckets <= 10 ? 27 : log2_buckets <= 16 ? 40 : 54;
  }
  /// Small tables, up to a megabyte, grow by 4: a map that is filled is moved half as often, which
  /// is most of what filling it costs.
  static constexpr unsigned log2_growth(unsigned log2_buckets) noexcept {
    return log2_buckets < 15 ? 2 : 1;
  }
  /// The table shrinks when less than 1/min_load_divisor of its cells are in use.
  static constexpr unsigned min_load_divisor = 16;
  /// A thread looks at the sum of the counter once in so many insertions or erasures.
  static constexpr unsigned log2_check_interval = 8;
  /// From so many buckets on the counter is striped.
  static constexpr unsigned striped_log2_buckets = 9;
};

template <class Bucket, class Tuning>
struct alignas(128) table {
  using bucket = Bucket;

  static_assert(Tuning::first_log2_buckets >= 1, "a shift by 64 - 0 would be the replacing bit");
  static_assert(Tuning::log2_block <= 8, "every distance inside a block fits into a reach");

  static constexpr std::uintptr_t shift_mask = 63;
  static constexpr std::uintptr_t replacing_bit = 64;
  static constexpr std::uintptr_t address_mask = ~std::uintptr_t{127};

  /// More buckets of a block that was full.
  struct alignas(128) annex_page {
    annex_page* next = nullptr;
    std::size_t units = 0;
    unsigned bucket_count = 0;
    bucket* buckets() noexcept { return reinterpret_cast<bucket*>(this + 1); }
  };
  using annex_list = std::atomic<annex_page*>;

  enum : unsigned char { block_untouched, block_in_work, block_ready };

  // Constant once the table is published.
  unsigned log2_buckets = 0;
  std::size_t units = 0;  ///< size of the allocation, in memory units
  std::uint64_t id = 0;   ///< of this map's tables: an address and a size may come back
  // Of a retired table, for the one thread that looks after it.
  table* next_retired = nullptr;
  bool is_unreachable = false;               ///< nobody announces it any more
  std::size_t bytes_kept = ~std::size_t{0};  ///< of its buckets, not yet given back

  /// The table that replaces this one; set once, when the replacement begins.
  std::atomic<table*> next{nullptr};
  /// One list of annex pages per block; null until the first block overflows.
  std::atomic<annex_list*> annexes{nullptr};

  // What the migrating threads share.
  alignas(cache_line_size) std::atomic<std::uint64_t> next_share{0};
  std::atomic<std::uint64_t> moved_buckets{0};

  // --- addressing ---

  static table* of(std::uintptr_t word) noexcept {
    return reinterpret_cast<table*>(word & address_mask);
  }
  static bool is_replacing(std::uintptr_t word) noexcept { return (word & replacing_bit) != 0; }
  static std::uint64_t index_in(std::uintptr_t word, std::uint64_t hash) noexcept {
    return hash >> (word & shift_mask);
  }
  static bucket* home(std::uintptr_t word, std::uint64_t hash) noexcept {
    return of(word)->buckets() + index_in(word, hash);
  }
  static std::uint64_t cells_of(std::uintptr_t word) noexcept {
    return std::uint64_t{bucket::cell_count} << (64 - (word & shift_mask));
  }
  /// The last hash that has the same home as `hash`.
  static std::uint64_t last_hash_of_home(std::uintptr_t word, std::uint64_t hash) noexcept {
    return hash | ((std::uint64_t{1} << (word & shift_mask)) - 1);
  }

  std::uintptr_t word() const noexcept {
    return reinterpret_cast<std::uintptr_t>(this) | (64 - log2_buckets);
  }
  std::uint64_t bucket_count() const noexcept { return std::uint64_t{1} << log2_buckets; }
  bucket* buckets() noexcept { return reinterpret_cast<bucket*>(this + 1); }

  unsigned log2_block() const noexcept {
    return log2_buckets < Tuning::log2_block ? log2_buckets : Tuning::log2_block;
  }
  unsigned block_size() const noexcept { return 1u << log2_block(); }
  std::uint64_t block_count() const noexcept { return bucket_count() >> log2_block(); }
  std::uint64_t block_of(const bucket* b) noexcept {
    return static_cast<std::uint64_t>(b - buckets()) >> log2_block();
  }

  /// The bucket `distance` steps after `home` inside the block.
  bucket* neighbour(bucket* home, unsigned distance) noexcept {
    const auto i = static_cast<std::uint64_t>(home - buckets());
    const std::uint64_t in_block = block_size() - 1;
    return buckets() + ((i & ~in_block) | ((i + distance) & in_block));
  }

  /// The annex pages of the block of `home`, if any.
  annex_page* annex_of(bucket* home) noexcept {
    // acquire: the lists and the pages are published by memory.hpp (2), (3).
    annex_list* lists = annexes.load(std::memory_order_acquire);
    // acquire: as above
    return lists == nullptr ? nullptr : lists[block_of(home)].load(std::memory_order_acquire);
  }

  // --- initialisation of blocks ---

  std::atomic<unsigned char>* block_states() noexcept {
    return reinterpret_cast<std::atomic<unsigned char>*>(buckets() + bucket_count());
  }

  /// Makes the buckets of block `i` empty ones, once. False if another thread is at it just now.
  bool prepare_block(std::uint64_t i) noexcept {
    std::atomic<unsigned char>& state = block_states()[i];
    unsigned char seen = state.load(std::memory_order_acquire);  // acquire: pairs with (1)
    if (seen == block_ready) return true;
    // relaxed: claims the work; what it is done to is touched by nobody else.
    if (seen != block_untouched ||
        !state.compare_exchange_strong(seen, block_in_work, std::memory_order_relaxed)) {
      return false;
    }
    bucket* first = buckets() + (i << log2_block());
    for (unsigned k = 0; k < block_size(); ++k) ::new (static_cast<void*>(first + k)) bucket;
    // (1) release: publishes the buckets; pairs with the acquire above. Threads that come by way of
    // a moved bucket have it from the state of that bucket.
    state.store(block_ready, std::memory_order_release);
    return true;
  }

  // --- where an element of a home may be ---

  /// Calls `f(bucket&, distance)` for the buckets 1 to `reach` steps after `home`, and for the
  /// annex if `reach` says so, until it returns true.
  template <class F>
  bool visit_neighbours(bucket* home, unsigned reach, F&& f) {
    const unsigned last = reach < block_size() - 1 ? reach : block_size() - 1;
    for (unsigned d = 1; d <= last; ++d) {
      if (f(*neighbour(home, d), d)) return true;
    }
    if (reach != displaced_directory::reach_everywhere) return false;
    for (annex_page* page = annex_of(home); page != nullptr; page = page->next) {
      for (unsigned i = 0; i < page->bucket_count; ++i) {
        if (f(page->buckets()[i], displaced_directory::reach_everywhere)) return true;
      }
    }
    return false;
  }

  /// The same for the buckets that the directory has entries of; each comes once.
  template <class F>
  bool visit_entries(bucket* home, displaced_directory directory, F&& f) {
    for (unsigned i = 0; i < displaced_directory::entry_count; ++i) {
      const unsigned distance = directory.distance(i);
      bool is_repeated = distance == 0;
      for (unsigned k = 0; k < i; ++k) is_repeated |= directory.distance(k) == distance;
      if (!is_repeated && f(*neighbour(home, distance), distance)) return true;
    }
    return false;
  }

  /// The same for all buckets that may hold displaced elements of `home`; each comes once.
  template <class F>
  bool visit_displaced(bucket* home, displaced_directory directory, F&& f) {
    if (directory.spilled() == 0) return visit_entries(home, directory, f);
    const unsigned reach = directory.reach();
    const unsigned entries_reach = displaced_directory::max_entry_distance;
    return visit_neighbours(home, reach < entries_reach ? entries_reach : reach, f);
  }

  /// The same for those that may hold one with this tag; a bucket may come twice.
  template <class F>
  bool visit_displaced(bucket* home, displaced_directory directory, unsigned tag, F&& f) {
    for (unsigned i = 0; i < displaced_directory::entry_count; ++i) {
      if (!directory.matches(i, tag)) continue;
      if (f(*neighbour(home, directory.distance(i)), directory.distance(i))) return true;
    }
    return directory.spilled() != 0 && visit_neighbours(home, directory.reach(), f);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
