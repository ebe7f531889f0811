// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <gnu/libc-version.h>
#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
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

std::string cache_sizes() {
  std::string out;
  for (const auto& [name, what] : {std::pair{"L1", _SC_LEVEL1_DCACHE_SIZE},
                                   {"L2", _SC_LEVEL2_CACHE_SIZE},
                                   {"L3", _SC_LEVEL3_CACHE_SIZE}}) {
    const long bytes = sysconf(what);
    if (bytes <= 0) continue;
    const bool large = bytes >= 1 << 20;
    out += (out.empty() ? "" : ", ") + std::string(name) + " " +
           std::to_string(bytes >> (large ? 20 : 10)) + (large ? " MiB" : " KiB");
  }
  return out.empty() ? "unknown" : out;
}

std::string system_name() {
  std::string name = "unknown";
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("PRETTY_NAME=\"", 0) == 0) name = line.substr(13, line.size() - 14);
  return name + ", glibc " + gnu_get_libc_version();
}

std::string large_pages() {
  std::ifstream in("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  std::getline(in, line);
  const std::size_t open = line.find('[');
  const std::size_t close = line.find(']');
  return close == std::string::npos ? "never" : line.substr(open + 1, close - open - 1);
}

namespace {

struct alignas(128) member_time {
  std::uint64_t begin = 0, end = 0, cpu = 0;
};

member_time timed_member(const std::function<void(unsigned)>& f, unsigned member) {
  member_time mine;
  const std::uint64_t cpu = thread_cpu_nanoseconds();
  mine.begin = steady_nanoseconds();
  f(member);
  mine.end = steady_nanoseconds();
  mine.cpu = thread_cpu_nanoseconds() - cpu;
  return mine;
}

/// `meet()` returns when every member has called it as often.
template <class Meet>
member_time warm_member(const warm_up& before, const std::function<void(unsigned)>& f,
                        unsigned member, const Meet& meet) {
  if (before.each) {
    meet();
    before.each(member);
    meet();
    if (member == 0 && before.then) before.then();
  }
  meet();
  return timed_member(f, member);
}

team_time sum_of(const member_time* times, unsigned members, std::size_t processors) {
  std::uint64_t begin = times[0].begin;
  std::uint64_t end = 0;
  std::uint64_t cpu = 0;
  for (unsigned t = 0; t != members; ++t) {
    begin = std::min(begin, times[t].begin);
    end = std::max(end, times[t].end);
    cpu += times[t].cpu;
  }
  const double wall = static_cast<double>(end - begin);
  const double room = wall * static_cast<double>(std::min<std::size_t>(
                                 members, std::max<std::size_t>(1, processors)));
  return {wall * 1e-9, static_cast<double>(cpu) / room};
}

}  // namespace

team_time on_team(unsigned threads, const std::function<void(unsigned)>& f, const warm_up& before) {
  std::vector<member_time> times(threads);
  const std::vector<int> where = allowed_processors();
  const bool pinned = threads <= where.size();
  std::barrier all(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::thread> team;
  for (unsigned t = 0; t != threads; ++t)
    team.emplace_back([&, t] {
      if (pinned) pin(where[t]);
      times[t] = warm_member(before, f, t, [&] { all.arrive_and_wait(); });
    });
  for (std::thread& member : team) member.join();
  return sum_of(times.data(), threads, where.size());
}

team_time on_processes(unsigned processes, const std::function<void(unsigned)>& f,
                       const warm_up& before) {
  struct board {
    std::atomic<unsigned> arrived{0};
  };
  const shared_pages pages(sizeof(board) + alignof(member_time) + processes * sizeof(member_time));
  auto* const all = new (pages.data()) board;
  auto* const times =
      reinterpret_cast<member_time*>(static_cast<char*>(pages.data()) + alignof(member_time));
  const std::vector<int> where = allowed_processors();
  std::vector<pid_t> team;
  for (unsigned t = 0; t != processes; ++t) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (processes <= where.size()) pin(where[t]);
      shared_pages::map_all();
      unsigned expected = 0;
      times[t] = warm_member(before, f, t, [&] {
        expected += processes;
        // (1) release: what this one did before; acquire: the last one has seen all. Pairs with
        // (2).
        all->arrived.fetch_add(1, std::memory_order_acq_rel);
        // (2) acquire: pairs with (1).
        while (all->arrived.load(std::memory_order_acquire) < expected) std::this_thread::yield();
      });
      ::_exit(0);
    }
    if (child < 0) std::abort();
    team.push_back(child);
  }
  for (const pid_t child : team) {
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) std::abort();
  }
  return sum_of(times, processes, where.size());
}

shared_pages* shared_pages::first = nullptr;

shared_pages::shared_pages(std::size_t bytes)
    : bytes_(bytes),
      at_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
      next_(first) {
  if (at_ == MAP_FAILED) throw std::bad_alloc();
  first = this;
}
shared_pages::~shared_pages() {
  for (shared_pages** link = &first; *link != nullptr; link = &(*link)->next_) {
    if (*link != this) continue;
    *link = next_;
    break;
  }
  ::munmap(at_, bytes_);
}
void shared_pages::map_all() noexcept {
  for (const shared_pages* pages = first; pages != nullptr; pages = pages->next_) {
#if defined(MADV_POPULATE_WRITE)
    ::madvise(pages->at_, pages->bytes_, MADV_POPULATE_WRITE);  // cheaper than fault after fault
#endif
    // By the process itself, too: what is below the kernel may have page tables of its own.
    auto* const bytes = static_cast<unsigned char*>(pages->at_);
    for (std::size_t i = 0; i < pages->bytes_; i += 4096) {
      // Adds nothing, and so disturbs nobody who has begun already.
      std::atomic_ref<unsigned char>(bytes[i]).fetch_add(0, std::memory_order_relaxed);
    }
  }
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
