// SPDX-License-Identifier: MIT
// boost::concurrent_flat_map (Boost 1.83 and later). Reads by cvisit, its own best call.
#include "../maps/all.hpp"

#include <boost/unordered/concurrent_flat_map.hpp>

namespace {

template <class Key, class T>
struct boost_concurrent {
  static constexpr const char* name = "boost_concurrent_flat";
  static constexpr auto kind = concur_bench::role::peer;
  using map = boost::concurrent_flat_map<Key, T, concur_bench::hash>;
  map m;
  explicit boost_concurrent(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(boost_concurrent& owner) : m(owner.m) {}
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

CONCUR_BENCH_MAP(boost_concurrent);
CONCUR_BENCH_STRING_MAP(boost_concurrent);

}  // namespace
