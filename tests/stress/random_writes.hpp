// SPDX-License-Identifier: MIT
/// \file
/// What the stress tests of several maps share: seeds, random writes of values that say whose they
/// are, and writers beside one who asks for the size.
#pragma once

#include "support/catch.hpp"
#include "support/scattered.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <cstddef>
#include <random>

namespace concur_test {

/// Printed by Catch2 when a test fails.
class seed {
 public:
  seed() : value_(std::random_device()()) {}
  unsigned value() const noexcept { return value_; }
  std::mt19937 engine(int thread) const {
    return std::mt19937(value_ + static_cast<unsigned>(thread));
  }

 private:
  unsigned value_;
};

inline constexpr number keys_of_values = 120;

/// One write, of any kind, to any of `keys_of_values` keys.
template <class V, class Map, class Random>
void write_a_value(Map& map, Random& random, failures& found) {
  const number k = random() % keys_of_values;
  const V v = V::of(k, static_cast<unsigned>(random()));
  switch (random() % 9) {
    case 0:
      map.insert({k, v});
      break;
    case 1:
    case 2:
      map.erase(k);
      break;
    case 3:
      map.erase_if(k, [&](const auto& e) { return e.second.is_of(k) && random() % 2 == 0; });
      break;
    case 4:
      if (const auto taken = map.take(k)) MT_CHECK(found, taken->is_of(k));
      break;
    case 5:
      if (const auto old = map.exchange(k, v)) MT_CHECK(found, old->is_of(k));
      break;
    case 6:
      map.update(k, [&](V& old) {
        MT_CHECK(found, old.is_of(k));
        old = v;
      });
      break;
    default:
      map.insert_or_assign(k, v);
  }
}

inline constexpr number residents = 100;

/// The size of a map is true within what its writers are at work on: elements of `residents` keys
/// stay, and three threads insert and erase 500 keys of their own, so many times.
template <class Map>
void require_true_size(Map& map, number rounds) {
  for (number i = 0; i < residents; ++i) map.insert({i, i});
  failures found;
  std::atomic<int> running{3};
  on_threads(4, found, [&](int index) {
    if (index == 3) {
      while (running != 0) {
        const std::size_t n = map.size();
        MT_CHECK(found, n >= residents - 3 && n <= residents + 3 * 500);
      }
      return;
    }
    const number mine = static_cast<number>(index + 1) << 32;
    for (number round = 0; round < rounds; ++round) {
      for (number i = 0; i < 500; ++i) map.insert({mine + i, i});
      for (number i = 0; i < 500; ++i) map.erase(mine + i);
    }
    --running;
  });
  found.require();
  REQUIRE(map.size() == residents);
}

}  // namespace concur_test
