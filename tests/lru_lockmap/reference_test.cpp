// SPDX-License-Identifier: MIT
/// \file
/// Random operations on a cache of one shard and on its slow reference: results, contents, order,
/// weight and what was reported are the same throughout.
#include "lru_lockmap/reference_cache.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <tuple>
#include <vector>

using namespace concur_test;

namespace {

struct setting {
  std::uint64_t capacity;
  std::int64_t time_to_live;
  std::int64_t time_to_idle;
  bool weighs;
};

class random_numbers {
 public:
  explicit random_numbers(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t below(std::uint64_t n) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33) % n;
  }

 private:
  std::uint64_t state_;
};

/// Without the walk through the table, whose order is that of the hashes, and without that through
/// the deadlines, in ticks.
struct unswept : concur::detail::lru::default_tuning {
  static constexpr std::size_t swept_homes = 0;
  static constexpr unsigned timer_steps = 0;
};
using unswept_cache =
    concur::detail::basic_lru_lockmap<number, number, concur::hash<number>, std::equal_to<>,
                                      std::allocator<std::pair<const number, number>>,
                                      concur::eviction::exact_lru, unswept>;

class pair_of_caches {
 public:
  pair_of_caches(const setting& how, std::uint64_t seed) : random_(seed), map_(options_of(how)) {
    slow_.capacity = how.capacity;
    slow_.time_to_live = how.time_to_live;
    slow_.time_to_idle = how.time_to_idle;
    slow_.weighs = how.weighs;
    slow_.now = clock_.now().count();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      compare();
      if (i % 50 == 0) compare_order();
    }
  }

 private:
  concur::cache_options<number, number> options_of(const setting& how) {
    concur::cache_options<number, number> made;
    made.capacity = how.capacity;
    made.time_to_live = std::chrono::nanoseconds(how.time_to_live);
    made.time_to_idle = std::chrono::nanoseconds(how.time_to_idle);
    if (how.weighs) made.weigher = [](number, number v) { return v % 7; };
    made.on_evict = seen_.listener();
    made.clock = clock_.reader();
    return made;
  }

  // A value says whose it is: key * 1000 and some.
  number some_value(number key) { return key * 1000 + random_.below(900); }

  void step() {
    const number k = random_.below(40);
    const number v = some_value(k);
    switch (random_.below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        REQUIRE(map_.try_emplace(k, v) == slow_.try_emplace(k, v));
        break;
      case 4:
      case 5:
        REQUIRE(map_.insert_or_assign(k, v) == slow_.insert_or_assign(k, v));
        break;
      case 6:
        REQUIRE(map_.update(k, [](number& n) { ++n; }) == (slow_.update(k) ? 1U : 0U));
        break;
      case 7:
        REQUIRE(map_.erase(k) == (slow_.erase(k) ? 1U : 0U));
        break;
      case 8:
        REQUIRE(map_.take(k) == slow_.take(k));
        break;
      case 9:
        REQUIRE(map_.peek(k) == slow_.peek(k));
        break;
      case 10:
        advance();
        break;
      case 11:
        rare(k);
        break;
      default:
        REQUIRE(map_.find(k) == slow_.find(k));
    }
  }
  void advance() {
    const auto by = static_cast<std::int64_t>(random_.below(40));
    clock_.advance(std::chrono::nanoseconds(by));
    slow_.now += by;
  }
  void rare(number k) {
    switch (random_.below(8)) {
      case 0:
        REQUIRE(map_.pop_lru() == slow_.pop_lru());
        break;
      case 1: {
        const std::uint64_t capacity = random_.below(30);
        map_.set_capacity(capacity);
        slow_.set_capacity(capacity);
        break;
      }
      case 2:
        REQUIRE(map_.remove_expired() == slow_.remove_expired());
        break;
      case 3:
        if (random_.below(10) == 0) {
          map_.clear();
          slow_.clear();
        }
        break;
      default: {
        const auto t = static_cast<std::int64_t>(random_.below(100));
        REQUIRE(map_.set_expiry(k, std::chrono::nanoseconds(t)) == slow_.set_expiry(k, t));
      }
    }
  }

  void compare() {
    REQUIRE(map_.size() == slow_.size());
    auto here = seen_.take();
    auto there = std::exchange(slow_.reported, {});
    const auto by_key = [](const auto& a, const auto& b) {
      return std::tuple(a.key, a.value) < std::tuple(b.key, b.value);
    };
    std::sort(here.begin(), here.end(), by_key);
    std::sort(there.begin(), there.end(), by_key);
    REQUIRE(here == there);
  }
  void compare_order() {
    std::vector<number> keys;
    map_.cvisit_coldest(1000, [&](const auto& e) { keys.push_back(e.first); });
    REQUIRE(keys == slow_.keys());
    REQUIRE(map_.stats().weight == slow_.weight());
  }

  random_numbers random_;
  hand_clock clock_;
  witness<number, number> seen_;
  unswept_cache map_;
  reference_cache slow_;
};

}  // namespace

TEST_CASE("as the reference does", "[lru][reference]") {
  for (const setting how :
       {setting{20, 0, 0, false}, setting{1, 0, 0, false},
        setting{~std::uint64_t{0} >> 1, 0, 0, false}, setting{20, 60, 0, false},
        setting{20, 0, 60, false}, setting{25, 100, 40, false}, setting{40, 0, 0, true},
        setting{50, 80, 0, true}, setting{4, 50, 50, true}}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) pair_of_caches(how, seed).run(1500);
  }
}
