// SPDX-License-Identifier: MIT
/// \file
/// Small programs with what the checker must say about each: nothing, or a kind of failure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "checker/mc.hpp"

namespace expectations {

struct expectation {
  const char* name;
  mc::failure failure;  ///< none: correct, no strategy may report anything
  std::function<void()> body;
  mc::options how = {};  ///< what the program needs: memory reuse, refused membarrier, ...
};

/// What the checker's machinery must do: heap, threads, mutexes, statics, exceptions.
const std::vector<expectation>& machinery();

/// Runs it under several strategies. Empty: the checker said what it had to say.
inline std::string verify(const expectation& e, int seeded_fault = 0) {
  const bool wrong = e.failure != mc::failure::none;
  bool found = false;
  for (const auto how : {mc::strategy::pct, mc::strategy::random, mc::strategy::bounded}) {
    mc::options o = e.how;
    o.how = how;
    o.executions = wrong ? 20'000 : 3'000;
    o.seeded_fault = seeded_fault;
    o.trace = false;
    const mc::result r = mc::run(o, e.body);
    if (r.failed() && r.kind != e.failure)
      return std::string(mc::name(how)) + " reported " + mc::name(r.kind) + ": " + r.what;
    found = found || r.failed();
    if (found) break;
  }
  return wrong && !found ? "nothing was found" : "";
}

}  // namespace expectations
