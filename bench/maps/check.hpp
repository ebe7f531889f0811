// SPDX-License-Identifier: MIT
/// \file
/// Not a workload: does the adapter do what the workloads think it does? Run by --check.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

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
