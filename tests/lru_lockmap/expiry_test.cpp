// SPDX-License-Identifier: MIT
#include "lru_lockmap/cache_kinds.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

template <class V>
using options = concur::cache_options<number, V>;

/// Both kinds of values: those that are read from a copy, and those that are shared.
template <class V>
V value_of(number n) {
  if constexpr (std::is_same_v<V, std::string>) {
    return std::to_string(n);
  } else {
    return n;
  }
}

}  // namespace

TEMPLATE_TEST_CASE("a value lives so long after it was written", "[lru][expiry]", number,
                   std::string) {
  const hand_clock clock;
  const witness<number, TestType> seen;
  cache<number, TestType> map(options<TestType>{
      .capacity = 100, .time_to_live = 10s, .on_evict = seen.listener(), .clock = clock.reader()});
  const auto value = [](number n) { return value_of<TestType>(n); };
  map.try_emplace(1, value(1));
  clock.advance(9s);
  REQUIRE(map.find(1) == value(1));
  map.try_emplace(2, value(2));
  map.try_emplace(1, value(9));  // there is one: not written
  clock.advance(1s);
  REQUIRE(!map.find(1));
  REQUIRE(!map.contains(1));
  REQUIRE(!map.peek(1));
  REQUIRE(map.find(2) == value(2));
  std::size_t shown = 0;
  map.cvisit_all([&](const auto&) { ++shown; });
  REQUIRE(shown == 1);
  REQUIRE(map.try_emplace(1, value(3)));  // the old one leaves first
  REQUIRE(seen.take() ==
          std::vector{typename witness<number, TestType>::report{1, value(1), cause::expired}});
  clock.advance(5s);
  map.insert_or_assign(1, value(4));
  REQUIRE(seen.take().front().why == cause::replaced);
  clock.advance(9s);
  REQUIRE(map.find(1) == value(4));
  map.update(1, [](TestType& v) { v += v; });
  clock.advance(9s);
  REQUIRE(map.contains(1));
  clock.advance(1s);
  REQUIRE(!map.contains(1));
  REQUIRE(map.stats().expired >= 1);
}

TEMPLATE_TEST_CASE("a value lives so long after it was last found", "[lru][expiry]", number,
                   std::string) {
  const hand_clock clock;
  cache<number, TestType> map(
      options<TestType>{.capacity = 100, .time_to_idle = 10s, .clock = clock.reader()});
  map.try_emplace(1, value_of<TestType>(1));
  map.try_emplace(2, value_of<TestType>(2));
  for (int i = 0; i < 5; ++i) {
    clock.advance(9s);
    REQUIRE(map.find(1));
  }
  REQUIRE(!map.find(2));
  clock.advance(9s);
  REQUIRE(map.peek(1));  // does not count as a use
  clock.advance(1s);
  REQUIRE(!map.peek(1));
  REQUIRE(!map.find(1));
}

TEST_CASE("a value lives as long as set_expiry says", "[lru][expiry]") {
  const hand_clock clock;
  cache<number, number> map(options<number>{.capacity = 10, .clock = clock.reader()});
  map.try_emplace(1, 1);
  map.try_emplace(2, 2);
  REQUIRE(!map.set_expiry(3, 1s));
  REQUIRE(map.set_expiry(1, 5s));
  clock.advance(4s);
  REQUIRE(map.find(1) == 1);
  REQUIRE(map.set_expiry(1, 5s));
  clock.advance(4s);
  REQUIRE(map.find(1) == 1);
  REQUIRE(map.set_expiry(1, concur::cache_duration::forever()));
  clock.advance(100h);
  REQUIRE(map.find(1) == 1);
  REQUIRE(map.set_expiry(1, 0s));
  REQUIRE(!map.find(1));
  REQUIRE(map.find(2) == 2);
  map.set_expiry(2, 1s);
  map.insert_or_assign(2, 22);  // a new value, for ever
  clock.advance(2s);
  REQUIRE(map.find(2) == 22);
  REQUIRE(!map.erase(1));
}

TEMPLATE_TEST_CASE("a value lives as long as a function of it says", "[lru][expiry]", number,
                   std::string) {
  const hand_clock clock;
  using concur::cache_duration;
  const auto value = [](number n) { return value_of<TestType>(n); };
  cache<number, TestType> map(
      options<TestType>{.capacity = 10,
                        .time_to_live = 3s,
                        .expiry = [](const number& key, const TestType& v) -> cache_duration {
                          if (key == 9) throw std::runtime_error("none");
                          if (key == 8) return cache_duration::forever();
                          return std::chrono::seconds(v == value_of<TestType>(0) ? 0 : 5 * key);
                        },
                        .clock = clock.reader()});
  map.try_emplace(1, value(1));
  map.try_emplace(2, value(1));
  map.try_emplace(8, value(1));
  map.try_emplace(9, value(1));  // as time_to_live says
  map.try_emplace(3, value(0));
  REQUIRE(!map.contains(3));
  clock.advance(3s);
  REQUIRE(!map.contains(9));
  REQUIRE(map.contains(1));
  clock.advance(2s);
  REQUIRE(!map.contains(1));
  clock.advance(4s);
  REQUIRE(map.insert_or_assign(2, value(2)) == false);
  clock.advance(9s);
  REQUIRE(map.contains(2));
  map.update(2, [&](TestType& v) { v = value(0); });
  REQUIRE(!map.contains(2));
  clock.advance(1000h);
  REQUIRE(map.contains(8));
  map.set_expiry(8, 1s);
  clock.advance(1s);
  REQUIRE(!map.contains(8));
}

TEST_CASE("a function of expiry that wants its key is told", "[lru][expiry]") {
  cache<number, number>* self = nullptr;
  bool is_told = false;
  bool finds_others = false;
  cache<number, number> map(
      options<number>{.capacity = 10, .expiry = [&](const number&, const number&) {
                        if (self->size() == 2) {
                          finds_others = self->find(1) == 1U;
                          try {
                            static_cast<void>(self->lock(2));
                          } catch (const std::system_error&) {
                            is_told = true;
                          }
                        }
                        return concur::cache_duration(1h);
                      }});
  self = &map;
  map.try_emplace(1, 1);
  map.try_emplace(2, 2);
  REQUIRE(finds_others);
  REQUIRE(is_told);
}

TEST_CASE("a walk by recency tells ages", "[lru][expiry]") {
  const hand_clock clock;
  using concur::cache_duration;
  struct told {
    number key;
    std::chrono::seconds remaining, age, idle;
    bool operator==(const told&) const = default;
  };
  const auto walk = [](const auto& map) {
    std::vector<told> all;
    const auto seconds = [](cache_duration d) {
      return std::chrono::seconds(d.nanoseconds() / 1'000'000'000);
    };
    map.cvisit_coldest(9, [&](const auto& e, const concur::cache_times& times) {
      all.push_back({e.first, times.remaining.is_forever() ? -1s : seconds(times.remaining),
                     seconds(times.age), seconds(times.idle)});
    });
    return all;
  };
  exact_cache<number, number> both(options<number>{
      .capacity = 10, .time_to_live = 10s, .time_to_idle = 6s, .clock = clock.reader()});
  both.try_emplace(1, 1);
  clock.advance(2s);
  both.try_emplace(2, 2);
  clock.advance(3s);
  REQUIRE(both.find(1));
  REQUIRE(walk(both) == std::vector<told>{{2, 3s, 3s, 3s}, {1, 5s, 5s, 0s}});
  clock.advance(1s);
  REQUIRE(walk(both) == std::vector<told>{{2, 2s, 4s, 4s}, {1, 4s, 6s, 1s}});
  REQUIRE(both.cvisit_hottest(1, [](const auto& e, concur::cache_times times) {
    REQUIRE(e.first == 1);
    REQUIRE(times.remaining == cache_duration(4s));
  }) == 1);

  exact_cache<number, number> none(options<number>{.capacity = 10, .clock = clock.reader()});
  none.try_emplace(1, 1);
  none.try_emplace(2, 2);
  clock.advance(1s);
  REQUIRE(walk(none) == std::vector<told>{{1, -1s, 0s, 0s}, {2, -1s, 0s, 0s}});
  none.set_expiry(2, 5s);
  clock.advance(1s);
  REQUIRE(walk(none) == std::vector<told>{{1, -1s, 0s, 0s}, {2, 4s, 0s, 0s}});
}

TEST_CASE("guards see no expired value", "[lru][expiry]") {
  const hand_clock clock;
  const witness<number, number> seen;
  cache<number, number> map(options<number>{
      .capacity = 100, .time_to_live = 10s, .on_evict = seen.listener(), .clock = clock.reader()});
  for (number i = 0; i < 6; ++i) map.try_emplace(i, i);
  clock.advance(10s);
  {
    const auto shared = map.lock_shared(0);
    REQUIRE(!shared.has_value());
  }
  {
    auto shared = map.lock_shared(0);
    auto entry = shared.try_upgrade();
    REQUIRE(entry);
    REQUIRE(!entry.has_value());
    entry.emplace(7U);
  }
  REQUIRE(map.find(0) == 7);
  {
    const auto entry = map.lock(1);
    REQUIRE(!entry.has_value());
  }
  {
    auto both = map.lock_all({2, 3});
    REQUIRE(!both[2].has_value());
    both[3].emplace(33U);
  }
  REQUIRE(map.find(3) == 33);
  REQUIRE(map.erase(4) == 0);
  REQUIRE(!map.take(5));
  REQUIRE(seen.take().size() == 6);
  REQUIRE(map.stats().expired == 6);
  REQUIRE(map.size() == 2);
}

TEST_CASE("traversals skip what has expired, and clear reports it as such", "[lru][expiry]") {
  const hand_clock clock;
  const witness<number, number> seen;
  cache<number, number> map(options<number>{
      .capacity = 100, .time_to_live = 10s, .on_evict = seen.listener(), .clock = clock.reader()});
  map.try_emplace(1, 1);
  clock.advance(5s);
  map.try_emplace(2, 2);
  clock.advance(5s);
  REQUIRE(map.cvisit_coldest(10, [](const auto& e) { REQUIRE(e.first == 2); }) == 1);
  REQUIRE(map.visit_all([](auto& e) { e.second = 22; }) == 1);
  const auto reports = seen.take();
  REQUIRE(reports.size() == 1);
  REQUIRE(reports[0].why == cause::expired);
  map.clear();
  REQUIRE(seen.take() == std::vector{witness<number, number>::report{2, 22, cause::cleared}});
}

TEST_CASE("expired values are removed by insertions, evictions, pop_lru and on demand",
          "[lru][expiry]") {
  const hand_clock clock;
  const witness<number, number> seen;
  exact_cache<number, number> map(options<number>{
      .capacity = 10, .time_to_live = 10s, .on_evict = seen.listener(), .clock = clock.reader()});
  for (number i = 0; i < 6; ++i) map.try_emplace(i, i);
  clock.advance(10s);
  map.try_emplace(10, 10);  // two of them go at each
  map.try_emplace(11, 11);
  map.try_emplace(12, 12);
  REQUIRE(map.size() == 3);
  REQUIRE(seen.take().size() == 6);
  clock.advance(10s);
  REQUIRE(!map.pop_lru());
  REQUIRE(map.stats().expired == 9);
  for (number i = 0; i < 5; ++i) map.try_emplace(i, i);
  clock.advance(10s);
  REQUIRE(map.size() == 5);
  REQUIRE(map.remove_expired() == 5);
  REQUIRE(map.remove_expired() == 0);
  REQUIRE(map.empty());
  for (const auto& report : seen.take()) REQUIRE(report.why == cause::expired);
}

TEST_CASE("what has expired goes by way of insertions, wherever it is in the order",
          "[lru][expiry]") {
  const hand_clock clock;
  cache<number, number> map(options<number>{
      .capacity = 10'000, .shards = 4, .time_to_live = 10s, .clock = clock.reader()});
  for (number i = 0; i < 16; ++i) {
    map.try_emplace(i, i);  // the coldest, for ever
    map.set_expiry(i, concur::cache_duration::forever());
  }
  number next = 100;
  for (int i = 0; i < 1000; ++i) map.try_emplace(next++, 0U);
  for (int round = 0; round < 20; ++round) {
    clock.advance(5s);
    for (int i = 0; i < 500; ++i) map.try_emplace(next++, 0U);
  }
  // 1000 are alive; what has expired is met within a walk round the table.
  INFO("size " << map.size());
  REQUIRE(map.size() < 4000);
  REQUIRE(map.contains(0));
  REQUIRE(map.stats().evicted == 0);
}

TEST_CASE("the next insertion removes what has expired, wherever it is in the order",
          "[lru][expiry]") {
  const hand_clock clock;
  const witness<number, number> seen;
  cache<number, number> map(options<number>{.capacity = 100'000,
                                            .shards = 1,
                                            .time_to_live = 1h,
                                            .on_evict = seen.listener(),
                                            .clock = clock.reader()});
  for (number i = 0; i < 5000; ++i) map.try_emplace(i, i);
  number next = 5000;
  const auto gone_at_next_insertion = [&](number key) {
    clock.advance(10ms);
    const auto before = seen.take();
    map.try_emplace(next, next);
    ++next;
    const auto after = seen.take();
    return before.empty() && after.size() == 1 && after[0].key == key &&
           after[0].why == cause::expired;
  };
  const auto nothing_at_next_insertion = [&] {
    clock.advance(10ms);
    map.try_emplace(next, next);
    ++next;
    return seen.take().empty();
  };
  REQUIRE(nothing_at_next_insertion());
  map.set_expiry(2500, 5ms);  // earlier
  REQUIRE(gone_at_next_insertion(2500));
  map.set_expiry(2501, 25ms);
  REQUIRE(nothing_at_next_insertion());
  map.set_expiry(2501, 30ms);  // later
  REQUIRE(nothing_at_next_insertion());
  REQUIRE(nothing_at_next_insertion());
  REQUIRE(gone_at_next_insertion(2501));
  map.set_expiry(2502, 5ms);
  map.insert_or_assign(2502, 1U);  // a new value, for an hour
  REQUIRE(seen.take().size() == 1);
  REQUIRE(nothing_at_next_insertion());
  map.set_expiry(2503, 15ms);
  {
    // It is held when its time comes, and met again.
    auto entry = map.lock(2503);
    clock.advance(10ms);
    REQUIRE(nothing_at_next_insertion());
  }
  REQUIRE(gone_at_next_insertion(2503));
  map.set_expiry(2504, 15ms);
  map.erase(2504);
  REQUIRE(seen.take().size() == 1);
  REQUIRE(nothing_at_next_insertion());
  REQUIRE(nothing_at_next_insertion());
  // All at once.
  clock.advance(2h);
  const std::size_t size = map.size();
  for (std::size_t i = 0; i < size / 2; ++i) map.try_emplace(++next, 0U);
  for (const auto& report : seen.take()) REQUIRE(report.why == cause::expired);
  REQUIRE(map.size() <= size / 2 + 5);
  REQUIRE(map.stats().evicted == 0);
}

TEST_CASE("deadlines go with elements that are dealt out anew, or come back from being held",
          "[lru][expiry]") {
  const hand_clock clock;
  cache<number, number> map(
      options<number>{.capacity = 4000, .shards = 8, .time_to_idle = 10s, .clock = clock.reader()});
  for (number i = 0; i < 1000; ++i) map.try_emplace(i, i);
  map.set_capacity(4);  // 4 shards
  REQUIRE(map.size() <= 4);
  for (number i = 0; i < 1000; ++i) map.try_emplace(i, i);
  map.set_capacity(4000);  // 8
  for (number i = 0; i < 1000; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 1000);
  clock.advance(9s);
  for (number i = 0; i < 500; ++i) REQUIRE(map.find(i));
  clock.advance(1s);
  for (number i = 2000; i < 3000; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 1500);  // 1000 remove 500
  for (number i = 0; i < 500; ++i) REQUIRE(map.find(i));

  // Dealt out anew, and not among the coldest when they expire.
  exact_cache<number, number> grown(
      options<number>{.capacity = 4, .shards = 8, .time_to_live = 10s, .clock = clock.reader()});
  for (number i = 0; i < 8; ++i) grown.try_emplace(i, i);
  REQUIRE_FALSE(grown.empty());
  grown.set_capacity(4000);
  for (number i = 100; i < 300; ++i) {
    grown.try_emplace(i, i);
    grown.set_expiry(i, concur::cache_duration::forever());
  }
  for (number i = 0; i < 8; ++i) grown.touch(i);
  clock.advance(10s);
  for (number i = 1000; i < 1200; ++i) grown.try_emplace(i, i);
  REQUIRE(grown.size() == 400);

  // Held when its turn came to be evicted.
  exact_cache<number, number> small(
      options<number>{.capacity = 2, .time_to_live = 10s, .clock = clock.reader()});
  small.try_emplace(1, 1);
  {
    auto entry = small.lock(1);
    small.try_emplace(2, 2);
    small.try_emplace(3, 3);
    small.try_emplace(4, 4);
  }
  REQUIRE(small.contains(1));
  small.erase(4);
  small.set_capacity(100);
  for (const number i : {6U, 7U}) {
    small.try_emplace(i, i);
    small.set_expiry(i, concur::cache_duration::forever());
  }
  REQUIRE(small.find(1));  // the coldest are others, which stay
  clock.advance(10s);
  small.try_emplace(5, 5);
  REQUIRE(small.size() == 3);
}

TEST_CASE("the clock of the machine", "[lru][expiry]") {
  cache<number, number> map(options<number>{.capacity = 10, .time_to_live = 1h});
  map.try_emplace(1, 1);
  REQUIRE(map.find(1) == 1);
  map.set_expiry(1, 1ns);
  while (map.find(1)) std::this_thread::sleep_for(1ms);
  REQUIRE(!map.peek(1));
}

TEST_CASE("durations of any kind are nanoseconds", "[lru][expiry]") {
  using concur::cache_duration;
  STATIC_REQUIRE(cache_duration(3s).nanoseconds() == 3'000'000'000);
  STATIC_REQUIRE(cache_duration(std::chrono::hours(1)).nanoseconds() == 3'600'000'000'000);
  STATIC_REQUIRE(cache_duration(std::chrono::duration<double>(0.5)).nanoseconds() == 500'000'000);
  STATIC_REQUIRE(cache_duration(std::chrono::hours::max()).is_forever());
  STATIC_REQUIRE(cache_duration(std::chrono::duration<double>(1e30)).is_forever());
  STATIC_REQUIRE(cache_duration(-1s).nanoseconds() == -1'000'000'000);
  STATIC_REQUIRE(cache_duration(std::chrono::duration<int, std::ratio<1, 3>>(1)).nanoseconds() ==
                 333'333'333);
}

TEST_CASE("a value that takes the place of another in one grip is removed when its time is over",
          "[lru][expiry]") {
  const hand_clock clock;
  const witness<number, number> seen;
  cache<number, number> map(options<number>{
      .capacity = 10'000,
      .shards = 1,
      .expiry = [](const number&, const number& v) -> concur::cache_duration {
        return v == 0 ? concur::cache_duration::forever() : concur::cache_duration(1s);
      },
      .on_evict = seen.listener(),
      .clock = clock.reader()});
  for (number i = 0; i < 100; ++i) map.try_emplace(i, 0U);
  {
    auto entry = map.lock(50);
    entry.emplace(1U);
  }
  static_cast<void>(seen.take());
  clock.advance(2s);
  map.try_emplace(100, 0U);
  const auto gone = seen.take();
  REQUIRE(gone.size() == 1);
  REQUIRE(gone[0].key == 50);
  REQUIRE(gone[0].why == cause::expired);
}
