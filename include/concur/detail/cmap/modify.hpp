// SPDX-License-Identifier: MIT
/// \file
/// Steps that change one place: another leaf is made, and put in the place of the old one by one
/// CAS. That is where insertions, changes and erasures linearize. Who succeeds retires the old
/// leaf; who does not looks again (change.hpp).
#pragma once

#include <concur/detail/cmap/element.hpp>
#include <concur/detail/cmap/walk.hpp>
#include <concur/detail/map/hash_range.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types>
class modifier : public walk<Types> {
 protected:
  using base = walk<Types>;
  using base::base;
  using typename base::fresh_nodes;
  using typename base::hashed_item;
  using typename base::item;
  using typename base::item_list;
  using typename base::layout;
  using typename base::list;
  using typename base::position;
  using typename base::tuning;
  using typename base::value_type;
  using mapped_type = typename Types::mapped_type;
  using typename base::word;

  static constexpr unsigned max_leaf = Types::max_leaf;

  /// A writing operation: declared first, it frees what is due when the pin has gone.
  struct operation {
    explicit operation(modifier& m)
        : map(m), me(thread_slots::mine()), mine(m.reclaimer_.ensure(me, m.allocator_)) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    ~operation() { map.collect_if_due(me, mine); }

    modifier& map;
    thread_slot& me;
    thread_record& mine;
  };

  /// Erases the element if it is still the very one at `seen`, which was found in this pin.
  bool erase_exactly(std::uint64_t hash, item seen) {
    operation op(*this);
    era_pin pin(op.me);
    const writer w{op.me, op.mine, pin};
    bool has_helped = false;
    for (;;) {
      const position at = this->locate(w, hash, false, has_helped);
      if (at.at == nullptr) return false;
      const item found = this->find_in(at.seen, hash, layout::value(seen).first);
      if (found == nullptr || !layout::is_same(found, seen)) return false;
      if (try_erase(w, at, hash, found)) return true;
    }
  }

  /// Erases what is at the place of `hash`, from that hash on, and returns the last hash of its
  /// range. Where a smaller table gives a place that begins earlier or ends later than that, the
  /// elements outside stay: so one `clear` erases no key twice, and is to each key one erasure.
  std::uint64_t clear_place(std::uint64_t hash) {
    operation op(*this);
    era_pin pin(op.me);
    const writer w{op.me, op.mine, pin};
    bool has_helped = false;
    for (;;) {
      const position at = this->locate(w, hash, false, has_helped);
      const hash_range range{hash, hash | this->open_bits(at.open)};
      if (at.at == nullptr || at.seen.is_vacant()) return range.last;
      std::int64_t erased = 0;
      if (!try_clear(w, at, hash, range, erased)) continue;
      if (erased != 0) {
        contract(w, hash, at);
        counted(w, -erased);
      }
      return range.last;
    }
  }

  void counted(const writer& w, std::int64_t by) noexcept {
    if (this->count(by, w.me)) [[unlikely]]
      this->check_load(w);
  }

  static bool publish(place& at, word seen, word next) noexcept {
    std::uint64_t expected = seen.bits();
    // (1) release: publishes what `next` leads to; pairs with every acquiring load of a place.
    // relaxed on failure: it is looked at again.
    return at.compare_exchange_strong(expected, next.bits(), std::memory_order_release,
                                      std::memory_order_relaxed);
  }

  // --- a leaf of pairs, in few and small arguments, by value: they stay in registers ---

  enum class step_result : unsigned char { not_here, lost, done, done_and_due };

  /// The thread that runs, and its record if it has one.
  owner find_owner() const { return owner_of(thread_slots::mine()); }
  CONCUR_FORCEINLINE owner owner_of(thread_slot& me) const noexcept {
    return {&me, this->reclaimer_.find(me)};
  }

  CONCUR_NOINLINE step_result replace_in_leaf(place& at, word seen, unsigned index,
                                              mapped_type value) {
    return replace_by(find_owner(), at, seen, index, value);
  }
  CONCUR_NOINLINE step_result insert_in_leaf(place& at, word seen, std::uint64_t hash,
                                             value_type value) {
    return insert_by(find_owner(), at, seen, hash, value);
  }
  CONCUR_NOINLINE step_result erase_in_leaf(place& at, word seen, unsigned index,
                                            std::uint64_t hash) {
    return erase_by(find_owner(), at, seen, index, hash);
  }

  // The same, to be inlined where the thread is known. `lost` also if it has no record yet.

  CONCUR_FORCEINLINE step_result replace_by(owner own, place& at, word seen, unsigned index,
                                            const mapped_type& value) {
    if (own.mine == nullptr) [[unlikely]]
      return step_result::lost;
    void* const leaf = copy_leaf(own, seen);
    layout::put_value(leaf, index, value);
    if (!publish_copy(own, at, seen, leaf)) [[unlikely]]
      return step_result::lost;
    return this->reclaimer_.is_due(*own.mine) ? step_result::done_and_due : step_result::done;
  }
  CONCUR_FORCEINLINE step_result insert_by(owner own, place& at, word seen, std::uint64_t hash,
                                           const value_type& value) {
    if (own.mine == nullptr || seen.count() >= max_leaf || seen.is_frozen() ||
        !put_longer(own, at, seen, &value, hash)) [[unlikely]] {
      return step_result::lost;
    }
    return counted_quickly(own, 1);
  }
  CONCUR_FORCEINLINE step_result erase_by(owner own, place& at, word seen, unsigned index,
                                          std::uint64_t hash) {
    if (own.mine == nullptr || !put_shorter(own, at, seen, index, hash)) [[unlikely]]
      return step_result::lost;
    return counted_quickly(own, -1);
  }
  CONCUR_FORCEINLINE step_result counted_quickly(owner own, std::int64_t by) noexcept {
    const bool is_load_due = this->count(by, *own.me);
    return is_load_due || this->reclaimer_.is_due(*own.mine) ? step_result::done_and_due
                                                             : step_result::done;
  }

  // --- insertion ---

  /// Puts an element where there is none, and counts it. False if the race was lost.
  CONCUR_FORCEINLINE bool try_insert(const writer& w, const position& at, std::uint64_t hash,
                                     item what) {
    const word old = at.seen;
    const unsigned count = old.count();
    if (count >= max_leaf) [[unlikely]] {
      if (!layout::spilled(what, [&](item own) { return try_insert_deeper(w, at, hash, own); })) {
        return false;
      }
    } else if constexpr (Types::is_inline) {
      return is_done(w, insert_in_leaf(*at.at, old, hash, *what));
    } else if (count == 0) {
      if (!publish(*at.at, old, word::leaf(layout::address(what), 1, word::filter_of(hash)))) {
        return false;
      }
    } else if (!put_longer(w.as_owner(), *at.at, old, what, hash)) {
      return false;
    }
    counted(w, 1);
    return true;
  }
  bool is_done(const writer& w, step_result result) noexcept {
    if (result == step_result::done_and_due) this->check_load(w);
    return result != step_result::lost;
  }
  CONCUR_FORCEINLINE bool put_longer(owner own, place& at, word old, item what,
                                     std::uint64_t hash) {
    const unsigned count = old.count();
    const unsigned index = place_in_leaf(old, hash);
    // Nothing here throws once there is memory.
    void* const leaf = this->take_leaf(own, count + 1);
    if (count != 0) layout::copy_with_gap(leaf, old, count, index);
    layout::put_fresh(leaf, index, what, hash);
    base::stamp_leaf(own, leaf, count + 1);
    const std::uint64_t filter = old.filter() | word::filter_of(hash);
    return publish_leaf(own, at, old, word::leaf(leaf, count + 1, filter));
  }

  /// Where a new element of that hash belongs in a leaf, or in what is vacant.
  CONCUR_FORCEINLINE unsigned place_in_leaf(word old, std::uint64_t hash) const {
    if (old.has_bit_for_each()) [[likely]]
      return old.first_of(hash);
    return place_among_equals(old, hash);
  }
  CONCUR_NOINLINE unsigned place_among_equals(word old, std::uint64_t hash) const {
    unsigned i = old.first_of(hash);
    while (i < old.count() && layout::filter(old, i, this->hash_) < word::filter_of(hash)) ++i;
    return i;
  }

  /// A new leaf in the place of an old one, or of nothing; freed if the race is lost.
  CONCUR_FORCEINLINE bool publish_leaf(owner own, place& at, word old, word next) noexcept {
    if (!publish(at, old, next)) [[unlikely]] {
      this->discard_leaf(*own.mine, next);
      return false;
    }
    this->retire_leaf(own, old);
    return true;
  }

  CONCUR_COLD bool try_insert_deeper(const writer& w, const position& at, std::uint64_t hash,
                                     item what) {
    fresh_nodes fresh(*this, w);
    const word next = more_than_leaf(w, fresh, at, what, hash);
    if (!publish(*at.at, at.seen, next)) return false;
    fresh.published();
    this->retire_leaf(w, at.seen);
    return true;
  }

  /// A full leaf, or a list, and one more.
  word more_than_leaf(const writer& w, fresh_nodes& fresh, const position& at, item what,
                      std::uint64_t hash) {
    if (at.seen.is_leaf()) {
      item_list all;
      this->add_leaf(all, at.seen);
      all.add(what, hash);
      return this->make_tree(w, fresh, all, at.below,
                             at.has_branch ? tuning::branch_bits : tuning::first_branch_bits);
    }
    list* const tail = at.seen.template address<list>();
    if (tail->hash == hash) {
      list* const cell = this->create_cell(w, hash, what, tail);
      fresh.add(cell);
      return word::node(cell);
    }
    const hashed_item added{what, hash};
    const word leaf = this->make_leaf(w, fresh, &added, 1);
    return this->part(w, fresh, leaf, hash, at.seen, tail->hash, at.below);
  }

  // --- another value ---

  CONCUR_FORCEINLINE bool try_replace(const writer& w, const position& at, item found, item what,
                                      std::uint64_t hash) {
    const word old = at.seen;
    if (!old.is_leaf()) [[unlikely]]
      return layout::spilled(what, [&](item own) { return try_rewrite_list(w, at, found, &own); });
    if constexpr (Types::is_inline) {
      const unsigned index = layout::index_of(old, found);
      return replace_in_leaf(*at.at, old, index, what->second) != step_result::lost;
    } else {
      if (old.count() == 1) {
        if (!publish(*at.at, old, word::leaf(layout::address(what), 1, old.filter()))) return false;
      } else if (!put_changed(w.as_owner(), *at.at, old, layout::index_of(old, found), what,
                              hash)) {
        return false;
      }
      this->retire_element(w, found);
      return true;
    }
  }
  CONCUR_FORCEINLINE bool put_changed(owner own, place& at, word old, unsigned index, item what,
                                      std::uint64_t hash) {
    void* const leaf = copy_leaf(own, old);
    layout::put_fresh(leaf, index, what, hash);
    return publish_copy(own, at, old, leaf);
  }
  CONCUR_FORCEINLINE void* copy_leaf(owner own, word old) {
    const unsigned count = old.count();
    void* const leaf = this->take_leaf(own, count);
    layout::copy_first(leaf, old, count);
    base::stamp_leaf(own, leaf, count);
    return leaf;
  }
  CONCUR_FORCEINLINE bool publish_copy(owner own, place& at, word old, void* leaf) noexcept {
    return publish_leaf(own, at, old, word::leaf(leaf, old.count(), old.filter()));
  }

  // --- erasure ---

  /// Takes the element away, and counts that. False if the race was lost.
  bool try_erase(const writer& w, const position& at, std::uint64_t hash, item found) {
    const word old = at.seen;
    auto result = step_result::not_here;
    if (!old.is_leaf()) [[unlikely]] {
      if (!try_rewrite_list(w, at, found, nullptr)) return false;
    } else if constexpr (Types::is_inline) {
      result = erase_in_leaf(*at.at, old, layout::index_of(old, found), hash);
      if (result == step_result::lost) return false;
    } else {
      if (!put_shorter(w.as_owner(), *at.at, old, layout::index_of(old, found), hash)) return false;
      this->retire_element(w, found);
    }
    if (at.has_branch) [[unlikely]]
      contract(w, hash, at);
    // Last: it may begin a replacement, and what is contracted then is moved at once.
    if (result != step_result::not_here) return is_done(w, result);
    counted(w, -1);
    return true;
  }

  /// Without the element at `gone`, which has that hash.
  CONCUR_FORCEINLINE bool put_shorter(owner own, place& at, word old, unsigned gone,
                                      std::uint64_t hash) {
    const unsigned count = old.count() - 1;
    const std::uint64_t filter =
        old.has_bit_for_each() ? old.filter() & ~word::filter_of(hash) : filter_without(old, gone);
    if (count == 0 || (!Types::is_inline && count == 1)) {
      const word next = count == 0
                            ? word::emptied()
                            : word::leaf(layout::address(layout::at(old, 1 - gone)), 1, filter);
      if (!publish(at, old, next)) return false;
      this->retire_leaf(own, old);
      return true;
    }
    void* const leaf = this->take_leaf(own, count);
    layout::copy_without(leaf, old, count + 1, gone);
    base::stamp_leaf(own, leaf, count);
    return publish_leaf(own, at, old, word::leaf(leaf, count, filter));
  }

  CONCUR_NOINLINE std::uint64_t filter_without(word old, unsigned gone) const {
    std::uint64_t filter = 0;
    for (unsigned i = 0; i != old.count(); ++i) {
      if (i != gone) filter |= layout::filter(old, i, this->hash_);
    }
    return filter;
  }

  // --- a whole place ---

  /// Erases what is in the range. False if the race was lost.
  bool try_clear(const writer& w, const position& at, std::uint64_t hash, hash_range wanted,
                 std::int64_t& erased) {
    const std::uint64_t open = this->open_bits(at.below);
    const bool is_whole = wanted.contains(hash & ~open) && wanted.contains(hash | open);
    if (!is_whole) {
      if (at.seen.is_leaf()) return try_clear_part(w, at, wanted, erased);
      if (!wanted.contains(at.seen.template address<list>()->hash)) return true;
    }
    if (!publish(*at.at, at.seen, word::emptied())) return false;
    erased = static_cast<std::int64_t>(retire_content(w, at.seen));
    return true;
  }

  CONCUR_COLD bool try_clear_part(const writer& w, const position& at, hash_range wanted,
                                  std::int64_t& erased) {
    const word old = at.seen;
    const unsigned count = old.count();
    std::uint64_t hashes[max_leaf];
    unsigned staying = 0;
    for (unsigned i = 0; i < count; ++i) {
      hashes[i] = layout::hash(layout::at(old, i), this->hash_);
      staying += wanted.contains(hashes[i]) ? 0U : 1U;
    }
    if (staying == count) return true;
    fresh_nodes fresh(*this, w);
    const auto stays = [&](std::uint64_t h) { return !wanted.contains(h); };
    const word next =
        staying == 0 ? word::emptied() : this->pick(w, fresh, old, hashes, staying, stays);
    if (!publish(*at.at, old, next)) return false;
    fresh.published();
    for (unsigned i = 0; i < count; ++i) {
      if (!stays(hashes[i])) this->retire_element(w, layout::at(old, i));
    }
    this->retire_leaf(w, old);
    erased = count - staying;
    return true;
  }

  // --- lists ---

  /// The list without `found`, or with *what instead of it: what is before is copied, what comes
  /// after is shared. A short list becomes a leaf.
  CONCUR_COLD bool try_rewrite_list(const writer& w, const position& at, item found,
                                    const item* what) {
    fresh_nodes fresh(*this, w);
    list* const head = at.seen.template address<list>();
    const std::uint64_t hash = head->hash;
    const bool is_short = what == nullptr && head->info - 1 <= tuning::contract_at;
    list* tail = head;
    while (tail->item() != found) tail = tail->tail;
    word next;
    if (is_short) {
      item_list rest;
      for (list* cell = head; cell != nullptr; cell = cell->tail) {
        if (cell->item() != found) rest.add(cell->item(), hash);
      }
      next = this->make_leaf(w, fresh, rest.items, rest.count);
    } else {
      list* made = tail->tail;
      const auto prepend = [&](item i) {
        made = this->create_cell(w, hash, i, made);
        fresh.add(made);
      };
      if (what != nullptr) prepend(*what);
      for (list* cell = head; cell != tail; cell = cell->tail) prepend(cell->item());
      next = word::node(made);
    }
    if (!publish(*at.at, at.seen, next)) return false;
    fresh.published();
    list* const end = is_short ? nullptr : tail->tail;
    for (list* cell = head; cell != end;) {
      list* const after = cell->tail;
      this->retire(w, cell);
      cell = after;
    }
    this->retire_element(w, found);
    return true;
  }

  /// Retires all that a word leads to, which is no branch. How many elements that was.
  std::size_t retire_content(const writer& w, word content) noexcept {
    if (content.is_leaf()) {
      for (unsigned i = 0; i < content.count(); ++i) {
        this->retire_element(w, layout::at(content, i));
      }
      this->retire_leaf(w, content);
      return content.count();
    }
    std::size_t n = 0;
    for (list* cell = content.template address<list>(); cell != nullptr; ++n) {
      list* const after = cell->tail;
      this->retire_element(w, cell->item());
      this->retire(w, cell);
      cell = after;
    }
    return n;
  }

  // --- contraction ---

  /// After an erasure: branches above the place that have become sparse are rebuilt, from the
  /// innermost on. Without memory for that they stay.
  CONCUR_COLD void contract(const writer& w, std::uint64_t hash, const position& erased) noexcept {
    if (!erased.has_branch) return;
    CONCUR_TRY {
      bool has_helped = true;
      position at = erased;
      // (2) seq_cst: of two who erase in one branch at the same time, one sees the other's erasure:
      // pairs with itself.
      full_fence();
      while (at.at != nullptr && at.has_branch &&
             base::is_sparse(at.parent.seen.template address<branch>())) {
        this->rebuild_branch(w, at.parent);
        at = this->locate(w, hash, false, has_helped);
      }
    }
    CONCUR_CATCH_ALL {}
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
