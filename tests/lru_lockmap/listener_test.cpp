// SPDX-License-Identifier: MIT
/// \file
/// Whom the listener of a cache hears of: every value that leaves and is not handed to a caller,
/// once, with its cause, outside of every lock.
#include "lru_lockmap/cache_kinds.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

/// Moves may throw: such values are reported where they are.
struct stubborn {
  number n;
  explicit stubborn(number v) : n(v) {}
  stubborn(const stubborn&) = default;
  stubborn(stubborn&& other) noexcept(false) : n(other.n) {}
  stubborn& operator=(const stubborn&) = default;
  stubborn& operator=(stubborn&& other) noexcept(false) {
    n = other.n;
    return *this;
  }
  ~stubborn() = default;
  friend bool operator==(const stubborn&, const stubborn&) = default;
};

template <class V>
V make(number n) {
  if constexpr (std::is_same_v<V, std::string>) {
    return std::string(20, 'x') + std::to_string(n);
  } else {
    return V(n);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("every value that leaves is reported once, with its cause", "[lru][listener]",
                   number, std::string, stubborn) {
  const auto value = [](number n) { return make<TestType>(n); };
  const witness<number, TestType> seen;
  using report = typename witness<number, TestType>::report;
  using reports = std::vector<report>;
  exact_cache<number, TestType> map(
      concur::cache_options<number, TestType>{.capacity = 3, .on_evict = seen.listener()});

  map.try_emplace(1, value(1));
  map.try_emplace(2, value(2));
  map.try_emplace(3, value(3));
  map.try_emplace(3, value(33));
  REQUIRE(seen.take().empty());
  map.try_emplace(4, value(4));
  REQUIRE(seen.take() == reports{{1, value(1), cause::capacity}});
  map.insert_or_assign(2, value(22));
  REQUIRE(seen.take() == reports{{2, value(2), cause::replaced}});
  REQUIRE(map.erase(3) == 1);
  REQUIRE(seen.take() == reports{{3, value(3), cause::erased}});
  REQUIRE(map.erase_if([](const auto& e) { return e.first == 4; }) == 1);
  REQUIRE(seen.take() == reports{{4, value(4), cause::erased}});
  map.compute(2, [&](std::optional<TestType>& v) { v.reset(); });
  REQUIRE(seen.take() == reports{{2, value(22), cause::erased}});

  // What is handed to the caller is not reported.
  map.try_emplace(1, value(1));
  REQUIRE(map.exchange(1, value(2)) == value(1));
  REQUIRE(map.take(1) == value(2));
  map.try_emplace(1, value(1));
  REQUIRE(map.pop_lru()->second == value(1));
  map.update(1, [](TestType&) {});
  REQUIRE(seen.take().empty());

  // Guards.
  {
    auto entry = map.lock(5);
    entry.emplace(value(5));
    entry.emplace(value(55));
    REQUIRE(seen.take() == reports{{5, value(5), cause::replaced}});
    REQUIRE(entry.exchange(value(6)) == value(55));
    entry.reset();
    REQUIRE(seen.take() == reports{{5, value(6), cause::erased}});
    entry.emplace(value(7));
    REQUIRE(entry.take() == value(7));
    REQUIRE(!entry.has_value());
    REQUIRE(seen.take().empty());
    entry.emplace(value(7));
  }
  map.try_emplace(6, value(6));
  map.clear();
  auto cleared = seen.take();
  REQUIRE(cleared.size() == 2);
  for (const report& r : cleared) REQUIRE(r.why == cause::cleared);

  for (number i = 0; i < 3; ++i) map.try_emplace(i, value(i));
  map.set_capacity(1);
  REQUIRE(seen.take() == reports{{0, value(0), cause::capacity}, {1, value(1), cause::capacity}});
  {
    exact_cache<number, TestType> dies(map);
    dies.touch(2);
    const auto stats = map.stats();
    REQUIRE(stats.evicted == 3);
    REQUIRE(stats.replaced == 2);
    REQUIRE(stats.erased == 4);
    REQUIRE(stats.cleared == 2);
  }
  REQUIRE(seen.take().empty());
}

TEST_CASE("replaced by compute and replace_if_equal; merged elements arrive", "[lru][listener]") {
  const witness<number, number> seen;
  using reports = std::vector<witness<number, number>::report>;
  exact_cache<number, number> map(
      concur::cache_options<number, number>{.capacity = 10, .on_evict = seen.listener()});
  map.try_emplace(1, 1);
  map.compute(1, [](std::optional<number>& v) { v = 2; });
  REQUIRE(seen.take() == reports{{1, 1, cause::replaced}});
  REQUIRE(map.replace_if_equal(1, 2, 3));
  REQUIRE(seen.take() == reports{{1, 2, cause::replaced}});
  REQUIRE(!map.replace_if_equal(1, 2, 4));
  REQUIRE(map.erase_if_equal(1, 3) == 1);
  REQUIRE(seen.take() == reports{{1, 3, cause::erased}});
  exact_cache<number, number> other{{7, 70}, {8, 80}};
  REQUIRE(map.merge(other) == 2);
  REQUIRE(map.size() == 2);
  REQUIRE(seen.take().empty());
}

TEST_CASE("the listener may use the cache, and the key that left", "[lru][listener]") {
  using map_type = exact_cache<number, std::string>;
  std::unique_ptr<map_type> map;
  std::size_t calls = 0;
  std::size_t depth = 0;
  map = std::make_unique<map_type>(concur::cache_options<number, std::string>{
      .capacity = 4, .on_evict = [&](const number& key, std::string&& value, cause why) {
        ++calls;
        if (++depth > 3) {
          --depth;
          return;
        }
        static_cast<void>(map->find(key));
        map->try_lock(key).unlock();
        if (why == cause::capacity) {
          map->insert_or_assign(key + 1000, std::move(value));  // evicts again
          map->try_emplace(key, "again");
        } else {
          for (number i = 0; i < 5; ++i) static_cast<void>(map->contains(i));
          map->erase(key + 1000);
        }
        --depth;
      }});
  for (number i = 0; i < 20; ++i) map->try_emplace(i, "some text that does not fit in place");
  REQUIRE(calls >= 16);
  REQUIRE(map->size() <= 4);
  const auto count = [&](auto operation) {
    const std::size_t before = calls;
    operation();
    return calls - before;
  };
  const auto some = [&] { return map->pop_lru()->first; };
  for (number i = 0; i < 20; ++i) map->try_emplace(i, "text");
  const number k = some();
  map->try_emplace(k, "text");
  REQUIRE(count([&] { map->insert_or_assign(k, "replaced"); }) >= 1);
  REQUIRE(count([&] { map->erase(k); }) >= 1);
  map->try_emplace(k, "text");
  REQUIRE(count([&] { map->set_capacity(1); }) >= 1);
  REQUIRE(map->size() <= 1);
  map->set_capacity(10);
  map->try_emplace(k, "text");
  REQUIRE(count([&] { map->clear(); }) >= 1);
}

namespace {

/// Uses the cache as it is destroyed.
struct visitor_at_death {
  using map_type = exact_cache<number, visitor_at_death>;
  map_type* map = nullptr;
  std::size_t* deaths = nullptr;
  visitor_at_death(map_type& m, std::size_t& d) : map(&m), deaths(&d) {}
  visitor_at_death(visitor_at_death&& other) noexcept
      : map(std::exchange(other.map, nullptr)), deaths(other.deaths) {}
  visitor_at_death& operator=(visitor_at_death&& other) noexcept {
    std::swap(map, other.map);
    std::swap(deaths, other.deaths);
    return *this;
  }
  ~visitor_at_death() {
    if (map == nullptr) return;
    for (number k = 0; k < 30; ++k) static_cast<void>(map->contains(k));
    ++*deaths;
  }
};

}  // namespace

TEST_CASE("the destructor of a value may use the cache, on every path", "[lru][listener]") {
  std::size_t deaths = 0;
  visitor_at_death::map_type map(4);
  for (number i = 0; i < 10; ++i) map.try_emplace(i, map, deaths);
  REQUIRE(deaths == 6);
  map.erase(9);
  map.insert_or_assign(8, visitor_at_death(map, deaths));
  map.set_capacity(2);
  map.try_emplace(20, map, deaths);
  static_cast<void>(map.pop_lru());
  map.clear();
  REQUIRE(map.empty());
  REQUIRE(deaths == 12);
}

TEST_CASE("many threads: inserted is what is there and what was reported", "[lru][listener]") {
  constexpr int threads = 4;
  constexpr number range = 400;
  std::atomic<std::size_t> reported{0};
  std::atomic<std::size_t> wrong{0};
  std::atomic<std::size_t> inserted{0};
  std::atomic<std::size_t> handed{0};
  cache<number, std::string> map(concur::cache_options<number, std::string>{
      .capacity = 100, .shards = 4, .on_evict = [&](const number& key, std::string&& value, cause) {
        ++reported;
        if (value != std::to_string(key)) ++wrong;
      }});
  failures found;
  on_threads(threads, found, [&](int index) {
    std::uint64_t random = static_cast<std::uint64_t>(index) + 1;
    std::size_t mine = 0;
    std::size_t taken = 0;
    for (int i = 0; i < 4000; ++i) {
      random = random * 6364136223846793005U + 1442695040888963407U;
      const number key = (random >> 33) % range;
      switch ((random >> 20) % 8) {
        case 0:
          map.erase(key);
          break;
        case 1:
          if (map.take(key)) ++taken;
          break;
        case 2: {
          auto entry = map.lock(key);
          if (!entry.has_value()) {
            entry.emplace(std::to_string(key));
            ++mine;
          }
          break;
        }
        case 3:
          map.insert_or_assign(key, std::to_string(key));
          ++mine;  // whether new or a successor: one value more
          break;
        case 4:
          if (map.pop_lru()) ++taken;
          break;
        default:
          mine += map.try_emplace(key, std::to_string(key)) ? 1U : 0U;
      }
    }
    inserted += mine;
    handed += taken;
  });
  found.require();
  REQUIRE(wrong == 0);
  REQUIRE(map.size() <= 100);
  REQUIRE(inserted == map.size() + reported + handed);
}
