// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/threads.hpp"

#include <concur/lockmap_stop.hpp>

#include <atomic>
#include <chrono>
#include <stop_token>
#include <system_error>
#include <thread>

using namespace std::chrono_literals;

#if defined(__cpp_lib_jthread)
TEST_CASE("a stop ends the wait for a key", "[lockmap][stop]") {
  concur::lockmap<int, int> map;
  const auto entry = map.lock(1);
  std::stop_source source;
  bool exclusive = true;
  bool shared = true;
  std::thread first([&] { exclusive = static_cast<bool>(map.lock(1, source.get_token())); });
  std::thread second([&] { shared = static_cast<bool>(map.lock_shared(1, source.get_token())); });
  std::this_thread::sleep_for(5ms);
  source.request_stop();
  first.join();
  second.join();
  REQUIRE(!exclusive);
  REQUIRE(!shared);
}

TEST_CASE("a key that comes free before a stop is had", "[lockmap][stop]") {
  concur::lockmap<int, int> map;
  auto entry = map.lock(1);
  std::stop_source source;
  bool had = false;
  std::thread other([&] { had = static_cast<bool>(map.lock(1, source.get_token())); });
  std::this_thread::sleep_for(5ms);
  entry.unlock();
  other.join();
  REQUIRE(had);
  REQUIRE(map.lock(1, source.get_token()));
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("after a stop there is one attempt, at a key of one's own too", "[lockmap][stop]") {
  concur::lockmap<int, int> map;
  std::stop_source source;
  const auto would_wait_for_itself = [&] {
    try {
      (void)map.lock(1, source.get_token());
    } catch (const std::system_error& error) {
      return error.code() == std::errc::resource_deadlock_would_occur;
    }
    return false;
  };
  const auto entry = map.lock(1);
  REQUIRE(would_wait_for_itself());
  source.request_stop();
  REQUIRE(!map.lock(1, source.get_token()));
  REQUIRE(!map.lock_shared(1, source.get_token()));
  REQUIRE(map.lock(2, source.get_token()));
}

TEST_CASE("stops and releases race without losing a key", "[lockmap][stop]") {
  concur::lockmap<int, int> map;
  concur_test::failures found;
  std::atomic<int> count{0};
  concur_test::on_threads(4, found, [&](int index) {
    for (int i = 0; i < 300; ++i) {
      if (index == 0) {
        map.upsert(
            1, [](int& v) { ++v; }, 1);
        ++count;
        continue;
      }
      std::stop_source source;
      std::thread stopper([&] { source.request_stop(); });
      if (auto entry = map.lock(1, source.get_token())) {
        ++entry.value_or_emplace(0);
        ++count;
      }
      stopper.join();
    }
  });
  found.require();
  REQUIRE(map.find(1) == count);
}
#endif
