// SPDX-License-Identifier: MIT
// boost::concurrent_flat_map (Boost 1.83 and later), and, where it is there (1.84),
// concurrent_node_map for strings. Reads by cvisit, their own best call.
#include "../maps/all.hpp"

#include <boost/unordered/concurrent_flat_map.hpp>

#if __has_include(<boost/unordered/concurrent_node_map.hpp>)
#include <boost/unordered/concurrent_node_map.hpp>
#endif

namespace {

/// Both have one interface.
template <class Map>
struct boost_concurrent_of {
  using map = Map;
  using Key = typename map::key_type;
  using T = typename map::mapped_type;
  static constexpr auto kind = concur_bench::role::peer;
  map m;
  explicit boost_concurrent_of(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(boost_concurrent_of& owner) : m(owner.m) {}
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

template <class Key, class T>
struct boost_concurrent
    : boost_concurrent_of<boost::concurrent_flat_map<Key, T, concur_bench::hash>> {
  static constexpr const char* name = "boost_concurrent_flat";
  using boost_concurrent::boost_concurrent_of::boost_concurrent_of;
};

CONCUR_BENCH_MAP(boost_concurrent);
CONCUR_BENCH_STRING_MAP(boost_concurrent);

#if __has_include(<boost/unordered/concurrent_node_map.hpp>)
template <class Key, class T>
struct boost_concurrent_node
    : boost_concurrent_of<boost::concurrent_node_map<Key, T, concur_bench::hash>> {
  static constexpr const char* name = "boost_concurrent_node";
  using boost_concurrent_node::boost_concurrent_of::boost_concurrent_of;
};

CONCUR_BENCH_STRING_MAP(boost_concurrent_node);
#endif

}  // namespace
