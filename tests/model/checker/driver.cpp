// SPDX-License-Identifier: MIT
/// \file
/// `run`: one execution after the other, what is prepared before each and judged after it, the
/// search trees of the depth-first strategies, replay.
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include <cstdarg>
#include <cstdlib>
#include <new>

#include "state.hpp"

namespace mc {

using namespace detail;

namespace detail {
void find_real_functions();  // interpose.cpp
}

namespace {

template <class T>
T* pages(u64 n) {
  void* p = mmap(nullptr, n * sizeof(T), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    std::perror("mc: mmap");
    std::_Exit(2);
  }
  return static_cast<T*>(p);
}

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

void create_runtime() {
  auto* r = new (static_cast<void*>(pages<runtime>(1))) runtime();
  r->locations = pages<location>(location_slots);
  r->region_shadow = pages<granule>(region_bytes / 8);
  r->other_shadow = pages<granule>(granule_slots);
  r->chunks = pages<overflow_chunk>(chunk_capacity);
  r->syncs = pages<sync_object>(sync_slots);
  r->heap_state = pages<u8>(arena_bytes / 8 + 64);
  r->blocks = pages<heap_block>(block_capacity);
  r->leak_work = pages<u32>(block_capacity);
  r->leak_seen = pages<u8>(block_capacity);
  r->path = pages<decision>(decision_capacity);
  r->events = pages<trace_event>(trace_capacity);
  r->text = pages<char>(text_capacity);
  r->sites = pages<site_entry>(site_slots);
  r->image_dirty = pages<u32>(image_capacity);
  void* region = mmap(reinterpret_cast<void*>(region_base), region_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (region != reinterpret_cast<void*>(region_base)) {
    std::fprintf(stderr, "mc: the address range of the model heap is taken\n");
    std::_Exit(2);
  }
  r->arena = static_cast<char*>(region);
  find_real_functions();
  rt = r;
  find_image();
  make_fibers();
  heap_reset();
}

// A crash of the code under test is a finding. The handler runs on a stack of its own and leaves
// the execution; the fiber's stack is abandoned.
void on_signal(int number) {
  if (rt->mode_ == mode::idle) {
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  stop(failure::crash, "signal %d: %s", number, strsignal(number));
}

struct signal_guard {
  static constexpr int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
  struct sigaction old[6];
  stack_t old_stack;
  signal_guard() {
    static char* const stack = pages<char>(64 << 10);
    stack_t s{};
    s.ss_sp = stack;
    s.ss_size = 64 << 10;
    sigaltstack(&s, &old_stack);
    struct sigaction a {};
    a.sa_handler = on_signal;
    a.sa_flags = SA_ONSTACK | SA_NODEFER;
    for (int i = 0; i < 6; ++i) sigaction(numbers[i], &a, &old[i]);
  }
  ~signal_guard() {
    for (int i = 0; i < 6; ++i) sigaction(numbers[i], &old[i], nullptr);
    sigaltstack(&old_stack, nullptr);
  }
};

double seconds_now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

bool depth_first(strategy s) {
  return s == strategy::bounded || s == strategy::exhaustive;
}

void reset_execution() {
  ++rt->execution;
  rt->kind = failure::none;
  rt->what[0] = 0;
  rt->abandoned = rt->someone_frozen = rt->diverged = false;
  rt->steps = rt->membarriers = 0;
  rt->entropy = rt->skipped_time = 0;
  rt->current = rt->thread_count = 0;
  rt->location_count = rt->other_count = rt->chunk_count = 0;
  rt->sc_position = 0;
  std::memset(static_cast<void*>(&rt->sc_clock), 0, sizeof rt->sc_clock);
  rt->exit_count = rt->key_count = 0;
  rt->event_count = 0;
  rt->text_length = 1;
  heap_reset();
}

/// One execution of the body under `seed` or along rt->path.
void execute(const std::function<void()>& body, u64 seed) {
  reset_execution();
  begin_choices(seed);
  rt->mode_ = mode::checker;
  const int t = start_thread(0);
  fiber& f = rt->threads[t];
  // The body is called through a reference: nothing of it is copied into the execution.
  f.argument = const_cast<std::function<void()>*>(&body);
  f.start = [](void* b) -> void* {
    (*static_cast<const std::function<void()>*>(b))();
    return nullptr;
  };
  enter_execution();
  rt->mode_ = mode::idle;
  rt->current = 0;
  if (rt->kind == failure::none && !rt->abandoned && !rt->someone_frozen) check_leaks();
  restore_image();
}

/// To the next leaf of the search tree; false: there is none.
bool next_path() {
  while (rt->path_length != 0) {
    decision& d = rt->path[rt->path_length - 1];
    if (d.taken + 1 < d.options) {
      ++d.taken;
      return true;
    }
    --rt->path_length;
  }
  return false;
}

std::string token(u64 seed, u32 expected) {
  std::string s = name(rt->how.how);
  if (!depth_first(rt->how.how)) {
    s += ":" + std::to_string(seed);
    if (rt->how.how == strategy::pct) s += ":" + std::to_string(expected);
    return s;
  }
  s += ":";
  u32 n = rt->path_length;
  while (n > 0 && rt->path[n - 1].taken == 0) --n;
  for (u32 i = 0; i < n; ++i) s += "0123456789abcdefghijklmnopqrstuvwxyz"[rt->path[i].taken % 36];
  return s;
}

struct parsed_token {
  bool valid = false;
  strategy how = strategy::pct;
  u64 seed = 0;
  u32 expected = 0;
  std::string path;
};

parsed_token parse(const std::string& s) {
  parsed_token t;
  const std::size_t colon = s.find(':');
  if (colon == std::string::npos) return t;
  for (int k = 0; k < 4; ++k)
    if (s.compare(0, colon, name(static_cast<strategy>(k))) == 0) {
      t.how = static_cast<strategy>(k);
      t.valid = true;
    }
  const char* rest = s.c_str() + colon + 1;
  if (depth_first(t.how)) {
    t.path = rest;
    return t;
  }
  char* end;
  t.seed = std::strtoull(rest, &end, 10);
  if (*end == ':') t.expected = static_cast<u32>(std::strtoul(end + 1, nullptr, 10));
  return t;
}

void take_path(const std::string& s) {
  rt->path_length = 0;
  for (char c : s)
    rt->path[rt->path_length++] = {0, static_cast<u32>(c >= 'a' ? c - 'a' + 10 : c - '0')};
  rt->path_given = true;
}

/// The failing execution again, with the recorder on.
void tell(result& r, const std::function<void()>& body, u64 seed, u32 expected) {
  r.kind = rt->kind;
  r.replay = token(seed, expected);
  if (!rt->how.trace) {
    r.what = rt->what;
    return;
  }
  rt->expected_steps = expected;
  if (depth_first(rt->how.how)) rt->path_given = true;
  char first[sizeof rt->what];
  std::memcpy(first, rt->what, sizeof first);
  rt->tracing = true;
  execute(body, seed);
  rt->tracing = false;
  rt->path_given = false;
  r.what = resolve_places(first);
  r.trace = describe_trace();
  if (std::strcmp(first, rt->what) != 0)
    r.trace += std::string("(the replay ended otherwise: ") + resolve_places(rt->what) + ")\n";
}

void begin_run(const options& how) {
  if (how.abi != sizeof(options)) {
    std::fprintf(stderr, "mc: a test was compiled with another mc.hpp\n");
    std::_Exit(2);
  }
  if (rt == nullptr) create_runtime();
  if (rt->mode_ != mode::idle) stop(failure::misuse, "run inside run");
  rt->how = how;
  rt->path_length = 0;
  rt->path_given = false;
  rt->watched = 0;
  rt->expected_steps = 40;
  rt->tracing = false;
  reset_sites();
  save_image();
}

}  // namespace

result run(const options& requested, const std::function<void()>& body) {
  begin_run(requested);
  const signal_guard signals;
  result r;
  u64 base = requested.seed;
  if (!requested.replay.empty()) {
    const parsed_token t = parse(requested.replay);
    rt->how.how = t.how;
    rt->how.executions = 1;
    base = t.seed;
    if (t.expected != 0) rt->expected_steps = t.expected;
    if (depth_first(t.how)) take_path(t.path);
  }
  const bool searching = depth_first(rt->how.how);
  const double begin = seconds_now();
  for (u64 i = 0; i < rt->how.executions; ++i) {
    const u32 expected = rt->expected_steps;
    const u64 seed = searching ? requested.seed : base + i;
    execute(body, seed);
    ++r.executions;
    r.steps += rt->steps;
    if (rt->abandoned) ++r.unfinished;
    if (rt->someone_frozen) ++r.frozen;
    if (rt->kind != failure::none) {
      tell(r, body, seed, expected);
      break;
    }
    if (rt->steps > rt->expected_steps) rt->expected_steps = rt->steps;
    if (searching && !next_path()) {
      r.complete = true;
      break;
    }
    if ((i & 127) == 127 && seconds_now() - begin > rt->how.seconds) break;
  }
  r.seconds = seconds_now() - begin;
  if (rt->how.collect_sites) resolve_sites(r.sites);
  rt->how.mutate = nullptr;
  return r;
}

// Inside a body --------------------------------------------------------------------------------

bool active() {
  return live();
}

int spawn(std::function<void()> thread) {
  const entered in;
  const int t = start_thread(code_offset(__builtin_return_address(0)));
  fiber& f = rt->threads[t];
  new (f.function) std::function<void()>();
  // What the closure allocated belongs to the execution; it moves, it is not copied.
  std::launder(reinterpret_cast<std::function<void()>*>(f.function))->swap(thread);
  f.has_function = true;
  return t;
}

void join(int thread) {
  const entered in;
  wait_for_thread(thread, code_offset(__builtin_return_address(0)));
}

void join_all() {
  const entered in;
  for (int t = 1; t < rt->thread_count; ++t)
    wait_for_thread(t, code_offset(__builtin_return_address(0)));
}

int self() {
  return rt->current;
}

void fail(const char* what) {
  if (rt == nullptr || rt->mode_ == mode::idle) {
    std::fprintf(stderr, "mc: failure outside an execution: %s\n", what);
    std::abort();
  }
  rt->mode_ = mode::checker;
  stop(failure::requirement, "%s", what);
}

unsigned pick(unsigned n) {
  const entered in;
  return decide(n);
}

void yield() {
  const entered in;
  yield_now();
}

bool frozen() {
  return rt->someone_frozen;
}
bool learns_of_death() {
  if (!rt->someone_frozen) return false;
  me().now.join(rt->threads[rt->how.frozen_thread].now);
  return true;
}
bool reached(int thread) {
  return rt->threads[thread].state == run_state::finished;
}
std::uint64_t now() {
  return rt->steps;
}
std::size_t live_bytes() {
  return rt->live_bytes;
}
std::size_t live_blocks() {
  return rt->live_blocks;
}

void note(const char* format, ...) {
  if (!live() || !rt->tracing || rt->text_length + 300 > text_capacity) return;
  const entered in;
  va_list arguments;
  va_start(arguments, format);
  const int n = std::vsnprintf(rt->text + rt->text_length, 256, format, arguments);
  va_end(arguments);
  record(event::note, 0, 0, 0, 0, 0)->text = rt->text_length;
  rt->text_length += static_cast<u32>(n < 255 ? n : 255) + 1;
}

namespace {
constexpr u64 clock_address = 8;  // operations' beginnings and ends do not commute
}

std::uint64_t operation_begins() {
  const entered in;
  visible(op::load, clock_address, false, 0);
  return rt->steps;
}

std::uint64_t operation_ends() {
  const entered in;
  if (rt->how.how == strategy::exhaustive) visible(op::store, clock_address, false, 0);
  return ++rt->steps;
}

std::uint64_t causal_stamp() {
  fiber& f = me();
  const u32 now = f.now.happened.of[rt->current];
  f.now.coherent.of[rt->current] = ++f.now.happened.of[rt->current];
  return now;
}

bool happened_before(std::uint64_t stamp, int thread) {
  return stamp <= me().now.happened.of[thread];
}

unseen::unseen() : was_active_(live()) {
  if (was_active_) rt->mode_ = mode::idle;
}
unseen::~unseen() {
  if (was_active_) rt->mode_ = mode::user;
}

}  // namespace mc
