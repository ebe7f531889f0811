// SPDX-License-Identifier: MIT
/// \file
/// What goes into a slot in place of what was there: functions from nodes to a new node.
///
/// Leaves of a collision get one more link when they become part of another: the collision is
/// protected and keeps them. What is in the slot itself does not: somebody may replace it just now,
/// see that his is the only link, and retire it. The link of the slot is handed over to the new
/// node, if that is committed; else `take_back` is called before the new node is thrown away.
#pragma once

#include <concur/detail/hamt/core.hpp>
#include <concur/detail/hamt/node.hpp>
#include <concur/detail/hamt/section.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::hamt {

template <class Types>
class builder {
 public:
  using core_type = core<Types>;
  using value_type = typename Types::value_type;
  using tuning = typename Types::tuning;

  builder(core_type& c, section<Types>& s, std::uint64_t generation, unsigned depth,
          unsigned shift) noexcept
      : core_(c), section_(s), me_(s.me()), generation_(generation), depth_(depth), shift_(shift) {}

  /// Those of the new node.
  word marks() const noexcept { return marks_; }

  /// Whether the new node has taken over the slot's link to what was there.
  bool hands_over() const noexcept { return slot_of_old_ != nullptr || entry_of_old_ != nullptr; }
  /// The new node was not committed: nobody has looked into it.
  void take_back() noexcept {
    // relaxed: it is the caller's alone.
    if (slot_of_old_ != nullptr) slot_of_old_->store(0, std::memory_order_relaxed);
    if (entry_of_old_ != nullptr) *entry_of_old_ = nullptr;
  }

  // --- inline form: leaves of several pairs ---

  // `old` is a slot's word.

  node* leaf_of(const value_type& pair, std::uint64_t hash) {
    node* const n = core_.make_leaf(1, me_);
    Types::copy_pair(n, 0, pair);
    marks_ = Types::marks::with(0, 0, hash);
    return n;
  }
  node* leaf_without(word old, std::uint32_t at) {
    const node* const from = node_of(old);
    const std::uint32_t count = from->number();
    word left = Types::marks::without(old & marks_mask, at);
    if (constexpr std::uint32_t last = Types::marks::capacity; count > last && at < last) {
      left = Types::marks::with(left, last - 1, hash_of(Types::pairs(from)[last]));
    }
    node* const n = core_.make_leaf(count - 1, me_);
    Types::copy_pairs(n, 0, from, 0, at);
    Types::copy_pairs(n, at, from, at + 1, count - at - 1);
    marks_ = left;
    return n;
  }
  node* leaf_with(word old, std::uint32_t at, const value_type& pair) {
    const node* const from = node_of(old);
    const std::uint32_t count = from->number();
    node* const n = core_.make_leaf(count, me_);
    Types::copy_pairs(n, 0, from, 0, count);
    Types::copy_pair(n, at, pair);
    marks_ = old & marks_mask;
    return n;
  }
  node* leaf_and(word old, const value_type& pair, std::uint64_t hash) {
    const node* const from = node_of(old);
    const std::uint32_t count = from->number();
    node* const n = core_.make_leaf(count + 1, me_);
    Types::copy_pairs(n, 0, from, 0, count);
    Types::copy_pair(n, count, pair);
    marks_ = Types::marks::with(old & marks_mask, count, hash);
    return n;
  }
  /// `old` and one more pair: a leaf, or a branch of leaves.
  node* grown(word was, const value_type& pair, std::uint64_t hash) {
    node* const old = node_of(was);
    const std::uint32_t count = old->number();
    if (count < Types::max_leaf) return leaf_and(was, pair, hash);
    const value_type* const pairs = Types::pairs(old);
    if (count > Types::max_leaf) {
      // All of one hash.
      const std::uint64_t of_old = hash_of(pairs[0]);
      if (of_old == hash) return leaf_and(was, pair, hash);
      node* const single = leaf_of(pair, hash);
      return joined(was, of_old, word_of(single, tag::leaf, std::exchange(marks_, 0)), hash);
    }
    item items[Types::max_leaf + 1];
    for (std::uint32_t i = 0; i < count; ++i) items[i] = {pairs + i, hash_of(pairs[i])};
    items[count] = {&pair, hash};
    const word all = split(items, count + 1, depth_, shift_);
    marks_ = all & marks_mask;
    return node_of(all);
  }

  // --- element form: one pair per leaf, collisions ---

  /// `old`, a leaf or a collision, and the leaf `single`.
  node* grown(word was, node* single) {
    node* const old = node_of(was);
    const std::uint64_t hash = Types::hash_in(single);
    const bool is_leaf = old->kind() == node_kind::leaf;
    const std::uint64_t of_old = Types::hash_in(is_leaf ? old : Types::entries(old)[0]);
    if (of_old != hash) {
      core_type::add_link(single);
      return joined(was, of_old, word_of(single, tag::leaf, Types::marks::of(hash)), hash);
    }
    marks_ = Types::marks::of(hash);
    const std::uint32_t count = is_leaf ? 1 : old->number();
    node* const n = core_.make_collision(count + 1);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (is_leaf) {
        set_entry(n, i, old);
        entry_of_old_ = Types::entries(n) + i;
      } else {
        link(n, i, Types::entries(old)[i]);
      }
    }
    link(n, count, single);
    return n;
  }
  node* collision_with(word was, std::uint32_t at, node* single) {
    node* const old = node_of(was);
    marks_ = was & marks_mask;
    node* const n = core_.make_collision(old->number());
    for (std::uint32_t i = 0; i < old->number(); ++i) {
      link(n, i, i == at ? single : Types::entries(old)[i]);
    }
    return n;
  }
  node* collision_without(word was, std::uint32_t at) {
    node* const old = node_of(was);
    if (old->number() == 2) {
      node* const left = Types::entries(old)[1 - at];
      node* const n = core_.make_change(word_of(left, tag::leaf, was & marks_mask), me_);
      core_type::add_link(left);
      return n;
    }
    marks_ = was & marks_mask;
    node* const n = core_.make_collision(old->number() - 1);
    for (std::uint32_t i = 0, to = 0; i < old->number(); ++i) {
      if (i != at) link(n, to++, Types::entries(old)[i]);
    }
    return n;
  }

 private:
  struct item {
    const value_type* pair;
    std::uint64_t hash;
  };

  std::uint64_t hash_of(const value_type& pair) const {
    return mixed_hash(core_.hash_function(), pair.first);
  }

  static void set_entry(node* collision, std::uint32_t i, node* leaf) noexcept {
    ::new (static_cast<void*>(Types::entries(collision) + i)) node*(leaf);
  }
  static void link(node* collision, std::uint32_t i, node* leaf) noexcept {
    core_type::add_link(leaf);
    set_entry(collision, i, leaf);
  }

  static void set(branch* b, std::size_t i, word w) noexcept {
    b->slots()[i].store(w, std::memory_order_relaxed);  // relaxed: not published yet
  }

  /// A chain of branches down to where the hashes of `old` and `single` differ. Takes over the
  /// caller's link to `single`, also when it throws.
  branch* joined(word old, std::uint64_t of_old, word single, std::uint64_t of_single) {
    unsigned depth = depth_;
    unsigned shift = shift_;
    branch* top = nullptr;
    slot* hole = nullptr;
    CONCUR_TRY {
      for (;;) {
        const unsigned bits = bits_at<tuning>(depth, shift);
        branch* const b = core_.make_branch(bits, generation_);
        if (top == nullptr) top = b;
        // relaxed: not published yet
        if (hole != nullptr) hole->store(word_of(b, tag::branch), std::memory_order_relaxed);
        shift -= bits;
        ++depth;
        const std::size_t i = b->index(of_old, shift);
        const std::size_t j = b->index(of_single, shift);
        if (i != j) {
          set(b, i, old);
          slot_of_old_ = b->slots() + i;
          set(b, j, single);
          return top;
        }
        hole = b->slots() + i;
      }
    }
    CONCUR_CATCH_ALL {
      if (top != nullptr) section_.destroy(core_, top);
      section_.drop(core_, single);
      CONCUR_RETHROW;
    }
  }

  /// The leaf of these pairs, or a branch of leaves if they are too many for one.
  word split(item* items, std::uint32_t count, unsigned depth, unsigned shift) {
    bool all_equal = true;
    for (std::uint32_t i = 1; i < count; ++i) all_equal &= items[i].hash == items[0].hash;
    if (count <= Types::max_leaf || all_equal) {
      node* const n = core_.make_leaf(count, me_);
      word marks = 0;
      for (std::uint32_t i = 0; i < count; ++i) {
        Types::copy_pair(n, i, *items[i].pair);
        marks = Types::marks::with(marks, i, items[i].hash);
      }
      return word_of(n, tag::leaf, marks);
    }
    const unsigned bits = bits_at<tuning>(depth, shift);
    branch* const b = core_.make_branch(bits, generation_);
    shift -= bits;
    CONCUR_TRY {
      // Those of the same index are moved together, in place.
      for (std::uint32_t first = 0; first < count;) {
        const std::size_t at = b->index(items[first].hash, shift);
        std::uint32_t end = first + 1;
        for (std::uint32_t i = end; i < count; ++i) {
          if (b->index(items[i].hash, shift) == at) std::swap(items[i], items[end++]);
        }
        set(b, at, split(items + first, end - first, depth + 1, shift));
        first = end;
      }
    }
    CONCUR_CATCH_ALL {
      section_.destroy(core_, b);
      CONCUR_RETHROW;
    }
    return word_of(b, tag::branch);
  }

  core_type& core_;
  section<Types>& section_;
  const thread_slot& me_;
  std::uint64_t generation_;
  unsigned depth_;
  unsigned shift_;
  word marks_ = 0;
  slot* slot_of_old_ = nullptr;
  node** entry_of_old_ = nullptr;
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
