// SPDX-License-Identifier: MIT
// One test for each known defect of the hamt crate, whose places are named in its description.
#include <atomic>
#include <concur/hamt.hpp>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/threads.hpp"

using concur_test::allocation_account;
using concur_test::counting_allocator;

namespace {

/// Neighbours share all but the lowest bits of their hashes: deep branches, and much contraction.
struct clustered_hash {
  using is_avalanching = void;
  std::uint64_t operator()(std::uint64_t key) const { return key << 40; }
};

template <class T, class Hash>
using counted_map = concur::hamt<std::uint64_t, T, Hash, std::equal_to<>,
                                 counting_allocator<std::pair<const std::uint64_t, T>>>;

}  // namespace

TEST_CASE("what is dropped is freed: nodes, removed elements, and the whole map", "[seeds][hamt]") {
  allocation_account account;
  {
    using map_type = counted_map<std::string, concur::hash<std::uint64_t>>;
    map_type map{map_type::allocator_type(account)};
    for (std::uint64_t i = 0; i < 2000; ++i) map.insert({i, std::string(100, 'x')});
    for (std::uint64_t i = 0; i < 2000; i += 2) map.erase(i);
    map.shrink_to_fit();
    const std::size_t of_half = account.live_allocations();
    for (int round = 0; round < 20; ++round) {
      for (std::uint64_t i = 0; i < 2000; i += 2) map.insert({i, std::string(100, 'y')});
      for (std::uint64_t i = 0; i < 2000; i += 2) map.erase(i);
    }
    map.shrink_to_fit();
    REQUIRE(account.live_allocations() <= of_half + 10);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("a reclaimer misses no reader", "[seeds][hamt]") {
  concur::hamt<std::uint64_t, std::string, clustered_hash> map;
  std::atomic<bool> done{false};
  concur_test::failures failures;
  concur_test::on_threads(4, failures, [&](int me) {
    if (me < 2) {
      for (std::uint64_t i = 0; i < 6000; ++i) {
        map.insert_or_assign(i % 8, std::string(40, static_cast<char>('a' + i % 26)));
        if (i % 5 == 0) map.erase((i + 3) % 8);
      }
      done = true;
    } else {
      do {
        for (std::uint64_t k = 0; k < 8; ++k) {
          map.cvisit(k, [&](const auto& element) {
            MT_CHECK(failures, element.second == std::string(40, element.second[0]));
          });
        }
      } while (!done);
    }
  });
  failures.require();
}

TEST_CASE("a key that is inserted beside contraction is not lost", "[seeds][hamt]") {
  concur::hamt<std::uint64_t, std::uint64_t, clustered_hash> map;
  concur_test::failures failures;
  concur_test::on_threads(4, failures, [&](int me) {
    // Each thread has its keys; all share one place, which grows and contracts all the time.
    const auto mine = static_cast<std::uint64_t>(me);
    for (std::uint64_t i = 0; i < 3000; ++i) {
      const std::uint64_t key = i % 4 * 4 + mine;
      MT_CHECK(failures, map.insert({key, i}));
      MT_CHECK(failures, map.find(key) == i);
      MT_CHECK(failures, map.erase(key) == 1);
      MT_CHECK(failures, !map.contains(key));
    }
  });
  failures.require();
  REQUIRE(map.empty());
  REQUIRE(map.stats().branches == 0);
}

TEST_CASE("an ancestor is not freed under a walk", "[seeds][hamt]") {
  concur::hamt<std::uint64_t, std::string> map;
  std::atomic<bool> done{false};
  concur_test::failures failures;
  concur_test::on_threads(3, failures, [&](int me) {
    if (me == 0) {
      for (int round = 0; round < 150; ++round) {
        for (std::uint64_t i = 0; i < 200; ++i)
          map.insert({i, "some text beyond the small buffer"});
        const auto s = map.snapshot();  // from here on every branch is replaced
        for (std::uint64_t i = 0; i < 200; i += 3) map.erase(i);
        if (round % 2 == 0) map.clear();
      }
      done = true;
    } else {
      do {
        for (std::uint64_t i = 0; i < 200; ++i) {
          const auto found = map.find(i);
          MT_CHECK(failures, !found || found->size() == 33);
        }
      } while (!done);
    }
  });
  failures.require();
}

TEST_CASE("an insertion of a present key builds and leaks nothing, and says so", "[seeds][hamt]") {
  allocation_account account;
  using map_type = counted_map<std::string, concur::hash<std::uint64_t>>;
  map_type map{map_type::allocator_type(account)};
  REQUIRE(map.insert({1, "first"}));
  const std::size_t before = account.total_allocations();
  for (int i = 0; i < 100; ++i) REQUIRE_FALSE(map.try_emplace(1, 1000, 'x'));
  REQUIRE(account.total_allocations() == before);
  REQUIRE(*map.find(1) == "first");
  REQUIRE(map.insert_or_assign(1, "second") == false);
  REQUIRE(*map.find(1) == "second");
}

TEST_CASE("two maps order their keys differently: the seed is their own", "[seeds][hamt]") {
  concur::hamt<std::uint64_t, int> a;
  concur::hamt<std::uint64_t, int> b;
  for (std::uint64_t i = 0; i < 64; ++i) {
    a.insert({i, 0});
    b.insert({i, 0});
  }
  std::vector<std::uint64_t> in_a;
  std::vector<std::uint64_t> in_b;
  a.cvisit_all([&](const auto& element) { in_a.push_back(element.first); });
  b.cvisit_all([&](const auto& element) { in_b.push_back(element.first); });
  REQUIRE(in_a.size() == 64);
  REQUIRE(in_b.size() == 64);
  REQUIRE(in_a != in_b);
}

TEST_CASE("a deep tree is destroyed in a loop, and removals contract it at once", "[seeds][hamt]") {
  concur::hamt<std::uint64_t, std::string, clustered_hash> map;
  for (std::uint64_t i = 0; i < 5000; ++i) map.insert({i, "x"});
  REQUIRE(map.stats().max_depth >= 4);
  for (std::uint64_t i = 1; i < 5000; ++i) map.erase(i);
  REQUIRE(map.stats().branches == 0);  // what is left is at the top
  REQUIRE(map.find(0) == "x");
}

TEST_CASE("many threads on one key make progress without sleeping for it", "[seeds][hamt]") {
  concur::hamt<std::uint64_t, std::uint64_t> map{{7, 0}};
  concur_test::failures failures;
  concur_test::on_threads(8, failures, [&](int) {
    for (int i = 0; i < 1000; ++i) map.update(7, [](std::uint64_t& n) { ++n; });
  });
  failures.require();
  REQUIRE(map.find(7) == 8000);
}

TEST_CASE("what a thread had replaced when it ended is freed by others", "[seeds][hamt]") {
  allocation_account account;
  using map_type = counted_map<std::string, concur::hash<std::uint64_t>>;
  map_type map{map_type::allocator_type(account)};
  for (std::uint64_t i = 0; i < 100; ++i) map.insert({i, std::string(100, 'x')});
  map.shrink_to_fit();
  const std::size_t before = account.live_bytes();
  for (int round = 0; round < 40; ++round) {
    std::thread([&] {
      for (std::uint64_t i = 0; i < 50; ++i) map.insert_or_assign(i, std::string(100, 'y'));
    }).join();
  }
  map.shrink_to_fit();
  REQUIRE(account.live_bytes() == before);
}

TEST_CASE("garbage does not grow with the updates", "[seeds][hamt]") {
  allocation_account account;
  using map_type = counted_map<std::uint64_t, concur::hash<std::uint64_t>>;
  map_type map{map_type::allocator_type(account)};
  for (std::uint64_t i = 0; i < 50'000; ++i) map.insert_or_assign(i % 10, i);
  REQUIRE(account.peak_bytes() < 40'000);
}
