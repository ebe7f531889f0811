// SPDX-License-Identifier: MIT
/// \file
/// From the root to the place of a hash: once for those who read and once for those who change it.
///
/// A reader goes on through whatever it finds: a frozen word is as good as any other, a slot that
/// says `moved` sends it to the next table. It helps nobody.
///
/// A writer needs a place that is not frozen. On its way it completes what is frozen above: a slot
/// is moved, a branch is rebuilt (rebuild.hpp); then it starts again.
///
/// Both start again when the era has advanced (era_pin.hpp): once in a hundred operations.
#pragma once

#include <concur/detail/cmap/rebuild.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types>
class walk : public rebuild<Types> {
 protected:
  using base = rebuild<Types>;
  using base::base;
  using typename base::item;
  using typename base::layout;
  using typename base::list;
  using typename base::tuning;
  using typename base::word;

  // --- to read ---

  /// What is at the place of `hash`: no branch, not `moved`. False: start again.
  template <class Pin>
  CONCUR_FORCEINLINE bool try_read_word(Pin& pin, std::uint64_t hash, word& found) const {
    std::uintptr_t bits;
    if (!pin.try_load(this->root_, bits)) return false;
    const root_word root(bits);
    if (!try_read_slot(pin, root.table(), root.shift(), hash, found)) return false;
    if (found.is_moved() || found.is_node()) [[unlikely]]
      return try_read_deeper(pin, root.table(), hash, found);
    return true;
  }

  /// The word of the slot; `moved` also where a whole segment has moved. What it leads to may be
  /// looked at.
  template <class Pin>
  CONCUR_FORCEINLINE static bool try_read_slot(Pin& pin, directory* d, unsigned shift,
                                               std::uint64_t hash, word& found) noexcept {
    const auto slot = static_cast<std::size_t>(hash >> shift);
    std::uint64_t entry;
    if (!pin.try_load(base::entry_of(d, slot), entry)) return false;
    if (entry <= directory::entry_moved) [[unlikely]] {
      found = entry == directory::entry_none ? word::empty() : word::moved();
      return true;
    }
    std::uint64_t bits;
    const bool is_current =
        pin.try_load(directory::slots(entry)[base::index_in_segment(slot)], bits);
    found = word(bits);
    return is_current;
  }

  /// Through next tables and branches.
  template <class Pin>
  CONCUR_NOINLINE static bool try_read_deeper(Pin& pin, directory* d, std::uint64_t hash,
                                              word& found) noexcept {
    while (found.is_moved()) {
      directory* next;
      if (!pin.try_load(d->next, next)) return false;
      d = next;
      if (!try_read_slot(pin, d, d->shift(), hash, found)) return false;
    }
    while (base::is_branch(found)) {
      std::uint64_t bits;
      if (!pin.try_load(found.template address<branch>()->at(hash), bits)) return false;
      found = word(bits);
    }
    return true;
  }

  /// The element of `key` below a word that is no branch, or null.
  template <class K>
  CONCUR_FORCEINLINE item find_in(word w, std::uint64_t hash, const K& key) const {
    if (!w.may_hold(hash)) return nullptr;
    if (w.is_leaf()) [[likely]]
      return layout::find(w, hash, key, this->equal_);
    return w.is_node() ? find_in_list(w, hash, key) : nullptr;
  }
  template <class K>
  CONCUR_NOINLINE item find_in_list(word w, std::uint64_t hash, const K& key) const {
    list* cell = w.template address<list>();
    if (cell->hash != hash) return nullptr;
    for (; cell != nullptr; cell = cell->tail) {
      const item content = cell->item();
      if (this->equal_(layout::value(content).first, key)) return content;
    }
    return nullptr;
  }

  // --- to change ---

  /// A place whose word was not frozen when it was read, and the innermost branch above it.
  struct position {
    place* at = nullptr;  ///< nullptr: nothing was ever put near
    word seen;
    unsigned below = 0;  ///< bits of the hash that the place, or what is missing, leaves open
    unsigned open = 0;   ///< bits that the step of a traversal leaves open: those of the finest
                         ///< of the tables, beyond which something may not have moved yet
    bool has_branch = false;
    typename base::branch_place parent;  ///< if it has
  };

  /// The slot of `hash` and its word, if it can be had at once: no replacement runs.
  template <class Pin>
  CONCUR_FORCEINLINE bool try_locate_slot(Pin& pin, std::uint64_t hash, position& found) const {
    std::uintptr_t bits;
    std::uint64_t entry, seen;
    if (!pin.try_load(this->root_, bits)) return false;
    const root_word root(bits);
    const auto slot = static_cast<std::size_t>(hash >> root.shift());
    // relaxed: only whether there is one
    if (root.table()->next.load(std::memory_order_relaxed) != nullptr ||
        !pin.try_load(base::entry_of(root.table(), slot), entry) || entry <= directory::entry_moved)
        [[unlikely]] {
      return false;
    }
    found.at = directory::slots(entry) + base::index_in_segment(slot);
    if (!pin.try_load(*found.at, seen)) return false;
    found.seen = word(seen);
    found.below = root.shift();
    return true;
  }

  /// Finds the place of `hash`; makes its segment, and the first table, if `must_exist`. Does a
  /// share of a running replacement on the way, once for each operation (`has_helped`).
  CONCUR_FORCEINLINE position locate(const writer& w, std::uint64_t hash, bool must_exist,
                                     bool& has_helped) {
    // Of pairs only what could not be done quickly comes here.
    if constexpr (Types::is_inline) return locate_slowly(w, hash, must_exist, has_helped);
    position found;
    if (try_locate_slot(w.pin, hash, found) && !found.seen.is_node() && !found.seen.is_frozen() &&
        !found.seen.is_moved()) [[likely]] {
      found.open = found.below;
      return found;
    }
    // Field by field: so that a position that was found quickly stays in registers.
    const position slow = locate_slowly(w, hash, must_exist, has_helped);
    found.at = slow.at;
    found.seen = slow.seen;
    found.below = slow.below;
    found.open = slow.open;
    found.has_branch = slow.has_branch;
    found.parent = slow.parent;
    return found;
  }

 private:
  enum class step { here, moved, again, nothing };

  /// Any case: next tables, branches, what is frozen, and an era that has advanced.
  CONCUR_NOINLINE position locate_slowly(const writer& w, std::uint64_t hash, bool must_exist,
                                         bool& has_helped) {
    position found;
    while (!try_locate(w, hash, must_exist, has_helped, found)) {
    }
    return found;
  }

  bool try_locate(const writer& w, std::uint64_t hash, bool must_exist, bool& has_helped,
                  position& found) {
    const root_word root(w.pin.load(this->root_));
    directory* d = root.table();
    // relaxed: only whether there is one
    if (d->next.load(std::memory_order_relaxed) != nullptr || d->is_of_empty_map()) [[unlikely]] {
      if (d->is_of_empty_map()) {
        found.at = nullptr;
        found.open = 64;
        if (!must_exist) return true;
        this->make_first_table(w, tuning::first_log2_slots);
        return false;
      }
      if (!has_helped) {
        has_helped = true;
        this->help(w, d);
        return false;
      }
    }
    found.open = 64;
    for (;;) {
      switch (try_slot(w, d, hash, must_exist, found)) {
        case step::nothing:
          found.at = nullptr;
          found.open = finer(found.open, d->shift() + base::log2_of_segment(d->log2()));
          return true;
        case step::again:
          return false;
        case step::here:
          found.below = d->shift();
          found.open = finer(found.open, d->shift());
          found.has_branch = false;
          return !found.seen.is_node() || descend(w, hash, found);
        case step::moved:
          found.open = finer(found.open, d->shift());
          if (!w.pin.try_load(d->next, d)) return false;
      }
    }
  }

  static unsigned finer(unsigned a, unsigned b) noexcept { return a < b ? a : b; }

  step try_slot(const writer& w, directory* d, std::uint64_t hash, bool must_exist,
                position& found) {
    const auto slot = static_cast<std::size_t>(hash >> d->shift());
    std::uint64_t entry;
    if (!w.pin.try_load(base::entry_of(d, slot), entry)) return step::again;
    if (entry <= directory::entry_moved) [[unlikely]] {
      if (entry == directory::entry_moved) return step::moved;
      if (!must_exist) return step::nothing;
      this->make_segment(w, d, slot);
      return step::again;
    }
    found.at = directory::slots(entry) + base::index_in_segment(slot);
    std::uint64_t bits;
    if (!w.pin.try_load(*found.at, bits)) return step::again;
    found.seen = word(bits);
    if (!found.seen.is_moved() && !found.seen.is_frozen()) [[likely]]
      return step::here;
    return complete_slot(w, d, slot, found);
  }

  /// A slot that is being moved, or has been.
  CONCUR_COLD step complete_slot(const writer& w, directory* d, std::size_t slot,
                                 const position& found) {
    directory* next;
    if (!w.pin.try_load(d->next, next)) return step::again;
    if (found.seen.is_moved() && base::is_ready(d, next, found.at, slot)) return step::moved;
    this->try_move_slot(w, d, slot);
    return step::again;
  }

  /// Through branches. False: start again.
  CONCUR_NOINLINE bool descend(const writer& w, std::uint64_t hash, position& found) {
    while (base::is_branch(found.seen)) {
      found.parent = {found.at, found.seen};
      found.has_branch = true;
      auto* b = found.seen.template address<branch>();
      found.at = &b->at(hash);
      found.below = b->shift();
      found.open = finer(found.open, b->shift());
      std::uint64_t bits;
      if (!w.pin.try_load(*found.at, bits)) return false;
      found.seen = word(bits);
      if (found.seen.is_frozen()) {
        this->rebuild_branch(w, found.parent);
        return false;
      }
    }
    return true;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
