// SPDX-License-Identifier: MIT
/// \file
/// What a review of the cache found: each case failed once.
#include "lru_lockmap/cache_kinds.hpp"
#include "support/catch.hpp"
#include "support/detached.hpp"

#include <concur/lockmap_async.hpp>
#include <concur/pmr.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

template <class Map>
detached look_at(Map& map, number locked, number other, bool& done) {
  const auto entry = co_await map.async_lock(locked);
  done = !map.contains(other);
}

using options = concur::cache_options<number, number>;
using text_options = concur::cache_options<number, std::string>;

/// Its copies may throw, and it has no moves.
struct copied {
  number n;
  explicit copied(number v) : n(v) {}
  copied(const copied& other) : n(other.n) {}
  copied& operator=(const copied& other) {
    n = other.n;
    return *this;
  }
  ~copied() = default;
};

/// Runs a hook at the next allocation.
inline std::function<void()> at_next_allocation;
template <class T>
struct hooked_allocator {
  using value_type = T;
  hooked_allocator() = default;
  template <class U>
  hooked_allocator(const hooked_allocator<U>& /*other*/) {}  // NOLINT(google-explicit-constructor)
  T* allocate(std::size_t n) {
    if (auto hook = std::exchange(at_next_allocation, nullptr)) hook();
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
  friend bool operator==(const hooked_allocator&, const hooked_allocator&) { return true; }
};

}  // namespace

TEST_CASE("a key that was moved into a state is still found if another thread was faster",
          "[lru][lockmap]") {
  using allocator = hooked_allocator<std::pair<const std::string, number>>;
  concur::lru_lockmap<std::string, number, concur::hash<std::string>, std::equal_to<>, allocator>
      map(100);
  map.insert_or_assign("another", 0U);
  const std::string key = "a key that has memory of its own, so that a move empties it";
  const auto insert = [&] { std::thread([&] { map.insert_or_assign(key, 1U); }).join(); };
  at_next_allocation = insert;
  {
    const auto entry = map.lock(std::string(key));
    CHECK(entry.key() == key);
    CHECK(entry.has_value());
  }
  CHECK(map.size() == 2);
  map.erase(key);
  at_next_allocation = insert;
  CHECK(map.get_or_compute(std::string(key), [] { return number{2}; }) == 1);
  CHECK(map.size() == 2);
}

TEST_CASE("a coroutine that goes on in an eviction may use the victim", "[lru][async]") {
  cache<number, number> map(options{.capacity = 1, .shards = 1});
  map.insert_or_assign(2, 20U);
  bool done = false;
  {
    auto entry = map.lock(1);
    look_at(map, 1, 2, done);
    entry.emplace(10U);
  }
  CHECK(done);
}

TEST_CASE("a clock may use maps", "[lru][expiry]") {
  std::function<void()> in_clock;
  options with{.capacity = 1'000, .shards = 1, .time_to_idle = 1h};
  with.clock = [&]() -> std::chrono::nanoseconds {
    if (const auto run = std::exchange(in_clock, nullptr)) run();
    return 5ns;
  };
  cache<number, number> map(with);
  for (number k = 0; k < 1'000; ++k) map.insert_or_assign(k, k);
  in_clock = [&] { map.erase_if([](const auto&) { return true; }); };
  CHECK(map.find(999).value_or(999) == 999);
  CHECK(map.empty());
}

TEST_CASE("a refresh does not overwrite what was written meanwhile, nor bring back what was erased",
          "[lru][loading]") {
  const hand_clock clock;
  cache<number, number> map(
      options{.capacity = 10, .refresh_after = 10ns, .clock = clock.reader()});
  map.insert_or_assign(1, 1U);
  map.insert_or_assign(2, 1U);
  clock.advance(10ns);
  map.get_or_compute(1, [&] {
    std::thread([&] { map.insert_or_assign(1, 99U); }).join();
    return number{2};
  });
  CHECK(map.peek(1) == number{99});
  map.get_or_compute(2, [&] {
    std::thread([&] { map.erase(2); }).join();
    return number{2};
  });
  CHECK(!map.contains(2));
}

TEST_CASE("a small cache with a weigher keeps what fits, whatever the number of processors",
          "[lru][weight]") {
  text_options with{.capacity = 1'000};
  with.weigher = [](const number&, const std::string& s) { return s.size(); };
  cache<number, std::string> map(with);
  for (number k = 0; k < 5; ++k) map.insert_or_assign(k, std::string(200, 'x'));
  CHECK(map.size() == 5);
}

TEST_CASE("no call evicts more than it may, and the bound is reached", "[lru][capacity]") {
  const hand_clock clock;
  cache<number, number> map(
      options{.capacity = 100, .shards = 1, .time_to_live = 100ns, .clock = clock.reader()});
  for (number k = 0; k < 100; ++k) {
    map.insert_or_assign(k, k);
    if (k == 1) clock.advance(50ns);
  }
  clock.advance(60ns);
  map.set_capacity(10, 1);
  CHECK(map.stats().evicted <= 1);
  map.set_capacity(10, 20);
  auto before = map.stats().evicted;
  CHECK(before <= 21);
  map.insert_or_assign(1'000, 0U);
  CHECK(map.stats().evicted - before <= 21);
  map.set_capacity(10, 1);
  for (number k = 2'000; k < 2'200; ++k) map.insert_or_assign(k, k);
  CHECK(map.size() <= 10);
}

TEST_CASE("deadlines move with their elements", "[lru][expiry]") {
  const hand_clock clock;
  const options with{.capacity = 20, .clock = clock.reader()};
  SECTION("by a move") {
    cache<number, number> from(with);
    from.insert_or_assign(1, 1U);
    from.set_expiry(1, 10ns);
    cache<number, number> to(std::move(from));
    clock.advance(10ns);
    CHECK(to.remove_expired() == 1);
  }
  SECTION("by a swap") {
    cache<number, number> from(with);
    from.insert_or_assign(1, 1U);
    from.set_expiry(1, 10ns);
    cache<number, number> to(with);
    to.swap(from);
    clock.advance(10ns);
    CHECK(to.remove_expired() == 1);
  }
  SECTION("by a move to another memory") {
    std::pmr::monotonic_buffer_resource here;
    std::pmr::monotonic_buffer_resource there;
    concur::pmr::lru_lockmap<number, number> from(with, &here);
    from.insert_or_assign(1, 1U);
    from.set_expiry(1, 10ns);
    concur::pmr::lru_lockmap<number, number> to(std::move(from), &there);
    CHECK(to.contains(1));
    clock.advance(10ns);
    CHECK(!to.contains(1));
  }
  SECTION("by a copy, also one that does not come") {
    options live = with;
    live.time_to_live = 10ns;
    cache<number, number> from(live);
    from.insert_or_assign(1, 1U);
    from.set_expiry(1, concur::cache_duration::forever());
    const cache<number, number> to(from);
    clock.advance(100ns);
    CHECK(from.contains(1));
    CHECK(to.contains(1));
  }
  SECTION("and stay where an element stays") {
    const text_options of_text{.capacity = 20, .clock = clock.reader()};
    cache<number, std::string> from(of_text);
    cache<number, std::string> to(of_text);
    from.insert_or_assign(1, "there");
    from.set_expiry(1, 10ns);
    to.insert_or_assign(1, "here");
    CHECK(to.merge(from) == 0);
    clock.advance(10ns);
    CHECK(!from.contains(1));
  }
}

TEST_CASE("a listener of values that cannot be moved may use the key that comes",
          "[lru][listener]") {
  concur::cache_options<number, copied> with{.capacity = 1, .shards = 1};
  cache<number, copied>* at = nullptr;
  bool found = false;
  with.on_evict = [&](const number&, copied&&, cause) { found = at->contains(2); };
  cache<number, copied> map(with);
  at = &map;
  map.insert_or_assign(1, copied(1));
  map.insert_or_assign(2, copied(2));
  CHECK(found);
}

TEST_CASE("what is too heavy does not take the others with it", "[lru][weight]") {
  options with{.capacity = 100, .shards = 1};
  with.weigher = [](const number&, const number& w) { return w; };
  cache<number, number> map(with);
  for (number k = 0; k < 100; ++k) map.insert_or_assign(k, 1U);
  {
    auto entry = map.lock(1'000);
    entry.emplace(101U);
    const auto shared = entry.downgrade();
    CHECK(shared.has_value());
  }
  CHECK(map.size() == 100);
}

TEST_CASE("what became too heavy while it was held goes alone", "[lru][weight]") {
  options with{.capacity = 100};
  with.weigher = [](const number&, const number& w) { return w; };
  cache<number, number> map(with);
  map.insert_or_assign(1'000, 60U);
  {
    auto shared = map.lock_shared(1'000);
    for (number k = 0; k < 50; ++k) map.insert_or_assign(k, 1U);  // 1'000 is the coldest
    CHECK(map.size() == 51);
    map.set_capacity(50);
    CHECK(shared.has_value());
  }
  CHECK(map.size() == 50);
  CHECK(!map.contains(1'000));
  CHECK(map.stats().weight == 50);
  CHECK(map.stats().keys == 50);
}

TEST_CASE("a weigher that wants its key is told so, and does not hang", "[lru][weight]") {
  options with{.capacity = 100};
  cache<number, number>* at = nullptr;
  int told = 0;
  with.weigher = [&](const number& key, const number& w) {
    try {
      at->contains(key);
    } catch (const std::system_error&) {
      ++told;
    }
    return w;
  };
  cache<number, number> map(with);
  at = &map;
  map.insert_or_assign(1, 7U);
  CHECK(told == 1);
  CHECK(map.stats().weight == 7);
}

TEST_CASE("a clock may be negative", "[lru][expiry]") {
  std::int64_t now = -5;
  options with{.capacity = 10, .time_to_live = concur::cache_duration::forever()};
  with.clock = [&] { return concur::cache_duration::of_nanoseconds(now); };
  cache<number, number> map(with);
  map.insert_or_assign(1, 1U);
  map.save([](number, number, concur::cache_duration left) { CHECK(left.nanoseconds() > 0); });
  map.set_expiry(1, concur::cache_duration::of_nanoseconds(INT64_MIN));
  CHECK(!map.contains(1));
}

TEST_CASE("a copy has what is held, too", "[lru]") {
  cache<number, number> map(options{.capacity = 2, .shards = 1});
  map.insert_or_assign(1, 1U);
  const auto shared = map.lock_shared(1);
  for (number k = 2; k < 4; ++k) map.insert_or_assign(k, k);
  CHECK(map.size() == 3);
  int saved = 0;
  map.save([&](number, number, concur::cache_duration) { ++saved; });
  CHECK(saved == 3);
}

TEST_CASE("elements that are held are dealt out with the others", "[lru]") {
  cache<number, number> map(options{.capacity = 16, .shards = 8});
  for (number k = 0; k < 16; ++k) map.insert_or_assign(k, k);
  std::vector<decltype(map.lock_shared(0))> held;
  for (number k = 0; k < 16; ++k) {
    if (map.peek(k)) held.push_back(map.lock_shared(k));
  }
  for (number k = 100; k < 200; ++k) map.insert_or_assign(k, k);  // all that are held are parked
  map.set_capacity(3);
  CHECK(map.size() == held.size() + 3);
  std::size_t saved = 0;
  map.save([&](number, number, concur::cache_duration) { ++saved; });
  CHECK(saved == held.size() + 3);
  held.clear();
  CHECK(map.size() == 3);
  CHECK(map.stats().weight == 3);
}

TEST_CASE("an empty function is no callback", "[lru][listener]") {
  options with{.capacity = 1};
  with.on_evict = std::function<void(const number&, number&&, cause)>();
  CHECK(!with.on_evict);
  with.weigher = static_cast<std::uint64_t (*)(const number&, const number&)>(nullptr);
  CHECK(!with.weigher);
  with.clock = std::function<concur::cache_duration()>([] { return concur::cache_duration(); });
  CHECK(with.clock);
  cache<number, number> map(with);
  for (number k = 0; k < 3; ++k) map.insert_or_assign(k, k);
  CHECK(map.size() == 1);
}

TEST_CASE("equality is symmetric, whatever has expired", "[lru]") {
  const hand_clock clock;
  cache<number, number> a(options{.clock = clock.reader()});
  a.insert_or_assign(1, 1U);
  a.insert_or_assign(2, 2U);
  a.set_expiry(2, 10ns);
  clock.advance(10ns);
  const cache<number, number> b(a);
  CHECK(a.size() == 2);
  CHECK(b.size() == 1);
  CHECK(a == b);
  CHECK(b == a);
  a.insert_or_assign(3, 3U);
  CHECK(!(a == b));
  CHECK(!(b == a));
  CHECK(a.stats().hits + a.stats().misses + b.stats().hits + b.stats().misses == 0);
}

TEST_CASE("an insertion of a present key does not wait for those who share it", "[lru]") {
  concur::lru_lockmap<number, number> map(3);
  for (number k = 1; k <= 3; ++k) map.try_emplace(k, k * 10);
  {
    const auto shared = map.lock_shared(1);
    REQUIRE(!map.try_emplace(1, 11));
    REQUIRE(*shared == 10);
  }
  {
    const auto held = map.lock(2);
    REQUIRE_THROWS_AS(map.try_emplace(2, 21), std::system_error);
  }
  REQUIRE(!map.insert_or_assign(3, 31));
  REQUIRE(map.peek(3) == 31);
  REQUIRE(map.peek(1) == 10);
  map.try_emplace(4, 40);
  REQUIRE(map.size() == 3);
}
