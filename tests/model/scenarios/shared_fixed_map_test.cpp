// SPDX-License-Identifier: MIT
#include "scenarios/shared_fixed_map_scenarios.hpp"

#include "checker/tools.hpp"

namespace {

using namespace scenarios;

void require_no_victims(const std::string& what, const mc::stall_report& r) {
  INFO(what << ", " << r.points << " points, " << r.blocking.size() << " blocking");
  if (!r.blocking.empty() || r.other != mc::failure::none)
    std::printf("\n%s: %s\n%s", what.c_str(), r.example.c_str(), r.what.c_str());
  CHECK(r.points > 0);
  CHECK(r.blocking.empty());
  CHECK(r.other == mc::failure::none);
}

template <class T>
void kill_everywhere() {
  for (const killing& k : killings()) {
    const mc::options how = {.how = mc::strategy::random, .executions = scaled(10)};
    require_no_victims(k.name(), mc::stall_sweep(how, 1, [&k] {
                         execute_killed<T>(k.before, k.killed, {k.survivor});
                       }));
  }
}

}  // namespace

TEST_CASE("shared_fixed_map: processes as threads", "[shared_fixed_map]") {
  std::uint64_t done = 0;
  for (const scenario& s : shared_scenarios()) {
    done += explore(s.name, 3'000, [&] { execute_shared<std::uint64_t>(s); });
    done += explore(s.name, 3'000, [&] { execute_shared<std::array<std::uint64_t, 3>>(s); });
  }
  CHECK(done >= 10'000);
}

TEST_CASE("shared_fixed_map: processes that come and go", "[shared_fixed_map]") {
  CHECK(explore("one after the other", 3'000, execute_successor<std::uint64_t, true>) > 0);
  CHECK(explore("one beside the other", 3'000, execute_successor<std::uint64_t, false>) > 0);
}

TEST_CASE("shared_fixed_map: a process that is killed at any operation blocks nobody",
          "[shared_fixed_map][kill]") {
  kill_everywhere<std::uint64_t>();
}
TEST_CASE("shared_fixed_map: a process that is killed leaves the old value or the new one",
          "[shared_fixed_map][kill]") {
  kill_everywhere<std::array<std::uint64_t, 3>>();
}
TEST_CASE("shared_fixed_map: a process that is killed while its key goes far away",
          "[shared_fixed_map][kill]") {
  for (const kind killed : {kind::insert, kind::erase}) {
    const mc::options how = {.how = mc::strategy::random, .executions = scaled(10)};
    require_no_victims(name_of(killed),
                       mc::stall_sweep(how, 1, [killed] { execute_killed_far_away(killed); }));
  }
}
