// SPDX-License-Identifier: MIT
/// \file
/// fork beside threads that read under guards: in the child they are gone, what they announced
/// stays announced for ever, and what that keeps from being freed is bounded.

#include "support/catch.hpp"

#if defined(__SANITIZE_THREAD__)
#define CONCUR_TEST_NO_FORK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONCUR_TEST_NO_FORK 1
#endif
#endif

#if defined(__unix__) && !defined(CONCUR_TEST_NO_FORK)  // ThreadSanitizer forbids such children

#include "reclaim/epoch_fixture.hpp"
#include "support/children.hpp"

#include <atomic>
#include <concur/cmap.hpp>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t place_count = 100;
constexpr int readers = 3;
constexpr std::int64_t births_per_era = 16;
using places_type = concur_test::epoch_places<place_count>;

/// What the child does; the number of the first thing that went wrong is its exit code.
int live_on(places_type& places) {
  for (std::uint64_t i = 0; i < 20'000; ++i) places.replace(i % place_count, i);
  places.collect_all();
  constexpr std::int64_t existing = place_count;
  if (places.counts.live > existing + readers * (existing + births_per_era)) return 1;
  std::thread([&places] {
    for (std::uint64_t i = 0; i < 1'000; ++i) places.replace(i % place_count, i);
  }).join();
  places.collect_all();
  if (places.counts.live > existing + readers * (existing + 2 * births_per_era)) return 2;
  {
    places_type own(16, births_per_era);
    for (std::uint64_t i = 0; i < 20'000; ++i) own.replace(i % place_count, i);
    // What is born here is born after what the dead have announced.
    own.quiesce();
    if (own.counts.live != place_count) return 3;
  }
  return 0;
}

}  // namespace

TEST_CASE("a child of fork may destroy what another thread was freeing things of",
          "[fault][fork][epoch]") {
  constexpr std::uint64_t keys = 1'000;
  using map_type = concur::cmap<std::uint64_t, std::uint64_t>;
  auto map = std::make_unique<map_type>();
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> done{0};
  std::thread writer([&] {
    for (std::uint64_t i = 1; !is_over.load(std::memory_order_relaxed); ++i) {
      map->insert_or_assign(i * 0x9e3779b97f4a7c15 >> 40, i);
      map->erase((i - keys) * 0x9e3779b97f4a7c15 >> 40);
      done.store(i, std::memory_order_relaxed);
    }
  });
  int failed = 0;
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t seen = done.load();
    while (done.load() < seen + 10) std::this_thread::yield();
    if (concur_test::in_a_child([&] {
          map.reset();
          return 0;
        }) != 0) {
      ++failed;
    }
  }
  is_over = true;
  writer.join();
  REQUIRE(failed == 0);
}

TEST_CASE("a child of fork goes on freeing, but for what the dead had announced",
          "[fault][fork][epoch]") {
  places_type places(16, births_per_era);
  std::atomic<bool> is_over{false};
  std::atomic<int> at_work{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < readers; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; !is_over.load(std::memory_order_relaxed); ++round) {
        if (round == 1) at_work.fetch_add(1);
        concur::detail::era_pin pin(concur::detail::thread_slots::mine());
        for (auto& place : places.places) {
          const auto* node = pin.load(place);
          if (node->value != node->copy) ++wrong;
        }
      }
    });
  }
  while (at_work.load() < readers) std::this_thread::yield();
  std::vector<int> answers;
  for (int round = 0; round < 8; ++round) {
    for (std::uint64_t i = 0; i < 500; ++i) places.replace(i % place_count, i);
    answers.push_back(concur_test::in_a_child([&] { return live_on(places); }));
  }
  is_over = true;
  for (auto& thread : threads) thread.join();
  REQUIRE(answers == std::vector<int>(8, 0));
  REQUIRE(wrong == 0);
  places.quiesce();
  REQUIRE(places.counts.live == place_count);
}

#endif
