// SPDX-License-Identifier: MIT
// oneTBB: tbb::concurrent_lru_cache, which finds or makes. What is in use does not count against
// its capacity. A handle keeps an element, and keeps nobody off it.
#define TBB_PREVIEW_CONCURRENT_LRU_CACHE 1

#include "../maps/caches.hpp"

#include <oneapi/tbb/concurrent_lru_cache.h>

namespace {

template <class Key, class T>
struct tbb_lru_cache {
  static constexpr const char* name = "tbb_lru_cache";
  static constexpr auto kind = concur_bench::role::peer;
  using cache = tbb::concurrent_lru_cache<Key, T, T (*)(Key)>;

  static inline thread_local bool was_made = false;
  static T make(Key key) {
    was_made = true;
    return static_cast<T>(key);
  }
  cache c;
  explicit tbb_lru_cache(std::size_t capacity) : c(&make, capacity) {}

  struct handle {
    cache& c;
    explicit handle(tbb_lru_cache& owner) : c(owner.c) {}
    bool find_or_insert(const Key& key, const T&) {
      was_made = false;
      auto held = c[key];
      concur_bench::keep(held.value());
      return !was_made;
    }
    template <class Work>
    void pinned(const Key& key, Work work) {
      auto held = c[key];
      work(held.value());
    }
    auto hold(const Key& key) { return c[key]; }
  };
};

CONCUR_BENCH_CACHE(tbb_lru_cache);

}  // namespace
