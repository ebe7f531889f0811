// SPDX-License-Identifier: MIT
#include "lru_lockmap/cache_kinds.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace concur_test;
using namespace std::chrono_literals;

TEST_CASE("a value is loaded once for all who want it", "[lru][loading]") {
  cache<number, std::string> map(100);
  std::atomic<int> loads{0};
  failures found;
  on_threads(8, found, [&](int) {
    for (number k = 0; k < 20; ++k) {
      const std::string value = map.get_or_compute(k, [&] {
        ++loads;
        std::this_thread::yield();
        return std::to_string(k);
      });
      if (value != std::to_string(k)) found.add("another value");
    }
  });
  found.require();
  REQUIRE(loads == 20);
  const auto stats = map.stats();
  REQUIRE(stats.loads == 20);
  REQUIRE(stats.load_failures == 0);
  REQUIRE(stats.hits + stats.misses == 8 * 20);
}

TEST_CASE("a load that fails leaves nothing, and the next one loads", "[lru][loading]") {
  cache<number, number> map(100);
  REQUIRE_THROWS_AS(map.get_or_compute(1, []() -> number { throw std::runtime_error("no"); }),
                    std::runtime_error);
  REQUIRE(map.stats().keys == 0);
  REQUIRE(map.stats().load_failures == 1);
  REQUIRE(map.get_or_compute(1, [] { return number{5}; }) == 5);
  REQUIRE(map.stats().loads == 1);
  REQUIRE(map.stats().misses == 2);
  REQUIRE(map.get_or_compute(1, [] { return number{6}; }) == 5);
  REQUIRE(map.stats().hits == 1);
}

TEST_CASE("a loader that asks for its own key is told", "[lru][loading]") {
  cache<number, number> map(100);
  REQUIRE_THROWS_AS(
      map.get_or_compute(1, [&] { return map.get_or_compute(1, [] { return number{1}; }); }),
      std::system_error);
  REQUIRE(map.empty());
}

TEMPLATE_TEST_CASE("what is too old is computed by one, and the others get the old value meanwhile",
                   "[lru][loading]", number, std::string) {
  const hand_clock clock;
  const auto value = [](number n) {
    if constexpr (std::is_same_v<TestType, number>) {
      return n;
    } else {
      return std::to_string(n);
    }
  };
  const witness<number, TestType> seen;
  cache<number, TestType> map(concur::cache_options<number, TestType>{
      .capacity = 100, .refresh_after = 10s, .on_evict = seen.listener(), .clock = clock.reader()});
  const auto never = [&]() -> TestType { throw std::logic_error("not now"); };
  REQUIRE(map.get_or_compute(1, [&] { return value(1); }) == value(1));
  clock.advance(9s);
  REQUIRE(map.get_or_compute(1, never) == value(1));
  clock.advance(1s);
  REQUIRE(map.find(1) == value(1));
  const TestType fresh = map.get_or_compute(1, [&] {
    // Nobody waits for us.
    std::thread([&] { REQUIRE(map.get_or_compute(1, never) == value(1)); }).join();
    REQUIRE(map.find(1) == value(1));
    REQUIRE(map.get_or_compute(1, never) == value(1));
    return value(2);
  });
  REQUIRE(fresh == value(2));
  REQUIRE(map.find(1) == value(2));
  REQUIRE(seen.take() ==
          std::vector{typename witness<number, TestType>::report{1, value(1), cause::replaced}});
  REQUIRE(map.get_or_compute(1, never) == value(2));
  clock.advance(10s);
  REQUIRE_THROWS_AS(map.get_or_compute(1, never), std::logic_error);
  REQUIRE(map.find(1) == value(2));  // it stays, and is computed the next time
  // Erased meanwhile: it stays erased, and the caller has what he computed.
  REQUIRE(map.get_or_compute(1, [&] {
    map.erase(1);
    return value(3);
  }) == value(3));
  REQUIRE(!map.find(1));
  REQUIRE(map.stats().loads == 3);
  REQUIRE(map.stats().load_failures == 1);
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("a loader without a value leaves nothing, and needs no exception", "[lru][loading]") {
  cache<number, std::string> map(100);
  REQUIRE(!map.try_get_or_compute(1, [] { return std::optional<std::string>(); }));
  REQUIRE(!map.try_get_or_compute(1, [] { return std::nullopt; }));
  REQUIRE(map.stats().keys == 0);
  REQUIRE(map.stats().load_failures == 2);
  REQUIRE(map.stats().misses == 2);
  REQUIRE(map.try_get_or_compute(1, [] { return std::optional<std::string>("one"); }) == "one");
  REQUIRE(map.try_get_or_compute(1, [] { return std::string("other"); }) == "one");
  REQUIRE(map.stats().loads == 1);
  REQUIRE(map.stats().hits == 1);
  REQUIRE_THROWS_AS(map.try_get_or_compute(
                        2, []() -> std::optional<std::string> { throw std::runtime_error("no"); }),
                    std::runtime_error);
  REQUIRE(map.stats().load_failures == 3);
  REQUIRE(map.stats().keys == 1);
}

TEST_CASE("who waits for a load that fails loads in his turn", "[lru][loading]") {
  cache<number, number> map(100);
  std::atomic<int> loads{0};
  std::atomic<int> empty{0};
  failures found;
  on_threads(6, found, [&](int) {
    const auto value = map.try_get_or_compute(1, [&]() -> std::optional<number> {
      if (++loads < 4) return std::nullopt;
      return 7;
    });
    if (!value) ++empty;
    if (value && *value != 7) found.add("another value");
  });
  found.require();
  REQUIRE(empty == 3);
  REQUIRE(loads == 4);
  REQUIRE(map.stats().load_failures == 3);
}

TEST_CASE("a load is waited for as long as one likes", "[lru][loading]") {
  cache<number, number> map(100);
  const auto never = [&]() -> number { throw std::logic_error("not here"); };
  {
    const auto entry = map.lock(1);
    std::thread([&] {
      REQUIRE(!map.try_get_or_compute_for(1, 1ms, never));
      REQUIRE(!map.try_get_or_compute_for(1, 0s, never));
    }).join();
  }
  REQUIRE(map.stats().keys == 0);
  REQUIRE(map.stats().loads + map.stats().load_failures == 0);
  REQUIRE(map.try_get_or_compute_for(1, 1h, [] { return number{5}; }) == 5);
  REQUIRE(map.try_get_or_compute_for(1, 0s, never) == 5);
  REQUIRE(!map.try_get_or_compute_for(2, 1h, [] { return std::optional<number>(); }));
  const auto stats = map.stats();
  REQUIRE(stats.hits == 1);
  REQUIRE(stats.misses == 4);
  REQUIRE(stats.loads == 1);
  REQUIRE(stats.load_failures == 1);
  REQUIRE(stats.keys == 1);
}

TEST_CASE("a refresh that makes nothing keeps the old value", "[lru][loading]") {
  const hand_clock clock;
  cache<number, number> map(concur::cache_options<number, number>{
      .capacity = 100, .refresh_after = 10s, .clock = clock.reader()});
  map.try_emplace(1, 1);
  const auto nothing = [] { return std::optional<number>(); };
  clock.advance(10s);
  REQUIRE(map.try_get_or_compute(1, nothing) == 1);
  REQUIRE(map.try_get_or_compute_for(1, 1s, nothing) == 1);
  REQUIRE(map.stats().load_failures == 2);
  REQUIRE(map.try_get_or_compute_for(1, 1s, [] { return number{2}; }) == 2);
  REQUIRE(map.find(1) == 2);
  REQUIRE(map.try_get_or_compute(1, nothing) == 2);
  REQUIRE(map.stats().load_failures == 2);
  REQUIRE(map.stats().loads == 1);
}

TEST_CASE("a cache may count nothing", "[lru][stats]") {
  cache<number, number, concur::eviction::without_statistics<concur::eviction::s3fifo>> map(10);
  for (number i = 0; i < 30; ++i) map.try_emplace(i, i);
  REQUIRE(!map.find(99));
  REQUIRE(map.get_or_compute(100, [] { return number{1}; }) == 1);
  map.insert_or_assign(100, 2);
  REQUIRE(map.find(100));
  const auto stats = map.stats();
  REQUIRE(stats.size == 10);
  REQUIRE(stats.weight == 10);
  REQUIRE(stats.hits + stats.misses + stats.loads + stats.evicted + stats.replaced == 0);
}

TEST_CASE("lookups are hits and misses, and peeks are neither", "[lru][stats]") {
  cache<number, std::string> map(100);
  map.try_emplace(1, "one");
  map.insert_or_assign(1, "two");
  map.update(1, [](std::string&) {});
  map.erase(2);
  static_cast<void>(map.peek(1));
  REQUIRE(map.stats().hits == 0);
  REQUIRE(map.stats().misses == 0);
  REQUIRE(map.find(1));
  REQUIRE(map.contains(1));
  REQUIRE(map.count(1) == 1);
  REQUIRE(map.find_or(2, "none") == "none");
  REQUIRE(map.cvisit(3, [](const auto&) {}) == 0);
  std::vector<std::optional<std::string>> out;
  map.find_each({1, 2, 3}, std::back_inserter(out));
  REQUIRE(map.stats().hits == 4);
  REQUIRE(map.stats().misses == 4);
  std::ostringstream text;
  text << map.stats();
  REQUIRE(text.str().find("hits: 4, misses: 4") != std::string::npos);
}

TEST_CASE("saved and restored: the same elements, order and times", "[lru][save]") {
  const hand_clock clock;
  using options = concur::cache_options<number, std::string>;
  using record = concur::cache_record<number, std::string>;
  exact_cache<number, std::string> map(
      options{.capacity = 5, .time_to_live = 10s, .clock = clock.reader()});
  for (number i = 0; i < 7; ++i) {
    map.try_emplace(i, std::to_string(i));
    clock.advance(1s);
  }
  map.touch(3);
  map.set_expiry(4, concur::cache_duration::forever());
  std::vector<record> saved;
  REQUIRE(map.save([&](number k, const std::string& v, concur::cache_duration remaining) {
    saved.push_back({k, v, remaining});
  }) == 5);
  REQUIRE(saved.front().key == 2);
  REQUIRE(saved.front().remaining == concur::cache_duration(5s));
  REQUIRE(saved.back().key == 4);
  REQUIRE(saved.back().remaining.is_forever());

  exact_cache<number, std::string> other(
      options{.capacity = 5, .time_to_live = 10s, .clock = clock.reader()});
  other.try_emplace(5, "old");
  auto next = saved.begin();
  REQUIRE(other.restore([&]() -> std::optional<record> {
    if (next == saved.end()) return std::nullopt;
    return *next++;
  }) == 5);
  std::vector<number> keys;
  other.cvisit_coldest(9, [&](const auto& e) { keys.push_back(e.first); });
  REQUIRE(keys == std::vector<number>{2, 5, 6, 3, 4});
  REQUIRE(other.peek(5) == "5");
  clock.advance(5s);
  REQUIRE(!other.peek(2));
  REQUIRE(other.peek(3));
}

TEST_CASE("saved from many shards: hot stays hot", "[lru][save]") {
  using options = concur::cache_options<number, number>;
  cache<number, number> map(options{.capacity = 8000, .shards = 16});
  for (number i = 0; i < 6000; ++i) map.try_emplace(i, i);
  std::vector<concur::cache_record<number, number>> saved;
  map.save([&](number k, number v, concur::cache_duration) { saved.push_back({k, v}); });
  REQUIRE(saved.size() == 6000);
  cache<number, number> half(options{.capacity = 3000, .shards = 16});
  std::size_t at = 0;
  half.restore([&]() -> std::optional<concur::cache_record<number, number>> {
    if (at == saved.size()) return std::nullopt;
    return saved[at++];
  });
  std::size_t hot = 0;
  half.cvisit_all([&](const auto& e) { hot += e.first >= 2700 ? 1U : 0U; });
  REQUIRE(half.size() >= 2900);
  REQUIRE(hot * 100 >= half.size() * 97);
}
