// SPDX-License-Identifier: MIT
// Home-made LRU caches.
#include "lru_shards.hpp"

namespace {

using concur_bench::flat_lru;
using concur_bench::list_lru;
using concur_bench::sharded_cache;

template <class Key, class T>
struct flat_spinlock : sharded_cache<Key, T, flat_lru, concur_bench::spinlock> {
  static constexpr const char* name = "lru_flat_spinlock";
  using flat_spinlock::sharded_cache::sharded_cache;
};
template <class Key, class T>
struct flat_mutex : sharded_cache<Key, T, flat_lru, std::mutex> {
  static constexpr const char* name = "lru_flat_mutex";
  using flat_mutex::sharded_cache::sharded_cache;
};
template <class Key, class T>
struct list_mutex : sharded_cache<Key, T, list_lru, std::mutex> {
  static constexpr const char* name = "lru_list_mutex";
  using list_mutex::sharded_cache::sharded_cache;
};

CONCUR_BENCH_CACHE(flat_spinlock);
CONCUR_BENCH_CACHE(flat_mutex);
CONCUR_BENCH_CACHE(list_mutex);

}  // namespace
