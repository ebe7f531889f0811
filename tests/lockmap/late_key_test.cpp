// SPDX-License-Identifier: MIT
/// \file
/// While a callback makes the value of an absent key that is not trivially copyable, the state in
/// the table has no key yet: it stands for every key of its hash, and may get any of them, or none.
/// Whoever wants one of them meanwhile waits as for a key that is held, and then looks again.
#include "support/catch.hpp"
#include "support/detached.hpp"
#include "support/time_limit.hpp"

#include <concur/lockmap_async.hpp>
#include <concur/lru_lockmap.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

/// Every key is that of every other one.
struct same_hash {
  std::size_t operator()(const std::string&) const noexcept { return 42; }
};
/// Not known to run no code that could use the map: states are pinned to be compared.
struct other_equal {
  bool operator()(const std::string& a, const std::string& b) const noexcept { return a == b; }
};

using value = std::optional<int>;
using plain_map = concur::lockmap<std::string, int, same_hash>;
using pinning_map = concur::lockmap<std::string, int, same_hash, other_equal>;
using cache = concur::lru_lockmap<std::string, int, same_hash>;
using pinning_cache = concur::lru_lockmap<std::string, int, same_hash, other_equal>;

const std::string a = "the first key, which is too long to lie within the string itself";
const std::string b = "the second key, which is too long to lie within the string itself";

/// Runs `meanwhile` in another thread while `a` is computed, which comes to `end()`.
template <class Map, class Meanwhile, class End>
void beside_compute(Map& map, Meanwhile meanwhile, End end) {
  std::thread other;
  try {
    map.compute(a, [&](value& v) {
      other = std::thread(meanwhile);
      std::this_thread::sleep_for(20ms);  // it waits by now
      end(v);
    });
  } catch (const std::runtime_error&) {
  }
  other.join();
}

void leave_nothing(value&) {}
void leave_one(value& v) {
  v = 1;
}
void fail(value&) {
  throw std::runtime_error("no value");
}

using ending = void (*)(value&);

template <class Map>
detached count_in(Map& map, std::string key, std::vector<std::string>& seen) {
  auto entry = co_await map.async_lock(key);
  seen.push_back(entry.key());
  ++entry.value_or_emplace(0);
}

/// Throws while it is told to.
struct breaking_equal {
  const bool* is_broken;
  bool operator()(const std::string& x, const std::string& y) const {
    if (*is_broken) throw std::runtime_error("no comparison");
    return x == y;
  }
};

template <class Map>
detached expect_failure(Map& map, std::string key, bool& is_told) {
  try {
    auto entry = co_await map.async_lock(key);
  } catch (const std::runtime_error&) {
    is_told = true;
  }
}

}  // namespace

TEMPLATE_TEST_CASE("lock_all beside a key that is computed gets its own keys", "[lockmap]",
                   plain_map, pinning_map, cache, pinning_cache) {
  const time_limit limit(60s);
  TestType map;
  const ending end = GENERATE(ending{leave_nothing}, ending{leave_one}, ending{fail});
  const std::string wanted = GENERATE(a, b);
  bool is_right = false;
  beside_compute(
      map,
      [&] {
        const std::vector<std::string> keys{wanted};
        auto all = map.lock_all(keys);
        if (all.size() != 1 || all.begin()->key() != wanted) return;
        auto& entry = all[wanted];
        is_right = entry.has_value() == (end == leave_one && wanted == a);
        if (!entry.has_value()) entry.emplace(1);
      },
      end);
  REQUIRE(is_right);
  REQUIRE(map.find(wanted) == 1);
  REQUIRE(map.contains(a) == (wanted == a || end == leave_one));
  map.clear();
  REQUIRE(map.stats().keys == 0);
}

TEMPLATE_TEST_CASE("try_lock_all does not wait for a key that is computed", "[lockmap]", plain_map,
                   pinning_map, cache, pinning_cache) {
  const time_limit limit(60s);
  TestType map;
  const std::string wanted = GENERATE(a, b);
  const std::vector<std::string> keys{"another", wanted};
  bool is_refused = false;
  SECTION("by the thread itself") {
    map.compute(a, [&](value&) { is_refused = !map.try_lock_all(keys); });
  }
  SECTION("by another one") {
    map.compute(a, [&](value&) {
      std::thread([&] {
        is_refused = !map.try_lock_all(keys) && !map.try_lock_all_for(keys, 1ms);
      }).join();
    });
  }
  REQUIRE(is_refused);
  REQUIRE(map.stats().keys == 0);
  REQUIRE(map.try_lock_all(keys).size() == 2);
}

TEMPLATE_TEST_CASE("a coroutine waits for a key that is computed without a thread",
                   "[lockmap][async]", plain_map, pinning_map, cache, pinning_cache) {
  const time_limit limit(60s);
  TestType map;
  const ending end = GENERATE(ending{leave_nothing}, ending{leave_one}, ending{fail});
  const std::string wanted = GENERATE(a, b);
  std::vector<std::string> seen;
  try {
    map.compute(a, [&](value& v) {
      for (int i = 0; i < 3; ++i) count_in(map, wanted, seen);
      REQUIRE(seen.empty());
      end(v);
    });
  } catch (const std::runtime_error&) {
  }
  REQUIRE(seen == std::vector<std::string>(3, wanted));
  const bool was_there = wanted == a && end == leave_one;
  REQUIRE(map.find(wanted) == (was_there ? 4 : 3));
  REQUIRE(map.contains(a) == (wanted == a || end == leave_one));
  map.clear();
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("a coroutine that cannot look for its key again is told", "[lockmap][async]") {
  bool is_broken = false;
  concur::lockmap<std::string, int, same_hash, breaking_equal> map(0, same_hash(),
                                                                   breaking_equal{&is_broken});
  bool is_told = false;
  map.compute(a, [&](value& v) {
    expect_failure(map, b, is_told);
    v = 1;
    is_broken = true;
  });
  is_broken = false;
  REQUIRE(is_told);
  REQUIRE(map.stats().keys == 1);
  REQUIRE(map.try_lock(a));
  REQUIRE(map.try_lock(b));
}

TEST_CASE("an operation for a key that is computed need not be awaited", "[lockmap][async]") {
  plain_map map;
  map.compute(a, [&](value&) { [[maybe_unused]] const auto dropped = map.async_lock(a); });
  REQUIRE(map.stats().keys == 0);
}
