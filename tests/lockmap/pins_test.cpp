// SPDX-License-Identifier: MIT
/// \file
/// A key can be pinned 8,191 times, and who comes then spins until it is unpinned: no call may need
/// so many, or wait while it has them.
#include "support/catch.hpp"
#include "support/detached.hpp"
#include "support/time_limit.hpp"

#include <concur/lockmap_async.hpp>
#include <concur/lru_lockmap.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <vector>

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

using plain_map = concur::lockmap<int, int>;
using cache = concur::lru_lockmap<int, int>;

constexpr int many = 10'000;

struct pool {
  std::vector<std::coroutine_handle<>>* waiting;
  void operator()(std::coroutine_handle<> handle) const { waiting->push_back(handle); }
};

template <class Map>
detached add_in(Map& map, pool executor) {
  auto entry = co_await map.async_lock(7, executor);
  ++entry.value_or_emplace(0);
}

}  // namespace

TEMPLATE_TEST_CASE("lock_all may be given a key any number of times", "[lockmap]", plain_map,
                   cache) {
  const time_limit limit(60s);
  TestType map;
  SECTION("nothing else") {
    const std::vector<int> keys(many, 7);
    REQUIRE(map.lock_all(keys).size() == 1);
    REQUIRE(map.try_lock_all(keys).size() == 1);
    REQUIRE(map.try_lock_all_for(keys, 1s).size() == 1);
  }
  SECTION("between and behind many others") {
    std::vector<int> keys;
    for (int i = 0; i < many; ++i) {
      keys.push_back(i);
      keys.push_back(7);
    }
    keys.insert(keys.end(), many, 8);
    const auto all = map.lock_all(keys);
    REQUIRE(all.size() == static_cast<std::size_t>(many));
    long sum = 0;
    for (const auto& entry : all) sum += entry.key();
    REQUIRE(sum == static_cast<long>(many) * (many - 1) / 2);
  }
  REQUIRE(map.stats().keys == 0);
}

TEMPLATE_TEST_CASE("any number of coroutines may wait for a key", "[lockmap][async]", plain_map,
                   cache) {
  const time_limit limit(60s);
  TestType map;
  std::vector<std::coroutine_handle<>> waiting;
  auto entry = map.lock(7);
  for (int i = 0; i < many; ++i) add_in(map, pool{&waiting});
  REQUIRE(waiting.empty());
  entry.unlock();
  for (int done = 0; done < many; ++done) {
    REQUIRE(waiting.size() == 1);
    const auto next = waiting.back();
    waiting.pop_back();
    next.resume();
  }
  REQUIRE(map.find(7) == many);
  REQUIRE(map.stats().keys == 1);
}
