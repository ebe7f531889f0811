// SPDX-License-Identifier: MIT
/// \file
/// What a map and a workload are to the runner. A peer is one source file of peers/: it writes an
/// adapter and ends with CONCUR_BENCH_MAP(adapter), which registers every workload that the adapter
/// can do, for every key type that it takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace concur_bench {

/// What a map may be compared with.
enum class role {
  ours,     ///< a map of this library
  peer,     ///< a concurrent map that does the same job
  fixed,    ///< concurrent, but cannot grow, or only for word keys: orients, not compared
  ceiling,  ///< one thread only: what is left on the table
  limit,    ///< the machine, no map at all
};

struct parameters {
  std::size_t n = 0;
  unsigned threads = 1;
  double seconds = 0.1;  ///< about how long the timed part should take
};

struct measurement {
  double operations = 0;
  double seconds = 0;
  double cpu_share = 1;
  std::vector<std::pair<std::string, double>> counters;  ///< beside the rate: latencies, bytes
};

using run_function = measurement (*)(const parameters&);

struct entry {
  std::string workload;
  std::string keys;
  std::string map;
  role kind;
  bool one_thread;   ///< the workload or the map is for one thread only
  bool own_process;  ///< what the process did before would show: memory, page faults
  run_function run;
};

std::vector<entry>& registry();
std::vector<entry>& checks();  ///< one for each adapter and key type, for --check

/// A filled map is kept between workloads that do not change it. Whoever fills another releases it.
void release_kept_map();
void keep_map(void (*release)());

}  // namespace concur_bench
