// SPDX-License-Identifier: MIT
/// \file
/// The era: one number for the whole process, which only grows. A node carries the era of its
/// birth, and a thread that reads announces the eras whose nodes it may hold
/// (detail/reclaim/era_pin.hpp).
///
/// The era advances with births: a thread advances it every so many nodes that it makes, whether or
/// not anything is retired. So a reader that sleeps, and whose announced eras do not grow, can hold
/// only what was born until then: what existed, and what each thread makes within one era.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// What every node that is reclaimed by eras begins or ends with. 24 bytes.
struct alignas(8) epoch_node {
  std::uint64_t birth;    ///< set before the node is published
  std::uint64_t retired;  ///< twice the era, plus the phase in which it was retired
  std::uintptr_t next_and_kind;

  /// So many low bits of `next_and_kind` say how the node is to be freed.
  static constexpr unsigned kind_bits = 3;
  static constexpr std::uintptr_t kind_mask = (std::uintptr_t{1} << kind_bits) - 1;

  epoch_node* next() const noexcept {
    return reinterpret_cast<epoch_node*>(next_and_kind & ~kind_mask);
  }
  unsigned kind() const noexcept { return static_cast<unsigned>(next_and_kind & kind_mask); }
  void set(epoch_node* next, unsigned kind) noexcept {
    next_and_kind = reinterpret_cast<std::uintptr_t>(next) | kind;
  }
  void set_next(epoch_node* next) noexcept { set(next, kind()); }
};
static_assert(alignof(epoch_node) > epoch_node::kind_mask);

class CONCUR_SHARED era_clock {
 public:
  static constexpr std::uint32_t default_births_per_era = 128;

  /// The era, from 1 on.
  ///
  /// relaxed is enough for all its uses. A birth that is read too old makes a node live longer, not
  /// shorter; and whoever finds the node by an acquiring load, and reads the era afterwards, reads
  /// one that is not older than the birth: the stamping happened before the publication, and reads
  /// of one word that are ordered so agree (coherence). The fences order the rest, see era_pin.hpp.
  static std::uint64_t now() noexcept {
    return word.value.load(std::memory_order_relaxed);  // relaxed: see above
  }

  /// The same for who announces it, see detail/reclaim/section_fence.hpp: he sees what was unlinked
  /// before a `begin_next` that returned an older era.
  static std::uint64_t now_and_its_past() noexcept {
    return word.value.load(std::memory_order_acquire);  // (1) acquire: pairs with (2).
  }

  static void advance() noexcept {
    word.value.fetch_add(1, std::memory_order_relaxed);  // relaxed: see now(); continues (2)
  }

  /// Begins the next era. Returns the one that ends: nobody who announces a later one can find what
  /// the caller has unlinked before.
  static std::uint64_t begin_next() noexcept {
    // (2) release: pairs with (1). All changes of the word are of this kind or `advance`, so who
    // reads any later era has this one's past.
    return word.value.fetch_add(1, std::memory_order_release);
  }

  /// Gives `node` its birth: after every time that it becomes a new node, before it is published.
  CONCUR_FORCEINLINE static void stamp(
      thread_slot& me, epoch_node& node,
      std::uint32_t births_per_era = default_births_per_era) noexcept {
    node.birth = now();
    if (++me.births >= births_per_era) [[unlikely]] {
      me.births = 0;
      advance();
    }
  }

 private:
  struct alignas(destructive_distance) padded {
    std::atomic<std::uint64_t> value;
  };
  inline static constinit padded word{{1}};
};

}  // namespace concur::inline CONCUR_ABI::detail
