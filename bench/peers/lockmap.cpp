// SPDX-License-Identifier: MIT
// concur::lockmap.
#include "../maps/all.hpp"

#include <concur/lockmap.hpp>

namespace {

template <class Key, class T>
struct lockmap {
  static constexpr const char* name = "concur_lockmap";
  static constexpr auto kind = concur_bench::role::ours;
  using map = concur::lockmap<Key, T, concur_bench::hash>;
  map m;
  explicit lockmap(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(lockmap& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      const auto found = m.find(key);
      if (found) out = *found;
      return found.has_value();
    }
    bool insert(const Key& key, const T& v) { return m.try_emplace(key, v); }
    bool erase(const Key& key) { return m.erase(key) != 0; }
    void increment(const Key& key) {
      m.upsert(
          key, [](T& v) { ++v; }, T{1});
    }
    template <class Work>
    void locked(const Key& key, Work work) {
      auto entry = m.lock(key);
      work(entry.value_or_emplace(T{}));
    }
    template <class Work>
    bool locked_absent(const Key& key, Work work) {
      const auto entry = m.lock(key);
      work();
      return !entry.has_value();
    }
  };
  T sum() {
    T total = 0;
    m.cvisit_all([&](const auto& element) { total += element.second; });
    return total;
  }
};

CONCUR_BENCH_MAP(lockmap);
CONCUR_BENCH_STRING_MAP(lockmap);

}  // namespace
