// SPDX-License-Identifier: MIT
/// \file
/// The two control words of a bucket, as values with verbs. No code outside this file knows a bit.
#pragma once

#include <bit>
#include <concur/detail/assert.hpp>
#include <concur/detail/config.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::seqmap {

/// The state word of a bucket of `Cells` cells:
///
///     63 ................ 6+2C | 6+2C-1 .. 6+C | 6+C-1 .. 6 |  5..3  |  2         |  1    |  0
///      version                 | displaced     | occupied   |  cell  | publishing | moved | locked
///
///   locked      a writer owns the bucket; readers go on. Set and cleared by that writer.
///   moved       this bucket's own elements live in the next table. Set once, by a migrating
///   thread. publishing  the value of `cell` is being overwritten in several words: its readers
///   wait. Set and
///               cleared by the lock's owner, who does nothing but copy in between.
///   occupied    the cell holds an element.
///   displaced   the element's home is another bucket.
///   version     counts every change of the bucket. A reader that meets the same word (but for
///               `locked`) before and after its copies has seen no change. It wraps after 2^44 or
///               more changes of one bucket; a reader would have to sleep through exactly a
///               multiple of that between two adjacent loads, a day of nothing but writes to one
///               bucket.
template <unsigned Cells>
class bucket_state {
  static_assert(Cells >= 1 && Cells <= 7, "the number of the published cell has three bits");

 public:
  static constexpr std::uint64_t all_cells = (std::uint64_t{1} << Cells) - 1;

  constexpr bucket_state() noexcept = default;
  constexpr explicit bucket_state(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr std::uint64_t bits() const noexcept { return bits_; }

  constexpr bool is_locked() const noexcept { return (bits_ & locked_bit) != 0; }
  constexpr bool is_moved() const noexcept { return (bits_ & moved_bit) != 0; }
  constexpr bool is_publishing(unsigned cell) const noexcept {
    return (bits_ & (publishing_bit | cell_field)) == (publishing_bit | cell << cell_shift);
  }

  /// Masks of cells, bit i for cell i.
  constexpr unsigned occupied() const noexcept { return mask(occupied_shift); }
  constexpr unsigned vacant() const noexcept { return ~mask(occupied_shift) & all_cells; }
  constexpr unsigned displaced() const noexcept {
    return mask(occupied_shift) & mask(displaced_shift);
  }
  constexpr unsigned at_home() const noexcept {
    return mask(occupied_shift) & ~mask(displaced_shift);
  }

  /// No change between the two but, perhaps, that a writer came or went without changing anything.
  constexpr bool is_same_version(bucket_state other) const noexcept {
    return (bits_ ^ other.bits_) <= locked_bit;
  }

  constexpr bucket_state locked() const noexcept { return bucket_state(bits_ | locked_bit); }
  constexpr bucket_state unlocked() const noexcept { return bucket_state(bits_ & ~locked_bit); }
  constexpr bucket_state with_publishing(unsigned cell) const noexcept {
    return bucket_state(bits_ | publishing_bit | std::uint64_t{cell} << cell_shift);
  }
  constexpr bucket_state with_new_version() const noexcept {
    return bucket_state(bits_ + version_one);
  }
  constexpr bucket_state with_element(unsigned cell, bool is_displaced) const noexcept {
    return bucket_state((bits_ | bit(occupied_shift, cell) |
                         (is_displaced ? bit(displaced_shift, cell) : std::uint64_t{0})) +
                        version_one);
  }
  constexpr bucket_state without_element(unsigned cell) const noexcept {
    return bucket_state((bits_ & ~(bit(occupied_shift, cell) | bit(displaced_shift, cell))) +
                        version_one);
  }
  /// The bucket's own elements are gone to the next table. Elements of other homes stay.
  constexpr bucket_state with_moved() const noexcept {
    return bucket_state(((bits_ & ~(std::uint64_t{at_home()} << occupied_shift)) | moved_bit) +
                        version_one);
  }
  static constexpr bucket_state always_moved() noexcept { return bucket_state(moved_bit); }

 private:
  static constexpr unsigned cell_shift = 3;
  static constexpr unsigned occupied_shift = 6;
  static constexpr unsigned displaced_shift = occupied_shift + Cells;
  static constexpr std::uint64_t locked_bit = 1;
  static constexpr std::uint64_t moved_bit = 2;
  static constexpr std::uint64_t publishing_bit = 4;
  static constexpr std::uint64_t cell_field = std::uint64_t{7} << cell_shift;
  static constexpr std::uint64_t version_one = std::uint64_t{1} << (displaced_shift + Cells);

  static constexpr std::uint64_t bit(unsigned shift, unsigned cell) noexcept {
    return std::uint64_t{1} << (shift + cell);
  }
  constexpr unsigned mask(unsigned shift) const noexcept {
    return static_cast<unsigned>(bits_ >> shift & all_cells);
  }

  std::uint64_t bits_ = 0;
};

/// Where the elements are that did not fit into their home bucket: one word of that bucket.
///
///     63 .. 56 | 55 .. 48 | 4 entries of 12 bits: tag (6), distance (6)
///     spilled  | reach    | an empty entry is 0
///
/// An entry names the bucket of one displaced element, `distance` steps after the home inside the
/// same block, and 6 bits of its hash: a hit costs at most one more line, and a miss none, but for
/// one in 64 per entry. Elements without an entry (a fifth one, or more than 63 steps away; a few
/// in a thousand homes at the highest load) are counted as spilled, and found by walking `reach`
/// steps.
class displaced_directory {
 public:
  static constexpr unsigned entry_count = 4;
  static constexpr unsigned max_entry_distance = 63;
  static constexpr unsigned reach_everywhere = 255;

  constexpr displaced_directory() noexcept = default;
  constexpr explicit displaced_directory(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr std::uint64_t bits() const noexcept { return bits_; }

  /// Six low bits of the hash, never 0: an empty entry matches nothing. (The high bits chose the
  /// bucket.)
  static constexpr unsigned tag_of(std::uint64_t hash) noexcept {
    const unsigned tag = static_cast<unsigned>(hash) & 63;
    return tag + (tag == 0);
  }

  constexpr bool is_empty() const noexcept { return bits_ == 0; }
  constexpr unsigned spilled() const noexcept { return static_cast<unsigned>(bits_ >> 56); }
  /// How many steps a walk for spilled elements takes; `reach_everywhere`: the block and its annex.
  constexpr unsigned reach() const noexcept { return static_cast<unsigned>(bits_ >> 48) & 255; }

  /// Distance of entry `i`, 0 if it is empty.
  constexpr unsigned distance(unsigned i) const noexcept { return entry(i) & 63; }
  constexpr bool matches(unsigned i, unsigned tag) const noexcept { return entry(i) >> 6 == tag; }

  /// False only if no displaced element of this home has that tag. May err the other way.
  constexpr bool may_hold(unsigned tag) const noexcept {
    const std::uint64_t difference = (bits_ & tag_fields) ^ tag * tag_ones;
    // A lane of `difference` is 0 where the tag is equal; the borrow sets its highest bit. A borrow
    // that runs on into the next lane may set that one too: then the first one was right already.
    const std::uint64_t zero_lanes = (difference - tag_ones) & ~difference & lane_high_bits;
    return (zero_lanes | bits_ >> 56) != 0;
  }

  constexpr displaced_directory with(unsigned distance, unsigned tag) const noexcept {
    if (distance <= max_entry_distance) {
      for (unsigned i = 0; i < entry_count; ++i) {
        if (entry(i) == 0) {
          return displaced_directory(bits_ | std::uint64_t{tag << 6 | distance} << (12 * i));
        }
      }
    }
    const unsigned farther = distance > reach() ? distance : reach();
    const unsigned count = spilled() < 255 ? spilled() + 1 : 255;  // 255: too many to count
    return with_spilled(count, farther < reach_everywhere ? farther : reach_everywhere);
  }

  constexpr displaced_directory without(unsigned distance, unsigned tag) const noexcept {
    for (unsigned i = 0; i < entry_count && distance <= max_entry_distance; ++i) {
      if (entry(i) == (tag << 6 | distance)) {
        return displaced_directory(bits_ & ~(std::uint64_t{0xfff} << (12 * i)));
      }
    }
    if (spilled() == 255) return *this;
    return spilled() <= 1 ? with_spilled(0, 0) : with_spilled(spilled() - 1, reach());
  }

 private:
  static constexpr std::uint64_t tag_ones = 0x040040040040;
  static constexpr std::uint64_t tag_fields = 0xfc0fc0fc0fc0;
  static constexpr std::uint64_t lane_high_bits = 0x800800800800;

  constexpr unsigned entry(unsigned i) const noexcept {
    return static_cast<unsigned>(bits_ >> (12 * i)) & 0xfff;
  }
  constexpr displaced_directory with_spilled(unsigned count, unsigned reach) const noexcept {
    return displaced_directory((bits_ & 0xffff'ffff'ffff) | std::uint64_t{reach} << 48 |
                               std::uint64_t{count} << 56);
  }

  std::uint64_t bits_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
