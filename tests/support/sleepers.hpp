// SPDX-License-Identifier: MIT
/// \file
/// Overwrites beside threads that fell asleep in the middle of an operation: how much is alive?
#pragma once

#include "support/catch.hpp"
#include "support/scattered.hpp"

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace concur_test {

inline constexpr number sleepers_present = 1'000;

/// Counts how many of it are alive: in the map, or waiting to be freed.
class counted {
 public:
  explicit counted(number value) noexcept : value_(value) { ++alive; }
  counted(const counted& other) noexcept : value_(other.value_) { ++alive; }
  counted& operator=(const counted&) = default;
  ~counted() {
    value_ = ~number{0};
    alive.fetch_sub(1, std::memory_order_relaxed);
  }
  number value() const noexcept { return value_; }
  static inline std::atomic<long> alive{0};

 private:
  number value_;
};

struct do_nothing {
  template <class Map>
  void operator()(Map&, number) const noexcept {}
};

/// `sleep(map, inside)` is an operation that calls `inside()` somewhere in its middle, and stays
/// there while another thread overwrites.
/// `settle(map)` frees what nobody looks at any more; `after(map, i)` runs after each overwrite.
template <class Map, class Operation, class Settle, class After = do_nothing>
void overwrite_beside_sleepers(Operation operation, int sleepers, number overwrites, long bound,
                               Settle settle, After after = {}) {
  constexpr number present = sleepers_present;
  REQUIRE(counted::alive == 0);
  {
    Map map;
    for (number i = 0; i < present; ++i) map.try_emplace(i, i);
    std::atomic<int> asleep{0};
    std::atomic<bool> is_over{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < sleepers; ++i) {
      threads.emplace_back([&] {
        operation(map, [&] {
          ++asleep;
          asleep.notify_all();
          is_over.wait(false);
        });
      });
    }
    for (int now = asleep; now < sleepers; now = asleep) asleep.wait(now);
    long most = 0;
    std::size_t wrong = 0;
    for (number i = 0; i < overwrites; ++i) {
      const number k = i % present;
      switch (i % 64) {
        case 0:
          wrong += map.erase(k) == 1 ? 0U : 1U;
          map.try_emplace(k, k);
          break;
        case 1:
          wrong += map.update(k, [](counted& c) { c = counted(c.value()); }) == 1 ? 0U : 1U;
          break;
        default:
          map.insert_or_assign(k, counted(k));
      }
      after(map, i);
      const long now = counted::alive.load(std::memory_order_relaxed);
      if (now > most) most = now;
    }
    is_over = true;
    is_over.notify_all();
    for (auto& thread : threads) thread.join();
    REQUIRE(wrong == 0);
    REQUIRE(most <= bound);
    REQUIRE(map.size() == present);
    settle(map);
    REQUIRE(counted::alive == static_cast<long>(present));
  }
  REQUIRE(counted::alive == 0);
}

}  // namespace concur_test
