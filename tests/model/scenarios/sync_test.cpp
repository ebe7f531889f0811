// SPDX-License-Identifier: MIT
#include "scenarios/sync_scenarios.hpp"

using namespace scenarios;
using namespace scenarios::sync;

TEST_CASE("asymmetric fences order in every mode", "[sync]") {
  for (const bool request : {false, true})
    CHECK(explore("store buffering", 6'000, [=] { store_buffering(request); }) > 0);
  CHECK(explore("first use by both sides", 6'000, first_use_by_both) > 0);
}

TEST_CASE("a heavy fence that the kernel refuses says so", "[sync]") {
  const auto done = explore("refused", 600,
                            [] {
                              const bool has_membarrier = lib::asymmetric_fence::prepare();
                              mc::spawn([=] {
                                mc::require(lib::asymmetric_fence::heavy() != has_membarrier,
                                            "it says what it did");
                              });
                              mc::join_all();
                            },
                            {.membarrier_calls = 0});
  CHECK(done > 0);
}

TEST_CASE("thread slots", "[sync]") {
  CHECK(explore("distinct slots", 6'000, distinct_slots) > 0);
  CHECK(explore("hand-over", 6'000, slot_hand_over) > 0);
  CHECK(explore("exit hooks", 3'000, exit_hooks) > 0);
}

TEST_CASE("leaf hazards protect what they announce", "[sync]") {
  CHECK(explore("hazards", 20'000, hazards<lib::leaf_hazard>) > 0);
  CHECK(explore("lasting hazards", 20'000, hazards<lib::lasting_hazard>) > 0);
  CHECK(explore("second hazard", 6'000, second_hazard) > 0);
}

TEST_CASE("the parking lock excludes, orders and forgets no sleeper", "[sync]") {
  CHECK(explore("lock", 10'000, parking) > 0);
  CHECK(explore("try_lock", 10'000, parking_try) > 0);
  CHECK(explore("timed", 10'000, parking_timed) > 0);
}

TEST_CASE("the striped counter loses nothing", "[sync]") {
  CHECK(explore("counter", 10'000, counting) > 0);
}

TEST_CASE("seqlock cells are linearizable", "[sync]") {
  for (const auto& h : cell_histories()) {
    CHECK(explore("wide", 6'000, [&h] { cell_history<wide>(h); }) > 0);
    CHECK(explore("small", 6'000, [&h] { cell_history<std::uint64_t>(h); }) > 0);
  }
}

TEST_CASE("a seqlock cell can be vacated beside readers and writers", "[sync]") {
  CHECK(explore("wide", 6'000, vacancy<wide>) > 0);
  CHECK(explore("small", 6'000, vacancy<std::uint64_t>) > 0);
  CHECK(explore("wide, freed", 6'000, vacated_memory<wide>) > 0);
  CHECK(explore("small, freed", 6'000, vacated_memory<std::uint64_t>) > 0);
}

TEST_CASE("what a seqlock cell says orders plain data", "[sync]") {
  CHECK(explore("wide", 3'000, cell_publishes<wide>) > 0);
  CHECK(explore("small", 3'000, cell_publishes<std::uint64_t>) > 0);
  CHECK(explore("wide, vacant", 3'000, vacancy_publishes<wide>) > 0);
  CHECK(explore("small, vacant", 3'000, vacancy_publishes<std::uint64_t>) > 0);
}

TEST_CASE("an update whose callback throws leaves the old value", "[sync]") {
  const auto done = explore("throwing update", 3'000, [] {
    lib::seqlock_cell<wide> cell(coder<wide>::make(1));
    for (int t = 0; t < 2; ++t)
      mc::spawn([&] {
        try {
          cell.update([](wide& v) {
            v = coder<wide>::make(9);
            throw 1;
          });
        } catch (int) {
        }
        mc::require(coder<wide>::read(cell.load()) == 1, "the old value");
      });
    mc::join_all();
  });
  CHECK(done > 0);
}
