// SPDX-License-Identifier: MIT
/// \file
/// Visits of all elements, place after place, in the order of their hashes.
///
/// The position of a traversal is a hash, which means the same in every table: growth and shrinking
/// beside it neither repeat nor omit anything. The word of a place is all its elements at one
/// moment; the traversal then goes on at the first hash after that place. Where a smaller table
/// gives a place that begins earlier or ends later than the step, elements outside are left out.
///
/// The pin is renewed every few places, so that a long traversal holds little.
#pragma once

#include <concur/detail/cmap/release.hpp>
#include <concur/detail/map/hash_range.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types, class Engine>
class traversal : public releaser<Types> {
 public:
  using value_type = typename Types::value_type;

  /// Exclusive: f(element) -> go on; the element may be erased. One that was changed meanwhile, so
  /// that it could not be erased, is shown again.
  template <class F>
  bool traverse(hash_range range, F&& f) {
    return each_item(range, nullptr, [&](item found, std::uint64_t hash) {
      for (;;) {
        visited_element<Types, Engine> e(static_cast<Engine&>(*this), hash, found);
        const bool go_on = f(e);
        if (!e.is_lost() || !go_on) return go_on;
        found = find_again(hash, found);
        if (found == nullptr) return true;
      }
    });
  }

  /// Shared: f(const value_type&) -> go on.
  template <class F>
  bool traverse(hash_range range, F&& f) const {
    return each_item(range, nullptr, [&](item found, std::uint64_t) {
      return static_cast<bool>(f(layout::value(found)));
    });
  }

  /// Visits whole places from `cursor` on until `n` elements or more have been visited. The result
  /// is where to go on, 0 at the end.
  template <class F>
  std::uint64_t scan(std::uint64_t cursor, std::size_t n, F&& f) const {
    scan_state state{n, 0};
    each_item({cursor, ~std::uint64_t{0}}, &state, [&](item found, std::uint64_t) {
      f(layout::value(found));
      state.left -= state.left != 0;
      return true;
    });
    return state.next;
  }

 protected:
  using base = releaser<Types>;
  using base::base;
  using typename base::item;
  using typename base::layout;
  using typename base::list;
  using typename base::word;

 private:
  struct scan_state {
    std::size_t left;
    std::uint64_t next;
  };
  /// What was found at a position: the word, the hashes it stands for, and the last of this step.
  struct range_word {
    word seen;
    std::uint64_t first;
    std::uint64_t last;
    std::uint64_t last_of_step;
  };

  static constexpr unsigned places_per_pin = 32;

  /// f(item, hash) -> go on, for the elements of `range`. `state`: stop after the place in which
  /// enough have been seen, and note where to go on.
  template <class F>
  bool each_item(hash_range range, scan_state* state, F&& f) const {
    thread_slot& me = thread_slots::mine();
    for (std::uint64_t at = range.first;;) {
      era_pin pin(me);
      for (unsigned n = 0; n < places_per_pin; ++n) {
        range_word found;
        while (!try_read_range(pin, at, found)) {
        }
        const std::uint64_t last =
            found.last_of_step < range.last ? found.last_of_step : range.last;
        if (!each_in(found, {at, last}, f)) return false;
        at = last + 1;
        if (last >= range.last) return true;
        if (state != nullptr && state->left == 0) {
          state->next = at;
          return true;
        }
      }
    }
  }

  template <class F>
  bool each_in(const range_word& found, hash_range wanted, F& f) const {
    const bool is_whole = wanted.first <= found.first && found.last <= wanted.last;
    if (found.seen.is_leaf()) {
      for (unsigned i = 0; i < found.seen.count(); ++i) {
        const item e = layout::at(found.seen, i);
        const std::uint64_t hash = layout::hash(e, this->hash_);
        if ((is_whole || wanted.contains(hash)) && !f(e, hash)) return false;
      }
    } else if (found.seen.is_node()) {
      list* cell = found.seen.template address<list>();
      if (!wanted.contains(cell->hash)) return true;
      for (; cell != nullptr; cell = cell->tail) {
        if (!f(cell->item(), cell->hash)) return false;
      }
    }
    return true;
  }

  /// The place of `hash` as a reader finds it. False: start again.
  bool try_read_range(era_pin& pin, std::uint64_t hash, range_word& found) const noexcept {
    std::uintptr_t bits;
    if (!pin.try_load(this->root_, bits)) return false;
    directory* d = root_word(bits).table();
    unsigned shift = root_word(bits).shift();
    found.last_of_step = ~std::uint64_t{0};
    for (;;) {
      if (!base::try_read_slot(pin, d, shift, hash, found.seen)) return false;
      unsigned open = shift;
      if (!found.seen.is_moved()) {
        const auto slot = static_cast<std::size_t>(hash >> shift);
        if (found.seen.is_vacant() && base::is_missing(d, slot)) {
          open = shift + base::log2_of_segment(d->log2());
        }
        note_range(found, hash, open);
        break;
      }
      // Of two tables the finer one counts: what lies beyond it may not have moved yet.
      note_range(found, hash, open);
      if (!pin.try_load(d->next, d)) return false;
      shift = d->shift();
    }
    while (base::is_branch(found.seen)) {
      auto* b = found.seen.template address<branch>();
      std::uint64_t child;
      if (!pin.try_load(b->at(hash), child)) return false;
      found.seen = word(child);
      note_range(found, hash, b->shift());
    }
    return true;
  }

  static void note_range(range_word& found, std::uint64_t hash, unsigned open) noexcept {
    found.first = hash & ~base::open_bits(open);
    found.last = hash | base::open_bits(open);
    if (found.last < found.last_of_step) found.last_of_step = found.last;
  }

  /// The present element with the key of `lost`.
  item find_again(std::uint64_t hash, item lost) const {
    era_pin pin(thread_slots::mine());
    word found;
    while (!this->try_read_word(pin, hash, found)) {
    }
    return this->find_in(found, hash, layout::value(lost).first);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
