// SPDX-License-Identifier: MIT
// How often the eviction policies hit, as a Markdown table: concur_hit_ratio [FOLDER]. FOLDER holds
// access traces, see tests/support/trace_files.hpp; without it only made traces are used. Every
// number is exact and the same on every machine: it is counted on the policies alone, with the
// number of shards that a cache of that capacity has on a large machine.
#include <algorithm>
#include <concur/policy/eviction.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/cache_simulator.hpp"
#include "support/made_traces.hpp"
#include "support/trace_files.hpp"

namespace {

namespace eviction = concur::eviction;

std::size_t shards_for(std::uint64_t capacity) {
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(capacity / 128, 1, 64));
}

double percent(std::uint64_t hits, const concur_test::trace& keys) {
  return 100 * static_cast<double>(hits) / static_cast<double>(keys.size());
}
template <class Policy>
double percent_of(const concur_test::trace& keys, std::uint64_t capacity, std::size_t shards) {
  return percent(concur_test::simulated_cache<Policy>(capacity, shards).hits(keys), keys);
}

/// What nobody can do better: Belady's, from the reference simulator, where it is known.
std::string optimum(const concur_test::golden_trace& golden, std::uint64_t capacity) {
  const auto row = golden.hits.find("opt");
  if (row == golden.hits.end() || row->second.count(capacity) == 0) return "–";
  char text[16];
  std::snprintf(text, sizeof text, "%.2f", percent(row->second.at(capacity), golden.keys));
  return text;
}

void print_row(const std::string& name, const concur_test::golden_trace& golden,
               std::uint64_t capacity) {
  const std::size_t shards = shards_for(capacity);
  const auto& keys = golden.keys;
  std::printf("| %s | %llu | %s | %.2f | %.2f | %.2f | %.2f |\n", name.c_str(),
              static_cast<unsigned long long>(capacity), optimum(golden, capacity).c_str(),
              percent_of<eviction::exact_lru>(keys, capacity, 1),
              percent_of<eviction::lru>(keys, capacity, shards),
              percent_of<eviction::s3fifo>(keys, capacity, shards),
              percent_of<eviction::w_tinylfu>(keys, capacity, shards));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) setenv("CONCUR_TRACES", argv[1], 1);
  std::puts("| trace | entries | optimum | `exact_lru` | `lru` | `s3fifo` | `w_tinylfu` |");
  std::puts("|---|--:|--:|--:|--:|--:|--:|");
  if (!concur_test::trace_folder().empty()) {
    for (const auto& [name, golden] : concur_test::golden_traces()) {
      for (const auto& [capacity, hits] : golden.hits.at("lru")) print_row(name, golden, capacity);
    }
  }
  constexpr std::size_t n = 1'000'000;
  const std::vector<std::pair<std::string, concur_test::trace>> made{
      {"Zipf 0.99, 1M keys", concur_test::zipf_trace(n, 1'000'000, 0.99, 1)},
      {"Zipf 0.8, 100k keys", concur_test::zipf_trace(n, 100'000, 0.8, 1)},
      {"Zipf 0.9, 20k keys, and scans of 10k", concur_test::scan_trace(n, 20'000, 10'000, 1)},
      {"loop of 20k keys", concur_test::loop_trace(n, 20'000)},
      {"Zipf, loop, moving set in turns", concur_test::mixed_trace(n, 20'000, 1)}};
  for (const auto& [name, keys] : made) {
    for (const std::uint64_t capacity : {1'000U, 10'000U}) print_row(name, {keys, {}}, capacity);
  }
}
