// SPDX-License-Identifier: MIT
/// \file
/// Replacing the root table by one that is half as large, or twice, or, while it is small, a
/// quarter or four times, by whoever writes: here slot by slot. Nobody waits: every step can be
/// taken over by another thread, and done twice does no harm.
///
///   old slot s     w  ->  w frozen  ->  moved          (vacant, when growing: w -> moved)
///   new slots      empty  ->  what s held              between the two steps of s
///
/// Growing: slot s becomes 2s and 2s+1, or 4s to 4s+3. (1) Freeze s: its content is decided. (2)
/// Make the new words from it; what goes to one side wholly goes there by its pointer. (3) Put them
/// into the new slots by CAS from `empty`: who comes late finds something there, and frees what it
/// made. (4) CAS s to `moved`; who succeeds retires what was copied.
///
/// Nobody but movers touches a new slot before (4): a writer goes to the next table only from a
/// slot that says `moved`. And a slot that has been filled is never `empty` again. So a slow mover
/// puts nothing there twice, at whatever time it wakes.
///
/// Shrinking: slots 2s and 2s+1, or 4s to 4s+3, become s. All of them are frozen, joined, put into
/// s, and then moved. A writer uses s when all say `moved`.
///
/// Why a node that was taken over by its pointer cannot be reached from the old slot after it is
/// retired: it is retired by a writer who replaces it in the new table; that one has seen the old
/// slot, or all of them, say `moved`, for good. The same holds for the children of an old branch,
/// which is reached only through its slot. (A reader who went there before is pinned since before,
/// see era_pin.hpp.)
#pragma once

#include <bit>
#include <concur/detail/cmap/build.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types>
class slot_mover : public node_builder<Types> {
 protected:
  using base = node_builder<Types>;
  using base::base;
  using typename base::compacted;
  using typename base::fresh_nodes;
  using typename base::layout;
  using typename base::tuning;
  using typename base::word;

  static constexpr unsigned max_leaf = Types::max_leaf;
  static constexpr std::uint64_t entry_none = directory::entry_none;
  static constexpr std::uint64_t entry_moved = directory::entry_moved;

  // --- where a slot is ---

  static std::atomic<std::uint64_t>& entry_of(directory* d, std::size_t slot) noexcept {
    return d->entries()[slot >> tuning::log2_segment];
  }
  static std::size_t index_in_segment(std::size_t slot) noexcept {
    return slot & ((std::size_t{1} << tuning::log2_segment) - 1);
  }

  /// Makes the segment of a slot. It is to be looked up anew: what others do with it since is not
  /// covered by this pin.
  CONCUR_COLD void make_segment(const writer& w, directory* d, std::size_t slot) {
    const unsigned log2 = base::log2_of_segment(d->log2());
    place* slots = this->create_segment(w, log2);
    std::uint64_t expected = entry_none;
    // (1) release: publishes the slots; pairs with every acquiring load of an entry.
    if (!entry_of(d, slot).compare_exchange_strong(
            expected, reinterpret_cast<std::uintptr_t>(slots), std::memory_order_release,
            std::memory_order_relaxed)) {
      this->destroy_other(segment_tail::of(slots, log2));
    }
  }
  /// Needs quiet: the slot, or nullptr if its segment is not there, or there no more.
  static place* find_slot(directory* d, std::size_t slot) noexcept {
    // relaxed: quiet
    const std::uint64_t seen = entry_of(d, slot).load(std::memory_order_relaxed);
    return seen <= entry_moved ? nullptr : directory::slots(seen) + index_in_segment(slot);
  }
  /// Whether nothing was ever put near a slot that reads as vacant.
  static bool is_missing(directory* d, std::size_t slot) noexcept {
    // relaxed: if there is a segment by now, then what is in it came later.
    return entry_of(d, slot).load(std::memory_order_relaxed) == entry_none;
  }

  // Movers, too, use only what their announcement covers: after the words of a step have been read
  // there is one look at the era before anything that they lead to is touched. Nodes are made after
  // that, and nothing is read any more: so to make nodes, which advances the era, never makes a
  // step start again for ever.

  /// Whether everything that was read in this section so far may be used. If not, start again.
  bool is_covered(const writer& w) const noexcept {
    std::uintptr_t root;
    return w.pin.try_load(this->root_, root);
  }
  bool is_root(const writer& w, const directory* d) const noexcept {
    return root_word(w.pin.load(this->root_)).table() == d;
  }

  /// The slot of the next table that is to be filled; nullptr if that table has been replaced too,
  /// and everything is done. False: start again.
  CONCUR_FORCEINLINE bool find_target(const writer& w, directory* to, std::size_t slot,
                                      place*& found) {
    std::uint64_t entry;
    if (!w.pin.try_load(entry_of(to, slot), entry)) return false;
    if (entry == entry_none) {
      make_segment(w, to, slot);
      return false;
    }
    found = entry == entry_moved ? nullptr : directory::slots(entry) + index_in_segment(slot);
    return true;
  }

  // --- one slot ---

  static constexpr unsigned max_sides = 4;

  /// Moves the slot, and with it those that become one with it. How many that were; 0: the era has
  /// advanced, start again at the root. Throws what hasher and allocator throw: then they stay
  /// frozen, and the next one goes on.
  unsigned try_move_slot(const writer& w, directory* from, std::size_t slot) {
    directory* to;
    std::uint64_t entry;
    if (!w.pin.try_load(from->next, to) || !w.pin.try_load(entry_of(from, slot), entry)) return 0;
    if (entry <= entry_moved) return 1;
    place* at = directory::slots(entry) + index_in_segment(slot);
    if (to->log2() > from->log2()) return try_split_slot(w, from, to, *at, slot) ? 1 : 0;
    const unsigned bits = bits_joined(from, to);
    return try_join_slots(w, from, to, first_of_group(at, slot, bits), slot >> bits) ? 1U << bits
                                                                                     : 0;
  }
  /// log2 of how many slots become one: 0 if the table grows.
  static unsigned bits_joined(const directory* from, const directory* to) noexcept {
    return to->log2() < from->log2() ? from->log2() - to->log2() : 0;
  }
  /// Those that become one are in one segment.
  static place* first_of_group(place* at, std::size_t slot, unsigned bits) noexcept {
    return at - (slot & ((std::size_t{1} << bits) - 1));
  }

  bool try_split_slot(const writer& w, const directory* from, directory* to, place& at,
                      std::size_t slot) {
    word frozen;
    do {
      // relaxed: nothing is below
      std::uint64_t seen = at.load(std::memory_order_relaxed);
      // release: what comes before stays before.
      if (word(seen).is_vacant() &&
          at.compare_exchange_strong(seen, word::moved().bits(), std::memory_order_release,
                                     std::memory_order_relaxed)) {
        return true;
      }
      frozen = base::freeze(at);
    } while (frozen.is_vacant());
    if (frozen.is_moved()) return true;
    if (!is_covered(w)) return false;
    const unsigned bits = to->log2() - from->log2();
    return frozen.is_leaf() ? try_split_leaf(w, to, at, frozen, slot, bits)
                            : try_split_node(w, to, at, frozen, slot, bits);
  }

  /// Which of the slots that one becomes: by the `bits` of the hash that the next table looks at in
  /// addition.
  static unsigned side_of(std::uint64_t hash, const directory* to, unsigned bits) noexcept {
    return static_cast<unsigned>(hash >> to->shift()) & ((1U << bits) - 1);
  }

  CONCUR_NOINLINE bool try_move_whole(const writer& w, directory* to, place& at, word frozen,
                                      std::size_t slot) {
    place* target;
    if (!find_target(w, to, slot, target)) return false;
    if (target == nullptr) return true;
    install(*target, frozen.thawed());
    finish_slot(at, frozen);
    return true;
  }

  bool try_split_leaf(const writer& w, directory* to, place& at, word frozen, std::size_t slot,
                      unsigned bits) {
    const unsigned count = frozen.count();
    std::uint64_t hashes[max_leaf];
    side_counts counts;
    for (unsigned i = 0; i < count; ++i) {
      hashes[i] = layout::hash(layout::at(frozen, i), this->hash_);
      counts.add(side_of(hashes[i], to, bits));
    }
    const unsigned some = lowest(counts.sides());
    if (counts.of(some) == count) return try_move_whole(w, to, at, frozen, (slot << bits) + some);
    place* targets[max_sides];
    for (unsigned left = counts.sides(); left != 0; left &= left - 1) {
      const unsigned side = lowest(left);
      if (!find_target(w, to, (slot << bits) + side, targets[side])) return false;
      if (targets[side] == nullptr) return true;
    }
    if constexpr (Types::is_inline) {
      divide_pairs(w, to, frozen, hashes, counts, bits, targets);
    } else {
      for (unsigned left = counts.sides(); left != 0; left &= left - 1) {
        const unsigned side = lowest(left);
        fresh_nodes fresh(*this, w);
        const word made = this->pick(w, fresh, frozen, hashes, counts.of(side),
                                     [=](std::uint64_t h) { return side_of(h, to, bits) == side; });
        if (install(*targets[side], made)) fresh.published();
      }
    }
    if (finish_slot(at, frozen)) this->retire_leaf(w, frozen.thawed());
    return true;
  }

  /// How many elements go to each side: a byte for each.
  class side_counts {
   public:
    void add(unsigned side) noexcept { bytes_ += 1U << 8 * side; }
    unsigned of(unsigned side) const noexcept { return bytes_ >> 8 * side & 0xFF; }
    /// Where the elements of each side begin, if they are sorted by it.
    side_counts begins() const noexcept {
      side_counts sums;
      sums.bytes_ = bytes_ * 0x0101'0100U;
      return sums;
    }
    /// A bit for each side that has some.
    unsigned sides() const noexcept {
      unsigned found = 0;
      for (unsigned side = 0; side < max_sides; ++side) {
        found |= static_cast<unsigned>(of(side) != 0) << side;
      }
      return found;
    }

   private:
    std::uint32_t bytes_ = 0;
  };
  static unsigned lowest(unsigned bits) noexcept {
    return static_cast<unsigned>(std::countr_zero(bits));
  }

  /// Sorts the elements of a leaf by side, and puts a leaf of each side's into its target. Which
  /// element goes where is as good as random: no branch depends on it.
  void divide_pairs(const writer& w, const directory* to, word frozen, const std::uint64_t* hashes,
                    side_counts counts, unsigned bits, place* const* targets) {
    // One more is read of an odd number, and ignored. Aligned as the vectors that copy it are.
    alignas(16) local_value<typename Types::value_type> sorted[max_leaf + 1];
    std::uint64_t filters[max_sides] = {};
    side_counts next = counts.begins();
    for (unsigned i = 0; i < frozen.count(); ++i) {
      const unsigned side = side_of(hashes[i], to, bits);
      layout::put(sorted, next.of(side), layout::at(frozen, i), hashes[i]);
      filters[side] |= word::filter_of(hashes[i]);
      next.add(side);
    }
    const side_counts begins = counts.begins();
    for (unsigned left = counts.sides(); left != 0; left &= left - 1) {
      const unsigned side = lowest(left);
      const unsigned count = counts.of(side);
      void* const leaf = this->take_leaf(w.as_owner(), count);
      layout::copy_written(leaf, sorted[begins.of(side)].get(), count);
      base::stamp_leaf(w.as_owner(), leaf, count);
      if (!install(*targets[side], word::leaf(leaf, count, filters[side]))) {
        this->discard_leaf(w.mine, word::leaf(leaf, count, 0));
      }
    }
  }

  /// A branch, whose children become two or four branches of fewer bits, or less than that; or a
  /// list. Costs as much as branches are wide, however much hangs below them.
  CONCUR_COLD bool try_split_node(const writer& w, directory* to, place& at, word frozen,
                                  std::size_t slot, unsigned bits) {
    if (!try_freeze_below(w, frozen, bits)) return false;
    place* targets[max_sides];
    for (unsigned side = 0; side < 1U << bits; ++side) {
      if (!find_target(w, to, (slot << bits) + side, targets[side])) return false;
      if (targets[side] == nullptr) return true;
    }
    bool is_copied[max_sides] = {};
    for (unsigned side = 0; side < 1U << bits; ++side) {
      fresh_nodes fresh(*this, w);
      const compacted made = make_side(w, fresh, to, frozen, bits, side);
      is_copied[side] = made.is_merged;
      if (install(*targets[side], made.made)) fresh.published();
    }
    if (finish_slot(at, frozen)) retire_divided(w, frozen, bits, is_copied);
    return true;
  }

  /// Freezes the branches that are divided: those of the next `bits`. False: start again.
  CONCUR_COLD bool try_freeze_below(const writer& w, word content, unsigned bits) {
    if (!base::is_branch(content)) return true;
    auto* const b = content.template address<branch>();
    word words[base::max_width];
    base::freeze(b, words);
    if (!is_covered(w)) return false;
    if (b->bits() >= bits) return true;
    for (std::size_t i = 0; i < b->width(); ++i) {
      if (!try_freeze_below(w, words[i], bits - b->bits())) return false;
    }
    return true;
  }

  /// What one of the new slots gets of frozen content.
  CONCUR_COLD compacted make_side(const writer& w, fresh_nodes& fresh, const directory* to,
                                  word content, unsigned bits, unsigned side) {
    if (content.is_vacant()) return {word::empty()};
    const auto is_here = [=](std::uint64_t h) { return side_of(h, to, bits) == side; };
    if (content.is_leaf()) {
      std::uint64_t hashes[max_leaf];
      unsigned count = 0;
      for (unsigned i = 0; i < content.count(); ++i) {
        hashes[i] = layout::hash(layout::at(content, i), this->hash_);
        count += is_here(hashes[i]) ? 1U : 0U;
      }
      if (count == 0) return {word::empty()};
      if (count == content.count()) return {content.thawed()};
      return {this->pick(w, fresh, content, hashes, count, is_here), true};
    }
    if (!base::is_branch(content)) {
      const auto* cell = content.template address<typename base::list>();
      return {is_here(cell->hash) ? content.thawed() : word::empty()};
    }
    auto* const b = content.template address<branch>();
    word words[base::max_width];
    base::freeze(b, words);  // they are: reads them
    if (b->bits() < bits) {
      const unsigned left = bits - b->bits();
      return make_side(w, fresh, to, words[side >> left], left, side & ((1U << left) - 1));
    }
    const std::size_t share = b->width() >> bits;
    return this->compact(w, fresh, words + side * share, share, b->shift(), max_leaf - 1);
  }

  /// Retires the branches that have been divided, and the leaves that have been copied.
  CONCUR_COLD void retire_divided(const writer& w, word content, unsigned bits,
                                  const bool* is_copied) noexcept {
    if (content.is_leaf()) {
      bool is_any = false;
      for (unsigned side = 0; side < 1U << bits; ++side) is_any |= is_copied[side];
      if (is_any) this->retire_leaf(w, content.thawed());
    }
    if (!base::is_branch(content)) return;
    auto* const b = content.template address<branch>();
    word words[base::max_width];
    base::freeze(b, words);  // they are: reads them
    for (std::size_t i = 0; i < b->width(); ++i) {
      if (b->bits() < bits) {
        retire_divided(w, words[i], bits - b->bits(), is_copied + (i << (bits - b->bits())));
      } else if (is_copied[i >> (b->bits() - bits)]) {
        this->retire_leaf(w, words[i].thawed());
      }
    }
    this->retire(w, b);
  }

  /// Step (3). False if another mover has put the same there.
  static bool install(place& target, word made) noexcept {
    std::uint64_t expected = word::empty().bits();
    // (2) release: publishes the nodes of `made`; pairs with every acquiring load of a slot.
    return target.compare_exchange_strong(expected, made.bits(), std::memory_order_release,
                                          std::memory_order_relaxed);
  }

  /// Step (4). True for the one who is to retire what was copied.
  static bool finish_slot(place& at, word frozen) noexcept {
    std::uint64_t expected = frozen.bits();
    // (3) release: who sees `moved` sees what is in the new slots.
    return at.compare_exchange_strong(expected, word::moved().bits(), std::memory_order_release,
                                      std::memory_order_relaxed);
  }

  /// Shrinking: the slots of `from`, beginning at `group`, that become slot `s`.
  bool try_join_slots(const writer& w, directory* from, directory* to, place* group,
                      std::size_t s) {
    const unsigned width = 1U << bits_joined(from, to);
    word words[max_sides];
    bool is_any = false;
    bool is_filled = false;
    for (unsigned i = 0; i < width; ++i) {
      words[i] = base::freeze(group[i]);
      is_any |= !words[i].is_vacant();
      is_filled |= words[i].is_moved();
    }
    if (!is_covered(w)) return false;
    place* target = nullptr;
    if (is_any) {
      if (!find_target(w, to, s, target)) return false;
      if (target == nullptr) return true;
    }
    // If one says `moved`, then the new slot has been filled.
    if (is_any && !is_filled) {
      fresh_nodes fresh(*this, w);
      const auto made = this->compact(w, fresh, words, width, from->shift(), max_leaf);
      if (install(*target, made.made)) fresh.published();
    }
    // relaxed: compared only. It was filled before one of them said `moved`, or by this thread.
    const word now(is_any ? target->load(std::memory_order_relaxed) : word::empty().bits());
    for (unsigned i = 0; i < width; ++i) {
      if (words[i].is_moved() || !finish_slot(group[i], words[i])) continue;
      // The slot was frozen until now: so nobody has changed the new one since it was filled, and
      // `now` tells whether this leaf was taken over or copied.
      const word content = words[i].thawed();
      if (now.is_leaf() && content.is_leaf() && now != content) this->retire_leaf(w, content);
    }
    return true;
  }

  /// Whether everything that a writer may meet in the next table at `slot` of this one is there:
  /// whether all slots that become one have moved.
  static bool is_ready(directory* from, directory* to, place* at, std::size_t slot) noexcept {
    const unsigned bits = bits_joined(from, to);
    const place* const group = first_of_group(at, slot, bits);
    for (unsigned i = 0; i < 1U << bits; ++i) {
      // acquire: who moved it has looked at the new slot before; pairs with finish_slot.
      if (!word(group[i].load(std::memory_order_acquire)).is_moved()) return false;
    }
    return true;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
