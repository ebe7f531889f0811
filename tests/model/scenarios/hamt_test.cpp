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

}  // namespace

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
