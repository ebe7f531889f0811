// SPDX-License-Identifier: MIT
/// \file
/// Makes what is put at a place: leaves of given elements, and branches and lists where one leaf
/// is not enough. Nothing here is published, and nothing that is published is changed, but for the
/// freezing of places. So all helpers of a step make the same of the same frozen words.
///
/// A place stands for all hashes with a common beginning; `below` is the number of bits after it.
///
///   up to max_leaf elements            a leaf
///   more, with equal hashes            a list
///   more                               a branch on the next bits, and so on below
///
/// Several elements of one hash (a list) and others under the same beginning: branches until they
/// differ. (Bagwell, "Ideal Hash Trees", 2000, without the compression of his nodes: a branch is
/// rare here, because the root table is as large as the number of elements.)
#pragma once

#include <concur/detail/cmap/memory.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types>
class node_builder : public node_memory<Types> {
 protected:
  using base = node_memory<Types>;
  using typename base::item;
  using typename base::layout;
  using typename base::list;
  using typename base::tuning;
  using typename base::word;
  using fresh_nodes = unpublished<base>;
  using base::base;

  static constexpr unsigned max_leaf = Types::max_leaf;

  struct hashed_item {
    item what;
    std::uint64_t hash;
  };
  /// Room for two full leaves and a new element.
  struct item_list {
    hashed_item items[2 * max_leaf + 1];
    unsigned count = 0;

    void add(item what, std::uint64_t hash) noexcept { items[count++] = {what, hash}; }
    bool has_one_hash() const noexcept {
      for (unsigned i = 1; i < count; ++i) {
        if (items[i].hash != items[0].hash) return false;
      }
      return true;
    }
  };

  void add_leaf(item_list& to, word leaf) const {
    for (unsigned i = 0; i < leaf.count(); ++i) {
      const item what = layout::at(leaf, i);
      to.add(what, layout::hash(what, this->hash_));
    }
  }

  // --- from elements ---

  /// In any order.
  CONCUR_NOINLINE word make_leaf(const writer& w, fresh_nodes& fresh, const hashed_item* items,
                                 unsigned count) {
    if constexpr (!Types::is_inline) {
      if (count == 1) return word::leaf(items->what, 1, word::filter_of(items->hash));
    }
    hashed_item sorted[max_leaf];
    for (unsigned i = 0; i < count; ++i) {
      unsigned at = i;
      for (; at != 0 && filter_of(sorted[at - 1]) > filter_of(items[i]); --at) {
        sorted[at] = sorted[at - 1];
      }
      sorted[at] = items[i];
    }
    void* leaf = this->create_leaf(w, count);
    fresh.add(layout::header(leaf, count), count);
    std::uint64_t filter = 0;
    for (unsigned i = 0; i < count; ++i) {
      layout::put(leaf, i, sorted[i].what, sorted[i].hash);
      filter |= filter_of(sorted[i]);
    }
    return word::leaf(leaf, count, filter);
  }

  /// A leaf of those `count` elements of another one whose hashes are wanted.
  template <class Wanted>
  word pick(const writer& w, fresh_nodes& fresh, word from, const std::uint64_t* hashes,
            unsigned count, Wanted is_wanted) {
    if (!Types::is_inline && count == 1) {
      unsigned i = 0;
      while (!is_wanted(hashes[i])) ++i;
      return word::leaf(layout::at(from, i), 1, word::filter_of(hashes[i]));
    }
    void* leaf = this->create_leaf(w, count);
    fresh.add(layout::header(leaf, count), count);
    std::uint64_t filter = 0;
    unsigned n = 0;
    for (unsigned i = 0; n < count; ++i) {
      if (!is_wanted(hashes[i])) continue;
      layout::copy(leaf, n++, from, i);
      filter |= word::filter_of(hashes[i]);
    }
    return word::leaf(leaf, count, filter);
  }

  word make_list(const writer& w, fresh_nodes& fresh, const item_list& items) {
    list* tail = nullptr;
    for (unsigned i = items.count; i-- != 0;) {
      tail = this->create_cell(w, items.items[i].hash, items.items[i].what, tail);
      fresh.add(tail);
    }
    return word::node(tail);
  }

  /// `bits`: how wide the first branch is, if one is needed.
  CONCUR_COLD word make_tree(const writer& w, fresh_nodes& fresh, const item_list& items,
                             unsigned below, unsigned bits) {
    if (items.count == 0) return word::empty();
    if (items.count <= max_leaf) return make_leaf(w, fresh, items.items, items.count);
    if (items.has_one_hash()) return make_list(w, fresh, items);
    branch* b = make_branch(w, fresh, below, bits);
    for (std::size_t i = 0; i < b->width(); ++i) {
      item_list part;
      for (unsigned k = 0; k < items.count; ++k) {
        const hashed_item& e = items.items[k];
        if (b->index_of(e.hash) == i) part.add(e.what, e.hash);
      }
      set(b, i, make_tree(w, fresh, part, b->shift(), tuning::branch_bits));
    }
    return word::node(b);
  }

  /// Two words whose elements have the hashes `one` and `other`, which differ: a branch, and below
  /// it branches until they part.
  word part(const writer& w, fresh_nodes& fresh, word a, std::uint64_t one, word b,
            std::uint64_t other, unsigned below) {
    branch* const top = make_branch(w, fresh, below, tuning::branch_bits);
    for (branch* at = top;;) {
      const std::size_t i = at->index_of(one);
      const std::size_t k = at->index_of(other);
      if (i != k) {
        set(at, i, a);
        set(at, k, b);
        return word::node(top);
      }
      branch* const next = make_branch(w, fresh, at->shift(), tuning::branch_bits);
      set(at, i, word::node(next));
      at = next;
    }
  }

  // --- from words ---

  /// What a place gets whose range is that of the places `words`, in this order, which are frozen.
  struct compacted {
    word made;
    bool is_merged = false;  ///< the leaves among the words were copied: they are to be retired
  };

  /// Joins `count` (a power of two) frozen words, that are chosen by the bits of the hash from
  /// `shift` on: into one leaf, if they are leaves of at most `limit` elements together; else into
  /// a branch that takes the words over.
  compacted compact(const writer& w, fresh_nodes& fresh, const word* words, std::size_t count,
                    unsigned shift, unsigned limit) {
    if (count == 1) return {thawed(words[0])};
    unsigned elements = 0;
    std::size_t nodes = 0;
    word last = word::empty();
    bool has_only_leaves = true;
    for (std::size_t i = 0; i < count; ++i) {
      if (words[i].is_vacant()) continue;
      last = words[i].thawed();
      ++nodes;
      has_only_leaves &= last.is_leaf();
      elements += last.count();
    }
    if (nodes == 0) return {word::empty()};
    if (nodes == 1 && can_be_anywhere(last)) return {last};
    if (has_only_leaves && elements <= limit) {
      item_list all;
      for (std::size_t i = 0; i < count; ++i) {
        if (!words[i].is_vacant()) add_leaf(all, words[i]);
      }
      return {make_leaf(w, fresh, all.items, all.count), true};
    }
    unsigned bits = 0;
    while (std::size_t{1} << bits < count) ++bits;
    branch* b = make_branch(w, fresh, shift + bits, bits);
    for (std::size_t i = 0; i < count; ++i) set(b, i, thawed(words[i]));
    return {word::node(b)};
  }

  /// Leaves and lists know nothing of the place they are at; a branch has its bits.
  static bool can_be_anywhere(word w) noexcept { return w.is_leaf() || is_list(w); }

  static bool is_list(word w) noexcept {
    return w.is_node() && w.template address<other_node>()->type == node_type::list;
  }
  static bool is_branch(word w) noexcept {
    return w.is_node() && w.template address<other_node>()->type == node_type::branch;
  }

  /// Freezes a place, and returns what is there now: frozen, or moved.
  static word freeze(place& at) noexcept {
    // (1) acquire: the nodes that the word leads to are constructed; pairs with the releases by
    // which words are published: here (2), modify.hpp, slot_mover.hpp, rebuild.hpp.
    std::uint64_t seen = at.load(std::memory_order_acquire);
    while (!word(seen).is_frozen() && !word(seen).is_moved()) {
      // (2) release: passes on what the word published; acquire on failure: as (1).
      if (at.compare_exchange_weak(seen, word(seen).frozen().bits(), std::memory_order_release,
                                   std::memory_order_acquire)) {
        return word(seen).frozen();
      }
    }
    return word(seen);
  }

  /// Freezes the places of a branch; `words` gets what they hold for ever.
  static void freeze(branch* b, word* words) noexcept {
    for (std::size_t i = 0; i < b->width(); ++i) words[i] = freeze(b->places()[i]);
  }

  /// The bits of a hash that a place leaves open.
  static constexpr std::uint64_t open_bits(unsigned below) noexcept {
    return below >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << below) - 1;
  }

  static constexpr std::size_t max_width = std::size_t{1}
                                           << (tuning::branch_bits > tuning::first_branch_bits
                                                   ? tuning::branch_bits
                                                   : tuning::first_branch_bits);

 private:
  static std::uint64_t filter_of(const hashed_item& i) noexcept { return word::filter_of(i.hash); }

  static word thawed(word w) noexcept { return w.is_vacant() ? word::empty() : w.thawed(); }

  CONCUR_NOINLINE branch* make_branch(const writer& w, fresh_nodes& fresh, unsigned below,
                                      unsigned bits) {
    const unsigned taken = below < bits ? below : bits;
    branch* b = this->create_branch(w, below - taken, taken);
    fresh.add(b);
    return b;
  }
  static void set(branch* b, std::size_t i, word w) noexcept {
    b->places()[i].store(w.bits(), std::memory_order_relaxed);  // relaxed: not published yet
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
