// SPDX-License-Identifier: MIT
/// \file
/// Guards, what they keep, `quiesce`, and how often memory is reclaimed.
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/threads.hpp"

#include <array>
#include <atomic>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

using namespace concur_test;

namespace {

using text_map = concur::cmap<number, std::string>;
using guard_type = decltype(std::declval<const text_map&>().pin());

std::string text(number n) {
  return "a value that a string keeps in memory of its own, " + std::to_string(n);
}

template <class F>
bool is_refused(F f) {
  try {
    f();
  } catch (const std::system_error& error) {
    return error.code() == std::errc::resource_deadlock_would_occur;
  }
  return false;
}

}  // namespace

TEST_CASE("cmap: a guard moves, and is not copied") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<guard_type>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<guard_type>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<guard_type>);
  STATIC_REQUIRE(std::is_same_v<guard_type, text_map::read_guard>);
}

TEST_CASE("cmap: what a guard found stays until the guard is gone") {
  text_map map;
  for (number i = 0; i < 100; ++i) map.insert({i, text(i)});
  std::array<const std::string*, 100> found{};
  {
    const auto guard = map.pin();
    for (number i = 0; i < 100; ++i) found[i] = map.find(guard, i);
    REQUIRE(map.find(guard, 100) == nullptr);
    for (number i = 0; i < 100; i += 2) map.insert_or_assign(i, text(i + 1000));
    for (number i = 1; i < 100; i += 2) map.erase(i);
    for (number i = 0; i < 20'000; ++i) map.insert_or_assign(1'000'000 + i % 500, text(i));
    std::size_t wrong = 0;
    for (number i = 0; i < 100; ++i) wrong += *found[i] == text(i) ? 0U : 1U;
    for (number i = 0; i < 100; ++i) {
      const std::string* const now = map.find(guard, i);
      wrong += i % 2 == 1 ? now != nullptr : *now != text(i + 1000);
    }
    REQUIRE(wrong == 0);
  }
  map.quiesce();
  REQUIRE(map.stats().retired == 0);
}

TEST_CASE("cmap: guards nest, move, and end in any order") {
  text_map map;
  map.insert({1, text(1)});
  std::optional<guard_type> first(map.pin());
  std::optional<guard_type> second(map.pin());
  const std::string* const seen = map.find(*second, 1);
  first.reset();
  map.erase(1);
  for (number i = 0; i < 5000; ++i) map.insert_or_assign(i % 7 + 2, text(i));
  REQUIRE(*seen == text(1));
  const guard_type third(std::move(*second));
  second.reset();
  for (number i = 0; i < 5000; ++i) map.insert_or_assign(i % 7 + 2, text(i));
  REQUIRE(*seen == text(1));
  REQUIRE(map.find(third, 1) == nullptr);
}

TEST_CASE("cmap: guards of two maps keep what they found in theirs") {
  text_map one;
  text_map two;
  one.insert({1, text(1)});
  two.insert({1, text(2)});
  const auto guard_of_one = one.pin();
  const std::string* const of_one = one.find(guard_of_one, 1);
  {
    const auto guard_of_two = two.pin();
    const std::string* const of_two = two.find(guard_of_two, 1);
    for (number i = 0; i < 3000; ++i) two.insert_or_assign(1, text(i));
    REQUIRE(*of_two == text(2));
  }
  for (number i = 0; i < 3000; ++i) one.insert_or_assign(1, text(i));
  REQUIRE(*of_one == text(1));
}

TEST_CASE("cmap: a guard on an empty map finds nothing and costs nothing") {
  const text_map map;
  const auto guard = map.pin();
  REQUIRE(map.find(guard, 1) == nullptr);
}

TEST_CASE("cmap: quiesce frees everything that was retired") {
  text_map map;
  for (number i = 0; i < 3000; ++i) map.insert_or_assign(i % 100, text(i));
  for (number i = 0; i < 50; ++i) map.erase(i);
  map.quiesce();
  REQUIRE(map.stats().retired == 0);
  REQUIRE(map.size() == 50);
  map.quiesce();
  text_map().quiesce();
}

TEST_CASE("cmap: quiesce frees what threads that have ended left behind") {
  text_map map;
  failures found;
  on_threads(4, found, [&](int index) {
    for (number i = 0; i < 1000; ++i) map.insert_or_assign(static_cast<number>(index), text(i));
  });
  found.require();
  map.quiesce();
  REQUIRE(map.stats().retired == 0);
  REQUIRE(map.size() == 4);
}

TEST_CASE("cmap: quiesce throws where it would wait for its own thread") {
  text_map map;
  map.insert({1, text(1)});
  map.insert_or_assign(1, text(2));
  {
    const auto guard = map.pin();
    REQUIRE(is_refused([&] { map.quiesce(); }));
    REQUIRE(*map.find(guard, 1) == text(2));
  }
  bool in_callback = false;
  map.cvisit(1, [&](const auto&) { in_callback = is_refused([&] { map.quiesce(); }); });
  REQUIRE(in_callback);
  map.quiesce();
  REQUIRE(map.stats().retired == 0);
}

TEST_CASE("cmap: quiesce waits for the guard of another thread") {
  text_map map;
  map.insert({1, text(1)});
  std::atomic<bool> is_pinned{false};
  std::atomic<bool> is_about_to_end{false};
  bool stayed = false;
  std::thread reader([&] {
    const auto guard = map.pin();
    const std::string* const seen = map.find(guard, 1);
    is_pinned = true;
    is_pinned.notify_all();
    // Until it has been retired, so that there is something to wait for.
    while (map.contains(1)) std::this_thread::yield();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    stayed = *seen == text(1);
    is_about_to_end = true;
  });
  is_pinned.wait(false);
  map.erase(1);
  map.quiesce();
  REQUIRE(is_about_to_end);
  reader.join();
  REQUIRE(stayed);
}

TEST_CASE("cmap: the reclaim period says how much waits to be freed") {
  text_map map;
  for (number i = 0; i < 100; ++i) map.insert({i, text(i)});
  const auto most_retired = [&] {
    std::size_t most = 0;
    for (number i = 0; i < 20'000; ++i) {
      map.insert_or_assign(i % 100, text(i));
      if (const std::size_t now = map.stats().retired; now > most) most = now;
    }
    return most;
  };
  map.set_reclaim_period(8);
  map.quiesce();
  REQUIRE(most_retired() <= 64);
  map.set_reclaim_period(2000);
  const std::size_t with_long_period = most_retired();
  REQUIRE(with_long_period > 500);
  REQUIRE(with_long_period <= 2 * 2000 + 64);
  map.set_reclaim_period(1);
  map.quiesce();
  REQUIRE(most_retired() <= 16);
}

TEST_CASE("cmap: stats tell the era, the oldest pin and what waits") {
  text_map map;
  map.insert({1, text(1)});
  map.quiesce();
  const auto guard = map.pin();
  static_cast<void>(map.find(guard, 1));
  const auto pinned = map.stats();
  REQUIRE(pinned.oldest_pinned != 0);
  REQUIRE(pinned.oldest_pinned <= pinned.era);
  for (number i = 0; i < 10'000; ++i) map.insert_or_assign(1, text(i));
  const auto later = map.stats();
  REQUIRE(later.era > pinned.era);
  REQUIRE(later.oldest_pinned == pinned.oldest_pinned);
  REQUIRE(later.retired >= 1);
}
