// SPDX-License-Identifier: MIT
/// \file
/// The state of a cmap, and where its nodes come from and go: everything is taken from the map's
/// allocator, and is back there when the map is gone.
///
/// A leaf that is made comes from the thread's cache of leaves of that size, if there is one: a
/// leaf that has been retired goes there when nobody can read it any more. The memory of elements
/// that are not kept in leaves does the same. So a steady writer calls the allocator rarely. Caches
/// are capped; what is beyond goes back to the allocator.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/cmap/node.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/reclaim/epoch_reclaimer.hpp>
#include <concur/detail/reclaim/era_pin.hpp>
#include <concur/detail/sync/striped_counter.hpp>
#include <concur/policy/allocator.hpp>
#include <concur/policy/construction.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::cmap {

/// The granule in which an allocator is asked. Slot words need addresses aligned to 16 bytes. The
/// standard allocator gives them in practice, whatever it is asked for, and is asked for multiples
/// of 8, which wastes nothing; others are asked for 16-byte granules. (An `operator new` of the
/// user's need not align 40 bytes to 16. Then std::bad_alloc is thrown.)
template <class Allocator>
struct granule {
  static constexpr bool is_fine = false;
};
template <class T>
struct granule<std::allocator<T>> {
#if defined(__STDCPP_DEFAULT_NEW_ALIGNMENT__)
  static constexpr bool is_fine = __STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 16;
#else
  static constexpr bool is_fine = false;
#endif
};

template <std::size_t Align>
struct alignas(Align) memory_unit {
  unsigned char bytes[Align];
};

/// What one thread keeps of one map.
struct thread_record : epoch_record {
  struct cache {
    void* head = nullptr;
    unsigned count = 0;
  };
  /// Of one element, of two, and so on. A leaf of one that is its element: the elements' memory.
  cache leaves[basic_slot_word<true>::max_leaf];

  using epoch_record::epoch_record;
};

/// The thread that runs an operation, and its record.
struct owner {
  thread_slot* me;
  thread_record* mine;
};

/// An operation that changes the map.
struct writer {
  thread_slot& me;
  thread_record& mine;
  era_pin& pin;

  owner as_owner() const noexcept { return {&me, &mine}; }
};

template <class Types>
class new_element;

template <class Types>
class node_memory {
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
  template <class Memory>
  friend class unpublished;
  friend class new_element<Types>;
  using types = Types;
  using tuning = typename Types::tuning;
  using layout = typename Types::layout;
  using word = typename Types::word;
  using item = typename Types::item;
  using list = typename Types::list;
  using value_type = typename Types::value_type;
  using element = cmap::element<value_type>;
  using reclaimer = epoch_reclaimer<thread_record>;

  node_memory(const hasher& hash, const key_equal& equal, const allocator_type& allocator)
      : root_(empty_root()),
        reclaimer_(tuning::retire_batch),
        hash_(hash),
        equal_(equal),
        allocator_(allocator) {}
  node_memory(const node_memory&) = delete;
  node_memory& operator=(const node_memory&) = delete;

  static std::uintptr_t empty_root() noexcept {
    return root_word::of(&the_empty_table.header).bits();
  }

  bool is_without_memory() const noexcept {
    // relaxed: an insertion that this call must see has replaced the root before.
    return root_word(root_.load(std::memory_order_relaxed)).is_of_empty_map();
  }

  // --- raw memory ---

  static constexpr std::size_t unit_size = granule<allocator_type>::is_fine ? 8 : 16;
  using unit = memory_unit<unit_size>;

  static constexpr std::size_t units_for(std::size_t bytes) noexcept {
    return (bytes + unit_size - 1) / unit_size;
  }
  /// At least 16-byte aligned.
  void* allocate_bytes(std::size_t bytes) {
    unit* const memory = allocate_for<unit>(allocator_, units_for(bytes));
    if constexpr (unit_size < 16) {
      if (reinterpret_cast<std::uintptr_t>(memory) % 16 != 0) [[unlikely]] {
        deallocate_bytes(memory, bytes);
        fail_bad_alloc();
      }
    }
    return memory;
  }
  void deallocate_bytes(void* memory, std::size_t bytes) noexcept {
    deallocate_for(allocator_, static_cast<unit*>(memory), units_for(bytes));
  }

  // --- leaves ---

  /// Memory for a leaf of `count` elements. What is in it is up to the caller, who also stamps it.
  CONCUR_FORCEINLINE void* take_leaf(owner own, unsigned count) {
    if (void* leaf = take_cached(own.mine->leaves[count - 1])) [[likely]]
      return leaf;
    return allocate_bytes(layout::leaf_bytes(count));
  }
  /// nullptr if there is none.
  CONCUR_FORCEINLINE static void* take_cached(thread_record::cache& cache) noexcept {
    void* const node = cache.head;
    if (node == nullptr) return nullptr;
    cache.head = *static_cast<void**>(node);
    --cache.count;
    // The next one was retired a batch ago, and has gone cold.
    prefetch_to_write(cache.head);
    return node;
  }
  /// False if there are enough.
  CONCUR_FORCEINLINE static bool keep_cached(thread_record::cache& cache, void* node,
                                             unsigned most) noexcept {
    if (cache.count >= most) return false;
    ::new (node) void*(cache.head);
    cache.head = node;
    ++cache.count;
    return true;
  }
  CONCUR_FORCEINLINE static void stamp_leaf(owner own, void* leaf, unsigned count) noexcept {
    era_clock::stamp(*own.me, *::new (layout::header(leaf, count)) epoch_node,
                     tuning::births_per_era);
  }
  CONCUR_NOINLINE void* create_leaf(const writer& w, unsigned count) {
    void* const leaf = take_leaf(w.as_owner(), count);
    stamp_leaf(w.as_owner(), leaf, count);
    return leaf;
  }
  /// One that has not been published.
  CONCUR_COLD void discard_leaf(thread_record& mine, word leaf) noexcept {
    destroy_leaf(&mine, leaf.template address<void>(), leaf.count());
  }
  void destroy_leaf(thread_record* mine, void* leaf, unsigned count) noexcept {
    if (mine == nullptr || !keep_cached(mine->leaves[count - 1], leaf, tuning::cached_nodes)) {
      deallocate_bytes(leaf, layout::leaf_bytes(count));
    }
  }

  static void stamp(const writer& w, epoch_node& node) noexcept {
    era_clock::stamp(w.me, node, tuning::births_per_era);
  }

  // --- elements of the indirect layout ---

  static constexpr std::size_t element_align = alignof(element) > unit_size ? alignof(element)
                                                                            : unit_size;
  using element_unit = memory_unit<element_align>;
  static constexpr std::size_t element_units =
      (element::bytes() + element_align - 1) / element_align;

  /// Of large elements there are fewer in a cache.
  static constexpr std::size_t large_element = 256;
  static constexpr auto cached_elements = static_cast<unsigned>(
      sizeof(element) <= large_element ? tuning::cached_nodes
                                       : large_element * tuning::cached_nodes / sizeof(element));

  template <class... Args>
  element* create_element(const writer& w, std::uint64_t hash, Args&&... args) {
    void* memory = take_cached(w.mine.leaves[0]);
    if (memory == nullptr) memory = allocate_for<element_unit>(allocator_, element_units);
    auto* e = static_cast<element*>(memory);
    CONCUR_TRY {
      detail::construct(allocator_, std::addressof(e->value), std::forward<Args>(args)...);
    }
    CONCUR_CATCH_ALL {
      release_element(&w.mine, e);
      CONCUR_RETHROW;
    }
    ::new (static_cast<void*>(&e->hash)) std::uint64_t(hash);
    stamp(w, *::new (static_cast<void*>(e->header())) epoch_node);
    return e;
  }
  /// `mine` may be null.
  void destroy_element(thread_record* mine, element* e) noexcept {
    e->value.~value_type();
    release_element(mine, e);
  }
  /// Gives back the memory of an element that has been destroyed.
  void release_element(thread_record* mine, element* e) noexcept {
    if (mine == nullptr || !keep_cached(mine->leaves[0], e, cached_elements)) {
      deallocate_element(e);
    }
  }
  void deallocate_element(void* memory) noexcept {
    deallocate_for(allocator_, static_cast<element_unit*>(memory), element_units);
  }

  // --- branches and lists ---

  branch* create_branch(const writer& w, unsigned shift, unsigned bits) {
    auto* b = ::new (allocate_bytes(branch::bytes(bits))) branch(shift, bits);
    for (std::size_t i = 0; i < b->width(); ++i) ::new (b->places() + i) place(0);
    stamp(w, b->header);
    return b;
  }
  list* create_cell(const writer& w, std::uint64_t hash, item content, list* tail) {
    auto* cell = ::new (allocate_bytes(sizeof(list))) list(hash, tail);
    cell->set(content);
    stamp(w, cell->header);
    return cell;
  }

  // --- tables ---

  static constexpr unsigned log2_of_segment(unsigned log2_slots) noexcept {
    return log2_slots < tuning::log2_segment ? log2_slots : tuning::log2_segment;
  }
  static std::size_t segment_count(const directory& d) noexcept {
    return std::size_t{1} << (d.log2() - log2_of_segment(d.log2()));
  }

  /// The allocator gives 16-byte alignment: the rest is made by hand.
  CONCUR_COLD directory* create_table(const writer& w, unsigned log2_slots) {
    const std::size_t entries = std::size_t{1} << (log2_slots - log2_of_segment(log2_slots));
    const std::size_t bytes = checked_add(checked_multiply(entries, sizeof(std::uint64_t)),
                                          sizeof(directory) + alignof(directory));
    void* memory = allocate_bytes(bytes);
    const auto address = (reinterpret_cast<std::uintptr_t>(memory) + alignof(directory) - 1) &
                         ~std::uintptr_t{alignof(directory) - 1};
    auto* d = ::new (reinterpret_cast<void*>(address)) directory(log2_slots);
    d->memory = memory;
    d->bytes = bytes;
    for (std::size_t i = 0; i < entries; ++i) {
      ::new (d->entries() + i) std::atomic<std::uint64_t>(directory::entry_none);
    }
    stamp(w, d->header);
    return d;
  }
  place* create_segment(const writer& w, unsigned log2_slots) {
    auto* slots = static_cast<place*>(allocate_bytes(segment_tail::bytes(log2_slots)));
    for (std::size_t i = 0; i < std::size_t{1} << log2_slots; ++i) ::new (slots + i) place(0);
    stamp(w, (::new (segment_tail::of(slots, log2_slots)) segment_tail(log2_slots))->header);
    return slots;
  }

  // --- freeing ---

  CONCUR_NOINLINE void destroy_other(other_node* node) noexcept {
    switch (node->type) {
      case node_type::branch:
        deallocate_bytes(node, branch::bytes(static_cast<branch*>(node)->bits()));
        break;
      case node_type::list:
        deallocate_bytes(node, sizeof(list));
        break;
      case node_type::segment: {
        auto* tail = static_cast<segment_tail*>(node);
        deallocate_bytes(tail->slots(), segment_tail::bytes(tail->info));
        break;
      }
      case node_type::directory: {
        auto* d = static_cast<directory*>(node);
        deallocate_bytes(d->memory, d->bytes);
        break;
      }
    }
  }

  /// Frees the one node that `header` belongs to, not what it leads to. `mine` may be null.
  void destroy(thread_record* mine, epoch_node* header, unsigned kind) noexcept {
    if (kind == kind_other) {
      destroy_other(reinterpret_cast<other_node*>(header));
      return;
    }
    if constexpr (!Types::is_inline) {
      if (kind == 1) {
        destroy_element(mine, element::of(header));
        return;
      }
    }
    destroy_leaf(mine, layout::start(header, kind), kind);
  }
  auto destroyer() noexcept {
    return [this](thread_record* mine, epoch_node* header, unsigned kind) noexcept {
      destroy(mine, header, kind);
    };
  }

  // --- retiring: what has been unlinked ---

  CONCUR_NOINLINE void retire(const writer& w, other_node* node) noexcept {
    reclaimer_.retire(w.me, w.mine, &node->header, kind_other);
  }
  /// A leaf, without the elements that it points to. Nothing for a word that is no leaf.
  CONCUR_FORCEINLINE void retire_leaf(owner own, word leaf) noexcept {
    const unsigned count = leaf.is_leaf() ? leaf.count() : 0;
    if (count >= (Types::is_inline ? 1u : 2u)) {
      reclaimer_.retire(*own.me, *own.mine, layout::header(leaf.template address<void>(), count),
                        count);
    }
  }
  CONCUR_NOINLINE void retire_leaf(const writer& w, word leaf) noexcept {
    retire_leaf(w.as_owner(), leaf);
  }
  CONCUR_FORCEINLINE void retire_element(const writer& w, item i) noexcept {
    if constexpr (Types::is_inline) {
      static_cast<void>(w);
      static_cast<void>(i);
    } else {
      reclaimer_.retire(w.me, w.mine, i->header(), 1);
    }
  }
  void retire_table(const writer& w, directory* d) noexcept { retire(w, d); }

  /// To be called when nothing is pinned any more.
  void collect_if_due(thread_slot& me, thread_record& mine) noexcept {
    if (reclaimer_.is_due(mine)) [[unlikely]]
      reclaimer_.collect(me, mine, destroyer());
  }

  // --- the counter ---

  CONCUR_COLD void spread_counter() noexcept {
    using stripe = striped_counter::stripe;
    if (counter_.is_striped()) return;
    CONCUR_TRY {
      // The allocator gives 16-byte alignment; a stripe is an aligned line.
      void* memory = allocate_bytes(stripe_bytes);
      auto* stripes = reinterpret_cast<stripe*>(align_stripes(memory));
      for (std::size_t i = 0; i < striped_counter::stripe_count; ++i) ::new (stripes + i) stripe;
      *reinterpret_cast<void**>(stripes + striped_counter::stripe_count) = memory;
      if (!counter_.spread(stripes)) deallocate_bytes(memory, stripe_bytes);
    }
    CONCUR_CATCH_ALL {
      // The counter stays a single word: slower, not wrong.
    }
  }
  void release_counter() noexcept {
    if (auto* stripes = counter_.take_stripes()) {
      deallocate_bytes(*reinterpret_cast<void**>(stripes + striped_counter::stripe_count),
                       stripe_bytes);
    }
    counter_.reset();
  }

  /// Needs quiet: what waits to be freed, the records and the counter.
  void release_records() noexcept {
    reclaimer_.free_retired(destroyer());
    reclaimer_.for_each_record([this](thread_record& r) { empty_caches(r); });
    reclaimer_.release_records(allocator_);
    release_counter();
  }
  void empty_caches(thread_record& r) noexcept {
    for (unsigned count = 1; count <= Types::max_leaf; ++count) {
      thread_record::cache& cache = r.leaves[count - 1];
      while (void* leaf = cache.head) {
        cache.head = *static_cast<void**>(leaf);
        if (Types::is_inline || count != 1) {
          deallocate_bytes(leaf, layout::leaf_bytes(count));
        } else {
          deallocate_element(leaf);
        }
      }
      cache.count = 0;
    }
  }

  /// Needs quiet: everything but the allocator.
  void swap_contents(node_memory& other) noexcept {
    using std::swap;
    swap_elements(other);
    swap(hash_, other.hash_);
    swap(equal_, other.equal_);
  }
  void swap_elements(node_memory& other) noexcept {
    // relaxed: the caller's quiet orders them.
    const auto exchange = [](auto& a, auto& b) {
      b.store(a.exchange(b.load(std::memory_order_relaxed), std::memory_order_relaxed),
              std::memory_order_relaxed);
    };
    exchange(root_, other.root_);
    exchange(floor_, other.floor_);
    exchange(check_mask_, other.check_mask_);
    counter_.swap(other.counter_);
    reclaimer_.swap(other.reclaimer_);
  }

  std::atomic<std::uintptr_t> root_;
  std::atomic<unsigned> floor_{0};  ///< log2 of the slots that were reserved
  /// Which bits of a thread's share of the size are 0 when it looks at the load.
  std::atomic<std::uint32_t> check_mask_{0};
  striped_counter counter_;
  mutable reclaimer reclaimer_;
  CONCUR_NO_UNIQUE_ADDRESS hasher hash_;
  CONCUR_NO_UNIQUE_ADDRESS key_equal equal_;
  CONCUR_NO_UNIQUE_ADDRESS allocator_type allocator_;

 private:
  static constexpr std::size_t stripe_bytes =
      sizeof(striped_counter::stripe) * (striped_counter::stripe_count + 1) + sizeof(void*);
  static std::uintptr_t align_stripes(void* memory) noexcept {
    constexpr std::uintptr_t align = alignof(striped_counter::stripe);
    return (reinterpret_cast<std::uintptr_t>(memory) + align - 1) & ~(align - 1);
  }
};

/// Nodes that have been made and not been published: freed unless they are let go. They are linked
/// through their headers, which nobody else uses until they are retired.
template <class Memory>
class unpublished {
 public:
  unpublished(Memory& memory, const writer& w) noexcept : memory_(memory), mine_(w.mine) {}
  unpublished(const unpublished&) = delete;
  unpublished& operator=(const unpublished&) = delete;
  ~unpublished() { discard(); }

  void add(epoch_node* node, unsigned kind) noexcept {
    node->set(head_, kind);
    head_ = node;
  }
  void add(other_node* node) noexcept { add(&node->header, kind_other); }
  void published() noexcept { head_ = nullptr; }
  void discard() noexcept {
    while (epoch_node* node = head_) {
      head_ = node->next();
      memory_.destroy(&mine_, node, node->kind());
    }
  }

 private:
  Memory& memory_;
  thread_record& mine_;
  epoch_node* head_ = nullptr;
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
