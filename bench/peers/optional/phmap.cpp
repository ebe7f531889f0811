// SPDX-License-Identifier: MIT
// phmap: phmap::parallel_flat_hash_map, 64 submaps with a mutex each.
#include "../../maps/all.hpp"

#include <parallel_hashmap/phmap.h>

#include <mutex>

namespace {

template <class Key, class T>
struct phmap_mutex {
  static constexpr const char* name = "phmap_mutex";
  static constexpr auto kind = concur_bench::role::peer;
  using map = phmap::parallel_flat_hash_map<Key, T, concur_bench::hash, std::equal_to<Key>,
                                            std::allocator<std::pair<const Key, T>>, 6, std::mutex>;
  map m;
  explicit phmap_mutex(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(phmap_mutex& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      return m.if_contains(key, [&](const auto& element) { out = element.second; });
    }
    bool insert(const Key& key, const T& v) {
      return m.try_emplace_l(
          key, [](auto&) {}, v);
    }
    bool erase(const Key& key) {
      return m.erase_if(key, [](auto&) { return true; });
    }
    void increment(const Key& key) {
      m.try_emplace_l(
          key, [](auto& element) { ++element.second; }, T{1});
    }
    template <class Work>
    void locked(const Key& key, Work work) {
      m.modify_if(key, [&](auto& element) { work(element.second); });
    }
  };
  T sum() {
    T total = 0;
    m.for_each([&](const auto& element) { total += element.second; });
    return total;
  }
};

CONCUR_BENCH_MAP(phmap_mutex);
CONCUR_BENCH_STRING_MAP(phmap_mutex);

}  // namespace
