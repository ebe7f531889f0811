// SPDX-License-Identifier: MIT
/// \file
/// Giving everything back, when nobody uses the map any more.
#pragma once

#include <concur/detail/cmap/change.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types>
class releaser : public changer<Types> {
 protected:
  using base = changer<Types>;
  using base::base;
  using typename base::item;
  using typename base::layout;
  using typename base::list;
  using typename base::word;

  /// Needs quiet: gives back everything; the map is an empty one.
  void release_all() noexcept {
    // relaxed: the caller's quiet orders all of these.
    const root_word root(this->root_.exchange(base::empty_root(), std::memory_order_relaxed));
    directory* d = root.table();
    if (!d->is_of_empty_map()) {
      directory* next = d->next.load(std::memory_order_relaxed);  // relaxed: quiet
      if (next != nullptr) {
        drop_copies(d, next);
        release_table(next);
      }
      release_table(d);
    }
    this->release_records();
    this->floor_.store(0, std::memory_order_relaxed);  // relaxed: quiet
  }

 private:
  static word load(const place& at) noexcept {
    return word(at.load(std::memory_order_relaxed));  // relaxed: quiet
  }

  template <class F>
  static void for_each_slot(directory* d, F f) {
    const std::size_t in_segment = std::size_t{1} << base::log2_of_segment(d->log2());
    for (std::size_t s = 0; s < base::segment_count(*d); ++s) {
      // relaxed: quiet
      const std::uint64_t entry = d->entries()[s].load(std::memory_order_relaxed);
      if (entry <= directory::entry_moved) continue;
      place* slots = directory::slots(entry);
      for (std::size_t i = 0; i < in_segment; ++i) f(slots[i], s * in_segment + i);
    }
  }

  void release_table(directory* d) noexcept {
    for_each_slot(d, [this](place& at, std::size_t) { release_content(load(at)); });
    for (std::size_t s = 0; s < base::segment_count(*d); ++s) {
      // relaxed: quiet
      const std::uint64_t entry = d->entries()[s].load(std::memory_order_relaxed);
      if (entry > directory::entry_moved) {
        this->deallocate_bytes(directory::slots(entry),
                               segment_tail::bytes(base::log2_of_segment(d->log2())));
      }
    }
    this->destroy_other(d);
  }

  /// All that is below a word. By itself: a branch in a branch is not worth its being inlined.
  CONCUR_NOINLINE void release_content(word content) noexcept {
    if (content.is_vacant() || content.is_moved()) return;
    if (content.is_leaf()) {
      if constexpr (!Types::is_inline) {
        for (unsigned i = 0; i < content.count(); ++i) {
          if (content.count() > 1) this->destroy_element(nullptr, layout::at(content, i));
        }
      }
      release_leaf(content, true);
    } else if (base::is_branch(content)) {
      auto* b = content.template address<branch>();
      for (std::size_t i = 0; i < b->width(); ++i) release_content(load(b->places()[i]));
      this->destroy_other(b);
    } else {
      for (list* cell = content.template address<list>(); cell != nullptr;) {
        list* const tail = cell->tail;
        if constexpr (!Types::is_inline) this->destroy_element(nullptr, cell->item());
        this->destroy_other(cell);
        cell = tail;
      }
    }
  }

  /// A leaf. In the indirect layout that of one element is the element.
  void release_leaf(word leaf, bool with_element) noexcept {
    const unsigned count = leaf.count();
    if (!Types::is_inline && count == 1) {
      if constexpr (!Types::is_inline) {
        if (with_element) this->destroy_element(nullptr, layout::at(leaf, 0));
      }
    } else {
      this->deallocate_bytes(leaf.template address<void>(), layout::leaf_bytes(count));
    }
  }

  /// A move that threw has left its slot frozen, and perhaps what was made of it in the next table:
  /// the slot is what counts. What was taken over by its pointer must not be freed twice.
  CONCUR_COLD void drop_copies(directory* from, directory* to) noexcept {
    const bool is_growing = to->log2() > from->log2();
    for_each_slot(from, [&](place& at, std::size_t slot) {
      if (is_growing) {
        if (!load(at).is_frozen()) return;
        const unsigned bits = to->log2() - from->log2();
        for (std::size_t side = 0; side < std::size_t{1} << bits; ++side) {
          drop_copy(to, (slot << bits) + side, &at, 1);
        }
      } else if (const unsigned bits = from->log2() - to->log2(); (slot >> bits << bits) == slot) {
        drop_joined(to, slot >> bits, &at, 1U << bits);
      }
    });
  }
  /// Of `width` slots from `group` on, which become one.
  CONCUR_COLD void drop_joined(directory* to, std::size_t slot, place* group,
                               unsigned width) noexcept {
    unsigned frozen = 0;
    unsigned moved = 0;
    for (unsigned i = 0; i < width; ++i) {
      frozen += load(group[i]).is_frozen() ? 1U : 0U;
      moved += load(group[i]).is_moved() ? 1U : 0U;
    }
    if (moved == 0) {
      // Where one is open, nothing has been made yet.
      if (frozen == width) drop_copy(to, slot, group, width);
      return;
    }
    // If one has moved, the new slot counts for all.
    for (unsigned i = 0; i < width; ++i) {
      if (load(group[i]).is_frozen()) drop_moved_part(to, slot, group[i]);
    }
  }

  /// What the next table has got at `slot`, if that was not taken over from one of the old slots.
  CONCUR_NOINLINE void drop_copy(directory* to, std::size_t slot, const place* from,
                                 unsigned count) noexcept {
    place* at = base::find_slot(to, slot);
    if (at == nullptr) return;
    const word made = load(*at);
    at->store(0, std::memory_order_relaxed);  // relaxed: quiet
    for (unsigned i = 0; i < count; ++i) {
      if (holds(load(from[i]), made)) return;
    }
    drop_node(made);
  }
  /// Whether `made` is the word, or one somewhere below it.
  CONCUR_NOINLINE static bool holds(word original, word made) noexcept {
    if (made == original.thawed()) return true;
    if (!base::is_branch(original)) return false;
    auto* b = original.template address<branch>();
    for (std::size_t i = 0; i < b->width(); ++i) {
      if (holds(load(b->places()[i]), made)) return true;
    }
    return false;
  }
  /// The new slot has the elements of `part`, and its leaf if that was not copied.
  void drop_moved_part(directory* to, std::size_t slot, place& part) noexcept {
    const place* at = base::find_slot(to, slot);
    const word content = load(part).thawed();
    if (at != nullptr && load(*at).is_leaf() && content.is_leaf() && load(*at) != content) {
      release_leaf(content, false);
    }
    part.store(word::moved().bits(), std::memory_order_relaxed);  // relaxed: quiet
  }
  /// One node that was made, without what it took over.
  void drop_node(word made) noexcept {
    if (made.is_leaf()) {
      release_leaf(made, false);
    } else if (base::is_branch(made)) {
      this->destroy_other(made.template address<branch>());
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
