// SPDX-License-Identifier: MIT
// parlayhash: parlay::parlay_unordered_map, with inline entries where key and value are trivially
// copyable. No increment: its Upsert keeps the bucket's state of before it looks whether the bucket
// has moved, and crashes while the table grows (081408b).
#include "../../maps/all.hpp"

#include <parlay_hash/unordered_map.h>

namespace {

template <class Key, class T>
struct parlayhash {
  static constexpr const char* name = "parlayhash";
  static constexpr auto kind = concur_bench::role::peer;
  using map = parlay::parlay_unordered_map<Key, T, concur_bench::hash>;
  map m{0, true};  // true: its memory goes back when the map dies, as that of the others does
  explicit parlayhash(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(parlayhash& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      const auto found = m.Find(key);
      if (found) out = *found;
      return found.has_value();
    }
    bool insert(const Key& key, const T& v) { return !m.Insert(key, v).has_value(); }
    bool erase(const Key& key) { return m.Remove(key).has_value(); }
  };
  T sum() {
    T total = 0;
    for (const auto& element : m) total += element.second;
    return total;
  }
};

CONCUR_BENCH_MAP(parlayhash);
CONCUR_BENCH_STRING_MAP(parlayhash);

}  // namespace
