// SPDX-License-Identifier: MIT
/// \file
/// Traversals while the map grows, shrinks and changes under them: what is there throughout is seen
/// exactly once, nothing twice. Scans, parallel traversals, batches.
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/sanitizers.hpp"
#include "support/threads.hpp"

#include <algorithm>
#include <atomic>
#include <concur/parallel.hpp>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

using namespace concur_test;

namespace {

using shaped_map = tiny_cmap<number, number, shaped_hash>;

constexpr number lasting = 300;
constexpr number passing = 1'000'000;  // keys from here on come and go

shaped_map map_of(shape s) {
  shaped_map map(0, shaped_hash{s});
  for (number i = 0; i < lasting; ++i) map.insert({i, i});
  return map;
}

/// Counts how often every key was seen.
class sightings {
 public:
  void note(number key) {
    if (key < lasting) {
      ++seen_[key];
    } else {
      others_.push_back(key);
    }
  }
  void require_right() {
    std::size_t wrong = 0;
    for (const int n : seen_) wrong += n == 1 ? 0U : 1U;
    REQUIRE(wrong == 0);
    std::sort(others_.begin(), others_.end());
    REQUIRE(std::adjacent_find(others_.begin(), others_.end()) == others_.end());
  }

 private:
  std::vector<int> seen_ = std::vector<int>(lasting, 0);
  std::vector<number> others_;
};

template <class Run>
void with_every_shape(Run run) {
  for (unsigned kind = 0; kind < static_cast<unsigned>(shape::count); ++kind) {
    INFO("shape " << kind);
    run(static_cast<shape>(kind));
  }
}

}  // namespace

TEST_CASE("cmap: a traversal under which the map grows sees what lasts once") {
  with_every_shape([](shape s) {
    shaped_map map = map_of(s);
    sightings seen;
    number next = passing;
    map.cvisit_all([&](const auto& e) {
      seen.note(e.first);
      // Each key is new, so that there is an end: 20 insertions for each of what lasts.
      if (e.first < lasting) {
        for (int i = 0; i < 20 && next < passing + 2'000; ++i) map.insert({next++, 0});
      }
    });
    seen.require_right();
    require_sound(map);
  });
}

TEST_CASE("cmap: a traversal under which the map shrinks sees what lasts once") {
  with_every_shape([](shape s) {
    shaped_map map = map_of(s);
    for (number i = 0; i < 2'000; ++i) map.insert({passing + i, i});
    sightings seen;
    number next = passing;
    map.cvisit_all([&](const auto& e) {
      seen.note(e.first);
      for (int i = 0; i < 20 && next < passing + 2'000; ++i) map.erase(next++);
    });
    seen.require_right();
    REQUIRE(map.size() == lasting);
    require_sound(map);
  });
}

TEST_CASE("cmap: scans between whose steps the map grows and shrinks see what lasts once") {
  with_every_shape([](shape s) {
    for (const std::size_t at_once : {1U, 7U, 100U}) {
      shaped_map map = map_of(s);
      sightings seen;
      std::uint64_t cursor = 0;
      number step = 0;
      do {
        cursor = map.scan(cursor, at_once, [&](const auto& e) { seen.note(e.first); });
        // Grows for ten steps, shrinks for ten, with keys of its own each time.
        const number keys = passing + step / 20 * 10'000;
        if (step % 20 < 10) {
          for (number i = 0; i < 50; ++i) map.insert({keys + step % 20 * 50 + i, 0});
        } else {
          for (number i = 0; i < 50; ++i) map.erase(keys + (step % 20 - 10) * 50 + i);
        }
        ++step;
      } while (cursor != 0 && step < 100'000);
      REQUIRE(cursor == 0);
      seen.require_right();
    }
  });
}

TEST_CASE("cmap: a scan of a quiet map sees everything once and makes about the steps it should") {
  concur::cmap<number, std::string> map;
  constexpr number n = 10'000;
  for (number i = 0; i < n; ++i) map.insert({i, std::to_string(i)});
  for (const std::size_t at_once : {1U, 10U, 1'000U, 1'000'000U}) {
    std::vector<int> seen(n, 0);
    std::uint64_t cursor = 0;
    std::size_t steps = 0;
    do {
      cursor = map.scan(cursor, at_once, [&](const auto& e) { ++seen[e.first]; });
      ++steps;
    } while (cursor != 0);
    REQUIRE(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
    REQUIRE(steps <= n / at_once + 2);
  }
}

TEST_CASE("cmap: erase_if and clear beside insertions keep the count right") {
  with_every_shape([](shape s) {
    shaped_map map = map_of(s);
    failures found;
    std::atomic<bool> is_over{false};
    std::atomic<number> inserted{0};
    std::atomic<number> erased{0};
    on_threads(2, found, [&](int index) {
      if (index == 0) {
        for (int round = 0; round < 20; ++round) {
          erased += map.erase_if([](const auto& e) { return e.first >= passing; });
        }
        is_over = true;
      } else {
        for (number i = 0; !is_over && i < 20'000; ++i) {
          inserted += map.insert({passing + i % 300, i}) ? 1U : 0U;
        }
      }
    });
    found.require();
    REQUIRE(map.size() == lasting + inserted - erased);
    map.clear();
    REQUIRE(map.empty());
    require_sound(map);
  });
}

TEST_CASE("cmap: clear empties a map whose root is just being replaced") {
  with_every_shape([](shape s) {
    std::size_t left = 0;
    for (number n = 1; n < 200; ++n) {
      shaped_map map(0, shaped_hash{s});
      for (number i = 0; i < n; ++i) map.insert({i, i});
      for (number i = 0; i < n / 2; ++i) map.erase(i);
      map.clear();
      left += map.size();
      map.cvisit_all([&](const auto&) { ++left; });
    }
    REQUIRE(left == 0);
  });
}

TEST_CASE("cmap: traversals beside threads that make it grow and shrink see what lasts once") {
  for (const shape s : {shape::even, shape::few, shape::small, shape::reversed}) {
    shaped_map map = map_of(s);
    failures found;
    std::atomic<bool> is_over{false};
    const number most = s == shape::few ? 200 : 3'000;
    on_threads(3, found, [&](int index) {
      if (index == 0) {
        for (int round = 0; round < (has_sanitizer ? 20 : 100); ++round) {
          std::vector<int> seen(lasting, 0);
          const auto note = [&](const auto& e) {
            if (e.first < lasting) ++seen[e.first];
          };
          if (round % 2 == 0) {
            map.cvisit_all(note);
          } else {
            std::uint64_t cursor = 0;
            do cursor = map.scan(cursor, 37, note);
            while (cursor != 0);
          }
          for (const int n : seen) MT_CHECK(found, n == 1);
        }
        is_over = true;
        return;
      }
      const number mine = passing * static_cast<number>(index);
      while (!is_over) {
        for (number i = 0; i < most && !is_over; ++i) map.insert({mine + i, i});
        for (number i = 0; i < lasting; ++i) map.insert_or_assign(i, i);
        for (number i = 0; i < most && !is_over; ++i) map.erase(mine + i);
      }
    });
    found.require();
    std::size_t there = 0;
    for (number i = 0; i < lasting; ++i) there += map.contains(i) ? 1U : 0U;
    REQUIRE(there == lasting);
    require_sound(map);
  }
}

TEST_CASE("cmap: a parallel traversal shows everything once, whatever the hashes") {
  with_every_shape([](shape s) {
    const shaped_map map = map_of(s);
    for (const unsigned threads : {1U, 2U, 5U}) {
      std::vector<std::atomic<int>> seen(lasting);
      REQUIRE(map.cvisit_all(concur::parallel{threads},
                             [&](const auto& e) { seen[e.first].fetch_add(1); }) == lasting);
      REQUIRE(std::all_of(seen.begin(), seen.end(), [](const auto& n) { return n == 1; }));
    }
  });
}

TEST_CASE("cmap: a parallel erase_if erases each element once") {
  concur::cmap<number, number> map;
  for (number i = 0; i < 20'000; ++i) map.insert({i, i});
  std::atomic<number> asked{0};
  REQUIRE(map.erase_if(concur::parallel{4}, [&](const auto& e) {
    asked.fetch_add(1);
    return e.first % 4 != 0;
  }) == 15'000);
  REQUIRE(asked == 20'000);
  REQUIRE(map.size() == 5'000);
  require_sound(map);
}

TEST_CASE("cmap: batches find what single lookups find, in order") {
  concur::cmap<number, std::string> map;
  for (number i = 0; i < 1000; ++i) map.insert({i * 2, std::to_string(i)});
  for (number n = 0; n < 70; ++n) {
    std::vector<number> keys;
    for (number i = 0; i < n; ++i) keys.push_back(scattered(i + n) % 2000);
    if (n > 2) keys[1] = keys[0];
    std::vector<std::optional<std::string>> values;
    map.find_each(keys, std::back_inserter(values));
    REQUIRE(values.size() == keys.size());
    std::size_t wrong = 0;
    std::size_t hits = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      wrong += values[i] == map.find(keys[i]) ? 0U : 1U;
      hits += values[i] ? 1U : 0U;
    }
    REQUIRE(wrong == 0);
    std::vector<number> visited;
    REQUIRE(map.visit(keys.begin(), keys.end(),
                      [&](const auto& e) { visited.push_back(e.first); }) == hits);
    std::vector<number> present;
    std::copy_if(keys.begin(), keys.end(), std::back_inserter(present),
                 [&](number k) { return map.contains(k); });
    REQUIRE(visited == present);
  }
}

TEST_CASE("cmap: visit_while stops when it is told to, and holds nothing then") {
  concur::cmap<number, number> map;
  for (number i = 0; i < 1000; ++i) map.insert({i, i});
  int seen = 0;
  REQUIRE_FALSE(map.cvisit_while([&](const auto&) { return ++seen < 10; }));
  REQUIRE(seen == 10);
  REQUIRE(map.cvisit_while([](const auto&) { return true; }));
  map.clear();
  map.quiesce();
  REQUIRE(map.stats().retired == 0);
}
