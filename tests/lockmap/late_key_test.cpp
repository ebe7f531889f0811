// SPDX-License-Identifier: MIT
/// \file
/// While the key of a new element is made, one that is not trivially copyable, the state in the
/// table has no key yet: it stands for every key of its hash, and may get any of them, or none.
/// Whoever wants one of them meanwhile waits as for a key that is held, and then looks again.
/// Callbacks run when the key is there.
#include "support/catch.hpp"
#include "support/detached.hpp"
#include "support/threads.hpp"
#include "support/time_limit.hpp"

#include <concur/lockmap_async.hpp>
#include <concur/lru_lockmap.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
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

/// Runs something when it is copied the next time, by this thread.
class key {
 public:
  explicit key(std::string text) : text_(std::move(text)) {}
  key(const key& other) : text_(other.text_) {
    if (const auto hook = std::exchange(in_next_copy, nullptr)) hook();
  }
  key& operator=(const key&) = default;
  friend bool operator==(const key&, const key&) = default;

  static inline thread_local std::function<void()> in_next_copy;

 private:
  std::string text_;
};

/// Every key is that of every other one.
struct same_hash {
  template <class K>
  std::size_t operator()(const K&) const noexcept {
    return 42;
  }
};
/// Not known to run no code that could use the map: states are pinned to be compared.
struct other_equal {
  bool operator()(const key& x, const key& y) const noexcept { return x == y; }
};

using value = std::optional<int>;
using plain_map = concur::lockmap<key, int, same_hash>;
using pinning_map = concur::lockmap<key, int, same_hash, other_equal>;
using cache = concur::lru_lockmap<key, int, same_hash>;
using pinning_cache = concur::lru_lockmap<key, int, same_hash, other_equal>;

const key a("the first key, which is too long to lie within the string itself");
const key b("the second key, which is too long to lie within the string itself");

/// Computes `a`, which comes to `end()`, and does `meanwhile()` while its key is made.
template <class Map, class Meanwhile, class End>
void compute_slowly(Map& map, Meanwhile meanwhile, End end) {
  key::in_next_copy = meanwhile;
  try {
    map.compute(a, [&](value& v) { end(v); });
  } catch (const std::runtime_error&) {
  }
  REQUIRE(!key::in_next_copy);
}
/// The same in another thread, which is left to itself.
template <class Map, class Meanwhile, class End>
void beside_compute(Map& map, Meanwhile meanwhile, End end) {
  std::thread other;
  compute_slowly(
      map,
      [&] {
        other = std::thread(meanwhile);
        std::this_thread::sleep_for(20ms);  // it waits by now
      },
      end);
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
detached count_in(Map& map, key wanted, std::vector<key>& seen) {
  auto entry = co_await map.async_lock(wanted);
  seen.push_back(entry.key());
  ++entry.value_or_emplace(0);
}

/// Throws while it is told to.
struct breaking_equal {
  const bool* is_broken;
  bool operator()(const key& x, const key& y) const {
    if (*is_broken) throw std::runtime_error("no comparison");
    return x == y;
  }
};

template <class Map>
detached expect_failure(Map& map, key wanted, bool& is_told) {
  try {
    auto entry = co_await map.async_lock(wanted);
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
  const key wanted = GENERATE(a, b);
  bool is_right = false;
  beside_compute(
      map,
      [&] {
        const std::vector<key> keys{wanted};
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
  const key wanted = GENERATE(a, b);
  const std::vector<key> keys{key("another"), wanted};
  bool is_refused = false;
  SECTION("by the thread itself") {
    compute_slowly(
        map, [&] { is_refused = !map.try_lock_all(keys); }, leave_nothing);
  }
  SECTION("by another one") {
    const auto try_beside = [&] {
      std::thread([&] {
        is_refused = !map.try_lock_all(keys) && !map.try_lock_all_for(keys, 1ms);
      }).join();
    };
    compute_slowly(map, try_beside, leave_nothing);
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
  const key wanted = GENERATE(a, b);
  std::vector<key> seen;
  compute_slowly(
      map,
      [&] {
        for (int i = 0; i < 3; ++i) count_in(map, wanted, seen);
        REQUIRE(seen.empty());
      },
      end);
  REQUIRE(seen == std::vector<key>(3, wanted));
  const bool was_there = wanted == a && end == leave_one;
  REQUIRE(map.find(wanted) == (was_there ? 4 : 3));
  REQUIRE(map.contains(a) == (wanted == a || end == leave_one));
  map.clear();
  REQUIRE(map.stats().keys == 0);
}

TEST_CASE("a coroutine that cannot look for its key again is told", "[lockmap][async]") {
  bool is_broken = false;
  concur::lockmap<key, int, same_hash, breaking_equal> map(0, same_hash(),
                                                           breaking_equal{&is_broken});
  bool is_told = false;
  compute_slowly(
      map, [&] { expect_failure(map, b, is_told); },
      [&](value& v) {
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
  compute_slowly(
      map, [&] { [[maybe_unused]] const auto dropped = map.async_lock(a); }, leave_nothing);
  REQUIRE(map.stats().keys == 0);
}

TEMPLATE_TEST_CASE("a callback that computes may use other keys of its hash", "[lockmap]",
                   plain_map, pinning_map, cache, pinning_cache) {
  const time_limit limit(60s);
  TestType map;
  map.compute(a, [&](value& v) {
    REQUIRE(!map.contains(b));
    REQUIRE(map.insert({b, 2}));
    REQUIRE(map.try_lock(b));
    v = 1;
  });
  REQUIRE(map.find(a) == 1);
  REQUIRE(map.find(b) == 2);
}

TEMPLATE_TEST_CASE("threads that compute one absent key and leave it absent all get their turn",
                   "[lockmap]", plain_map, pinning_map, cache, pinning_cache) {
  const time_limit limit(120s);
  TestType map;
  std::atomic<int> calls{0};
  failures failures;
  on_threads(8, failures, [&](int me) {
    for (int i = 0; i < 500; ++i) {
      // Making the key fails now and then.
      if (me == 0 && i % 50 == 0) key::in_next_copy = [] { throw std::runtime_error("no key"); };
      try {
        map.compute(a, [&](value& v) {
          calls.fetch_add(1);
          v.reset();
        });
      } catch (const std::runtime_error&) {
      }
      key::in_next_copy = nullptr;
    }
  });
  failures.require();
  REQUIRE(calls >= 8 * 500 - 10);
  REQUIRE(map.empty());
  REQUIRE(map.stats().keys == 0);
}

TEMPLATE_TEST_CASE("a traversal's callback may look for a key whose making fails", "[lockmap]",
                   plain_map, pinning_map, cache, pinning_cache) {
  const time_limit limit(60s);
  TestType map;
  map.insert({b, 1});
  std::atomic<int> stage{0};
  const auto wait_for = [&](int n) {
    while (stage.load() != n) std::this_thread::yield();
  };
  std::thread other([&] {
    compute_slowly(
        map,
        [&] {
          stage = 1;
          wait_for(2);
          throw std::runtime_error("no key");
        },
        leave_nothing);
    stage = 3;
  });
  wait_for(1);
  int visits = 0;
  map.cvisit_all([&](const auto& element) {
    ++visits;
    REQUIRE(element.first == b);
    stage = 2;
    wait_for(3);
    REQUIRE(!map.contains(a));
  });
  other.join();
  REQUIRE(visits == 1);
  REQUIRE(map.stats().keys == 1);
}

/// Cannot be copied, but by its bytes.
struct single_key {
  int number;
  explicit single_key(int n) : number(n) {}
  single_key(single_key&&) = default;
  single_key(const single_key&) = delete;
  single_key& operator=(single_key&&) = default;
  friend bool operator==(const single_key&, const single_key&) = default;
};

detached emplace_in(concur::lockmap<single_key, int, same_hash>& map, int& seen) {
  auto entry = co_await map.async_lock(single_key(7));
  seen = entry.key().number;
  entry.emplace(1);
}

TEST_CASE("a coroutine that waits for a key of one kind gets that key", "[lockmap][async]") {
  const time_limit limit(60s);
  concur::lockmap<single_key, int, same_hash> map;
  int seen = 0;
  map.compute(single_key(7), [&](value&) { emplace_in(map, seen); });
  REQUIRE(seen == 7);
  REQUIRE(map.contains(single_key(7)));
  REQUIRE(!map.contains(single_key(8)));
}

TEST_CASE("a listener that is told of an eviction by a downgrade is told whom it would wait for",
          "[lockmap][lru]") {
  const time_limit limit(60s);
  using map_type = concur::lru_lockmap<int, int>;
  map_type* here = nullptr;
  int refused = 0;
  concur::cache_options<int, int> options;
  options.capacity = 1;
  options.on_evict = [&](const int&, int&&, concur::eviction_cause) {
    try {
      here->update(2, [](int& v) { ++v; });
    } catch (const std::system_error& e) {
      refused += e.code() == std::errc::resource_deadlock_would_occur ? 1 : 0;
    }
  };
  map_type map(options);
  here = &map;
  map.insert({1, 1});
  auto entry = map.lock(2);
  entry.emplace(5);
  {
    const auto shared = entry.downgrade();
    REQUIRE(*shared == 5);
    REQUIRE(refused == 1);
  }
  REQUIRE(map.find(2) == 5);
}
