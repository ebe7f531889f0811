// SPDX-License-Identifier: MIT
// libcuckoo: libcuckoo::cuckoohash_map.
#include "../maps/all.hpp"

#include <libcuckoo/cuckoohash_map.hh>

namespace {

template <class Key, class T>
struct cuckoo_map {
  static constexpr const char* name = "libcuckoo";
  static constexpr auto kind = concur_bench::role::peer;
  libcuckoo::cuckoohash_map<Key, T, concur_bench::hash> m;
  explicit cuckoo_map(std::size_t) {}

  struct handle {
    libcuckoo::cuckoohash_map<Key, T, concur_bench::hash>& m;
    explicit handle(cuckoo_map& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      return m.find_fn(key, [&](const T& v) { out = v; });
    }
    bool insert(const Key& key, const T& v) { return m.insert(key, v); }
    bool erase(const Key& key) { return m.erase(key); }
    void increment(const Key& key) {
      m.upsert(
          key, [](T& v) { ++v; }, T{1});
    }
    template <class Work>
    void locked(const Key& key, Work work) {
      m.update_fn(key, [&](T& v) { work(v); });
    }
  };
  T sum() {
    T total = 0;
    const auto locked = m.lock_table();
    for (const auto& element : locked) total += element.second;
    return total;
  }
};

CONCUR_BENCH_MAP(cuckoo_map);
CONCUR_BENCH_STRING_MAP(cuckoo_map);

}  // namespace
