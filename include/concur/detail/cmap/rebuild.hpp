// SPDX-License-Identifier: MIT
/// \file
/// Contraction: a branch that has few elements left becomes a leaf, so that what is left after
/// erasures does not depend on history.
///
/// (1) Freeze all places of the branch: its content is decided. (2) Make a leaf of it, or, if it
/// has too many elements again, the same branch with open places. (3) CAS the place of the branch;
/// who succeeds retires the branch, and the leaves that were copied. Whoever meets a frozen place
/// does the same: one succeeds.
///
/// The place of the branch may itself be frozen meanwhile, by a rebuilding or a move above it: then
/// (3) fails, and the branch goes to its new place half frozen, where the next writer completes it.
#pragma once

#include <concur/detail/cmap/growth.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types>
class rebuild : public migration<Types> {
 protected:
  using base = migration<Types>;
  using base::base;
  using typename base::fresh_nodes;
  using typename base::tuning;
  using typename base::word;

  /// A branch, and the place where it was seen.
  struct branch_place {
    place* at = nullptr;
    word seen;
  };

  CONCUR_COLD void rebuild_branch(const writer& w, const branch_place& where) {
    auto* old = where.seen.template address<branch>();
    word words[base::max_width];
    base::freeze(old, words);
    if (!this->is_covered(w)) return;  // whoever asked for it starts again
    fresh_nodes fresh(*this, w);
    const auto made =
        this->compact(w, fresh, words, old->width(), old->shift(), tuning::contract_at);
    const word next = made.made.is_vacant() ? word::emptied() : made.made;
    std::uint64_t expected = where.seen.bits();
    // release: publishes what was made; pairs with every acquiring load of a place.
    if (!where.at->compare_exchange_strong(expected, next.bits(), std::memory_order_release,
                                           std::memory_order_relaxed)) {
      return;
    }
    fresh.published();
    if (made.is_merged) {
      for (std::size_t i = 0; i < old->width(); ++i) this->retire_leaf(w, words[i].thawed());
    }
    this->retire(w, old);
  }

  /// Whether a branch has so few elements left that it should be a leaf. A guess beside writers.
  static bool is_sparse(branch* b) noexcept {
    unsigned elements = 0;
    for (std::size_t i = 0; i < b->width(); ++i) {
      // relaxed: counts only, no node is looked at
      const word w(b->places()[i].load(std::memory_order_relaxed));
      if (w.is_node()) return false;
      elements += w.count();
    }
    return elements <= tuning::contract_at;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
