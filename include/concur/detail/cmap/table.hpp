// SPDX-License-Identifier: MIT
/// \file
/// The root of the trie: a directory of segments of slots, and the root word that names it.
///
///   root word    [ address of the directory, 64-byte aligned | shift = 64 - log2(slots) ]
///   directory    line 0: log2, next table | line 1: what movers share | line 2..: an entry per
///   segment entry        0: nobody has put anything there | `entry_moved`: all of it is in the
///   next table |
///                the address of a segment
///   segment      [slot][slot] ... (up to 4096, see tuning) | which blocks of it have moved |
///   header
///
/// Segments are made by whoever first puts something there, so that no operation zeroes megabytes.
/// Slots are in the order of hashes: slot (hash >> shift).
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/reclaim/epoch_reclaimer.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::cmap {

/// What is not known by the kind of a slot word alone; the first field after the header of a node
/// of kind `kind_other`.
enum class node_type : std::uint32_t { branch, list, segment, directory };

/// The beginning of every node that is no leaf and no element.
struct other_node {
  epoch_node header{};
  node_type type;
  std::uint32_t info;  ///< branch: shift and bits; list: length; else log2 of the slots

  constexpr other_node(node_type t, std::uint32_t i) noexcept : type(t), info(i) {}
};

using place = std::atomic<std::uint64_t>;

/// An inner node: 2^bits places, chosen by the bits of the hash from `shift` on.
struct branch : other_node {
  branch(unsigned shift, unsigned bits) noexcept
      : other_node(node_type::branch, shift | bits << 8) {}

  unsigned shift() const noexcept { return info & 0xFF; }
  unsigned bits() const noexcept { return info >> 8; }
  std::size_t width() const noexcept { return std::size_t{1} << bits(); }
  place* places() noexcept { return reinterpret_cast<place*>(this + 1); }
  std::size_t index_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash >> shift()) & (width() - 1);
  }
  place& at(std::uint64_t hash) noexcept { return places()[index_of(hash)]; }
  static constexpr std::size_t bytes(unsigned bits) noexcept {
    return sizeof(branch) + (sizeof(place) << bits);
  }
};

/// What follows the slots of a segment.
struct segment_tail : other_node {
  std::atomic<std::uint64_t> moved_blocks{0};

  explicit segment_tail(unsigned log2_slots) noexcept
      : other_node(node_type::segment, log2_slots) {}
  place* slots() noexcept { return reinterpret_cast<place*>(this) - (std::size_t{1} << info); }
  static segment_tail* of(place* slots, unsigned log2_slots) noexcept {
    return reinterpret_cast<segment_tail*>(slots + (std::size_t{1} << log2_slots));
  }
  static constexpr std::size_t bytes(unsigned log2_slots) noexcept {
    return (sizeof(place) << log2_slots) + sizeof(segment_tail);
  }
};

struct alignas(64) directory : other_node {
  std::atomic<directory*> next{nullptr};
  void* memory = nullptr;  ///< what the allocator gave: alignment is made by hand
  std::size_t bytes = 0;
  /// The next block to be moved, and how many segments from the first on have moved entirely.
  alignas(64) std::atomic<std::uint64_t> cursor{0};
  std::atomic<std::uint64_t> moved_segments{0};

  constexpr explicit directory(unsigned log2_slots) noexcept
      : other_node(node_type::directory, log2_slots) {}

  unsigned log2() const noexcept { return info; }
  unsigned shift() const noexcept { return 64 - info; }
  /// The table of an empty map, which has two slots that are never used.
  bool is_of_empty_map() const noexcept { return info == 0; }
  std::atomic<std::uint64_t>* entries() noexcept {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(this + 1);
  }

  static constexpr std::uint64_t entry_none = 0;
  static constexpr std::uint64_t entry_moved = 1;
  static place* slots(std::uint64_t entry) noexcept {
    return reinterpret_cast<place*>(static_cast<std::uintptr_t>(entry));
  }
};
static_assert(sizeof(directory) == 128, "the entries begin on a line of their own");

/// The word that readers begin with.
class root_word {
 public:
  constexpr explicit root_word(std::uintptr_t bits) noexcept : bits_(bits) {}
  static root_word of(directory* d) noexcept {
    return root_word(reinterpret_cast<std::uintptr_t>(d) |
                     (d->is_of_empty_map() ? 63 : d->shift()));
  }
  std::uintptr_t bits() const noexcept { return bits_; }
  unsigned shift() const noexcept { return static_cast<unsigned>(bits_ & 63); }
  /// Of a map without memory: no other table has two slots.
  bool is_of_empty_map() const noexcept { return shift() == 63; }
  directory* table() const noexcept {
    return reinterpret_cast<directory*>(bits_ & ~std::uintptr_t{63});
  }

 private:
  std::uintptr_t bits_;
};

/// What an empty map has for a table.
struct empty_table {
  directory header{0};
  std::atomic<std::uint64_t> entry{directory::entry_none};
};
inline constinit empty_table the_empty_table{};

/// Sizes that matter to speed, and to tests that want every event to be frequent.
struct default_tuning {
  /// Elements are kept in the leaves if they are trivially copyable and at most this big.
  static constexpr std::size_t inline_bytes = 16;
  static constexpr bool has_filter = CONCUR_POINTER_HAS_FREE_BITS != 0;
  static constexpr unsigned max_leaf = 6;
  /// A branch of at most this many elements, all in leaves, becomes a leaf after an erasure.
  static constexpr unsigned contract_at = 3;
  static constexpr unsigned first_branch_bits = 2;
  static constexpr unsigned branch_bits = 4;
  static constexpr unsigned first_log2_slots = 2;
  static constexpr unsigned log2_segment = 12;
  static constexpr unsigned log2_block = 6;
  /// Smaller tables grow by four, and shrink to such a size by four; others by two.
  static constexpr unsigned quadruple_below_log2 = 15;
  /// In sixteenths of the slots: elements at which the table grows.
  static constexpr unsigned max_load_inline = 44;
  static constexpr unsigned max_load_indirect = 20;
  /// The table shrinks below this part of the load at which it grows.
  static constexpr unsigned min_load_divisor = 8;
  static constexpr unsigned striped_log2_slots = 12;
  static constexpr unsigned log2_check_interval = 6;
  static constexpr unsigned cached_nodes = CONCUR_KEEPS_FREED_NODES != 0 ? 128 : 0;
  static constexpr std::uint32_t births_per_era = 128;
  static constexpr std::uint32_t retire_batch = 128;
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
