// SPDX-License-Identifier: MIT
/// \file
/// Four times as many threads as the machine has cores on few keys and less room: every way to hold
/// a key beside evictions, expiry, loading and a capacity that changes. Plain data under each key
/// that only its holders touch; every value that was made is there at the end, was reported or was
/// handed out.
#include "lru_lockmap/cache_kinds.hpp"
#include "support/catch.hpp"
#include "support/sanitizers.hpp"
#include "support/threads.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <thread>

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

constexpr int rounds = has_sanitizer ? 1'200 : 6'000;
constexpr number key_count = 24;

int crowd() {
  const unsigned cores = std::thread::hardware_concurrency();
  return static_cast<int>(4 * (cores == 0 ? 2 : cores < 8 ? cores : 8));
}

/// A value says whose it is.
template <class V>
struct coded;
template <>
struct coded<number> {
  static number make(number key, number n) { return key << 32 | (n & 0xffff'ffff); }
  static bool is_of(number key, number v) { return v >> 32 == key; }
};
template <>
struct coded<std::string> {
  static std::string make(number key, number n) {
    return "a value that has memory of its own, of " + std::to_string(key) + ", " +
           std::to_string(n);
  }
  static bool is_of(number key, const std::string& v) {
    return v.find(", of " + std::to_string(key) + ",") != std::string::npos;
  }
};

struct tally {
  std::atomic<std::int64_t> made{0};
  std::atomic<std::int64_t> reported{0};
  std::atomic<std::int64_t> handed{0};
  std::atomic<std::int64_t> wrong{0};
};

template <class Map>
class worker {
  using V = typename Map::mapped_type;

 public:
  worker(Map& map, std::array<number, key_count>& plain, tally& sums, failures& found,
         unsigned seed)
      : map_(map), plain_(plain), sums_(sums), found_(found), random_(seed) {}

  void run() {
    for (int i = 0; i < rounds; ++i) step();
  }

 private:
  number below(number n) { return random_() % n; }
  V value(number key) { return coded<V>::make(key, random_()); }
  void made(bool yes = true) { sums_.made += yes ? 1 : 0; }
  void check(number key, const V& v) { MT_CHECK(found_, coded<V>::is_of(key, v)); }

  template <class Entry>
  void hold(number key, Entry& entry) {
    ++plain_[key];
    if (entry.has_value()) check(key, *entry);
    switch (below(4)) {
      case 0:
        entry.reset();
        break;
      case 1:
        entry.emplace(value(key));
        made();
        break;
      default:
        if (!entry.has_value()) {
          entry.emplace(value(key));
          made();
        } else {
          *entry = value(key);
        }
    }
    if (below(8) == 0) std::this_thread::yield();
  }

  void guard(number key) {
    switch (below(6)) {
      case 0:
      case 1: {
        auto entry = map_.lock(key);
        hold(key, entry);
        break;
      }
      case 2:
        if (auto entry = map_.try_lock_for(key, 20us)) hold(key, entry);
        break;
      case 3: {
        auto shared = map_.lock_shared(key);
        if (shared.has_value()) check(key, *shared);
        if (auto entry = shared.try_upgrade()) {
          hold(key, entry);
          shared = entry.downgrade();
        }
        break;
      }
      default: {
        const number other = below(key_count);
        auto both = map_.lock_all({key, other});
        hold(key, both[key]);
      }
    }
  }

  void step() {
    const number key = below(key_count);
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
        guard(key);
        break;
      case 3:
        made(map_.try_emplace(key, value(key)));
        break;
      case 4:
        map_.insert_or_assign(key, value(key));
        made();
        break;
      case 5:
        map_.erase(key);
        break;
      case 6:
        if (const auto taken = map_.take(key)) {
          ++sums_.handed;
          check(key, *taken);
        }
        break;
      case 7:
        if (const auto popped = map_.pop_lru()) {
          ++sums_.handed;
          check(popped->first, popped->second);
        }
        break;
      case 8:
        check(key, map_.get_or_compute(key, [&] {
          made();
          return value(key);
        }));
        break;
      case 9:
        map_.cvisit_coldest(5, [&](const auto& e) { check(e.first, e.second); });
        break;
      case 10:
        map_.set_expiry(key, std::chrono::microseconds(below(100)));
        break;
      case 11:
        rare();
        break;
      default:
        if (const auto v = map_.find(key)) check(key, *v);
    }
  }
  void rare() {
    switch (below(8)) {
      case 0:
        map_.clear();
        break;
      case 1:
        map_.set_capacity(1 + below(20));
        break;
      case 2:
        map_.remove_expired();
        break;
      default:
        map_.visit_all([&](auto& e) { check(e.first, e.second); });
    }
  }

  Map& map_;
  std::array<number, key_count>& plain_;
  tally& sums_;
  failures& found_;
  std::mt19937_64 random_;
};

template <class V, class Policy>
void caches_hold(std::size_t shards) {
  using map_type = cache<number, V, Policy>;
  tally sums;
  concur::cache_options<number, V> options;
  options.capacity = 10;
  options.shards = shards;
  options.time_to_idle = 5ms;
  options.on_evict = [&](const number& key, V&& v, cause) {
    ++sums.reported;
    if (!coded<V>::is_of(key, v)) ++sums.wrong;
  };
  map_type map(options);
  std::array<number, key_count> plain{};
  const unsigned seed = std::random_device()();
  INFO("seed " << seed << ", shards " << shards);
  failures found;
  on_threads(crowd(), found, [&](int index) {
    worker<map_type>(map, plain, sums, found, seed + static_cast<unsigned>(index)).run();
  });
  found.require();
  const auto stats = map.stats();
  REQUIRE(sums.wrong == 0);
  REQUIRE(stats.size <= stats.capacity);
  REQUIRE(stats.weight == stats.size);
  REQUIRE(stats.keys == stats.size);
  REQUIRE(sums.made - sums.reported - sums.handed == static_cast<std::int64_t>(stats.size));
}

}  // namespace

TEST_CASE("a cache under many threads: exact order, values read from a copy", "[stress][lru]") {
  caches_hold<number, concur::eviction::exact_lru>(1);
}
TEST_CASE("a cache under many threads: lazy order, several shards, values with memory",
          "[stress][lru]") {
  caches_hold<std::string, concur::eviction::lru>(4);
}
TEST_CASE("a cache under many threads: policies with a history", "[stress][lru]") {
  caches_hold<std::string, concur::eviction::s3fifo>(1);
  caches_hold<number, concur::eviction::w_tinylfu>(3);
}
