// SPDX-License-Identifier: MIT
/// \file
/// fork beside working threads. In the child only the thread that forked goes on; what the others
/// announced at that moment stays announced for ever. Maps whose locks nobody held (the others only
/// read) are read and written there, grow and shrink; so are new ones.

#include "support/catch.hpp"

#if defined(__SANITIZE_THREAD__)
#define CONCUR_TEST_NO_FORK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONCUR_TEST_NO_FORK 1
#endif
#endif

#if defined(__unix__) && !defined(CONCUR_TEST_NO_FORK)  // ThreadSanitizer forbids such children

#include "support/children.hpp"
#include "support/cmap_access.hpp"
#include "support/counting_allocator.hpp"
#include "support/hamt_access.hpp"
#include "support/seqmap_access.hpp"

#include <atomic>
#include <concur/seq_array.hpp>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using allocator = counting_allocator<std::pair<const number, number>>;
using map_type = tiny_map<number, number, concur::identity_hash, std::equal_to<>, allocator>;
using array_type = concur::seq_array<number>;
using cmap_type = tiny_cmap<number, number, concur::hash<number>, std::equal_to<>, allocator>;
using hamt_type = tiny_hamt<number, number, concur::hash<number>, std::equal_to<>, allocator>;

constexpr number present = 500;

/// Grows to many times its size and back, twice: every table is replaced.
template <class Map>
bool churn(Map& map, number first) {
  for (int round = 0; round < 2; ++round) {
    for (number i = first; i < first + 2'000; ++i) {
      if (!map.insert({scattered(i), i})) return false;
    }
    for (number i = first; i < first + 2'000; ++i) {
      if (map.find(scattered(i)) != i || map.erase(scattered(i)) != 1) return false;
    }
    map.shrink_to_fit();
  }
  return true;
}

/// What the child does; the number of the first thing that went wrong is its exit code.
int live_on(map_type& map, array_type& array, const allocation_account& account) {
  for (number i = 0; i < present; ++i) {
    if (map.find(scattered(i)) != i) return 1;
    if (array.load(i) != i) return 2;
  }
  const std::size_t before = account.live_bytes();
  if (!churn(map, present)) return 3;
  // The dead readers keep one table each, at most.
  if (account.live_bytes() > 4 * before + 100'000) return 4;
  for (number i = 0; i < present; ++i) {
    if (map.erase(scattered(i)) != 1) return 5;
  }
  if (map.size() != 0) return 6;

  array.resize(5 * present, 7);
  if (array.load(5 * present - 1) != 7 || array.load(1) != 1) return 7;
  array.clear();
  array.shrink_to_fit();

  allocation_account own_account;
  {
    map_type own{allocator(own_account)};
    if (!churn(own, 0)) return 8;
    std::thread([&own] { churn(own, 5'000); }).join();
    if (own.size() != 0) return 9;
  }
  return own_account.balanced() ? 0 : 10;
}

/// What a child does with a cmap or a hamt beside whose readers it was forked; they stay pinned,
/// and what they announced stays announced, for ever.
template <class Map>
int live_on(Map& map, const allocation_account& account) {
  for (number i = 0; i < present; ++i) {
    if (map.find(scattered(i)) != i) return 1;
  }
  if (!churn(map, present)) return 2;
  const std::size_t before = account.live_bytes();
  for (int round = 0; round < 5; ++round) {
    if (!churn(map, present)) return 3;
  }
  // The dead readers keep a bounded amount, whatever follows.
  if (account.live_bytes() > before + 1'000'000) return 4;
  for (number i = 0; i < present; ++i) {
    if (map.erase(scattered(i)) != 1) return 5;
  }
  if (map.size() != 0) return 6;
  allocation_account own_account;
  {
    Map own{allocator(own_account)};
    if (!churn(own, 0)) return 8;
    std::thread([&own] { churn(own, 5'000); }).join();
    if (own.size() != 0) return 9;
  }
  return own_account.balanced() ? 0 : 10;
}

/// What a child does with a snapshot that it inherits: it is as it was, whatever becomes of the
/// map.
int read_on(hamt_type& map, const hamt_type::snapshot_type& snapshot) {
  for (number i = 0; i < present; ++i) map.insert_or_assign(scattered(i), i + 1);
  map.clear();
  if (snapshot.size() != present) return 11;
  for (number i = 0; i < present; ++i) {
    const number* const found = snapshot.find(scattered(i));
    if (found == nullptr || *found != i) return 12;
  }
  hamt_type fork(snapshot);
  if (!churn(fork, present) || fork.size() != present || !map.empty()) return 13;
  return 0;
}

/// Forks `children` times, one after the other, beside `threads` threads that do nothing but ask
/// `is_there(i)` of every key; `child()` is what each child does, and its exit code.
template <class IsThere, class Child>
void require_children(int children, int threads, IsThere is_there, Child child) {
  std::atomic<bool> is_over{false};
  std::atomic<std::size_t> misses{0};
  std::atomic<int> at_work{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < threads; ++t) {
    readers.emplace_back([&] {
      for (int round = 0; !is_over.load(std::memory_order_relaxed); ++round) {
        if (round == 1) at_work.fetch_add(1);
        for (number i = 0; i < present; ++i) misses += is_there(i) ? 0U : 1U;
      }
    });
  }
  // From here on they only read. A thread that starts allocates, and not every allocator (that of
  // AddressSanitizer for one) survives a fork beside that.
  while (at_work.load() < threads) std::this_thread::yield();
  std::vector<int> answers;
  for (int round = 0; round < children; ++round) answers.push_back(in_a_child(child));
  is_over = true;
  for (auto& reader : readers) reader.join();
  REQUIRE(answers == std::vector<int>(static_cast<std::size_t>(children), 0));
  REQUIRE(misses == 0);
}

}  // namespace

TEST_CASE("a child of fork reads and writes the maps that it inherits, and makes its own",
          "[fault][fork]") {
  allocation_account account;
  map_type map{allocator(account)};
  array_type array;
  for (number i = 0; i < present; ++i) {
    map.insert({scattered(i), i});
    array.push_back(i);
  }
  require_children(
      8, 3, [&](number i) { return map.find(scattered(i)) == i && array.load(i) == i; },
      [&] { return live_on(map, array, account); });
  REQUIRE(map.size() == present);
  REQUIRE(array.size() == present);
}

TEMPLATE_TEST_CASE("a child of fork reads and writes the trie that it inherits, and makes its own",
                   "[fault][fork][cmap][hamt]", cmap_type, hamt_type) {
  allocation_account account;
  TestType map{allocator(account)};
  for (number i = 0; i < present; ++i) map.insert({scattered(i), i});
  require_children(
      8, 3, [&](number i) { return map.find(scattered(i)) == i; },
      [&] { return live_on(map, account); });
  REQUIRE(map.size() == present);
  require_sound(map);
}

TEST_CASE("a child of fork goes on with the snapshots of a hamt that it inherits",
          "[fault][fork][hamt]") {
  allocation_account account;
  hamt_type map{allocator(account)};
  for (number i = 0; i < present; ++i) map.insert({scattered(i), i});
  const auto snapshot = map.snapshot();
  require_children(
      4, 2,
      [&](number i) { return map.find(scattered(i)) == i && *snapshot.find(scattered(i)) == i; },
      [&] { return read_on(map, snapshot); });
  REQUIRE(map.size() == present);
  require_sound(map);
}

#endif
