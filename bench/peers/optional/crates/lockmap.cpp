// SPDX-License-Identifier: MIT
// The Rust crate lockmap: LockMap, and the cache LruLockMap.
#include "../../../maps/all.hpp"
#include "../../../maps/caches.hpp"
#include "crates.hpp"

namespace {

template <class Key, class T>
struct crate_lockmap {
  static constexpr const char* name = "crate_lockmap";
  static constexpr auto kind = concur_bench::role::peer;
  static constexpr bool insert_assigns = true;
  concur_bench::crate_object<concur_crate_lockmap, concur_crate_lockmap_delete> m{
      concur_crate_lockmap_new()};
  explicit crate_lockmap(std::size_t) {}

  struct handle {
    concur_crate_lockmap* m;
    explicit handle(crate_lockmap& owner) : m(owner.m.get()) {}
    bool find(Key key, T& out) { return concur_crate_lockmap_find(m, key, &out); }
    bool insert(Key key, T v) { return concur_crate_lockmap_insert(m, key, v); }
    bool erase(Key key) { return concur_crate_lockmap_erase(m, key); }
    void increment(Key key) { concur_crate_lockmap_increment(m, key); }
    template <class Work>
    void locked(Key key, Work work) {
      concur_crate_lockmap_locked(
          m, key, [](void* context, T* v) { (*static_cast<Work*>(context))(*v); }, &work);
    }
  };
  T sum() { return concur_crate_lockmap_sum(m.get()); }
};

template <class Key, class T>
struct crate_lru_lockmap {
  static constexpr const char* name = "crate_lru_lockmap";
  static constexpr auto kind = concur_bench::role::peer;
  concur_bench::crate_object<concur_crate_lru_lockmap, concur_crate_lru_lockmap_delete> c;
  explicit crate_lru_lockmap(std::size_t capacity) : c(concur_crate_lru_lockmap_new(capacity)) {}

  struct handle {
    concur_crate_lru_lockmap* c;
    explicit handle(crate_lru_lockmap& owner) : c(owner.c.get()) {}
    bool find(Key key, T& out) { return concur_crate_lru_lockmap_find(c, key, &out); }
    void insert(Key key, T v) { concur_crate_lru_lockmap_insert(c, key, v); }
  };
};

CONCUR_BENCH_WORD_MAP(crate_lockmap);
CONCUR_BENCH_CACHE(crate_lru_lockmap);

}  // namespace
