// SPDX-License-Identifier: MIT
/// \file
/// cmap in a tiny world: four slots at first, segments and blocks of two, leaves of two entries,
/// every change of the size looks at the load, eras of two births, batches of two. The code is that
/// of the library.
#pragma once

#include <concur/cmap.hpp>

#include "scenarios/vocabulary_adapter.hpp"

namespace scenarios {

struct tiny_cmap_tuning : concur::detail::cmap::default_tuning {
  static constexpr unsigned max_leaf = 2;
  static constexpr unsigned contract_at = 1;
  static constexpr unsigned first_branch_bits = 1;
  static constexpr unsigned branch_bits = 2;
  static constexpr unsigned first_log2_slots = 2;
  static constexpr unsigned log2_segment = 1;
  static constexpr unsigned log2_block = 1;
  static constexpr unsigned max_load_inline = 16;
  static constexpr unsigned max_load_indirect = 16;
  static constexpr unsigned striped_log2_slots = 3;
  static constexpr unsigned log2_check_interval = 0;
  static constexpr std::uint32_t births_per_era = 2;
  static constexpr std::uint32_t retire_batch = 2;
  static constexpr unsigned cached_nodes = 1;
};

template <class Key, class T, class Hash = placed_hash, class Tuning = tiny_cmap_tuning>
using model_cmap = concur::detail::basic_cmap<Key, T, Hash, std::equal_to<>,
                                              std::allocator<std::pair<const Key, T>>, Tuning>;

/// Hashes that are equal in all 64 bits for keys 1 to 4.
struct equal_hash {
  using is_avalanching = void;
  template <class K>
  std::uint64_t operator()(const K& k) const {
    const std::uint64_t key = coder<K>::read(k);
    return key <= 4 ? 0x8000'0000'0000'0000 : placed_hash::place(key);
  }
};

template <class Key, class T, class Hash = placed_hash, class Tuning = tiny_cmap_tuning>
struct cmap_adapter : vocabulary_adapter<model_cmap<Key, T, Hash, Tuning>, Key, T> {
  /// Every structural invariant, when all is quiet.
  void check_structure() {
    const auto report = this->map().validate();
    mc::require(report.error == nullptr, report.error != nullptr ? report.error : "");
    mc::require(report.unfinished == 0, "a sparse branch, or a frozen place below one");
  }
};

/// Every leaf begins an era, what is freed is given back at once, and a contraction copies two
/// leaves.
struct contracting_cmap_tuning : tiny_cmap_tuning {
  static constexpr unsigned max_leaf = 3;
  static constexpr unsigned contract_at = 2;
  static constexpr unsigned first_branch_bits = 2;
  static constexpr std::uint32_t births_per_era = 1;
  static constexpr std::uint32_t retire_batch = 1;
  static constexpr unsigned cached_nodes = 0;
};

/// Segments and blocks of four slots, which become one when the table shrinks.
struct quartering_cmap_tuning : tiny_cmap_tuning {
  static constexpr unsigned log2_segment = 2;
  static constexpr unsigned log2_block = 2;
};

/// Keys 1 to 4 share a slot, and have a child of its branch each.
struct branch_hash {
  using is_avalanching = void;
  template <class K>
  std::uint64_t operator()(const K& k) const {
    const std::uint64_t key = coder<K>::read(k);
    return key <= 4 ? (key - 1) << 56 | key : key << 60;
  }
};

/// A map whose counter is striped already: every change looks at the load.
template <class T>
struct contracting_adapter : cmap_adapter<std::uint64_t, T, branch_hash, contracting_cmap_tuning> {
  contracting_adapter() {
    this->map().reserve(40);
    this->map().insert({1, coder<T>::make(1)});
    this->map().erase(1);
  }
};

// Pairs in the leaves; elements that are nodes of their own; lists.
using in_leaves = cmap_adapter<std::uint64_t, std::uint64_t>;
using in_elements = cmap_adapter<std::uint64_t, std::array<std::uint64_t, 3>>;
using in_lists = cmap_adapter<std::uint64_t, std::uint64_t, equal_hash>;
template <class T>
using in_quarters = cmap_adapter<std::uint64_t, T, placed_hash, quartering_cmap_tuning>;

/// One `clear` is one erasure of each key, however its places change beside it: what is inserted
/// after that erasure stays.
inline std::vector<scenario> clears() {
  using k = kind;
  return {
      {"clear while it shrinks",
       {whole(verb::grow, 40), on(k::insert, 1, 1)},
       {{whole(verb::clear)}, {whole(verb::shrink)}, {on(k::insert, 1, 11), on(k::find, 1)}}},
      {"clear beside a contraction",
       {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3), on(k::insert, 4, 4)},
       {{whole(verb::clear)},
        {on(k::erase, 4), on(k::erase, 3)},
        {on(k::insert, 1, 11), on(k::find, 1), on(k::insert, 2, 22)}}},
  };
}

/// Slots of one group, some of which have something in them, are joined while others write there.
/// Of sixteen slots 5 to 7 have each one of these keys, and so on.
inline std::vector<scenario> shrinkings() {
  using k = kind;
  return {
      {"two shrink it beside writes",
       {whole(verb::grow, 12), on(k::insert, 5, 5), on(k::insert, 6, 6), on(k::insert, 9, 9)},
       {{whole(verb::shrink)},
        {whole(verb::shrink), on(k::put, 5, 55)},
        {on(k::insert, 7, 7), on(k::erase, 6), on(k::find, 5)}}},
      {"what is joined is erased and comes again",
       {whole(verb::grow, 12), on(k::insert, 5, 5), on(k::insert, 13, 13), on(k::insert, 14, 14)},
       {{whole(verb::shrink), on(k::insert, 6, 6)},
        {on(k::erase, 5), on(k::insert, 5, 55), on(k::find, 6)},
        {on(k::erase, 13), on(k::find, 5), on(k::put, 14, 15)}}},
  };
}

/// An erasure finds its branch, and looks at the load before or after it contracts that: what it
/// has found by then another thread has replaced, contracted, retired and freed.
inline scenario contraction_of_the_freed() {
  using k = kind;
  return {"contraction of what another thread has contracted and freed",
          {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3), on(k::insert, 4, 4)},
          {{on(k::erase, 4)},
           {on(k::put, 1, 11), on(k::put, 1, 12), on(k::erase, 2), on(k::put, 1, 13),
            on(k::put, 1, 14)}}};
}

}  // namespace scenarios
