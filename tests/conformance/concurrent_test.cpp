// SPDX-License-Identifier: MIT
/// \file
/// What holds when many threads use one map: one winner, no lost update, traversals that see each
/// element once beside writers, sizes within bounds, totals preserved.

#include "conformance/families.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

#include <concur/parallel.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

/// CTest runs these a second and a third time with many more.
const int threads = 4 * load_factor();
const number thread_count = static_cast<number>(threads);

constexpr number id(int index) {
  return static_cast<number>(index);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("of many insertions of one key exactly one wins", "[concurrent]",
                        shared_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr number keys = 2'000;
  M map;
  failures found;
  std::vector<std::atomic<int>> winners(keys);
  std::vector<std::atomic<number>> winner(keys);
  on_threads(threads, found, [&](int index) {
    for (number key = 0; key < keys; ++key) {
      bool won = false;
      switch (key % 3) {
        case 0:
          won = bool{map.insert({key, id(index)})};
          break;
        case 1:
          won = bool{map.try_emplace(key, id(index))};
          break;
        default:
          won = bool{map.insert_or_cvisit({key, id(index)}, [](const auto&) {})};
      }
      if (won) {
        winners[key].fetch_add(1);
        winner[key] = id(index);
      }
    }
  });
  found.require();
  REQUIRE(map.size() == keys);
  const auto found_values = contents(map);
  std::size_t wrong = 0;
  for (number key = 0; key < keys; ++key) {
    wrong += winners[key] == 1 && found_values.at(key) == winner[key] ? 0u : 1u;
  }
  REQUIRE(wrong == 0);
}

TEMPLATE_LIST_TEST_CASE("of many erasures of one element exactly one wins", "[concurrent]",
                        core_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr number keys = 2'000;
  M map;
  for (number key = 0; key < keys; ++key) map.insert({key, key});
  failures found;
  std::vector<std::atomic<int>> winners(keys);
  on_threads(threads, found, [&](int) {
    for (number key = 0; key < keys; ++key) {
      bool won = false;
      switch (key % 4) {
        case 0:
          won = map.erase(key) == 1;
          break;
        case 1:
          won = map.take(key) == key;
          break;
        case 2:
          won = map.erase_if_equal(key, key) == 1;
          break;
        default:
          won = map.erase_if(key, [](const auto&) { return true; }) == 1;
      }
      if (won) winners[key].fetch_add(1);
    }
  });
  found.require();
  REQUIRE(map.empty());
  std::size_t wrong = 0;
  for (auto& count : winners) wrong += count == 1 ? 0u : 1u;
  REQUIRE(wrong == 0);
}

TEMPLATE_LIST_TEST_CASE("no update is lost", "[concurrent]", core_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr number rounds = 3'000;
  M map;
  failures found;
  on_threads(threads, found, [&](int) {
    const auto increment = [](number& value) { ++value; };
    for (number i = 0; i < rounds; ++i) {
      const number key = i % 7;
      map.upsert(key, increment, 1);
      MT_CHECK(found, map.update(key, increment) == 1);
      map.compute(key, [](auto& value) { value = value.value_or(0) + 1; });
      for (;;) {
        const std::optional<number> seen = map.find(key);
        if (map.replace_if_equal(key, *seen, *seen + 1)) break;
      }
      if constexpr (callback_is_exclusive<M>()) {
        map.visit(key, [](auto& element) { ++element.second; });
      } else {
        map.update(key, increment);
      }
    }
  });
  found.require();
  number total = 0;
  map.cvisit_all([&](const auto& element) { total += element.second; });
  REQUIRE(total == rounds * thread_count * 5);
}

TEMPLATE_LIST_TEST_CASE("growth beside updates loses neither elements nor updates", "[concurrent]",
                        core_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr number counters = 16;
  const number rounds = 16'000 / thread_count;  // what the bounded maps have room for
  M map;
  failures found;
  on_threads(threads, found, [&](int index) {
    for (number i = 0; i < rounds; ++i) {
      map.upsert(
          i % counters, [](number& value) { ++value; }, 1);
      if (!map.insert({1'000 + i * thread_count + id(index), i})) found.add("was there before");
    }
  });
  found.require();
  number total = 0;
  for (number i = 0; i < counters; ++i) total += map.find(i).value();
  REQUIRE(total == rounds * thread_count);
  REQUIRE(map.size() == counters + rounds * thread_count);
  for (number i = 0; i < rounds * thread_count; ++i) REQUIRE(map.contains(1'000 + i));
}

TEMPLATE_LIST_TEST_CASE("values that are exchanged are neither lost nor doubled", "[concurrent]",
                        core_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr number rounds = 3'000;
  M map;
  failures found;
  std::vector<std::vector<number>> received(thread_count);
  on_threads(threads, found, [&](int index) {
    for (number i = 0; i < rounds; ++i) {
      const number value = i * thread_count + id(index);
      const std::optional<number> old = i % 3 == 0 ? map.take(i % 5) : map.exchange(i % 5, value);
      if (old) received[id(index)].push_back(*old);
      if (i % 3 == 0 && !map.insert({i % 5, value})) received[id(index)].push_back(value);
    }
  });
  found.require();
  std::multiset<number> all;
  for (const auto& values : received) all.insert(values.begin(), values.end());
  map.cvisit_all([&](const auto& element) { all.insert(element.second); });
  REQUIRE(all.size() == rounds * thread_count);
  REQUIRE(std::set<number>(all.begin(), all.end()).size() == all.size());
}

TEMPLATE_LIST_TEST_CASE("readers see whole values only", "[concurrent]", core_maps) {
  struct block {
    std::array<number, 5> words{};
    bool operator==(const block&) const = default;
  };
  const auto block_of = [](number n) { return block{{n, n * 3, n * 5, n * 7, n * 9}}; };
  const auto is_whole = [&](const block& b) { return b == block_of(b.words[0]); };
  using M = typename TestType::template map<number, block>;
  M map;
  failures found;
  on_threads(threads, found, [&](int index) {
    for (number i = 0; i < 4'000; ++i) {
      const number key = i % 3;
      if (index % 2 == 0) {
        switch (i % 4) {
          case 0:
            map.insert_or_assign(key, block_of(i));
            break;
          case 1:
            map.insert({key, block_of(i + 1)});
            break;
          case 2:
            map.update(key, [&](block& b) { b = block_of(i + 2); });
            break;
          default:
            map.erase(key);
        }
      } else {
        const std::optional<block> seen = map.find(key);
        MT_CHECK(found, !seen || is_whole(*seen));
        map.cvisit(key,
                   [&](const auto& e) { MT_CHECK(found, e.first == key && is_whole(e.second)); });
        if (i % 16 == 0) {
          map.cvisit_all([&](const auto& e) { MT_CHECK(found, is_whole(e.second)); });
        }
      }
    }
  });
  found.require();
}

TEMPLATE_LIST_TEST_CASE("a traversal beside writers sees each lasting element exactly once",
                        "[concurrent]", shared_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr number lasting = 500;
  M map;
  for (number key = 0; key < lasting; ++key) map.insert({key, 0});
  failures found;
  std::atomic<bool> done{false};
  on_threads(threads, found, [&](int index) {
    if (index == 0) {
      std::vector<int> seen(lasting);
      for (int round = 0; round < 60; ++round) {
        seen.assign(lasting, 0);
        std::set<number> others;
        const auto note = [&](const auto& e) {
          if (e.first < lasting) {
            ++seen[e.first];
          } else {
            others.insert(e.first);
          }
          return true;
        };
        if (round % 3 == 0) map.visit_all(note);
        if (round % 3 == 1) map.cvisit_all(note);
        if (round % 3 == 2) map.cvisit_while(note);
        for (const int count : seen) MT_CHECK(found, count == 1);
      }
      done = true;
      return;
    }
    // Overwrites what lasts; inserts and erases the rest, so that the map grows and shrinks.
    for (number i = 0; !done; ++i) {
      map.insert_or_assign(i % lasting, i);
      const number key = lasting + (i % 1'500) * thread_count + id(index);
      map.insert({key, i});
      if (i % 4 != 0) map.erase(key);
      if (i % 3'000 == 2'999) {
        map.erase_if([&](const auto& e) { return e.first >= lasting; });
      }
    }
  });
  found.require();
}

TEMPLATE_LIST_TEST_CASE("scans and parallel traversals beside writers see what lasts once",
                        "[concurrent]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr number lasting = 400;
  M map;
  for (number key = 0; key < lasting; ++key) map.insert({key, 0});
  failures found;
  std::atomic<bool> done{false};
  on_threads(3, found, [&](int index) {
    if (index == 0) {
      for (int round = 0; round < 20; ++round) {
        std::vector<std::atomic<int>> seen(lasting);
        const auto note = [&](const auto& e) {
          if (e.first < lasting) ++seen[e.first];
        };
        if (round % 2 == 0) {
          std::uint64_t cursor = 0;
          do cursor = map.scan(cursor, 37, note);
          while (cursor != 0);
        } else {
          map.cvisit_all(concur::parallel{2}, note);
        }
        for (auto& count : seen) MT_CHECK(found, count == 1);
      }
      done = true;
      return;
    }
    for (number i = 0; !done; ++i) {
      const number key = lasting + (i % 2'000) * 2 + id(index) % 2;
      map.insert({key, i});
      if (i % 5 != 0) map.erase(key);
    }
  });
  found.require();
}

TEMPLATE_LIST_TEST_CASE("the size counts what is complete, and some of what runs", "[concurrent]",
                        shared_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr number rounds = 4'000;
  M map;
  for (number key = 0; key < 100; ++key) map.insert({key, 0});
  failures found;
  on_threads(threads, found, [&](int index) {
    for (number i = 0; i < rounds; ++i) {
      if (index == 0) {
        const std::size_t size = map.size();
        // 100 that stay, and at most one more of each of the other threads.
        MT_CHECK(found, size >= 100 && size <= 100 + thread_count - 1);
        MT_CHECK(found, !map.empty());
      } else {
        const number key = 1'000 + id(index);
        MT_CHECK(found, map.insert({key, i}));
        MT_CHECK(found, map.erase(key) == 1);
      }
    }
  });
  found.require();
  REQUIRE(map.size() == 100);
}

TEMPLATE_LIST_TEST_CASE("clear beside insertions removes what was there before", "[concurrent]",
                        shared_maps) {
  using M = typename TestType::template map<number, number>;
  // With many more threads than processors the one that clears waits for whole time slices.
  const number rounds = load_factor() == 1 ? 100 : 5;
  M map;
  failures found;
  std::atomic<bool> done{false};
  on_threads(threads, found, [&](int index) {
    if (index == 0) {
      for (number round = 1; round <= rounds; ++round) {
        // Keys that nobody else inserts: gone when clear returns, wherever the others are.
        for (number i = 0; i < 10; ++i) map.insert({round * 1'000'000 + i, i});
        map.clear();
        for (number i = 0; i < 10; ++i) MT_CHECK(found, !map.contains(round * 1'000'000 + i));
      }
      done = true;
      return;
    }
    for (number i = 1; !done; ++i) {
      const number key = i % 500 * thread_count + id(index) + 1;
      map.insert({key, i});
      if (i % 7 == 0) map.erase(key);
    }
  });
  found.require();
  map.clear();
  REQUIRE(map.empty());
  REQUIRE(map.cvisit_all([](const auto&) {}) == 0);
}

TEMPLATE_LIST_TEST_CASE("one thread's keys are its own, whatever the others do", "[concurrent]",
                        core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  failures found;
  on_threads(threads, found, [&](int index) {
    // The model of this thread's keys; the map has to agree at every step.
    std::vector<std::optional<number>> model(64);
    number state = id(index) + 1;
    for (int step = 0; step < 6'000; ++step) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const number slot = (state >> 33) % model.size();
      const number key = slot * thread_count + id(index);
      const number value = state >> 40;
      auto& expected = model[slot];
      switch ((state >> 20) % 6) {
        case 0:
          MT_CHECK(found, bool{map.insert({key, value})} == !expected.has_value());
          if (!expected) expected = value;
          break;
        case 1:
          MT_CHECK(found, bool{map.insert_or_assign(key, value)} == !expected.has_value());
          expected = value;
          break;
        case 2:
          MT_CHECK(found, map.take(key) == expected);
          expected.reset();
          break;
        case 3:
          MT_CHECK(found, map.update(key, [&](number& v) { v = value; }) == (expected ? 1u : 0u));
          if (expected) expected = value;
          break;
        case 4:
          map.reserve(1'000 + value % 1'000);
          break;
        default:
          MT_CHECK(found, map.find(key) == expected);
      }
    }
  });
  found.require();
}

TEMPLATE_LIST_TEST_CASE("copies of a map that is written are maps", "[concurrent]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr number lasting = 200;
  M map;
  for (number key = 0; key < lasting; ++key) map.insert({key, key});
  failures found;
  std::atomic<bool> done{false};
  on_threads(2, found, [&](int index) {
    if (index == 0) {
      for (int round = 0; round < 30; ++round) {
        const M copy(map);
        for (number key = 0; key < lasting; ++key) MT_CHECK(found, copy.find(key) == key);
      }
      done = true;
      return;
    }
    for (number i = 0; !done; ++i) {
      map.insert({lasting + i % 1'000, i});
      if (i % 3 != 0) map.erase(lasting + i % 1'000);
    }
  });
  found.require();
}
