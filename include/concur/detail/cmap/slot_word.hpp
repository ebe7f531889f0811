// SPDX-License-Identifier: MIT
/// \file
/// The word that says what is at one place of the trie: a root slot, or a child of a branch.
///
///     63        48 47                            4 3    1 0
///     [ filter 16 ][ address, aligned to 16 bytes  ][kind ][frozen]
///
/// - filter: bit (hash & 15) is set for every element below: most misses end with this word. All
///   ones above branches and lists. A leaf is sorted by that bit, so the bits that are set below an
///   element's own say where in the leaf it is (as in the bitmaps of Bagwell's nodes), or where to
///   begin to look if two elements share a bit.
/// - kind 1 to 6: a leaf of that many elements, so that a reader needs no header; 7: another node,
///   which says itself what it is; 0: no node, see `empty`, `emptied` and `moved`.
/// - frozen, set by whoever replaces the table or the branch that this place is a part of: the word
///   changes no more, but for a root slot to `moved`.
///
/// A place is `empty` until it holds something, and never again: afterwards it is `emptied`. So a
/// mover that comes late cannot fill a place a second time (slot_mover.hpp).
///
/// Where addresses need more than 48 bits, the word has no filter, and every look goes to the leaf.
#pragma once

#include <concur/detail/bits/popcount.hpp>
#include <concur/detail/config.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <bool HasFilter>
class basic_slot_word {
 public:
  static constexpr unsigned max_leaf = 6;
  static constexpr bool has_filter = HasFilter;

  constexpr basic_slot_word() noexcept = default;
  constexpr explicit basic_slot_word(std::uint64_t bits) noexcept : bits_(bits) {}

  static constexpr basic_slot_word empty() noexcept { return basic_slot_word(0); }
  static constexpr basic_slot_word emptied() noexcept { return basic_slot_word(emptied_bits); }
  /// Only in root slots: the content is in the next table. Passes every filter.
  static constexpr basic_slot_word moved() noexcept {
    return basic_slot_word(moved_bits | filter_mask);
  }
  /// A leaf of `count` elements whose filter bits are `filter`.
  static basic_slot_word leaf(const void* node, unsigned count, std::uint64_t filter) noexcept {
    return basic_slot_word(reinterpret_cast<std::uintptr_t>(node) |
                           (std::uint64_t{count} << kind_shift) | filter);
  }
  /// A branch or a list.
  static basic_slot_word node(const void* node) noexcept {
    return leaf(node, kind_node, filter_mask);
  }
  /// What an element of that hash contributes to the filter of a leaf.
  static constexpr std::uint64_t filter_of(std::uint64_t hash) noexcept {
    if constexpr (HasFilter) {
      return (std::uint64_t{1} << filter_shift) << (hash & 15);
    } else {
      return 0;
    }
  }

  constexpr std::uint64_t bits() const noexcept { return bits_; }
  /// False: no element of that hash is below. True for `moved`.
  constexpr bool may_hold(std::uint64_t hash) const noexcept {
    if constexpr (HasFilter) {
      return ((bits_ >> filter_shift) >> (hash & 15) & 1) != 0;
    } else {
      return true;
    }
  }
  constexpr std::uint64_t filter() const noexcept { return bits_ & filter_mask; }

  /// Of a leaf that may hold that hash: no element of it is before this one.
  constexpr unsigned first_of(std::uint64_t hash) const noexcept {
    if constexpr (HasFilter) {
      const auto lower = static_cast<std::uint16_t>((1U << (hash & 15)) - 1);
      return popcount(static_cast<std::uint16_t>((bits_ >> filter_shift) & lower));
    } else {
      return 0;
    }
  }
  /// Whether no two elements of a leaf share a bit: an element is at `first_of` or not there.
  constexpr bool has_bit_for_each() const noexcept {
    return HasFilter && popcount(static_cast<std::uint16_t>(bits_ >> filter_shift)) == count();
  }

  constexpr bool is_frozen() const noexcept { return (bits_ & frozen_bit) != 0; }
  constexpr bool is_moved() const noexcept { return bits_ == moved().bits_; }
  /// Nothing below: `empty` or `emptied`, frozen or not.
  constexpr bool is_vacant() const noexcept { return (bits_ & ~frozen_bit) <= emptied_bits; }
  constexpr bool is_node() const noexcept { return kind() == kind_node; }
  constexpr bool is_leaf() const noexcept { return kind() - 1 < max_leaf; }
  /// The elements of a leaf; 0 if there is no node.
  constexpr unsigned count() const noexcept { return kind(); }

  constexpr basic_slot_word frozen() const noexcept { return basic_slot_word(bits_ | frozen_bit); }
  constexpr basic_slot_word thawed() const noexcept { return basic_slot_word(bits_ & ~frozen_bit); }

  template <class Node>
  Node* address() const noexcept {
    return reinterpret_cast<Node*>(static_cast<std::uintptr_t>(bits_ & address_mask));
  }

  friend constexpr bool operator==(basic_slot_word, basic_slot_word) noexcept = default;

 private:
  static constexpr std::uint64_t frozen_bit = 1;
  static constexpr unsigned kind_shift = 1;
  static constexpr unsigned kind_node = 7;
  static constexpr unsigned filter_shift = 48;
  static constexpr std::uint64_t filter_mask = HasFilter ? ~std::uint64_t{0} << filter_shift : 0;
  static constexpr std::uint64_t address_mask = ~filter_mask & ~std::uint64_t{15};
  static constexpr std::uint64_t emptied_bits = 16;
  static constexpr std::uint64_t moved_bits = 32;

  constexpr unsigned kind() const noexcept {
    return static_cast<unsigned>(bits_ >> kind_shift) & 7;
  }

  std::uint64_t bits_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
