// SPDX-License-Identifier: MIT
#include "scenarios/tiny_hamt.hpp"

// Operations on one key beside each other and beside snapshots; the adapter takes one where other
// maps grow.

namespace {

using namespace scenarios;

template <class Adapter>
void all_pairs(std::uint64_t executions) {
  std::uint64_t done = 0;
  for (const scenario& s : pairs<Adapter>()) done += explore<Adapter>(s, executions);
  CHECK(done > 0);
}

template <class Adapter>
void all_mixes(std::uint64_t executions) {
  std::uint64_t done = 0;
  for (const auto& list : {mixes(), contractions()}) {
    for (const scenario& s : list) done += explore<Adapter>(s, executions);
  }
  done += explore("publication", executions, [] { execute_publication<Adapter>(); });
  CHECK(done > 0);
}

/// What a callable is shown is all that is protected while it runs, at every depth, and stays.
template <class Map>
void execute_long_visits() {
  Map map;
  for (std::uint64_t key : {1, 2, 6, 7}) map.insert_or_assign(key, key);
  const auto visit = [&map](std::uint64_t key) {
    map.cvisit(key, [&](const auto& e) {
      const std::uint64_t first = e.second;
      mc::require(e.first == key && first % 10 == key, "what is shown is the element");
      mc::require(map.contains(2), "another read inside");
      mc::require(e.first == key && e.second == first, "what is shown does not change");
    });
  };
  mc::spawn([&] {
    visit(1);
    visit(6);
  });
  mc::spawn([&] {
    for (std::uint64_t key : {1, 6}) {
      map.insert_or_assign(key, 10 + key);
      map.erase(key);
    }
  });
  mc::spawn([&] { static_cast<void>(map.snapshot()); });
  mc::join_all();
  mc::require(map.size() == 2, "what is left");
}

}  // namespace

TEST_CASE("hamt: what is shown to a callable stays while it runs", "[hamt]") {
  std::uint64_t done = 0;
  done += explore("pairs", 3000, [] { execute_long_visits<tiny_hamt<trie_hash, 1, 32>>(); });
  done += explore("elements", 3000, [] { execute_long_visits<tiny_hamt<trie_hash, 1, 0>>(); });
  CHECK(done > 0);
}
TEST_CASE("hamt, a pair a leaf: pairs of operations", "[hamt]") {
  all_pairs<inline_pairs>(24);
}
TEST_CASE("hamt, a pair a leaf: mixes", "[hamt]") {
  all_mixes<inline_pairs>(1000);
}
TEST_CASE("hamt, a pair a leaf and a hasher with a state: the first writers", "[hamt]") {
  std::uint64_t done = 0;
  for (const scenario& s : first_writers()) done += explore<seeded_pairs>(s, 1000);
  CHECK(done > 0);
}
TEST_CASE("hamt, two pairs a leaf: mixes", "[hamt]") {
  all_mixes<inline_leaves>(1000);
}
TEST_CASE("hamt, elements: pairs of operations", "[hamt]") {
  all_pairs<elements>(24);
}
TEST_CASE("hamt, elements: mixes", "[hamt]") {
  all_mixes<elements>(1000);
}
TEST_CASE("hamt, equal hashes: mixes", "[hamt]") {
  all_mixes<collisions>(1000);
}
