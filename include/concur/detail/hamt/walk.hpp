// SPDX-License-Identifier: MIT
/// \file
/// The walk of a read that meets nothing unfinished, which is nearly every one.
///
/// It protects each node on its way by one store, and checks by one load that the slot still holds
/// it. Whether that takes a fence is asked once. The first levels, where nearly all elements are,
/// have their shifts in the code.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/hamt/node.hpp>
#include <concur/detail/hamt/section.hpp>
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::hamt {

template <class Types>
class short_walk {
 public:
  /// The word of the leaf or collision where `hash` would be, protected by one of three words;
  /// nothing if the marks say that it is not there. False if the walk met something unfinished.
  static CONCUR_FORCEINLINE bool run(const std::atomic<version*>& root, hazard_word* words,
                                     std::uint64_t hash, word& leaf) noexcept {
    reader trail{leaf};
    if (asymmetric_fence::is_light_free()) [[likely]]
      return walk(root, words, hash, trail, announce_freely());
    return walk_with_fences(root, words, hash, leaf);
  }

  /// The same for a writer: where that is, with the branch protected, too. False also if there is
  /// no version, or the way is long, or takes fences.
  static CONCUR_FORCEINLINE bool run(const std::atomic<version*>& root, hazard_word* words,
                                     std::uint64_t hash, place& p) noexcept {
    writer trail{p};
    return asymmetric_fence::is_light_free() && walk(root, words, hash, trail, announce_freely());
  }

 private:
  /// As announce_hazard_freely. A type, and inlined by force: g++ gives up inlining inside a walk.
  struct announce_freely {
    CONCUR_FORCEINLINE void operator()(hazard_word& mine, const void* object) const noexcept {
      // release: as hazard_frame (1); pairs with its (2).
      mine.store(reinterpret_cast<std::uintptr_t>(object), std::memory_order_release);
      asymmetric_fence::free_light();
    }
  };
  struct announce_with_fence {
    void operator()(hazard_word& mine, const void* object) const noexcept {
      announce_hazard(mine, object);
    }
  };
  static constexpr unsigned levels_in_code = 6;

  // What becomes of the end of a walk.
  struct reader {
    word& leaf;
    bool at_nothing() noexcept {
      leaf = 0;
      return true;
    }
    static CONCUR_FORCEINLINE bool wants(word w, std::uint64_t hash) noexcept {
      return Types::marks::may_hold(w, hash);
    }
    CONCUR_FORCEINLINE void begin(version*) noexcept {}
    CONCUR_FORCEINLINE void down(node*, unsigned) noexcept {}
    CONCUR_FORCEINLINE void end(owner*, slot&, word w, unsigned, unsigned) noexcept { leaf = w; }
    bool deeper(hazard_word* words, std::uint64_t hash, owner*, slot& at, unsigned depth,
                unsigned shift) noexcept {
      return walk_deep(words, hash, &at, depth, shift, leaf);
    }
  };
  struct writer {
    place& p;
    bool at_nothing() noexcept { return false; }
    /// To put something in its place, if not to find it there.
    static CONCUR_FORCEINLINE bool wants(word w, std::uint64_t) noexcept { return w != 0; }
    void begin(version* v) noexcept { p.root = v; }
    /// Its generation is asked for before something is proposed. The first levels are in the cache.
    void down(node* n, unsigned depth) noexcept {
      if (depth >= 2) prefetch_to_read(n);
    }
    void end(owner* here, slot& at, word w, unsigned depth, unsigned shift) noexcept {
      p.here = here;
      p.at = &at;
      p.seen = w;
      p.depth = depth;
      p.shift = shift;
    }
    bool deeper(hazard_word*, std::uint64_t, owner*, slot&, unsigned, unsigned) noexcept {
      return false;
    }
  };

  static CONCUR_NOINLINE bool walk_with_fences(const std::atomic<version*>& root,
                                               hazard_word* words, std::uint64_t hash,
                                               word& leaf) noexcept {
    reader trail{leaf};
    return walk(root, words, hash, trail, announce_with_fence());
  }

  template <class Trail, class Announce>
  static CONCUR_FORCEINLINE bool walk(const std::atomic<version*>& root, hazard_word* words,
                                      std::uint64_t hash, Trail& trail,
                                      Announce announce) noexcept {
    version* const v = root.load(std::memory_order_acquire);  // acquire: pairs with tree (7)
    if (v == nullptr) return trail.at_nothing();
    announce(words[words::the_version], v);
    if (root.load(std::memory_order_acquire) != v) return false;  // acquire: as above
    trail.begin(v);
    return walk_from<0, 64>(words, hash, v, v->top, trail, announce);
  }

  template <unsigned Depth, unsigned Shift, class Trail, class Announce>
  static CONCUR_FORCEINLINE bool walk_from(hazard_word* words, std::uint64_t hash, owner* here,
                                           slot& at, Trail& trail, Announce announce) noexcept {
    if constexpr (Depth == levels_in_code || Shift == 0) {
      return trail.deeper(words, hash, here, at, Depth, Shift);
    } else {
      word w;
      const step next = take_step<Trail>(words[words::brief_below(Depth)], at, hash, w, announce);
      if (next != step::down) {
        trail.end(here, at, w, Depth, Shift);
        return next == step::end;
      }
      node* const n = node_of(w);
      trail.down(n, Depth);
      constexpr unsigned bits = bits_at<typename Types::tuning>(Depth, Shift);
      constexpr unsigned rest = Shift - bits;
      constexpr std::size_t mask = (std::size_t{1} << bits) - 1;
      auto* const b = static_cast<branch*>(n);
      slot& below = b->slots()[static_cast<std::size_t>(hash >> rest) & mask];
      return walk_from<Depth + 1, rest>(words, hash, b, below, trail, announce);
    }
  }

  static CONCUR_NOINLINE bool walk_deep(hazard_word* words, std::uint64_t hash, slot* at,
                                        unsigned depth, unsigned shift, word& leaf) noexcept {
    for (;;) {
      word w;
      const step next =
          take_step<reader>(words[words::brief_below(depth)], *at, hash, w, announce_with_fence());
      if (next != step::down) {
        leaf = w;
        return next == step::end;
      }
      const unsigned bits = bits_at<typename Types::tuning>(depth, shift);
      shift -= bits;
      ++depth;
      at = branch_of(w)->slots() +
           (static_cast<std::size_t>(hash >> shift) & ((std::size_t{1} << bits) - 1));
    }
  }

  enum class step { end, down, unfinished };

  /// A branch and what it holds are announced by turns. `w`: what the slot holds; 0 if that is
  /// nothing that the walk is for.
  template <class Trail, class Announce>
  static CONCUR_FORCEINLINE step take_step(hazard_word& mine, slot& at, std::uint64_t hash, word& w,
                                           Announce announce) noexcept {
    const word seen = at.load(std::memory_order_acquire);  // acquire: as tree (4)
    w = seen;
    if ((seen & (tag_mask - 1)) != 0) [[unlikely]]
      return step::unfinished;
    if (!is_branch(seen) && !Trail::wants(seen, hash)) {
      w = 0;
      return step::end;
    }
    announce(mine, node_of(seen));
    // acquire: as tree (4): what a branch links to stays while it does, and it is protected.
    if (at.load(std::memory_order_acquire) != seen) [[unlikely]]
      return step::unfinished;
    return is_branch(seen) ? step::down : step::end;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
