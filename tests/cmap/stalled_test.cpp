// SPDX-License-Identifier: MIT
/// \file
/// A thread that falls asleep in the middle of an operation delays nobody, and keeps from being
/// freed at most what existed at its last read and a constant, however many writes follow.
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/sanitizers.hpp"
#include "support/sleepers.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using map_type = concur::cmap<number, counted>;

constexpr number present = sleepers_present;
constexpr number overwrites = has_sanitizer ? 100'000 : 2'000'000;
/// What may be alive: what is there, what waits for a scan, and for each sleeper what existed when
/// it read last, and an era's births of each thread. The formula of docs/cmap.md.
constexpr long bound(long sleepers) {
  constexpr long per_thread = 128;  // a batch, and an era's births
  const long threads = sleepers + 1;
  const long there = static_cast<long>(present);
  return there + 2 * threads * per_thread + sleepers * (there + threads * per_thread);
}

template <class Operation>
void overwrite_beside_a_sleeper(Operation operation, int sleepers = 1) {
  const auto settle = [](map_type& map) { map.quiesce(); };
  overwrite_beside_sleepers<map_type>(operation, sleepers, overwrites, bound(sleepers), settle);
}

}  // namespace

TEST_CASE("cmap: two million overwrites beside a thread asleep in a visit leave little behind") {
  overwrite_beside_a_sleeper([](map_type& map, const auto& inside) {
    map.visit(7, [&](const auto& e) {
      inside();
      if (e.second.value() != 7) std::abort();
    });
  });
}

TEST_CASE("cmap: overwrites beside threads asleep in a traversal leave little behind") {
  overwrite_beside_a_sleeper(
      [](map_type& map, const auto& inside) {
        bool first = true;
        map.cvisit_all([&](const auto& e) {
          if (std::exchange(first, false)) inside();
          if (e.second.value() != e.first) std::abort();
        });
      },
      3);
}

TEST_CASE("cmap: overwrites beside a thread asleep with a guard leave little behind") {
  overwrite_beside_a_sleeper([](map_type& map, const auto& inside) {
    const auto guard = map.pin();
    const counted* const seen = map.find(guard, 9);
    inside();
    if (seen->value() != 9 || map.find(guard, 9)->value() != 9) std::abort();
  });
}

TEST_CASE("cmap: overwrites beside a thread asleep in the callable of an update delay nobody") {
  overwrite_beside_a_sleeper([](map_type& map, const auto& inside) {
    bool first = true;
    map.update(11, [&](counted& c) {
      if (std::exchange(first, false)) inside();
      if (c.value() != 11) std::abort();
    });
  });
}

TEST_CASE("cmap: insertions and erasures beside a sleeper leave little behind") {
  // The table grows and shrinks, too: what it replaced is bounded as nodes are.
  {
    map_type map;
    for (number i = 0; i < present; ++i) map.try_emplace(i, i);
    std::atomic<bool> is_asleep{false};
    std::atomic<bool> is_over{false};
    std::thread sleeper([&] {
      map.visit(7, [&](const auto&) {
        is_asleep = true;
        is_asleep.notify_all();
        is_over.wait(false);
      });
    });
    is_asleep.wait(false);
    long most = 0;
    for (number round = 0; round < overwrites / 40'000; ++round) {
      for (number i = 0; i < 20'000; ++i) map.try_emplace(present + i, i);
      for (number i = 0; i < 20'000; ++i) map.erase(present + i);
      const long now = counted::alive;
      if (now > most) most = now;
    }
    is_over = true;
    is_over.notify_all();
    sleeper.join();
    REQUIRE(most <= bound(1));
    map.quiesce();
    REQUIRE(map.size() == present);
    REQUIRE(counted::alive == static_cast<long>(present));
  }
  REQUIRE(counted::alive == 0);
}

TEST_CASE("cmap: a thread that stops while it moves a slot delays nobody") {
  // It stops in the hasher, which moving a slot of the table may call. Whether it does or not:
  // everybody else goes on, the map grows, and all is there.
  gate door;
  std::atomic<number> stop_at{~number{0}};
  tiny_cmap<number, number, gated_hash> map(0, gated_hash{&door, &stop_at});
  for (number i = 1; i <= 2'000; ++i) map.insert({scattered(i), i});
  const number his = scattered(1'000'000);
  stop_at = his;
  door.arm();
  std::thread stopped([&] { map.insert({his, 1}); });
  door.wait_for_visitor();
  stop_at = ~number{0};
  std::size_t wrong = 0;
  for (number i = 2'001; i <= 20'000; ++i) wrong += map.insert({scattered(i), i}) ? 0U : 1U;
  for (number i = 1; i <= 20'000; ++i) wrong += map.find(scattered(i)) == i ? 0U : 1U;
  for (number i = 1; i <= 19'000; ++i) wrong += map.erase(scattered(i)) == 1 ? 0U : 1U;
  REQUIRE(wrong == 0);
  door.open();
  stopped.join();
  REQUIRE(map.find(his) == 1);
  REQUIRE(map.size() == 1'001);
  require_sound(map);
}
