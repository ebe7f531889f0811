// SPDX-License-Identifier: MIT
/// \file
/// liburcu: cds_lfht, its lock-free hash table. Included after the header of one kind of RCU, which
/// gives the names rcu_* their meaning, and after LFHT, the name of the adapter: adapters of two
/// files must not have the same one, because g++ merges what is instantiated for template arguments
/// of anonymous namespaces.
///
/// It grows when the adapter asks for it, to as many buckets as elements. Its own
/// CDS_LFHT_AUTO_RESIZE stops growing for ever when a helper thread is done before the one that
/// called it has noted the call (0.13,
/// __cds_lfht_resize_lazy_launch), which happened here in one run of two.
#pragma once

#include "../maps/all.hpp"

#include <urcu/rculfhash.h>

#include <bit>
#include <cstddef>
#include <new>

namespace {

/// Registered for as long as it lives; a thread may hold several.
struct registration {
  static inline thread_local unsigned held = 0;
  registration() {
    if (held++ == 0) rcu_register_thread();
  }
  ~registration() {
    if (--held == 0) rcu_unregister_thread();
  }
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;
};

template <class Key, class T>
struct LFHT {
  static constexpr const char* name = "liburcu_" LFHT_KIND;
  static constexpr auto kind = concur_bench::role::peer;

  struct node {
    cds_lfht_node link;
    rcu_head head;
    Key key;
    std::atomic<T> value;
    node(const Key& k, T v) : link(), head(), key(k), value(v) { cds_lfht_node_init(&link); }
  };
  static node* of(cds_lfht_node* link) {
    return reinterpret_cast<node*>(reinterpret_cast<char*>(link) - offsetof(node, link));
  }
  static void free_later(rcu_head* head) {
    delete reinterpret_cast<node*>(reinterpret_cast<char*>(head) - offsetof(node, head));
  }
  static int match(cds_lfht_node* link, const void* key) {
    return of(link)->key == *static_cast<const Key*>(key) ? 1 : 0;
  }
  static unsigned long hash_of(const Key& key) { return concur_bench::hash{}(key); }

  cds_lfht* table;
  std::atomic<std::ptrdiff_t> elements{0};
  std::atomic<std::size_t> buckets{1};
  std::atomic<bool> growing{false};
  explicit LFHT(std::size_t) {
    const registration here;
    table = cds_lfht_new(1, 1, 0, 0, nullptr);
    if (table == nullptr) throw std::bad_alloc();
  }
  LFHT(const LFHT&) = delete;
  LFHT& operator=(const LFHT&) = delete;
  ~LFHT() {
    {
      const registration here;
      cds_lfht_iter at;
      rcu_read_lock();
      for (cds_lfht_first(table, &at); cds_lfht_node* link = cds_lfht_iter_get_node(&at);) {
        cds_lfht_next(table, &at);
        cds_lfht_del(table, link);
        call_rcu(&of(link)->head, free_later);
      }
      rcu_read_unlock();
    }
    rcu_barrier();
    cds_lfht_destroy(table, nullptr);
  }

  /// Outside of sections. One thread grows, the others go on.
  void grow(std::ptrdiff_t added) {
    const std::ptrdiff_t sum = elements.fetch_add(added, std::memory_order_relaxed) + added;
    const auto now = static_cast<std::size_t>(std::max<std::ptrdiff_t>(sum, 0));
    if (now <= buckets.load(std::memory_order_relaxed) || growing.exchange(true)) return;
    cds_lfht_resize(table, std::bit_ceil(now));
    buckets.store(std::bit_ceil(now), std::memory_order_relaxed);
    growing.store(false);
  }

  struct handle {
    registration here;
    LFHT& owner;
    cds_lfht* table;
    std::ptrdiff_t added = 0;  ///< less what was erased, since the last share
    node* spare = nullptr;     ///< of an insertion that found its key
    unsigned calls = 0;
    explicit handle(LFHT& o) : owner(o), table(o.table) {}
    ~handle() {
      owner.grow(added);
      delete spare;
    }
    handle(const handle&) = delete;
    handle& operator=(const handle&) = delete;

    struct section {
      handle& mine;
      explicit section(handle& h) : mine(h) { rcu_read_lock(); }
      ~section() {
        rcu_read_unlock();
        if (++mine.calls % 64 == 0) rcu_quiescent_state();
      }
      section(const section&) = delete;
      section& operator=(const section&) = delete;
    };
    node* look(const Key& key) {
      cds_lfht_iter at;
      cds_lfht_lookup(table, hash_of(key), match, &key, &at);
      cds_lfht_node* const link = cds_lfht_iter_get_node(&at);
      return link == nullptr ? nullptr : of(link);
    }
    /// The node that is in the table now: the new one, or the one that was there.
    node* add(const Key& key, T v, bool& inserted) {
      if (spare == nullptr) {
        spare = new node(key, v);
      } else {
        spare->key = key;
        spare->value.store(v, std::memory_order_relaxed);
      }
      node* const present = of(cds_lfht_add_unique(table, hash_of(key), match, &key, &spare->link));
      inserted = present == spare;
      if (inserted) spare = nullptr;
      return present;
    }

    bool find(const Key& key, T& out) {
      const section reading(*this);
      const node* const found = look(key);
      if (found != nullptr) out = found->value.load(std::memory_order_relaxed);
      return found != nullptr;
    }
    bool insert(const Key& key, const T& v) {
      bool inserted = false;
      {
        const section reading(*this);
        add(key, v, inserted);
      }
      if (inserted) count();
      return inserted;
    }
    bool erase(const Key& key) {
      const section reading(*this);
      node* const found = look(key);
      if (found == nullptr || cds_lfht_del(table, &found->link) != 0) return false;
      call_rcu(&found->head, free_later);
      --added;
      return true;
    }
    void increment(const Key& key) {
      bool inserted = false;
      {
        const section reading(*this);
        node* found = look(key);
        if (found == nullptr) found = add(key, 1, inserted);
        if (!inserted) found->value.fetch_add(1, std::memory_order_relaxed);
      }
      if (inserted) count();
    }
    /// In shares, so that threads seldom meet at the counter.
    void count() {
      const std::size_t share = owner.buckets.load(std::memory_order_relaxed) / 4;
      if (++added < static_cast<std::ptrdiff_t>(std::min<std::size_t>(share, 1024))) return;
      owner.grow(added);
      added = 0;
    }
  };
  T sum() {
    const registration here;
    T total = 0;
    cds_lfht_iter at;
    rcu_read_lock();
    for (cds_lfht_first(table, &at); cds_lfht_node* link = cds_lfht_iter_get_node(&at);
         cds_lfht_next(table, &at))
      total += of(link)->value.load(std::memory_order_relaxed);
    rcu_read_unlock();
    return total;
  }
};

CONCUR_BENCH_MAP(LFHT);
CONCUR_BENCH_STRING_MAP(LFHT);

}  // namespace
