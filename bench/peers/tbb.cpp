// SPDX-License-Identifier: MIT
// oneTBB: tbb::concurrent_hash_map. Reads go through const_accessor (its own best call).
#include "../maps/all.hpp"

#include <oneapi/tbb/concurrent_hash_map.h>

namespace {

template <class Key>
struct compare {
  static std::size_t hash(const Key& key) { return concur_bench::hash{}(key); }
  static bool equal(const Key& a, const Key& b) { return a == b; }
};

template <class Key, class T>
struct tbb_hash_map {
  static constexpr const char* name = "tbb_hash_map";
  static constexpr auto kind = concur_bench::role::peer;
  using map = tbb::concurrent_hash_map<Key, T, compare<Key>>;
  map m;
  explicit tbb_hash_map(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(tbb_hash_map& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      typename map::const_accessor a;
      if (!m.find(a, key)) return false;
      out = a->second;
      return true;
    }
    bool insert(const Key& key, const T& v) {
      if constexpr (std::is_trivially_copyable_v<Key>) {
        return m.insert({key, v});
      } else {  // a pair would copy the key once more
        typename map::accessor a;
        if (!m.insert(a, key)) return false;
        a->second = v;
        return true;
      }
    }
    bool erase(const Key& key) { return m.erase(key); }
    void increment(const Key& key) {
      typename map::accessor a;
      m.insert(a, key);  // a new value is zero
      ++a->second;
    }
    template <class Work>
    void locked(const Key& key, Work work) {
      typename map::accessor a;
      m.insert(a, key);
      work(a->second);
    }
    // An accessor is of an element: it is made, and erased by the accessor.
    template <class Work>
    bool locked_absent(const Key& key, Work work) {
      typename map::accessor a;
      const bool absent = m.insert(a, key);
      work();
      if (absent) m.erase(a);
      return absent;
    }
  };
  T sum() {
    T total = 0;
    for (const auto& element : m) total += element.second;
    return total;
  }
};

CONCUR_BENCH_MAP(tbb_hash_map);
CONCUR_BENCH_STRING_MAP(tbb_hash_map);

}  // namespace
