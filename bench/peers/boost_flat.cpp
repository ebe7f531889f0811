// SPDX-License-Identifier: MIT
// boost::unordered_flat_map: the ceiling on one thread, and 64 shards of it under locks.
#include "single.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

namespace {

template <class Key, class T>
struct boost_flat : concur_bench::alone<boost::unordered_flat_map<Key, T, concur_bench::hash>> {
  static constexpr const char* name = "1T_boost_flat";
  using boost_flat::alone::alone;
};

template <class Key, class T>
struct shard64_boost_spin
    : concur_bench::sharded<boost::unordered_flat_map<Key, T, concur_bench::hash>,
                            concur_bench::spinlock, 64, 16> {
  static constexpr const char* name = "shard64_boost_spin";
  using shard64_boost_spin::sharded::sharded;
};

template <class Key, class T>
struct shard64_boost_mutex
    : concur_bench::sharded<boost::unordered_flat_map<Key, T, concur_bench::hash>,
                            concur_bench::mutex, 64, 16> {
  static constexpr const char* name = "shard64_boost_mutex";
  using shard64_boost_mutex::sharded::sharded;
};

CONCUR_BENCH_MAP(boost_flat);
CONCUR_BENCH_STRING_MAP(boost_flat);
CONCUR_BENCH_MAP(shard64_boost_spin);
CONCUR_BENCH_STRING_MAP(shard64_boost_spin);
CONCUR_BENCH_MAP(shard64_boost_mutex);
CONCUR_BENCH_STRING_MAP(shard64_boost_mutex);

}  // namespace
