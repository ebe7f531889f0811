// SPDX-License-Identifier: MIT
// libcds: FeldmanHashMap with hazard pointers. Its key is the hash itself, so word keys only, whose
// hash is a bijection.
#include "../maps/all.hpp"

#include <cds/container/feldman_hashmap_hp.h>
#include <cds/init.h>
#include <cds/threading/model.h>

namespace {

/// The library and its hazard pointers, from the first map on.
struct library {
  library() {
    cds::Initialize();
    static const cds::gc::HP hazards(16, 1024);
  }
  static void start() { static library once; }
};

struct attached {
  static inline thread_local unsigned held = 0;
  attached() {
    if (held++ == 0) cds::threading::Manager::attachThread();
  }
  ~attached() {
    if (--held == 0) cds::threading::Manager::detachThread();
  }
  attached(const attached&) = delete;
  attached& operator=(const attached&) = delete;
};

template <class Key, class T>
struct cds_feldman {
  static constexpr const char* name = "libcds_feldman_hp";
  static constexpr auto kind = concur_bench::role::peer;
  struct traits : cds::container::feldman_hashmap::traits {
    using hash = concur_bench::hash;
  };
  using map = cds::container::FeldmanHashMap<cds::gc::HP, Key, T, traits>;

  struct started {
    started() { library::start(); }
  };
  started first;
  attached here;
  map m;
  explicit cds_feldman(std::size_t) {}

  struct handle {
    attached here;
    map& m;
    explicit handle(cds_feldman& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      return m.find(key, [&](auto& element) {
        out = std::atomic_ref(element.second).load(std::memory_order_relaxed);
      });
    }
    bool insert(const Key& key, const T& v) { return m.insert(key, v); }
    bool erase(const Key& key) { return m.erase(key); }
    void increment(const Key& key) {
      const auto add = [](auto& element) {
        std::atomic_ref(element.second).fetch_add(1, std::memory_order_relaxed);
      };
      while (!m.find(key, add) && !m.insert(key, T{1})) {
      }
    }
  };
  T sum() {
    const attached visitor;
    T total = 0;
    for (auto at = m.begin(); at != m.end(); ++at)
      total += std::atomic_ref(at->second).load(std::memory_order_relaxed);
    return total;
  }
};

CONCUR_BENCH_WORD_MAP(cds_feldman);

}  // namespace
