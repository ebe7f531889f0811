// SPDX-License-Identifier: MIT
/// \file
/// Tables for people, JSON for tools.
#pragma once

#include "registry.hpp"

#include <string>
#include <vector>

namespace concur_bench {

struct result {
  std::string workload, keys, map;
  role kind;
  std::size_t n;
  unsigned threads;
  unsigned round;
  measurement m;
  double rate() const { return m.operations / m.seconds * 1e-6; }
};

/// One table: a row per map with the median rate, its range, the processor share, and the ratio to
/// the best concurrent peer formed inside each round.
void print_table(const std::vector<result>&, const std::string& workload, const std::string& keys,
                 std::size_t n, unsigned threads);
/// Per map of this library and table: the ratio to the best peer, and in how many rounds it held.
void print_summary(const std::vector<result>&);

/// How a run was made. Machine, compiler and flags are known here.
struct circumstances {
  std::string commit;
  unsigned rounds;
  double seconds;
};
/// The format of Google Benchmark's JSON reporter, with more in its context: read by its compare.py
/// and by tables.py and report.py.
void write_json(const std::vector<result>&, const circumstances&, const std::string& path);

}  // namespace concur_bench
