// SPDX-License-Identifier: MIT
#include "report.hpp"

#include "machine.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>

#if !defined(CONCUR_BENCH_FLAGS)
#define CONCUR_BENCH_FLAGS "unknown"
#endif

namespace concur_bench {
namespace {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

using rows = std::map<std::string, std::vector<const result*>>;

rows select(const std::vector<result>& all, const std::string& workload, const std::string& keys,
            std::size_t n, unsigned threads) {
  rows out;
  for (const result& r : all)
    if (r.workload == workload && r.keys == keys && r.n == n && r.threads == threads)
      out[r.map].push_back(&r);
  return out;
}

std::vector<double> rates(const std::vector<const result*>& row) {
  std::vector<double> out;
  for (const result* r : row) out.push_back(r->rate());
  return out;
}

/// The peer with the best median, or nothing.
const std::vector<const result*>* best_peer(const rows& table) {
  const std::vector<const result*>* best = nullptr;
  for (const auto& [name, row] : table)
    if (row.front()->kind == role::peer &&
        (best == nullptr || median(rates(row)) > median(rates(*best))))
      best = &row;
  return best;
}

/// Round by round: rounds that both have.
std::vector<double> ratios(const std::vector<const result*>& row,
                           const std::vector<const result*>& to) {
  std::vector<double> out;
  for (const result* r : row)
    for (const result* other : to)
      if (other->round == r->round) out.push_back(r->rate() / other->rate());
  return out;
}

const char* mark(role kind) {
  switch (kind) {
    case role::ours:
      return "*";
    case role::fixed:
      return "(fixed)";
    case role::ceiling:
      return "(1 thread only)";
    case role::limit:
      return "(machine)";
    case role::peer:
      break;
  }
  return "";
}

void print_counters(const rows& table) {
  const result& first = *table.begin()->second.front();
  if (first.m.counters.empty()) return;
  std::printf("\n| map |");
  for (const auto& counter : first.m.counters) std::printf(" %s |", counter.first.c_str());
  std::printf("\n|---|");
  for (std::size_t i = 0; i != first.m.counters.size(); ++i) std::printf("---|");
  std::printf("\n");
  for (const auto& [name, row] : table) {
    std::printf("| %s |", name.c_str());
    for (std::size_t i = 0; i != row.front()->m.counters.size(); ++i) {
      std::vector<double> values;
      for (const result* r : row) values.push_back(r->m.counters[i].second);
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      if (values.size() == 1)
        std::printf(" %.4g |", *low);
      else
        std::printf(" %.4g (%.4g-%.4g) |", median(values), *low, *high);
    }
    std::printf("\n");
  }
}

std::string compiler_name() {
#if defined(__clang__)
  return std::string("clang++ ") + __clang_version__;
#else
  return std::string("g++ ") + __VERSION__;
#endif
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

void print_table(const std::vector<result>& all, const std::string& workload,
                 const std::string& keys, std::size_t n, unsigned threads) {
  const rows table = select(all, workload, keys, n, threads);
  if (table.empty()) return;
  const auto* best = best_peer(table);
  std::vector<std::pair<double, const std::vector<const result*>*>> order;
  for (const auto& [name, row] : table) order.emplace_back(-median(rates(row)), &row);
  std::sort(order.begin(), order.end());
  std::printf(
      "\n### %s %s n=%zu threads=%u\n\n| map | Mops/s | to the best peer | CPU share "
      "|\n|---|---|---|---|\n",
      workload.c_str(), keys.c_str(), n, threads);
  for (const auto& [negative, row] : order) {
    const std::vector<double> values = rates(*row);
    std::vector<double> shares;
    for (const result* r : *row) shares.push_back(r->m.cpu_share);
    const std::string name = row->front()->map + " " + mark(row->front()->kind);
    std::printf("| %s | %.4g (%.4g-%.4g) | %.2f | %.2f |\n", name.c_str(), -negative,
                *std::min_element(values.begin(), values.end()),
                *std::max_element(values.begin(), values.end()),
                best == nullptr ? 0.0 : median(ratios(*row, *best)), median(shares));
  }
  print_counters(table);
}

void print_summary(const std::vector<result>& all) {
  bool any = false;
  std::vector<std::string> seen;
  for (const result& r : all) {
    if (r.kind != role::ours) continue;
    const std::string key = r.workload + "/" + r.keys + "/" + std::to_string(r.n) +
                            "/threads:" + std::to_string(r.threads) + "/" + r.map;
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
    seen.push_back(key);
    const rows table = select(all, r.workload, r.keys, r.n, r.threads);
    const auto* best = best_peer(table);
    if (best == nullptr) continue;
    const auto& row = table.at(r.map);
    const std::vector<double> to_best = ratios(row, *best);
    const auto won = std::count_if(to_best.begin(), to_best.end(), [](double x) { return x >= 1; });
    if (!any)
      std::printf(
          "\n### Summary\n\n| measured | Mops/s | best peer | its Mops/s | ratio (min-max) | "
          "rounds at least 1.0 |\n|---|---|---|---|---|---|\n");
    any = true;
    std::printf("| %s | %.4g | %s | %.4g | %.2f (%.2f-%.2f) | %td of %zu |\n", key.c_str(),
                median(rates(row)), best->front()->map.c_str(), median(rates(*best)),
                median(to_best), *std::min_element(to_best.begin(), to_best.end()),
                *std::max_element(to_best.begin(), to_best.end()), won, to_best.size());
  }
}

void write_json(const std::vector<result>& all, const circumstances& how, const std::string& path) {
  std::FILE* out = std::fopen(path.c_str(), "w");
  if (out == nullptr) return std::perror(path.c_str());
  char date[64] = "";
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  std::fprintf(
      out,
      "{\n  \"context\": {\"date\": \"%s\", \"num_cpus\": %zu, \"rounds\": %u, \"seconds\": %g",
      date, processors(), how.rounds, how.seconds);
  for (const auto& [name, text] : {std::pair<const char*, std::string>{"cpu", processor_name()},
                                   {"caches", cache_sizes()},
                                   {"system", system_name()},
                                   {"large_pages", large_pages()},
                                   {"compiler", compiler_name()},
                                   {"flags", CONCUR_BENCH_FLAGS},
                                   {"commit", how.commit}})
    std::fprintf(out, ",\n    \"%s\": %s", name, quoted(text).c_str());
  std::fprintf(out, "},\n  \"benchmarks\": [");
  const char* separator = "\n";
  for (const result& r : all) {
    const std::string name = r.workload + "/" + r.keys + "/" + std::to_string(r.n) +
                             "/threads:" + std::to_string(r.threads) + "/" + r.map;
    std::fprintf(out,
                 "%s    {\"name\": %s, \"run_name\": %s, \"run_type\": \"iteration\", "
                 "\"repetition_index\": %u, \"threads\": %u, "
                 "\"iterations\": 1, \"real_time\": %.9g, \"cpu_time\": %.9g, \"time_unit\": "
                 "\"ns\", \"items_per_second\": %.9g, "
                 "\"workload\": \"%s\", \"keys\": \"%s\", \"n\": %zu, \"map\": %s, \"role\": %d, "
                 "\"cpu_share\": %.4g",
                 separator, quoted(name).c_str(), quoted(name).c_str(), r.round, r.threads,
                 r.m.seconds / r.m.operations * 1e9,
                 r.m.seconds * r.m.cpu_share / r.m.operations * 1e9, r.m.operations / r.m.seconds,
                 r.workload.c_str(), r.keys.c_str(), r.n, quoted(r.map).c_str(),
                 static_cast<int>(r.kind), r.m.cpu_share);
    for (const auto& [counter, amount] : r.m.counters)
      std::fprintf(out, ", \"%s\": %.9g", counter.c_str(), amount);
    std::fprintf(out, "}");
    separator = ",\n";
  }
  std::fprintf(out, "\n  ]\n}\n");
  std::fclose(out);
}

}  // namespace concur_bench
