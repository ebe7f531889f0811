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

/// Whoever writes, and sleeps at any operation of it: nobody who reads waits, not for that very
/// value either, nor who writes other keys.
template <class T>
void sleep_everywhere() {
  const std::vector<call> two = {on(kind::insert, 1, 1), on(kind::insert, 2, 2)};
  for (const auto& write : {on(kind::assign, 2, 5), on(kind::put, 2, 5), on(kind::add, 2, 7),
                            on(kind::replace, 2, 2, 5), on(kind::erase, 2), on(kind::take, 2),
                            on(kind::insert, 3, 3), on(kind::put, 3, 3)}) {
    const mc::options how = {.how = mc::strategy::random, .executions = scaled(30)};
    require_no_victims(name_of(write.what) + " sleeps", mc::stall_sweep(how, 1, [&] {
                         execute_asleep<T>(two, write,
                                           {{on(kind::find, write.key), on(kind::find, write.key)},
                                            {on(kind::assign, 1, 10), on(kind::insert, 4, 4),
                                             on(kind::erase, 1)}});
                       }));
  }
}

}  // namespace

TEST_CASE("shared_fixed_map: a writer that sleeps delays no reader, and no writer of other keys",
          "[shared_fixed_map][stall]") {
  sleep_everywhere<std::uint64_t>();
  sleep_everywhere<std::array<std::uint64_t, 3>>();
}

TEST_CASE("shared_fixed_map: processes as threads", "[shared_fixed_map]") {
  std::uint64_t done = 0;
  for (const scenario& s : shared_scenarios()) {
    done += explore(s.name, 3'000, [&] { execute_shared<std::uint64_t>(s); });
    done += explore(s.name, 3'000, [&] { execute_shared<std::array<std::uint64_t, 3>>(s); });
  }
  CHECK(done >= 10'000);
}

TEST_CASE("shared_fixed_map: operations beside the reuse of their slot", "[shared_fixed_map]") {
  std::uint64_t done = 0;
  for (const scenario& s : reuses())
    done += explore(s.name, 100, [&] { execute_shared<std::array<std::uint64_t, 3>>(s); });
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
