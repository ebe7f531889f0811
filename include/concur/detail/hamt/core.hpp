// SPDX-License-Identifier: MIT
/// \file
/// What a hamt, its forks and its snapshots have in common: the allocator, the functions, and the
/// retired nodes. Counted; the last owner frees everything that is left.
///
/// A node whose last link was dropped is retired: somebody may still be reading it. It is destroyed
/// when no hazard pointer names it, and only then are its own links dropped. So a
/// tree is freed in a loop, level by level, whatever its depth.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/hamt/lending.hpp>
#include <concur/detail/hamt/node.hpp>
#include <concur/detail/hamt/spares.hpp>
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/detail/reclaim/retired_stripes.hpp>
#include <concur/policy/allocator.hpp>
#include <concur/policy/hash_traits.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::hamt {

/// Generations are told apart across all maps of a process: versions of several maps share nodes.
class CONCUR_SHARED generations {
 public:
  static std::uint64_t next() noexcept {
    return last.fetch_add(1, std::memory_order_relaxed) + 1;  // relaxed: a number, never used twice
  }

 private:
  inline static constinit std::atomic<std::uint64_t> last{0};
};

template <class Types>
class core {
 public:
  using value_type = typename Types::value_type;
  using hasher = typename Types::hasher;
  using key_equal = typename Types::key_equal;
  using allocator_type = typename Types::allocator_type;
  using tuning = typename Types::tuning;

  /// Throws what the allocator throws.
  static core* create(const hasher& hash, const key_equal& equal, const allocator_type& allocator) {
    rebind<allocator_type, core> own(allocator);
    allocation<rebind<allocator_type, core>> memory(own, 1);
    ::new (static_cast<void*>(memory.data())) core(hash, equal, allocator);
    return memory.release();
  }

  void acquire() noexcept {
    owners_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller is one
  }
  void release() noexcept {
    // (1) acq_rel: what the other owners did happens before the last one frees it; pairs with
    // itself.
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    retired_.free_all([this](retired_link* n) { destroy(static_cast<node*>(n)); });
    for (auto& entry : spares_) drop_spares(entry);
    rebind<allocator_type, core> own(allocator_);
    this->~core();
    deallocate(own, this, 1);
  }

  /// A momentary view.
  bool has_one_owner() const noexcept {
    return owners_.load(std::memory_order_relaxed) == 1;  // relaxed: needs quiet to be of use
  }

  /// Whether nodes may be shared with a snapshot or another map; of a quiet map.
  bool is_shared() const noexcept {
    // acquire: what the others read is over; pairs with (1).
    return owners_.load(std::memory_order_acquire) != 1;
  }

  const hasher& hash_function() const noexcept { return hash_; }
  const key_equal& key_eq() const noexcept { return equal_; }
  const allocator_type& allocator() const noexcept { return allocator_; }

  // --- memory ---

  template <class Node, class... Args>
  Node* make(std::size_t bytes, Args&&... args) {
    return ::new (allocate_bytes(bytes)) Node(std::forward<Args>(args)...);
  }
  node* make_leaf(std::uint32_t count, const thread_slot& me) {
    if (void* const memory = take_spare(count, me)) [[likely]]
      return ::new (memory) node(node_kind::leaf, count);
    return make<node>(Types::leaf_bytes(count), node_kind::leaf, count);
  }
  node* make_collision(std::uint32_t count) {
    return make<node>(sizeof(node) + count * sizeof(node*), node_kind::collision, count);
  }
  branch* make_branch(std::uint32_t bits, std::uint64_t generation) {
    return make<branch>(branch::bytes(bits), bits, generation);
  }
  branch* make_raw_branch(std::uint32_t bits, std::uint64_t generation) {
    return make<branch>(branch::bytes(bits), bits, generation, branch::raw{});
  }
  version* make_version(word top, version* origin) {
    return make<version>(sizeof(version), top, origin, generations::next());
  }
  change* make_change(word target, const thread_slot& me) {
    if constexpr (Types::change_is_as_leaf) {
      if (void* const memory = take_spare(1, me)) [[likely]]
        return ::new (memory) change(target);
    }
    return make<change>(Types::change_bytes, target);
  }

  void free_memory(node* n) noexcept { deallocate_bytes(n, Types::bytes_of(n)); }

  // --- links ---

  /// Of a node that the caller knows to be linked by something that stays: which is protected, and
  /// does not change any more. The slot of a branch that is being written does not stay: see (2).
  static void add_link(node* n) noexcept {
    n->links.fetch_add(1,
                       std::memory_order_relaxed);  // relaxed: it is not the last that is dropped
  }
  /// Of a node that may be without any link already: then false.
  static bool try_add_link(node* n) noexcept {
    std::uint32_t links = n->links.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    while (links != 0) {
      // relaxed: as add_link
      if (n->links.compare_exchange_weak(links, links + 1, std::memory_order_relaxed,
                                         std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// True when a batch of retired nodes is full.
  bool drop_link(node* n, const thread_slot& me) noexcept {
    // (2) acquire: if ours is the only link, then nobody can add another that stays: only a copy of
    // something that links to it does. (lending::own may add one and drop it again: it finds ours,
    // which we leave in the number, and does not retire the node, too.) The others' drops (3)
    // happened before.
    if (n->kind() == node_kind::version || n->links.load(std::memory_order_acquire) != 1) {
      // (3) acq_rel: what was done with the node happens before it is retired; pairs with (2), (3).
      if (n->links.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
    }
    return retire(n, me);
  }
  bool drop_link(word w, const thread_slot& me) noexcept {
    node* const n = node_of(w);
    return n != nullptr && drop_link(n, me);
  }
  bool retire(node* n, const thread_slot& me) noexcept {
    return retired_.retire(n, me, tuning::retire_batch);
  }

  void collect(const thread_slot& me) noexcept {
    spares* const mine = spares_for(me);
    retired_.collect(me, address(),
                     [this, mine](retired_link* n) { destroy(static_cast<node*>(n), mine); });
  }
  void collect_now(const thread_slot& me) noexcept {
    retired_.collect_now(me, address(),
                         [this](retired_link* n) { destroy(static_cast<node*>(n)); });
  }
  void collect_all() noexcept {
    retired_.collect_all(address(), [this](retired_link* n) { destroy(static_cast<node*>(n)); });
  }
  /// Gives back what the calling thread keeps for its next leaves, and what ended ones have kept.
  /// Not where a user's destructor asks for it: the memory of its element is to be kept next.
  void drop_spares(const thread_slot& me) noexcept {
    if (retired_.is_collecting()) return;
    const auto drop = [this](const thread_slot& owner) {
      if (owner.index < spares_count) drop_spares(spares_[owner.index]);
    };
    drop(me);
    thread_slots::for_each_left(drop);
  }
  bool is_clean() const noexcept { return retired_.is_empty(); }

  using spares = leaf_spares<Types::max_leaf, Types::spare_leaves>;

  /// Drops the links that the node holds, and gives back its memory, or keeps it in `mine`. Nobody
  /// else may see it. True when a batch of retired nodes is full.
  bool destroy(node* n, spares* mine = nullptr) noexcept {
    if (n->kind() == node_kind::leaf) [[likely]] {
      const std::uint32_t count = n->number();
      if constexpr (!Types::is_inline) Types::pairs(n)->~value_type();
      if (mine != nullptr && mine->keep(n, count)) return false;
      deallocate_bytes(n, Types::leaf_bytes(count));
      return false;
    }
    return destroy_inner(n, mine);
  }

 private:
  core(const hasher& hash, const key_equal& equal, const allocator_type& allocator)
      : hash_(hash), equal_(equal), allocator_(allocator) {}
  ~core() = default;

  static constexpr bool has_spares = Types::spare_leaves != 0;

  /// Memory of a leaf of `count` pairs; null if none is kept.
  CONCUR_FORCEINLINE void* take_spare(std::uint32_t count, const thread_slot& me) const noexcept {
    if constexpr (has_spares) {
      if (spares* const mine = spares_of(me)) [[likely]]
        return mine->take(count);
    }
    static_cast<void>(count);
    static_cast<void>(me);
    return nullptr;
  }
  /// Those of the calling thread, if it has any.
  spares* spares_of(const thread_slot& me) const noexcept {
    if (me.index >= spares_count) [[unlikely]]
      return nullptr;
    // relaxed: an entry is written by the one thread that has its index, and its successor takes
    // the slot afterwards (thread_slots (6), (1)).
    return spares_[me.index].load(std::memory_order_relaxed);
  }
  /// The same, made if need be; null where there can be none.
  spares* spares_for(const thread_slot& me) noexcept {
    if constexpr (has_spares) {
      spares* found = spares_of(me);
      if (found != nullptr || me.index >= spares_count) return found;
      CONCUR_TRY {
        rebind<allocator_type, spares> own(allocator_);
        allocation<rebind<allocator_type, spares>> memory(own, 1);
        // The user's allocator may have come by here, too.
        if (spares* const made_meanwhile = spares_of(me)) return made_meanwhile;
        ::new (static_cast<void*>(memory.data())) spares;
        found = memory.release();
        spares_[me.index].store(found, std::memory_order_relaxed);  // relaxed: own entry, as above
      }
      CONCUR_CATCH_ALL {}
      return found;
    }
    static_cast<void>(me);
    return nullptr;
  }
  void drop_spares(std::atomic<spares*>& entry) noexcept {
    spares* const all = entry.load(std::memory_order_relaxed);  // relaxed: own entry, or quiet
    if (all == nullptr) return;
    entry.store(nullptr, std::memory_order_relaxed);  // relaxed: as above
    all->empty([this](void* memory, std::uint32_t count) {
      deallocate_bytes(memory, Types::leaf_bytes(count));
    });
    rebind<allocator_type, spares> own(allocator_);
    deallocate(own, all, 1);
  }

  /// True when a batch of retired nodes is full.
  CONCUR_NOINLINE bool destroy_inner(node* n, spares* mine) noexcept {
    thread_slot& me = thread_slots::mine();
    bool is_full = false;
    switch (n->kind()) {
      case node_kind::branch:
        return destroy_branch(static_cast<branch*>(n), me);
      case node_kind::collision:
        for (std::uint32_t i = 0; i < n->number(); ++i) {
          if (node* const leaf = Types::entries(n)[i]) is_full |= drop_link(leaf, me);
        }
        break;
      case node_kind::version: {
        auto* v = static_cast<version*>(n);
        const word top = v->top.load(std::memory_order_relaxed);  // relaxed: as above
        is_full = top == unset_word ? drop_link(v->origin, me) : drop_plain(top, me);
        break;
      }
      case node_kind::change:
        if (Types::change_is_as_leaf && mine != nullptr && mine->keep(n, 1)) return false;
        break;
      case node_kind::leaf:
        break;
    }
    free_memory(n);
    return is_full;
  }

  bool destroy_branch(branch* b, const thread_slot& me) noexcept {
    // relaxed: nobody else has this branch any more.
    branch* const copy = b->borrower.load(std::memory_order_relaxed);
    const lending::left_behind left =
        copy != nullptr ? lending::part_from(copy) : lending::left_behind{};
    if (left.memory) free_memory(copy);
    node* going[branch::max_width];
    std::size_t count = 0;
    const auto gather = [&](std::uint64_t others) {
      count = 0;
      b->for_each_of(b->all_slots() & ~(others | left.slots), [&](node* child) {
        prefetch_to_write(child);
        going[count++] = child;
      });
    };
    const std::uint64_t joint = lending::joint_slots(b);
    gather(joint);
    // After that, what this was copied from may free the memory.
    const bool has_left = lending::leave_behind(b);
    if (!has_left && joint != 0) gather(0);
    bool is_full = false;
    for (std::size_t i = 0; i < count; ++i) is_full |= drop_link(going[i], me);
    if (!has_left) free_memory(b);
    return is_full;
  }

  struct address {
    const void* operator()(retired_link* n) const noexcept { return static_cast<node*>(n); }
  };

  bool drop_plain(word w, const thread_slot& me) noexcept {
    CONCUR_ASSERT(is_plain(w));
    return drop_link(w, me);
  }

  static constexpr std::size_t unit_size = alignof(value_type) > 8 ? alignof(value_type) : 8;
  struct unit {
    alignas(unit_size) unsigned char bytes[unit_size];
  };
  static std::size_t units_for(std::size_t bytes) noexcept {
    return (bytes + sizeof(unit) - 1) / sizeof(unit);
  }
  // The two places where the memory of nodes comes from and goes to.
  void* allocate_bytes(std::size_t bytes) {
    return allocate_for<unit>(allocator_, units_for(bytes));
  }
  void deallocate_bytes(void* memory, std::size_t bytes) noexcept {
    deallocate_for(allocator_, static_cast<unit*>(memory), units_for(bytes));
  }

  std::atomic<std::size_t> owners_{1};
  CONCUR_NO_UNIQUE_ADDRESS hasher hash_;
  CONCUR_NO_UNIQUE_ADDRESS key_equal equal_;
  CONCUR_NO_UNIQUE_ADDRESS allocator_type allocator_;
  retired_stripes retired_;
  /// Of the thread with that index. Threads with higher ones keep nothing.
  static constexpr std::size_t spares_count = has_spares ? 32 : 1;
  std::atomic<spares*> spares_[spares_count] = {};
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
