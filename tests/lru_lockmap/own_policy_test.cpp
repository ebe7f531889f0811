// SPDX-License-Identifier: MIT
// A cache with an eviction policy of one's own: what the header promises to its author.
#include <algorithm>
#include <concur/lru_lockmap.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/threads.hpp"

namespace {

/// First in, first out. Complains of what the cache must not do.
struct fifo {
  static constexpr bool prefers_one_shard = true;
  static inline std::size_t wrong = 0;  // under the lock of the one shard
  using node = concur::eviction::node;

  template <class Allocator>
  class queue {
   public:
    queue(std::uint64_t, const Allocator&) noexcept {}
    void set_capacity(std::uint64_t) noexcept {}
    bool touch(node&) const noexcept { return false; }
    void promote(node&) noexcept {}
    void insert(node& fresh) noexcept {
      wrong += fresh.is_listed() ? 1U : 0U;
      list_.push_newest(fresh);
    }
    void erase(node& gone) noexcept { take_out(gone); }
    node* victim() noexcept { return victim_ = list_.oldest(); }
    void evict(node& gone) noexcept {
      wrong += &gone != victim_ ? 1U : 0U;
      take_out(gone);
    }
    void reweigh(node& changed, std::uint32_t weight) noexcept {
      wrong += changed.is_listed() ? 0U : 1U;
      list_.reweigh(changed, weight);
    }
    std::uint64_t weight() const noexcept { return list_.weight(); }
    template <class F>
    void for_each(F f) {
      list_.for_each(f);
    }

   private:
    void take_out(node& gone) noexcept {
      wrong += gone.is_listed() ? 0U : 1U;
      list_.erase(gone);
    }
    concur::eviction::node_list list_;
    node* victim_ = nullptr;
  };
};

/// Evicts what is last in a vector of its own: no node is linked to another.
struct by_vector {
  static constexpr bool prefers_one_shard = true;
  using node = concur::eviction::node;

  template <class Allocator>
  class queue {
   public:
    queue(std::uint64_t, const Allocator&) { nodes_.reserve(1'000); }
    void set_capacity(std::uint64_t) noexcept {}
    bool touch(node&) const noexcept { return false; }
    void promote(node&) noexcept {}
    void insert(node& fresh) noexcept {
      nodes_.push_back(&fresh);
      weight_ += fresh.weight;
    }
    void erase(node& gone) noexcept {
      nodes_.erase(std::find(nodes_.begin(), nodes_.end(), &gone));
      weight_ -= gone.weight;
    }
    node* victim() noexcept { return nodes_.empty() ? nullptr : nodes_.front(); }
    void evict(node& gone) noexcept { erase(gone); }
    void reweigh(node& changed, std::uint32_t weight) noexcept {
      weight_ += std::uint64_t{weight} - changed.weight;
      changed.weight = weight;
    }
    std::uint64_t weight() const noexcept { return weight_; }
    template <class F>
    void for_each(F f) {
      for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!f(*nodes_[i])) return;
      }
    }

   private:
    std::vector<node*> nodes_;
    std::uint64_t weight_ = 0;
  };
};

template <class Policy>
using cache_of = concur::lru_lockmap<int, int, concur::hash<int>, std::equal_to<>,
                                     std::allocator<std::pair<const int, int>>, Policy>;

std::vector<int> keys_of(const cache_of<fifo>& cache) {
  std::vector<int> keys;
  cache.cvisit_coldest(cache.size(), [&](const auto& element) { keys.push_back(element.first); });
  return keys;
}

}  // namespace

TEST_CASE("a policy of one's own decides what is evicted") {
  cache_of<fifo> cache(3);
  for (int key = 1; key <= 3; ++key) cache.insert_or_assign(key, key);
  CHECK(cache.find(1) == 1);
  cache.insert_or_assign(1, 10);
  cache.insert_or_assign(4, 4);
  CHECK(keys_of(cache) == std::vector{2, 3, 4});
  {
    const auto held = cache.lock_shared(2);
    cache.insert_or_assign(5, 5);
    // What is held is apart: there are three beside it.
    CHECK(cache.contains(2));
    CHECK(cache.contains(3));
  }
  // It has come back as the newest, and the oldest is gone.
  CHECK(keys_of(cache) == std::vector{4, 5, 2});
  cache.set_capacity(1);
  CHECK(keys_of(cache) == std::vector{2});
  CHECK(fifo::wrong == 0);
}

TEST_CASE("a policy of one's own is called under the lock, and in the order that it is promised") {
  cache_of<fifo> cache(50);
  concur_test::failures failures;
  concur_test::on_threads(4, failures, [&](int thread) {
    unsigned state = static_cast<unsigned>(thread) * 7919U + 1;
    for (int i = 0; i != 5000; ++i) {
      state = state * 1664525U + 1013904223U;
      const int key = static_cast<int>(state >> 16) % 200;
      switch ((state >> 8) % 8) {
        case 0:
          cache.erase(key);
          break;
        case 1:
          cache.upsert(
              key, [](int& value) { ++value; }, 1);
          break;
        case 2: {
          auto held = cache.lock(key);
          held.value_or_emplace(0) += 1;
          break;
        }
        case 3:
          if (i % 64 == 0) cache.set_capacity(20 + state % 60);
          break;
        case 4:
          cache.pop_lru();
          break;
        case 5:
          cache.get_or_compute(key, [] { return 1; });
          break;
        default:
          cache.find(key);
      }
    }
  });
  failures.require();
  cache.set_capacity(10);
  CHECK(cache.size() <= 10);
  CHECK(keys_of(cache).size() == cache.size());
  CHECK(fifo::wrong == 0);
}

TEST_CASE("a policy need not use the links of its nodes", "[lru]") {
  cache_of<by_vector> cache(3);
  for (int key = 1; key <= 100; ++key) {
    cache.insert_or_assign(key, key);
    CHECK(cache.size() <= 3);
    CHECK(cache.find(key) == key);
  }
  cache.erase(100);
  CHECK(cache.size() == 2);
  cache.clear();
  CHECK(cache.empty());
}
