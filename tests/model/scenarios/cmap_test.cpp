// SPDX-License-Identifier: MIT
#include "scenarios/tiny_cmap.hpp"

namespace {

using namespace scenarios;

template <class Adapter>
void all_pairs() {
  std::uint64_t done = 0;
  for (const scenario& s : pairs<Adapter>()) done += explore<Adapter>(s, 120);
  CHECK(done >= 20'000);
}

template <class Adapter>
void all_mixes(std::uint64_t executions = 2'000) {
  std::uint64_t done = 0;
  for (const auto& list : {mixes(), contractions(), clears()})
    for (const scenario& s : list) done += explore<Adapter>(s, executions);
  done += explore("publication", executions, [] { execute_publication<Adapter>(); });
  CHECK(done >= 30 * executions);
}

}  // namespace

TEST_CASE("cmap, pairs in the leaves: pairs of operations", "[cmap]") {
  all_pairs<in_leaves>();
}
TEST_CASE("cmap, pairs in the leaves: mixes", "[cmap]") {
  all_mixes<in_leaves>();
}
TEST_CASE("cmap, elements of their own: pairs of operations", "[cmap]") {
  all_pairs<in_elements>();
}
TEST_CASE("cmap, elements of their own: mixes", "[cmap]") {
  all_mixes<in_elements>();
}
TEST_CASE("cmap, equal hashes: pairs of operations", "[cmap]") {
  all_pairs<in_lists>();
}
TEST_CASE("cmap, equal hashes: mixes", "[cmap]") {
  all_mixes<in_lists>();
}
TEST_CASE("cmap, every change looks at the load: mixes", "[cmap]") {
  all_mixes<contracting_adapter<std::uint64_t>>(1'000);
}
TEST_CASE("cmap, four slots become one: mixes", "[cmap]") {
  all_mixes<in_quarters<std::uint64_t>>(1'000);
  all_mixes<in_quarters<std::array<std::uint64_t, 3>>>(1'000);
  std::uint64_t done = 0;
  for (const scenario& s : shrinkings()) done += explore<in_quarters<std::uint64_t>>(s, 5'000);
  CHECK(done >= 10'000);
}
TEST_CASE("cmap: an erasure contracts nothing that has been freed", "[cmap]") {
  // One thread stops at one of few points among many, the other runs to its end, and then the first
  // reads what is there now.
  mc::options once;
  once.depth = 2;
  once.preemptions = 1;
  once.weak_memory = false;
  const scenario s = contraction_of_the_freed();
  std::uint64_t done = explore<contracting_adapter<std::uint64_t>>(s, 6'000, once);
  done += explore<contracting_adapter<std::array<std::uint64_t, 3>>>(s, 3'000, once);
  CHECK(done >= 9'000);
}
