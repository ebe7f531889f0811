// SPDX-License-Identifier: MIT
// absl::flat_hash_map: the ceiling on one thread, and 64 shards of it under locks.
#include "single.hpp"

#include <absl/container/flat_hash_map.h>

namespace {

template <class Key, class T>
struct absl_flat : concur_bench::alone<absl::flat_hash_map<Key, T, concur_bench::hash>> {
  static constexpr const char* name = "1T_absl_flat";
  using absl_flat::alone::alone;
};

template <class Key, class T>
struct shard64_absl_spin : concur_bench::sharded<absl::flat_hash_map<Key, T, concur_bench::hash>,
                                                 concur_bench::spinlock, 64, 58> {
  static constexpr const char* name = "shard64_absl_spin";
  using shard64_absl_spin::sharded::sharded;
};

template <class Key, class T>
struct shard64_absl_mutex : concur_bench::sharded<absl::flat_hash_map<Key, T, concur_bench::hash>,
                                                  concur_bench::mutex, 64, 58> {
  static constexpr const char* name = "shard64_absl_mutex";
  using shard64_absl_mutex::sharded::sharded;
};

CONCUR_BENCH_MAP(absl_flat);
CONCUR_BENCH_STRING_MAP(absl_flat);
CONCUR_BENCH_MAP(shard64_absl_spin);
CONCUR_BENCH_STRING_MAP(shard64_absl_spin);
CONCUR_BENCH_MAP(shard64_absl_mutex);

}  // namespace
