// SPDX-License-Identifier: MIT
/// \file
/// What is known to be wrong with the crate cmap 0.3.0, each as a test that a port of it would
/// fail. (Two defects cannot exist here: bounds of Send and Sync are none of C++'s, and the wrong
/// mix of operations was one of its benchmark.)
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/sanitizers.hpp"
#include "support/tally.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using plain_map = concur::cmap<number, number>;

std::string text(number n) {
  return "a value that a string keeps in memory of its own, " + std::to_string(n);
}

/// Counts how many of it are alive.
struct counted {
  explicit counted(number n) noexcept : value(n) { ++alive; }
  counted(const counted& other) noexcept : value(other.value) { ++alive; }
  counted& operator=(const counted&) = default;
  ~counted() { alive.fetch_sub(1, std::memory_order_relaxed); }
  number value;
  static inline std::atomic<long> alive{0};
};

/// An allocator at whose n-th allocation from now a thread can be made to stop.
struct door_before_memory {
  gate door;
  std::atomic<int> countdown{0};
  void pass() {
    if (countdown.load() != 0 && countdown.fetch_sub(1) == 1) {
      door.arm();
      door.pass();
    }
  }
};
template <class T>
struct stopping_allocator {
  using value_type = T;
  door_before_memory* door;
  explicit stopping_allocator(door_before_memory& d) noexcept : door(&d) {}
  template <class U>
  stopping_allocator(const stopping_allocator<U>& other) noexcept : door(other.door) {}  // NOLINT
  T* allocate(std::size_t n) {
    door->pass();
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* block, std::size_t n) noexcept { std::allocator<T>().deallocate(block, n); }
  template <class U>
  bool operator==(const stopping_allocator<U>& other) const noexcept {
    return door == other.door;
  }
};

/// The halves differ, and folded into 32 bits all are one.
struct folding_hash {
  using is_avalanching = std::true_type;
  std::uint64_t operator()(number key) const noexcept {
    const number half = scattered(key) >> 32;
    return half << 32 | half;
  }
};

}  // namespace

TEST_CASE("seed cmap 1: every byte and every field is hashed (there: all strings have one hash)") {
  const concur::hash<std::string> of_string;
  const concur::hash<std::pair<number, number>> of_pair;
  const concur::hash<std::tuple<std::string, int>> of_tuple;
  std::set<std::uint64_t> hashes;
  for (number i = 0; i < 4'000; ++i) {
    hashes.insert(of_string(std::to_string(i)));
    hashes.insert(of_pair({i, 7}));
    hashes.insert(of_tuple({std::to_string(i), 7}));
  }
  REQUIRE(hashes.size() == 12'000);
  concur::cmap<std::string, number> map;
  for (number i = 0; i < 4'000; ++i) map.insert({std::to_string(i), i});
  REQUIRE(map.size() == 4'000);
  REQUIRE(map.validate().lists == 0);
}

TEST_CASE(
    "seed cmap 2: threads share one map object (there: a shared handle is a use after free)") {
  // Its teeth are AddressSanitizer's; without it, it looks for values that were never stored.
  concur::cmap<number, std::string> map;
  failures found;
  for (number i = 0; i < 64; ++i) map.insert({i, text(i)});
  std::atomic<bool> is_over{false};
  on_threads(3, found, [&](int index) {
    if (index == 0) {
      for (number i = 0; i < 40'000; ++i) map.insert_or_assign(i % 64, text(i % 64));
      is_over = true;
      return;
    }
    while (!is_over) {
      for (number i = 0; i < 64; ++i) MT_CHECK(found, map.find(i) == text(i));
    }
  });
  found.require();
}

TEST_CASE("seed cmap 3: the size is read beside writers (there: it walks recycled nodes)") {
  concur::cmap<number, std::string> map;
  failures found;
  std::atomic<bool> is_over{false};
  on_threads(3, found, [&](int index) {
    if (index == 0) {
      for (int i = 0; i < 20'000; ++i) {
        MT_CHECK(found, map.size() <= 400);
        static_cast<void>(map.empty());
        if (i % 64 == 0) static_cast<void>(map.stats());
      }
      is_over = true;
      return;
    }
    const number mine = static_cast<number>(index) << 32;
    while (!is_over) {
      for (number i = 0; i < 200; ++i) map.insert({mine + i, text(i)});
      for (number i = 0; i < 200; ++i) map.erase(mine + i);
    }
  });
  found.require();
  REQUIRE(map.size() == 0);
}

TEST_CASE("seed cmap 4: a map that is gone holds nothing (there: unused handles hold all of it)") {
  tally book;
  {
    using map_type = concur::cmap<number, counted, concur::hash<number>, std::equal_to<>,
                                  tallying_allocator<std::pair<const number, counted>>>;
    map_type map{typename map_type::allocator_type(book)};
    for (number i = 0; i < 1'000; ++i) map.try_emplace(i, i);
    for (number i = 0; i < 500; ++i) map.insert_or_assign(i, counted(i));
    REQUIRE(counted::alive >= 1'000);
  }
  REQUIRE(counted::alive == 0);
  REQUIRE(book.bytes == 0);
}

TEST_CASE("seed cmap 5: a thread that stops while it erases stops nobody (there: writers spin)") {
  // It stops before its first allocation, its second, and so on: between unlinking and contracting,
  // too. All keys are small numbers that are their own hashes, so that they share their branches.
  for (int nth = 1; nth <= 4; ++nth) {
    door_before_memory before_memory;
    tiny_cmap<number, number, concur::identity_hash, std::equal_to<>,
              stopping_allocator<std::pair<const number, number>>>
        map{stopping_allocator<std::pair<const number, number>>(before_memory)};
    constexpr number n = 256;
    for (number i = 0; i < n; ++i) map.insert({i, i});
    std::atomic<bool> has_ended{false};
    std::atomic<bool> may_start{false};
    std::thread eraser([&] {
      may_start.wait(false);
      before_memory.countdown = nth;
      for (number i = 0; i < n / 2; ++i) map.erase(i);
      before_memory.countdown = 0;
      has_ended = true;
    });
    may_start = true;
    may_start.notify_all();
    // It may get through: then there is no n-th allocation.
    while (!has_ended && !before_memory.door.has_visitor()) std::this_thread::yield();
    std::size_t wrong = 0;
    for (number i = n / 2; i < n; ++i) wrong += map.insert_or_assign(i, i + 1) ? 1U : 0U;
    for (number i = n; i < 2 * n; ++i) wrong += map.insert({i, i}) ? 0U : 1U;
    for (number i = n / 2; i < n; ++i) wrong += map.find(i) == i + 1 ? 0U : 1U;
    for (number i = n; i < 2 * n; ++i) wrong += map.erase(i) == 1 ? 0U : 1U;
    for (number i = 0; i < n / 2; ++i) static_cast<void>(map.contains(i));
    before_memory.door.open();
    eraser.join();
    REQUIRE(wrong == 0);
    REQUIRE(map.size() == n / 2);
    require_sound(map);
  }
}

TEST_CASE("seed cmap 6: a stalled reader keeps a bounded amount (there: everything, for ever)") {
  {
    concur::cmap<number, counted> map;
    for (number i = 0; i < 100; ++i) map.try_emplace(i, i);
    std::atomic<bool> is_asleep{false};
    std::atomic<bool> is_over{false};
    std::thread reader([&] {
      map.cvisit(1, [&](const auto&) {
        is_asleep = true;
        is_asleep.notify_all();
        is_over.wait(false);
      });
    });
    is_asleep.wait(false);
    long most = 0;
    for (number i = 0; i < 100'000; ++i) {
      map.insert_or_assign(i % 100, counted(i));
      most = std::max(most, counted::alive.load());
    }
    is_over = true;
    is_over.notify_all();
    reader.join();
    REQUIRE(most <= 5'000);
    // What a thread left that writes no more is freed by the others.
    std::thread([&] {
      for (number i = 0; i < 1'000; ++i) map.insert_or_assign(i % 100, counted(i));
    }).join();
    map.quiesce();
    REQUIRE(counted::alive == 100);
  }
  REQUIRE(counted::alive == 0);
}

TEST_CASE("seed cmap 7: the reclaim period is every thread's (there: only of the first handle)") {
  concur::cmap<number, std::string> map;
  map.set_reclaim_period(4);
  std::thread([&] {
    std::size_t most = 0;
    for (number i = 0; i < 5'000; ++i) {
      map.insert_or_assign(i % 10, text(i));
      most = std::max<std::size_t>(most, map.stats().retired);
    }
    map.insert_or_assign(1'000, std::to_string(most));
  }).join();
  REQUIRE(std::stoul(map.find(1'000).value()) <= 32);
}

TEST_CASE("seed cmap 8: the map validates after 100,000 insertions and removals (there: a panic)") {
  plain_map map;
  for (number i = 0; i < 100'000; ++i) map.insert({i, i});
  require_sound(map);
  for (number i = 0; i < 100'000; ++i) map.erase(i);
  require_sound(map);
  const auto report = map.validate();
  REQUIRE(report.leaves == 0);
  REQUIRE(report.lists == 0);
}

TEST_CASE("seed cmap 9: all 64 bits tell keys apart, and nobody knows them (there: 32, no seed)") {
  concur::cmap<number, number, folding_hash> map;
  for (number i = 0; i < 5'000; ++i) map.insert({i, i});
  REQUIRE(map.size() == 5'000);
  REQUIRE(map.validate().lists == 0);
  const plain_map one;
  const plain_map two;
  std::size_t same = 0;
  for (number i = 0; i < 1'000; ++i) same += one.hash_function()(i) == two.hash_function()(i);
  REQUIRE(same <= 2);
}

TEST_CASE("seed cmap 10: writers do not share a counter (there: each write counts the epoch up)") {
  plain_map map;
  for (number i = 0; i < 1'000; ++i) map.insert({i, i});
  const auto before = map.stats().era;
  constexpr number writes = 100'000;
  for (number i = 0; i < writes; ++i) map.insert_or_assign(i % 1'000, i);
  REQUIRE(map.stats().era - before <= writes / 16);
}

TEST_CASE("seed cmap: any number of threads, one after the other (there: handles run out)") {
  plain_map map;
  for (number i = 0; i < 500; ++i) {
    std::thread([&, i] { map.insert({i, i}); }).join();
  }
  REQUIRE(map.size() == 500);
}

TEST_CASE("seed cmap: a thread ends although a reader sleeps (there: it waits for all readers)") {
  concur::cmap<number, std::string> map{{1, text(1)}};
  std::atomic<bool> is_asleep{false};
  std::atomic<bool> is_over{false};
  std::thread reader([&] {
    map.cvisit(1, [&](const auto&) {
      is_asleep = true;
      is_asleep.notify_all();
      is_over.wait(false);
    });
  });
  is_asleep.wait(false);
  std::thread([&] {
    for (number i = 0; i < 1'000; ++i) map.insert_or_assign(1, text(i));
  }).join();  // would hang
  REQUIRE(map.find(1) == text(999));
  is_over = true;
  is_over.notify_all();
  reader.join();
}

TEST_CASE("seed cmap: a branch with one child is contracted (there: it stays)") {
  // Two keys that differ in their lowest bits only, and one of them goes.
  concur::cmap<number, number, concur::identity_hash> map;
  for (number i = 0; i < 64; ++i) map.insert({i, i});
  for (number i = 1; i < 64; ++i) map.erase(i);
  require_sound(map);
  REQUIRE(map.find(0) == 0);
  REQUIRE(map.validate().branches == 0);
}

TEST_CASE(
    "seed cmap: identity is a hash of integers of every size (there: of 4 bytes or a panic)") {
  concur::cmap<unsigned char, int, concur::identity_hash> bytes;
  concur::cmap<unsigned short, int, concur::identity_hash> shorts;
  concur::cmap<long long, int, concur::identity_hash> longs;
  for (int i = 0; i < 200; ++i) {
    bytes.insert({static_cast<unsigned char>(i), i});
    shorts.insert({static_cast<unsigned short>(i * 100), i});
    longs.insert({i * 1'000'000'000'000, i});
  }
  REQUIRE(bytes.size() == 200);
  REQUIRE(shorts.find(1'000) == 10);
  REQUIRE(longs.find(5'000'000'000'000) == 5);
}

TEST_CASE("seed cmap: what the crate has is here under the vocabulary's names") {
  concur::cmap<std::string, number> map;
  REQUIRE(map.exchange("a", 1U) == std::nullopt);  // set
  REQUIRE(map.exchange("a", 2U) == 1U);
  REQUIRE(map.find("a") == 2U);                                                 // get
  REQUIRE(map.visit("a", [](const auto& e) { REQUIRE(e.second == 2); }) == 1);  // get_with
  REQUIRE(map.take("a") == 2U);                                                 // remove
  REQUIRE(map.take("a") == std::nullopt);
  REQUIRE(map.empty());                                               // is_empty
  REQUIRE(map.size() == 0);                                           // len
  map.set_reclaim_period(16);                                         // set_gc_period
  REQUIRE(map.stats().era > 0);                                       // epoch
  REQUIRE(map.stats().oldest_pinned <= map.stats().era);              // gc_epoch
  require_sound(map);                                                 // validate
  concur::cmap<unsigned, number, concur::identity_hash> by_identity;  // U32Hasher
  REQUIRE(by_identity.insert({7U, 7U}));
}
