// SPDX-License-Identifier: MIT
/// \file
/// What is known to be wrong with, or missing from, the crate lockmap 0.2.3 (its LockMap and its
/// LruLockMap), each as a test that a port of it would fail.
#include "support/catch.hpp"
#include "support/threads.hpp"

#include <concur/lockmap.hpp>
#include <concur/lru_lockmap.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

using map_type = concur::lockmap<int, int>;

template <class Call>
bool is_deadlock(Call call) {
  try {
    call();
    return false;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::resource_deadlock_would_occur;
  }
}

/// Uses the map as it goes.
struct visitor_at_death {
  concur::lockmap<int, visitor_at_death>* map;
  int* deaths;
  visitor_at_death(concur::lockmap<int, visitor_at_death>& m, int& d) : map(&m), deaths(&d) {}
  visitor_at_death(visitor_at_death&& other) noexcept
      : map(std::exchange(other.map, nullptr)), deaths(other.deaths) {}
  visitor_at_death& operator=(visitor_at_death&& other) noexcept {
    std::swap(map, other.map);
    std::swap(deaths, other.deaths);
    return *this;
  }
  ~visitor_at_death() {
    if (map == nullptr) return;
    for (int k = 0; k < 200; ++k) {
      if (k != 1) static_cast<void>(map->contains(k));
    }
    map->erase(1'000);
    ++*deaths;
  }
};

/// Without an order.
struct bare_key {
  int number;
  friend bool operator==(const bare_key& a, const bare_key& b) { return a.number == b.number; }
};
struct bare_hash {
  std::size_t operator()(const bare_key& k) const { return static_cast<std::size_t>(k.number); }
};

}  // namespace

TEST_CASE("seed lockmap: a locked absent key is not counted (there: size counts placeholders)") {
  map_type map;
  const auto entry = map.lock(1);
  REQUIRE(map.size() == 0);
  REQUIRE(map.empty());
}

TEST_CASE("seed lockmap: values die outside of every lock (there: under the shard's)") {
  concur::lockmap<int, visitor_at_death> map;
  int deaths = 0;
  const auto fill = [&] {
    for (int k = 0; k < 50; ++k) map.try_emplace(k, map, deaths);
    deaths = 0;
  };
  fill();
  map.erase(1);
  REQUIRE(deaths == 1);
  map.erase_if([](const auto& e) { return e.first % 2 == 0; });
  REQUIRE(deaths == 26);
  map.clear();
  REQUIRE(deaths == 50);
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE(
    "seed lockmap: a callback that throws pins nothing (there: held keys stay slow for ever)") {
  map_type map;
  for (int k = 0; k < 300; ++k) map.insert({k, k});
  REQUIRE_THROWS(map.visit_all([](auto& e) {
    if (e.second == 150) throw std::runtime_error("stop");
  }));
  REQUIRE_THROWS(map.cvisit_all([](const auto& e) {
    if (e.second == 150) throw std::runtime_error("stop");
  }));
  REQUIRE_THROWS(map.erase_if([](const auto& e) -> bool {
    if (e.second == 150) throw std::runtime_error("stop");
    return false;
  }));
  for (int k = 0; k < 300; ++k) {
    auto entry = map.try_lock(k);
    REQUIRE(entry);
    entry.reset();
  }
  REQUIRE(map.stats().keys == 0);  // a pin would have kept its key
}

TEST_CASE("seed lockmap: the number of sharers does not wrap (there: checked in debug only)") {
  map_type map{{1, 1}};
  std::vector<map_type::shared_entry> shares;
  const auto take = [&] {
    for (int i = 0; i < 10'000; ++i) shares.push_back(map.lock_shared(1));
  };
  REQUIRE(is_deadlock(take));  // it would have to wait for itself
  REQUIRE(shares.size() == 8'191);
  REQUIRE(!map.try_lock(1));
  shares.clear();
  REQUIRE(map.lock(1));
}

TEST_CASE("seed lockmap: re-entry is reported (there: the thread waits for itself)") {
  map_type map{{1, 1}, {2, 2}};
  const auto entry = map.lock(1);
  REQUIRE(is_deadlock([&] { (void)map.lock(1); }));
  REQUIRE(is_deadlock([&] { map.find(1); }));
  REQUIRE(is_deadlock([&] { map.clear(); }));
  REQUIRE(is_deadlock([&] { map.erase_if([](const auto&) { return true; }); }));
  REQUIRE(map.size() == 2);
}

TEST_CASE("seed lockmap: a lock that fails keeps the caller's key (there: it is lost)") {
  concur::lockmap<std::string, int> map;
  const std::string name = "a key that is too long to be kept in the string itself";
  const auto entry = map.lock(name);
  std::string key = name;
  REQUIRE(!map.try_lock(std::move(key)));
  REQUIRE(key == name);
}

TEST_CASE("seed lockmap: many keys are locked without an order of their own (there: Ord)") {
  concur::lockmap<bare_key, int, bare_hash> map;
  map.insert({bare_key{1}, 10});
  const std::vector<bare_key> keys{{3}, {1}, {2}, {3}};
  auto all = map.lock_all(keys);
  REQUIRE(all.size() == 3);
  REQUIRE(*all[bare_key{1}] == 10);
}

TEST_CASE("seed lockmap: many keys with a time limit, beside a key that is held (there: neither)") {
  map_type map;
  const auto held = map.lock(1);
  REQUIRE(is_deadlock([&] { (void)map.lock_all({2, 3}); }));
  REQUIRE(map.try_lock_all({2, 3}));
  REQUIRE(map.try_lock_all_for({2, 3}, 1ms));
  bool had = true;
  std::thread([&] { had = static_cast<bool>(map.try_lock_all_for({3, 2, 1}, 1ms)); }).join();
  REQUIRE(!had);
  REQUIRE(map.stats().keys == 1);
}

TEST_CASE(
    "seed lockmap: a reader does not wait for the readers of its key (there: no shared lock)") {
  concur::lockmap<int, std::string> map{{1, "value"}};
  const auto shared = map.lock_shared(1);
  std::string seen;
  std::thread([&] { seen = *map.lock_shared(1) + *map.find(1); }).join();
  REQUIRE(seen == "valuevalue");
}

// Its LruLockMap.

namespace {

using cache_type = concur::lru_lockmap<int, int>;
using exact_type =
    concur::lru_lockmap<int, int, concur::hash<int>, std::equal_to<>,
                        std::allocator<std::pair<const int, int>>, concur::eviction::exact_lru>;

}  // namespace

TEST_CASE("seed lru_lockmap: the capacity is what was asked (there: rounded up in every shard)") {
  for (const std::size_t capacity : {1U, 100U, 1000U}) {
    cache_type map(concur::cache_options<int, int>{.capacity = capacity, .shards = 64});
    for (int i = 0; i < 5000; ++i) map.try_emplace(i, i);
    REQUIRE(map.capacity() == capacity);
    REQUIRE(map.size() == capacity);
  }
  REQUIRE(cache_type().capacity() == cache_type::unbounded);  // there: max_size() overflows
}

TEST_CASE("seed lru_lockmap: an overshoot is repaired (there: it stays until a new key comes)") {
  exact_type map(100);
  {
    std::vector<exact_type::entry> held;
    for (int i = 0; i < 1000; ++i) {
      held.push_back(map.lock(i));
      held.back().emplace(i);
    }
    REQUIRE(map.size() == 1000);
  }
  REQUIRE(map.size() == 100);
}

TEST_CASE("seed lru_lockmap: a smaller capacity evicts at once (there: lazily; 0 keeps one)") {
  exact_type map(100);
  for (int i = 0; i < 100; ++i) map.try_emplace(i, i);
  map.set_capacity(10);
  REQUIRE(map.size() == 10);
  REQUIRE(map.contains(99));
  map.set_capacity(0);
  REQUIRE(map.empty());
  map.try_emplace(1, 1);
  REQUIRE(map.empty());
}

TEST_CASE("seed lru_lockmap: a locked absent key evicts nothing (there: a resident, at once)") {
  exact_type map(3);
  for (int i = 0; i < 3; ++i) map.try_emplace(i, i);
  for (int i = 10; i < 20; ++i) REQUIRE(!map.lock(i).has_value());
  const auto many = map.lock_all({30, 31, 32, 33});
  REQUIRE(map.size() == 3);
  for (int i = 0; i < 3; ++i) REQUIRE(map.contains(i));
}

TEST_CASE("seed lru_lockmap: held elements are met once by evictions (there: at each of them)") {
  exact_type map(1000);
  std::vector<exact_type::entry> held;
  for (int i = 0; i < 1000; ++i) map.try_emplace(i, i);
  for (int i = 0; i < 1000; ++i) held.push_back(map.lock(i));
  for (int i = 1000; i < 3000; ++i) map.try_emplace(i, i);
  // Out of the order: what is free fills all of the capacity, what is held lies apart.
  REQUIRE(map.size() == 2000);
  REQUIRE(map.stats().weight == 1000);
  held.clear();
  REQUIRE(map.size() == 1000);
}

TEST_CASE("seed lru_lockmap: evicted values die outside of every lock (there: under the shard's)") {
  struct user {
    concur::lru_lockmap<int, user>* map;
    explicit user(concur::lru_lockmap<int, user>& m) : map(&m) {}
    user(user&& other) noexcept : map(std::exchange(other.map, nullptr)) {}
    user& operator=(user&& other) noexcept {
      std::swap(map, other.map);
      return *this;
    }
    ~user() {
      if (map == nullptr) return;
      for (int k = 0; k < 50; ++k) static_cast<void>(map->contains(k));
    }
  };
  concur::lru_lockmap<int, user> map(4);
  for (int i = 0; i < 20; ++i) map.try_emplace(i, map);
  map.erase(19);
  map.insert_or_assign(18, user(map));
  map.erase_if([](const auto& e) { return e.first == 17; });
  map.set_capacity(1);
  map.clear();
  REQUIRE(map.empty());
}

TEST_CASE("seed lru_lockmap: a callback that throws leaves nothing locked (there: for ever)") {
  exact_type map(10);
  for (int i = 0; i < 10; ++i) map.try_emplace(i, i);
  REQUIRE_THROWS_AS(map.visit_all([](auto&) { throw std::runtime_error("stop"); }),
                    std::runtime_error);
  for (int i = 0; i < 10; ++i) REQUIRE(map.try_lock(i));
  for (int i = 100; i < 110; ++i) map.try_emplace(i, i);
  for (int i = 0; i < 10; ++i) REQUIRE(!map.contains(i));
}

TEST_CASE("seed lru_lockmap: keys with a stride fill all shards (there: 0.4 of the capacity)") {
  constexpr std::size_t capacity = 64 * 128;
  cache_type map(concur::cache_options<int, int>{.capacity = capacity, .shards = 64});
  for (int i = 0; i < static_cast<int>(capacity); ++i) map.try_emplace(i * 4096, i);
  REQUIRE(map.size() >= capacity * 93 / 100);
}

TEST_CASE("seed lru_lockmap: pop_lru and peek pass over what is held (there: peek waits)") {
  concur::lru_lockmap<int, int> map(10);
  map.try_emplace(1, 10);
  map.try_emplace(2, 20);
  const auto held = map.lock_shared(1);
  REQUIRE(map.pop_lru() == std::pair<int, int>(2, 20));
  REQUIRE(!map.pop_lru());
  std::optional<int> seen;
  std::thread([&] { seen = map.peek(1); }).join();
  REQUIRE(seen == 10);
}

TEST_CASE("seed lru_lockmap: size counts no locked absent keys (there: len does)") {
  cache_type map(10);
  const auto held = map.lock(1);
  REQUIRE(map.empty());
  REQUIRE(map.stats().keys == 1);
}
