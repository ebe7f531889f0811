// SPDX-License-Identifier: MIT
/// \file
/// One hazard pointer per thread, for short sections in which no user code runs.
///
/// It protects one object at a time, costs two stores and a compiler fence, and needs no nesting:
/// nothing that runs while it is set may set it again. Before user code is called (an equality, a
/// callback) the section copies out what it needs, or protects anew afterwards.
///
/// The two cases (Michael, "Hazard Pointers", TPDS 2004, with an asymmetric fence):
///   - the announcement comes before the reclaimer's heavy fence: `is_protected` sees it, and the
///     object stays;
///   - the heavy fence comes first: the validating load after the announcement sees that the
///     object was unlinked (the unlinking precedes the fence), and the reader does not touch it.
/// A thread keeps at most one object from being freed, however long it sleeps.
///
/// So an announcement may as well stay when its section ends (`lasting_hazard`). Any later load of
/// the source that finds the announced word is a validating load in the sense above: a section that
/// begins with one needs no announcement and no fence of its own.
#pragma once

#include <atomic>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// The announcement, and what a reclaimer asks. Sections use one of the two guards below.
class hazard_announcement {
 public:
  explicit hazard_announcement(thread_slot& slot) noexcept : slot_(slot) {}
  hazard_announcement(const hazard_announcement&) = delete;
  hazard_announcement& operator=(const hazard_announcement&) = delete;

  /// Announces `object`. The caller then validates that it is still linked, by a load that follows.
  void announce(std::uintptr_t object) noexcept {
    // (1) release: what this thread did with the object announced before happens before its being
    // freed; pairs with (3). The light fence orders it before the validating load: see \file.
    slot_[announcement::leaf_hazard].store(object, std::memory_order_release);
    asymmetric_fence::light();
  }

  /// Loads a word that identifies an object, and protects the object: it is good until the next
  /// announcement or the end of this guard.
  std::uintptr_t protect(const std::atomic<std::uintptr_t>& source) noexcept {
    // acquire: pairs with whoever published the object.
    std::uintptr_t seen = source.load(std::memory_order_acquire);
    for (;;) {
      announce(seen);
      const std::uintptr_t now = source.load(std::memory_order_acquire);  // acquire: as above
      if (now == seen) [[likely]]
        return seen;
      seen = now;
    }
  }

  /// Ends the announcement.
  void clear() noexcept {
    // (2) release: this section's accesses happen before the object is freed; pairs with (3).
    slot_[announcement::leaf_hazard].store(0, std::memory_order_release);
  }

  /// Announces a second object beside the first: for the few sections that need two at once.
  void announce_second(std::uintptr_t object) noexcept {
    // (4) release: as (1); pairs with (5).
    slot_[announcement::second_leaf_hazard].store(object, std::memory_order_release);
    asymmetric_fence::light();
  }
  void clear_second() noexcept { announce_second(0); }

  /// Both at once, at the end of a section. No fence: nothing is validated afterwards.
  void clear_both() noexcept {
    clear();
    // release: as (2); pairs with (5).
    slot_[announcement::second_leaf_hazard].store(0, std::memory_order_release);
  }

  thread_slot& slot() const noexcept { return slot_; }

  /// To be called after objects were unlinked, and before `is_protected` is asked about them: the
  /// reclaimer's fence. False if the kernel refused it: then nothing may be freed. A thread that is
  /// alone needs no system call.
  [[nodiscard]] static bool settle() noexcept {
    return thread_slots::is_alone() || asymmetric_fence::heavy();
  }

  /// Whether some thread announces `object`, compared under `mask` (a word may carry more than the
  /// address). Meaningful after the object was unlinked and then `settle()` returned true.
  static bool is_protected(std::uintptr_t object, std::uintptr_t mask) noexcept {
    // The second word is read first: an object may pass from there to the first one, which is
    // announced before the second is cleared.
    return !thread_slots::for_each_while([=](thread_slot& slot) {
      // (5) acquire: pairs with (4).
      return (slot[announcement::second_leaf_hazard].load(std::memory_order_acquire) & mask) !=
                 object &&
             // (3) acquire: pairs with (1), (2).
             (slot[announcement::leaf_hazard].load(std::memory_order_acquire) & mask) != object;
    });
  }

 private:
  thread_slot& slot_;
};

/// Ends its announcement with the section.
class leaf_hazard : public hazard_announcement {
 public:
  leaf_hazard() : hazard_announcement(thread_slots::mine()) {}
  ~leaf_hazard() { clear(); }
};

/// Leaves its announcement until this thread makes another one, or ends.
class lasting_hazard : public hazard_announcement {
 public:
  lasting_hazard() : lasting_hazard(thread_slots::mine()) {}
  explicit lasting_hazard(thread_slot& slot) noexcept : hazard_announcement(slot) {}

  /// Whether the object that `word` identifies, as loaded from its source just now, is protected
  /// already: by what the slot's owner, the calling thread, announced last. Never for a word of 0.
  static bool still_protects(thread_slot& slot, std::uintptr_t word) noexcept {
    // relaxed: this thread's own word.
    return slot[announcement::leaf_hazard].load(std::memory_order_relaxed) == word;
  }

  /// As `hazard_announcement::protect`, and cheaper where the last announcement is still good.
  std::uintptr_t protect(const std::atomic<std::uintptr_t>& source) noexcept {
    // acquire: pairs with whoever published the object.
    const std::uintptr_t seen = source.load(std::memory_order_acquire);
    if (still_protects(slot(), seen)) [[likely]]
      return seen;
    return hazard_announcement::protect(source);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail
