// SPDX-License-Identifier: MIT
/// \file
/// Not a workload: does the adapter do what the workloads think it does? Run by --check.
#pragma once

#include "k_locks.hpp"

#include <chrono>
#include <thread>

namespace concur_bench {

/// Two threads do `locked(turns, work)`, which is to run `work()` that often: how many turns were
/// lost because the other thread was inside, or because `work` did not run.
template <class Locked>
std::uint64_t not_excluded(const Locked& locked) {
  constexpr std::uint64_t turns = 10'000;
  // relaxed: what orders the turns is the lock that is looked at.
  std::atomic<std::uint64_t> count{0};
  on_team(2, [&](unsigned) {
    locked(turns, [&] {
      const std::uint64_t before = count.load(std::memory_order_relaxed);
      // Long enough now and then that the other one gets in if he can, on one processor, too.
      if (before % 1024 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      count.store(before + 1, std::memory_order_relaxed);
    });
  });
  return 2 * turns - count.load(std::memory_order_relaxed);
}

/// The counter "wrong" is the number of calls whose result was not the expected one.
template <class Map, class Key>
measurement check(const parameters& p) {
  const auto n = static_cast<std::uint32_t>(p.n);
  Map map(2 * p.n);
  typename Map::handle handle(map);
  std::uint64_t wrong = 0;
  const auto expect = [&](bool good) { wrong += good ? 0U : 1U; };
  const auto there = [&](std::uint32_t i, value expected) {
    value found = ~value{0};
    expect(handle.find(key_of<Key>(i), found) && found == expected);
  };
  const auto absent = [&](std::uint32_t i) {
    value found = 0;
    expect(!handle.find(key_of<Key>(i), found));
  };
  for (std::uint32_t i = 0; i != n; ++i) expect(handle.insert(key_of<Key>(i), i));
  const value other = insert_assigns<Map> ? 0 : 7;
  for (std::uint32_t i = 0; i != n; ++i) expect(!handle.insert(key_of<Key>(i), i + other));
  for (std::uint32_t i = 0; i != n; ++i) there(i, i);
  for (std::uint32_t i = n; i != 2 * n; ++i) absent(i);
  if constexpr (can_sum<Map>) expect(map.sum() == value{n} * (n - 1) / 2);
  if constexpr (can_increment<Map, Key>) {
    for (std::uint32_t i = 0; i != n; ++i) handle.increment(key_of<Key>(i));
    for (std::uint32_t i = 0; i != n; ++i) there(i, value{i} + 1);
    handle.increment(key_of<Key>(n));
    there(n, 1);
  }
  if constexpr (can_lock<Map, Key>) {
    // There and back: what follows counts with the values of before.
    for (std::uint32_t i = 0; i != n; ++i) handle.locked(key_of<Key>(i), [](value& v) { v += 5; });
    for (std::uint32_t i = 0; i != n; ++i) there(i, value{i} + (can_increment<Map, Key> ? 6 : 5));
    for (std::uint32_t i = 0; i != n; ++i) handle.locked(key_of<Key>(i), [](value& v) { v -= 5; });
    wrong += not_excluded([&](std::uint64_t turns, const auto& work) {
      typename Map::handle mine(map);
      for (; turns != 0; --turns) mine.locked(key_of<Key>(0), [&](value&) { work(); });
    });
  }
  if constexpr (can_lock_absent<Map, Key>) {
    expect(!handle.locked_absent(key_of<Key>(0), [] {}));
    there(0, can_increment<Map, Key> ? 1 : 0);
    wrong += not_excluded([&](std::uint64_t turns, const auto& work) {
      typename Map::handle mine(map);
      const std::uint32_t nobody = 2 * n;
      for (; turns != 0; --turns) mine.locked_absent(key_of<Key>(nobody), work);
    });
    for (std::uint32_t i = n + 1; i != 2 * n; ++i) {
      expect(handle.locked_absent(key_of<Key>(i), [] {}));
      absent(i);
    }
  }
  if constexpr (can_erase<Map, Key>) {
    for (std::uint32_t i = 0; i < n; i += 2) expect(handle.erase(key_of<Key>(i)));
    for (std::uint32_t i = 0; i != n; ++i) {
      if (i % 2 == 0)
        absent(i);
      else
        there(i, value{i} + (can_increment<Map, Key> ? 1U : 0U));
    }
  }
  return {static_cast<double>(n), 1, 1, {{"wrong", static_cast<double>(wrong)}}};
}

}  // namespace concur_bench
