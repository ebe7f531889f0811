// SPDX-License-Identifier: MIT
// folly: folly::ConcurrentHashMap, and ConcurrentHashMapSIMD, which folly advises for maps that are
// larger than the cache. Insertion by try_emplace, which allocates nothing if the key is there.
// There is no update in place: an increment exchanges the value until nobody was faster.
#include "../../maps/all.hpp"

#include <folly/concurrency/ConcurrentHashMap.h>

namespace {

/// Both have one interface.
template <class Map>
struct folly_map_of {
  using map = Map;
  using Key = typename map::key_type;
  using T = typename map::mapped_type;
  static constexpr auto kind = concur_bench::role::peer;
  map m;
  explicit folly_map_of(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(folly_map_of& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      const auto found = m.find(key);
      if (found == m.cend()) return false;
      out = found->second;
      return true;
    }
    bool insert(const Key& key, const T& v) { return m.try_emplace(key, v).second; }
    bool erase(const Key& key) { return m.erase(key) != 0; }
    void increment(const Key& key) {
      while (true) {
        T old = 0;
        if (!find(key, old)) {
          if (insert(key, T{1})) return;
        } else if (m.assign_if_equal(key, old, old + 1)) {
          return;
        }
      }
    }
  };
  T sum() {
    T total = 0;
    for (const auto& element : m) total += element.second;
    return total;
  }
};

template <class Key, class T>
struct folly_map : folly_map_of<folly::ConcurrentHashMap<Key, T, concur_bench::hash>> {
  static constexpr const char* name = "folly_concurrent";
  using folly_map::folly_map_of::folly_map_of;
};

CONCUR_BENCH_MAP(folly_map);
CONCUR_BENCH_STRING_MAP(folly_map);

// Without these instructions folly's second name is of the first map.
#if FOLLY_F14_VECTOR_INTRINSICS_AVAILABLE && FOLLY_F14_CRC_INTRINSIC_AVAILABLE
template <class Key, class T>
struct folly_simd : folly_map_of<folly::ConcurrentHashMapSIMD<Key, T, concur_bench::hash>> {
  static constexpr const char* name = "folly_concurrent_simd";
  using folly_simd::folly_map_of::folly_map_of;
};

CONCUR_BENCH_MAP(folly_simd);
CONCUR_BENCH_STRING_MAP(folly_simd);
#endif

}  // namespace
