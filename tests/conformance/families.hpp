// SPDX-License-Identifier: MIT
/// \file
/// Whom the suite is run on. A family is a template of maps and what it takes; a list is a tuple of
/// families for `TEMPLATE_LIST_TEST_CASE`. Tests branch on `guarantees`, never on a family's name.
///
/// - `vocabulary_maps`: every map of the library and the two reference engines; all names.
/// - `own_memory_maps`: without the map that lies in memory of the user's: those that are
///   constructed with an allocator.
/// - `any_type_maps`: those of them that take any type.
/// - `core_maps`, `any_type_core_maps`: and the hand-written oracle; the names that it has.
/// - `shared_maps`, `any_type_shared_maps`: and boost::concurrent_flat_map, where it is found; the
///   names that it shares, as it defines them.
#pragma once

#include "conformance/locked_unordered_map.hpp"
#include "conformance/test_map.hpp"

#include <concur/concepts.hpp>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>

#if __has_include(<concur/cmap.hpp>)
#include <concur/cmap.hpp>
#define CONCUR_TEST_HAS_CMAP 1
#else
#define CONCUR_TEST_HAS_CMAP 0
#endif

#if __has_include(<concur/seqmap.hpp>)
#include <concur/seqmap.hpp>
#define CONCUR_TEST_HAS_SEQMAP 1
#else
#define CONCUR_TEST_HAS_SEQMAP 0
#endif

#if __has_include(<concur/fixed_map.hpp>)
#include "conformance/roomy_fixed_map.hpp"
#if !defined(_WIN32)
#include "conformance/roomy_shared_fixed_map.hpp"
#define CONCUR_TEST_HAS_SHARED_FIXED_MAP 1
#endif
#define CONCUR_TEST_HAS_FIXED_MAP 1
#else
#define CONCUR_TEST_HAS_FIXED_MAP 0
#endif

#if __has_include(<concur/hamt.hpp>)
#include <concur/hamt.hpp>
#define CONCUR_TEST_HAS_HAMT 1
#else
#define CONCUR_TEST_HAS_HAMT 0
#endif

#if __has_include(<concur/lockmap.hpp>)
#include <concur/lockmap.hpp>
#define CONCUR_TEST_HAS_LOCKMAP 1
#else
#define CONCUR_TEST_HAS_LOCKMAP 0
#endif

#if __has_include(<concur/lru_lockmap.hpp>)
#include "conformance/roomy_lru_lockmap.hpp"
#define CONCUR_TEST_HAS_LRU 1
#else
#define CONCUR_TEST_HAS_LRU 0
#endif

#if __has_include(<boost/unordered/concurrent_flat_map.hpp>)
#include <boost/unordered/concurrent_flat_map.hpp>
#define CONCUR_TEST_HAS_BOOST 1
#else
#define CONCUR_TEST_HAS_BOOST 0
#endif

namespace concur_test {

using number = std::uint64_t;

struct locked_family {
  template <class K, class T, class... Rest>
  using map = test_map<locked_engine, K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = true;
};

struct cow_family {
  template <class K, class T, class... Rest>
  using map = test_map<cow_engine, K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = true;
};

struct oracle_family {
  template <class K, class T, class... Rest>
  using map = locked_unordered_map<K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = true;
};

#if CONCUR_TEST_HAS_CMAP
struct cmap_family {
  template <class K, class T, class... Rest>
  using map = concur::cmap<K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = true;
};
using cmap_list = std::tuple<cmap_family>;
#else
using cmap_list = std::tuple<>;
#endif

#if CONCUR_TEST_HAS_SEQMAP
struct seqmap_family {
  template <class K, class T, class... Rest>
  using map = concur::seqmap<K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = (std::is_trivially_copyable_v<Types> && ...);
};
using seqmap_list = std::tuple<seqmap_family>;
#else
using seqmap_list = std::tuple<>;
#endif

#if CONCUR_TEST_HAS_FIXED_MAP
struct fixed_family {
  template <class K, class T, class... Rest>
  using map = roomy_fixed_map<K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = (std::is_trivially_copyable_v<Types> && ...);
};
using fixed_list = std::tuple<fixed_family>;
#else
using fixed_list = std::tuple<>;
#endif

#if defined(CONCUR_TEST_HAS_SHARED_FIXED_MAP) && !defined(CONCUR_TEST_OF_TWIN)
struct shared_fixed_family {
  template <class K, class T, class... Rest>
  using map = roomy_shared_fixed_map<K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = (std::is_trivially_copyable_v<Types> && ...);
};
using shared_fixed_list = std::tuple<shared_fixed_family>;
#else
using shared_fixed_list = std::tuple<>;
#endif

#if CONCUR_TEST_HAS_HAMT
struct hamt_family {
  template <class K, class T, class... Rest>
  using map = concur::hamt<K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = true;
};
using hamt_list = std::tuple<hamt_family>;
#else
using hamt_list = std::tuple<>;
#endif

#if CONCUR_TEST_HAS_LOCKMAP
struct lockmap_family {
  template <class K, class T, class... Rest>
  using map = concur::lockmap<K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = true;
};
using lockmap_list = std::tuple<lockmap_family>;
#else
using lockmap_list = std::tuple<>;
#endif

#if CONCUR_TEST_HAS_LRU
/// Without a bound, and with one that no test reaches.
struct unbounded_lru_family {
  template <class K, class T, class... Rest>
  using map =
      roomy_lru_lockmap<static_cast<std::size_t>(-1), concur::eviction::exact_lru, K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = true;
};
struct roomy_lru_family {
  template <class K, class T, class... Rest>
  using map = roomy_lru_lockmap<1'000'000, concur::eviction::lru, K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = true;
};
using lru_list = std::tuple<unbounded_lru_family, roomy_lru_family>;
#else
using lru_list = std::tuple<>;
#endif

#if CONCUR_TEST_HAS_BOOST
struct boost_family {
  template <class K, class T, class... Rest>
  using map = boost::concurrent_flat_map<K, T, Rest...>;
  template <class... Types>
  static constexpr bool takes = true;
};
using boost_list = std::tuple<boost_family>;
#else
using boost_list = std::tuple<>;
#endif

template <class... Lists>
using joined = decltype(std::tuple_cat(std::declval<Lists>()...));

#ifdef CONCUR_TEST_OF_TWIN
// The build with the portable loads: what uses vector loads, and one map that takes any type.
using any_type_maps = std::tuple<locked_family>;
#else
using any_type_maps =
    joined<std::tuple<locked_family, cow_family>, cmap_list, hamt_list, lockmap_list, lru_list>;
#endif
using own_memory_maps = joined<any_type_maps, seqmap_list, fixed_list>;
using vocabulary_maps = joined<own_memory_maps, shared_fixed_list>;
/// Of them, those that take keys which are not compared by their bytes; and any values, beside keys
/// that are numbers.
using any_key_maps = joined<any_type_maps, seqmap_list>;
using any_value_maps = joined<any_type_maps, fixed_list>;
using core_maps = joined<vocabulary_maps, std::tuple<oracle_family>>;
using any_type_core_maps = joined<any_type_maps, std::tuple<oracle_family>>;
using shared_maps = joined<core_maps, boost_list>;
using any_type_shared_maps = joined<any_type_core_maps, boost_list>;

/// Promises of the library's maps that the reference engines do not give (they stand on standard
/// containers): the library's maps. Catch2 takes no empty list.
#define CONCUR_TEST_HAS_OWN_MAPS                                             \
  (CONCUR_TEST_HAS_SEQMAP || CONCUR_TEST_HAS_CMAP || CONCUR_TEST_HAS_HAMT || \
   CONCUR_TEST_HAS_LOCKMAP || CONCUR_TEST_HAS_LRU)
using own_maps = joined<cmap_list, seqmap_list, hamt_list, lockmap_list, lru_list>;
using own_any_type_maps = joined<cmap_list, hamt_list, lockmap_list, lru_list>;

/// Maps from outside are as the locked oracle is.
template <class M>
constexpr bool callback_is_exclusive() {
  if constexpr (requires { typename M::guarantees_type; }) {
    return concur::guarantees<M>::callback_is_exclusive;
  } else {
    return true;
  }
}

template <class M>
constexpr bool callback_may_run_again() {
  if constexpr (requires { typename M::guarantees_type; }) {
    return concur::guarantees<M>::callback_may_run_again;
  } else {
    return false;
  }
}

/// What is in a quiet map, by the names that all maps have.
template <class M>
auto contents(const M& map) {
  std::unordered_map<typename M::key_type, typename M::mapped_type> found;
  map.cvisit_all([&](const auto& element) { found.emplace(element.first, element.second); });
  return found;
}

}  // namespace concur_test
