// SPDX-License-Identifier: MIT
// concur::lru_lockmap, with each of its eviction policies.
#include "../maps/caches.hpp"

#include <concur/lru_lockmap.hpp>

namespace {

namespace eviction = concur::eviction;

template <class Key, class T, class Policy>
struct cache_of {
  static constexpr auto kind = concur_bench::role::ours;
  using map = concur::lru_lockmap<Key, T, concur_bench::hash, std::equal_to<>,
                                  std::allocator<std::pair<const Key, T>>, Policy>;
  map m;
  explicit cache_of(std::size_t capacity) : m(capacity) {}

  struct handle {
    map& m;
    explicit handle(cache_of& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      const auto found = m.find(key);
      if (found) out = *found;
      return found.has_value();
    }
    void insert(const Key& key, const T& v) { m.insert_or_assign(key, v); }
    template <class Work>
    void locked(const Key& key, Work work) {
      auto entry = m.lock(key);
      work(entry.value_or_emplace(T{}));
    }
    template <class Work>
    void pinned(const Key& key, Work work) {
      const auto entry = m.lock_shared(key);
      if (entry.has_value()) work(*entry);
    }
    auto hold(const Key& key) {
      auto entry = m.lock(key);
      entry.value_or_emplace(T{});
      return entry;
    }
  };
};

template <class Key, class T>
struct lru : cache_of<Key, T, eviction::lru> {
  static constexpr const char* name = "concur_lru";
  using lru::cache_of::cache_of;
};
template <class Key, class T>
struct exact_lru : cache_of<Key, T, eviction::exact_lru> {
  static constexpr const char* name = "concur_exact_lru";
  using exact_lru::cache_of::cache_of;
};
template <class Key, class T>
struct s3fifo : cache_of<Key, T, eviction::s3fifo> {
  static constexpr const char* name = "concur_s3fifo";
  using s3fifo::cache_of::cache_of;
};
template <class Key, class T>
struct w_tinylfu : cache_of<Key, T, eviction::w_tinylfu> {
  static constexpr const char* name = "concur_w_tinylfu";
  using w_tinylfu::cache_of::cache_of;
};

CONCUR_BENCH_CACHE(lru);
CONCUR_BENCH_CACHE(exact_lru);
CONCUR_BENCH_CACHE(s3fifo);
CONCUR_BENCH_CACHE(w_tinylfu);

}  // namespace
