// SPDX-License-Identifier: MIT
/// \file
/// The elements in which two versions differ. Versions with a common ancestor share nodes, and what
/// is shared is not looked at: the work is proportional to the change. Versions of different
/// maps are compared element by element.
#pragma once

#include <concepts>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/hamt/node.hpp>
#include <concur/detail/hamt/view.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace concur::inline CONCUR_ABI::detail::hamt {

/// Whether a value is what it was. A pair of the inline form moves to another leaf when its
/// neighbour is written: not its address says that it has not been touched, but its bytes, before
/// `==`, for which a NaN is not even what it is.
template <class Types>
bool same_value(const typename Types::mapped_type& a, const typename Types::mapped_type& b) {
  const auto* const left = std::addressof(a);
  const auto* const right = std::addressof(b);
  if (left == right) return true;
  if constexpr (Types::is_inline) {
    if (std::memcmp(static_cast<const void*>(left), static_cast<const void*>(right), sizeof(a)) ==
        0) {
      return true;
    }
  }
  if constexpr (std::equality_comparable<typename Types::mapped_type>) {
    return static_cast<bool>(a == b);
  } else {
    return false;
  }
}

/// f(const Key&, const T* before, const T* after) -> bool go on.
template <class Types, class F>
class comparison {
 public:
  using held = held_version<Types>;
  using value_type = typename Types::value_type;
  using mapped_type = typename Types::mapped_type;

  comparison(const held& older, const held& newer, F& f) : older_(older), newer_(newer), f_(f) {}

  /// False when stopped.
  bool run() {
    if (older_.get() == newer_.get()) return true;
    if (older_ && newer_ && older_.shared() == newer_.shared()) {
      return slots(settled_word(older_.get()->top), settled_word(newer_.get()->top));
    }
    return elementwise();
  }
  /// Nodes that were looked at. For tests.
  std::size_t visits() const noexcept { return visits_; }

 private:
  static bool same_value(const value_type& a, const value_type& b) {
    return hamt::same_value<Types>(a.second, b.second);
  }

  /// At most 16 levels deep, as the tree is.
  bool slots(word a, word b) {
    if (a == b) return true;
    const bool branch_a = is_branch(a);
    const bool branch_b = is_branch(b);
    if (branch_a && branch_b) {
      visits_ += 2;
      auto* const left = branch_of(a);
      auto* const right = branch_of(b);
      // The same place in the tree, and so the same width.
      for (std::size_t i = 0; i < left->width(); ++i) {
        if (!slots(settled_word(left->slots()[i]), settled_word(right->slots()[i]))) return false;
      }
      return true;
    }
    if (!branch_a && !branch_b) {
      visits_ += 2;
      return leaves(node_of(a), node_of(b));
    }
    return branch_a ? with_leaf(a, node_of(b), true) : with_leaf(b, node_of(a), false);
  }

  bool report(const value_type* before, const value_type* after) {
    const value_type& any = before != nullptr ? *before : *after;
    return f_(any.first, before == nullptr ? nullptr : std::addressof(before->second),
              after == nullptr ? nullptr : std::addressof(after->second));
  }
  /// The pair of `key` in `n`. Few, unless their hashes are equal.
  const value_type* find(const node* n, const value_type& like) const {
    for (std::uint32_t i = 0; n != nullptr && i < n->number(); ++i) {
      const value_type& pair = Types::pair_at(n, i);
      if (&pair == &like || older_.shared()->key_eq()(pair.first, like.first)) return &pair;
    }
    return nullptr;
  }

  bool leaves(const node* before, const node* after) {
    for (std::uint32_t i = 0; before != nullptr && i < before->number(); ++i) {
      const value_type& old = Types::pair_at(before, i);
      const value_type* const now = find(after, old);
      if ((now == nullptr || !same_value(old, *now)) && !report(&old, now)) return false;
    }
    return only_in(after, before, false);
  }
  /// Pairs of `n` that `other` does not have: gone or new.
  bool only_in(const node* n, const node* other, bool are_gone) {
    for (std::uint32_t i = 0; n != nullptr && i < n->number(); ++i) {
      const value_type& pair = Types::pair_at(n, i);
      if (find(other, pair) != nullptr) continue;
      if (!(are_gone ? report(&pair, nullptr) : report(nullptr, &pair))) return false;
    }
    return true;
  }

  /// A branch on one side, at most one leaf on the other.
  bool with_leaf(word tree, const node* leaf, bool tree_is_older) {
    visits_ += 1;
    std::uint32_t found = 0;
    const bool go_on = each_pair(tree, [&](const value_type& pair) {
      const value_type* const other = find(leaf, pair);
      if (other == nullptr) return tree_is_older ? report(&pair, nullptr) : report(nullptr, &pair);
      ++found;
      if (same_value(pair, *other)) return true;
      return tree_is_older ? report(&pair, other) : report(other, &pair);
    });
    if (!go_on) return false;
    if (leaf == nullptr || found == leaf->number()) return true;
    for (std::uint32_t i = 0; i < leaf->number(); ++i) {
      const value_type& pair = Types::pair_at(leaf, i);
      bool is_there = false;
      static_cast<void>(each_pair(tree, [&](const value_type& other) {
        is_there = older_.shared()->key_eq()(pair.first, other.first);
        return !is_there;
      }));
      if (is_there) continue;
      if (!(tree_is_older ? report(nullptr, &pair) : report(&pair, nullptr))) return false;
    }
    return true;
  }
  template <class Each>
  bool each_pair(word w, const Each& each) {
    node* const n = node_of(w);
    if (n == nullptr) return true;
    ++visits_;
    if (!is_branch(w)) {
      for (std::uint32_t i = 0; i < n->number(); ++i) {
        if (!each(Types::pair_at(n, i))) return false;
      }
      return true;
    }
    auto* const b = static_cast<branch*>(n);
    for (std::size_t i = 0; i < b->width(); ++i) {
      if (!each_pair(settled_word(b->slots()[i]), each)) return false;
    }
    return true;
  }

  bool elementwise() {
    const auto each = [this](const held& version, const auto& step) {
      return version.for_each_leaf(0, ~std::uint64_t{0}, [&](const node* n, std::uint64_t) {
        ++visits_;
        for (std::uint32_t i = 0; i < n->number(); ++i) {
          if (!step(Types::pair_at(n, i))) return false;
        }
        return true;
      });
    };
    return each(older_,
                [&](const value_type& pair) {
                  const value_type* const now = newer_.find(pair.first);
                  return (now != nullptr && same_value(pair, *now)) || report(&pair, now);
                }) &&
           each(newer_, [&](const value_type& pair) {
             return older_.find(pair.first) != nullptr || report(nullptr, &pair);
           });
  }

  const held& older_;
  const held& newer_;
  F& f_;
  std::size_t visits_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
