// SPDX-License-Identifier: MIT
/// \file
/// When the root table is replaced, and who moves its slots (slot_mover.hpp): in shares, whoever
/// writes.
///
/// Shares: movers take blocks of slots by a common cursor; a bit per block of a segment says that
/// it is done. When the cursor is at its end and something is missing, because a mover sleeps, the
/// others do it again. A segment that has moved is retired at once, the directory at the end.
#pragma once

#include <concur/detail/cmap/slot_mover.hpp>
#include <concur/detail/config.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types>
class migration : public slot_mover<Types> {
 protected:
  using base = slot_mover<Types>;
  using base::base;
  using typename base::tuning;
  using typename base::word;

  static_assert(tuning::first_log2_slots >= 2, "the table of an empty map has two slots");
  static constexpr std::uint64_t entry_none = directory::entry_none;
  static constexpr std::uint64_t entry_moved = directory::entry_moved;

  // --- shares ---

  static constexpr std::size_t block_slots = std::size_t{1} << tuning::log2_block;
  static_assert(tuning::log2_block >= 1, "slots that become one are moved together");
  static_assert(tuning::log2_segment >= tuning::log2_block &&
                    tuning::log2_segment - tuning::log2_block <= 6,
                "a segment has at most 64 blocks");

  static std::size_t blocks_in_segment(const directory& d) noexcept {
    const unsigned log2 = base::log2_of_segment(d.log2());
    return log2 <= tuning::log2_block ? 1 : std::size_t{1} << (log2 - tuning::log2_block);
  }
  static std::uint64_t all_blocks(const directory& d) noexcept {
    return ~std::uint64_t{0} >> (64 - blocks_in_segment(d));
  }
  static segment_tail* tail_of(const directory& d, place* slots) noexcept {
    return segment_tail::of(slots, base::log2_of_segment(d.log2()));
  }

  /// One share of a running replacement of `from`, which is the root. What hasher or allocator
  /// throws is kept here: the share is then done later, or by somebody else.
  CONCUR_NOINLINE void help(const writer& w, directory* from) noexcept {
    CONCUR_TRY {
      move_share(w, from);
    }
    CONCUR_CATCH_ALL {}
  }

  void move_share(const writer& w, directory* from) {
    const std::size_t per_segment = blocks_in_segment(*from);
    const std::size_t blocks = base::segment_count(*from) * per_segment;
    // relaxed: any number will do, and done twice does no harm.
    if (from->cursor.load(std::memory_order_relaxed) < blocks) {
      const std::uint64_t number = from->cursor.fetch_add(1, std::memory_order_relaxed);
      if (number < blocks) {
        move_block(w, from, static_cast<std::size_t>(number) / per_segment,
                   static_cast<std::size_t>(number) % per_segment);
        if (number + 1 < blocks) return;
      }
    }
    sweep(w, from);
  }

  void move_block(const writer& w, directory* from, std::size_t segment, std::size_t block) {
    std::atomic<std::uint64_t>& entry = from->entries()[segment];
    std::uint64_t seen = entry_none;
    // Nothing was put there: all of it has moved. release: as a slot that moves.
    if (entry.compare_exchange_strong(seen, entry_moved, std::memory_order_release,
                                      std::memory_order_relaxed)) {
      return;
    }
    while (!w.pin.try_load(entry, seen)) {
      if (!this->is_root(w, from)) return;
    }
    if (seen == entry_moved) return;
    const place* slots = directory::slots(seen);
    const std::size_t in_segment = std::size_t{1} << base::log2_of_segment(from->log2());
    const std::size_t end = block * block_slots + block_slots;
    for (std::size_t i = block * block_slots; i < end && i < in_segment;) {
      prefetch_leaf(slots[i + leaves_ahead < in_segment ? i + leaves_ahead : i]);
      if (const unsigned n = this->try_move_slot(w, from, (segment << tuning::log2_segment) + i)) {
        i += n;
      } else if (!this->is_root(w, from)) {
        return;
      }
    }
    // (2) release: who sees all bits has every block of the segment behind it.
    tail_of(*from, directory::slots(seen))
        ->moved_blocks.fetch_or(std::uint64_t{1} << block, std::memory_order_release);
    retire_if_moved(w, from, entry, seen);
  }

  static constexpr std::size_t leaves_ahead = 6;
  static void prefetch_leaf(const place& at) noexcept {
    // relaxed: an address to prefetch, which need not be right, and is not touched.
    prefetch_to_read(word(at.load(std::memory_order_relaxed)).template address<const char>());
  }

  /// Retires the segment if all its blocks have moved. False if some have not.
  bool retire_if_moved(const writer& w, directory* from, std::atomic<std::uint64_t>& entry,
                       std::uint64_t seen) noexcept {
    segment_tail* tail = tail_of(*from, directory::slots(seen));
    // acquire: pairs with (2)
    if (tail->moved_blocks.load(std::memory_order_acquire) != all_blocks(*from)) return false;
    // release: as a slot that moves
    if (entry.compare_exchange_strong(seen, entry_moved, std::memory_order_release,
                                      std::memory_order_relaxed)) {
      this->retire(w, tail);
    }
    return true;
  }

  /// What is left when all blocks have been handed out: looks after the first segment that is not
  /// done, and makes the next table the root when there is none.
  CONCUR_COLD void sweep(const writer& w, directory* from) {
    constexpr unsigned enough = 64;
    const std::uint64_t count = base::segment_count(*from);
    // acquire: pairs with (3)
    std::uint64_t i = from->moved_segments.load(std::memory_order_acquire);
    for (unsigned n = 0; n < enough && i < count; ++n) {
      std::atomic<std::uint64_t>& entry = from->entries()[i];
      std::uint64_t seen;
      if (!w.pin.try_load(entry, seen)) return;
      if (seen > entry_moved && !retire_if_moved(w, from, entry, seen)) {
        return move_missing_block(w, from, static_cast<std::size_t>(i), seen);
      }
      if (seen == entry_none) return move_block(w, from, static_cast<std::size_t>(i), 0);
      std::uint64_t expected = i;
      // (3) release: who sees the number sees the entries before it; acquire on failure: the same.
      if (from->moved_segments.compare_exchange_strong(expected, i + 1, std::memory_order_release,
                                                       std::memory_order_acquire)) {
        ++i;
      } else {
        i = expected;
      }
    }
    if (i >= count) finish_table(w, from);
  }

  CONCUR_COLD void move_missing_block(const writer& w, directory* from, std::size_t segment,
                                      std::uint64_t seen) {
    // relaxed: which one to try; it is looked at slot by slot.
    std::uint64_t missing =
        all_blocks(*from) &
        ~tail_of(*from, directory::slots(seen))->moved_blocks.load(std::memory_order_relaxed);
    if (missing == 0) return;
    // Several helpers begin at different blocks.
    const unsigned skip = w.me.index & 63;
    const std::uint64_t later = missing >> skip << skip;
    if (later != 0) missing = later;
    std::size_t block = 0;
    while ((missing >> block & 1) == 0) ++block;
    move_block(w, from, segment, block);
  }

  void finish_table(const writer& w, directory* from) noexcept {
    directory* to;
    if (!w.pin.try_load(from->next, to)) return;
    std::uintptr_t expected = root_word::of(from).bits();
    // (4) release: publishes the next table, which readers may know only from here.
    if (this->root_.compare_exchange_strong(expected, root_word::of(to).bits(),
                                            std::memory_order_release, std::memory_order_relaxed)) {
      set_check_mask(to->log2());
      this->retire_table(w, from);
    }
  }

  // --- the beginning ---

  /// Gives `from`, the root, a next table, unless it has one.
  CONCUR_COLD void start_replacing(const writer& w, directory* from, unsigned log2) {
    // relaxed: the CAS decides
    if (from->next.load(std::memory_order_relaxed) != nullptr) return;
    directory* to = this->create_table(w, log2);
    directory* expected = nullptr;
    // (1) release: publishes the table; pairs with every acquiring load of `next`.
    if (!from->next.compare_exchange_strong(expected, to, std::memory_order_release,
                                            std::memory_order_relaxed)) {
      this->destroy_other(to);
    }
  }

  CONCUR_COLD void make_first_table(const writer& w, unsigned log2) {
    std::uintptr_t expected =
        this->root_.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    if (!root_word(expected).is_of_empty_map()) return;
    directory* to = this->create_table(w, log2);
    // release: as (4)
    if (!this->root_.compare_exchange_strong(expected, root_word::of(to).bits(),
                                             std::memory_order_release,
                                             std::memory_order_relaxed)) {
      this->destroy_other(to);
    }
  }

  // --- when ---

  static std::uint64_t most(unsigned log2) noexcept {
    return (std::uint64_t{Types::max_load} << log2) / 16;
  }
  /// Far below what the smaller table would hold.
  static std::uint64_t least(unsigned log2) noexcept {
    return log2 <= tuning::first_log2_slots ? 0 : most(log2) / tuning::min_load_divisor;
  }

  /// The next larger table. Small ones grow by four: that spares two of three moves.
  static unsigned larger(unsigned log2) noexcept {
    return log2 + (log2 < tuning::quadruple_below_log2 ? 2 : 1);
  }

  /// The next smaller table, of 2^floor slots at least: by four, too, where they are in one block.
  static unsigned smaller(unsigned log2, unsigned floor) noexcept {
    const unsigned quarter = log2 - 2;
    if (floor < tuning::first_log2_slots) floor = tuning::first_log2_slots;
    const bool is_quartered =
        tuning::log2_block >= 2 && log2 >= floor + 2 && quarter < tuning::quadruple_below_log2;
    return is_quartered ? quarter : log2 - 1;
  }

  /// More than any memory holds; what is computed from it does not overflow.
  static constexpr std::size_t most_elements = ~std::size_t{0} >> 8;

  unsigned log2_for(std::size_t n) const {
    if (n > most_elements) fail_length("concur: capacity overflows");
    unsigned log2 = tuning::first_log2_slots;
    while (most(log2) < n) ++log2;
    return log2;
  }

  /// Compares the size with the root table, and begins to replace it if that is wrong. In a section
  /// of its own: an extended announcement would seem to cover what the caller found before.
  CONCUR_NOINLINE void check_load(const writer& w) noexcept {
    const std::uint64_t n = this->size();
    era_pin pin(w.me);
    const root_word root(pin.load(this->root_));
    directory* d = root.table();
    set_check_mask(d->log2());
    // relaxed: start_replacing decides
    if (d->is_of_empty_map() || d->next.load(std::memory_order_relaxed) != nullptr) return;
    const unsigned log2 = d->log2();
    if (log2 >= tuning::striped_log2_slots) this->spread_counter();
    // relaxed: a setting
    const unsigned floor = this->floor_.load(std::memory_order_relaxed);
    CONCUR_TRY {
      if (n > most(log2)) {
        start_replacing(w, d, larger(log2));
      } else if (n < least(log2) && log2 > floor) {
        start_replacing(w, d, smaller(log2, floor));
      }
    }
    CONCUR_CATCH_ALL {
      // No memory for another table: the map goes on with this one, and branches below it.
    }
  }

  /// One change of the size; true if the load is to be looked at.
  CONCUR_FORCEINLINE bool count(std::int64_t by, const thread_slot& me) noexcept {
    if (striped_counter::stripe* const mine = this->counter_.stripe_of(me)) [[likely]] {
      return is_check_due(striped_counter::add_to(*mine, by));
    }
    return count_together(by, me);
  }
  bool count_together(std::int64_t by, const thread_slot& me) noexcept {
    const std::int64_t share = this->counter_.add(by, me);
    if (this->counter_.is_striped()) return is_check_due(share);
    // relaxed: how large the table is
    const unsigned log2 = 64 - root_word(this->root_.load(std::memory_order_relaxed)).shift();
    const auto n = static_cast<std::uint64_t>(share < 0 ? 0 : share);
    return n > most(log2) || n < least(log2);
  }

  /// Of a thread's own share of a striped size.
  bool is_check_due(std::int64_t share) const noexcept {
    // relaxed: a setting
    return (share & this->check_mask_.load(std::memory_order_relaxed)) == 0;
  }
  /// Less often in a larger table: what all threads have not yet looked at is a few per cent. So
  /// who counts need not know how large the table is. Every check sets that anew: a thread that
  /// slept since it put a table in its place may say what is true of an older one.
  void set_check_mask(unsigned log2) noexcept {
    constexpr unsigned few_per_cent = 8;
    const unsigned finest = log2 < few_per_cent ? 0 : log2 - few_per_cent;
    const unsigned interval =
        finest < tuning::log2_check_interval ? finest : tuning::log2_check_interval;
    const std::uint32_t mask = (std::uint32_t{1} << interval) - 1;
    // relaxed: a setting; and seldom changed, so that its line stays shared.
    if (this->check_mask_.load(std::memory_order_relaxed) != mask) {
      this->check_mask_.store(mask, std::memory_order_relaxed);
    }
  }

  /// Does everything that is left of a running replacement of `from`, the root.
  void finish_replacing(const writer& w, directory* from) {
    const std::uintptr_t root = root_word::of(from).bits();
    // relaxed: whether it is done yet
    while (this->root_.load(std::memory_order_relaxed) == root) move_share(w, from);
  }

  /// At least 2^log2 slots.
  void grow_to(const writer& w, unsigned log2) {
    for (;;) {
      const root_word root(w.pin.load(this->root_));
      directory* d = root.table();
      if (d->is_of_empty_map()) {
        make_first_table(w, log2);
        continue;
      }
      if (d->next.load(std::memory_order_relaxed) == nullptr) {  // relaxed: as start_replacing
        if (d->log2() >= log2) return;
        const unsigned next = larger(d->log2());
        start_replacing(w, d, next < log2 ? next : log2);
      }
      finish_replacing(w, d);
    }
  }

  /// As few slots as the elements need.
  void shrink(const writer& w) {
    for (;;) {
      const root_word root(w.pin.load(this->root_));
      directory* d = root.table();
      if (d->is_of_empty_map()) return;
      if (d->next.load(std::memory_order_relaxed) == nullptr) {  // relaxed: as start_replacing
        const unsigned enough = log2_for(this->size());
        if (d->log2() <= enough) return;
        start_replacing(w, d, smaller(d->log2(), enough));
      }
      finish_replacing(w, d);
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
