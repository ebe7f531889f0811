// SPDX-License-Identifier: MIT
/// \file
/// What the tests of seqmap share: a tuning that makes every event frequent, and a look behind the
/// face.
#pragma once

#include "support/gate.hpp"
#include "support/scattered.hpp"

#include <concur/policy/identity_hash.hpp>
#include <concur/seqmap.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

/// Befriended by the face.
struct seqmap_test_access {
  template <class Map>
  static decltype(auto) engine(Map& map) noexcept {
    return map.engine();
  }
};

}  // namespace concur::inline CONCUR_ABI::detail

namespace concur_test {

/// Two buckets at first, blocks of sixteen, shares of eight, and the counter striped from eight
/// buckets on.
struct tiny : concur::detail::seqmap::default_tuning {
  static constexpr unsigned first_log2_buckets = 1;
  static constexpr unsigned log2_block = 4;
  static constexpr unsigned log2_check_interval = 2;
  static constexpr unsigned striped_log2_buckets = 3;
  static constexpr unsigned max_load(unsigned) noexcept { return 54; }
  static constexpr unsigned log2_growth(unsigned) noexcept { return 1; }
};

/// The same in steps of four, as small tables of the default tuning.
struct tiny_by_four : tiny {
  static constexpr unsigned log2_growth(unsigned) noexcept { return 2; }
};

template <class Key, class T, class Hash = concur::hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>, class Tuning = tiny>
using tiny_map = concur::detail::basic_seqmap<Key, T, Hash, KeyEqual, Allocator, Tuning>;

template <class Key, class T, class Hash = concur::hash<Key>, class KeyEqual = std::equal_to<>>
using tiny_map_by_four =
    tiny_map<Key, T, Hash, KeyEqual, std::allocator<std::pair<const Key, T>>, tiny_by_four>;

/// Numbers that are their own hashes: the highest bits choose the bucket.
using placed_map = tiny_map<number, number, concur::identity_hash>;

/// How many buckets a lookup of `key` reads.
template <class Map>
std::size_t probes(const Map& map, const typename Map::key_type& key) {
  return concur::detail::seqmap_test_access::engine(map).probe_count(key);
}

}  // namespace concur_test
