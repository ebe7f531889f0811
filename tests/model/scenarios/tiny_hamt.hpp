// SPDX-License-Identifier: MIT
/// \file
/// hamt in a tiny world: branches of four slots, leaves of one pair or two, and every node that
/// goes is looked at once it is retired. The code is that of the library.
#pragma once

#include <concur/hamt.hpp>

#include "scenarios/vocabulary_adapter.hpp"

namespace scenarios {

/// Keys 1 to 4 are told apart by the third and fourth bits pair, the others by the first. The low
/// bits give them marks of their own.
struct trie_hash {
  using is_avalanching = void;
  std::uint64_t operator()(const std::uint64_t& k) const {
    return (k <= 4 ? (k - 1) << 58 : k << 61 | k << 40) | k << 28 | k;
  }
};
/// The same, with something to read in the hasher itself.
struct seeded_trie_hash : trie_hash {
  std::uint64_t seed = 0;
  std::uint64_t operator()(const std::uint64_t& k) const { return trie_hash::operator()(k) + seed; }
};
/// All keys below 8 have the same hash.
struct one_hash {
  using is_avalanching = void;
  std::uint64_t operator()(const std::uint64_t& k) const { return k / 8 << 60; }
};

template <std::uint32_t MaxLeaf, std::size_t InlineBytes>
struct tiny_trie {
  static constexpr unsigned bits(unsigned) noexcept { return 2; }
  static constexpr std::uint32_t max_leaf = MaxLeaf;
  static constexpr std::size_t inline_bytes = InlineBytes;
  static constexpr std::uint32_t retire_batch = 1;
  /// Of the others the checker sees the memory go.
  static constexpr std::uint32_t spare_leaves = MaxLeaf > 1 ? 2 : 0;
};

template <class Hash, std::uint32_t MaxLeaf, std::size_t InlineBytes>
using tiny_hamt =
    concur::detail::basic_hamt<std::uint64_t, std::uint64_t, Hash, std::equal_to<>,
                               std::allocator<std::pair<const std::uint64_t, std::uint64_t>>,
                               tiny_trie<MaxLeaf, InlineBytes>>;

/// Has nothing to grow: in its place a snapshot is taken, read twice, and dropped.
template <class Map>
class hamt_adapter : public vocabulary_adapter<Map, std::uint64_t, std::uint64_t> {
 public:
  void grow(std::size_t) {
    const auto s = this->map().snapshot();
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    for (const auto& [key, value] : s) first += key * 1000 + value;
    for (const auto& [key, value] : s) second += key * 1000 + value;
    mc::require(first == second, "a snapshot does not change");
  }
  /// Every structural invariant, when all is quiet.
  void check_structure() {
    const auto report = this->map().validate();
    mc::require(report.error == nullptr, report.error != nullptr ? report.error : "");
    mc::require(report.sparse == 0, "a branch with one leaf was not contracted");
  }
};

using inline_pairs = hamt_adapter<tiny_hamt<trie_hash, 1, 32>>;
using inline_leaves = hamt_adapter<tiny_hamt<trie_hash, 2, 32>>;
using elements = hamt_adapter<tiny_hamt<trie_hash, 1, 0>>;
using seeded_pairs = hamt_adapter<tiny_hamt<seeded_trie_hash, 1, 32>>;
using collisions = hamt_adapter<tiny_hamt<one_hash, 1, 0>>;

/// The first writers of a map make together what all its versions share.
inline std::vector<scenario> first_writers() {
  using k = kind;
  return {{"the first writers of a map",
           {},
           {{on(k::insert, 1, 1), on(k::insert, 2, 2)},
            {on(k::insert, 3, 3), on(k::insert, 4, 4)},
            {on(k::find, 1), on(k::insert, 5, 5)}}}};
}

}  // namespace scenarios
