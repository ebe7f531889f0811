// SPDX-License-Identifier: MIT
/// \file
/// Traversals of a map whose table is being replaced, and of one whose buckets are locked by
/// others: what the conformance suite cannot arrange.
#include "support/catch.hpp"
#include "support/seqmap_access.hpp"
#include "support/threads.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <concur/parallel.hpp>
#include <set>
#include <thread>
#include <vector>

using namespace concur_test;

namespace {

constexpr number at_high_bits(number i, unsigned log2) {
  return i << (64 - log2);
}

/// Every size of a map on its way up and on its way down, half-way replacements included.
template <class Check>
void at_every_size(Check check) {
  placed_map map;
  std::set<number> model;
  const number most = 700;
  for (number i = 0; i < most; ++i) {
    map.insert({scattered(i), i});
    model.insert(scattered(i));
    check(map, model);
  }
  bool has_shrunk_half_way = false;
  for (number i = 0; i < most; ++i) {
    map.erase(scattered(i));
    model.erase(scattered(i));
    has_shrunk_half_way |= map.stats().resizing;
    check(map, model);
  }
  REQUIRE(has_shrunk_half_way);
}

}  // namespace

TEST_CASE("a shared traversal sees every element once while the table is half replaced") {
  at_every_size([](const placed_map& map, const std::set<number>& model) {
    std::vector<number> seen;
    map.cvisit_all([&](const auto& element) { seen.push_back(element.first); });
    std::sort(seen.begin(), seen.end());
    REQUIRE(std::equal(seen.begin(), seen.end(), model.begin(), model.end()));
  });
}

TEST_CASE("an exclusive traversal sees every element once while the table is half replaced") {
  at_every_size([](placed_map& map, const std::set<number>& model) {
    std::vector<number> seen;
    map.visit_all([&](auto& element) { seen.push_back(element.first); });
    std::sort(seen.begin(), seen.end());
    REQUIRE(std::equal(seen.begin(), seen.end(), model.begin(), model.end()));
  });
}

TEST_CASE("a scan sees every element once while the table is half replaced") {
  at_every_size([](const placed_map& map, const std::set<number>& model) {
    std::vector<number> seen;
    number cursor = 0;
    do {
      cursor = map.scan(cursor, 3, [&](const auto& element) { seen.push_back(element.first); });
    } while (cursor != 0);
    std::sort(seen.begin(), seen.end());
    REQUIRE(std::equal(seen.begin(), seen.end(), model.begin(), model.end()));
  });
}

TEST_CASE("clear removes everything from a table that is half shrunk") {
  for (number left = 1; left < 200; ++left) {
    placed_map map;
    for (number i = 0; i < 700; ++i) map.insert({scattered(i), i});
    for (number i = 0; i < 700 - left; ++i) map.erase(scattered(i));
    map.clear();
    REQUIRE(map.empty());
    for (number i = 0; i < 700; ++i) REQUIRE_FALSE(map.contains(scattered(i)));
  }
}

TEST_CASE("elements that stay are seen exactly once by traversals beside growth and shrinking") {
  placed_map map;
  constexpr number resident = 300;
  for (number i = 0; i < resident; ++i) map.insert({scattered(i), 0});
  failures found;
  std::atomic<bool> stop{false};
  on_threads(3, found, [&](int index) {
    if (index == 0) {
      for (number round = 0; round < 12; ++round) {
        for (number i = resident; i < 4000; ++i) map.insert({scattered(i), 1});
        for (number i = resident; i < 4000; ++i) map.erase(scattered(i));
      }
      stop.store(true);
      return;
    }
    while (!stop.load()) {
      std::vector<number> seen;
      const auto note = [&](const auto& element) {
        if (element.second == 0) seen.push_back(element.first);
      };
      if (index == 1) {
        map.cvisit_all(note);
      } else {
        map.visit_all(note);
      }
      std::sort(seen.begin(), seen.end());
      MT_CHECK(found, std::adjacent_find(seen.begin(), seen.end()) == seen.end());
      MT_CHECK(found, seen.size() == resident);
    }
  });
  found.require();
}

// A home of the next table takes in several of a larger one, of which only some have moved.
TEST_CASE("traversals see all elements of a home whose larger table has moved in part") {
  const auto half_shrunk = [](placed_map& map) {
    constexpr number few = 64;
    for (number i = 0; i < 7000; ++i) map.insert({scattered(i) | at_high_bits(1, 4), 0});
    for (number i = 0; i < few; ++i) map.insert({i << 52, 1});
    map.erase_if([](const auto& element) { return element.second == 0; });
    REQUIRE(map.stats().resizing);
    map.erase(0);  // does a share: two buckets of 4096
    REQUIRE(map.stats().resizing);
    REQUIRE(map.capacity() <= 3U << 8);
    return few - 1;
  };
  SECTION("shared") {
    placed_map map;
    const number left = half_shrunk(map);
    REQUIRE(map.cvisit_all([](const auto&) {}) == left);
    const placed_map copy(map);
    REQUIRE(copy.size() == left);
  }
  SECTION("exclusive") {
    placed_map map;
    const number left = half_shrunk(map);
    REQUIRE(map.visit_all([](auto& element) { element.second = 2; }) == left);
    for (number i = 1; i <= left; ++i) REQUIRE(map.find(i << 52) == 2);
  }
  SECTION("in parallel") {
    placed_map map;
    const number left = half_shrunk(map);
    REQUIRE(map.cvisit_all(concur::parallel{3}, [](const auto&) {}) == left);
  }
  SECTION("clear") {
    placed_map map;
    half_shrunk(map);
    map.clear();
    REQUIRE(map.empty());
    REQUIRE(map.cvisit_all([](const auto&) {}) == 0);
  }
}

// The directory of bucket 0 names bucket 3 before bucket 1; an element of bucket 1 is in bucket 3.
// Who locked in the order of the directory would hold 3 and wait for 1, while the writer holds 1
// and waits for 3.
TEST_CASE("a traversal and a writer of a displaced element never wait for each other") {
  gate door;
  tiny_map<number, number, concur::identity_hash, gated_equal> map(0, {}, gated_equal{&door});
  map.reserve(200);
  const std::size_t cells = map.stats().cells_per_bucket;
  const auto log2 = static_cast<unsigned>(std::bit_width(map.capacity() / cells) - 1);
  // Both tags of a key, of the bucket and of the directory, are its own.
  const auto key = [&](number bucket, number i) {
    return at_high_bits(bucket, log2) + (i << 6 | i);
  };
  for (number bucket = 0; bucket < 3; ++bucket) {
    for (number i = 0; i < cells; ++i) map.insert({key(bucket, i), 0});
  }
  map.insert({key(0, 12), 0});
  map.erase(key(1, cells - 1));
  map.insert({key(0, 13), 0});
  map.insert({key(1, 11), 0});
  for (const number k : {key(0, 12), key(0, 13), key(1, 11)}) REQUIRE(probes(map, k) == 2);

  door.arm();
  // Stops when he has locked bucket 1, and compares the key with the one in bucket 3.
  std::thread writer([&] { map.update(key(1, 11), [](number& v) { v = 7; }); });
  door.wait_for_visitor();
  std::atomic<std::size_t> visited{0};
  std::thread visitor([&] { visited = map.visit_all([](auto&) {}); });
  // The longer the surer that the visitor has what he can get; the test is right in any case.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  door.open();
  writer.join();
  visitor.join();
  REQUIRE(visited == 3 * cells + 2);
  REQUIRE(map.find(key(1, 11)) == 7);
}
