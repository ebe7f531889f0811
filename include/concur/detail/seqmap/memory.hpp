// SPDX-License-Identifier: MIT
/// \file
/// The types of one seqmap engine, the root of its tables, and where their memory comes from and
/// goes: everything is taken from the map's allocator, and is back there when the map is gone.
///
/// A table that was replaced is retired: it is freed when no thread announces it any more. A thread
/// announces the last table that it used until it uses another one, or ends, and so keeps at most
/// one from being freed.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/seqmap/table.hpp>
#include <concur/detail/storage/aligned_units.hpp>
#include <concur/detail/sync/large_pages.hpp>
#include <concur/detail/sync/striped_counter.hpp>
#include <concur/policy/allocator.hpp>
#include <concur/policy/hash_traits.hpp>
#include <concur/policy/key_equal.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::seqmap {

template <class Key, class T, class Hash, class KeyEqual, class Allocator,
          class Tuning = default_tuning>
struct engine_types {
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using tuning = Tuning;

  /// Keys whose equality is that of their bytes are compared in place: up to 16 bytes all of a
  /// bucket at once, longer ones after their tags.
  static constexpr bool compares_bytes = is_bitwise_comparable<Key, KeyEqual>;
  static constexpr bool is_direct = compares_bytes && sizeof(Key) <= 16;
  using bucket = seqmap::bucket<Key, T, is_direct>;
  using state = typename bucket::state;
  using table = seqmap::table<bucket, Tuning>;
};

template <class Types>
class table_memory {
 public:
  using hasher = typename Types::hasher;
  using key_equal = typename Types::key_equal;
  using allocator_type = typename Types::allocator_type;

  const hasher& hash_function() const noexcept { return hash_; }
  const key_equal& key_eq() const noexcept { return equal_; }
  const allocator_type& allocator() const noexcept { return allocator_; }

  template <class K>
  std::uint64_t hash(const K& key) const
      noexcept(noexcept(mixed_hash(std::declval<const hasher&>(), key))) {
    return mixed_hash(hash_, key);
  }

  std::size_t size() const noexcept { return static_cast<std::size_t>(counter_.sum()); }
  bool empty() const noexcept { return size() == 0; }

 protected:
  using bucket = typename Types::bucket;
  using state = typename Types::state;
  using table = typename Types::table;
  using annex_page = typename table::annex_page;
  using annex_list = typename table::annex_list;
  using tuning = typename Types::tuning;

  table_memory(const hasher& hash, const key_equal& equal, const allocator_type& allocator)
      : root_(empty_word()), hash_(hash), equal_(equal), allocator_(allocator) {}
  ~table_memory() { release_all(); }
  table_memory(const table_memory&) = delete;
  table_memory& operator=(const table_memory&) = delete;

  /// The root word of a map without memory.
  static std::uintptr_t empty_word() noexcept {
    return reinterpret_cast<std::uintptr_t>(&empty_table.header) | 63;
  }
  /// Whether a root word is that of a map without memory. Not by the address where it can be
  /// helped: a map that comes from another shared object may have that object's `empty_table`.
  static bool is_empty_word(std::uintptr_t word) noexcept {
    if constexpr (tuning::first_log2_buckets > 1) {
      return (word & table::shift_mask) == 63;  // no other table has two buckets
    } else {
      return word == empty_word();
    }
  }

  static unsigned log2_of(std::uintptr_t word) noexcept {
    return static_cast<unsigned>(64 - (word & table::shift_mask));
  }

  /// The smallest table (log2 of its buckets) that holds `n` elements at the maximum load.
  /// Throws std::length_error for a number that no memory holds.
  unsigned log2_for(std::size_t n) const {
    if (n > ~std::size_t{0} >> 8) fail_length("concur: capacity overflows");
    unsigned log2 = tuning::first_log2_buckets;
    while (n * 64 > (std::size_t{bucket::cell_count} << log2) * max_load(log2)) ++log2;
    return log2;
  }

  /// In 1/64 of the cells of a table of that size.
  unsigned max_load(unsigned log2_buckets) const noexcept {
    const unsigned set = max_load_.load(std::memory_order_relaxed);  // relaxed: a setting
    return set == 0 ? tuning::max_load(log2_buckets) : set;
  }

  // --- tables ---

  /// A table with all blocks untouched. Throws std::bad_alloc or std::length_error.
  table* create_table(unsigned log2_buckets) {
    const std::size_t buckets = std::size_t{1} << log2_buckets;
    const std::size_t blocks =
        log2_buckets > tuning::log2_block ? buckets >> tuning::log2_block : 1;
    const std::size_t units = aligned::units_for(
        checked_add(checked_add(sizeof(table), checked_multiply(buckets, sizeof(bucket))), blocks));
    void* memory = aligned::allocate(allocator_, units);
    if constexpr (may_advise) large_pages::advise(memory, units * sizeof(typename aligned::unit));
    table* t = ::new (memory) table;
    t->log2_buckets = log2_buckets;
    t->units = units;
    // relaxed: each number once; the table's publication passes it on
    t->id = tables_made_.fetch_add(1, std::memory_order_relaxed) + 1;
    for (std::size_t i = 0; i < blocks; ++i) {
      ::new (static_cast<void*>(t->block_states() + i))
          std::atomic<unsigned char>(table::block_untouched);
    }
    return t;
  }

  void create_first_table(unsigned log2_buckets) {
    std::uintptr_t expected = root_.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    if (!is_empty_word(expected)) return;
    table* fresh = create_table(log2_buckets);
    for (std::uint64_t i = 0; i < fresh->block_count(); ++i) fresh->prepare_block(i);
    // (1) release: publishes the table; pairs with the acquire of leaf_hazard::protect.
    if (!root_.compare_exchange_strong(expected, fresh->word(), std::memory_order_release,
                                       std::memory_order_relaxed)) {
      destroy_table(fresh);
    }
  }

  /// Buckets, pages and tables have nothing to destroy.
  void destroy_table(table* t) noexcept {
    // relaxed: nobody else has the table any more, and whoever had it is ordered by the hazard scan
    // or by the map's quiet.
    if (annex_list* lists = t->annexes.load(std::memory_order_relaxed)) {
      for (std::uint64_t i = 0; i < t->block_count(); ++i) {
        annex_page* page = lists[i].load(std::memory_order_relaxed);  // relaxed: as above
        while (page != nullptr) {
          annex_page* next = page->next;
          aligned::deallocate(allocator_, page, page->units);
          page = next;
        }
      }
      aligned::deallocate(
          allocator_, lists,
          aligned::units_for(static_cast<std::size_t>(t->block_count()) * sizeof(annex_list)));
    }
    aligned::deallocate(allocator_, t, t->units);
  }

  /// A page for the block of `home` whose first bucket is locked by the caller.
  annex_page* add_annex_page(table& owner, bucket* home) {
    annex_list& list = annex_lists(owner)[owner.block_of(home)];
    const unsigned buckets = owner.block_size() < 64 ? owner.block_size() : 64;
    const std::size_t units = aligned::units_for(sizeof(annex_page) + buckets * sizeof(bucket));
    annex_page* page = ::new (aligned::allocate(allocator_, units)) annex_page;
    page->units = units;
    page->bucket_count = buckets;
    for (unsigned i = 0; i < buckets; ++i) {
      ::new (static_cast<void*>(page->buckets() + i)) bucket;
    }
    page->buckets()[0].publish(state());
    page->next = list.load(std::memory_order_acquire);  // acquire: pairs with (3)
    // (3) release: publishes the page; pairs with table::annex_of.
    while (!list.compare_exchange_weak(page->next, page, std::memory_order_release,
                                       std::memory_order_acquire)) {
    }
    return page;
  }

  // --- retired tables ---

  void retire(table* t) noexcept {
    t->next_retired = retired_.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    // (4) release: publishes next_retired; pairs with (5).
    while (!retired_.compare_exchange_weak(t->next_retired, t, std::memory_order_release,
                                           std::memory_order_relaxed)) {
    }
  }

  /// Frees the retired tables that nobody reads any more: large ones in portions, one a call.
  void reclaim(bool at_once = false) noexcept {
    if (retired_.load(std::memory_order_relaxed) == nullptr) return;      // relaxed: (5) takes them
    table* list = retired_.exchange(nullptr, std::memory_order_acquire);  // (5) acquire; see (4)
    // The tables were unlinked before this fence: see leaf_hazard.hpp for its two cases. If the
    // kernel refuses, everything stays.
    const bool may_free = list != nullptr && !are_all_known(list) && leaf_hazard::settle();
    while (list != nullptr) {
      table* t = list;
      list = t->next_retired;
      const auto address = reinterpret_cast<std::uintptr_t>(t);
      // What nobody announced once will not be announced again.
      t->is_unreachable = t->is_unreachable ||
                          (may_free && !leaf_hazard::is_protected(address, table::address_mask));
      if (t->is_unreachable && (at_once || !give_back_portion(t))) {
        destroy_table(t);
      } else {
        retire(t);
      }
    }
  }

  /// Whether that was not yet all of it.
  static bool give_back_portion([[maybe_unused]] table* t) noexcept {
    if constexpr (may_advise) {
      const auto bytes = static_cast<std::size_t>(t->bucket_count()) * sizeof(bucket);
      if (t->bytes_kept > bytes) t->bytes_kept = bytes;
      t->bytes_kept = large_pages::give_back(t->buckets(), t->bytes_kept);
      return t->bytes_kept != 0;
    } else {
      return false;
    }
  }

  /// Whether the fence would tell nothing new. A thread that sleeps announces its last table for as
  /// long.
  static bool are_all_known(const table* list) noexcept {
    for (; list != nullptr; list = list->next_retired) {
      if (list->is_unreachable) continue;
      if (!leaf_hazard::is_protected(reinterpret_cast<std::uintptr_t>(list), table::address_mask)) {
        return false;
      }
    }
    return true;
  }

  /// Needs quiet: gives back everything; the map is an empty one.
  void release_all() noexcept {
    // relaxed: the caller's quiet orders all of these.
    const std::uintptr_t word = root_.exchange(empty_word(), std::memory_order_relaxed);
    if (!is_empty_word(word)) {
      table* t = table::of(word);
      if (table* next = t->next.load(std::memory_order_relaxed)) destroy_table(next);
      destroy_table(t);
    }
    for (table* t = retired_.exchange(nullptr, std::memory_order_relaxed); t != nullptr;) {
      table* next = t->next_retired;
      destroy_table(t);
      t = next;
    }
    if (auto* stripes = counter_.take_stripes()) {
      aligned::deallocate(
          allocator_, stripes,
          aligned::units_for(striped_counter::stripe_count * sizeof(striped_counter::stripe)));
    }
    counter_.reset();
  }

  /// Gives the counter its stripes, if there is memory for them.
  void spread_counter() noexcept {
    using stripe = striped_counter::stripe;
    if (counter_.stripes() != nullptr) return;
    const std::size_t units = aligned::units_for(striped_counter::stripe_count * sizeof(stripe));
    CONCUR_TRY {
      void* memory = aligned::allocate(allocator_, units);
      auto* stripes = static_cast<stripe*>(memory);
      for (std::size_t i = 0; i < striped_counter::stripe_count; ++i) ::new (stripes + i) stripe;
      if (!counter_.spread(stripes)) aligned::deallocate(allocator_, memory, units);
    }
    CONCUR_CATCH_ALL {
      // The counter stays a single word: slower, not wrong.
    }
  }

  /// Needs both maps to be quiet. Exchanges the elements and how they are kept.
  void swap_elements(table_memory& other) noexcept {
    // relaxed: the caller's quiet orders all of these.
    const auto exchange = [](auto& a, auto& b) {
      b.store(a.exchange(b.load(std::memory_order_relaxed), std::memory_order_relaxed),
              std::memory_order_relaxed);
    };
    exchange(root_, other.root_);
    exchange(retired_, other.retired_);
    exchange(max_load_, other.max_load_);
    exchange(floor_, other.floor_);
    exchange(next_log2_, other.next_log2_);
    // Of both, from here on: no table of either has a number that comes later.
    const std::uint64_t mine = tables_made_.load(std::memory_order_relaxed);
    const std::uint64_t its = other.tables_made_.load(std::memory_order_relaxed);
    tables_made_.store(mine < its ? its : mine, std::memory_order_relaxed);
    other.tables_made_.store(mine < its ? its : mine, std::memory_order_relaxed);
    counter_.swap(other.counter_);
  }

  /// The same with the functions; the allocators are the caller's.
  void swap_contents(table_memory& other) noexcept {
    swap_elements(other);
    using std::swap;
    swap(hash_, other.hash_);
    swap(equal_, other.equal_);
  }

  std::atomic<std::uintptr_t> root_;
  CONCUR_NO_UNIQUE_ADDRESS hasher hash_;
  CONCUR_NO_UNIQUE_ADDRESS key_equal equal_;
  CONCUR_NO_UNIQUE_ADDRESS allocator_type allocator_;
  /// What the user asked for, 0 if nothing.
  std::atomic<unsigned> max_load_{0};
  /// log2 of the buckets that `reserve` asked for: erasing does not shrink the table below.
  std::atomic<unsigned> floor_{0};
  /// Fillings that run: see migration::filling.
  std::atomic<unsigned> fillings_{0};
  /// log2 of the buckets of the table that is being moved to.
  std::atomic<unsigned> next_log2_{0};

  // Written by every insertion: not beside what every reader reads.
  alignas(cache_line_size) striped_counter counter_;
  std::atomic<table*> retired_{nullptr};
  std::atomic<std::uint64_t> tables_made_{0};

 private:
  /// The low bits of a table's address are used.
  using aligned = aligned_units<allocator_type, 128>;
  static_assert(alignof(table) <= 128 && alignof(bucket) <= 128);
  static constexpr bool may_advise =
      large_pages::may_advise<rebind<allocator_type, typename aligned::unit>>;
  static_assert(sizeof(table) % alignof(bucket) == 0, "the buckets follow the header");

  annex_list* annex_lists(table& owner) {
    annex_list* lists = owner.annexes.load(std::memory_order_acquire);  // acquire: pairs with (2)
    if (lists != nullptr) return lists;
    const auto blocks = static_cast<std::size_t>(owner.block_count());
    const std::size_t units = aligned::units_for(blocks * sizeof(annex_list));
    auto* fresh = static_cast<annex_list*>(aligned::allocate(allocator_, units));
    for (std::size_t i = 0; i < blocks; ++i) ::new (fresh + i) annex_list(nullptr);
    // (2) release: publishes the lists; pairs with the acquire above and in table::annex_of.
    if (owner.annexes.compare_exchange_strong(lists, fresh, std::memory_order_release,
                                              std::memory_order_acquire)) {
      return fresh;
    }
    aligned::deallocate(allocator_, fresh, units);
    return lists;
  }

  /// What an empty map has for a table: two buckets that say "moved", and no next table.
  struct empty_storage {
    table header;
    bucket buckets[2] = {bucket(typename bucket::moved_tag{}),
                         bucket(typename bucket::moved_tag{})};
  };
  inline static constinit empty_storage empty_table{};
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
