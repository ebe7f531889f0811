// SPDX-License-Identifier: MIT
// seq: seq::concurrent_map, with its own choice of 32 shards and a spinlock a bucket. Reads by
// cvisit.
#include "../../maps/all.hpp"

#include <seq/concurrent_map.hpp>

namespace {

template <class Key, class T>
struct seq_map {
  static constexpr const char* name = "seq_concurrent";
  static constexpr auto kind = concur_bench::role::peer;
  using map = seq::concurrent_map<Key, T, concur_bench::hash>;
  map m;
  explicit seq_map(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(seq_map& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      return m.cvisit(key, [&](const auto& element) { out = element.second; }) != 0;
    }
    bool insert(const Key& key, const T& v) { return m.try_emplace(key, v); }
    bool erase(const Key& key) { return m.erase(key) != 0; }
    void increment(const Key& key) {
      m.try_emplace_or_visit(key, T{1}, [](auto& element) { ++element.second; });
    }
    template <class Work>
    void locked(const Key& key, Work work) {
      m.visit(key, [&](auto& element) { work(element.second); });
    }
  };
  T sum() {
    T total = 0;
    m.cvisit_all([&](const auto& element) { total += element.second; });
    return total;
  }
};

CONCUR_BENCH_MAP(seq_map);
CONCUR_BENCH_STRING_MAP(seq_map);

}  // namespace
