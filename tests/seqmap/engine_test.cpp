// SPDX-License-Identifier: MIT
/// \file
/// What only seqmap has: fetch_add, read_together, one winner, callbacks that may not write.
#include "support/catch.hpp"
#include "support/seqmap_access.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <concur/parallel.hpp>
#include <limits>
#include <system_error>
#include <thread>
#include <vector>

using namespace concur_test;

namespace {

using small_map = tiny_map<number, number>;

template <class F>
bool is_refused(F f) {
  try {
    f();
  } catch (const std::system_error& error) {
    return error.code() == std::errc::resource_deadlock_would_occur;
  }
  return false;
}

/// Every way to write to `map`, and all of them refused.
bool refuses_all_writes(small_map& map) {
  const auto nothing = [](auto&) {};
  const auto yes = [](const auto&) { return true; };
  const std::vector<std::pair<const number, number>> many{{3, 3}};
  bool ok = true;
  for (const number k : {1U, 2U, 1000U}) {
    ok &= is_refused([&] { map.insert({k, 1}); });
    ok &= is_refused([&] { map.emplace(k, 1U); });
    ok &= is_refused([&] { map.try_emplace(k, 1U); });
    ok &= is_refused([&] { map.insert_or_assign(k, 1U); });
    ok &= is_refused([&] { map.exchange(k, 1U); });
    ok &= is_refused([&] { map.insert_or_visit({k, 1}, nothing); });
    ok &= is_refused([&] { map.insert_and_visit({k, 1}, nothing, nothing); });
    ok &= is_refused([&] { map.visit(k, nothing); });
    ok &= is_refused([&] { map.update(k, [](number&) {}); });
    ok &= is_refused([&] {
      map.upsert(
          k, [](number&) {}, 1U);
    });
    ok &= is_refused([&] { map.compute(k, [](auto&) {}); });
    ok &= is_refused([&] { map.replace_if_equal(k, 1U, 2U); });
    ok &= is_refused([&] { map.erase(k); });
    ok &= is_refused([&] { map.erase_if(k, yes); });
    ok &= is_refused([&] { map.erase_if_equal(k, 1U); });
    ok &= is_refused([&] { map.take(k); });
    ok &= is_refused([&] { map.fetch_add(k, 1); });
  }
  ok &= is_refused([&] { map.insert(many.begin(), many.end()); });
  ok &= is_refused([&] { map.visit_all(nothing); });
  ok &= is_refused([&] { map.visit_while([](auto&) { return true; }); });
  ok &= is_refused([&] { map.erase_if(yes); });
  ok &= is_refused([&] { map.clear(); });
  ok &= is_refused([&] { map.reserve(5000); });
  ok &= is_refused([&] { map.shrink_to_fit(); });
  return ok;
}

/// Key 1 has the value 10 for everybody else.
bool reads_see_the_old_value(const small_map& map) {
  bool ok = map.find(1) == 10 && map.contains(1) && map.find_or(1, 0U) == 10 && map.count(2) == 1;
  ok &= map.cvisit(1, [&](const auto& e) { ok &= e.second == 10; }) == 1;
  ok &= map.visit(1, [&](const auto& e) { ok &= e.second == 10; }) == 1;
  ok &= std::get<0>(map.read_together(1U, 2U)) == 10U;
  ok &= map.cvisit_all([](const auto&) {}) == 2 && map.size() == 2;
  return ok;
}

}  // namespace

TEST_CASE("every write from inside an exclusive callback is refused, and reads see the old value") {
  small_map map{{1, 10}, {2, 20}};
  small_map other;
  int calls = 0;
  const auto check = [&] {
    ++calls;
    REQUIRE(refuses_all_writes(map));
    REQUIRE(reads_see_the_old_value(map));
    other.insert_or_assign(5, 5U);  // another map's writes are nobody's business
  };
  SECTION("visit") {
    map.visit(1, [&](auto& e) {
      e.second = 11;
      check();
    });
    REQUIRE(map.find(1) == 11);
  }
  SECTION("update") {
    map.update(1, [&](number& v) {
      v = 11;
      check();
    });
    REQUIRE(map.find(1) == 11);
  }
  SECTION("upsert") {
    map.upsert(
        1, [&](number&) { check(); }, 0U);
  }
  SECTION("compute, present") {
    map.compute(1, [&](auto& v) {
      v.reset();
      check();
    });
    REQUIRE_FALSE(map.contains(1));
  }
  SECTION("compute, absent") {
    map.compute(3, [&](auto& v) {
      v = 3;
      check();
      REQUIRE_FALSE(map.contains(3));
    });
    REQUIRE(map.find(3) == 3);
  }
  SECTION("keyed erase_if") {
    map.erase_if(1, [&](const auto&) {
      check();
      return false;
    });
  }
  SECTION("erase_if") {
    map.erase_if([&](const auto&) {
      check();
      return false;
    });
  }
  SECTION("visit_all") {
    map.visit_all([&](auto&) { check(); });
  }
  SECTION("visit_while") {
    map.visit_while([&](auto&) {
      check();
      return true;
    });
  }
  SECTION("insert_or_visit") {
    map.insert_or_visit({1, 0}, [&](auto&) { check(); });
  }
  REQUIRE(calls > 0);
  REQUIRE(other.find(5) == 5);
  // And it is over when the callback is.
  REQUIRE(map.insert({99, 99}));
}

TEST_CASE("a shared callback may do everything") {
  small_map map{{1, 10}, {2, 20}};
  const small_map& shared = map;
  REQUIRE(map.cvisit(1, [&](const auto& e) {
    map.insert_or_assign(1, e.second + 1);
    map.erase(2);
    map.reserve(1000);
  }) == 1);
  REQUIRE(map.find(1) == 11);
  number inserted = 100;
  shared.cvisit_all([&](const auto&) { map.insert({++inserted, 0}); });
  REQUIRE(map.contains(101));
}

TEST_CASE("callbacks nest over two maps, and a refusal names the right one") {
  small_map a{{1, 1}};
  small_map b{{1, 1}};
  a.update(1, [&](number& x) {
    b.update(1, [&](number& y) {
      REQUIRE(is_refused([&] { a.erase(1); }));
      REQUIRE(is_refused([&] { b.erase(1); }));
      x += y;
    });
    REQUIRE(b.insert({2, 2}));
    REQUIRE(is_refused([&] { a.insert({2, 2}); }));
  });
  REQUIRE(a.find(1) == 2);
  REQUIRE(b.size() == 2);
}

TEST_CASE("a refusal that is not caught leaves the old value and no lock") {
  small_map map{{1, 10}, {2, 20}};
  REQUIRE_THROWS_AS(map.update(1,
                               [&](number& v) {
                                 v = 0;
                                 map.erase(2);
                               }),
                    std::system_error);
  REQUIRE(map.find(1) == 10);
  REQUIRE(map.find(2) == 20);
  REQUIRE(map.erase(1) == 1);
  REQUIRE(map.erase(2) == 1);
}

TEST_CASE("a writer that waits in his callback delays no reader of his key") {
  small_map map{{1, 10}};
  gate callback;
  callback.arm();
  std::thread writer([&] {
    map.update(1, [&](number& v) {
      v = 11;
      callback.pass();
    });
  });
  callback.wait_for_visitor();
  REQUIRE(map.find(1) == 10);
  REQUIRE(std::get<0>(map.read_together(1U)) == 10U);
  REQUIRE(map.cvisit_all([](const auto& e) { REQUIRE(e.second == 10); }) == 1);
  const small_map copy(map);
  REQUIRE(copy.find(1) == 10);
  callback.open();
  writer.join();
  REQUIRE(map.find(1) == 11);
}

TEST_CASE("fetch_add counts an absent key as zero and returns the previous value") {
  small_map map;
  REQUIRE(map.fetch_add(7, 3) == 0);
  REQUIRE(map.fetch_add(7, 4) == 3);
  REQUIRE(map.find(7) == 7);
  tiny_map<int, double> sums;
  REQUIRE(sums.fetch_add(1, 0.5) == 0.0);
  REQUIRE(sums.fetch_add(1, 0.25) == 0.5);
  REQUIRE(sums.find(1) == 0.75);
}

TEST_CASE("fetch_add wraps around") {
  const auto wraps = [](auto most) {
    using T = decltype(most);
    tiny_map<int, T> map;
    map.insert({1, most});
    REQUIRE(map.fetch_add(1, T{1}) == most);
    REQUIRE(map.find(1) == std::numeric_limits<T>::min());
  };
  wraps(std::numeric_limits<signed char>::max());
  wraps(std::numeric_limits<short>::max());
  wraps(std::numeric_limits<int>::max());
  wraps(std::numeric_limits<std::int64_t>::max());
  wraps(std::numeric_limits<std::uint8_t>::max());
  wraps(std::numeric_limits<number>::max());
}

TEST_CASE("of several concurrent insertions of a key exactly one wins") {
  failures found;
  for (int round = 0; round < 60; ++round) {
    small_map map;
    constexpr int threads = 4;
    constexpr number keys = 100;
    std::vector<std::vector<number>> won(threads);
    on_threads(threads, found, [&](int index) {
      const auto me = static_cast<number>(index);
      for (number k = 0; k < keys; ++k) {
        if (map.insert({k, me})) won[static_cast<std::size_t>(index)].push_back(k);
      }
    });
    std::vector<int> winners(keys, 0);
    for (std::size_t t = 0; t < threads; ++t) {
      for (const number k : won[t]) {
        ++winners[k];
        REQUIRE(map.find(k) == t);
      }
    }
    for (number k = 0; k < keys; ++k) REQUIRE(winners[k] == 1);
    REQUIRE(map.size() == keys);
    std::size_t n = 0;
    map.cvisit_all([&](const auto&) { ++n; });
    REQUIRE(n == keys);
  }
  found.require();
}

TEST_CASE("no update is lost while the table grows around it") {
  small_map map;
  failures found;
  constexpr int threads = 4;
  constexpr number rounds = 5000;
  on_threads(threads, found, [&](int index) {
    for (number i = 0; i < rounds; ++i) {
      const number k = i % 5;
      switch (i % 4) {
        case 0:
          map.fetch_add(k, 1);
          break;
        case 1:
          map.upsert(
              k, [](number& v) { ++v; }, 1U);
          break;
        case 2:
          map.compute(k, [](auto& v) { v = v.value_or(0) + 1; });
          break;
        default:
          map.insert_or_visit({k, 1}, [](auto& e) { ++e.second; });
          break;
      }
      map.insert({static_cast<number>(index + 1) << 32 | i, 0});
    }
  });
  found.require();
  number sum = 0;
  for (number k = 0; k < 5; ++k) sum += map.find(k).value();
  REQUIRE(sum == threads * rounds);
  REQUIRE(map.size() == 5 + threads * rounds);
}

TEST_CASE("read_together finds what is there and nothing else") {
  small_map map{{1, 10}, {2, 20}};
  const auto [a, b, c] = map.read_together(1U, 2U, 3U);
  REQUIRE(a == 10);
  REQUIRE(b == 20);
  REQUIRE_FALSE(c.has_value());
  const auto [x, y] = map.read_together(1U, 1U);
  REQUIRE(x == y);
  const small_map empty;
  REQUIRE_FALSE(std::get<0>(empty.read_together(1U)).has_value());
}

TEST_CASE("read_together sees the values of one moment") {
  // The writer adds to the first of two, then to the second; churn makes them move between buckets
  // and tables.
  small_map map{{1, 0}, {2, 0}};
  failures found;
  std::atomic<bool> stop{false};
  std::atomic<number> reads{0};
  on_threads(4, found, [&](int index) {
    if (index == 0) {
      for (number i = 0; i < 40'000; ++i) {
        map.fetch_add(1, 1);
        map.fetch_add(2, 1);
      }
      while (reads == 0) std::this_thread::yield();
      stop = true;
    } else if (index == 1) {
      for (number round = 0; !stop; ++round) {
        for (number i = 3; i < 1000; ++i) map.insert({i, round});
        for (number i = 3; i < 1000; ++i) map.erase(i);
      }
    } else {
      while (!stop) {
        const auto [a, b, absent] = map.read_together(1U, 2U, 2000U);
        MT_CHECK(found, a.has_value() && b.has_value() && !absent.has_value());
        // Between its two steps the first is ahead by one.
        MT_CHECK(found, a.value_or(9) == b.value_or(0) || a.value_or(9) == b.value_or(0) + 1);
        ++reads;
      }
    }
  });
  found.require();
}

TEST_CASE("read_together never sees a key in neither of two places, nor in both") {
  small_map map{{1, 7}};
  failures found;
  std::atomic<bool> stop{false};
  on_threads(3, found, [&](int index) {
    if (index == 0) {
      for (int i = 0; i < 20'000; ++i) {
        // In both for a moment, then in the other one only.
        map.insert({2, 7});
        map.erase(1);
        map.insert({1, 7});
        map.erase(2);
      }
      stop = true;
    } else {
      while (!stop) {
        const auto [a, b] = map.read_together(1U, 2U);
        MT_CHECK(found, a.has_value() || b.has_value());
      }
    }
  });
  found.require();
}
