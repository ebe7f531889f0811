// SPDX-License-Identifier: MIT
// std::unordered_map: alone, under one mutex and under one shared mutex.
#include "single.hpp"

#include <unordered_map>

namespace {

template <class Key, class T>
struct std_alone : concur_bench::alone<std::unordered_map<Key, T, concur_bench::hash>> {
  static constexpr const char* name = "1T_std_unordered";
  using std_alone::alone::alone;
};

template <class Key, class T>
struct std_mutex : concur_bench::sharded<std::unordered_map<Key, T, concur_bench::hash>,
                                         concur_bench::mutex, 1, 0> {
  static constexpr const char* name = "std_unordered_mutex";
  using std_mutex::sharded::sharded;
};

template <class Key, class T>
struct std_shared_mutex : concur_bench::sharded<std::unordered_map<Key, T, concur_bench::hash>,
                                                std::shared_mutex, 1, 0> {
  static constexpr const char* name = "std_unordered_shared_mutex";
  using std_shared_mutex::sharded::sharded;

  /// A copy, made under the shared lock.
  struct moment {
    std::unordered_map<Key, T, concur_bench::hash> m;
    T sum() const {
      T total = 0;
      for (const auto& element : m) total += element.second;
      return total;
    }
    std::size_t changes_since(const moment& older) const {
      std::size_t n = 0;
      for (const auto& [key, now] : m) {
        const auto before = older.m.find(key);
        n += before == older.m.end() || before->second != now;
      }
      for (const auto& element : older.m) n += m.count(element.first) == 0;
      return n;
    }
  };
  moment snapshot() {
    const std::shared_lock guard(this->shards[0].lock);
    return {this->shards[0].m};
  }
};

CONCUR_BENCH_MAP(std_alone);
CONCUR_BENCH_STRING_MAP(std_alone);
CONCUR_BENCH_MAP(std_mutex);
CONCUR_BENCH_STRING_MAP(std_mutex);
CONCUR_BENCH_MAP(std_shared_mutex);
CONCUR_BENCH_STRING_MAP(std_shared_mutex);

}  // namespace
