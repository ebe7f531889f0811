// SPDX-License-Identifier: MIT
/// \file
/// The runner. Two modes:
///
/// - Rounds (default): for each table (workload, keys, n, threads) every map is measured once, then
///   every map again, and so on: what the machine does meanwhile hits all maps alike, and a ratio
///   is formed inside a round. Prints tables, writes Google Benchmark's JSON.
/// - Google Benchmark (any --benchmark_… flag): the same measurements as ordinary benchmarks, so
/// that
///   its filters, reporters and compare.py work.
///
/// `--help` lists the flags; NOTES.md says how to measure.
#include "support/child.hpp"
#include "support/machine.hpp"
#include "support/registry.hpp"
#include "support/report.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace concur_bench {
namespace {

struct options {
  std::regex workloads{"."};
  std::regex maps{"."};
  std::regex without{"^$"};
  std::vector<std::string> keys{"u64"};
  std::vector<std::size_t> sizes{1000, 100'000};
  std::vector<std::string> threads{"1", "2"};
  unsigned rounds = 5;
  double seconds = 0.1;
  unsigned tries = 3;
  std::string json;
  std::string commit = "unknown";
  bool list = false;
  bool check = false;
};

template <class Read>
auto split(const std::string& text, const Read& read) {
  std::vector<decltype(read(text))> out;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, ',');) out.push_back(read(item));
  return out;
}

std::size_t read_size(const std::string& text) {
  std::size_t used = 0;
  const double number = std::stod(text, &used);
  const char unit = used < text.size() ? text[used] : ' ';
  return static_cast<std::size_t>(number * (unit == 'M' ? 1e6 : unit == 'k' ? 1e3 : 1));
}

unsigned read_threads(const std::string& text) {
  const auto all = static_cast<unsigned>(processors());
  if (text == "all") return all;
  if (text == "4x") return 4 * all;
  return static_cast<unsigned>(std::stoul(text));
}

[[noreturn]] void usage(int status) {
  std::puts(
      "concur_bench [--workloads=REGEX] [--maps=REGEX] [--without=REGEX] "
      "[--keys=u64,string,text,k32]\n"
      "             [--sizes=1k,100k,10M] [--threads=1,2,all,4x] [--rounds=5] [--seconds=0.1]\n"
      "             [--tries=3] [--json=FILE] [--commit=TEXT] [--list] [--check]\n"
      "or any flag of Google Benchmark, e.g. --benchmark_filter=a_hit/u64/100000/");
  std::exit(status);
}

options parse(int argc, char** argv) {
  options o;
  const auto same = [](const std::string& item) { return item; };
  for (int i = 1; i != argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equal = argument.find('=');
    const std::string name = argument.substr(0, equal);
    const std::string text = equal == std::string::npos ? "" : argument.substr(equal + 1);
    if (name == "--workloads")
      o.workloads = text;
    else if (name == "--maps")
      o.maps = text;
    else if (name == "--without")
      o.without = text;
    else if (name == "--keys")
      o.keys = split(text, same);
    else if (name == "--sizes")
      o.sizes = split(text, read_size);
    else if (name == "--threads")
      o.threads = split(text, same);
    else if (name == "--rounds")
      o.rounds = static_cast<unsigned>(std::stoul(text));
    else if (name == "--tries")
      o.tries = static_cast<unsigned>(std::stoul(text));
    else if (name == "--seconds")
      o.seconds = std::stod(text);
    else if (name == "--json")
      o.json = text;
    else if (name == "--commit")
      o.commit = text;
    else if (name == "--list")
      o.list = true;
    else if (name == "--check")
      o.check = true;
    else
      usage(name == "--help" ? 0 : 1);
  }
  return o;
}

/// One table: the maps that are measured round by round.
struct table {
  std::string workload, keys;
  parameters at;
  std::vector<const entry*> maps;
};

/// Workloads that leave the map as it was come first and share one filled map.
int rank(const std::string& workload) {
  static const std::vector<std::string> order{
      "a_hit",         "b_miss",   "c_zipf",         "g_hotread",   "i_iter",
      "u_zipfinc",     "g_hot",    "k_lock_uniform", "k_lock_zipf", "k_lock_zipf_1us",
      "k_lock_absent", "d_90_9_1", "e_50_25_25",     "h_erase",     "f_grow",
      "l_insert",      "m_memory", "n_empty"};
  return static_cast<int>(std::find(order.begin(), order.end(), workload) - order.begin());
}

/// "all" and "2" are the same on two processors.
std::vector<unsigned> thread_counts(const options& o) {
  std::vector<unsigned> out;
  for (const std::string& text : o.threads)
    if (const unsigned count = read_threads(text);
        std::find(out.begin(), out.end(), count) == out.end())
      out.push_back(count);
  return out;
}

std::vector<table> plan(const options& o) {
  std::vector<table> tables;
  for (const std::string& keys : o.keys)
    for (const std::size_t n : o.sizes)
      for (const unsigned threads : thread_counts(o)) {
        std::vector<table> here;
        for (const entry& e : registry()) {
          if (e.keys != keys || (e.one_thread && threads != 1)) continue;
          if (!std::regex_search(e.map, o.maps) || std::regex_search(e.map, o.without) ||
              !std::regex_search(e.workload, o.workloads))
            continue;
          auto found = std::find_if(here.begin(), here.end(),
                                    [&](const table& t) { return t.workload == e.workload; });
          if (found == here.end())
            found = here.insert(here.end(), {e.workload, keys, {n, threads, o.seconds}, {}});
          found->maps.push_back(&e);
        }
        std::sort(here.begin(), here.end(), [](const table& a, const table& b) {
          return std::pair(rank(a.workload), a.workload) < std::pair(rank(b.workload), b.workload);
        });
        tables.insert(tables.end(), here.begin(), here.end());
      }
  return tables;
}

/// A measurement that others disturbed (too little processor time) is taken again, at most `tries`
/// times in all; the least disturbed counts. More threads than processors are always short of it.
result measure(const table& t, const entry& e, unsigned round, unsigned tries) {
  result best{t.workload, t.keys, e.map, e.kind, t.at.n, t.at.threads, round, {}};
  best.m.cpu_share = -1;
  for (unsigned i = 0; i != tries && best.m.cpu_share < 0.95; ++i) {
    measurement m = e.own_process ? measure_in_child(e, t.at) : e.run(t.at);
    if (m.cpu_share > best.m.cpu_share) best.m = std::move(m);
    if (t.at.threads > processors()) break;
  }
  return best;
}

/// Large maps take longer to fill than to measure. So tables of one (keys, n, threads) with a large
/// n go through all workloads of one map before the next map.
void run_group(const std::vector<table>& group, const options& o, std::vector<result>& results) {
  const unsigned rounds = o.rounds;
  const bool by_map = group.front().at.n >= 1'000'000;
  for (unsigned round = 0; round != rounds && by_map; ++round) {
    std::vector<std::string> done;
    for (const table& t : group)
      for (const entry* e : t.maps) {
        if (std::find(done.begin(), done.end(), e->map) != done.end()) continue;
        done.push_back(e->map);
        for (const table& other : group)
          for (const entry* same : other.maps)
            if (same->map == e->map) results.push_back(measure(other, *same, round, o.tries));
        release_kept_map();
      }
    std::fprintf(stderr, "n=%zu threads=%u: round %u of %u\n", group.front().at.n,
                 group.front().at.threads, round + 1, rounds);
  }
  for (const table& t : group) {
    for (unsigned round = 0; round != rounds && !by_map; ++round)
      for (const entry* e : t.maps) results.push_back(measure(t, *e, round, o.tries));
    print_table(results, t.workload, t.keys, t.at.n, t.at.threads);
    std::fflush(stdout);
  }
  release_kept_map();
}

int run_rounds(const options& o) {
  const std::vector<table> tables = plan(o);
  if (o.list) {
    for (const table& t : tables)
      for (const entry* e : t.maps)
        std::printf("%s/%s/%zu/threads:%u/%s\n", t.workload.c_str(), t.keys.c_str(), t.at.n,
                    t.at.threads, e->map.c_str());
    return 0;
  }
  std::printf(
      "%s, %zu processors; %u rounds of %.2f s; million operations per second, median (min-max)\n",
      processor_name().c_str(), processors(), o.rounds, o.seconds);
  std::vector<result> results;
  for (auto first = tables.begin(); first != tables.end();) {
    const auto last = std::find_if(first, tables.end(), [&](const table& t) {
      return t.keys != first->keys || t.at.n != first->at.n || t.at.threads != first->at.threads;
    });
    run_group({first, last}, o, results);
    first = last;
    if (!o.json.empty())
      write_json(results, {o.commit, o.rounds, o.seconds},
                 o.json);  // after each group: a long run may be cut short
  }
  print_summary(results);
  return 0;
}

/// Every adapter against what the workloads expect of it: a map that does nothing is fast.
int run_checks(const options& o) {
  int wrong = 0;
  for (const entry& e : checks()) {
    if (!std::regex_search(e.map, o.maps)) continue;
    const bool good = e.run({20'000, 1, 0}).counters.front().second == 0;
    std::printf("%s %s: %s\n", e.map.c_str(), e.keys.c_str(), good ? "exact" : "WRONG");
    wrong += good ? 0 : 1;
  }
  return wrong == 0 ? 0 : 1;
}

int run_google_benchmark(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const entry& e : registry())
    for (const std::size_t n : {std::size_t{1000}, std::size_t{100'000}, std::size_t{10'000'000}})
      for (const unsigned threads : {1U, 2U, read_threads("all"), read_threads("4x")}) {
        if ((e.one_thread && threads != 1) || (threads > 2 && threads == 2 * processors()))
          continue;
        const std::string name = e.workload + "/" + e.keys + "/" + std::to_string(n) +
                                 "/threads:" + std::to_string(threads) + "/" + e.map;
        benchmark::RegisterBenchmark(
            name.c_str(),
            [&e, n, threads](benchmark::State& state) {
              for ([[maybe_unused]] auto _ : state) {
                const parameters p{n, threads, 0.1};
                const measurement m = e.own_process ? measure_in_child(e, p) : e.run(p);
                state.SetIterationTime(m.seconds);
                state.SetItemsProcessed(static_cast<std::int64_t>(m.operations));
                state.counters["cpu_share"] = m.cpu_share;
                for (const auto& [counter, amount] : m.counters) state.counters[counter] = amount;
              }
            })
            ->UseManualTime()
            ->Iterations(1);
        if (threads == processors() && threads <= 2) break;  // "all" is 1 or 2 here
      }
  benchmark::RunSpecifiedBenchmarks();
  release_kept_map();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace concur_bench

int main(int argc, char** argv) {
  if (concur_bench::answer_as_child(argc, argv)) return 0;
  for (int i = 1; i != argc; ++i)
    if (std::strncmp(argv[i], "--benchmark", 11) == 0)
      return concur_bench::run_google_benchmark(argc, argv);
  const concur_bench::options o = concur_bench::parse(argc, argv);
  return o.check ? concur_bench::run_checks(o) : concur_bench::run_rounds(o);
}
