// SPDX-License-Identifier: MIT
/// \file
/// Litmus tests: small programs with the exact set of outcomes that C++20 allows. `outcomes` asks
/// the checker for the set; the tests compare.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "checker/mc.hpp"

namespace litmus {

struct world {
  std::atomic<int> x{0};
  std::atomic<int> y{0};
  std::atomic<int> z{0};
  int r[4] = {-1, -1, -1, -1};
};

struct program {
  const char* name;
  std::vector<std::function<void(world&)>> threads;
  std::function<void(world&)> afterwards;  ///< runs after all threads, may be empty
  std::set<std::string> allowed;           ///< by C++20; "-" for a result that was not written
  std::set<std::string> missing = {};      ///< allowed, but not produced by the checker: the gap
};

const std::vector<program>& programs();

inline std::string text_of(const world& w) {
  std::string s;
  for (int v : w.r) s += v < 0 ? "-" : std::to_string(v);
  while (s.size() > 1 && s.back() == '-') s.pop_back();
  return s;
}

struct outcome_set {
  std::set<std::string> seen;
  mc::result result;
};

inline outcome_set outcomes(const program& p, mc::options how) {
  outcome_set out;
  out.result = mc::run(how, [&] {
    auto w = std::make_unique<world>();
    for (const auto& t : p.threads) mc::spawn([&w, &t] { t(*w); });
    mc::join_all();
    if (p.afterwards) p.afterwards(*w);
    mc::outside([&] { out.seen.insert(text_of(*w)); });
  });
  return out;
}

}  // namespace litmus
