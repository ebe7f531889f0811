// SPDX-License-Identifier: MIT
/// \file
/// How a reclaimer knows what other threads announce, mostly without the system call.
///
/// The heavy fence interrupts every processor that runs this process: 16 us on some machines. It is
/// needed for a thread whose announcement may still be on its way. Two kinds of thread are known
/// better:
///
///   who has begun since     A batch is unlinked, then its retired era R is ended (era_clock (2)).
///                           A thread whose `era_upper` is later than R has read the clock after
///                           that, (1). What it announced before is seen by who sees this one,
///                           (3), (4); and what it reads afterwards shows the batch as unlinked.
///                           Nothing but acquire and release: a batch that has waited until every
///                           other thread has begun a section is settled for free.
///   who fences himself      A thread that begins no sections (it sleeps, or does other things)
///                           would hold this up. It is asked to pass a real fence in its next
///                           section, and one heavy fence later it is known to do so: against such
///                           a thread a reclaimer's own fence is enough, until it goes back.
///
/// So active threads pay nothing, a thread that comes and goes costs a heavy fence each time, and
/// only one that rarely begins a section and never rests costs one for each batch.
///
///   fencing:  none -> asked -> fences      by reclaimers, one at a time
///             asked, fences -> none        by the owner
///
/// A thread announces first and then looks at `fencing`. The heavy fence H of who has asked, and
/// the light fence L between the two:
///   - L before H: the announcement is seen by who sees `fences`, (5), (6).
///   - H before L: the thread finds that it was asked, and its fence F comes before it reads on.
///     A reclaimer that finds `fences` after a fence of its own, G: if F is before G the
///     announcement is seen; if G is before F the thread sees what was unlinked before G.
/// An owner that goes back does so before such an F: if F is before G, then G finds `none`.
///
/// There are three kinds of section. One that announces eras looks at `fencing` at each
/// announcement, so what it announces is known even if it sleeps there; the thread goes back when
/// the fences have become many. One that announces objects does so for each object on its way, and
/// looks once, at its beginning: what is announced, in the sense above, is that it has begun
/// (`thread_slot::hazard_sections`). So the thread goes back at once, and only outside of such
/// sections `fences` says anything about its objects, (11), (12). One that announces objects in the
/// two words of leaf_hazard.hpp does the same, but the first of these words says that it has begun:
/// it is looked at after every announcement that finds it at 0, and not 0 while anything is read by
/// announcement. (A seqmap leaves it as it is: who has last used one and rests is never known to
/// fence himself, and costs a heavy fence now and then.)
///
/// Where there is no membarrier every light fence is a real one: then G is enough against all.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// What a reclaimer may look at: nothing, because the kernel has refused; what was unlinked in an
/// earlier era; all that is unlinked.
enum class settled { nothing, earlier, everything };

/// What the sections announce that might hold something.
enum class announces { eras, objects, leaves };

class CONCUR_SHARED section_fence {
 public:
  /// Fenced announcements of eras after which a thread goes back. So many fences cost a twentieth
  /// of what a reclaimer pays for asking.
  static constexpr std::uint32_t announcements_until_free = 64;

  /// Between an announcement of eras and the loads that it is for.
  CONCUR_FORCEINLINE static void light(thread_slot& me) noexcept {
    asymmetric_fence::light();
    // relaxed: see \file
    if (me.fencing.load(std::memory_order_relaxed) != none) [[unlikely]]
      pass_fence(me);
  }

  /// A section that announces objects begins.
  CONCUR_FORCEINLINE static void begin_hazards(thread_slot& me) noexcept {
    const std::uint32_t outer = hazard_sections(me);
    // relaxed: the fence orders it before the section's loads, see \file
    me.hazard_sections.store(outer + 1, std::memory_order_relaxed);
    if (outer != 0) return;
    // (13) release: as era_pin (3); pairs with (4). An announced interval that ends there grows.
    me.era_upper.store(era_clock::now_and_its_past(), std::memory_order_release);
    asymmetric_fence::free_light();
    // relaxed: see \file
    if (me.fencing.load(std::memory_order_relaxed) != none) [[unlikely]]
      pass_fence_and_go_back(me);
  }
  CONCUR_FORCEINLINE static void end_hazards(thread_slot& me) noexcept {
    // (11) release: what was announced and withdrawn comes with it; pairs with (12).
    me.hazard_sections.store(hazard_sections(me) - 1, std::memory_order_release);
  }

  /// A section that announces leaves begins: before it loads what it will announce.
  CONCUR_FORCEINLINE static void begin_leaves(thread_slot& me) noexcept {
    // (14) release: as (13); pairs with (4).
    me.era_upper.store(era_clock::now_and_its_past(), std::memory_order_release);
  }
  /// Its first word has been announced, with a light fence: before the loads that are to follow.
  CONCUR_FORCEINLINE static void after_first_leaf(thread_slot& me) noexcept {
    // relaxed: see \file
    if (me.fencing.load(std::memory_order_relaxed) != none) [[unlikely]]
      pass_fence_and_go_back(me);
  }

  static std::uint32_t hazard_sections(const thread_slot& me) noexcept {
    return me.hazard_sections.load(std::memory_order_relaxed);  // relaxed: own word
  }

  /// To be called after something was unlinked. `era`: when the caller's earlier batch was retired,
  /// as `era_clock::begin_next` returned it.
  template <announces What>
  static settled settle(const thread_slot& me, std::uint64_t era) noexcept {
    const settled found = try_settle<What>(me, era);
    if (found != settled::nothing) return found;
    return ask_and_fence(me, era) ? settled::everything : settled::nothing;
  }

  /// The same without the heavy fence: `nothing` if it is needed.
  template <announces What>
  static settled try_settle(const thread_slot& me, std::uint64_t era) noexcept {
    full_fence();  // (7) seq_cst: G in \file; also as thread_slots (8). Pairs with (8).
    if (!asymmetric_fence::prepare()) return settled::everything;
    settled found = settled::everything;
    thread_slots::for_each_while([&](thread_slot& slot) {
      // acquire: as in `is_alone`: who takes the slot now has seen what is unlinked
      if (&slot == &me || !slot.taken.load(std::memory_order_acquire)) return true;
      if (fences_himself<What>(slot)) return true;
      // (4) acquire: pairs with (3) in era_pin.hpp, (13), and (14).
      const bool has_begun = slot.era_upper.load(std::memory_order_acquire) > era;
      found = has_begun ? settled::earlier : settled::nothing;
      return has_begun;
    });
    return found;
  }

 private:
  enum : std::uint32_t { none, asked, fences };

  CONCUR_NOINLINE static void pass_fence(thread_slot& me) noexcept {
    if (++me.fenced_announcements >= announcements_until_free) {
      pass_fence_and_go_back(me);
    } else {
      full_fence();  // (8) seq_cst: F in \file; pairs with (7).
    }
  }
  CONCUR_COLD static void pass_fence_and_go_back(thread_slot& me) noexcept {
    me.fenced_announcements = 0;
    me.fencing.store(none, std::memory_order_relaxed);  // relaxed: the fence orders it, see \file
    full_fence();                                       // seq_cst: as (8)
  }

  template <announces What>
  static bool fences_himself(thread_slot& slot) noexcept {
    // (6) acquire: pairs with (5).
    if (slot.fencing.load(std::memory_order_acquire) != fences) return false;
    if constexpr (What == announces::leaves) {
      // (15) acquire: pairs with (2) of leaf_hazard.hpp, as (12) does with (11).
      return slot[announcement::leaf_hazard].load(std::memory_order_acquire) == 0;
    }
    // (12) acquire: pairs with (11).
    return What == announces::eras || slot.hazard_sections.load(std::memory_order_acquire) == 0;
  }

  /// The heavy fence; who has not begun a section since `era` is asked to fence himself.
  CONCUR_COLD static bool ask_and_fence(const thread_slot& me, std::uint64_t era) noexcept {
    // (9) acquire: pairs with (10): whoever confirms has a heavy fence after every question.
    if (is_asking.exchange(true, std::memory_order_acquire)) return asymmetric_fence::heavy();
    thread_slots::for_each_while([&](thread_slot& slot) {
      // relaxed: hints, the fence orders the question
      if (&slot != &me && slot.taken.load(std::memory_order_relaxed) &&
          slot.era_upper.load(std::memory_order_relaxed) <= era) {
        std::uint32_t seen = none;
        slot.fencing.compare_exchange_strong(seen, asked, std::memory_order_relaxed,
                                             std::memory_order_relaxed);
      }
      return true;
    });
    const bool fenced = asymmetric_fence::heavy();
    if (fenced) confirm();
    is_asking.store(false, std::memory_order_release);  // (10) release: pairs with (9).
    return fenced;
  }
  static void confirm() noexcept {
    thread_slots::for_each_while([](thread_slot& slot) {
      std::uint32_t seen = asked;
      // (5) release: with it comes what the heavy fence has shown; pairs with (6).
      slot.fencing.compare_exchange_strong(seen, fences, std::memory_order_release,
                                           std::memory_order_relaxed);
      return true;
    });
  }

  inline static constinit std::atomic<bool> is_asking{false};
};

}  // namespace concur::inline CONCUR_ABI::detail
