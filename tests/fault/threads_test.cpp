// SPDX-License-Identifier: MIT
/// \file
/// Threads that come and go: 20,000 short ones that use the maps and an array. What a thread leaves
/// behind (its slot, its stripe of the counter, what it announced, what it retired) is good for the
/// next one, or is freed by it.

#include "support/threads.hpp"
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/counting_allocator.hpp"
#include "support/hamt_access.hpp"
#include "support/seqmap_access.hpp"

#include <concur/seq_array.hpp>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace concur_test;

TEST_CASE("20,000 short threads leave every element, the right size and no memory behind",
          "[fault][threads]") {
  constexpr number threads_at_once = 8;
  constexpr number rounds = 20'000 / threads_at_once;
  using allocator = counting_allocator<std::pair<const number, number>>;
  allocation_account account;
  allocation_account array_account;
  failures found;
  {
    tiny_map<number, number, concur::identity_hash, std::equal_to<>, allocator> map{
        allocator(account)};
    concur::seq_array<number, counting_allocator<number>> sums(
        threads_at_once, counting_allocator<number>(array_account));
    // The table grows and shrinks while the threads come and go: 256 elements, then a few.
    constexpr number window = 256;
    std::size_t most_bytes = 0;
    for (number round = 0; round < rounds; ++round) {
      std::vector<std::thread> threads;
      for (number index = 0; index < threads_at_once; ++index) {
        threads.emplace_back([&, index] {
          const number mine = round * threads_at_once + index;
          MT_CHECK(found, map.insert({scattered(mine), mine}));
          MT_CHECK(found, map.find(scattered(mine)) == mine);
          map.fetch_add(~index, 1);
          if (mine >= window) MT_CHECK(found, map.erase(scattered(mine - window)) == 1);
          sums.fetch_add(index, mine);
        });
      }
      for (auto& thread : threads) thread.join();
      if (account.live_bytes() > most_bytes) most_bytes = account.live_bytes();
      if (round % 500 == 499) {
        map.shrink_to_fit();
        map.reserve(4 * window);
      }
    }
    found.require();
    REQUIRE(map.size() == window + threads_at_once);
    number sum = 0;
    for (number index = 0; index < threads_at_once; ++index) {
      REQUIRE(map.find(~index) == rounds);
      sum += sums.load(index);
    }
    constexpr number n = rounds * threads_at_once;
    REQUIRE(sum == n * (n - 1) / 2);
    // Two tables for 4 * 256 elements and the counter's stripes: nothing piles up.
    REQUIRE(most_bytes < 400'000);
    map.clear();
    map.shrink_to_fit();
    REQUIRE(account.live_bytes() < 20'000);
  }
  REQUIRE(account.balanced());
  REQUIRE(array_account.balanced());
}

TEST_CASE("20,000 short threads leave a cmap whole, and what they retired is freed",
          "[fault][threads][cmap]") {
  constexpr number threads_at_once = 8;
  constexpr number rounds = 20'000 / threads_at_once;
  using allocator = counting_allocator<std::pair<const number, std::string>>;
  allocation_account account;
  failures found;
  {
    tiny_cmap<number, std::string, concur::hash<number>, std::equal_to<>, allocator> map{
        allocator(account)};
    constexpr number window = 256;
    std::size_t most_bytes = 0;
    for (number round = 0; round < rounds; ++round) {
      std::vector<std::thread> threads;
      for (number index = 0; index < threads_at_once; ++index) {
        threads.emplace_back([&, index] {
          const number mine = round * threads_at_once + index;
          MT_CHECK(found, map.insert({mine, std::to_string(mine)}));
          MT_CHECK(found, map.find(mine) == std::to_string(mine));
          map.upsert(
              ~index, [](std::string& s) { s += 'x'; }, "x");
          if (mine >= window) MT_CHECK(found, map.erase(mine - window) == 1);
        });
      }
      for (auto& thread : threads) thread.join();
      if (account.live_bytes() > most_bytes) most_bytes = account.live_bytes();
    }
    found.require();
    REQUIRE(map.size() == window + threads_at_once);
    for (number index = 0; index < threads_at_once; ++index) {
      REQUIRE(map.find(~index)->size() == rounds);
    }
    require_sound(map);
    map.quiesce();
    REQUIRE(map.stats().retired == 0);
    // Some hundred elements, and what the threads of one moment have retired or kept for reuse.
    REQUIRE(most_bytes < 1'000'000);
    map.clear();
    map.quiesce();
    REQUIRE(account.live_bytes() < 200'000);
  }
  REQUIRE(account.balanced());
}

TEST_CASE(
    "20,000 short threads leave a hamt and its snapshots whole, and what they retired is freed",
    "[fault][threads][hamt]") {
  constexpr number threads_at_once = 8;
  constexpr number rounds = 20'000 / threads_at_once;
  using allocator = counting_allocator<std::pair<const number, std::string>>;
  allocation_account account;
  failures found;
  {
    using map_type =
        tiny_hamt<number, std::string, concur::hash<number>, std::equal_to<>, allocator>;
    map_type map{allocator(account)};
    map_type::snapshot_type kept;  // taken by a thread that is gone
    constexpr number window = 256;
    std::size_t most_bytes = 0;
    for (number round = 0; round < rounds; ++round) {
      std::vector<std::thread> threads;
      map_type::snapshot_type next;
      for (number index = 0; index < threads_at_once; ++index) {
        threads.emplace_back([&, index] {
          const number mine = round * threads_at_once + index;
          MT_CHECK(found, map.insert({mine, std::to_string(mine)}));
          MT_CHECK(found, map.find(mine) == std::to_string(mine));
          map.upsert(
              ~index, [](std::string& s) { s += 'x'; }, "x");
          if (index == 0) next = map.snapshot();
          if (mine >= window) MT_CHECK(found, map.erase(mine - window) == 1);
          if (round > 0) MT_CHECK(found, kept.contains(mine - threads_at_once) || index != 0);
        });
      }
      for (auto& thread : threads) thread.join();
      kept = std::move(next);
      if (account.live_bytes() > most_bytes) most_bytes = account.live_bytes();
    }
    found.require();
    REQUIRE(map.size() == window + threads_at_once);
    for (number index = 0; index < threads_at_once; ++index) {
      REQUIRE(map.find(~index)->size() == rounds);
    }
    kept = {};
    map.shrink_to_fit();
    require_sound(map);
    REQUIRE(concur::detail::hamt_access::engine(map).is_clean());
    // Some hundred elements, those of a snapshot, and what the threads of one moment have retired
    // or kept for reuse.
    REQUIRE(most_bytes < 1'000'000);
    map.clear();
    map.shrink_to_fit();
    REQUIRE(account.live_bytes() < 20'000);
  }
  REQUIRE(account.balanced());
}
