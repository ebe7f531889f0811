// SPDX-License-Identifier: MIT
/// \file
/// Who runs next. A scheduling point comes before every atomic operation, fence and blocking call.
/// Code between two of them runs undisturbed: no other thread could tell, unless there is a data
/// race, and races are found by happens-before, whatever the order of execution.
#include <cstdarg>

#include "state.hpp"

namespace mc::detail {

u64 random_bits() {
  u64& x = rt->random;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return x * 0x2545F4914F6CDD1DULL >> 11;
}

namespace {

constexpr u32 spin_limit = 12;  // re-reads without news before others must run

bool depth_first() {
  return rt->how.how == strategy::bounded || rt->how.how == strategy::exhaustive;
}

u32 next_on_path(u32 n) {
  if (rt->path_position < rt->path_length) {
    decision& d = rt->path[rt->path_position++];
    if (rt->path_given && d.options == 0) d.options = n;
    if (d.options != n || d.taken >= n) {
      rt->diverged = true;
      stop(failure::nondeterministic, "the body does not repeat: %u options, then %u, at choice %u",
           d.options, n, rt->path_position - 1);
    }
    return d.taken;
  }
  if (rt->path_given || rt->path_length >= decision_capacity) return 0;
  rt->path[rt->path_length++] = {n, 0};
  rt->path_position++;
  return 0;
}

/// May the next steps of a and b be exchanged without anybody noticing?
bool independent(const fiber& a, const fiber& b) {
  if (a.next == op::none || b.next == op::none) return false;
  if (a.next == op::barrier || b.next == op::barrier) return false;
  if (a.next == op::local || b.next == op::local) return true;
  if (a.next == op::sc_fence || b.next == op::sc_fence) return !(a.next_sc && b.next_sc);
  if (fault(1)) return true;
  return a.next_address != b.next_address || (a.next == op::load && b.next == op::load);
}

struct candidates {
  int thread[max_threads];
  int count = 0;
  bool has(int t) const {
    for (int i = 0; i < count; ++i)
      if (thread[i] == t) return true;
    return false;
  }
  void first(int t) {
    for (int i = 0; i < count; ++i)
      if (thread[i] == t) {
        for (; i > 0; --i) thread[i] = thread[i - 1];
        thread[0] = t;
        return;
      }
  }
};

candidates runnable() {
  candidates c;
  for (int t = 0; t < rt->thread_count; ++t)
    if (rt->threads[t].state == run_state::runnable && !rt->threads[t].yielded)
      c.thread[c.count++] = t;
  if (c.count != 0) return c;
  for (int t = 0; t < rt->thread_count; ++t)
    if (rt->threads[t].state == run_state::runnable) {
      rt->threads[t].yielded = false;
      c.thread[c.count++] = t;
    }
  return c;
}

int by_sleep_set(const candidates& c) {
  candidates awake;
  for (int i = 0; i < c.count; ++i)
    if ((rt->sleeping >> c.thread[i] & 1) == 0) awake.thread[awake.count++] = c.thread[i];
  if (awake.count == 0) {  // every continuation was explored from a sibling
    rt->abandoned = true;
    leave_execution();
  }
  const u32 p = next_on_path(static_cast<u32>(awake.count));
  const int t = awake.thread[p];
  u32 asleep = rt->sleeping;
  for (u32 i = 0; i < p; ++i) asleep |= 1u << awake.thread[i];
  rt->sleeping = 0;
  for (int i = 0; i < rt->thread_count; ++i)
    if ((asleep >> i & 1) != 0 && i != t && independent(rt->threads[i], rt->threads[t]))
      rt->sleeping |= 1u << i;
  return t;
}

int by_bound(candidates& c) {
  const bool may_stay = c.has(rt->current);
  if (may_stay && rt->preempted >= rt->how.preemptions) return rt->current;
  const u32 p = c.count > 1 ? next_on_path(static_cast<u32>(c.count)) : 0;
  if (may_stay && c.thread[p] != rt->current) rt->preempted++;
  return c.thread[p];
}

int by_priority(const candidates& c) {
  for (int i = 0; i < rt->change_count; ++i)
    if (rt->change_points[i] == rt->steps) me().priority = --rt->lowest_priority;
  int best = c.thread[0];
  for (int i = 1; i < c.count; ++i)
    if (rt->threads[c.thread[i]].priority > rt->threads[best].priority) best = c.thread[i];
  return best;
}

int choose(candidates& c) {
  if (rt->fair) return c.thread[random_bits() % static_cast<u32>(c.count)];
  c.first(rt->current);
  switch (rt->how.how) {
    case strategy::exhaustive:
      return by_sleep_set(c);
    case strategy::bounded:
      return by_bound(c);
    case strategy::pct:
      return by_priority(c);
    case strategy::random:
      break;
  }
  if (c.thread[0] == rt->current && (random_bits() & 255) < rt->stay) return rt->current;
  return c.thread[random_bits() % static_cast<u32>(c.count)];
}

void freeze() {
  const int t = rt->how.frozen_thread;
  if (t < 0 || t >= rt->thread_count) return;
  fiber& f = rt->threads[t];
  if (f.state != run_state::runnable || f.starting || f.operations < rt->how.frozen_before) return;
  f.state = run_state::frozen;
  rt->someone_frozen = true;
  record(event::frozen, 0, 0, 0, 0, 0)->thread = static_cast<u8>(t);
  wake(waiting::join, static_cast<u64>(t));
}

const char* waits_for(waiting w) {
  static const char* const names[] = {
      "nothing", "a thread to end",      "a mutex",     "a condition variable", "a read-write lock",
      "a futex", "a static initializer", "pthread_once"};
  return names[static_cast<int>(w)];
}

[[noreturn]] void nobody_can_run() {
  char text[400];
  int n = 0;
  for (int t = 0; t < rt->thread_count && n < 300; ++t) {
    const fiber& f = rt->threads[t];
    if (f.state != run_state::blocked) continue;
    n += std::snprintf(text + n, sizeof text - static_cast<std::size_t>(n), "%sT%d waits for %s",
                       n != 0 ? ", " : "", t, waits_for(f.wait_kind));
  }
  if (rt->someone_frozen) stop(failure::blocked_by_frozen, "blocked by a frozen thread: %s", text);
  stop(failure::deadlock, "deadlock: %s", text);
}

bool wake_timed() {
  for (int t = 0; t < rt->thread_count; ++t) {
    fiber& f = rt->threads[t];
    if (f.state != run_state::blocked || !f.timed) continue;
    f.state = run_state::runnable;
    f.timed_out = true;
    rt->skipped_time += 10;
    return true;
  }
  return false;
}

}  // namespace

u32 decide(u32 n) {
  if (n <= 1) return 0;
  return depth_first() && !rt->fair ? next_on_path(n) : static_cast<u32>(random_bits() % n);
}

void begin_choices(u64 seed) {
  rt->random = (seed + 1) * 0x9E3779B97F4A7C15ULL | 1;
  for (int i = 0; i < 3; ++i) random_bits();
  rt->path_position = 0;
  rt->sleeping = 0;
  rt->preempted = 0;
  rt->fair = false;
  rt->lowest_priority = 1'000;
  rt->change_count = 0;
  static constexpr u32 stays[] = {0, 0, 128, 200, 240};
  static constexpr u32 freshness[] = {96, 128, 192, 240, 256};
  rt->stay = stays[random_bits() % 5];
  static constexpr u32 politeness[] = {256, 192, 96, 40};
  rt->fresh = freshness[random_bits() % 5];
  rt->polite = politeness[random_bits() % 4];
  if (rt->how.how != strategy::pct) return;
  const int d = rt->how.depth > 0
                    ? rt->how.depth
                    : 1 + static_cast<int>(random_bits() % static_cast<u32>(-rt->how.depth));
  rt->change_count = d - 1 < 16 ? d - 1 : 16;
  for (int i = 0; i < rt->change_count; ++i)
    rt->change_points[i] = 1 + static_cast<u32>(random_bits() % rt->expected_steps);
}

void schedule() {
  freeze();
  candidates c = runnable();
  if (c.count == 0 && wake_timed()) c = runnable();
  if (c.count == 0) nobody_can_run();
  const int t = choose(c);
  rt->threads[t].yielded = false;
  switch_to(t);
}

/// Counts a step. At the limit the schedule becomes fair and loads fresh: who then still does not
/// arrive, within as many steps again, never will.
static void count_step() {
  ++rt->steps;
  if (rt->steps <= rt->how.max_steps) return;
  if (!rt->fair) {
    rt->fair = true;
    for (int t = 0; t < rt->thread_count; ++t) rt->threads[t].yielded = false;
    return;
  }
  if (rt->steps <= 2 * rt->how.max_steps) return;
  if (rt->someone_frozen) stop(failure::blocked_by_frozen, "a thread spins for a frozen one");
  stop(failure::livelock, "livelock: no end after %u steps, the second half fair", rt->steps);
}

void visible(op kind, u64 address, bool sc, u32 program) {
  count_step();
  fiber& f = me();
  f.next = kind;
  f.next_address = address;
  f.next_sc = sc;
  f.wait_program = program;
  f.starting = false;
  schedule();
  ++f.operations;
  f.next = op::local;
  f.now.coherent.of[rt->current] = ++f.now.happened.of[rt->current];
}

/// A scheduler promises nothing to who yields: now and then the thread simply goes on, so that
/// what comes after a spin of bounded length is reached too.
static bool ignores_yield(fiber& f) {
  if (rt->fair) return false;
  switch (rt->how.how) {
    case strategy::exhaustive:
      return f.yields++ < 1 && decide(2) == 1;
    case strategy::bounded:
      return f.yields++ < 2 && decide(2) == 1;
    default:
      return (random_bits() & 255) >= rt->polite;
  }
}

void yield_now() {
  count_step();
  fiber& f = me();
  f.idle = f.idle > spin_limit / 2 ? spin_limit / 2 : f.idle;
  if (ignores_yield(f)) return;
  f.yielded = true;
  if (rt->how.how == strategy::pct) f.priority = --rt->lowest_priority;
  f.next = op::local;
  schedule();
  f.yielded = false;
}

void block(waiting kind, u64 address, u32 program) {
  fiber& f = me();
  f.state = run_state::blocked;
  f.wait_kind = kind;
  if (kind != waiting::futex) f.wait_bits = ~0u;
  f.wait_address = address;
  f.wait_program = program;
  f.timed_out = false;
  f.next = op::local;
  schedule();
  f.wait_kind = waiting::none;
  f.timed = false;
}

void wake(waiting kind, u64 address) {
  for (int t = 0; t < rt->thread_count; ++t) {
    fiber& f = rt->threads[t];
    if (f.state == run_state::blocked && f.wait_kind == kind &&
        (f.wait_address == address || (kind == waiting::join && f.wake_all_joins)))
      f.state = run_state::runnable;
  }
}

void thread_finished() {
  fiber& f = me();
  record(event::finish, 0, 0, 0, 0, 0);
  if (rt->current == 0) {
    for (int t = 1; t < rt->thread_count; ++t)
      if (rt->threads[t].state != run_state::finished && rt->threads[t].state != run_state::frozen)
        stop(failure::misuse, "the body returned while T%d still runs", t);
    leave_execution();
  }
  f.state = run_state::finished;
  for (int t = 0; t < rt->thread_count; ++t) rt->threads[t].yielded = false;
  wake(waiting::join, static_cast<u64>(rt->current));
  f.next = op::local;
  schedule();
  __builtin_unreachable();
}

/// A new fiber, runnable; what it runs is filled in by the caller.
int start_thread(u32 program) {
  if (rt->thread_count == max_threads)
    stop(failure::misuse, "more than %d threads in one execution", max_threads - 1);
  const int t = rt->thread_count++;
  fiber& f = rt->threads[t];
  fiber& parent = me();
  std::memset(reinterpret_cast<char*>(&f) + sizeof f.fixed, 0, sizeof f - sizeof f.fixed);
  f.state = run_state::runnable;
  f.starting = true;
  f.next = op::local;
  f.priority = 1'000'000 + static_cast<u32>(random_bits() % 1'000'000);
  if (t != 0) {
    f.now = parent.now;
    parent.now.coherent.of[rt->current] = ++parent.now.happened.of[rt->current];
    parent.priority = 3'000'000;
  }
  if (fault(2)) f.now = view{};
  f.now.happened.of[t] = f.now.coherent.of[t] = 2;
  prepare_fiber(t);
  record(event::spawn, 0, 0, 0, static_cast<u64>(t), program);
  return t;
}

void stop(failure kind, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(rt->what, sizeof rt->what, format, arguments);
  va_end(arguments);
  rt->kind = kind;
  leave_execution();
}

}  // namespace mc::detail
