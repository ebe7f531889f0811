// SPDX-License-Identifier: MIT
#include "scenarios/snapshot_scenarios.hpp"

namespace {

using namespace scenarios;

template <class Map>
void all_programs(std::uint64_t executions) {
  std::uint64_t done = 0;
  int number = 0;
  for (const auto& p : programs<Map>()) {
    done +=
        explore("program " + std::to_string(++number), executions, [&p] { execute_program(p); });
  }
  done += explore("second writer", executions * 10, [] { execute_second_writer<Map>(); });
  done += explore("size of a fork", executions, [] { execute_fork_size<Map>(); });
  done += explore("partings", executions * 4, [] { execute_partings<Map>(); });
  done += explore("two owners", executions * 4, [] { execute_two_owners<Map>(); });
  done += explore("the last owner", executions, [] { execute_last_owner<Map>(); });
  CHECK(done > 0);
}

}  // namespace

TEST_CASE("snapshots are the map as of one moment, a pair a leaf", "[snapshot]") {
  all_programs<tiny_hamt<trie_hash, 1, 32>>(400);
}
TEST_CASE("snapshots are the map as of one moment, two pairs a leaf", "[snapshot]") {
  all_programs<tiny_hamt<trie_hash, 2, 32>>(400);
}
TEST_CASE("snapshots are the map as of one moment, elements", "[snapshot]") {
  all_programs<tiny_hamt<trie_hash, 1, 0>>(400);
}
TEST_CASE("what a stopped writer proposed is decided by the next generation's root", "[snapshot]") {
  for (std::uint32_t point = first_stop; point < last_stop; ++point) {
    for (const auto how : {mc::strategy::random, mc::strategy::pct}) {
      const auto r = mc::run(
          {.how = how, .executions = scaled(50), .frozen_thread = 1, .frozen_before = point},
          [] { execute_stopped_writer<tiny_hamt<trie_hash, 1, 32>>(); });
      INFO("stopped before operation " << point << ": " << r.what << "\n" << r.trace);
      REQUIRE(!r.failed());
      CHECK(r.frozen == r.executions);
    }
  }
}
TEST_CASE("snapshots are the map as of one moment, equal hashes", "[snapshot]") {
  all_programs<tiny_hamt<one_hash, 1, 0>>(400);
}
