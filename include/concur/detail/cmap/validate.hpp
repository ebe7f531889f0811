// SPDX-License-Identifier: MIT
/// \file
/// Checks every structural invariant of a quiet map, and counts what there is.
#pragma once

#include <concur/detail/cmap/stats.hpp>
#include <concur/detail/cmap/traversal.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types, class Engine>
class validator : public traversal<Types, Engine> {
 public:
  /// Needs quiet.
  cmap_report validate() const {
    cmap_report report;
    // relaxed: quiet
    const root_word root(this->root_.load(std::memory_order_relaxed));
    directory* d = root.table();
    if (!d->is_of_empty_map()) {
      if (root.shift() != d->shift()) report.error = "the root word has another shift";
      count_table(d, report);
      directory* next = d->next.load(std::memory_order_relaxed);  // relaxed: quiet
      if (next != nullptr) count_table(next, report);
      for (std::size_t s = 0; s < std::size_t{1} << d->log2(); ++s) check_slot(d, next, s, report);
    }
    if (report.elements != this->size()) fail(report, "size() is not the number of elements");
    return report;
  }

 protected:
  using base = traversal<Types, Engine>;
  using base::base;
  using typename base::item;
  using typename base::layout;
  using typename base::list;
  using typename base::tuning;
  using typename base::word;

 private:
  /// A place: the first hash that belongs there, and how many bits come after the common ones.
  struct range {
    std::uint64_t first;
    unsigned below;
    unsigned depth;
    bool contains(std::uint64_t hash) const noexcept {
      return (hash & ~base::open_bits(below)) == first;
    }
  };

  static void fail(cmap_report& report, const char* what) noexcept {
    if (report.error == nullptr) report.error = what;
  }
  static word load(const place& at) noexcept {
    return word(at.load(std::memory_order_relaxed));  // relaxed: quiet
  }

  static void count_table(directory* d, cmap_report& report) noexcept {
    report.bytes += d->bytes;
    for (std::size_t s = 0; s < base::segment_count(*d); ++s) {
      // relaxed: quiet
      if (d->entries()[s].load(std::memory_order_relaxed) <= directory::entry_moved) continue;
      ++report.segments;
      report.bytes += segment_tail::bytes(base::log2_of_segment(d->log2()));
    }
  }

  static word slot_word_of(directory* d, std::size_t slot) noexcept {
    // relaxed: quiet
    if (base::entry_of(d, slot).load(std::memory_order_relaxed) == directory::entry_moved) {
      return word::moved();
    }
    const place* at = base::find_slot(d, slot);
    return at == nullptr ? word::empty() : load(*at);
  }

  void check_slot(directory* d, directory* next, std::size_t slot, cmap_report& report) const {
    const word w = slot_word_of(d, slot);
    const bool is_growing = next != nullptr && next->log2() > d->log2();
    const unsigned bits = next == nullptr ? 0 : base::bits_joined(d, next);
    const std::size_t first = slot >> bits << bits;
    std::size_t moved = first;  // the first of those that become one with it
    while (moved >> bits == slot >> bits && !slot_word_of(d, moved).is_moved()) ++moved;
    if (!w.is_moved()) {
      // If one of them has moved, the others are in the new slot as well.
      if (moved >> bits == slot >> bits) return;
      if (w.is_frozen() && next == nullptr) fail(report, "a slot is frozen");
      return check_word(w.thawed(), range_of(d, slot), report);
    }
    if (next == nullptr) return fail(report, "a slot has moved, and there is no next table");
    if (is_growing) {
      const unsigned more = next->log2() - d->log2();
      for (std::size_t side = 0; side < std::size_t{1} << more; ++side) {
        check_slot(next, nullptr, (slot << more) + side, report);
      }
    } else if (slot == moved) {
      check_slot(next, nullptr, slot >> bits, report);
    }
  }

  static range range_of(const directory* d, std::size_t slot) noexcept {
    return {std::uint64_t{slot} << d->shift(), d->shift(), 0};
  }

  void check_word(word w, range where, cmap_report& report) const {
    if (where.depth > report.depth) report.depth = where.depth;
    if (w.is_vacant()) return;
    if (w.is_moved()) return fail(report, "a place below the root has moved");
    if (w.is_leaf()) return check_leaf(w, where, report);
    if (base::is_list(w)) return check_list(w, where, report);
    check_branch(w, where, report);
  }

  void check_leaf(word w, range where, cmap_report& report) const {
    ++report.leaves;
    const unsigned count = w.count();
    report.elements += count;
    if (count > Types::max_leaf) fail(report, "a leaf has too many elements");
    if (Types::is_inline || count > 1) {
      ++report.nodes;
      report.bytes += layout::leaf_bytes(count);
    }
    std::uint64_t filter = 0;
    for (unsigned i = 0; i < count; ++i) {
      const item e = layout::at(w, i);
      const std::uint64_t hash = check_item(e, where, report);
      const std::uint64_t bit = word::filter_of(hash);
      if ((filter & ~(bit | (bit - 1))) != 0) fail(report, "a leaf is not sorted");
      filter |= bit;
      if (layout::filter(w, i, this->hash_) != bit) {
        fail(report, "an entry of a leaf has another hash than its element");
      }
      for (unsigned k = 0; k < i; ++k) {
        if (this->equal_(layout::value(e).first, layout::value(layout::at(w, k)).first)) {
          fail(report, "a key is in a leaf twice");
        }
      }
    }
    if (filter != w.filter()) fail(report, "the filter of a leaf is not that of its elements");
  }

  std::uint64_t check_item(item e, range where, cmap_report& report) const {
    const std::uint64_t hash = this->hash(layout::value(e).first);
    if (layout::hash(e, this->hash_) != hash) fail(report, "an element has another hash");
    if (!where.contains(hash)) fail(report, "an element is at the place of another hash");
    if constexpr (!Types::is_inline) {
      ++report.nodes;
      report.bytes += base::element::bytes();
    }
    return hash;
  }

  void check_list(word w, range where, cmap_report& report) const {
    ++report.lists;
    for (list* cell = w.template address<list>(); cell != nullptr; cell = cell->tail) {
      ++report.elements;
      ++report.nodes;
      report.bytes += sizeof(list);
      if (check_item(cell->item(), where, report) != cell->hash) {
        fail(report, "an element is in the list of another hash");
      }
      if (cell->info != (cell->tail == nullptr ? 1 : cell->tail->info + 1)) {
        fail(report, "a list has another length");
      }
      for (list* other = cell->tail; other != nullptr; other = other->tail) {
        if (this->equal_(layout::value(cell->item()).first, layout::value(other->item()).first)) {
          fail(report, "a key is in a list twice");
        }
      }
    }
  }

  void check_branch(word w, range where, cmap_report& report) const {
    auto* b = w.template address<branch>();
    ++report.branches;
    ++report.nodes;
    report.bytes += branch::bytes(b->bits());
    if (b->bits() == 0 || b->shift() + b->bits() != where.below) {
      return fail(report, "a branch is at the place of another one");
    }
    if (base::is_sparse(b)) ++report.unfinished;
    for (std::size_t i = 0; i < b->width(); ++i) {
      const word child = load(b->places()[i]);
      if (child.is_frozen()) ++report.unfinished;
      check_word(child.thawed(),
                 {where.first | std::uint64_t{i} << b->shift(), b->shift(), where.depth + 1},
                 report);
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
