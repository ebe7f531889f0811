// SPDX-License-Identifier: MIT
#include "scenarios/tiny_seqmap.hpp"

namespace {

using namespace scenarios;

template <class Adapter>
void all_pairs() {
  std::uint64_t done = 0;
  for (const scenario& s : pairs<Adapter>()) done += explore<Adapter>(s, 240);
  CHECK(done >= 60'000);
}

template <class Adapter>
void all_mixes() {
  std::uint64_t done = 0;
  for (const scenario& s : mixes()) done += explore<Adapter>(s, 4'000);
  CHECK(done >= 60'000);
}

}  // namespace

TEST_CASE("seqmap, words: pairs of operations", "[seqmap]") {
  all_pairs<narrow>();
}
TEST_CASE("seqmap, words: mixes", "[seqmap]") {
  all_mixes<narrow>();
}
TEST_CASE("seqmap, wide values: pairs of operations", "[seqmap]") {
  all_pairs<wide_value>();
}
TEST_CASE("seqmap, wide values: mixes", "[seqmap]") {
  all_mixes<wide_value>();
}
TEST_CASE("seqmap, wide keys: pairs of operations", "[seqmap]") {
  all_pairs<wide_key>();
}
TEST_CASE("seqmap, wide keys: mixes", "[seqmap]") {
  all_mixes<wide_key>();
}
TEST_CASE("seqmap, in steps of four: pairs of operations", "[seqmap]") {
  all_pairs<by_four>();
}
TEST_CASE("seqmap, in steps of four: mixes", "[seqmap]") {
  all_mixes<by_four>();
}
TEST_CASE("seqmap, wide keys in steps of four: mixes", "[seqmap]") {
  all_mixes<wide_key_by_four>();
}
