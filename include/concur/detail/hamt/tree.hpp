// SPDX-License-Identifier: MIT
/// \file
/// The live tree: how it is walked, how a slot is changed, and how generations begin.
///
/// To change a slot (Prokopec, Bronson, Bagwell, Odersky, "Concurrent Tries with Efficient
/// Non-Blocking Snapshots", PPoPP 2012, with the decision in the slot instead of in the node):
///   1. compare-and-swap: what is there -> the new node, pending;
///   2. is our version still the map's?
///      yes: compare-and-swap: pending -> the new node. Committed; nothing else is to be done.
///      no:  compare-and-swap: pending -> aborted.
///   3. who meets a pending word decides in the same way: by the root if the slot is of its own
///      generation, else "aborted", because then a snapshot has been taken. The first
///      compare-and-swap away from pending is the decision; it is noted in the node for the
///      proposer, and then the slot gets its final word.
///
/// Linearization points: a write at the load of the root that was followed by its commit; a read at
/// its last load of a slot word; a snapshot at the compare-and-swap of the root. Between the load
/// of the root and the commit nobody has seen what was there before, for all who come along decide.
///
/// The two cases of a write and a snapshot: the proposal is in the slot before the root is loaded,
/// and the root is replaced before the new generation looks at any slot, with a full fence
/// between (`fill_in`). If the write loads the old root, the new generation sees the proposal;
/// else the write sees that the root has changed. There is no third case.
///
/// What is protected meanwhile: section.hpp.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/hamt/build.hpp>
#include <concur/detail/hamt/core.hpp>
#include <concur/detail/hamt/lending.hpp>
#include <concur/detail/hamt/node.hpp>
#include <concur/detail/hamt/section.hpp>
#include <concur/detail/hamt/walk.hpp>
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::hamt {

enum class outcome {
  lost,     ///< the slot had changed: nobody saw the proposal
  aborted,  ///< a snapshot came in between: others may still look at the proposal
  committed,
};

/// Brings a slot that holds a decided proposal to its final word.
inline void finish(slot& s, node* n) noexcept {
  const word w = s.load(std::memory_order_acquire);  // acquire: what decided it happened before
  if (node_of(w) != n) return;
  if (tag_of(w) == tag::committed) {
    // (1) release: the note is there before the word is gone; pairs with (2).
    n->pending.fetch_or(node::was_committed, std::memory_order_release);
    word expected = w;
    // release: as a commit, (3).
    s.compare_exchange_strong(expected, final_word(w), std::memory_order_release,
                              std::memory_order_relaxed);
  } else if (tag_of(w) == tag::aborted) {
    // release: as (1); the bits are those that the word to restore does not have.
    const word before = n->pending.fetch_or(node::was_aborted, std::memory_order_release);
    word expected = w;
    // release: the word that is restored has been published before; as (3).
    s.compare_exchange_strong(expected, before & ~(node::was_committed | node::was_aborted),
                              std::memory_order_release, std::memory_order_relaxed);
  }
}

/// Decides about the proposal that `w` is, if it is still there: `commit` if its generation is
/// still that of its map.
template <class IsCurrent>
void resolve(hazard_frame& frame, slot& s, word w, IsCurrent is_current) noexcept {
  node* const n = node_of(w);
  frame.announce(words::proposal, n);
  // (13) seq_cst: pairs with the proposal (5), and comes between that and the load of the root
  // (14).
  if (s.load(std::memory_order_seq_cst) == w) {
    if (tag_of(w) == tag::pending) {
      const tag decision = is_current() ? tag::committed : tag::aborted;
      word expected = w;
      // (6) acq_rel: publishes the decision; pairs with `finish`.
      s.compare_exchange_strong(expected, with_tag(w, decision), std::memory_order_acq_rel,
                                std::memory_order_relaxed);
    }
    finish(s, n);
  }
  frame.clear(words::proposal);  // it may be a whole tree
}

/// The word of a slot that no commit can change any more: of an old generation, or a snapshot.
inline word load_settled(hazard_frame& frame, slot& s) noexcept {
  for (;;) {
    const word w = s.load(std::memory_order_acquire);  // (4) acquire: pairs with (3), (5), (10).
    if (is_plain(w)) [[likely]]
      return thawed(w);
    resolve(frame, s, w, [] { return false; });
  }
}

template <class Types>
class tree {
 public:
  using core_type = core<Types>;
  using tuning = typename Types::tuning;

  std::atomic<version*>& root() const noexcept { return root_; }

  /// Protects the map's version, filled in. Null if the map has none yet.
  version* protect_root(section<Types>& s) const noexcept {
    version* v = root_.load(std::memory_order_acquire);  // acquire: pairs with (7)
    for (;;) {
      if (v == nullptr) return nullptr;
      s.frame().announce(words::the_version, v);
      version* const now = root_.load(std::memory_order_acquire);  // acquire: as above
      if (now == v) [[likely]]
        return v;
      v = now;
    }
  }

  /// Walks towards `hash` as far as there are branches. With `Write` the way is made writable: what
  /// is of an older generation is copied, what is frozen is replaced. False if the map has no
  /// version. Throws what the allocator throws, and std::bad_alloc. What earlier walks have
  /// announced is given up.
  template <bool Write>
  bool locate(section<Types>& s, std::uint64_t hash, place& p) const {
    s.open();
    for (;;) {
      s.give_up_walks();
      version* const v = protect_root(s);
      if (v == nullptr) return false;
      if (descend<Write>(s, hash, v, p)) [[likely]]
        return true;
    }
  }

  /// What nearly every read needs: see short_walk. False: then `locate` finds the way.
  CONCUR_FORCEINLINE bool walk(hazard_word* words, std::uint64_t hash, word& leaf) const noexcept {
    return short_walk<Types>::run(root_, words, hash, leaf);
  }

  /// The same for a writer that only looks. False: then `locate<false>` finds the way.
  CONCUR_NOINLINE bool look(hazard_word* words, std::uint64_t hash, place& p) const noexcept {
    return short_walk<Types>::run(root_, words, hash, p);
  }

  /// Proposes `n`, with the marks of what it holds, in place of `expected`. See \file.
  outcome publish(section<Types>& s, version* v, slot& at, word expected, node* n,
                  word marks) const noexcept {
    n->pending.store(expected, std::memory_order_relaxed);  // relaxed: published by (5)
    s.announce_proposal(n);  // others may replace and retire it before we look back
    const word proposed = word_of(n, tag::pending, marks);
    word seen = expected;
    // (5) seq_cst: publishes the node, pairs with (4); before (8), against the two operations of a
    // snapshot; before (12), against those of another erasure.
    if (!at.compare_exchange_strong(seen, proposed, std::memory_order_seq_cst,
                                    std::memory_order_relaxed)) {
      return outcome::lost;
    }
    seen = proposed;
    // (8) seq_cst: after (5); pairs with the fence (9).
    const bool is_current = root_.load(std::memory_order_seq_cst) == v;
    const word next = is_current ? final_word(proposed) : with_tag(proposed, tag::aborted);
    // (3) release: publishes the node to those who did not see it pending; pairs with (4).
    if (at.compare_exchange_strong(seen, next, std::memory_order_release,
                                   std::memory_order_relaxed) &&
        is_current) {
      return outcome::committed;
    }
    finish(at, n);
    // (2) acquire: pairs with (1): the slot has moved on, so the outcome has been noted.
    const word noted = n->pending.load(std::memory_order_acquire);
    return (noted & node::was_committed) != 0 ? outcome::committed : outcome::aborted;
  }

  /// Replaces the root `v` by a version without elements of its own, to be filled in from `v`: the
  /// moment of a snapshot. The map's link to `v` becomes that of the new version's origin.
  bool begin_generation(version* v, version* next) const noexcept {
    version* expected = v;
    // (7) release: publishes the version; pairs with the loads in protect_root. Not seq_cst: nobody
    // looks at the slots of `v` as those of the past before a fence (9) that comes after this. If a
    // load (8) or (14) does not see this exchange, it comes before that fence, and so does the
    // proposal, which is seen then.
    return root_.compare_exchange_strong(expected, next, std::memory_order_release,
                                         std::memory_order_relaxed);
  }

  /// Gives an unset version, which the caller protects, its top. Its origin, which does not change
  /// any more, is protected meanwhile: nowhere else are there two versions.
  void fill_in(section<Types>& s, version* v) const noexcept {
    core_type& c = shared();
    hazard_frame& frame = s.frame();
    version* const from = v->origin;
    frame.announce(words::below(0), from);  // nothing below the version is in use
    // acquire: whoever filled it in drops the origin only afterwards.
    if (v->top.load(std::memory_order_acquire) == unset_word) {
      full_fence();  // (9) seq_cst: between the root that we have seen and the slots: with (5), (8)
      const word w = load_settled(frame, from->top);
      if (node* const n = node_of(w)) core_type::add_link(n);
      word expected = unset_word;
      // (10) release: whoever sees the top comes after the fence (9); pairs with (4).
      if (v->top.compare_exchange_strong(expected, w, std::memory_order_release,
                                         std::memory_order_relaxed)) {
        s.drop(c, from);
      } else {
        s.drop(c, w);
      }
    }
    frame.clear(words::below(0));
  }

  /// The version of the map as it is now, with one more link, which is the caller's. Makes the
  /// map's core and first version if it has none.
  version* take_snapshot(section<Types>& s) const {
    for (;;) {
      version* const v = protect_root(s);
      if (v == nullptr) {
        make_first_version(s);
        continue;
      }
      settle_top(s, v);
      core_type& c = shared();
      version* const next = c.make_version(unset_word, v);
      if (!core_type::try_add_link(v)) {
        c.free_memory(next);
        continue;
      }
      if (begin_generation(v, next)) {
        s.frame().announce(words::looked_at, next);
        // The new version may be replaced already: then somebody else has filled it in.
        // acquire: as in protect_root.
        if (root_.load(std::memory_order_acquire) == next) fill_in(s, next);
        return v;
      }
      c.free_memory(next);
      s.drop(c, v);
    }
  }

  core_type& shared() const noexcept {
    return *core_.load(std::memory_order_acquire);  // acquire: pairs with (11)
  }
  core_type* shared_or_null() const noexcept {
    return core_.load(std::memory_order_acquire);  // acquire: pairs with (11)
  }

  void make_first_version(section<Types>& s) const {
    core_type* c = core_.load(std::memory_order_acquire);  // acquire: pairs with (11)
    if (c == nullptr) {
      core_type* const fresh = core_type::create(hash_, equal_, allocator_);
      // (11) release: publishes the core; pairs with the acquires above.
      if (core_.compare_exchange_strong(c, fresh, std::memory_order_release,
                                        std::memory_order_acquire)) {
        c = fresh;
      } else {
        fresh->release();
      }
    }
    version* const first = c->make_version(0, nullptr);
    version* expected = nullptr;
    // release: publishes the version; pairs with protect_root.
    if (!root_.compare_exchange_strong(expected, first, std::memory_order_release,
                                       std::memory_order_relaxed)) {
      c->free_memory(first);
    }
    static_cast<void>(s);
  }

  void settle_top(section<Types>& s, version* v) const noexcept {
    // acquire: pairs with (10)
    if (v->top.load(std::memory_order_acquire) == unset_word) fill_in(s, v);
  }

 protected:
  using hasher = typename Types::hasher;
  using key_equal = typename Types::key_equal;
  using allocator_type = typename Types::allocator_type;

  tree(const hasher& hash, const key_equal& equal, const allocator_type& allocator)
      : hash_(hash), equal_(equal), allocator_(allocator) {}
  ~tree() = default;
  tree(const tree&) = delete;
  tree& operator=(const tree&) = delete;

  /// False if the walk has to begin anew.
  template <bool Write>
  bool descend(section<Types>& s, std::uint64_t hash, version* v, place& p) const {
    hazard_frame& frame = s.frame();
    p.root = v;
    p.parent_slot = nullptr;
    p.here = v;
    p.at = &v->top;
    p.depth = 0;
    p.shift = 64;
    for (;;) {
      const word w = p.at->load(std::memory_order_acquire);  // acquire: as (4)
      if (!is_plain(w)) [[unlikely]] {
        if (w == unset_word) {
          fill_in(s, v);
        } else {
          resolve_here(frame, p, w);
        }
        continue;
      }
      if constexpr (Write) {
        if (is_frozen(w)) [[unlikely]] {
          contract(s, p);
          return false;
        }
      }
      node* const n = node_of(w);
      if (n != nullptr) {
        frame.announce(words::below(p.depth), n);
        // acquire: as (4): what `here` links to stays while it does, and `here` is protected.
        if (p.at->load(std::memory_order_acquire) != w) continue;
      }
      if (!is_branch(w)) {
        p.seen = w;
        return true;
      }
      auto* const b = static_cast<branch*>(n);
      if constexpr (Write) {
        if (b->generation != v->generation) [[unlikely]] {
          if (renew(s, p, b) == outcome::aborted) return false;
          continue;
        }
      }
      p.parent_slot = p.at;
      p.here = b;
      // Known from the depth: a read does not touch the line of the branch's header.
      const unsigned bits = bits_at<tuning>(p.depth, p.shift);
      p.shift -= bits;
      ++p.depth;
      p.at =
          b->slots() + (static_cast<std::size_t>(hash >> p.shift) & ((std::size_t{1} << bits) - 1));
    }
  }

  CONCUR_NOINLINE void resolve_here(hazard_frame& frame, const place& p, word w) const noexcept {
    resolve(frame, *p.at, w, [&] {
      // (14) seq_cst: as (8), after (13): if a new generation has looked at the slot before the
      // proposal was there, with the fence (9), then its root is seen here.
      return p.is_writable() && root_.load(std::memory_order_seq_cst) == p.root;
    });
  }

  /// A branch of the walk's generation with what `b` holds, and links of its own to that but for
  /// those that `b` may lend. `b` is protected, and either of an older generation or frozen: its
  /// slots are decided and stay as they are.
  branch* copy_branch(section<Types>& s, branch* b, std::uint64_t generation, bool may_lend) const {
    branch* const copy = shared().make_raw_branch(b->number(), generation);
    for (std::size_t i = 0; i < b->width(); ++i) {
      copy->set_up(i, load_settled(s.frame(), b->slots()[i]));
    }
    const std::uint64_t unlent = may_lend ? lending::lend(b, copy) : b->all_slots();
    copy->for_each_of(unlent, [](node* n) { prefetch_to_write(n); });
    copy->for_each_of(unlent, [](node* n) { core_type::add_link(n); });
    return copy;
  }

  /// Puts a copy of the branch of an older generation into its place.
  CONCUR_NOINLINE outcome renew(section<Types>& s, const place& p, branch* b) const {
    own_slot(s, p, b);
    branch* const copy = copy_branch(s, b, p.root->generation, true);
    const outcome result = publish(s, p.root, *p.at, word_of(b, tag::branch), copy, 0);
    if (result == outcome::committed) {
      s.drop(shared(), b);
    } else {
      lending::take_back(b, copy);
      discard(s, copy, result);
    }
    s.give_up_proposal();
    return result;
  }

  /// Whether something may be proposed for the slot of the walk's place as it is.
  static CONCUR_FORCEINLINE bool is_ready_to_write(const place& p) noexcept {
    return p.root != nullptr && p.is_writable() && !is_frozen(p.seen) &&
           (p.depth == 0 || !lending::is_joint(static_cast<const branch*>(p.here), p.at));
  }
  /// Before that: the slot holds `n`, protected, or nothing.
  void own_slot(section<Types>& s, const place& p, node* n) const noexcept {
    if (p.depth == 0) return;
    lending::own<core_type>(static_cast<branch*>(p.here), p.at, n,
                            [&](node* once_more) { s.drop(shared(), once_more); });
  }

  /// Publishes `n`, and drops the link to what was there, or disposes of `n`.
  outcome replace(section<Types>& s, version* v, slot& at, word expected, node* n,
                  builder<Types>* from = nullptr) const noexcept {
    core_type& c = shared();
    const outcome result =
        publish(s, v, at, expected, n, from != nullptr ? from->marks() : word{0});
    const bool hands_over = from != nullptr && from->hands_over();
    if (result == outcome::committed) {
      if (!hands_over) s.drop(c, expected);
      if (n->kind() == node_kind::change) s.retire(c, n);
    } else {
      if (hands_over) from->take_back();
      discard(s, n, result);
    }
    return result;
  }

  /// A proposal that came to nothing.
  void discard(section<Types>& s, node* n, outcome result) const noexcept {
    core_type& c = shared();
    if (n->kind() == node_kind::change) s.drop(c, static_cast<change*>(n)->target);
    if (result == outcome::lost) {
      s.destroy(c, n);
    } else {
      s.retire(c, n);
    }
  }

  // --- contraction ---

  static constexpr std::size_t several = 2;

  /// What the slots of a branch hold: how many something, counted up to `several`; the last of it.
  struct contents {
    std::size_t count = 0;
    word last = 0;
    void add(word w) noexcept {
      if (node_of(w) == nullptr) return;
      last = thawed(w);
      ++count;
    }
    /// Whether the branch is worth replacing by that.
    bool is_next_to_nothing() const noexcept {
      return count == 0 || (count == 1 && !is_branch(last));
    }
  };

  /// Whether the branch of the walk may be worth replacing by what it holds: proposals do not
  /// count, whatever will become of them.
  static bool looks_contractible(const place& p) noexcept {
    auto* const b = static_cast<branch*>(p.here);
    std::size_t count = 0;
    for (std::size_t i = 0; i < b->width() && count < several; ++i) {
      // seq_cst: as (12).
      const word w = b->slots()[i].load(std::memory_order_seq_cst);
      if (is_plain(w) && node_of(w) != nullptr) ++count;
    }
    return count < several;
  }

  /// Whether it is. A proposal is decided first: after two erasures at once, one of the two sees
  /// what both left.
  bool is_contractible(section<Types>& s, const place& p) const noexcept {
    auto* const b = static_cast<branch*>(p.here);
    contents found;
    for (std::size_t i = 0; i < b->width() && found.count < several; ++i) {
      // (12) seq_cst: after our own proposal (5): of two erasures, the one that comes second in
      // the order of these sees the proposal of the other.
      word w = b->slots()[i].load(std::memory_order_seq_cst);
      if (!is_plain(w)) [[unlikely]]
        w = decided(s, p, b->slots()[i]);
      found.add(w);
    }
    return found.is_next_to_nothing();
  }

  /// A slot's word once nothing is undecided there. The slot is one of the walk's branch.
  CONCUR_NOINLINE word decided(section<Types>& s, const place& p, slot& at) const noexcept {
    place there = p;
    there.at = &at;
    for (;;) {
      const word w = at.load(std::memory_order_acquire);  // acquire: as (4)
      if (is_plain(w)) return w;
      resolve_here(s.frame(), there, w);
    }
  }

  /// Replaces the branch of the walk, which is of its generation and full of nothing, or frozen by
  /// somebody who had that in mind.
  CONCUR_NOINLINE void contract(section<Types>& s, const place& p) const {
    auto* const b = static_cast<branch*>(p.here);
    contents found;
    for (std::size_t i = 0; i < b->width(); ++i) found.add(freeze(s, p, b->slots()[i]));
    core_type& c = shared();
    node* n;
    if (found.is_next_to_nothing()) {
      n = c.make_change(found.last, s.me());
      if (found.count != 0) core_type::add_link(node_of(found.last));
    } else {
      n = copy_branch(s, b, b->generation, false);
    }
    replace(s, p.root, *p.parent_slot, word_of(b, tag::branch), n);
    s.give_up_proposal();
  }

  /// Returns what nobody will change any more.
  word freeze(section<Types>& s, const place& p, slot& at) const noexcept {
    word w = at.load(std::memory_order_acquire);  // acquire: as (4)
    for (;;) {
      if (!is_plain(w)) [[unlikely]]
        w = decided(s, p, at);
      if (is_frozen(w)) return w;
      // acquire: as (4). Nobody changes the word after that; who sees it sees what published the
      // node, of which this goes on.
      if (at.compare_exchange_weak(w, w | frozen_bit, std::memory_order_acquire,
                                   std::memory_order_acquire)) {
        return w;
      }
    }
  }

  /// After an erasure: replaces branches on the way to `hash` that hold next to nothing, from the
  /// bottom up. Best effort: without memory they stay.
  CONCUR_NOINLINE void contract_way(section<Types>& s, std::uint64_t hash) const noexcept {
    CONCUR_TRY {
      for (place p; locate<true>(s, hash, p) && p.depth != 0 && is_contractible(s, p);) {
        contract(s, p);
      }
    }
    CONCUR_CATCH_ALL {}
  }

  mutable std::atomic<version*> root_{nullptr};
  mutable std::atomic<core_type*> core_{nullptr};
  CONCUR_NO_UNIQUE_ADDRESS hasher hash_;
  CONCUR_NO_UNIQUE_ADDRESS key_equal equal_;
  CONCUR_NO_UNIQUE_ADDRESS allocator_type allocator_;
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
