// SPDX-License-Identifier: MIT
/// \file
/// Adapters over a single-threaded map: alone (the ceiling on one thread), under one lock, and in
/// 64 shards with a lock each (what many projects write for themselves).
#pragma once

#include "../maps/all.hpp"

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <thread>

namespace concur_bench {

/// Map: a class with find, try_emplace, erase, operator[] of std::unordered_map.
template <class Map>
struct plain_operations {
  using key = typename Map::key_type;
  using mapped = typename Map::mapped_type;
  static bool find(Map& m, const key& k, mapped& out) {
    const auto found = m.find(k);
    if (found == m.end()) return false;
    out = found->second;
    return true;
  }
  static mapped sum(Map& m) {
    mapped total = 0;
    for (const auto& element : m) total += element.second;
    return total;
  }
};

template <class Map>
struct alone {
  static constexpr auto kind = role::ceiling;
  using key = typename Map::key_type;
  using mapped = typename Map::mapped_type;
  Map m;
  explicit alone(std::size_t) {}
  struct handle {
    Map& m;
    explicit handle(alone& owner) : m(owner.m) {}
    bool find(const key& k, mapped& out) { return plain_operations<Map>::find(m, k, out); }
    bool insert(const key& k, const mapped& v) { return m.try_emplace(k, v).second; }
    bool erase(const key& k) { return m.erase(k) != 0; }
    void increment(const key& k) { ++m[k]; }
  };
  mapped sum() { return plain_operations<Map>::sum(m); }
};

/// Test and test-and-set, yielding after a while so that it survives more threads than processors.
class spinlock {
 public:
  void lock() noexcept {
    for (unsigned tries = 0; flag_.exchange(true, std::memory_order_acquire);)
      while (flag_.load(std::memory_order_relaxed))
        if (++tries % 128 == 0) std::this_thread::yield();
  }
  void unlock() noexcept { flag_.store(false, std::memory_order_release); }
  void lock_shared() noexcept { lock(); }
  void unlock_shared() noexcept { unlock(); }

 private:
  std::atomic<bool> flag_{false};
};

struct mutex : std::mutex {
  void lock_shared() { lock(); }
  void unlock_shared() { unlock(); }
};

/// Shift: where the shard comes from, bits that the map inside uses neither for place nor for tag.
template <class Map, class Lock, std::size_t Shards, unsigned Shift>
struct sharded {
  static constexpr auto kind = role::peer;
  using key = typename Map::key_type;
  using mapped = typename Map::mapped_type;
  struct alignas(64) shard {
    Lock lock;
    Map m;
  };
  shard shards[Shards];
  explicit sharded(std::size_t) {}
  shard& of(const key& k) { return shards[hash{}(k) >> Shift & (Shards - 1)]; }
  struct handle {
    sharded& owner;
    explicit handle(sharded& o) : owner(o) {}
    bool find(const key& k, mapped& out) {
      shard& s = owner.of(k);
      const std::shared_lock guard(s.lock);
      return plain_operations<Map>::find(s.m, k, out);
    }
    bool insert(const key& k, const mapped& v) {
      shard& s = owner.of(k);
      const std::lock_guard guard(s.lock);
      return s.m.try_emplace(k, v).second;
    }
    bool erase(const key& k) {
      shard& s = owner.of(k);
      const std::lock_guard guard(s.lock);
      return s.m.erase(k) != 0;
    }
    void increment(const key& k) {
      shard& s = owner.of(k);
      const std::lock_guard guard(s.lock);
      ++s.m[k];
    }
    template <class Work>
    void locked(const key& k, Work work) {
      shard& s = owner.of(k);
      const std::lock_guard guard(s.lock);
      work(s.m[k]);
    }
    template <class Work>
    bool locked_absent(const key& k, Work work) {
      shard& s = owner.of(k);
      const std::lock_guard guard(s.lock);
      work();
      return s.m.find(k) == s.m.end();
    }
  };
  mapped sum() {
    mapped total = 0;
    for (shard& s : shards) {
      const std::shared_lock guard(s.lock);
      total += plain_operations<Map>::sum(s.m);
    }
    return total;
  }
};

}  // namespace concur_bench
