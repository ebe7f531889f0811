// SPDX-License-Identifier: MIT
#include "scenarios/lockmap_scenarios.hpp"
#include "scenarios/lockmap_waiting_scenarios.hpp"

namespace {

using namespace scenarios;
using namespace scenarios::locks;

template <class Adapter>
void all_pairs() {
  std::uint64_t done = 0;
  for (const scenario& s : pairs<Adapter>()) done += explore<Adapter>(s, 60);
  CHECK(done >= 10'000);
}

template <class Adapter>
void all_mixes() {
  std::uint64_t done = 0;
  for (const scenario& s : mixes()) done += explore<Adapter>(s, 1'200);
  CHECK(done >= 15'000);
}

}  // namespace

TEST_CASE("lockmap, small values: pairs of operations", "[lockmap]") {
  all_pairs<narrow>();
}
TEST_CASE("lockmap, small values: mixes", "[lockmap]") {
  all_mixes<narrow>();
}
TEST_CASE("lockmap, wide values: mixes", "[lockmap]") {
  all_mixes<wide_value>();
}
TEST_CASE("lockmap, wide keys: mixes", "[lockmap]") {
  all_mixes<wide_key>();
}
TEST_CASE("lockmap: keys are handed over, and no thread sleeps for ever", "[lockmap]") {
  CHECK(explore("hand over", 12'000, hand_over) > 0);
  CHECK(explore("contended", 12'000, contended) > 0);
  CHECK(explore("timed", 12'000, timed) > 0);
}
TEST_CASE("lockmap: readers and writers", "[lockmap]") {
  CHECK(explore("readers and writers", 12'000, readers_and_writers) > 0);
  CHECK(explore("up and down", 12'000, up_and_down) > 0);
}
TEST_CASE("lockmap: absent keys appear and disappear", "[lockmap]") {
  CHECK(explore("absent keys", 12'000, absent_keys) > 0);
  CHECK(explore("removal beside readers", 12'000, removal_beside_readers) > 0);
  CHECK(explore("removals that wait", 12'000, removals_that_wait) > 0);
}
TEST_CASE("lockmap: many keys, without deadlock", "[lockmap]") {
  CHECK(explore("lock_all", 9'000, many_keys) > 0);
  CHECK(explore("try_lock_all", 9'000, many_keys_or_none) > 0);
}
TEST_CASE("lockmap: single flight, with failure", "[lockmap]") {
  CHECK(explore("single flight", 9'000, single_flight) > 0);
  CHECK(explore("with failure", 9'000, single_flight_with_failure) > 0);
}
TEST_CASE("lockmap: coroutines wait without a thread", "[lockmap]") {
  CHECK(explore("coroutines", 9'000, coroutines) > 0);
}
TEST_CASE("lockmap: keys that come with their values", "[lockmap]") {
  CHECK(explore("keys that come late", 9'000, keys_that_come_late) > 0);
  CHECK(explore("coroutines for late keys", 9'000, coroutines_for_late_keys) > 0);
}
TEST_CASE("lockmap: nobody is overtaken for ever", "[lockmap]") {
  for (const auto& [name, body] : queue_bodies()) CHECK(explore(name, 9'000, body) > 0);
}
TEST_CASE("lockmap: who is told to stop leaves no trace", "[lockmap]") {
  for (const auto& [name, body] : stop_bodies()) CHECK(explore(name, 9'000, body) > 0);
}
