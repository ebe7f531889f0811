// SPDX-License-Identifier: MIT
/// \file
/// What one operation of one thread has: the objects that it protects, the place that it has come
/// to, and whether it has to collect at its end.
///
/// An operation that meets nothing unusual protects four objects at most: the version, the branch,
/// what its slot holds, and what it proposes for it. These four words are the brief frame. A full
/// frame is opened beside it, nested in it, by whoever has to copy, to help or to begin again:
///
///   brief  [0] the version; [1..2] by turns the nodes on the way down; [3] a proposal
///   full   [0] the version; [1..3] by turns the nodes on the way down: what a slot holds, its
///          branch and that branch's parent are protected; [4] somebody's proposal; [5] what a
///          modification looked at
///
/// What is announced keeps all that it links to, and what is written into it. So nothing stays
/// announced that is not needed any more: while the callable of a read runs, its leaf alone; while
/// that of a write runs, what the store needs: the version, to which the root is compared, the
/// branch, whose slot is replaced, and the leaf. A second walk begins when the first is given up.
#pragma once

#include <concur/detail/hamt/core.hpp>
#include <concur/detail/hamt/node.hpp>
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/detail/reclaim/section_fence.hpp>
#include <cstddef>
#include <optional>

namespace concur::inline CONCUR_ABI::detail::hamt {

namespace words {
inline constexpr std::size_t the_version = 0;
inline constexpr std::size_t proposal = 4;
inline constexpr std::size_t looked_at = 5;
constexpr std::size_t below(unsigned depth) noexcept {
  return 1 + depth % 3;
}
inline constexpr std::size_t brief_proposal = 3;
constexpr std::size_t brief_below(unsigned depth) noexcept {
  return 1 + depth % 2;
}
static_assert(brief_proposal < hazards_per_frame);
}  // namespace words

/// The first words of a frame, for what needs no more: a read three, a write four. Inlined by
/// force, the end of a section too: it is a tenth of a read.
template <std::size_t Count>
class brief_frame {
 public:
  /// Not open yet.
  explicit brief_frame(thread_slot& me) noexcept : me_(me) {}
  CONCUR_FORCEINLINE ~brief_frame() {
    if (words_ != nullptr) close();
  }
  brief_frame(const brief_frame&) = delete;
  brief_frame& operator=(const brief_frame&) = delete;

  /// False if there is no room.
  CONCUR_FORCEINLINE bool try_open() noexcept {
    const std::uint32_t outer = section_fence::hazard_sections(me_);
    if (outer >= hazard_frame_count) [[unlikely]]
      return false;
    words_ = me_.hazards + hazards_per_frame * outer;
    section_fence::begin_hazards(me_);
    return true;
  }
  CONCUR_FORCEINLINE void close() noexcept {
    static_assert(Count == 3 || Count == 4);
    clear_word(words_[0]);
    clear_word(words_[1]);
    clear_word(words_[2]);
    if constexpr (Count == 4) clear_word(words_[3]);
    section_fence::end_hazards(me_);
    words_ = nullptr;
  }
  /// Of what is announced here, `object` stays protected, and nothing else.
  CONCUR_FORCEINLINE void keep_only(const void* object) noexcept {
    static_assert(Count == 3);
    // It passes to the last word, and is there before another one is cleared: who looks for it
    // cannot miss it (hazard_frame.hpp).
    // release: as hazard_frame (1); pairs with its (2).
    words_[2].store(reinterpret_cast<std::uintptr_t>(object), std::memory_order_release);
    clear_word(words_[1]);
    clear_word(words_[0]);
  }
  /// Null while it is not open.
  hazard_word* words() const noexcept { return words_; }

 private:
  static CONCUR_FORCEINLINE void clear_word(hazard_word& mine) noexcept {
    mine.store(0, std::memory_order_release);  // release: as hazard_frame (3); pairs with its (2).
  }

  thread_slot& me_;
  hazard_word* words_ = nullptr;
};
using read_frame = brief_frame<3>;
using write_frame = brief_frame<4>;

struct brief_t {};
inline constexpr brief_t brief{};

template <class Types>
class section {
 public:
  /// With a full frame. Throws std::bad_alloc if it is nested deeply and no row can be had.
  explicit section(thread_slot& me) : me_(me), brief_(me) { full_.emplace(me); }
  /// With a brief one, where there is room for it.
  section(thread_slot& me, brief_t) noexcept : me_(me), brief_(me) { brief_.try_open(); }
  ~section() {
    if (core_ != nullptr) [[unlikely]]
      collect();
  }
  section(const section&) = delete;
  section& operator=(const section&) = delete;

  /// Before the first use of `frame`. Throws as the constructor.
  void open() {
    if (!full_) full_.emplace(me_);
  }
  hazard_frame& frame() noexcept {
    CONCUR_ASSERT(full_.has_value());
    return *full_;
  }
  /// Null if there was no room.
  hazard_word* brief_words() const noexcept { return brief_.words(); }

  /// Protects what this operation is about to propose.
  void announce_proposal(const node* n) noexcept {
    if (hazard_word* const mine = brief_.words()) [[likely]] {
      announce_hazard(mine[words::brief_proposal], n);
    } else {
      frame().announce(words::proposal, n);
    }
  }

  /// Gives up what the walks so far have announced: another begins, or what is still needed is
  /// announced in a later word. So an operation keeps one version at a time.
  void give_up_walks() noexcept {
    if (hazard_word* const mine = brief_.words()) {
      for (std::size_t i = 0; i < words::brief_proposal; ++i) clear_hazard(mine[i]);
    }
    if (full_) {
      for (std::size_t i = 0; i < words::proposal; ++i) full_->clear(i);
    }
  }
  /// After a proposal that is not what the operation is for: a copied branch may be a whole tree.
  void give_up_proposal() noexcept {
    if (hazard_word* const mine = brief_.words()) {
      clear_hazard(mine[words::brief_proposal]);
    } else {
      frame().clear(words::proposal);
    }
  }

  thread_slot& me() const noexcept { return me_; }

  /// These may fill a batch of what is retired; then it is worked off at the end.
  void drop(core<Types>& c, node* n) noexcept {
    if (c.drop_link(n, me_)) core_ = &c;
  }
  void drop(core<Types>& c, word w) noexcept {
    if (c.drop_link(w, me_)) core_ = &c;
  }
  void retire(core<Types>& c, node* n) noexcept {
    if (c.retire(n, me_)) core_ = &c;
  }
  void destroy(core<Types>& c, node* n) noexcept {
    if (c.destroy(n)) core_ = &c;
  }

 private:
  /// What this operation protected itself is not to be kept from being freed.
  CONCUR_NOINLINE void collect() noexcept {
    full_.reset();
    if (brief_.words() != nullptr) brief_.close();
    core_->collect(me_);
  }

  thread_slot& me_;
  write_frame brief_;
  std::optional<hazard_frame> full_;  // nested in the brief one: it ends first
  core<Types>* core_ = nullptr;
};

/// Where a walk has come to.
struct place {
  version* root = nullptr;
  slot* parent_slot = nullptr;  ///< of `here`; a walk that only looks does not say
  owner* here = nullptr;
  slot* at = nullptr;
  word seen = 0;  ///< what `at` holds: a leaf, a collision or nothing; may be frozen
  unsigned depth = 0;
  unsigned shift = 64;  ///< bits of the hash that no branch above has used

  bool is_writable() const noexcept { return here->generation == root->generation; }
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
