// SPDX-License-Identifier: MIT
#include "scenarios/seq_array_scenarios.hpp"

namespace {

using namespace scenarios;

template <class T>
void all() {
  std::uint64_t done = 0;
  for (const auto& s : array_scenarios<T>())
    done += explore(s.name, 5'000, [&s] { execute_array<T>(s.first, s.threads); });
  CHECK(done >= 60'000);
}

}  // namespace

TEST_CASE("seq_array, one word", "[seq_array]") {
  all<std::uint64_t>();
}
TEST_CASE("seq_array, three words", "[seq_array]") {
  all<std::array<std::uint64_t, 3>>();
}
