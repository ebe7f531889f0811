// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

namespace concur_bench {
namespace {

std::uint64_t read_clock(clockid_t clock) noexcept {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(t.tv_nsec);
}

std::vector<int> allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> out;
  if (sched_getaffinity(getpid(), sizeof set, &set) == 0)
    for (int i = 0; i < CPU_SETSIZE; ++i)
      if (CPU_ISSET(static_cast<std::size_t>(i), &set)) out.push_back(i);
  return out;
}

void pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  sched_setaffinity(0, sizeof set, &set);
}

std::size_t status_field(const char* field) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.rfind(field, 0) == 0) return std::stoull(line.substr(std::strlen(field))) * 1024;
  return 0;
}

}  // namespace

std::uint64_t steady_nanoseconds() noexcept {
  return read_clock(CLOCK_MONOTONIC);
}
std::uint64_t thread_cpu_nanoseconds() noexcept {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

double nanoseconds_per_tick() {
  static const double value = [] {
    const std::uint64_t begin = steady_nanoseconds();
    const std::uint64_t first = ticks();
    while (steady_nanoseconds() - begin < 20'000'000) {
    }
    const std::uint64_t last = ticks();
    return static_cast<double>(steady_nanoseconds() - begin) / static_cast<double>(last - first);
  }();
  return value;
}

std::uint64_t preemptions() noexcept {
  rusage use{};
  getrusage(RUSAGE_THREAD, &use);
  return static_cast<std::uint64_t>(use.ru_nivcsw);
}

std::size_t processors() {
  return std::max<std::size_t>(1, allowed_processors().size());
}

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

team_time on_team(unsigned threads, const std::function<void(unsigned)>& f) {
  struct alignas(128) record {
    std::uint64_t begin = 0, end = 0, cpu = 0;
  };
  std::vector<record> records(threads);
  const std::vector<int> where = allowed_processors();
  const bool pinned = threads <= where.size();
  std::barrier start(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::thread> team;
  for (unsigned t = 0; t != threads; ++t)
    team.emplace_back([&, t] {
      if (pinned) pin(where[t]);
      start.arrive_and_wait();
      record& mine = records[t];
      const std::uint64_t cpu = thread_cpu_nanoseconds();
      mine.begin = steady_nanoseconds();
      f(t);
      mine.end = steady_nanoseconds();
      mine.cpu = thread_cpu_nanoseconds() - cpu;
    });
  for (std::thread& member : team) member.join();
  std::uint64_t begin = records[0].begin;
  std::uint64_t end = 0;
  std::uint64_t cpu = 0;
  for (const record& r : records) {
    begin = std::min(begin, r.begin);
    end = std::max(end, r.end);
    cpu += r.cpu;
  }
  const double wall = static_cast<double>(end - begin);
  const double room = wall * static_cast<double>(std::min<std::size_t>(
                                 threads, std::max<std::size_t>(1, where.size())));
  return {wall * 1e-9, static_cast<double>(cpu) / room};
}

std::size_t heap_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

memory_use memory() {
  const std::size_t heap = heap_in_use();
  std::size_t pages = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return {heap, resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE))};
}

void trim_memory() {
  malloc_trim(0);
}

bool reset_peak_resident() {
  std::FILE* file = std::fopen("/proc/self/clear_refs", "w");
  if (file == nullptr) return false;
  const bool good = std::fputs("5", file) >= 0;
  return std::fclose(file) == 0 && good;
}

std::size_t peak_resident() {
  return status_field("VmHWM:");
}

}  // namespace concur_bench
