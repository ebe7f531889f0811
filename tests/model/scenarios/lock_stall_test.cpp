// SPDX-License-Identifier: MIT
#include "checker/tools.hpp"
#include "scenarios/lockmap_scenarios.hpp"
#include "scenarios/lru_scenarios.hpp"

// All keys are in one shard. A thread is stopped for ever before its n-th operation while it
// inserts or removes a key, and so with the locks of the shard and of the region in its hands, too:
// nobody waits for it who finds another key, or writes to one that is there.

namespace {

using namespace scenarios;

/// A map that outlives the execution if a thread sleeps in it.
template <class Adapter>
struct kept {
  Adapter* map = new Adapter;
  ~kept() {
    if (!mc::frozen()) delete map;
  }
};

/// T1 does `frozen`, the others do the rest; T1 is stopped at every point.
template <class Adapter>
mc::stall_report sweep(const call& frozen, const std::vector<std::vector<call>>& others) {
  return mc::stall_sweep({.how = mc::strategy::random, .executions = scaled(20)}, 1, [&] {
    recorder record(precedence::causal);
    kept<Adapter> owner;
    Adapter& map = *owner.map;
    for (const std::uint64_t k : {1, 2, 5, 6}) perform(map, record, on(kind::insert, k, k));
    mc::spawn([&] { perform(map, record, frozen); });
    for (const auto& calls : others) {
      mc::spawn([&] {
        for (const call& c : calls) perform(map, record, c);
      });
    }
    mc::join_all();
    record.check();
  });
}

template <class Adapter>
void require_free(const char* what, const call& frozen,
                  const std::vector<std::vector<call>>& others) {
  const mc::stall_report report = sweep<Adapter>(frozen, others);
  INFO(what << ", " << report.points << " points: " << report.example << report.what);
  CHECK(report.points > 0);
  CHECK(report.blocking.empty());
  CHECK(report.other == mc::failure::none);
}

template <class Adapter>
void idle_keys_are_free() {
  // No two of them want one key, unless both read it: who waits needs the lock of the shard. Key 4
  // is absent.
  const std::vector<std::vector<call>> others = {
      {on(kind::find, 1), on(kind::assign, 2, 5), on(kind::find, 4)},
      {on(kind::find, 1), on(kind::add, 5, 4)}};
  require_free<Adapter>("an insertion", on(kind::insert, 3, 3), others);
  require_free<Adapter>("an erasure", on(kind::erase, 6), others);
  require_free<Adapter>("growth", whole(verb::grow, 20), others);
}

/// What is warm, or is not moved when it is found.
template <class T>
using cache = vocabulary_adapter<caches::tiny_cache<std::uint64_t, T, concur::eviction::lru>,
                                 std::uint64_t, T>;

}  // namespace

TEST_CASE("an idle key of lockmap needs no lock of its shard, small values", "[stall][lockmap]") {
  idle_keys_are_free<locks::narrow>();
}
TEST_CASE("an idle key of lockmap needs no lock of its shard, shared to be read",
          "[stall][lockmap]") {
  idle_keys_are_free<locks::wide_value>();
}
TEST_CASE("an idle key of lockmap needs no lock of its shard, pinned to be compared",
          "[stall][lockmap]") {
  idle_keys_are_free<locks::wide_key>();
}
TEST_CASE("an idle key of lru_lockmap needs no lock, small values", "[stall][lru]") {
  idle_keys_are_free<cache<std::uint64_t>>();
}
TEST_CASE("an idle key of lru_lockmap needs no lock, shared to be read", "[stall][lru]") {
  idle_keys_are_free<cache<caches::three_words>>();
}
TEST_CASE("an insertion into the shard of a sleeping thread waits for it", "[stall][lockmap]") {
  const auto report =
      sweep<locks::narrow>(on(kind::insert, 3, 3), {{on(kind::insert, 4, 4)}, {on(kind::find, 3)}});
  CHECK(report.points > 0);
  CHECK(!report.blocking.empty());
  CHECK(report.other == mc::failure::none);
}
