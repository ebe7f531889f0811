// SPDX-License-Identifier: MIT
/// \file
/// The scenarios for hours, on all cores: a program of its own, without Catch2, so that one file
/// can be carried to a large machine.
///
///     model_long_run --map seqmap --processes 16 --seconds 3600 --seed 1
///
/// Every process takes other seeds. It ends when the time is over or when each map has had
/// `--executions`. One summary line per map; the exit status is 1 if there was a violation.
/// A violation is printed with its trace and its replay token, and that process leaves the scenario
/// out from then on.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "scenarios/epoch_scenarios.hpp"
#include "scenarios/seq_array_scenarios.hpp"
#include "scenarios/sync_scenarios.hpp"
#include "scenarios/tiny_cmap.hpp"
#include "scenarios/tiny_seqmap.hpp"
#include "scenarios/together_scenarios.hpp"

namespace {

using namespace scenarios;

struct item {
  std::string name;
  std::function<void()> body;
  mc::options base = {};
};

struct subject {
  const char* name;
  std::function<std::vector<item>()> items;
};

template <class Adapter>
void add_map(std::vector<item>& all, const char* layout) {
  for (const auto& list : {pairs<Adapter>(), mixes()})
    for (const scenario& s : list)
      all.push_back({s.name + ", " + layout, [s] { execute<Adapter>(s); }});
}

template <class T>
void add_array(std::vector<item>& all, const char* type) {
  for (const auto& s : array_scenarios<T>())
    all.push_back(
        {std::string(s.name) + ", " + type, [s] { execute_array<T>(s.first, s.threads); }});
}

/// A further map is one line here.
std::vector<subject> subjects() {
  return {
      {"seqmap",
       [] {
         std::vector<item> all;
         add_map<narrow>(all, "words");
         add_map<wide_value>(all, "wide values");
         add_map<wide_key>(all, "wide keys");
         return all;
       }},
      {"cmap",
       [] {
         std::vector<item> all;
         add_map<in_leaves>(all, "leaves");
         add_map<in_elements>(all, "elements");
         add_map<in_lists>(all, "lists");
         for (const scenario& s : contractions())
           all.push_back({s.name, [s] { execute<in_leaves>(s); }});
         return all;
       }},
      {"seq_array",
       [] {
         std::vector<item> all;
         add_array<word>(all, "one word");
         add_array<three_words>(all, "three words");
         return all;
       }},
      {"together",
       [] {
         std::vector<item> all;
         for (const auto& s : together_scenarios())
           all.push_back(
               {"read_together " + std::to_string(all.size()), [s] { execute_together(s); }});
         return all;
       }},
      {"epoch",
       [] {
         std::vector<item> all;
         for (const auto& b : epoch::bodies(1))
           if (b.how.how == mc::strategy::pct) all.push_back({b.name, b.body, b.how});
         return all;
       }},
      {"sync",
       [] {
         std::vector<item> all;
         for (const auto& b : sync::bodies(1))
           if (b.how.how == mc::strategy::pct) all.push_back({b.name, b.body, b.how});
         return all;
       }},
  };
}

struct arguments {
  std::string map = "all";
  std::vector<mc::strategy> strategies = {mc::strategy::pct, mc::strategy::random};
  std::uint64_t seed = 1;
  std::uint64_t executions = ~std::uint64_t{0};  ///< of each map, all processes together
  double seconds = 60;                           ///< for each map
  unsigned processes = 1;
  std::uint64_t share = 500;  ///< executions of one scenario at a time
  std::string replay;
  std::string only;  ///< scenarios whose names contain this
};

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct tally {
  std::uint64_t executions = 0;
  std::uint64_t steps = 0;
  std::uint64_t violations = 0;
  std::uint64_t next_seed = 0;  ///< all below were used
};

void tell(const char* map, const item& i, bool membarrier, const mc::result& r) {
  std::printf("VIOLATION %s: %s%s: %s: %s\nreplay: --map %s --only '%s' --replay %s\n%s\n", map,
              i.name.c_str(), membarrier ? "" : ", no membarrier", mc::name(r.kind), r.what.c_str(),
              map, i.name.c_str(), r.replay.c_str(), r.trace.c_str());
  std::fflush(stdout);
}

/// Depth first knows no seeds: process p takes every P-th scenario, once, and goes as deep as
/// `share` allows.
tally work(const subject& s, const arguments& a, unsigned process) {
  std::vector<item> items = s.items();
  if (!a.only.empty())
    std::erase_if(items, [&](const item& i) { return i.name.find(a.only) == std::string::npos; });
  std::vector<bool> failed(items.size());
  tally t;
  const double end = now() + a.seconds;
  const std::uint64_t most = a.executions / a.processes;
  const bool searches = a.strategies.front() == mc::strategy::bounded;
  std::uint64_t seed = a.seed + process * a.share;
  for (std::uint64_t round = 0; round == 0 || !searches; ++round) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (failed[i] || (searches && i % a.processes != process)) continue;
      for (const bool membarrier : {true, false})
        for (const mc::strategy how : a.strategies) {
          if (failed[i]) continue;
          if (now() > end || t.executions >= most) return t;
          mc::options o = items[i].base;
          o.how = how;
          o.seed = seed;
          o.executions = a.share;
          o.seconds = end - now();
          o.membarrier = membarrier;
          o.replay = a.replay;
          const mc::result r = mc::run(o, items[i].body);
          t.executions += r.executions;
          t.steps += r.steps;
          if (!r.failed()) continue;
          ++t.violations;
          failed[i] = true;
          tell(s.name, items[i], membarrier, r);
        }
    }
    if (!a.replay.empty()) return t;
    seed += a.processes * a.share;
    t.next_seed = seed;
  }
  return t;
}

tally work_in_processes(const subject& s, const arguments& a) {
  std::vector<int> ends;
  std::fflush(stdout);
  for (unsigned p = 0; p < a.processes; ++p) {
    int channel[2];
    if (pipe(channel) != 0) std::exit(2);
    const pid_t child = fork();
    if (child < 0) std::exit(2);
    if (child == 0) {
      close(channel[0]);
      const tally t = work(s, a, p);
      const bool sent = write(channel[1], &t, sizeof t) == sizeof t;
      std::fflush(stdout);
      _exit(sent ? 0 : 2);
    }
    close(channel[1]);
    ends.push_back(channel[0]);
  }
  tally all;
  for (const int end : ends) {
    tally t;
    if (read(end, &t, sizeof t) != sizeof t) {
      std::printf("VIOLATION %s: a process ended without a word\n", s.name);
      t = {};
      t.violations = 1;
    }
    close(end);
    all.executions += t.executions;
    all.steps += t.steps;
    all.violations += t.violations;
    if (t.next_seed > all.next_seed) all.next_seed = t.next_seed;
  }
  while (wait(nullptr) > 0) {
  }
  return all;
}

[[noreturn]] void usage() {
  std::printf(
      "model_long_run [--map all|seqmap|seq_array|together|sync] [--strategy "
      "pct|random|both|bounded]\n"
      "  [--seed N] [--seconds S] [--executions N] [--processes P] [--share N] [--only TEXT]\n"
      "  [--replay TOKEN] [--list]\n"
      "--seconds and --executions are for each map. Seeds from --seed on; the summary says where\n"
      "another run goes on. --strategy bounded: depth first, every scenario once, --share deep.\n");
  std::exit(2);
}

arguments parse(int count, char** words, bool& list) {
  arguments a;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--list") {
      list = true;
      continue;
    }
    if (i + 1 == count) usage();
    const char* const value = words[++i];
    const auto number = [&] { return std::strtoull(value, nullptr, 10); };
    if (word == "--map")
      a.map = value;
    else if (word == "--seed")
      a.seed = number();
    else if (word == "--seconds")
      a.seconds = std::strtod(value, nullptr);
    else if (word == "--executions")
      a.executions = number();
    else if (word == "--processes")
      a.processes = static_cast<unsigned>(number());
    else if (word == "--share")
      a.share = number();
    else if (word == "--only")
      a.only = value;
    else if (word == "--replay")
      a.replay = value;
    else if (word != "--strategy")
      usage();
    else if (std::strcmp(value, "pct") == 0)
      a.strategies = {mc::strategy::pct};
    else if (std::strcmp(value, "random") == 0)
      a.strategies = {mc::strategy::random};
    else if (std::strcmp(value, "bounded") == 0)
      a.strategies = {mc::strategy::bounded};
    else if (std::strcmp(value, "both") != 0)
      usage();
  }
  if (a.processes == 0 || a.share == 0) usage();
  return a;
}

}  // namespace

int main(int count, char** words) {
  bool list = false;
  const arguments a = parse(count, words, list);
  bool found = false;
  std::uint64_t violations = 0;
  for (const subject& s : subjects()) {
    if (a.map != "all" && a.map != s.name) continue;
    found = true;
    if (list) {
      for (const item& i : s.items()) std::printf("%s: %s\n", s.name, i.name.c_str());
      continue;
    }
    const double begin = now();
    const tally t = work_in_processes(s, a);
    std::printf(
        "%s: %llu executions, %llu steps, %llu violations, %.0f s, %u processes, seeds "
        "%llu..%llu\n",
        s.name, static_cast<unsigned long long>(t.executions),
        static_cast<unsigned long long>(t.steps), static_cast<unsigned long long>(t.violations),
        now() - begin, a.processes, static_cast<unsigned long long>(a.seed),
        static_cast<unsigned long long>(t.next_seed == 0 ? a.seed + a.processes * a.share
                                                         : t.next_seed));
    std::fflush(stdout);
    violations += t.violations;
  }
  if (!found) usage();
  return violations == 0 ? 0 : 1;
}
