// SPDX-License-Identifier: MIT
/// \file
/// Campaigns over many runs: what happens when a thread stops for ever at any point, and which
/// memory orders matter.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "checker/mc.hpp"

namespace mc {

struct stall_report {
  std::uint32_t points = 0;             ///< operations before which the thread was stopped
  std::vector<std::uint32_t> blocking;  ///< those at which another thread waited for it for ever
  std::string example;                  ///< the trace of the first
  failure other = failure::none;        ///< anything else that went wrong
  std::string what;
};

/// Stops `thread` before its n-th operation, for every n, and runs the others to their end: a body
/// whose operations are lock-free has no blocking point.
stall_report stall_sweep(const options& how, int thread, const std::function<void()>& body);

struct test_body {
  std::string name;
  std::function<void()> body;
  options how = {};
};

struct mutant {
  mutation change;
  std::string source;  ///< the line of code, without indentation
  std::string killer;  ///< the test that noticed; empty: it survived
  std::string what;
};

/// Every atomic operation and fence that the bodies reach in files whose path contains `part`, once
/// for each weaker order, or without the fence: which body notices?
std::vector<mutant> kill_matrix(const std::vector<test_body>& bodies, const std::string& part);

/// "bucket.hpp | load | acquire -> relaxed | return state(...);": how a list names a mutant. Line
/// numbers change too easily.
std::string name_of(const mutant& m);
const char* name_of_order(int order);

}  // namespace mc
