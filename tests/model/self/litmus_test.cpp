// SPDX-License-Identifier: MIT
#include "self/litmus.hpp"

#include "support/catch.hpp"

namespace {

std::string join(const std::set<std::string>& s) {
  std::string out;
  for (const std::string& o : s) out += (out.empty() ? "" : " ") + o;
  return out;
}

std::set<std::string> expected(const litmus::program& p) {
  std::set<std::string> s = p.allowed;
  for (const std::string& gap : p.missing) s.erase(gap);
  return s;
}

}  // namespace

TEST_CASE("exhaustive search finds exactly the outcomes that C++20 allows", "[litmus]") {
  for (const litmus::program& p : litmus::programs()) {
    INFO(p.name);
    const auto o = litmus::outcomes(p, {.how = mc::strategy::exhaustive, .executions = 2'000'000});
    INFO(o.result.what << o.result.trace);
    CHECK(!o.result.failed());
    CHECK(o.result.complete);
    CHECK(join(o.seen) == join(expected(p)));
  }
}

TEST_CASE("random executions find exactly the outcomes that C++20 allows", "[litmus]") {
  for (const litmus::program& p : litmus::programs()) {
    INFO(p.name);
    const auto o = litmus::outcomes(p, {.how = mc::strategy::random, .executions = 20'000});
    INFO(o.result.what << o.result.trace);
    CHECK(!o.result.failed());
    CHECK(join(o.seen) == join(expected(p)));
  }
}

TEST_CASE("priorities and bounded search find nothing that C++20 forbids", "[litmus]") {
  for (const litmus::program& p : litmus::programs()) {
    for (const auto how : {mc::strategy::pct, mc::strategy::bounded}) {
      INFO(p.name << ' ' << mc::name(how));
      const auto o = litmus::outcomes(p, {.how = how, .executions = 5'000, .preemptions = 2});
      CHECK(!o.result.failed());
      CHECK(!o.seen.empty());
      for (const std::string& s : o.seen) CHECK(p.allowed.count(s) == 1);
    }
  }
}

TEST_CASE("without weak memory every outcome is an interleaving", "[litmus]") {
  for (const litmus::program& p : litmus::programs()) {
    if (std::string(p.name) != "SB relaxed" && std::string(p.name) != "MP relaxed") continue;
    const auto o = litmus::outcomes(p, {.how = mc::strategy::exhaustive, .weak_memory = false});
    CHECK(o.result.complete);
    CHECK(o.seen.size() == 3);
  }
}
