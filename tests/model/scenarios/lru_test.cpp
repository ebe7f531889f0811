// SPDX-License-Identifier: MIT
#include "scenarios/lru_expiry_scenarios.hpp"

namespace {

using namespace scenarios;
using namespace scenarios::caches;

template <class Adapter>
void all_pairs() {
  std::uint64_t done = 0;
  for (const scenario& s : pairs<Adapter>()) done += explore<Adapter>(s, 24);
  CHECK(done >= 4'000);
}

template <class Adapter>
void all_mixes() {
  std::uint64_t done = 0;
  for (const scenario& s : mixes()) done += explore<Adapter>(s, 500);
  CHECK(done >= 6'000);
}

}  // namespace

TEST_CASE("lru_lockmap, small values: pairs of operations", "[lru]") {
  all_pairs<narrow>();
}
TEST_CASE("lru_lockmap: mixes", "[lru]") {
  all_mixes<narrow>();
  all_mixes<wide_value>();
  all_mixes<wide_key>();
}
TEST_CASE("lru_lockmap: eviction beside locking", "[lru]") {
  CHECK(explore("eviction beside locking", 6'000, eviction_beside_locking<map_type>) > 0);
  CHECK(explore("eviction beside locking, wide", 3'000, eviction_beside_locking<wide_map>) > 0);
}
TEST_CASE("lru_lockmap: a victim that is held comes back", "[lru]") {
  CHECK(explore("sharers of a victim", 9'000, sharers_of_a_victim<map_type>) > 0);
  CHECK(explore("hand over of a victim", 9'000, hand_over_of_a_victim) > 0);
  CHECK(explore("a victim again and again", 9'000, victim_again_and_again) > 0);
}
TEST_CASE("lru_lockmap: hits beside eviction", "[lru]") {
  CHECK(explore("hits beside eviction, exact", 6'000, hits_beside_eviction<exact_lru>) > 0);
  CHECK(explore("hits beside eviction, lazy", 6'000, hits_beside_eviction<lru>) > 0);
}
TEST_CASE("lru_lockmap: every value leaves once", "[lru]") {
  CHECK(explore("every value once", 9'000, every_value_once<map_type>) > 0);
}
TEST_CASE("lru_lockmap: expiry", "[lru]") {
  CHECK(explore("expiry", 6'000, expiry<map_type>) > 0);
  CHECK(explore("expiry, wide", 6'000, expiry<wide_map>) > 0);
}
TEST_CASE("lru_lockmap: a value and its deadline", "[lru]") {
  CHECK(explore("deadline of another value", 9'000, deadline_of_another_value<map_type>) > 0);
  CHECK(explore("deadline of another value, wide", 3'000, deadline_of_another_value<wide_map>) > 0);
  CHECK(explore("shown with its deadline", 9'000, shown_with_its_deadline<map_type>) > 0);
  CHECK(explore("shown with its deadline, wide", 3'000, shown_with_its_deadline<wide_map>) > 0);
  CHECK(explore("first deadline", 6'000, first_deadline<map_type>) > 0);
}
TEST_CASE("lru_lockmap: deadlines", "[lru]") {
  CHECK(explore("deadlines made earlier", 6'000, deadlines_made_earlier<exact_lru>) > 0);
  CHECK(explore("deadlines made earlier, lazy", 3'000, deadlines_made_earlier<lru>) > 0);
}
TEST_CASE("lru_lockmap: single flight with failure, and refresh", "[lru]") {
  CHECK(explore("single flight with failure", 6'000, single_flight_with_failure) > 0);
  CHECK(explore("refresh", 6'000, refresh) > 0);
}
TEST_CASE("lru_lockmap: the capacity changes", "[lru]") {
  CHECK(explore("capacity changes", 9'000, capacity_changes<map_type>) > 0);
  CHECK(explore("capacity goes", 6'000, capacity_goes<map_type>) > 0);
}
TEST_CASE("lru_lockmap: coroutines beside eviction", "[lru]") {
  CHECK(explore("coroutines beside eviction", 6'000, coroutines_beside_eviction<false>) > 0);
  CHECK(explore("coroutines beside eviction, told", 6'000, coroutines_beside_eviction<true>) > 0);
}
TEST_CASE("lru_lockmap: what a review found", "[lru]") {
  CHECK(explore("expired while held", 6'000, expired_while_held) > 0);
  CHECK(explore("parked, refused, unpinned", 9'000, parked_refused_unpinned) > 0);
  CHECK(explore("too heavy and shared", 9'000, too_heavy_and_shared) > 0);
  int once = 0;
  CHECK(explore("single flight of what does not stay", 6'000,
                [&] { single_flight_of_what_does_not_stay(once); }) > 0);
  CHECK(once > 0);
  CHECK(explore("a coroutine wants the victim", 9'000, coroutine_wants_the_victim) > 0);
}
TEST_CASE("lru_lockmap: S3-FIFO evicts", "[lru]") {
  for (const auto& [name, body] : bodies_of_policy<s3fifo>()) {
    CHECK(explore(name + ", S3-FIFO", 1'500, body) > 0);
  }
}
TEST_CASE("lru_lockmap: W-TinyLFU evicts", "[lru]") {
  for (const auto& [name, body] : bodies_of_policy<w_tinylfu>()) {
    CHECK(explore(name + ", W-TinyLFU", 1'500, body) > 0);
  }
}
