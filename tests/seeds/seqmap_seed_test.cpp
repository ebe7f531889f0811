// SPDX-License-Identifier: MIT
/// \file
/// What is known to be wrong with, or missing from, the crate seqmap 0.1.4, each as a test that a
/// port of it would fail.
#include "support/catch.hpp"
#include "support/seqmap_access.hpp"
#include "support/threads.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using namespace concur_test;

namespace {

using plain_map = concur::seqmap<number, number>;

/// Several words that belong together.
struct triple {
  number a, b, c;
  static triple of(number i) noexcept { return {i, ~i, i * 3}; }
  bool is_whole() const noexcept { return b == ~a && c == a * 3; }
};

}  // namespace

TEST_CASE("seed seqmap: size is exact when nobody writes, and never far off (there: approximate)") {
  plain_map map;
  failures found;
  constexpr int threads = 4;
  constexpr number each = 4000;
  std::atomic<bool> stop{false};
  std::thread observer([&] {
    while (!stop) MT_CHECK(found, map.size() <= threads * each);
  });
  on_threads(threads, found, [&](int index) {
    const number mine = static_cast<number>(index) << 32;
    for (number i = 0; i < each; ++i) map.insert({mine + i, i});
    for (number i = 0; i < each; i += 2) map.erase(mine + i);
  });
  stop = true;
  observer.join();
  found.require();
  REQUIRE(map.size() == threads * each / 2);
  map.clear();
  REQUIRE(map.size() == 0);
  REQUIRE(map.empty());
}

TEST_CASE("seed seqmap: a resize stops nobody (there: readers and writers spin until it is over)") {
  // The thread that moves a bucket stops inside, and everybody else goes on.
  gate door;
  std::atomic<number> stop_at{~number{0}};
  tiny_map<number, number, gated_hash> map(0, gated_hash{&door, &stop_at});
  std::vector<number> keys;
  number next = 0;
  const auto add = [&] {
    keys.push_back(scattered(++next));
    map.insert({keys.back(), keys.back()});
  };
  for (int i = 0; i < 100; ++i) add();
  while (!map.stats().resizing) add();
  // Of the first bucket of the first share: the smallest hash.
  const number first = *std::min_element(keys.begin(), keys.end());
  stop_at = first;
  door.arm();
  const number his = scattered(1'000'000) | number{1} << 63;
  std::thread mover([&] { map.insert({his, his}); });
  door.wait_for_visitor();
  stop_at = ~number{0};
  REQUIRE(map.stats().resizing);
  for (const number k : keys) REQUIRE(map.find(k) == k);
  for (number i = 0; i < 100; ++i) {
    const number k = scattered(2'000'000 + i) | number{1} << 63;  // of other buckets
    REQUIRE(map.insert({k, k}));
    REQUIRE(map.find(k) == k);
    REQUIRE(map.erase(k) == 1);
  }
  for (const number k : keys) REQUIRE(map.find(k) == k);
  door.open();
  mover.join();
  for (const number k : keys) REQUIRE(map.find(k) == k);
}

TEST_CASE("seed seqmap: keys can be removed, and their cells are used again (there: no remove)") {
  plain_map map;
  for (number i = 0; i < 1000; ++i) map.insert({i, i});
  const std::size_t capacity = map.capacity();
  for (number i = 0; i < 400'000; ++i) {
    REQUIRE(map.erase(i) == 1);
    REQUIRE(map.insert({i + 1000, i}));
  }
  REQUIRE(map.size() == 1000);
  REQUIRE(map.capacity() <= capacity);
  std::size_t misses = 0;
  for (number i = 0; i < 1000; ++i) misses += probes(map, i);
  REQUIRE(misses <= 1500);
}

TEST_CASE(
    "seed seqmap: nobody who knows the library knows the hash (there: a hash with keys of 0)") {
  const plain_map first;
  const plain_map second;
  std::size_t same = 0;
  for (number i = 0; i < 1000; ++i) same += first.hash_function()(i) == second.hash_function()(i);
  REQUIRE(same <= 2);
  // Keys that flood one map are ordinary ones of another.
  std::vector<number> crafted;
  for (number i = 0; crafted.size() < 2000; ++i) {
    if (first.hash_function()(i) >> 56 == 0) crafted.push_back(i);
  }
  plain_map other;
  for (const number k : crafted) other.insert({k, k});
  std::size_t total = 0;
  for (const number k : crafted) total += probes(other, k);
  REQUIRE(total <= 2 * crafted.size());
}

TEST_CASE("seed seqmap: racing insertions of a key make one element (there: nothing is promised)") {
  failures found;
  for (int round = 0; round < 50; ++round) {
    tiny_map<number, number> map;
    std::atomic<number> won{0};
    on_threads(4, found, [&](int index) {
      for (number k = 0; k < 200; ++k) won += map.insert({k, static_cast<number>(index)}) ? 1U : 0U;
    });
    REQUIRE(won == 200);
    REQUIRE(map.size() == 200);
    std::vector<int> seen(200, 0);
    map.cvisit_all([&](const auto& e) { ++seen[e.first]; });
    REQUIRE(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
    for (number k = 0; k < 200; ++k) REQUIRE(map.erase(k) == 1);
    for (number k = 0; k < 200; ++k) REQUIRE_FALSE(map.contains(k));
  }
  found.require();
}

TEST_CASE("seed seqmap: a copy of several words is no data race (there: a volatile read)") {
  // Its teeth are ThreadSanitizer's; without it, it looks for values that were never stored.
  concur::seqmap<number, triple> map;
  map.insert({1, triple::of(0)});
  failures found;
  std::atomic<bool> stop{false};
  on_threads(3, found, [&](int index) {
    if (index == 0) {
      for (number i = 1; i < 30'000; ++i) map.insert_or_assign(1, triple::of(i));
      stop = true;
    } else {
      while (!stop) MT_CHECK(found, map.find(1).value_or(triple{1, 1, 1}).is_whole());
    }
  });
  found.require();
}

TEST_CASE("seed seqmap: an insertion during a resize is not lost with the old table") {
  tiny_map<number, number> map;
  failures found;
  constexpr number each = 5000;
  on_threads(4, found, [&](int index) {
    const number mine = static_cast<number>(index) << 32;
    for (number i = 0; i < each; ++i) {
      MT_CHECK(found, map.insert({mine + i, i}));
      MT_CHECK(found, map.find(mine + i) == i);
      if (i > 10) MT_CHECK(found, map.find(mine + i - 10) == i - 10);
    }
  });
  found.require();
  REQUIRE(map.size() == 4 * each);
}

TEST_CASE(
    "seed seqmap: a writer that waits stops no reader (there: readers spin beside a writer)") {
  concur::seqmap<number, triple> map;
  map.insert({1, triple::of(1)});
  gate callback;
  callback.arm();
  std::thread writer([&] {
    map.update(1, [&](triple& t) {
      t.a = 99;
      callback.pass();
      t = triple::of(2);
    });
  });
  callback.wait_for_visitor();
  for (int i = 0; i < 1000; ++i) REQUIRE(map.find(1)->a == 1);
  callback.open();
  writer.join();
  REQUIRE(map.find(1)->a == 2);
}

TEST_CASE(
    "seed seqmap: values can be changed where they are (there: get, then insert, and a race)") {
  plain_map map;
  failures found;
  on_threads(4, found, [&](int) {
    for (int i = 0; i < 5000; ++i) map.fetch_add(1, 1);
  });
  found.require();
  REQUIRE(map.find(1) == 20'000);
}

TEST_CASE("seed seqmap: what the crate has is here under the vocabulary's names") {
  plain_map map;
  REQUIRE(map.empty());
  REQUIRE(map.insert({1, 10}));
  REQUIRE_FALSE(map.insert({1, 11}));
  REQUIRE_FALSE(map.insert_or_assign(1, 11U));
  REQUIRE(map.find(1) == 11);
  REQUIRE_FALSE(map.find(2).has_value());
  REQUIRE(plain_map(100).capacity() >= 100);
  const plain_map& shared = map;
  REQUIRE(shared.find(1) == 11);
}
