// SPDX-License-Identifier: MIT
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "scenarios/sync_scenarios.hpp"
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
    for (const char* room : {"sync", "reclaim", "seqmap", "map"}) {
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
  judge(mc::kill_matrix(bodies, "/concur/detail/reclaim/"));
}
TEST_CASE("the orders of seqmap", "[.][long][matrix]") {
  judge(mc::kill_matrix(seqmap_bodies(scaled(100)), "/concur/detail/seqmap/"));
}
