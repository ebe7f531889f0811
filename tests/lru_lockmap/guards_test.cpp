// SPDX-License-Identifier: MIT
/// \file
/// The guards of a lockmap that have headers of their own, on a cache: coroutines and stop tokens.
#include "lru_lockmap/cache_kinds.hpp"
#include "support/catch.hpp"
#include "support/detached.hpp"

#include <concur/lockmap_async.hpp>
#include <concur/lockmap_stop.hpp>

#include <chrono>
#include <cstddef>
#include <memory_resource>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>
#include <version>

#include <concur/pmr.hpp>

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

template <class Map>
detached add(Map& map, number key, std::vector<std::size_t>& sizes) {
  auto entry = co_await map.async_lock(key);
  if (entry.has_value()) {
    ++*entry;
  } else {
    entry.emplace(1U);
  }
  for (number other = 100; other < 110; ++other) map.try_emplace(other, other);
  sizes.push_back(map.size());
}

detached take(exact_cache<number, number>& map, number key, std::optional<number>& taken) {
  auto entry = co_await map.async_lock(key);
  taken = entry.take();
}

}  // namespace

TEST_CASE("a value that a coroutine takes is reported to nobody", "[lru][async]") {
  const witness<number, number> seen;
  exact_cache<number, number> map(
      concur::cache_options<number, number>{.capacity = 3, .on_evict = seen.listener()});
  map.try_emplace(1, 10);
  std::optional<number> taken;
  take(map, 1, taken);
  REQUIRE(taken == 10);
  REQUIRE(map.size() == 0);
  REQUIRE(map.stats().weight == 0);
  REQUIRE(seen.take().empty());
}

TEST_CASE("coroutines hold keys of a cache, and are told of what leaves", "[lru][async]") {
  const hand_clock clock;
  const witness<number, number> seen;
  exact_cache<number, number> map(concur::cache_options<number, number>{
      .capacity = 3, .on_evict = seen.listener(), .clock = clock.reader()});
  std::vector<std::size_t> sizes;
  add(map, 1, sizes);
  REQUIRE(map.size() == 3);
  REQUIRE(map.peek(1) == 1);  // back in the order when it was given back
  {
    const auto held = map.lock(1);
    add(map, 1, sizes);
    add(map, 1, sizes);
    REQUIRE(sizes.size() == 1);
  }
  REQUIRE(sizes.size() == 3);
  REQUIRE(map.peek(1) == 3);
  REQUIRE(map.size() == 3);
  map.set_expiry(1, 1s);
  seen.take();
  clock.advance(1s);
  add(map, 1, sizes);
  REQUIRE(map.peek(1) == 1);
  bool expired = false;
  for (const auto& report : seen.take()) {
    expired = expired || (report.key == 1 && report.value == 3 && report.why == cause::expired);
  }
  REQUIRE(expired);
}

#if defined(__cpp_lib_jthread)
TEST_CASE("a stop token ends the wait for a key of a cache", "[lru][stop]") {
  cache<number, number> map(3);
  std::stop_source source;
  source.request_stop();
  const auto held = map.lock(1);
  bool had = true;
  std::thread([&] { had = static_cast<bool>(map.lock(1, source.get_token())); }).join();
  REQUIRE(!had);
  REQUIRE(map.lock(2, source.get_token()));
}
#endif

TEST_CASE("all memory of a cache comes from its resource", "[lru][pmr]") {
  std::vector<std::byte> buffer(1 << 20);
  std::pmr::monotonic_buffer_resource memory(buffer.data(), buffer.size(),
                                             std::pmr::null_memory_resource());
  concur::pmr::lru_lockmap<number, number> map(100, &memory);
  for (number i = 0; i < 200; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 100);
  concur::pmr::lru_lockmap<number, number, concur::hash<number>, std::equal_to<>,
                           concur::eviction::s3fifo>
      other(100, &memory);
  for (number i = 0; i < 200; ++i) other.try_emplace(i, i);
  REQUIRE(other.size() == 100);
}
