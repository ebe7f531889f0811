// SPDX-License-Identifier: MIT
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "scenarios/epoch_scenarios.hpp"
#include "scenarios/hazard_scenarios.hpp"
#include "scenarios/lockmap_waiting_scenarios.hpp"
#include "scenarios/lru_expiry_scenarios.hpp"
#include "scenarios/seq_array_scenarios.hpp"
#include "scenarios/shared_fixed_map_scenarios.hpp"
#include "scenarios/snapshot_scenarios.hpp"
#include "scenarios/sync_scenarios.hpp"
#include "scenarios/tiny_cmap.hpp"
#include "scenarios/tiny_fixed_map.hpp"
#include "scenarios/tiny_seqmap.hpp"

// Every memory order and fence of the library that the scenarios reach, weakened one at a time. A
// mutant that nobody notices must be in survivors.txt with the reason why the order stays.

namespace {

using namespace scenarios;

std::string directory_of_this_file() {
  const std::string path = __FILE__;
  return path.substr(0, path.rfind('/'));
}

struct survivor {
  std::string name;  ///< as mc::name_of
  std::string reason;
};

std::vector<survivor> listed() {
  std::ifstream in(directory_of_this_file() + "/../survivors.txt");
  std::vector<survivor> all;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t at = line.find(" || ");
    if (at == std::string::npos) {
      all.push_back({line, ""});
    } else {
      all.push_back({line.substr(0, at), line.substr(at + 4)});
    }
  }
  return all;
}

std::vector<mc::test_body> seqmap_bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  const auto add = [&](const std::string& name, std::function<void()> body, bool membarrier) {
    for (const auto how : {mc::strategy::pct, mc::strategy::random})
      all.push_back({name, body, {.how = how, .executions = executions, .membarrier = membarrier}});
  };
  for (const scenario& s : mixes()) {
    add(
        s.name + ", words", [s] { execute<narrow>(s); }, true);
    add(
        s.name + ", wide values", [s] { execute<wide_value>(s); }, true);
    add(
        s.name + ", wide keys", [s] { execute<wide_key>(s); }, true);
    add(
        s.name + ", words, no membarrier", [s] { execute<narrow>(s); }, false);
  }
  return all;
}

std::vector<mc::test_body> cmap_bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  const auto add = [&](const std::string& name, const std::function<void()>& body) {
    for (const bool membarrier : {true, false})
      for (const auto how : {mc::strategy::pct, mc::strategy::random})
        all.push_back({name + (membarrier ? "" : ", no membarrier"),
                       body,
                       {.how = how, .executions = executions, .membarrier = membarrier}});
  };
  for (const auto& list : {contractions(), mixes()})
    for (const scenario& s : list) {
      add(s.name + ", leaves", [s] { execute<in_leaves>(s); });
      add(s.name + ", elements", [s] { execute<in_elements>(s); });
      add(s.name + ", lists", [s] { execute<in_lists>(s); });
    }
  add("publication, leaves", [] { execute_publication<in_leaves>(); });
  add("publication, elements", [] { execute_publication<in_elements>(); });
  return all;
}

template <class T>
void add_array_bodies(std::vector<mc::test_body>& all, std::uint64_t executions, const char* type) {
  for (const auto& s : array_scenarios<T>())
    for (const bool membarrier : {true, false})
      for (const auto how : {mc::strategy::pct, mc::strategy::random})
        all.push_back(
            {std::string(s.name) + type + (membarrier ? "" : ", no membarrier"),
             [s] { execute_array<T>(s.first, s.threads); },
             {.how = how, .executions = executions * s.weight, .membarrier = membarrier}});
}

std::vector<mc::test_body> seq_array_bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  add_array_bodies<std::uint64_t>(all, executions, ", one word");
  add_array_bodies<std::array<std::uint64_t, 3>>(all, executions, ", three words");
  return all;
}

std::vector<mc::test_body> fixed_map_bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  const auto add = [&](const std::string& name, std::function<void()> body) {
    for (const auto how : {mc::strategy::pct, mc::strategy::random})
      all.push_back({name, body, {.how = how, .executions = executions}});
  };
  auto scenarios = slot_scenarios();
  for (const scenario& s : mixes())
    if (!is_of_growth(s)) scenarios.push_back(s);
  for (const scenario& s : scenarios) {
    add(s.name + ", words", [s] { execute_and_look<fixed_word>(s); });
    add(s.name + ", wide values", [s] { execute_and_look<fixed_wide>(s); });
    add(s.name + ", values in place", [s] { execute_and_look<fixed_boxed>(s); });
  }
  return all;
}

/// Processes as threads, and then one of them dies at every sixth of its operations.
std::vector<mc::test_body> shared_fixed_map_bodies(std::uint64_t executions) {
  using wide = std::array<std::uint64_t, 3>;
  std::vector<mc::test_body> all;
  for (const scenario& s : shared_scenarios())
    for (const auto how : {mc::strategy::pct, mc::strategy::random}) {
      const mc::options options = {.how = how, .executions = executions};
      all.push_back({s.name + ", words", [s] { execute_shared<std::uint64_t>(s); }, options});
      all.push_back({s.name + ", wide values", [s] { execute_shared<wide>(s); }, options});
    }
  for (const auto how : {mc::strategy::pct, mc::strategy::random}) {
    const mc::options options = {.how = how, .executions = executions * 10};
    all.push_back({"one process after another", execute_successor<std::uint64_t, true>, options});
    all.push_back({"one process beside another", execute_successor<std::uint64_t, false>, options});
  }
  const std::uint64_t few = executions / 25 + 1;
  for (const killing& k : killings())
    for (std::uint32_t point = 0; point < 240; point += 6) {
      const mc::options options = {
          .how = mc::strategy::random,
          .executions = few,
          .max_steps = 4'000,
          .frozen_thread = 1,
          .frozen_before = point + static_cast<std::uint32_t>(all.size()) % 6};
      all.push_back({k.name(),
                     [k] { execute_killed<std::uint64_t>(k.before, k.killed, {k.survivor}); },
                     options});
    }
  return all;
}

std::vector<mc::test_body> lockmap_bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  const auto add = [&](const std::string& name, const std::function<void()>& body) {
    for (const bool membarrier : {true, false})
      for (const auto how : {mc::strategy::pct, mc::strategy::random})
        all.push_back({name + (membarrier ? "" : ", no membarrier"),
                       body,
                       {.how = how, .executions = executions, .membarrier = membarrier}});
  };
  for (const auto& list : {locks::bodies(), locks::queue_bodies(), locks::stop_bodies()})
    for (const auto& [name, body] : list) add(name, body);
  for (const scenario& s : mixes()) {
    add(s.name + ", words", [s] { execute<locks::narrow>(s); });
    add(s.name + ", wide values", [s] { execute<locks::wide_value>(s); });
    add(s.name + ", wide keys", [s] { execute<locks::wide_key>(s); });
  }
  return all;
}

std::vector<mc::test_body> lru_bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  const auto add = [&](const auto& bodies, std::uint64_t n) {
    for (const auto& [name, body] : bodies)
      for (const bool membarrier : {true, false})
        for (const auto how : {mc::strategy::pct, mc::strategy::random})
          all.push_back({name + (membarrier ? "" : ", no membarrier"),
                         body,
                         {.how = how, .executions = n, .membarrier = membarrier}});
  };
  add(caches::expiry_bodies(), 8 * executions);  // of two threads each, and short
  add(caches::bodies(), executions);
  return all;
}

template <class Adapter>
void add_trie_bodies(std::vector<mc::test_body>& all, std::uint64_t executions, const char* type) {
  const auto add = [&](const std::string& name, const std::function<void()>& body) {
    // With and without the chance that a new node is at the address of one that others still know.
    for (const auto how : {mc::strategy::pct, mc::strategy::random})
      all.push_back(
          {name + type,
           body,
           {.how = how, .executions = executions, .reuse_memory = how == mc::strategy::random}});
  };
  using map = std::remove_reference_t<decltype(std::declval<Adapter&>().map())>;
  for (const auto& list : {contractions(), mixes()})
    for (const scenario& s : list) add(s.name, [s] { execute<Adapter>(s); });
  int number = 0;
  for (const auto& p : programs<map>())
    add("snapshots, program " + std::to_string(++number), [p] { execute_program(p); });
  all.push_back({std::string("second writer") + type,
                 [] { execute_second_writer<map>(); },
                 {.how = mc::strategy::pct, .executions = executions * 4}});
  add("publication", [] { execute_publication<Adapter>(); });
  add("size of a fork", [] { execute_fork_size<map>(); });
  add("partings", [] { execute_partings<map>(); });
  add("two owners", [] { execute_two_owners<map>(); });
  add("the last owner", [] { execute_last_owner<map>(); });
}

std::vector<mc::test_body> hamt_bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  add_trie_bodies<inline_pairs>(all, executions, ", pairs");
  add_trie_bodies<inline_leaves>(all, executions, ", leaves");
  add_trie_bodies<elements>(all, executions, ", elements");
  add_trie_bodies<collisions>(all, executions, ", equal hashes");
  for (std::uint32_t point = first_stop; point < last_stop; ++point)
    all.push_back({"stopped writer, pairs",
                   [] { execute_stopped_writer<tiny_hamt<trie_hash, 1, 32>>(); },
                   {.how = mc::strategy::random,
                    .executions = executions * 4,
                    .frozen_thread = 1,
                    .frozen_before = point}});
  for (const scenario& s : first_writers())
    for (const auto how : {mc::strategy::pct, mc::strategy::random})
      all.push_back(
          {s.name, [s] { execute<seeded_pairs>(s); }, {.how = how, .executions = executions}});
  return all;
}

void judge(const std::vector<mc::mutant>& matrix) {
  std::set<std::string> known;
  for (const survivor& s : listed()) known.insert(s.name);
  std::size_t killed = 0;
  std::set<std::string> survivors;
  for (const mc::mutant& m : matrix) {
    if (!m.killer.empty()) {
      ++killed;
      std::printf("killed    %s   by %s\n", mc::name_of(m).c_str(), m.killer.c_str());
    } else {
      survivors.insert(mc::name_of(m));
    }
  }
  for (const std::string& s : survivors) {
    std::printf("survived  %s\n", s.c_str());
    INFO(s);
    CHECK(known.count(s) == 1);
  }
  std::printf("%zu mutants, %zu killed\n", matrix.size(), killed);
  CHECK(!matrix.empty());
  CHECK(killed > 0);
}

}  // namespace

TEST_CASE("the list of survivors is current: every line names code that is there, and why",
          "[survivors]") {
  const auto all = listed();
  CHECK(!all.empty());
  for (const survivor& s : all) {
    INFO(s.name);
    CHECK(s.reason.size() > 20);
    const std::size_t bar = s.name.find(" | ");
    const std::size_t last = s.name.rfind(" | ");
    REQUIRE(bar != std::string::npos);
    REQUIRE(last > bar);
    const std::string file = s.name.substr(0, bar);
    const std::string code = s.name.substr(last + 3);
    bool found = false;
    for (const char* room : {"sync", "reclaim", "../reclaim", "seqmap", "seq_array", "cmap",
                             "fixed_map", "hamt", "lockmap", "lru", "map", ".."}) {
      std::ifstream in(directory_of_this_file() + "/../../../include/concur/detail/" + room + "/" +
                       file);
      for (std::string line; std::getline(in, line);)
        found = found || line.find(code) != std::string::npos;
    }
    CHECK(found);
  }
}

// Minutes each: `ctest -C long` runs them, or `model_kill_matrix "[matrix]"`.
TEST_CASE("the orders of the sync layer", "[.][long][matrix]") {
  auto bodies = sync::bodies(scaled(400));
  judge(mc::kill_matrix(bodies, "/concur/detail/sync/"));
}
TEST_CASE("the orders of the leaf hazard", "[.][long][matrix]") {
  auto bodies = sync::bodies(scaled(400));
  judge(mc::kill_matrix(bodies, "/leaf_hazard.hpp"));
}
TEST_CASE("the orders of hazard pointers", "[.][long][matrix]") {
  auto bodies = hazard::bodies(scaled(400));
  for (const char* file : {"/hazard_frame.hpp", "/retired_stripes.hpp", "/hazard_pointer.hpp"})
    judge(mc::kill_matrix(bodies, file));
}
TEST_CASE("the orders of reclamation by eras", "[.][long][matrix]") {
  judge(mc::kill_matrix(epoch::bodies(scaled(1500)), "/concur/detail/reclaim/"));
}
TEST_CASE("the orders of seqmap", "[.][long][matrix]") {
  judge(mc::kill_matrix(seqmap_bodies(scaled(100)), "/concur/detail/seqmap/"));
}
TEST_CASE("the orders of cmap", "[.][long][matrix]") {
  judge(mc::kill_matrix(cmap_bodies(scaled(100)), "/concur/detail/cmap/"));
}
TEST_CASE("the orders of hamt", "[.][long][matrix]") {
  judge(mc::kill_matrix(hamt_bodies(scaled(100)), "/concur/detail/hamt/"));
}
TEST_CASE("the orders of seq_array", "[.][long][matrix]") {
  judge(mc::kill_matrix(seq_array_bodies(scaled(400)), "/concur/detail/seq_array/"));
}
TEST_CASE("the orders of fixed_map, in own memory and in shared", "[.][long][matrix]") {
  auto bodies = fixed_map_bodies(scaled(100));
  for (auto& body : shared_fixed_map_bodies(scaled(100))) bodies.push_back(std::move(body));
  judge(mc::kill_matrix(bodies, "/concur/detail/fixed_map/"));
}
TEST_CASE("the orders of lockmap", "[.][long][matrix]") {
  auto bodies = lockmap_bodies(scaled(100));
  auto matrix = mc::kill_matrix(bodies, "/concur/detail/lockmap/");
  for (mc::mutant& m : mc::kill_matrix(bodies, "/concur/lockmap_stop.hpp")) {
    // What the C++ library does for a stop token there is its own.
    if (mc::name_of(m).find("word->") != std::string::npos) matrix.push_back(std::move(m));
  }
  judge(matrix);
}
TEST_CASE("the orders of lru_lockmap", "[.][long][matrix]") {
  judge(mc::kill_matrix(lru_bodies(scaled(200)), "/concur/detail/lru/"));
}
