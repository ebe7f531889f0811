// SPDX-License-Identifier: MIT
/// \file
/// Runs a body under every strategy and both fence modes, as part of a Catch2 test.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "checker/mc.hpp"
#include "support/catch.hpp"

namespace scenarios {

/// How much to explore: CONCUR_MODEL_SCALE multiplies.
inline std::uint64_t scaled(std::uint64_t executions) {
  const char* const scale = std::getenv("CONCUR_MODEL_SCALE");
  return scale != nullptr ? executions * std::strtoull(scale, nullptr, 10) : executions;
}

/// Runs a body under every strategy and both fence modes. Returns the executions made.
inline std::uint64_t explore(const std::string& name, std::uint64_t executions,
                             const std::function<void()>& body, mc::options base = {}) {
  std::uint64_t done = 0;
  const std::uint64_t share = scaled(executions) / 6 + 1;
  for (const bool membarrier : {true, false}) {
    for (const auto how : {mc::strategy::pct, mc::strategy::random, mc::strategy::bounded}) {
      mc::options o = base;
      o.how = how;
      o.executions = share;
      o.membarrier = membarrier;
      o.seconds = 3600;
      if (const char* const replay = std::getenv("CONCUR_MODEL_REPLAY")) o.replay = replay;
      const mc::result r = mc::run(o, body);
      done += r.executions;
      if (r.failed()) {
        std::printf("\n%s%s: %s: %s\nreplay: CONCUR_MODEL_REPLAY=%s\n%s", name.c_str(),
                    membarrier ? "" : ", no membarrier", mc::name(r.kind), r.what.c_str(),
                    r.replay.c_str(), r.trace.c_str());
        FAIL_CHECK(name << ": " << mc::name(r.kind) << ": " << r.what);
        return done;
      }
    }
  }
  return done;
}

}  // namespace scenarios
