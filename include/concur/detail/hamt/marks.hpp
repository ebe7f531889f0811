// SPDX-License-Identifier: MIT
/// \file
/// What the word of a leaf says about the hashes of its elements, in the sixteen bits that an
/// address leaves free: where a key would be, if it is there at all. So a miss does not touch the
/// leaf, and a hit touches the line of its pair only, and seldom guesses.
///
///     63            48 47                                  3 2   0
///     [ marks          ][ address                           ][tag ]
///
///   of several pairs    four bits for each of the first four, the lowest for the first: 1 to 15 as
///                       its hash says, 0 where there is no pair. Others may follow if no mark is
///                       0.
///   of an element       the low sixteen bits of its hash, or of the one hash of a collision
///
/// The word of nothing has no marks, nor has a branch's. Where addresses need all bits, nothing
/// has: every look goes to the leaf.
#pragma once

#include <bit>
#include <concur/detail/config.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::hamt {

using word = std::uintptr_t;

inline constexpr bool words_have_marks = CONCUR_POINTER_HAS_FREE_BITS && sizeof(word) == 8;
inline constexpr unsigned marks_shift = words_have_marks ? 48 : 0;
inline constexpr word marks_mask = words_have_marks ? ~word{0} << marks_shift : 0;

/// Of a leaf of pairs.
class marks_of_pairs {
 public:
  /// So many pairs have a mark.
  static constexpr std::uint32_t capacity = words_have_marks ? 4 : 0;
  /// Whether a word of nothing that is frozen may hold no hash: no mark is 0.
  static constexpr bool rules_out_nothing = words_have_marks;

  /// The pairs of a leaf whose marks are those of a hash.
  class candidate_pairs {
   public:
    constexpr explicit candidate_pairs(std::uint32_t high_bits) noexcept : bits_(high_bits) {}
    CONCUR_FORCEINLINE constexpr bool has_any() const noexcept { return bits_ != 0; }
    CONCUR_FORCEINLINE constexpr std::uint32_t first() const noexcept {
      return static_cast<std::uint32_t>(std::countr_zero(bits_)) / mark_bits;
    }
    CONCUR_FORCEINLINE constexpr void drop() noexcept { bits_ &= bits_ - 1; }

   private:
    std::uint32_t bits_;
  };

  /// The marks of a leaf with `marks` and one more pair, numbered `at`.
  static constexpr word with(word marks, std::uint32_t at, std::uint64_t hash) noexcept {
    return at < capacity ? marks | word{mark(hash)} << (marks_shift + at * mark_bits) : marks;
  }
  /// Those of a leaf that has lost the pair numbered `at`, if the last mark becomes free.
  static constexpr word without(word marks, std::uint32_t at) noexcept {
    if (at >= capacity) return marks;
    const word before = ((word{1} << at * mark_bits) - 1) << marks_shift;
    return (marks & before) | ((marks >> mark_bits) & ~before & marks_mask);
  }

  static CONCUR_FORCEINLINE constexpr candidate_pairs candidates(word w,
                                                                 std::uint64_t hash) noexcept {
    if constexpr (words_have_marks) {
      // The marks that agree become 0; then the high bit of each that is 0. No sum has a carry.
      const std::uint32_t x = static_cast<std::uint32_t>(w >> marks_shift) ^ mark(hash) * 0x1111u;
      return candidate_pairs(~(((x & 0x7777u) + 0x7777u) | x) & 0x8888u);
    } else {
      return candidate_pairs(0);
    }
  }
  static CONCUR_FORCEINLINE constexpr bool may_be_beyond(word w) noexcept {
    if constexpr (words_have_marks) {
      return w >> (64 - mark_bits) != 0;
    } else {
      return w != 0;
    }
  }
  static CONCUR_FORCEINLINE constexpr bool may_hold(word w, std::uint64_t hash) noexcept {
    return candidates(w, hash).has_any() || may_be_beyond(w);
  }

 private:
  static constexpr unsigned mark_bits = 4;
  /// From bits that a way down uses last.
  static CONCUR_FORCEINLINE constexpr std::uint32_t mark(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>((hash & 0xffffffffu) * 15 >> 32) + 1;
  }
};

/// Of a leaf of one element, or a collision.
class marks_of_element {
 public:
  /// As above; not here: the bits of a hash may all be 0.
  static constexpr bool rules_out_nothing = false;

  static constexpr word of(std::uint64_t hash) noexcept {
    if constexpr (words_have_marks) {
      return static_cast<word>(hash) << marks_shift;
    } else {
      return 0;
    }
  }
  static CONCUR_FORCEINLINE constexpr bool may_hold(word w, std::uint64_t hash) noexcept {
    return w != 0 && ((w ^ of(hash)) & marks_mask) == 0;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
