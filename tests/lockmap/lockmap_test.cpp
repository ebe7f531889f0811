// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/lazy_range.hpp"
#include "support/threads.hpp"

#include <concur/lockmap.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
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

using map_type = concur::lockmap<std::uint64_t, std::uint64_t>;

template <class Call>
bool is_deadlock(Call call) {
  try {
    call();
    return false;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::resource_deadlock_would_occur;
  }
}

/// Something that has a number, and is one only where that is asked for.
struct numbered {
  int id;
  explicit operator int() const { return id; }
};
struct number_hash {
  using is_transparent = void;
  std::size_t operator()(int n) const { return static_cast<std::size_t>(n); }
  std::size_t operator()(const numbered& n) const { return (*this)(n.id); }
};
struct number_equal {
  using is_transparent = void;
  bool operator()(int a, int b) const { return a == b; }
  bool operator()(int a, const numbered& b) const { return a == b.id; }
};

/// What another thread says.
template <class Call>
auto elsewhere(Call call) {
  decltype(call()) result{};
  std::thread([&] { result = call(); }).join();
  return result;
}

}  // namespace

TEST_CASE("an empty lockmap is small and has no shards", "[lockmap]") {
  const map_type map;
  STATIC_REQUIRE(sizeof(map_type) <= 256);
  REQUIRE(map.stats().shards == 0);
  REQUIRE(!map.contains(1));
  REQUIRE(map.stats().shards == 0);
}

TEST_CASE("an absent key that is locked leaves nothing behind", "[lockmap]") {
  map_type map;
  {
    const auto entry = map.lock(1);
    REQUIRE(entry);
    REQUIRE(!entry.has_value());
    REQUIRE(entry.key() == 1);
    REQUIRE(map.stats().keys == 1);
    REQUIRE(map.size() == 0);
    REQUIRE_THROWS_AS(entry.value(), std::bad_optional_access);
  }
  REQUIRE(map.stats().keys == 0);
  {
    const auto entry = map.lock_shared(1);
    REQUIRE(!entry.has_value());
    REQUIRE_THROWS_AS(entry.value(), std::bad_optional_access);
  }
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("an entry makes, changes, exchanges and removes the value", "[lockmap]") {
  concur::lockmap<std::string, std::string> map;
  {
    auto entry = map.lock("key");
    REQUIRE(entry.value_or_emplace("one") == "one");
    REQUIRE(entry.value_or_emplace("two") == "one");
    REQUIRE(map.size() == 1);
    REQUIRE(entry->size() == 3);
    *entry += "!";
    REQUIRE(entry.exchange("three") == "one!");
    REQUIRE(entry.emplace(2U, 'x') == "xx");
  }
  REQUIRE(map.find("key") == "xx");
  {
    auto entry = map.lock("key");
    entry.reset();
    REQUIRE(!entry.has_value());
    REQUIRE(map.size() == 0);
    REQUIRE(entry.exchange("new") == std::nullopt);
    entry.reset();
  }
  REQUIRE(!map.contains("key"));
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("an entry hands its value to the caller", "[lockmap]") {
  concur::lockmap<int, std::unique_ptr<int>> map;
  {
    auto entry = map.lock(1);
    REQUIRE(entry.take() == std::nullopt);
    entry.emplace(std::make_unique<int>(5));
    REQUIRE(map.size() == 1);
    const auto taken = entry.take();
    REQUIRE(**taken == 5);
    REQUIRE(!entry.has_value());
    REQUIRE(map.size() == 0);
    REQUIRE(entry.take() == std::nullopt);
    entry.emplace(std::make_unique<int>(6));
    entry.unlock();
    REQUIRE(entry.take() == std::nullopt);
    entry.reset();  // it holds nothing that could be destroyed
  }
  REQUIRE(map.size() == 1);
  auto entry = map.lock(1);
  REQUIRE(**entry.take() == 6);
  entry.unlock();
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("a value whose move throws is not taken from its entry", "[lockmap]") {
  struct rigid {
    int n = 0;
    explicit rigid(int v) : n(v) {}
    rigid(rigid&&) noexcept(false) { throw std::runtime_error("rigid"); }
  };
  concur::lockmap<int, rigid> map;
  auto entry = map.lock(1);
  entry.emplace(3);
  REQUIRE_THROWS_AS(entry.take(), std::runtime_error);
  REQUIRE(entry->n == 3);
  REQUIRE(map.size() == 1);
}

TEST_CASE("entries are moved, and their references stay good", "[lockmap]") {
  map_type map{{1, 10}, {2, 20}};
  auto first = map.lock(1);
  auto& value = *first;
  auto second = std::move(first);
  REQUIRE(!first);
  REQUIRE(&*second == &value);
  value = 11;
  second = map.lock(2);
  REQUIRE(map.find(1) == 11);
  REQUIRE(!map.try_lock(2));
  second.unlock();
  REQUIRE(!second);
  REQUIRE(map.try_lock(2));
}

TEST_CASE("others wait for a key that is held, and see what its holder left", "[lockmap]") {
  map_type map{{1, 10}};
  failures found;
  std::atomic<bool> is_held{false};
  on_threads(4, found, [&](int index) {
    if (index == 0) {
      auto entry = map.lock(1);
      is_held = true;
      std::this_thread::sleep_for(20ms);
      *entry = 11;
    } else {
      while (!is_held) std::this_thread::yield();
      if (index == 1) MT_CHECK(found, map.find(1) == 11);
      if (index == 2) MT_CHECK(found, *map.lock_shared(1) == 11);
      if (index == 3) MT_CHECK(found, map.update(1, [&](auto& v) { MT_CHECK(found, v == 11); }));
    }
  });
  found.require();
}

/// Its last moment has more nanoseconds than can be counted.
using seconds_of_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

TEST_CASE("try and timed forms give up", "[lockmap]") {
  map_type map;
  auto entry = map.lock(1);
  REQUIRE(!map.try_lock(1));
  REQUIRE(!map.try_lock_shared(1));
  REQUIRE(elsewhere([&] { return !map.try_lock(1); }));
  REQUIRE(elsewhere([&] { return !map.try_lock_for(1, 2ms); }));
  REQUIRE(elsewhere([&] { return !map.try_lock_for(1, -1s); }));
  REQUIRE(elsewhere([&] { return !map.try_lock_shared_for(1, 2ms); }));
  REQUIRE(elsewhere([&] {
    return !map.try_lock_until(1, std::chrono::system_clock::now() + 2ms) &&
           !map.try_lock_shared_until(1, std::chrono::steady_clock::now() - 1h) &&
           !map.try_lock_until(1, std::chrono::system_clock::time_point::min()) &&
           !map.try_lock_until(1, seconds_of_time::min());
  }));
  entry.unlock();
  REQUIRE(map.stats().keys == 0);
  REQUIRE(map.try_lock(1));
  REQUIRE(map.try_lock_for(1, std::chrono::hours::max()));
  REQUIRE(map.try_lock_until(1, std::chrono::steady_clock::time_point::max()));
  REQUIRE(map.try_lock_shared(1));
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("a timed lock is had when the key comes free in time", "[lockmap]") {
  map_type map;
  auto entry = map.lock(1);
  auto second = map.lock(2);
  entry.emplace(5U);
  std::atomic<bool> waits{false};
  bool had = false;
  std::thread other([&] {
    waits = true;
    had = map.try_lock_for(1, std::chrono::hours(100)) &&
          map.try_lock_until(2, seconds_of_time::max());
  });
  while (!waits) std::this_thread::yield();
  std::this_thread::sleep_for(5ms);
  entry.unlock();
  std::this_thread::sleep_for(5ms);
  second.unlock();
  other.join();
  REQUIRE(had);
}

TEST_CASE("a call that would wait for its own thread throws", "[lockmap]") {
  map_type map{{1, 10}, {2, 20}};
  {
    auto entry = map.lock(1);
    REQUIRE(is_deadlock([&] { map.find(1); }));
    REQUIRE(is_deadlock([&] { map.contains(1); }));
    REQUIRE(is_deadlock([&] { map.insert({1, 1}); }));
    REQUIRE(is_deadlock([&] { map.erase(1); }));
    REQUIRE(is_deadlock([&] { (void)map.lock(1); }));
    REQUIRE(is_deadlock([&] { (void)map.lock_shared(1); }));
    REQUIRE(is_deadlock([&] { (void)map.try_lock_for(1, 1h); }));
    REQUIRE(is_deadlock([&] { map.clear(); }));
    REQUIRE(is_deadlock([&] { map.visit_all([](auto&) {}); }));
    REQUIRE(is_deadlock([&] { map.cvisit_all([](const auto&) {}); }));
    REQUIRE(is_deadlock([&] { (void)map.lock_all({2, 3}); }));
    REQUIRE(is_deadlock([&] { map.get_or_compute(1, [] { return 1U; }); }));
    REQUIRE(map.find(2) == 20);
    auto nested = map.lock(2);
    REQUIRE(*nested == 20);
    REQUIRE(map.try_lock_all({3, 4}));
    REQUIRE(!map.try_lock_all({1, 4}));
  }
  auto shared = map.lock_shared(1);
  REQUIRE(map.lock_shared(1));
  REQUIRE(map.find(1) == 10);
  REQUIRE(is_deadlock([&] { (void)map.lock(1); }));
  REQUIRE(is_deadlock([&] { map.update(1, [](auto&) {}); }));
  shared.unlock();
  REQUIRE(map.lock(1));
  REQUIRE(map.update(1, [&](auto&) { REQUIRE(is_deadlock([&] { map.erase(1); })); }) == 1);
  REQUIRE(map.stats().keys == 2);
}

TEST_CASE("a timed form without time to wait is one attempt, at a key of one's own too",
          "[lockmap]") {
  map_type map;
  const auto past = std::chrono::steady_clock::now() - 1h;
  {
    const auto entry = map.lock(1);
    REQUIRE(!map.try_lock_for(1, 0ms));
    REQUIRE(!map.try_lock_for(1, -1h));
    REQUIRE(!map.try_lock_shared_for(1, 0ms));
    REQUIRE(!map.try_lock_until(1, past));
    REQUIRE(!map.try_lock_shared_until(1, past));
    REQUIRE(!map.try_lock_all_for({2, 1}, 0ms));
    REQUIRE(map.try_lock_all_for({2, 3}, 0ms));
    REQUIRE(is_deadlock([&] { (void)map.try_lock_shared_for(1, 1h); }));
    REQUIRE(is_deadlock([&] { (void)map.try_lock_for(1, std::chrono::hours::max()); }));
    REQUIRE(is_deadlock(
        [&] { (void)map.try_lock_until(1, std::chrono::steady_clock::time_point::max()); }));
    REQUIRE(is_deadlock([&] { (void)map.try_lock_all_for({2, 1}, 1h); }));
  }
  {
    const auto shared = map.lock_shared(1);
    REQUIRE(!map.try_lock_for(1, 0ms));
    REQUIRE(!map.try_lock_until(1, past));
    REQUIRE(map.try_lock_shared_for(1, 0ms));
    REQUIRE(map.try_lock_shared_until(1, past));
  }
  REQUIRE(map.try_lock_for(1, 0ms));
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("a sharer is let in again although a writer waits", "[lockmap]") {
  map_type map{{1, 10}};
  auto shared = map.lock_shared(1);
  std::atomic<bool> waits{false};
  std::thread writer([&] {
    waits = true;
    map.update(1, [](auto& v) { ++v; });
  });
  while (!waits) std::this_thread::yield();
  std::this_thread::sleep_for(10ms);
  REQUIRE(*map.lock_shared(1) == 10);
  REQUIRE(elsewhere([&] { return map.find(1) == 10U; }));
  shared.unlock();
  writer.join();
  REQUIRE(map.find(1) == 11);
}

TEST_CASE("entries are downgraded and upgraded", "[lockmap]") {
  map_type map;
  auto entry = map.lock(1);
  entry.emplace(5U);
  auto shared = entry.downgrade();
  REQUIRE(!entry);
  REQUIRE(*shared == 5);
  REQUIRE(elsewhere([&] { return map.try_lock_shared(1).has_value(); }));
  REQUIRE(elsewhere([&] { return !map.try_lock(1); }));
  {
    auto another = map.lock_shared(1);
    REQUIRE(!shared.try_upgrade());
    REQUIRE(shared);
  }
  auto again = shared.try_upgrade();
  REQUIRE(again);
  REQUIRE(!shared);
  again.reset();
  auto absent = again.downgrade();
  REQUIRE(absent);
  REQUIRE(!absent.has_value());
  absent.unlock();
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("a downgrade lets the readers in who wait in front", "[lockmap]") {
  map_type map;
  auto entry = map.lock(1);
  entry.emplace(5U);
  std::atomic<int> seen{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      auto mine = map.lock_shared(1);
      if (*mine == 5) ++seen;
    });
  }
  std::this_thread::sleep_for(5ms);
  auto shared = entry.downgrade();
  for (auto& reader : readers) reader.join();
  REQUIRE(seen == 3);
  REQUIRE(shared);
}

TEST_CASE("a reference to a value stays good while the map grows", "[lockmap]") {
  map_type map;
  auto entry = map.lock(0);
  auto& value = entry.emplace(1U);
  for (std::uint64_t i = 1; i < 5'000; ++i) map.insert({i, i});
  value = 7;
  entry.unlock();
  REQUIRE(map.find(0) == 7);
  REQUIRE(map.size() == 5'000);
  map.clear();
  map.shrink_to_fit();
  REQUIRE(map.stats().keys == 0);
  REQUIRE(map.capacity() <= 64 * 8);
}

TEST_CASE("lock_all takes each key once, in any order", "[lockmap]") {
  concur::lockmap<std::string, int> map{{"a", 1}, {"b", 2}};
  {
    auto all = map.lock_all({"b", "a", "c", "a"});
    REQUIRE(all);
    REQUIRE(all.size() == 3);
    REQUIRE(*all["a"] == 1);
    REQUIRE(*all["b"] == 2);
    REQUIRE(!all["c"].has_value());
    REQUIRE_THROWS_AS(all["d"], std::out_of_range);
    int sum = 0;
    for (auto& entry : all) sum += entry.has_value() ? *entry : 0;
    REQUIRE(sum == 3);
    all["c"].emplace(3);
    auto moved = std::move(all);
    REQUIRE(!all);
    REQUIRE(moved.size() == 3);
    REQUIRE(elsewhere([&] { return !map.try_lock_all({"c", "x"}); }));
    REQUIRE(elsewhere([&] { return !map.try_lock_all_for({"x", "b"}, 2ms); }));
  }
  REQUIRE(map.find("c") == 3);
  REQUIRE(map.stats().keys == 3);
  const std::vector<std::string> none;
  REQUIRE(map.lock_all(none));
  const std::vector<std::string> two{"a", "y"};
  REQUIRE(map.try_lock_all_for(two, 1s).size() == 2);
  REQUIRE(map.stats().keys == 3);
}

TEST_CASE("keys are locked by a view that cannot be read where it is const", "[lockmap]") {
  map_type map;
  REQUIRE(map.lock_all(lazy_range<int>({1, 2, 3}, 1)).size() == 2);
  REQUIRE(map.try_lock_all(lazy_range<int>({1, 2, 3}, 1)).size() == 2);
  REQUIRE(map.try_lock_all_for(lazy_range<int>({1, 2, 3}, 7), 1s).size() == 3);
  lazy_range<int> named({4}, 7);
  REQUIRE(map.lock_all(named).size() == 1);
  // By what is looked at, each key is copied: the range keeps its own.
  concur::lockmap<std::string, int> names;
  std::vector<std::string> kept{std::string(100, 'a'), std::string(100, 'b')};
  REQUIRE(names.lock_all(kept).size() == 2);
  REQUIRE(kept[0].size() + kept[1].size() == 200);
}

TEST_CASE("numbers are locked by what transparent functors take for one", "[lockmap]") {
  concur::lockmap<int, int, number_hash, number_equal> map;
  {
    auto all = map.lock_all(std::vector<numbered>{{1}, {2}});
    REQUIRE(all.size() == 2);
    all[numbered{1}].emplace(10);
    all[short{2}].emplace(20);
    REQUIRE_THROWS_AS(all[numbered{3}], std::out_of_range);
  }
  REQUIRE(*map.lock(numbered{1}) == 10);
  REQUIRE(*map.lock_shared(numbered{2}) == 20);
}

TEST_CASE("overlapping lock_alls do not deadlock, and totals stay", "[lockmap]") {
  concur::lockmap<int, int> map;
  constexpr int accounts = 6;
  for (int i = 0; i < accounts; ++i) map.insert({i, 100});
  failures found;
  on_threads(8, found, [&](int index) {
    unsigned state = static_cast<unsigned>(index) + 1;
    const auto next = [&] {
      state = state * 1664525U + 1013904223U;
      return static_cast<int>((state >> 16) % accounts);
    };
    for (int i = 0; i < 2'000; ++i) {
      const int from = next();
      const int to = next();
      auto both =
          i % 3 == 0 ? map.try_lock_all_for({from, to, from}, 1h) : map.lock_all({from, to});
      --*both[from];
      ++*both[to];
    }
  });
  found.require();
  int total = 0;
  map.cvisit_all([&](const auto& e) { total += e.second; });
  REQUIRE(total == accounts * 100);
}

TEST_CASE("get_or_compute computes once for all who wait", "[lockmap]") {
  concur::lockmap<int, std::string> map;
  std::atomic<int> runs{0};
  failures found;
  on_threads(8, found, [&](int) {
    const auto value = map.get_or_compute(1, [&] {
      ++runs;
      std::this_thread::sleep_for(5ms);
      return std::string("value");
    });
    MT_CHECK(found, value == "value");
  });
  found.require();
  REQUIRE(runs == 1);
  REQUIRE(map.get_or_compute(1, []() -> std::string { throw 1; }) == "value");
}

TEST_CASE("a computation that throws is tried by the next one who waits", "[lockmap]") {
  concur::lockmap<int, int> map;
  std::atomic<int> runs{0};
  std::atomic<int> failed{0};
  failures found;
  on_threads(8, found, [&](int) {
    try {
      const int value = map.get_or_compute(1, [&] {
        if (++runs <= 3) throw std::runtime_error("not yet");
        return 7;
      });
      MT_CHECK(found, value == 7);
    } catch (const std::runtime_error&) {
      ++failed;
    }
  });
  found.require();
  REQUIRE(runs == 4);
  REQUIRE(failed == 3);
  map.erase(1);
  REQUIRE_THROWS(map.get_or_compute(2, []() -> int { throw 1; }));
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("a value's destructor may use the map, its own key too", "[lockmap]") {
  struct user {
    concur::lockmap<int, user>* map = nullptr;
    bool* found = nullptr;
    user(concur::lockmap<int, user>& m, bool& f) : map(&m), found(&f) {}
    user(user&& other) noexcept : map(std::exchange(other.map, nullptr)), found(other.found) {}
    user& operator=(user&&) = delete;
    ~user() {
      if (map == nullptr) return;
      *found = map->contains(2) && !map->contains(1);
      map->erase(3);
    }
  };
  concur::lockmap<int, user> map;
  bool found = false;
  bool ignored = false;
  map.try_emplace(1, map, found);
  map.try_emplace(2, map, ignored);
  REQUIRE(map.erase(1) == 1);
  REQUIRE(found);
  map.clear();
  REQUIRE(map.empty());
}

TEST_CASE("removed keys beside a thread that idles are few, and gone after clear", "[lockmap]") {
  concur::lockmap<int, int> map;
  std::atomic<bool> is_there{false};
  std::atomic<bool> is_over{false};
  std::thread idle([&] {
    static_cast<void>(map.contains(0));
    map.insert({-1, 0});
    is_there.store(true);
    while (!is_over.load()) std::this_thread::yield();
  });
  while (!is_there.load()) std::this_thread::yield();
  // Five batches of 32 a shard.
  std::size_t most = 0;
  for (int k = 0; k < 30'000; ++k) {
    map.insert({k, k});
    map.erase(k);
    if (k % 64 == 0) most = std::max(most, map.stats().retired);
  }
  CHECK(most <= 64 * 5 * 32);
  map.clear();
  CHECK(map.stats().retired == 0);
  CHECK(map.stats().keys == 0);
  is_over.store(true);
  idle.join();
}
