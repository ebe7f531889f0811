// SPDX-License-Identifier: MIT
/// \file
/// Random operations of many threads on cmaps where every event is frequent: what each thread did
/// to keys of its own is checked exactly, what all did to shared keys by what must hold at every
/// moment. Values say whose they are, so that one of another key, or one that was freed, is seen.
#include "stress/random_operations.hpp"

#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/counting_allocator.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <concur/parallel.hpp>
#include <string>
#include <thread>
#include <vector>

using namespace concur_test;

namespace {

/// The root grows and shrinks; what a guard has found stays, while the writers go on.
template <class V>
void every_value_is_of_its_key(shape s) {
  tiny_cmap<number, V, shaped_hash> map(0, shaped_hash{s});
  every_value_is_of_its_key<V>(
      map, s, 3000 * scale,
      [&](auto& random) {
        if (random() % 1024 == 0) map.shrink_to_fit();
        if (random() % 1024 == 0) map.reserve(random() % 1000);
      },
      [&](auto& random, failures& found) {
        const auto guard = map.pin();
        std::vector<std::pair<number, const V*>> held;
        for (int i = 0; i < 20; ++i) {
          const number k = random() % keys_of_values;
          if (const V* const v = map.find(guard, k)) held.emplace_back(k, v);
        }
        for (int i = 0; i < 5; ++i) {
          for (const auto& [k, v] : held) MT_CHECK(found, v->is_of(k));
        }
      });
}

}  // namespace

TEST_CASE("cmap: no reader sees a value of another key or one that was freed") {
  for (const shape s : {shape::even, shape::few, shape::small, shape::equal_ends}) {
    every_value_is_of_its_key<small_value>(s);
    every_value_is_of_its_key<text_value>(s);
  }
  every_value_is_of_its_key<wide_value>(shape::even);
}

TEST_CASE("cmap: every thread finds what it left") {
  tiny_cmap<number, number> small;
  every_thread_finds_its_own(small, 600, 15'000 * scale);
  concur::cmap<number, number> large;
  every_thread_finds_its_own(large, 4000, 15'000 * scale);
}

TEST_CASE("cmap: every thread finds what it left, whatever the hashes") {
  for (const shape s : {shape::small, shape::reversed, shape::equal_low}) {
    tiny_cmap<number, number, shaped_hash> map(0, shaped_hash{s});
    every_thread_finds_its_own(map, 400, 4'000 * scale);
  }
  tiny_cmap<number, number, shaped_hash> lists(0, shaped_hash{shape::few});
  every_thread_finds_its_own(lists, 40, 3'000 * scale);
}

TEST_CASE("cmap: increments of shared keys are all counted while the map breathes") {
  tiny_cmap<number, number> map;
  failures found;
  constexpr number each = 8'000 * scale;
  on_threads(4, found, [&](int index) {
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
  });
  found.require();
  number sum = 0;
  for (number k = 0; k < 7; ++k) sum += map.find_or(k, 0U);
  REQUIRE(sum == 4 * each);
  require_sound(map);
}

TEST_CASE("cmap: size never lies about what is done, and all memory comes back") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  allocation_account account;
  {
    tiny_cmap<number, number, concur::hash<number>, std::equal_to<>, allocator> map{
        allocator(account)};
    require_true_size(map, 10 * scale);
    map.quiesce();
    REQUIRE(map.stats().retired == 0);
    REQUIRE(account.live_bytes() <= 256 * 1024);
    require_sound(map);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("cmap: copies, parallel traversals, clear and quiesce beside writers") {
  tiny_cmap<number, std::string> map;
  constexpr number resident = 200;
  for (number i = 0; i < resident; ++i) map.insert({i, "stays"});
  failures found;
  std::atomic<bool> stop{false};
  on_threads(4, found, [&](int index) {
    if (index == 0) {
      for (number round = 0; round < 5 * scale; ++round) {
        const tiny_cmap<number, std::string> copy(map);
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
    } else if (index == 2) {
      while (!stop) map.quiesce();
    } else {
      while (!stop) map.erase_if([](const auto& e) { return e.second == "comes"; });
    }
  });
  found.require();
  require_sound(map);
  map.clear();
  REQUIRE(map.empty());
  require_sound(map);
}

TEST_CASE("cmap: readers that sleep now and then do not stop writers or each other") {
  tiny_cmap<number, text_value> map;
  constexpr number keys = 300;
  for (number i = 0; i < keys; ++i) map.insert({i, text_value::of(i, 0)});
  failures found;
  std::atomic<int> writers{2};
  on_threads(5, found, [&](int index) {
    if (index < 2) {
      for (number i = 0; i < 8'000 * scale; ++i) {
        const number k = scattered(i * 2 + static_cast<number>(index)) % keys;
        map.insert_or_assign(k, text_value::of(k, static_cast<unsigned>(i)));
      }
      --writers;
      return;
    }
    for (number i = 0; writers != 0; ++i) {
      const number k = (i * 7 + static_cast<number>(index)) % keys;
      map.cvisit(k, [&](const auto& e) {
        MT_CHECK(found, e.second.is_of(k));
        for (int n = 0; n < index * 3; ++n) std::this_thread::yield();
        MT_CHECK(found, e.second.is_of(k));
      });
    }
  });
  found.require();
  map.quiesce();
  REQUIRE(map.stats().retired == 0);
  require_sound(map);
}
