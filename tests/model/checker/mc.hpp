// SPDX-License-Identifier: MIT
/// \file
/// The model checker's interface. A test hands `run` a body; the body is executed many times, each
/// time under another interleaving and another legal choice of stale values, on fibers of one
/// thread. The code under test is compiled with `-fsanitize=thread` and linked with the checker in
/// place of the ThreadSanitizer runtime: every plain access, atomic operation and fence, every
/// mutex, futex, thread and allocation is seen, and the code under test knows nothing of it.
///
///     mc::result r = mc::run({.how = mc::strategy::pct}, [] {
///       auto map = std::make_unique<map_type>();
///       bool a = false, b = false;
///       mc::spawn([&] { a = map->insert({7, 1}); });
///       mc::spawn([&] { b = map->insert({7, 2}); });
///       mc::join_all();
///       mc::require(a != b, "exactly one insert wins");
///     });
///
/// A body must be deterministic but for what `pick` and the schedule decide. Static variables of
/// the program are as fresh in every execution as they were when `run` was called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mc {

enum class strategy : std::uint8_t {
  random,      ///< any runnable thread at every step; how often to switch is drawn per execution
  pct,         ///< probabilistic concurrency testing: priorities, few random change points
  bounded,     ///< depth first, every schedule with at most `preemptions` preemptions
  exhaustive,  ///< depth first, everything, pruned by sleep sets
};

enum class failure : std::uint8_t {
  none,
  requirement,  ///< `require` was given false, an assertion failed, the program aborted
  race,         ///< two conflicting accesses, one of them plain, without happens-before
  use_after_free,
  bad_free,       ///< double free, free of what was never allocated
  out_of_bounds,  ///< access beside every heap block
  leak,
  deadlock,           ///< nobody can run
  livelock,           ///< everybody runs and nobody arrives, even under a fair schedule
  blocked_by_frozen,  ///< a thread waits for the one that was frozen
  mixed_size,         ///< atomics of different sizes on the same bytes
  misuse,             ///< unlock of a foreign mutex, join of nothing, ...
  crash,              ///< a signal
  nondeterministic,   ///< the body does not repeat under the same choices
};

/// One place in the source that performs an atomic operation, whatever number of instructions the
/// compiler made of it.
struct site {
  std::string file;  ///< the innermost frame that is not in a system header
  int line = 0;
  std::string function;
  std::string operation;  ///< "load", "store", "rmw", "cas", "cas failure", "fence", "light fence"
  int order = 0;          ///< __ATOMIC_RELAXED ... __ATOMIC_SEQ_CST
  std::vector<std::uint32_t> programs;  ///< code offsets
};

/// Weakens one site. `order` −1 removes a fence.
struct mutation {
  site where;
  int order = 0;
};

struct options {
  strategy how = strategy::pct;
  std::uint64_t seed = 1;
  std::uint64_t executions = 20'000;  ///< stop after this many ...
  double seconds = 60;                ///< ... or after this long
  int depth = -6;                     ///< pct: d − 1 change points; −n draws d from 1..n
  int preemptions = 2;                ///< bounded
  bool weak_memory = true;            ///< stale reads and late stores; off: sequential consistency
  bool races = true;
  bool leaks = true;
  bool reuse_memory = false;  ///< freed memory may be handed out again
  bool spurious = true;       ///< weak compare-exchange fails, condition variables wake up
  bool membarrier = true;     ///< off: the kernel refuses it
  std::uint32_t membarrier_calls = ~0u;  ///< so many succeed, then it fails
  bool strict_light_fence = true;     ///< membarrier orders another thread only at its light fences
  std::uint32_t max_steps = 20'000;   ///< then the schedule turns fair, and as many steps again
  std::uint64_t fail_allocation = 0;  ///< the n-th allocation of an execution fails
  int frozen_thread = -1;             ///< this thread stops for ever ...
  std::uint32_t frozen_before = 0;    ///< ... before its n-th operation
  bool collect_sites = false;         ///< fill result::sites
  const mutation* mutate = nullptr;
  std::string replay = {};            ///< run exactly the execution that this token names
  bool trace = true;                  ///< on failure run it once more and write its story
  int seeded_fault = 0;               ///< break the checker itself (its own tests)
  std::size_t abi = sizeof(options);  ///< a stale object file is noticed
};

struct result {
  failure kind = failure::none;
  std::string what;    ///< one line
  std::string replay;  ///< token for options::replay
  std::string trace;   ///< the failing execution, one line per operation, with file:line
  std::uint64_t executions = 0;
  std::uint64_t steps = 0;
  std::uint64_t frozen = 0;      ///< executions in which options::frozen_thread was stopped
  std::uint64_t unfinished = 0;  ///< executions cut off by a bound (not failures)
  double seconds = 0;
  bool complete = false;  ///< depth first: nothing is left to explore
  std::vector<site> sites;

  bool failed() const { return kind != failure::none; }
};

/// Runs `body` as thread 0, again and again.
result run(const options& how, const std::function<void()>& body);
const char* name(failure kind);
const char* name(strategy how);

// Inside a body ------------------------------------------------------------------------------

int spawn(std::function<void()> thread);  ///< returns its number, 1 to 7
void join(int thread);
void join_all();  ///< all but a frozen one
int self();
[[noreturn]] void fail(const char* what);
inline void require(bool holds, const char* what) {
  if (!holds) fail(what);
}
unsigned pick(unsigned n);  ///< any of 0..n−1; explored
void yield();               ///< others should run before this thread goes on
bool frozen();              ///< a thread has been frozen in this execution
/// The same, and if so, the caller learns of it as of the death of a process: everything that the
/// frozen thread has done happens before. (A process is dead to others after its processor has left
/// it, with all stores done, and the kernel has said so under locks of its own.)
bool learns_of_death();
bool reached(int thread);  ///< that thread has finished
std::uint64_t now();       ///< steps so far: a logical clock
void note(const char* format, ...) __attribute__((format(printf, 1, 2)));  ///< a line in the trace
std::size_t live_bytes();  ///< allocated in this execution and not freed
std::size_t live_blocks();

/// Marks the beginning or the end of an operation whose real-time order matters: the thread may be
/// interrupted here. Returns the stamp.
std::uint64_t operation_begins();
std::uint64_t operation_ends();
/// Does the moment that `stamp` was taken by `thread` happen before the present of this thread?
bool happened_before(std::uint64_t stamp, int thread);
/// This thread's own stamp for `happened_before`.
std::uint64_t causal_stamp();

/// While it lives, what this thread does is not seen: what it writes stays for the next executions,
/// what it allocates is ordinary memory, and no other thread runs.
class unseen {
 public:
  unseen();
  ~unseen();
  unseen(const unseen&) = delete;
  unseen& operator=(const unseen&) = delete;

 private:
  bool was_active_;
};
template <class F>
void outside(F&& f) {
  const unseen scope;
  f();
}

/// True while a body runs.
bool active();

}  // namespace mc
