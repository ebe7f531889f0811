// SPDX-License-Identifier: MIT
// concur::cmap.
#include "../maps/all.hpp"

#include <concur/cmap.hpp>

namespace {

template <class Key, class T>
struct cmap {
  static constexpr const char* name = "concur_cmap";
  static constexpr auto kind = concur_bench::role::ours;
  using map = concur::cmap<Key, T, concur_bench::hash>;
  map m;
  explicit cmap(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(cmap& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      const auto found = m.find(key);
      if (found) out = *found;
      return found.has_value();
    }
    bool insert(const Key& key, const T& v) { return m.try_emplace(key, v); }
    bool erase(const Key& key) { return m.erase(key) != 0; }
    void increment(const Key& key) {
      m.upsert(
          key, [](T& value) { ++value; }, T{1});
    }
  };
  T sum() {
    T total = 0;
    m.cvisit_all([&](const auto& element) { total += element.second; });
    return total;
  }
};

CONCUR_BENCH_MAP(cmap);
CONCUR_BENCH_STRING_MAP(cmap);

}  // namespace
