// SPDX-License-Identifier: MIT
/// \file
/// Clocks, pinned threads and processes, memory of the process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace concur_bench {

/// Cycles of the time stamp counter where there is one, else nanoseconds.
inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  extern std::uint64_t steady_nanoseconds() noexcept;
  return steady_nanoseconds();
#endif
}

std::uint64_t steady_nanoseconds() noexcept;
double nanoseconds_per_tick();  ///< measured once, 20 ms
std::uint64_t thread_cpu_nanoseconds() noexcept;
/// How often the kernel took the processor away from this thread while it could have run.
std::uint64_t preemptions() noexcept;

std::size_t processors();  ///< that this process may use
std::string processor_name();
std::string cache_sizes();  ///< of one processor: "L1 32 KiB, L2 1 MiB, L3 32 MiB"
std::string system_name();  ///< distribution and C library
std::string large_pages();  ///< when the kernel gives them unasked: always, madvise, never

/// What one run of a team took.
struct team_time {
  double seconds = 0;    ///< from the first start to the last end
  double cpu_share = 0;  ///< processor time over what was there to have: 1 when nobody else ran
};

/// What the members of a team do before the clock starts: each(member), all at once, and when they
/// are done then(), the first one alone.
struct warm_up {
  std::function<void(unsigned)> each;
  std::function<void()> then;
};

/// Runs f(thread) on that many threads, started together; pinned one to a processor when there are
/// enough of them.
team_time on_team(unsigned threads, const std::function<void(unsigned)>& f,
                  const warm_up& before = {});

/// The same in processes of their own, children of this one: what they leave behind is what they
/// have written to shared pages.
team_time on_processes(unsigned processes, const std::function<void(unsigned)>& f,
                       const warm_up& before = {});

/// Pages that children of this process share with it. Zero. A child of `on_processes` has them all
/// in its page table before the clock starts: a fork does not copy that part of it, and the first
/// look at each page costs more than a thousand cycles.
class shared_pages {
 public:
  explicit shared_pages(std::size_t bytes);
  shared_pages(const shared_pages&) = delete;
  shared_pages& operator=(const shared_pages&) = delete;
  ~shared_pages();
  void* data() const noexcept { return at_; }
  std::size_t size() const noexcept { return bytes_; }
  static void map_all() noexcept;

 private:
  std::size_t bytes_;
  void* at_;
  shared_pages* next_;
  static shared_pages* first;
};

struct memory_use {
  std::size_t heap = 0;      ///< bytes given out by malloc
  std::size_t resident = 0;  ///< pages of the process in memory
};
memory_use memory();
std::size_t heap_in_use();   ///< as memory().heap, without a file being read
void trim_memory();          ///< gives free heap pages back, so that differences mean something
bool reset_peak_resident();  ///< false where the kernel does not allow it
std::size_t peak_resident();

template <class T>
inline void keep(const T& value) noexcept {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace concur_bench
