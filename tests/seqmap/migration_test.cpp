// SPDX-License-Identifier: MIT
/// \file
/// Tables that are replaced: stopped half-way, beside readers and writers, and what becomes of
/// their memory.
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/seqmap_access.hpp"
#include "support/threads.hpp"
#include "support/tired_hash.hpp"

#include <atomic>
#include <bit>
#include <thread>
#include <vector>

using namespace concur_test;

namespace {

constexpr number nobody = ~number{0};

using gated_map = tiny_map<number, number, gated_hash>;

template <class Map>
unsigned log2_buckets(const Map& map) {
  return static_cast<unsigned>(std::bit_width(map.capacity() / map.stats().cells_per_bucket) - 1);
}

/// Two keys in each of 64 buckets: no element is away from home. One more insertion, anywhere,
/// makes the table grow.
struct full_map {
  gate door;
  std::atomic<number> stop_at{nobody};
  gated_map map{0, gated_hash{&door, &stop_at}};
  std::vector<number> keys;
  unsigned shift = 0;

  full_map() {
    map.max_load_factor(0.68F);
    map.reserve(128);
    REQUIRE(log2_buckets(map) == 6);
    shift = 64 - 6;
    for (number b = 0; b < 64; ++b) {
      for (number i = 0; i < 2; ++i) {
        // In either half of the bucket: one for each bucket of the next table.
        keys.push_back(b << shift | i << (shift - 1) | 1);
        map.insert({keys.back(), keys.back()});
      }
    }
    REQUIRE_FALSE(map.stats().resizing);
  }
  number in_bucket(number b, number i) const { return b << shift | (i + 5); }
  void start_growing() {
    for (number i = 0; !map.stats().resizing; ++i) {
      keys.push_back(in_bucket(63, i));
      map.insert({keys.back(), keys.back()});
    }
    REQUIRE(map.capacity() == 2 * 64 * map.stats().cells_per_bucket);
  }
  bool has_everything() const {
    bool yes = true;
    for (const number k : keys) yes &= map.find(k) == k;
    return yes && !map.contains(3) && !map.contains(nobody - 1);
  }
};

}  // namespace

TEST_CASE(
    "a thread that sleeps in the middle of moving a bucket delays no reader, and no writer of "
    "other buckets") {
  full_map f;
  f.start_growing();
  f.stop_at = f.keys[0];  // the first key of bucket 0, which the first share moves
  f.door.arm();
  const number his = f.in_bucket(40, 0);
  std::thread sleeper([&] { f.map.insert({his, his}); });
  f.door.wait_for_visitor();
  f.stop_at = nobody;

  REQUIRE(f.map.stats().resizing);
  REQUIRE(f.has_everything());
  // Bucket 0 is locked. Everybody else's is not.
  for (number round = 0; round < 50; ++round) {
    for (number b = 1; b < 64; ++b) {
      const number k = f.in_bucket(b, 100 + round);
      REQUIRE(f.map.insert({k, round}));
      REQUIRE(f.map.update(k, [](number& v) { v += 1; }) == 1);
      REQUIRE(f.map.find(k) == round + 1);
    }
    REQUIRE(f.has_everything());
    for (number b = 1; b < 64; ++b) REQUIRE(f.map.take(f.in_bucket(b, 100 + round)) == round + 1);
  }
  // What is missing is the one bucket, so the old table cannot go.
  REQUIRE(f.map.stats().resizing);
  REQUIRE(f.has_everything());
  REQUIRE(f.map.cvisit_all([](const auto&) {}) == f.keys.size());

  f.door.open();
  sleeper.join();
  REQUIRE(f.map.find(his) == his);
  REQUIRE(f.has_everything());
  f.map.shrink_to_fit();
  REQUIRE_FALSE(f.map.stats().resizing);
  REQUIRE(f.has_everything());
}

TEST_CASE("other threads move the buckets of one that sleeps between two of them") {
  full_map f;
  f.start_growing();
  // The second bucket of a share: the first one has moved by then.
  f.stop_at = f.keys[2];
  f.door.arm();
  const number his = f.in_bucket(40, 0);
  std::thread sleeper([&] { f.map.insert({his, his}); });
  f.door.wait_for_visitor();
  f.stop_at = nobody;
  for (number round = 0; round < 200; ++round) {
    const number k = f.in_bucket(2 + round % 62, 100 + round);
    REQUIRE(f.map.insert({k, k}));
    REQUIRE(f.map.erase(k) == 1);
    // Bucket 0 has moved, bucket 1 is in work, the others are moved by this thread.
    REQUIRE(f.map.update(f.keys[0], [](number&) {}) == 1);
    REQUIRE(f.has_everything());
  }
  f.door.open();
  sleeper.join();
  REQUIRE(f.has_everything());
  REQUIRE(f.map.size() == f.keys.size() + 1);
}

TEST_CASE("a share that was begun and left is done by the others") {
  full_map f;
  f.start_growing();
  REQUIRE(f.map.stats().resizing);
  // Writes of one key: eight shares, one each, and rounds for what is left over.
  for (int i = 0; i < 40; ++i) f.map.update(f.keys[0], [](number&) {});
  REQUIRE_FALSE(f.map.stats().resizing);
  REQUIRE(f.has_everything());
}

TEST_CASE("a replacement that meets a locked bucket comes back for it") {
  full_map f;
  // A writer holds bucket 5 in his callback, while the map grows around it.
  gate callback;
  callback.arm();
  std::thread writer([&] {
    f.map.visit(f.keys[10], [&](auto& element) {
      callback.pass();
      element.second = element.first;
    });
  });
  callback.wait_for_visitor();
  f.start_growing();
  for (number round = 0; round < 300; ++round) {
    const number k = f.in_bucket(6 + round % 58, 100 + round);
    REQUIRE(f.map.insert({k, k}));
    f.keys.push_back(k);
    REQUIRE(f.map.find(f.keys[10]) == f.keys[10]);
    REQUIRE(f.map.find(f.keys[11]) == f.keys[11]);
  }
  REQUIRE(f.map.stats().resizing);  // the first growth: nothing can follow it
  REQUIRE(f.has_everything());
  callback.open();
  writer.join();
  for (number round = 0; round < 300; ++round) {
    f.keys.push_back(f.in_bucket(round % 64, 1000 + round));
    f.map.insert({f.keys.back(), f.keys.back()});
  }
  REQUIRE(f.map.capacity() > 2 * 64 * f.map.stats().cells_per_bucket);
  REQUIRE(f.has_everything());
}

TEST_CASE("a hasher that throws while a bucket moves leaves everything where it was") {
  struct faulty {
    const int* mood = nullptr;
    number operator()(number key) const {
      if (mood != nullptr && *mood != 0 && key % 2 == 1) throw std::runtime_error("hash");
      return key;
    }
  };
  int mood = 0;
  const auto check = [&](auto& map) {
    for (number i = 0; i < 200; ++i) map.insert({i, i});
    mood = 1;  // odd keys cannot be hashed: buckets with one of them cannot move
    for (number i = 0; i < 2000; i += 2) map.insert({i, i});
    REQUIRE(map.size() == 1100);
    for (number i = 0; i < 2000; i += 2) REQUIRE(map.find(i) == i);
    mood = 0;
    for (number i = 0; i < 200; ++i) REQUIRE(map.find(i) == i);
    for (number i = 0; i < 2000; ++i) map.erase(i);
    REQUIRE(map.empty());
  };
  tiny_map<number, number, faulty> by_two(0, faulty{&mood});
  check(by_two);
  tiny_map_by_four<number, number, faulty> by_four(0, faulty{&mood});
  check(by_four);
}

TEST_CASE("a crowd in a table that is being filled is found") {
  // Blocks of sixteen: the growth from 16 to 64 buckets makes four, by two shares of eight homes.
  tiny_map_by_four<number, number, concur::identity_hash> map;
  map.reserve(40);
  REQUIRE(log2_buckets(map) == 4);
  std::vector<number> keys;
  const auto add = [&](number key) {
    keys.push_back(key);
    REQUIRE(map.insert({key, key}));
  };
  for (number i = 1; !map.stats().resizing; ++i) add(i % 16 << 60 | i);
  REQUIRE(map.capacity() == 64 * map.stats().cells_per_bucket);
  // The first write moves the first share, with 32 of the new homes; all new elements of one of
  // them, the last, have to go to the others of its block.
  for (number i = 0; i < 12; ++i) add(number{7} << 60 | number{3} << 58 | (1000 + i));
  for (const number k : keys) REQUIRE(map.find(k) == k);
  REQUIRE(map.cvisit_all([](const auto& e) { REQUIRE(e.first == e.second); }) == keys.size());
  for (const number k : keys) REQUIRE(map.erase(k) == 1);
  REQUIRE(map.empty());
}

TEST_CASE("homes of a table four times as large are filled by the displaced, too") {
  // All in two of sixteen homes: most elements are away from home, some without an entry.
  for (const unsigned crowd : {4u, 8u, 20u}) {
    tiny_map_by_four<number, number, concur::identity_hash> map;
    map.max_load_factor(0.95F);
    map.reserve(42);
    const unsigned log2 = log2_buckets(map);
    std::vector<number> keys;
    for (number i = 0; i < crowd; ++i) {
      for (const number home : {number{3}, number{9}}) {
        keys.push_back(home << (64 - log2) | i << (64 - log2 - 5) | i);
        REQUIRE(map.insert({keys.back(), i}));
      }
    }
    for (number i = 1; log2_buckets(map) == log2 || map.stats().resizing; ++i) {
      keys.push_back(i * 0x9e3779b97f4a7c15U);
      REQUIRE(map.insert({keys.back(), i}));
    }
    REQUIRE(log2_buckets(map) == log2 + 2);
    for (const number k : keys) REQUIRE(map.contains(k));
    REQUIRE(map.cvisit_all([](const auto&) {}) == keys.size());
    for (const number k : keys) REQUIRE(map.take(k).has_value());
    REQUIRE(map.empty());
  }
}

TEST_CASE("readers and writers find everything beside growth and shrinking") {
  tiny_map<number, number> map;
  constexpr number resident = 200;
  for (number i = 0; i < resident; ++i) map.insert({i, 3 * i});
  failures found;
  std::atomic<bool> stop{false};
  on_threads(4, found, [&](int index) {
    if (index < 2) {
      const number mine = static_cast<number>(index + 1) << 32;
      for (number round = 0; round < 15; ++round) {
        for (number i = 0; i < 1500; ++i) MT_CHECK(found, map.insert({mine + i, i}));
        for (number i = 0; i < 1500; ++i) MT_CHECK(found, map.find(mine + i) == i);
        for (number i = 0; i < 1500; ++i) MT_CHECK(found, map.take(mine + i) == i);
      }
      stop = true;
    } else if (index == 2) {
      while (!stop) {
        for (number i = 0; i < resident; ++i) MT_CHECK(found, map.find(i).value_or(0) % 3 == 0);
        for (number i = 0; i < resident; ++i) MT_CHECK(found, map.contains(i));
        MT_CHECK(found, !map.contains(~number{0}));
      }
    } else {
      while (!stop) {
        for (number i = 0; i < resident; ++i) {
          MT_CHECK(found, map.update(i, [](number& v) { v += 3; }) == 1);
        }
      }
    }
  });
  found.require();
  for (number i = 0; i < resident; ++i) REQUIRE(map.find(i).value_or(1) % 3 == 0);
}

TEST_CASE("reserve, shrink_to_fit and clear are safe beside readers and writers") {
  tiny_map<number, number> map;
  failures found;
  std::atomic<int> running{2};
  on_threads(4, found, [&](int index) {
    const number mine = static_cast<number>(index) << 32;
    if (index < 2) {
      for (number round = 0; round < 30; ++round) {
        for (number i = 0; i < 300; ++i) MT_CHECK(found, map.insert({mine + i, i}));
        for (number i = 0; i < 300; ++i) MT_CHECK(found, map.find(mine + i) == i);
        for (number i = 0; i < 300; ++i) MT_CHECK(found, map.erase(mine + i) == 1);
      }
      --running;
    } else if (index == 2) {
      for (std::size_t n = 0; running != 0; n = (n + 777) % 5000) map.reserve(n);
    } else {
      while (running != 0) map.shrink_to_fit();
    }
  });
  found.require();
  REQUIRE(map.empty());
}

TEST_CASE("what erasing leaves behind does not depend on how much was there") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  using map_type = concur::seqmap<number, number, concur::hash<number>, std::equal_to<>, allocator>;
  const auto left_after = [](number n, auto erase_all) {
    allocation_account account;
    std::size_t left = 0;
    {
      map_type map{allocator(account)};
      for (number i = 0; i < n; ++i) map.insert({i, i});
      REQUIRE(account.live_bytes() >= n * 16);
      erase_all(map, n);
      REQUIRE(map.empty());
      left = account.live_bytes();
    }
    REQUIRE(account.balanced());
    return left;
  };
  const auto one_by_one = [](map_type& map, number n) {
    for (number i = 0; i < n; ++i) map.erase(i);
  };
  const auto at_once = [](map_type& map, number) {
    map.clear();
    map.shrink_to_fit();
  };
  const auto by_predicate = [](map_type& map, number) {
    map.erase_if([](const auto&) { return true; });
    // Writers do the shares of the last replacement.
    for (number i = 0; i < 5000; ++i) map.erase(i);
  };
  constexpr std::size_t little = 16 * 1024;
  for (const number n : {10'000U, 40'000U, 160'000U}) {
    REQUIRE(left_after(n, one_by_one) <= little);
    REQUIRE(left_after(n, at_once) <= little);
    REQUIRE(left_after(n, by_predicate) <= little);
  }
}

TEST_CASE("a reader that sleeps keeps at most one table from being freed") {
  struct stopping_equal {
    gate* door = nullptr;
    bool operator()(number a, number b) const noexcept {
      if (door != nullptr && a == 7) door->pass();
      return a == b;
    }
  };
  using allocator = counting_allocator<std::pair<const number, number>>;
  using map_type = tiny_map<number, number, concur::hash<number>, stopping_equal, allocator>;
  allocation_account account;
  {
    gate door;
    map_type map(0, {}, stopping_equal{&door}, allocator(account));
    for (number i = 0; i < 100; ++i) map.insert({i, i});
    door.arm();
    std::optional<number> seen;
    std::thread reader([&] { seen = map.find(7); });
    door.wait_for_visitor();
    std::size_t largest = 0;
    for (int round = 0; round < 20; ++round) {
      for (number i = 100; i < 3000; ++i) map.insert({i, i});
      for (number i = 100; i < 3000; ++i) map.erase(i);
      map.shrink_to_fit();
      if (round == 0) largest = account.live_bytes();
      // Twenty rounds of a dozen tables each, and no more than after the first.
      REQUIRE(account.live_bytes() <= largest);
    }
    REQUIRE(map.update(7, [](number& v) { v = 8; }) == 1);
    door.open();
    reader.join();
    REQUIRE((seen == 7 || seen == 8));
    map.shrink_to_fit();
    REQUIRE(account.live_bytes() <= largest);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("all memory is back when a map dies in the middle of a replacement") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  using map_type = tiny_map<number, number, concur::identity_hash, std::equal_to<>, allocator>;
  for (number n = 0; n < 300; n += 7) {
    allocation_account account;
    {
      map_type map{allocator(account)};
      for (number i = 0; i < n; ++i) map.insert({scattered(i), i});
      // One bucket that overflows its block: annex pages.
      for (number i = 0; i < n; ++i) map.insert({i, i});
    }
    REQUIRE(account.balanced());
  }
}

TEST_CASE("a map that was erased grows again, and the other way round") {
  tiny_map<number, number> map;
  std::size_t large = 0;
  for (int round = 0; round < 5; ++round) {
    for (number i = 0; i < 5000; ++i) map.insert({i, i});
    if (round == 0) large = map.capacity();
    REQUIRE(map.capacity() <= 2 * large);
    REQUIRE(map.capacity() >= 5000);
    for (number i = 0; i < 5000; ++i) map.erase(i);
    REQUIRE(map.capacity() <= 64);
  }
}

TEST_CASE("erasing does not shrink a table below what was reserved, and shrink_to_fit does") {
  tiny_map<number, number> map;
  map.reserve(5000);
  const std::size_t reserved = map.capacity();
  REQUIRE(reserved >= 5000);
  for (number i = 0; i < 5000; ++i) map.insert({i, i});
  REQUIRE(map.capacity() == reserved);
  for (number i = 0; i < 5000; ++i) map.erase(i);
  REQUIRE(map.capacity() == reserved);
  map.shrink_to_fit();
  REQUIRE(map.capacity() <= 16);
}

TEST_CASE("a reservation that fails changes nothing") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  allocation_account account;
  tiny_map<number, number, concur::hash<number>, std::equal_to<>, allocator> map{
      allocator(account)};
  for (number i = 0; i < 100; ++i) map.insert({i, i});
  account.fail_at(1);
  REQUIRE_THROWS_AS(map.reserve(100'000), std::bad_alloc);
  REQUIRE_THROWS_AS(map.reserve(~std::size_t{0}), std::length_error);
  REQUIRE_THROWS_AS(map.reserve(~std::size_t{0} / 2 + 1), std::length_error);
  REQUIRE_THROWS_AS(map.reserve(std::size_t{1} << 58), std::length_error);
  REQUIRE(map.size() == 100);
  for (number i = 0; i < 100; ++i) REQUIRE(map.find(i) == i);
  // It shrinks as if nobody had asked for more.
  for (number i = 100; i < 3000; ++i) map.insert({i, i});
  for (number i = 0; i < 3000; ++i) map.erase(i);
  REQUIRE(map.capacity() <= 64);
}

TEST_CASE("shrink_to_fit beside a thread that inserts comes to an end") {
  for (int round = 0; round < 5; ++round) {
    tiny_map<number, number> map;
    failures found;
    std::atomic<bool> stop{false};
    on_threads(2, found, [&](int index) {
      if (index == 0) {
        for (number i = 0; i < 20'000; ++i) map.insert({i, i});
        stop = true;
      } else {
        while (!stop) map.shrink_to_fit();
      }
    });
    found.require();
    REQUIRE(map.size() == 20'000);
    std::size_t total = 0;
    for (number i = 0; i < 20'000; ++i) total += probes(map, i);
    REQUIRE(total <= 3 * 20'000);
  }
}

TEST_CASE("a home whose crowd has left unnoticed moves, and asks for no memory of no elements") {
  allocation_account account;
  using allocator = counting_allocator<std::pair<const number, number>>;
  int calls_left = -1;
  {
    concur::seqmap<number, number, tired_hash, std::equal_to<>, allocator> map(
        20'000, tired_hash{&calls_left}, std::equal_to<>(), allocator(account));
    for (number i = 0; i < 1000; ++i) map.insert({i, i});
    for (number i = 0; i < 1000; ++i) {
      calls_left = 1;  // so that nobody sees that it was the last one
      map.erase(i);
    }
    calls_left = -1;
    REQUIRE(map.empty());
    map.shrink_to_fit();
    REQUIRE(map.capacity() < 100);
    REQUIRE(probes(map, 1) == 1);
  }
  REQUIRE(account.empty_requests() == 0);
  REQUIRE(account.balanced());
}
