// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/detached.hpp"
#include "support/threads.hpp"

#include <concur/lockmap_async.hpp>

#include <atomic>
#include <coroutine>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace concur_test;

namespace {

using map_type = concur::lockmap<std::string, int>;

detached add_one(map_type& map, std::string key, std::atomic<int>& done) {
  auto entry = co_await map.async_lock(key);
  ++entry.value_or_emplace(0);
  entry.unlock();
  ++done;
}

detached take_twice(map_type& map, std::vector<std::optional<int>>& taken) {
  auto entry = co_await map.async_lock("key");
  taken.push_back(entry.take());
  taken.push_back(entry.take());
}

struct pool {
  std::vector<std::coroutine_handle<>>* waiting;
  void operator()(std::coroutine_handle<> handle) const { waiting->push_back(handle); }
};

detached add_in(map_type& map, pool executor, int& done) {
  auto entry = co_await map.async_lock("key", executor);
  ++entry.value_or_emplace(0);
  ++done;
}

}  // namespace

TEST_CASE("a coroutine has a free key at once", "[lockmap][async]") {
  map_type map;
  std::atomic<int> done{0};
  add_one(map, "key", done);
  REQUIRE(done == 1);
  REQUIRE(map.find("key") == 1);
}

TEST_CASE("a coroutine takes the value of its key", "[lockmap][async]") {
  map_type map{{"key", 5}};
  std::vector<std::optional<int>> taken;
  take_twice(map, taken);
  REQUIRE(taken == std::vector<std::optional<int>>{5, std::nullopt});
  REQUIRE(map.size() == 0);
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("coroutines wait for a key without a thread, and go on in order", "[lockmap][async]") {
  map_type map;
  std::atomic<int> done{0};
  auto entry = map.lock("key");
  for (int i = 0; i < 100; ++i) add_one(map, "key", done);
  REQUIRE(done == 0);
  entry.unlock();
  REQUIRE(done == 100);
  REQUIRE(map.find("key") == 100);
}

TEST_CASE("a user's executor resumes the coroutine", "[lockmap][async]") {
  map_type map;
  std::vector<std::coroutine_handle<>> waiting;
  int done = 0;
  auto entry = map.lock("key");
  add_in(map, pool{&waiting}, done);
  REQUIRE(waiting.empty());
  entry.unlock();
  REQUIRE(waiting.size() == 1);
  REQUIRE(done == 0);
  REQUIRE(!map.try_lock("key"));  // it is the coroutine's
  std::thread([&] { waiting.front().resume(); }).join();
  REQUIRE(done == 1);
  REQUIRE(map.find("key") == 1);
}

TEST_CASE("an operation that is not awaited leaves nothing", "[lockmap][async]") {
  map_type map;
  { [[maybe_unused]] const auto dropped = map.async_lock("key"); }
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("threads and coroutines share a key", "[lockmap][async]") {
  map_type map;
  std::atomic<int> done{0};
  failures found;
  constexpr int each = 2'000;
  on_threads(4, found, [&](int index) {
    for (int i = 0; i < each; ++i) {
      if (index % 2 == 0) {
        add_one(map, "key", done);
      } else {
        map.upsert(
            "key", [](int& v) { ++v; }, 1);
      }
    }
  });
  while (done != 2 * each) std::this_thread::yield();
  found.require();
  REQUIRE(map.find("key") == 4 * each);
}
