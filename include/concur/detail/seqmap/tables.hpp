// SPDX-License-Identifier: MIT
/// \file
/// The tables of one map: who is the root, where memory comes from, how a table is replaced by
/// another one, and when an old one is freed.
///
///   1. A thread finds the load too high (or too low), allocates the next table, sets `next` of the
///      root table, then the `replacing` bit of the root word.
///   2. Every write does a share first: it takes a number, initialises the part of the next table
///      that belongs to it, and moves that many buckets, one by one, each under its own lock.
///   3. Who moves the last bucket makes the next table the root, and retires the old one.
///
/// Between any two buckets everybody can go on: a bucket is in one table or in the other, and says
/// itself in which. A thread that sleeps in the middle of a share delays nobody; the others move
/// its buckets when there is nothing else left. What it sleeps in the middle of is one bucket.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/seqmap/table.hpp>
#include <concur/detail/sync/striped_counter.hpp>
#include <concur/policy/allocator.hpp>
#include <concur/policy/hash_traits.hpp>
#include <concur/policy/key_equal.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::seqmap {

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
class tables {
 public:
  static constexpr bool is_direct = is_bitwise_comparable_v<Key, KeyEqual> && sizeof(Key) <= 16;
  using bucket = seqmap::bucket<Key, T, is_direct>;
  using state = typename bucket::state;
  using table = seqmap::table<bucket, Tuning>;
  using annex_page = typename table::annex_page;

  tables(const Hash& hash, const KeyEqual& equal, const Allocator& allocator)
      : root_(empty_word()), hash_(hash), equal_(equal), allocator_(allocator) {}
  ~tables() { release_all(); }
  tables(const tables&) = delete;
  tables& operator=(const tables&) = delete;

  std::uint64_t hash(const auto& key) const noexcept(noexcept(mixed_hash(std::declval<const Hash&>(), key))) {
    return mixed_hash(hash_, key);
  }
  const Hash& hash_function() const noexcept { return hash_; }
  const KeyEqual& key_eq() const noexcept { return equal_; }
  const Allocator& allocator() const noexcept { return allocator_; }

  /// Cells of the table that new elements go to.
  std::size_t capacity() const;
  bool is_resizing() const noexcept {
    return table::is_replacing(root_.load(std::memory_order_relaxed));  // relaxed: a hint
  }
  std::size_t size() const noexcept { return static_cast<std::size_t>(counter_.sum()); }

  /// Brings the map to a table for `n` elements, and waits until it is there.
  void reserve(std::size_t n);
  void shrink_to_fit();

  void set_max_load(unsigned in_64ths) noexcept {
    // relaxed: a setting; the next check of the load uses it.
    max_load_.store(in_64ths, std::memory_order_relaxed);
  }
  unsigned max_load() const noexcept {
    return max_load_.load(std::memory_order_relaxed);  // relaxed: as above
  }

  /// Needs both maps to be quiet. Exchanges the contents and the functions, not the allocators.
  void swap_contents(tables& other) noexcept;

 protected:
  /// A bucket's lock, and the state that its release will publish.
  class bucket_guard {
   public:
    bucket_guard() noexcept = default;
    bucket_guard(bucket& b, state s) noexcept : where(&b), current(s) {}
    bucket_guard(bucket_guard&& other) noexcept
        : where(std::exchange(other.where, nullptr)), current(other.current) {}
    bucket_guard& operator=(bucket_guard&&) = delete;
    ~bucket_guard() { release(); }
    void release() noexcept {
      if (where != nullptr) std::exchange(where, nullptr)->unlock(current);
    }

    bucket* where = nullptr;
    state current;
  };

  /// The locked home of a hash, and the table that it is in. While it is locked the table stays.
  struct home_guard {
    std::uintptr_t word;
    bucket_guard lock;
    table& owner() const noexcept { return *table::of(word); }
  };

  static std::uintptr_t empty_word() noexcept {
    return reinterpret_cast<std::uintptr_t>(&empty_table.header) | 63;
  }

  home_guard lock_home(std::uint64_t hash, thread_slot& me);
  bool lock_home_in(std::uintptr_t word, std::uint64_t hash, leaf_hazard& guard, home_guard& home);

  /// A vacant cell for an element of a home that is full. The bucket is locked.
  struct claimed_cell {
    bucket_guard lock;
    unsigned cell;
    unsigned distance;
  };
  claimed_cell claim_neighbour(table& owner, bucket* home);

  /// Writes (key, value), absent so far, into the locked home or near it.
  struct placement {
    bucket_guard elsewhere;  ///< holds the other bucket's lock if it is not at home
    unsigned cell;
    unsigned distance;
  };
  placement place(table& owner, bucket_guard& home, const Key& key, const T& value,
                  std::uint64_t hash);
  void vacate(table& owner, bucket_guard& home, bucket_guard& where, unsigned cell,
              unsigned distance, std::uint64_t hash) noexcept;
  void bring_one_home(table& owner, bucket_guard& home, unsigned cell) noexcept;

  void changed_size(std::int64_t by, thread_slot& me) noexcept;
  void check_load(thread_slot& me) noexcept;

  // --- replacing a table (migration.hpp) ---
  void help(std::uintptr_t word, leaf_hazard& guard) noexcept;
  bool start_replacing(std::uintptr_t word, unsigned log2_buckets);
  bool move_share(std::uintptr_t word, std::uint64_t share, leaf_hazard& guard);
  bool move_home(table& from, std::uint64_t index);
  void resize_to(unsigned log2_buckets, bool only_grow);

  // --- memory (memory.hpp) ---
  table* create_table(unsigned log2_buckets);
  annex_page* add_annex_page(table& owner, bucket* home);
  void destroy_table(table* t) noexcept;
  void create_first_table(unsigned log2_buckets);
  void retire(table* t) noexcept;
  void reclaim() noexcept;
  void release_all() noexcept;

  unsigned log2_for(std::size_t elements) const;

  std::atomic<std::uintptr_t> root_;
  CONCUR_NO_UNIQUE_ADDRESS Hash hash_;
  CONCUR_NO_UNIQUE_ADDRESS KeyEqual equal_;
  CONCUR_NO_UNIQUE_ADDRESS Allocator allocator_;
  std::atomic<unsigned> max_load_{Tuning::default_max_load};
  /// `reserve` asked for so many buckets (log2): erasing does not shrink below.
  std::atomic<unsigned> floor_{0};

  // Written by every insertion: not beside what every reader reads.
  alignas(cache_line_size) striped_counter counter_;
  std::atomic<table*> retired_{nullptr};

 private:
  /// What an empty map has for a table: two buckets that say "moved", and no next table.
  struct empty_storage {
    table header;
    bucket buckets[2];
  };
  inline static constinit empty_storage empty_table{
      {}, {{.state_word{state::always_moved().bits()}}, {.state_word{state::always_moved().bits()}}}};
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
