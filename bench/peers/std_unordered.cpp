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
};

CONCUR_BENCH_MAP(std_alone);
CONCUR_BENCH_MAP(std_mutex);
CONCUR_BENCH_MAP(std_shared_mutex);

}  // namespace
