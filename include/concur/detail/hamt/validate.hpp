// SPDX-License-Identifier: MIT
/// \file
/// Checks every structural invariant of a quiet map's version, and counts what there is.
#pragma once

#include <concur/detail/hamt/lending.hpp>
#include <concur/detail/hamt/node.hpp>
#include <concur/detail/hamt/stats.hpp>
#include <concur/policy/hash_traits.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::hamt {

template <class Types>
class validator {
 public:
  using value_type = typename Types::value_type;
  using hasher = typename Types::hasher;
  using key_equal = typename Types::key_equal;

  /// `is_alone`: no other map, snapshot or retired node links to anything.
  validator(const hasher& hash, const key_equal& equal, bool is_alone) noexcept
      : hash_(hash), equal_(equal), is_alone_(is_alone) {}

  /// Needs quiet.
  hamt_report check(const version* v) {
    if (v->kind() != node_kind::version) fail("the root is no version");
    check_links(v);
    root_generation_ = v->generation;
    report_.bytes += Types::bytes_of(v);
    const word top = load(v->top);
    if (top == unset_word) {
      fail("the top of the live version is not set");
      return report_;
    }
    check_size(v, check_word(top, v->generation, {0, 64, 0}), true);
    return report_;
  }

 private:
  /// A place: the bits of the hash that lead there, how many are left, and the branches above.
  struct range {
    std::uint64_t first;
    unsigned shift;
    unsigned depth;
    bool contains(std::uint64_t hash) const noexcept {
      return shift == 64 || (hash >> shift) == (first >> shift);
    }
  };

  void fail(const char* what) noexcept {
    if (report_.error == nullptr) report_.error = what;
  }
  static word load(const slot& s) noexcept {
    return s.load(std::memory_order_relaxed);  // relaxed: quiet
  }

  /// Returns the number of elements below.
  std::uint64_t check_word(word w, std::uint64_t generation, range where, bool is_joint = false) {
    if (!is_plain(w)) {
      fail("a proposal is undecided, or its slot has not its final word");
      return 0;
    }
    if (where.depth > report_.depth) report_.depth = where.depth;
    node* const n = node_of(w);
    if (n == nullptr) {
      if (is_branch(w)) fail("a branch without an address");
      return 0;
    }
    check_links(n, is_joint);
    report_.bytes += Types::bytes_of(n);
    if (is_branch(w) != (n->kind() == node_kind::branch))
      fail("a word and its node are not of the same kind");
    check_marks(w);
    switch (n->kind()) {
      case node_kind::branch:
        return check_branch(static_cast<branch*>(n), generation, where);
      case node_kind::leaf:
        return check_leaf(n, where);
      case node_kind::collision:
        return check_list(n, where);
      default:
        fail("a version or a change is in the tree");
        return 0;
    }
  }

  /// `is_joint`: a link is that of two branches.
  void check_links(const node* n, bool is_joint = false) noexcept {
    const std::uint32_t links = n->links.load(std::memory_order_relaxed);  // relaxed: quiet
    if (links == 0) fail("a node that is linked has no link");
    if (links == 1 && !is_joint) return;
    ++report_.shared;
    if (is_alone_) fail("a node that is linked once has several links");
  }

  void check_marks(word w) {
    const node* const n = node_of(w);
    word right = 0;
    if constexpr (Types::is_inline) {
      if (n->kind() == node_kind::leaf) {
        for (std::uint32_t i = 0; i < n->number(); ++i) {
          right = Types::marks::with(right, i, mixed_hash(hash_, Types::pairs(n)[i].first));
        }
      }
    } else if (n->kind() == node_kind::leaf) {
      right = Types::marks::of(Types::hash_in(n));
    } else if (n->kind() == node_kind::collision && n->number() != 0) {
      right = Types::marks::of(Types::hash_in(Types::entries(n)[0]));
    }
    if ((w & marks_mask) != right) fail("a word has other marks than its elements");
  }

  /// What was counted is right, and only where nothing changes any more.
  void check_size(const owner* o, std::uint64_t counted, bool is_writable) noexcept {
    const std::uint64_t noted = o->size.load(std::memory_order_relaxed);  // relaxed: quiet
    if (noted == owner::unknown) return;
    if (is_writable) fail("the elements below a branch that may change have been counted");
    if (noted != counted) fail("a branch has another number of elements than was counted");
  }

  std::uint64_t check_branch(branch* b, std::uint64_t above, range where) {
    ++report_.branches;
    if (where.shift == 0) {
      fail("a branch below the last bit of the hash");
      return 0;
    }
    if (b->number() != bits_at<typename Types::tuning>(where.depth, where.shift)) {
      fail("a branch has another width than its depth");
      return 0;
    }
    if (b->generation > above) fail("a branch is younger than what links to it");
    const unsigned shift = where.shift - b->number();
    std::uint64_t elements = 0;
    std::size_t leaves = 0;
    std::size_t branches = 0;
    const std::uint64_t joint = lending::all_joint(b);
    for (std::size_t i = 0; i < b->width(); ++i) {
      const word w = load(b->slots()[i]);
      if (node_of(w) != nullptr) ++(is_plain(w) && is_branch(w) ? branches : leaves);
      elements += check_word(w, b->generation,
                             {where.first | std::uint64_t{i} << shift, shift, where.depth + 1},
                             (joint & lending::bit_of(i)) != 0);
    }
    if (branches == 0 && leaves < 2) ++report_.sparse;
    check_size(b, elements, b->generation == root_generation_);
    return elements;
  }

  std::uint64_t check_leaf(const node* n, range where) {
    ++report_.leaves;
    const std::uint32_t count = n->number();
    report_.elements += count;
    if (count == 0) {
      fail("a leaf without elements");
      return 0;
    }
    const std::uint64_t first = mixed_hash(hash_, Types::pair_at(n, 0).first);
    bool all_equal = true;
    for (std::uint32_t i = 0; i < count; ++i) {
      const value_type& pair = Types::pair_at(n, i);
      const std::uint64_t hash = check_pair(pair, where);
      if constexpr (!Types::is_inline) {
        if (Types::hash_in(n) != hash) fail("a leaf has another hash than its element");
      }
      all_equal &= hash == first;
      for (std::uint32_t k = 0; k < i; ++k) {
        if (equal_(Types::pair_at(n, k).first, pair.first)) fail("a key is in a leaf twice");
      }
    }
    if (count > Types::max_leaf) {
      if (!all_equal) fail("a leaf has too many elements");
      ++report_.lists;
    }
    return count;
  }

  std::uint64_t check_list(const node* n, range where) {
    ++report_.lists;
    const std::uint32_t count = n->number();
    if (Types::is_inline) fail("a list of elements in a map of pairs");
    if (count < 2) fail("a list of one element");
    for (std::uint32_t i = 0; i < count; ++i) {
      const node* const leaf = Types::entries(n)[i];
      if (leaf == nullptr || leaf->kind() != node_kind::leaf || leaf->number() != 1) {
        fail("a list of something else than elements");
        return count;
      }
      check_links(leaf);
      report_.bytes += Types::bytes_of(leaf);
      check_leaf(leaf, where);
      if (Types::hash_in(leaf) != Types::hash_in(Types::entries(n)[0])) {
        fail("a list of several hashes");
      }
      for (std::uint32_t k = 0; k < i; ++k) {
        if (equal_(Types::pairs(Types::entries(n)[k])->first, Types::pairs(leaf)->first)) {
          fail("a key is in a list twice");
        }
      }
    }
    return count;
  }

  std::uint64_t check_pair(const value_type& pair, range where) {
    const std::uint64_t hash = mixed_hash(hash_, pair.first);
    if (!where.contains(hash)) fail("an element is at the place of another hash");
    return hash;
  }

  const hasher& hash_;
  const key_equal& equal_;
  const bool is_alone_;
  std::uint64_t root_generation_ = 0;
  hamt_report report_;
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
