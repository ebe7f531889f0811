// SPDX-License-Identifier: MIT
/// \file
/// Pins: sections of code during which what a thread has found is not freed. A pinned thread
/// announces an interval of eras [lower, upper]; a node is freed when no announced interval meets
/// its own one [birth, retired]. (Wen, Izraelevitz, Cai, Beadle, Scott, "Interval-Based Memory
/// Reclamation", PPoPP 2018: 2GE-IBR; here with an asymmetric fence.)
///
///   era       ... 5   6   7   8   9 ...
///   reader            [lower=6 .. upper=8]
///   node A    [born 4 ... retired 5]              may go
///   node B    [born 5 ...... retired 7]           stays
///   node C                        [born 9 ...     may go as soon as it is retired
///
/// Every load of a link that can change looks at the era afterwards. If it is later than `upper`,
/// what was found may be a node that the announcement does not cover: the announcement is extended,
/// and the node looked for anew. So `upper` is not older than the birth of any node that is used.
///
/// Why that is enough. A node was unlinked, then the reclaimer's heavy fence H, then its retired
/// era was read from the clock. Take the last announcement before the load that found the node, and
/// the light fence L after it. The two cases:
///   - L before H: the reclaimer sees that announcement, or a later one of the same section, or the
///     end of the section. Its `lower` was read from the clock before L, so the retired era, read
///     after H, is not smaller; its `upper` is not smaller than the birth. It meets the node.
///     (A retired era that is read before the fence may be smaller: it is not.)
///   - H before L: the reader's loads after L see everything that was unlinked before H.
///
/// H is seldom executed. Where it is left out, section_fence.hpp says which of the two cases it is:
/// of a thread that has announced an era later than the retired one, the announcements before that
/// are seen (the first case), and what follows sees the unlinking (the second).
///
/// The second case asks for care below the root of a structure. If the announcement is extended
/// between the load of a node and the load of a link in it, the node may have been unlinked before
/// H while its link still shows a node that was retired later: so after an extension a reader
/// starts again from the root. Links that do not change after their node is published need no
/// check: the births of both came before the publication.
///
/// A thread that sleeps while it is pinned keeps the nodes that were born until its last look at
/// the era and not retired before its pin. It delays nobody.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/reclaim/section_fence.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// The announced interval of a thread that is pinned, as its section sees it.
class era_interval {
 public:
  /// Loads a link that is part of a node. True: what `word` leads to stays until the section ends.
  /// False: start again at the root.
  template <class W>
  CONCUR_FORCEINLINE bool try_load(const std::atomic<W>& source, W& word) noexcept {
    word = source.load(std::memory_order_acquire);  // acquire: pairs with the node's publication
    const std::uint64_t now = era_clock::now();
    if (now == upper_) [[likely]]
      return true;
    upper_ = extend(*slot_);
    return false;
  }

  /// Loads a link that is part of no node: a root.
  template <class W>
  W load(const std::atomic<W>& root) noexcept {
    W word;
    while (!try_load(root, word)) {
    }
    return word;
  }

  thread_slot& slot() const noexcept { return *slot_; }

  /// Whether the thread that owns `me` is pinned.
  static bool is_pinned(const thread_slot& me) noexcept {
    return me.era_lower.load(std::memory_order_relaxed) != 0;  // relaxed: own word
  }

 protected:
  explicit era_interval(thread_slot& slot) noexcept : slot_(&slot) {}

  /// The first section of this thread begins.
  CONCUR_FORCEINLINE void announce() noexcept {
    upper_ = era_clock::now_and_its_past();
    // (3) release: who sees that this thread has come to this era sees what it announced before;
    // pairs with section_fence.hpp (4).
    slot_->era_upper.store(upper_, std::memory_order_release);
    // (1) release: what this thread read in earlier sections happens before it is freed by one who
    // sees this one; pairs with pinned_eras.hpp.
    slot_->era_lower.store(upper_, std::memory_order_release);
    section_fence::light(*slot_);  // orders both words before the loads that follow, see \file
  }

  /// A section inside another one of this thread. Sections of other kinds advance `era_upper`, too:
  /// where light fences are real ones, they may have passed none since.
  CONCUR_FORCEINLINE void join() noexcept {
    upper_ = slot_->era_upper.load(std::memory_order_relaxed);  // relaxed: own word
    asymmetric_fence::light();
  }

  /// A section that nests: counted, so that sections may end in any order.
  CONCUR_FORCEINLINE void enter() noexcept {
    if (slot_->pins++ == 0) [[likely]] {
      announce();
    } else {
      join();
    }
  }
  CONCUR_FORCEINLINE void leave() noexcept {
    if (--slot_->pins == 0) [[likely]]
      withdraw();
  }

  /// The section ends: `lower` is what it was before, 0 unless that was in another section.
  CONCUR_FORCEINLINE void withdraw(std::uint64_t lower = 0) noexcept {
    // (2) release: this section's reads happen before what they read is freed; pairs with
    // pinned_eras.hpp.
    slot_->era_lower.store(lower, std::memory_order_release);
  }

 private:
  CONCUR_NOINLINE static std::uint64_t extend(thread_slot& slot) noexcept {
    const std::uint64_t now = era_clock::now_and_its_past();
    slot.era_upper.store(now, std::memory_order_release);  // release: as (3)
    section_fence::light(slot);                            // orders it before the loads that follow
    return now;
  }

  thread_slot* slot_;
  std::uint64_t upper_ = 0;
};

/// For sections in which no code of the user runs: nothing that pins by `era_pin` may run inside.
/// May itself be inside an `era_pin`.
class leaf_pin : public era_interval {
 public:
  explicit leaf_pin(thread_slot& me) noexcept
      : era_interval(me),
        lower_before_(me.era_lower.load(std::memory_order_relaxed)) {  // relaxed: own word
    if (lower_before_ == 0) [[likely]] {
      announce();
    } else {
      join();
    }
  }
  ~leaf_pin() { withdraw(lower_before_); }
  leaf_pin(const leaf_pin&) = delete;
  leaf_pin& operator=(const leaf_pin&) = delete;

 private:
  std::uint64_t lower_before_;
};

/// Nests in any order of construction and destruction: the interval is announced until the last
/// section ends.
class era_pin : public era_interval {
 public:
  CONCUR_FORCEINLINE explicit era_pin(thread_slot& me) noexcept : era_interval(me) { enter(); }
  CONCUR_FORCEINLINE ~era_pin() { leave(); }
  era_pin(const era_pin&) = delete;
  era_pin& operator=(const era_pin&) = delete;

  bool is_outermost() const noexcept { return slot().pins == 1; }
};

}  // namespace concur::inline CONCUR_ABI::detail
