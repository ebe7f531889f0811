// SPDX-License-Identifier: MIT
#include "scenarios/together_scenarios.hpp"

using namespace scenarios;

TEST_CASE("read_together reads as of one moment", "[together]") {
  std::uint64_t done = 0;
  for (const auto& s : together_scenarios())
    done += explore("together", 6'000, [&s] { execute_together(s); });
  CHECK(done >= 40'000);
}
