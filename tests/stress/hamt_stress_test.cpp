// SPDX-License-Identifier: MIT
/// \file
/// Random operations of many threads on hamts where every event is frequent, with snapshots and
/// forks taken all the time, handed to other threads, and outliving their map.
#include "stress/random_operations.hpp"

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/hamt_access.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <concur/parallel.hpp>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

using namespace concur_test;

namespace {

/// One of the readers takes snapshots; now and then all keys go at once.
template <class V>
void every_value_is_of_its_key(shape s) {
  tiny_hamt<number, V, shaped_hash> map(0, shaped_hash{s});
  every_value_is_of_its_key<V>(
      map, s, 4000 * scale,
      [&](auto& random) {
        if (random() % 1024 == 0) map.clear();
      },
      [&](auto&, failures& found) {
        const auto now = map.snapshot();
        std::size_t n = 0;
        for (const auto& [k, v] : now) {
          MT_CHECK(found, v.is_of(k) && now.find(k) == &v);
          ++n;
        }
        MT_CHECK(found, n == now.size());
      });
}

}  // namespace

TEST_CASE("hamt: no reader sees a value of another key or one that was freed") {
  for (const shape s : {shape::even, shape::few, shape::small, shape::equal_ends}) {
    every_value_is_of_its_key<small_value>(s);
    every_value_is_of_its_key<text_value>(s);
  }
  every_value_is_of_its_key<wide_value>(shape::even);
}

TEST_CASE("hamt: every thread finds what it left") {
  tiny_hamt<number, number> small;
  every_thread_finds_its_own(small, 600, 15'000 * scale);
  concur::hamt<number, number> large;
  every_thread_finds_its_own(large, 4000, 20'000 * scale);
}

TEST_CASE("hamt: every thread finds what it left, whatever the hashes") {
  for (const shape s : {shape::small, shape::reversed, shape::equal_low, shape::few}) {
    tiny_hamt<number, number, shaped_hash> map(0, shaped_hash{s});
    every_thread_finds_its_own(map, s == shape::few ? 40 : 400, 5'000 * scale);
  }
}

TEST_CASE("hamt: increments of shared keys are all counted beside snapshots and forks") {
  tiny_hamt<number, number> map;
  failures found;
  constexpr number each = 10'000 * scale;
  std::atomic<int> running{3};
  on_threads(4, found, [&](int index) {
    if (index == 3) {
      number last = 0;
      while (running != 0) {
        const auto now = map.snapshot();
        number sum = 0;
        for (number k = 0; k < 7; ++k) sum += now.contains(k) ? *now.find(k) : 0;
        MT_CHECK(found, sum >= last && sum <= 3 * each);
        last = sum;
        tiny_hamt<number, number> fork(now);
        fork.erase_if([](const auto& e) { return e.first < 7; });
        MT_CHECK(found, fork.size() + 7 >= now.size());
        fork.clear();
      }
      return;
    }
    const number noise = static_cast<number>(index + 1) << 32;
    for (number i = 0; i < each; ++i) {
      map.upsert(
          i % 7, [](number& n) { ++n; }, number{1});
      if (i / 500 % 2 == 0) {
        map.insert({noise + i % 500, i});
      } else {
        map.erase(noise + i % 500);
      }
    }
    --running;
  });
  found.require();
  number sum = 0;
  for (number k = 0; k < 7; ++k) sum += map.find_or(k, 0U);
  REQUIRE(sum == 3 * each);
  require_sound(map);
}

TEST_CASE("hamt: a snapshot is one moment, whichever thread reads it") {
  using allocator = counting_allocator<std::pair<const number, text_value>>;
  using map_type = tiny_hamt<number, text_value, concur::hash<number>, std::equal_to<>, allocator>;
  allocation_account account;
  {
    // A writer sets its first key and then its second, to one version after the other.
    auto map = std::make_unique<map_type>(allocator(account));
    constexpr number versions = 4'000 * scale;
    const auto first_of = [](int writer) { return static_cast<number>(2 * writer); };
    for (number k = 0; k < 4; ++k) map->insert({k, text_value{"0"}});
    std::mutex lock;
    std::vector<map_type::snapshot_type> handed_over;
    failures found;
    std::atomic<int> writers{2};
    on_threads(5, found, [&](int index) {
      if (index < 2) {
        for (number v = 1; v <= versions; ++v) {
          map->insert_or_assign(first_of(index), text_value{std::to_string(v)});
          map->insert_or_assign(first_of(index) + 1, text_value{std::to_string(v)});
          if (v % 3 == 0) map->insert({1000 + v % 300, text_value{"comes"}});
          if (v % 3 == 1) map->erase(1000 + v * 7 % 300);
        }
        --writers;
      } else if (index == 2) {
        while (writers != 0) {
          auto now = map->snapshot();
          const std::lock_guard hold(lock);
          if (handed_over.size() < 50) handed_over.push_back(std::move(now));
        }
      } else {
        map_type::snapshot_type before = map->snapshot();
        while (writers != 0) {
          map_type::snapshot_type now;
          {
            const std::lock_guard hold(lock);
            if (handed_over.empty()) continue;
            now = std::move(handed_over.back());
            handed_over.pop_back();
          }
          const auto version = [&](number k) { return std::stoull(now.find(k)->text); };
          for (int w = 0; w < 2; ++w) {
            const auto ahead = version(first_of(w)) - version(first_of(w) + 1);
            MT_CHECK(found, ahead <= 1);
          }
          MT_CHECK(found,
                   static_cast<std::size_t>(std::distance(now.begin(), now.end())) == now.size());
          std::size_t changes = 0;
          concur::diff(before, now, [&](number k, const text_value* was, const text_value* is) {
            ++changes;
            MT_CHECK(found, was == before.find(k) && is == now.find(k));
          });
          MT_CHECK(found, changes <= before.size() + now.size());
          before = std::move(now);
        }
      }
    });
    found.require();
    require_sound(*map);
    map.reset();  // before the last snapshots
    for (const auto& s : handed_over) REQUIRE(s.size() >= 4);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("hamt: forks change on their own threads, and all memory comes back") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  using map_type = tiny_hamt<number, number, concur::hash<number>, std::equal_to<>, allocator>;
  allocation_account account;
  {
    map_type map{allocator(account)};
    constexpr number resident = 300;
    for (number i = 0; i < resident; ++i) map.insert({i, 0});
    failures found;
    std::atomic<int> running{3};
    on_threads(4, found, [&](int index) {
      if (index == 3) {
        for (number i = 0; running != 0; ++i) map.insert_or_assign(i % resident, i);
        return;
      }
      const number mine = static_cast<number>(index + 1) << 32;
      for (number round = 0; round < 15 * scale; ++round) {
        const auto base = map.snapshot();
        map_type fork(base);
        for (number i = 0; i < 20; ++i) fork.insert({mine + i, i});
        for (number i = 0; i < 20; ++i) MT_CHECK(found, fork.erase(i * 7) == 1);
        const auto changed = fork.snapshot();
        std::size_t gone = 0;
        std::size_t come = 0;
        concur::diff(base, changed, [&](number, const number* was, const number* is) {
          gone += is == nullptr;
          come += was == nullptr;
        });
        MT_CHECK(found, gone == 20 && come == 20 && fork.size() == resident);
        const auto merged = concur::merge(base, map.snapshot(), changed,
                                          [](number, const number*, const number*, const number*) {
                                            return std::optional<number>();
                                          });
        MT_CHECK(found, merged.size() == resident);
      }
      --running;
    });
    found.require();
    REQUIRE(map.size() == resident);
    map.shrink_to_fit();
    require_sound(map);
    REQUIRE(map.validate().shared == 0);
    REQUIRE(account.live_bytes() <= map.validate().bytes * 2 + 16 * 1024);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("hamt: parallel traversals, copies and erasures beside writers") {
  tiny_hamt<number, std::string> map;
  constexpr number resident = 200;
  for (number i = 0; i < resident; ++i) map.insert({i, "stays"});
  failures found;
  std::atomic<bool> stop{false};
  on_threads(3, found, [&](int index) {
    if (index == 0) {
      for (number round = 0; round < 5 * scale; ++round) {
        const tiny_hamt<number, std::string> copy(map);
        for (number i = 0; i < resident; ++i) MT_CHECK(found, copy.find(i) == "stays");
        std::atomic<number> seen{0};
        map.cvisit_all(concur::parallel{2}, [&](const auto& e) { seen += e.second == "stays"; });
        MT_CHECK(found, seen == resident);
        map.erase_if(concur::parallel{2}, [](const auto& e) { return e.second == "goes"; });
      }
      stop = true;
    } else if (index == 1) {
      for (number i = 0; !stop; ++i) {
        map.insert({1000 + i % 700, "comes"});
        map.erase(1000 + (i * 7) % 700);
        map.insert({2000 + i % 50, "goes"});
      }
    } else {
      while (!stop) map.erase_if([](const auto& e) { return e.second == "comes"; });
    }
  });
  found.require();
  require_sound(map);
}
