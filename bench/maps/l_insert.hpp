// SPDX-License-Identifier: MIT
/// \file
/// Latency of each insert while one map grows from nothing to n, and of each find beside it.
#pragma once

#include "../support/histogram.hpp"
#include "../support/run.hpp"

namespace concur_bench {

/// Latencies of one thread. A slow operation during which the kernel took the processor away is
/// recorded with the processor time that the thread had meanwhile, which is an upper bound of its
/// own work; how long it was away is kept apart. Sleeping in a lock is the map's doing and counts.
/// (A hypervisor that takes the processor away is not seen: look at the best round.)
class stopwatch {
 public:
  stopwatch() { look(); }
  template <class F>
  void operator()(const F& f) {
    if (++since_look_ == 64) look();
    const std::uint64_t begin = ticks();
    f();
    const std::uint64_t taken = ticks() - begin;
    if (taken < suspicious_) [[likely]] {
      own_.record(taken);
      return;
    }
    const std::uint64_t preempted_before = preempted_;
    const std::uint64_t processor_before = processor_time_;
    look();
    if (preempted_ == preempted_before) {
      own_.record(taken);
      return;
    }
    const double had = static_cast<double>(processor_time_ - processor_before);
    own_.record(std::min(taken, static_cast<std::uint64_t>(had / nanoseconds_per_tick())));
    taken_away_ = std::max(taken_away_, taken);
  }
  void report(measurement& m, const char* prefix) const {
    const double scale = nanoseconds_per_tick();
    const auto add = [&](const char* what, std::uint64_t t, double unit) {
      m.counters.emplace_back(std::string(prefix) + what, static_cast<double>(t) * scale / unit);
    };
    add("p50_ns", own_.quantile(0.5), 1);
    add("p99_ns", own_.quantile(0.99), 1);
    add("p99.9_ns", own_.quantile(0.999), 1);
    add("p99.99_us", own_.quantile(0.9999), 1e3);
    add("max_ms", own_.maximum(), 1e6);
    add("preempted_max_ms", taken_away_, 1e6);
    m.counters.emplace_back(
        std::string(prefix) + "over_1ms",
        static_cast<double>(own_.above(static_cast<std::uint64_t>(1e6 / scale))));
  }

 private:
  /// Now and then: the two calls cost a microsecond.
  void look() {
    since_look_ = 0;
    preempted_ = preemptions();
    processor_time_ = thread_cpu_nanoseconds();
  }

  histogram own_;
  std::uint64_t taken_away_ = 0;
  std::uint64_t preempted_ = 0;
  std::uint64_t processor_time_ = 0;
  unsigned since_look_ = 0;
  std::uint64_t suspicious_ = static_cast<std::uint64_t>(20e3 / nanoseconds_per_tick());
};

/// One thread (p.threads == 1): every insert. More: thread 0 inserts, the others find keys that are
/// there already, until the last insert; rates and find_ latencies are those of thread 1.
template <class Map, class Key>
measurement l_insert(const parameters& p) {
  release_kept_map();
  use_once<Map, Key>(p.threads);
  Map map(p.n);
  nanoseconds_per_tick();
  std::vector<std::unique_ptr<stopwatch>> watches(p.threads);
  std::atomic<std::size_t> inserted{0};
  std::uint64_t finds = 0;
  const team_time time = on_team(p.threads, [&](unsigned t) {
    watches[t] = std::make_unique<stopwatch>();
    stopwatch& watch = *watches[t];
    typename Map::handle handle(map);
    if (t == 0) {
      for (std::size_t i = 0; i != p.n; ++i) {
        const auto& key = key_of<Key>(static_cast<std::uint32_t>(i));
        watch([&] { handle.insert(key, i); });
        if (i % 1024 == 0) inserted.store(i + 1, std::memory_order_release);
      }
      inserted.store(p.n, std::memory_order_release);
      return;
    }
    value sum = 0;
    std::uint64_t state = t;
    std::size_t there = 0;
    std::uint64_t done = 0;
    while ((there = inserted.load(std::memory_order_acquire)) != p.n) {
      if (there == 0) continue;
      const std::uint64_t drawn = finalize(state += 0x9e3779b97f4a7c15U) >> 32;
      const auto& key = key_of<Key>(static_cast<std::uint32_t>(drawn * there >> 32));
      watch([&] {
        value found = 0;
        if (handle.find(key, found)) sum += found;
      });
      ++done;
    }
    keep(sum);
    if (t == 1) finds = done;
  });
  measurement m{static_cast<double>(p.n), time.seconds, time.cpu_share, {}};
  watches[0]->report(m, "");
  if (p.threads > 1) {
    m.counters.emplace_back("find_Mops", static_cast<double>(finds) / time.seconds / 1e6);
    watches[1]->report(m, "find_");
  }
  return m;
}

}  // namespace concur_bench
