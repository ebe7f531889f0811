// SPDX-License-Identifier: MIT
// folly: folly::ConcurrentHashMap. It has no update in place: an increment exchanges the value
// until nobody was faster.
#include "../../maps/all.hpp"

#include <folly/concurrency/ConcurrentHashMap.h>

namespace {

template <class Key, class T>
struct folly_map {
  static constexpr const char* name = "folly_concurrent";
  static constexpr auto kind = concur_bench::role::peer;
  using map = folly::ConcurrentHashMap<Key, T, concur_bench::hash>;
  map m;
  explicit folly_map(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(folly_map& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      const auto found = m.find(key);
      if (found == m.cend()) return false;
      out = found->second;
      return true;
    }
    bool insert(const Key& key, const T& v) { return m.emplace(key, v).second; }
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

CONCUR_BENCH_MAP(folly_map);
CONCUR_BENCH_STRING_MAP(folly_map);

}  // namespace
