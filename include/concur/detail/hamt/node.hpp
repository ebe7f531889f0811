// SPDX-License-Identifier: MIT
/// \file
/// What a hamt is made of.
///
///   node       next retired | links, info | pending                            24 bytes
///   leaf       node | pairs                     inline form: several pairs, in the node
///              node | hash | pair               element form: one pair
///   collision  node | leaf, leaf, ...           elements with equal 64-bit hashes
///   branch     node | generation, size | joint, borrower | 2^bits slot words
///   version    node | generation, size | top, origin        the root of one generation
///   change     node | target                    what a slot becomes, when that is no new node
///
/// A slot word is an address, a tag in its low three bits, and marks in its high sixteen, if the
/// word has that many to spare (marks.hpp). The tags:
///
///   leaf, branch            what is there; a leaf without an address is nothing
///   frozen leaf or branch   the same, and nobody may change this slot any more: its branch is
///   about
///                           to be replaced
///   pending                 the node there is proposed, in place of what it notes as `pending`
///   committed, aborted      that has been decided; whoever sees it finishes it
///   unset                   the top of a version that has not been filled in yet
///
/// What is not empty and not a branch, and what is proposed to become that, has the marks of its
/// elements; other words have none.
///
/// Every link, that is a plain slot word, a collision's entry or a handle, counts one in `links`;
/// two words of a branch and its copy may count one together (lending.hpp).
/// A node's own links are dropped when it is destroyed, so whoever protects a node protects
/// what it links to from there.
#pragma once

#include <atomic>
#include <bit>
#include <concur/detail/config.hpp>
#include <concur/detail/hamt/marks.hpp>
#include <concur/detail/reclaim/retired_stripes.hpp>
#include <concur/policy/allocator.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::hamt {

/// What may be chosen: for tests that want every event to be frequent.
struct default_tuning {
  /// Bits of the hash that a branch at this depth takes.
  static constexpr unsigned bits(unsigned depth) noexcept { return depth < 2 ? 6 : 4; }
  static constexpr std::uint32_t max_leaf = 8;     ///< pairs of a leaf, inline form
  static constexpr std::size_t inline_bytes = 32;  ///< pairs up to this size are kept in leaves
  static constexpr std::uint32_t retire_batch = 64;
  /// Of each size, in what a thread keeps for its next leaves.
  static constexpr std::uint32_t spare_leaves = CONCUR_KEEPS_FREED_NODES != 0 ? 128 : 0;
};

using slot = std::atomic<word>;

enum class tag : word {
  leaf = 0,
  branch = 1,
  frozen_leaf = 2,
  frozen_branch = 3,
  pending = 4,
  committed = 5,
  aborted = 6,
  unset = 7
};
inline constexpr word tag_mask = 7;
inline constexpr word frozen_bit = 2;
inline constexpr word unset_word = static_cast<word>(tag::unset);

constexpr tag tag_of(word w) noexcept {
  return static_cast<tag>(w & tag_mask);
}
/// Nothing to decide, finish or fill in.
constexpr bool is_plain(word w) noexcept {
  return (w & tag_mask) < static_cast<word>(tag::pending);
}
constexpr bool is_frozen(word w) noexcept {
  return is_plain(w) && (w & frozen_bit) != 0;
}
/// Of plain words.
constexpr bool is_branch(word w) noexcept {
  return (w & 1) != 0;
}
constexpr word thawed(word w) noexcept {
  return w & ~frozen_bit;
}

enum class node_kind : std::uint32_t { leaf, collision, branch, version, change };

struct node : retired_link {
  node(node_kind k, std::uint32_t number) noexcept
      : info(number << 3 | static_cast<std::uint32_t>(k)) {}

  node_kind kind() const noexcept { return static_cast<node_kind>(info & 7); }
  /// Pairs of a leaf, leaves of a collision, bits of a branch.
  std::uint32_t number() const noexcept { return info >> 3; }

  std::atomic<std::uint32_t> links{1};
  const std::uint32_t info;
  /// Of a proposed node: the word that it is to replace; and how it ended, if somebody else than
  /// its proposer decided that.
  std::atomic<word> pending{0};
  static constexpr word was_committed = 2;
  static constexpr word was_aborted = 4;
};

inline node* node_of(word w) noexcept {
  return reinterpret_cast<node*>(w & ~(tag_mask | marks_mask));
}
/// `marks`: of a leaf or a collision, and of a proposed one.
inline word word_of(const node* n, tag t, word marks = 0) noexcept {
  return reinterpret_cast<word>(n) | static_cast<word>(t) | marks;
}
constexpr word with_tag(word w, tag t) noexcept {
  return (w & ~tag_mask) | static_cast<word>(t);
}

/// What has a generation: branches and versions. Only the writers of that generation may change
/// its slots, and only while their version is the map's.
struct owner : node {
  owner(node_kind k, std::uint32_t bits, std::uint64_t g) noexcept : node(k, bits), generation(g) {}
  const std::uint64_t generation;
  /// The elements below, once they were counted: only when nothing below changes any more.
  std::atomic<std::uint64_t> size{unknown};
  static constexpr std::uint64_t unknown = ~std::uint64_t{0};
};

struct branch : owner {
  branch(std::uint32_t bits, std::uint64_t g) noexcept : owner(node_kind::branch, bits, g) {
    for (std::size_t i = 0; i < width(); ++i) set_up(i, 0);
  }
  /// The slots are still to be set up.
  struct raw {};
  branch(std::uint32_t bits, std::uint64_t g, raw) noexcept : owner(node_kind::branch, bits, g) {}
  void set_up(std::size_t i, word w) noexcept { ::new (static_cast<void*>(slots() + i)) slot(w); }
  static constexpr std::size_t max_width = 64;
  std::size_t width() const noexcept { return std::size_t{1} << number(); }
  /// One bit for each.
  std::uint64_t all_slots() const noexcept { return ~std::uint64_t{0} >> (64 - width()); }
  /// f(node*) for what these slots hold, which are plain and stay so.
  template <class F>
  void for_each_of(std::uint64_t some_slots, F&& f) const noexcept;
  slot* slots() noexcept { return reinterpret_cast<slot*>(this + 1); }
  const slot* slots() const noexcept { return reinterpret_cast<const slot*>(this + 1); }
  std::size_t index(std::uint64_t hash, unsigned shift) const noexcept {
    return static_cast<std::size_t>(hash >> shift) & (width() - 1);
  }
  static std::size_t bytes(std::uint32_t bits) noexcept {
    return sizeof(branch) + (sizeof(slot) << bits);
  }

  /// Of a copy: the slots whose links it has together with what it was copied from (lending.hpp).
  std::atomic<std::uint64_t> joint{0};
  /// The copy that has links together with this.
  std::atomic<branch*> borrower{nullptr};
};

struct version : owner {
  version(word t, version* from, std::uint64_t g) noexcept
      : owner(node_kind::version, 0, g), top(t), origin(from) {}
  slot top;
  /// Where the top is to be copied from while it is unset; until then a counted link.
  version* const origin;
};

/// Proposes a word: nothing, or a node that is linked already.
struct change : node {
  explicit change(word to) noexcept : node(node_kind::change, 0), target(to) {}
  const word target;
};

inline branch* branch_of(word w) noexcept {
  return static_cast<branch*>(node_of(w));
}

template <class F>
void branch::for_each_of(std::uint64_t some_slots, F&& f) const noexcept {
  for (; some_slots != 0; some_slots &= some_slots - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(some_slots));
    // relaxed: they do not change any more, or not yet.
    if (node* const n = node_of(slots()[i].load(std::memory_order_relaxed))) f(n);
  }
}

/// What a slot holds when the proposal that `w` is has been accepted.
inline word final_word(word w) noexcept {
  const node* const n = node_of(w);
  switch (n->kind()) {
    case node_kind::branch:
      return word_of(n, tag::branch);
    case node_kind::change:
      return static_cast<const change*>(n)->target;
    default:
      return with_tag(w, tag::leaf);
  }
}

/// How many bits are left for the branches below one that took `bits` at `shift`.
template <class Tuning>
constexpr unsigned bits_at(unsigned depth, unsigned shift) noexcept {
  const unsigned wanted = Tuning::bits(depth);
  return wanted < shift ? wanted : shift;
}

/// The types of one hamt, and where pairs lie in a node.
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
struct engine_types {
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using tuning = Tuning;

  /// Pairs that are copied by their bytes live in leaves of several; others in nodes of their own,
  /// which never move.
  static constexpr bool is_inline = std::is_trivially_copyable_v<Key> &&
                                    std::is_trivially_copyable_v<T> &&
                                    sizeof(value_type) <= Tuning::inline_bytes;
  static constexpr std::uint32_t max_leaf = is_inline ? Tuning::max_leaf : 1;
  /// Of large elements fewer are kept.
  static constexpr std::uint32_t spare_leaves =
      sizeof(value_type) <= 256 ? Tuning::spare_leaves
                                : static_cast<std::uint32_t>(
                                      256 * std::size_t{Tuning::spare_leaves} / sizeof(value_type));
  using marks = std::conditional_t<is_inline, marks_of_pairs, marks_of_element>;

  static constexpr std::size_t pairs_at = [] {
    const std::size_t before = sizeof(node) + (is_inline ? 0 : sizeof(std::uint64_t));
    return (before + alignof(value_type) - 1) / alignof(value_type) * alignof(value_type);
  }();

  static value_type* pairs(const node* leaf) noexcept {
    auto* bytes = reinterpret_cast<unsigned char*>(const_cast<node*>(leaf));
    return std::launder(reinterpret_cast<value_type*>(bytes + pairs_at));
  }
  static void* raw_pair(node* leaf, std::size_t i) noexcept {
    return reinterpret_cast<unsigned char*>(leaf) + pairs_at + i * sizeof(value_type);
  }
  /// Element form: the hash of the pair.
  static std::uint64_t& hash_in(node* leaf) noexcept {
    return *std::launder(reinterpret_cast<std::uint64_t*>(leaf + 1));
  }
  static std::uint64_t hash_in(const node* leaf) noexcept {
    return *std::launder(reinterpret_cast<const std::uint64_t*>(leaf + 1));
  }
  /// The leaves of a collision.
  static node** entries(node* collision) noexcept {
    return reinterpret_cast<node**>(collision + 1);
  }
  static node* const* entries(const node* collision) noexcept {
    return reinterpret_cast<node* const*>(collision + 1);
  }

  /// The `i`-th pair of a leaf or a collision.
  static const value_type& pair_at(const node* n, std::uint32_t i) noexcept {
    if constexpr (!is_inline) {
      if (n->kind() == node_kind::collision) return *pairs(entries(n)[i]);
    }
    return pairs(n)[i];
  }
  static std::uint32_t pair_count(const node* n) noexcept { return n->number(); }

  static void copy_pair(node* to, std::size_t i, const value_type& from) noexcept {
    static_assert(is_inline);
    // Both members are trivially copyable: the bytes of a pair are its value.
    std::memcpy(raw_pair(to, i), static_cast<const void*>(&from), sizeof(value_type));
  }

  /// `count` pairs from the one numbered `first` on.
  static void copy_pairs(node* to, std::uint32_t at, const node* from, std::uint32_t first,
                         std::uint32_t count) noexcept {
    auto* out = static_cast<unsigned char*>(raw_pair(to, at));
    const auto* in = reinterpret_cast<const unsigned char*>(pairs(from) + first);
    const unsigned char* const end = in + count * sizeof(value_type);
    // Pair by pair: nearly always one to three, for which a call of memcpy takes longer.
    for (; in != end; in += sizeof(value_type), out += sizeof(value_type)) {
      std::memcpy(out, in, sizeof(value_type));
    }
  }

  static std::size_t leaf_bytes(std::uint32_t count) noexcept {
    return pairs_at + count * sizeof(value_type);
  }
  /// A change has the memory of a leaf of one pair, which is kept for the next (spares.hpp), unless
  /// that is far more than it needs, or less.
  static constexpr std::size_t bytes_of_single = pairs_at + sizeof(value_type);
  static constexpr bool change_is_as_leaf =
      bytes_of_single >= sizeof(change) && bytes_of_single <= 4 * sizeof(change);
  static constexpr std::size_t change_bytes = change_is_as_leaf ? bytes_of_single : sizeof(change);

  static std::size_t bytes_of(const node* n) noexcept {
    switch (n->kind()) {
      case node_kind::leaf:
        return leaf_bytes(n->number());
      case node_kind::collision:
        return sizeof(node) + n->number() * sizeof(node*);
      case node_kind::branch:
        return branch::bytes(n->number());
      case node_kind::version:
        return sizeof(version);
      default:
        return change_bytes;
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
