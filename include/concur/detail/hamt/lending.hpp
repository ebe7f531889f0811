// SPDX-License-Identifier: MIT
/// \file
/// What a branch and its copy have in common: the links to what both hold.
///
/// To give each child one link more for the copy, and to drop it again when the first of the two
/// goes, would touch each child's cache line twice, with a locked instruction. So for each slot in
/// which the copy still holds what the branch does, the two have one link together. It is noted in
/// `branch::joint` of the copy: a bit for each such slot, and one that says that neither has gone.
///
///   lend      a copy is made: joint is what the branch has links of its own to. The rest gets a
///             link more: a link is joint of two slots at most. A branch lends to one copy.
///   own       a writer of the copy, before it proposes anything for such a slot: a link more for
///             what is there, then the bit is cleared. So a slot that was written to is not joint.
///   part      one of the two is destroyed. The first clears all bits, and leaves to the other what
///             was joint; the second finds the bits clear: all is its own.
///
/// Invariant: a bit is never set after the copy has been published. A slot whose bit is clear has
/// one link of its own; one whose bit is set shares it with the same slot of the other branch,
/// which holds the same word.
///
/// The branch has the address of the copy, not the other way round. So if the copy goes first, then
/// its memory, and nothing else of it, stays until the branch goes.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/hamt/node.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::hamt {

namespace lending {

/// Neither of the two has gone.
inline constexpr std::uint64_t both = std::uint64_t{1} << 63;

/// None for the last slot of the widest branches: its link is never joint.
constexpr std::uint64_t bit_of(std::size_t slot_number) noexcept {
  return (std::uint64_t{1} << slot_number) & ~both;
}

/// Lends to `copy`, which nobody else has yet, what `from` has links of its own to, if it has not
/// lent to another one. Returns the other slots. `from` is protected, and immutable.
inline std::uint64_t lend(branch* from, branch* copy) noexcept {
  branch* none = nullptr;
  // relaxed: who destroys `from` comes after the end of the caller's section, or after the link
  // that the caller drops.
  if (!from->borrower.compare_exchange_strong(none, copy, std::memory_order_relaxed,
                                              std::memory_order_relaxed)) {
    return from->all_slots();
  }
  // acquire: pairs with (1), (2): links of its own that are new are there.
  const std::uint64_t not_its_own = from->joint.load(std::memory_order_acquire) | both;
  const std::uint64_t lent = from->all_slots() & ~not_its_own;
  copy->joint.store(lent | both, std::memory_order_relaxed);  // relaxed: not published yet
  return from->all_slots() & ~lent;
}
/// The copy came to nothing, and nobody has looked into it: what it has together with `from` is all
/// that of `from` again.
inline void take_back(branch* from, branch* copy) noexcept {
  const std::uint64_t bits = copy->joint.load(std::memory_order_relaxed);  // relaxed: our own
  if (bits == 0) return;
  // relaxed: as above, and as in `lend`.
  for (std::size_t i = 0; i < copy->width(); ++i) {
    if ((bits & bit_of(i)) != 0) copy->slots()[i].store(0, std::memory_order_relaxed);
  }
  copy->joint.store(0, std::memory_order_relaxed);
  from->borrower.store(nullptr, std::memory_order_relaxed);
}

/// Whether a writer has to see to a slot of `b` first. What was there when the other one went was
/// read before, by whoever had that: it may be freed now.
CONCUR_FORCEINLINE bool is_joint(const branch* b, const slot* at) noexcept {
  const std::uint64_t bits = b->joint.load(std::memory_order_acquire);  // acquire: pairs with (2).
  if (bits == 0) [[likely]]
    return false;
  return (bits & bit_of(static_cast<std::size_t>(at - b->slots()))) != 0;
}

/// Gives the slot a link of its own to `n`, which it holds, if it has none. `b` and `n` are
/// protected. `drop(n)` drops a link.
template <class Core, class Drop>
CONCUR_NOINLINE void own(branch* b, const slot* at, node* n, Drop drop) noexcept {
  const std::uint64_t bit = bit_of(static_cast<std::size_t>(at - b->slots()));
  // acquire: as is_joint
  for (std::uint64_t seen = b->joint.load(std::memory_order_acquire); (seen & bit) != 0;) {
    // The slot may have been seen to meanwhile, and `n` be without any link: then the bit is clear.
    // Else this link is counted beside others, and is dropped again like any other.
    if (n != nullptr && !Core::try_add_link(n)) {
      seen = b->joint.load(std::memory_order_acquire);  // acquire: as above
      continue;
    }
    do {
      // (1) acq_rel: who finds the bit clear finds the new link, and does not take his own for the
      // only one; pairs with (2), and with `lend`. acquire: as is_joint.
      if (b->joint.compare_exchange_weak(seen, seen & ~bit, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
        return;
      }
    } while ((seen & bit) != 0);
    if (n != nullptr) drop(n);
  }
}

/// What one of the two finds who goes: slots whose links are those of the other from now on; or
/// memory to be freed.
struct left_behind {
  std::uint64_t slots = 0;
  bool memory = false;
};
/// The branch goes that `copy` is a copy of. If it is the first to go, it must not look at `copy`
/// any more.
inline left_behind part_from(branch* copy) noexcept {
  // (2) acq_rel: the first one's readers are done with what is left to the second, and the first
  // one is done with the copy's memory. Who finds the bits clear knows that; pairs with itself,
  // (3), (1), and the acquires here.
  const std::uint64_t bits = copy->joint.exchange(0, std::memory_order_acq_rel);
  if ((bits & both) == 0) return {0, true};
  return {bits & ~both, false};
}

/// Of a copy that goes.
inline std::uint64_t joint_slots(const branch* copy) noexcept {
  return copy->joint.load(std::memory_order_acquire) & ~both;  // acquire: pairs with (2).
}
/// True if the copy is the first to go: then its joint slots are left to the branch, which also
/// frees the copy's memory, perhaps at once. Else all that it holds is its own.
inline bool leave_behind(branch* copy) noexcept {
  std::uint64_t bits = copy->joint.load(std::memory_order_acquire);  // acquire: pairs with (2).
  // (3) acq_rel: as (2), with which it pairs. Only the branch may have changed the word.
  return bits != 0 && copy->joint.compare_exchange_strong(bits, 0, std::memory_order_acq_rel,
                                                          std::memory_order_acquire);
}

/// The slots that have a link together with one of another branch. Needs quiet.
inline std::uint64_t all_joint(const branch* b) noexcept {
  // relaxed: quiet
  const branch* const copy = b->borrower.load(std::memory_order_relaxed);
  const std::uint64_t lent = copy != nullptr ? copy->joint.load(std::memory_order_relaxed) : 0;
  return (b->joint.load(std::memory_order_relaxed) | lent) & ~both;
}

}  // namespace lending

}  // namespace concur::inline CONCUR_ABI::detail::hamt
