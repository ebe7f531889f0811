// SPDX-License-Identifier: MIT
#include "self/planted.hpp"

#include "support/catch.hpp"

namespace {

std::vector<planted::program> programs() {
  std::vector<planted::program> p;
  planted::cells(p);
  planted::reclamation(p);
  planted::structures(p);
  return p;
}

}  // namespace

TEST_CASE("planted bugs are found", "[planted]") {
  int found = 0;
  for (const auto& p : programs()) {
    if (p.failure == mc::failure::none) continue;
    INFO(p.name);
    const std::string verdict = expectations::verify(p);
    CHECK(verdict == "");
    found += verdict.empty() ? 1 : 0;
  }
  CHECK(found >= 25);
}

TEST_CASE("nothing is found in the correct programs", "[planted]") {
  for (const auto& p : programs()) {
    if (p.failure != mc::failure::none) continue;
    INFO(p.name);
    CHECK(expectations::verify(p) == "");
  }
}

// Not asserted: how many executions each strategy needs. `model_self "[.table]"` prints them.
TEST_CASE("table of planted bugs", "[.table]") {
  for (const auto& p : programs()) {
    std::string line = p.name;
    line.resize(60, ' ');
    for (const auto how : {mc::strategy::random, mc::strategy::pct, mc::strategy::bounded,
                           mc::strategy::exhaustive}) {
      mc::options o = p.how;
      o.how = how;
      o.executions = 1'000'000;
      o.seconds = 5;
      o.trace = false;
      const mc::result r = mc::run(o, p.body);
      char text[64];
      std::snprintf(text, sizeof text, "%9llu%c %5.2fs |",
                    static_cast<unsigned long long>(r.executions),
                    r.failed()   ? '!'
                    : r.complete ? '.'
                                 : ' ',
                    r.seconds);
      line += text;
    }
    std::printf("%s\n", line.c_str());
  }
}
