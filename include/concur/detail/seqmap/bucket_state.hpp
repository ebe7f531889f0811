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
///   moved       this bucket's own elements live in the next table. Set once, by who migrates.
///   publishing  the value of `cell` is being overwritten in several words: its readers wait. Set
///               and cleared by the lock's owner, who does nothing but copy in between.
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
  constexpr bool is_publishing() const noexcept { return (bits_ & publishing_bit) != 0; }
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
///     63 .. 56 | 55 .. 52 | 4 entries of 9 bits: tag (4), distance (5) | 15 .. 0
///     spilled  | reach    |                                            | filter
///
/// An entry names the bucket of one displaced element, `distance` steps after the home inside the
/// same block, and 4 bits of its hash; the filter has one bit per tag that occurs. So a hit costs
/// one more line, and a miss none, but for one in 16 per entry: the few homes that have any. A miss
/// asks for one bit, because most lookups of absent keys do nothing else. Elements without an entry
/// (a fifth one, or more than 31 steps away; a few in a thousand homes at the highest load) are
/// counted as spilled, set the whole filter, and are found by walking `reach` steps. A count of 255
/// says no more than "many": who erases one then looks whether there still are any.
class displaced_directory {
 public:
  static constexpr unsigned entry_count = 4;
  static constexpr unsigned max_entry_distance = 31;
  static constexpr unsigned reach_everywhere = 255;
  static constexpr unsigned tag_count = 16;

  constexpr displaced_directory() noexcept = default;
  constexpr explicit displaced_directory(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr std::uint64_t bits() const noexcept { return bits_; }

  /// Low bits of the hash. (The high bits chose the bucket.)
  static constexpr unsigned tag_of(std::uint64_t hash) noexcept {
    return static_cast<unsigned>(hash) % tag_count;
  }

  constexpr bool is_empty() const noexcept { return bits_ == 0; }
  constexpr unsigned spilled() const noexcept {
    return static_cast<unsigned>(bits_ >> spilled_shift);
  }
  /// More may be spilled than are counted, or none any more: an erasure has to look.
  constexpr bool is_uncounted() const noexcept { return spilled() == uncounted; }
  constexpr unsigned entries_in_use() const noexcept {
    unsigned n = 0;
    for (unsigned i = 0; i < entry_count; ++i) n += entry(i) != 0;
    return n;
  }
  /// How many steps a walk for spilled elements takes, a power of two less one;
  /// `reach_everywhere`: the block and its annex.
  constexpr unsigned reach() const noexcept { return (1u << reach_width()) - 1; }

  /// Distance of entry `i`, 0 if it is empty.
  constexpr unsigned distance(unsigned i) const noexcept { return entry(i) & max_entry_distance; }
  constexpr bool matches(unsigned i, unsigned tag) const noexcept {
    return entry(i) != 0 && entry(i) >> distance_bits == tag;
  }

  /// False only if no displaced element of this home has that tag.
  constexpr bool may_hold(unsigned tag) const noexcept { return (bits_ >> tag & 1) != 0; }

  constexpr displaced_directory with(unsigned distance, unsigned tag) const noexcept {
    if (distance <= max_entry_distance) {
      for (unsigned i = 0; i < entry_count; ++i) {
        if (entry(i) == 0) {
          const std::uint64_t fresh = tag << distance_bits | distance;
          return displaced_directory(bits_ | fresh << entry_shift(i) | std::uint64_t{1} << tag);
        }
      }
    }
    const auto width = static_cast<unsigned>(std::bit_width(distance));
    const unsigned farther = width > reach_width() ? width : reach_width();
    // At most `uncounted`: then nobody knows how many there are.
    return with_spilled(spilled() < uncounted ? spilled() + 1 : uncounted, farther);
  }

  constexpr displaced_directory without(unsigned distance, unsigned tag) const noexcept {
    for (unsigned i = 0; i < entry_count && distance <= max_entry_distance; ++i) {
      if (entry(i) == (tag << distance_bits | distance)) {
        const displaced_directory rest(bits_ & ~(entry_mask << entry_shift(i)));
        return rest.with_spilled(rest.spilled(), rest.reach_width());
      }
    }
    if (is_uncounted()) return *this;
    return spilled() <= 1 ? without_spilled() : with_spilled(spilled() - 1, reach_width());
  }

  /// Only the elements that have entries.
  constexpr displaced_directory without_spilled() const noexcept { return with_spilled(0, 0); }

 private:
  static constexpr unsigned distance_bits = 5;
  static constexpr unsigned entry_bits = 9;
  static constexpr unsigned reach_shift = 52;
  static constexpr unsigned spilled_shift = 56;
  static constexpr unsigned uncounted = 255;
  static constexpr std::uint64_t entry_mask = (std::uint64_t{1} << entry_bits) - 1;
  static constexpr std::uint64_t all_tags = (std::uint64_t{1} << tag_count) - 1;
  static constexpr std::uint64_t all_entries =
      (std::uint64_t{1} << reach_shift) - (std::uint64_t{1} << tag_count);

  static constexpr unsigned entry_shift(unsigned i) noexcept { return tag_count + entry_bits * i; }
  constexpr unsigned entry(unsigned i) const noexcept {
    return static_cast<unsigned>(bits_ >> entry_shift(i) & entry_mask);
  }
  constexpr unsigned reach_width() const noexcept {
    return static_cast<unsigned>(bits_ >> reach_shift) & 15;
  }
  /// The entries that there are, with a filter for them and for so many spilled elements.
  constexpr displaced_directory with_spilled(unsigned count, unsigned width) const noexcept {
    std::uint64_t filter = count == 0 ? 0 : all_tags;
    for (unsigned i = 0; i < entry_count; ++i) {
      if (entry(i) != 0) filter |= std::uint64_t{1} << (entry(i) >> distance_bits);
    }
    return displaced_directory(filter | (bits_ & all_entries) |
                               std::uint64_t{width} << reach_shift |
                               std::uint64_t{count} << spilled_shift);
  }

  std::uint64_t bits_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
