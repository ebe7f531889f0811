// SPDX-License-Identifier: MIT
/// \file
/// Everything that blocks: mutexes, condition variables, read-write locks, futexes, static
/// initializers, joins. The state of each object is kept here, by address, and not in the memory
/// of the object.
#include <cerrno>
#include <climits>

#include <pthread.h>

#include "state.hpp"

namespace mc::detail {

sync_object& sync_at(u64 address) {
  u64 i = address * 0x9E3779B97F4A7C15ULL >> 54;
  static_assert(sync_slots == 1 << 10);
  for (u32 n = 0; n < sync_slots; ++n, i = (i + 1) & (sync_slots - 1)) {
    sync_object& s = rt->syncs[i];
    if (s.execution == rt->execution) {
      if (s.address == address) return s;
      continue;
    }
    std::memset(static_cast<void*>(&s), 0, sizeof s);
    s.execution = rt->execution;
    s.address = address;
    s.owner = -1;
    return s;
  }
  stop(failure::misuse, "more than %u mutexes and the like in one execution", sync_slots);
}

void forget_syncs(u64 a, u64 size) {
  for (u32 i = 0; i < sync_slots; ++i) {
    sync_object& s = rt->syncs[i];
    if (s.execution != rt->execution || s.address - a >= size) continue;
    const u64 address = s.address;
    std::memset(static_cast<void*>(&s), 0, sizeof s);
    s.execution = rt->execution;
    s.address = address;
    s.owner = -1;
  }
}

namespace {

/// A wait with a time limit may give up at once; else it gives up when nothing else can happen.
bool gives_up(bool timed) {
  if (!timed || decide(4) != 1) return false;
  rt->skipped_time += 10;
  return true;
}

void publish(view& into) {
  fiber& f = me();
  into.join(f.now);
  f.now.coherent.of[rt->current] = ++f.now.happened.of[rt->current];
}

int pthread_kind(u64 a) {
#if defined(__GLIBC__)
  return reinterpret_cast<const pthread_mutex_t*>(a)->__data.__kind & 3;
#else
  (void)a;
  return 0;
#endif
}

bool take(sync_object& s, u64 a, bool only_try) {
  if (s.owner < 0) {
    s.owner = rt->current;
    s.recursion = 1;
    if (!fault(26)) me().now.join(s.released);
    return true;
  }
  if (s.owner != rt->current) return false;
  if (pthread_kind(a) == PTHREAD_MUTEX_RECURSIVE) {
    ++s.recursion;
    return true;
  }
  if (!only_try) stop(failure::deadlock, "deadlock: T%d locks a mutex that it holds", rt->current);
  return false;
}

}  // namespace

int mutex_lock(u64 a, bool only_try, bool timed, u32 program) {
  visible(op::store, a, false, program);
  touch(a, 1, access::atomic_write, program);
  for (;;) {
    if (take(sync_at(a), a, only_try)) break;
    if (only_try) return EBUSY;
    if (gives_up(timed)) return ETIMEDOUT;
    me().timed = timed;
    block(waiting::mutex, a, program);
    if (me().timed_out) return ETIMEDOUT;
  }
  record(event::lock, acquire, a, 0, 0, program);
  return 0;
}

int mutex_unlock(u64 a, u32 program) {
  visible(op::store, a, false, program);
  touch(a, 1, access::atomic_write, program);
  sync_object& s = sync_at(a);
  if (s.owner != rt->current)
    stop(failure::misuse, "T%d unlocks a mutex that it does not hold, at %s", rt->current,
         place(program).c_str());
  if (--s.recursion != 0) return 0;
  s.owner = -1;
  publish(s.released);
  record(event::unlock, release, a, 0, 0, program);
  wake(waiting::mutex, a);
  return 0;
}

int condition_wait(u64 c, u64 m, bool timed, u32 program) {
  visible(op::store, c, false, program);
  touch(c, 1, access::atomic_read, program);
  sync_object& s = sync_at(m);
  if (s.owner != rt->current)
    stop(failure::misuse, "T%d waits with a mutex that it does not hold", rt->current);
  const u32 depth = s.recursion;
  s.owner = -1;
  publish(s.released);
  wake(waiting::mutex, m);
  record(event::wait, 0, c, 0, 0, program);
  const bool spurious = rt->how.spurious && !rt->fair &&
                        (rt->how.how == strategy::random || rt->how.how == strategy::pct) &&
                        random_bits() % 16 == 0;
  bool timed_out = false;
  if (spurious) {
    yield_now();
  } else if (gives_up(timed)) {
    timed_out = true;
    yield_now();
  } else {
    me().timed = timed;
    block(waiting::condition, c, program);
    timed_out = me().timed_out;
  }
  while (!take(sync_at(m), m, false)) block(waiting::mutex, m, program);
  sync_at(m).recursion = depth;
  return timed_out ? ETIMEDOUT : 0;
}

/// Wakes all, or one of the waiters: any of them.
static u32 wake_some(waiting kind, u64 a, u32 bits, u32 limit) {
  u32 woken = 0;
  while (woken < limit) {
    int waiting_threads[max_threads];
    u32 n = 0;
    for (int t = 0; t < rt->thread_count; ++t) {
      const fiber& f = rt->threads[t];
      if (f.state == run_state::blocked && f.wait_kind == kind && f.wait_address == a &&
          (f.wait_bits & bits) != 0)
        waiting_threads[n++] = t;
    }
    if (n == 0) break;
    rt->threads[waiting_threads[decide(n)]].state = run_state::runnable;
    ++woken;
  }
  return woken;
}

void condition_wake(u64 c, bool all, u32 program) {
  visible(op::store, c, false, program);
  touch(c, 1, access::atomic_read, program);
  const u32 n = wake_some(waiting::condition, c, ~0u, all ? UINT_MAX : 1);
  record(event::wake, 0, c, 0, n, program);
}

int shared_lock(u64 a, bool writer, bool only_try, bool timed, u32 program) {
  visible(op::store, a, false, program);
  touch(a, 1, access::atomic_write, program);
  const u32 mine = 1u << rt->current;
  for (;;) {
    sync_object& s = sync_at(a);
    if (s.owner < 0 && (!writer || s.readers == 0)) {
      me().now.join(s.released);
      if (writer) {
        me().now.join(s.readers_released);
        s.owner = rt->current;
      } else {
        s.readers |= mine;
      }
      break;
    }
    if (only_try) return EBUSY;
    if (s.owner == rt->current || (writer && (s.readers & mine) != 0))
      stop(failure::deadlock, "deadlock: T%d locks a read-write lock that it holds", rt->current);
    if (gives_up(timed)) return ETIMEDOUT;
    me().timed = timed;
    block(waiting::read_write_lock, a, program);
    if (me().timed_out) return ETIMEDOUT;
  }
  record(event::lock, acquire, a, 0, writer ? 1 : 0, program);
  return 0;
}

int shared_unlock(u64 a, u32 program) {
  visible(op::store, a, false, program);
  touch(a, 1, access::atomic_write, program);
  sync_object& s = sync_at(a);
  const u32 mine = 1u << rt->current;
  if (s.owner == rt->current) {
    s.owner = -1;
    publish(s.released);
  } else if ((s.readers & mine) != 0) {
    s.readers &= ~mine;
    publish(s.readers_released);
  } else {
    stop(failure::misuse, "T%d unlocks a read-write lock that it does not hold", rt->current);
  }
  record(event::unlock, release, a, 0, 0, program);
  wake(waiting::read_write_lock, a);
  return 0;
}

/// The kernel compares with the newest value: it orders the waiter and the waker by a lock of its
/// own, and whoever stored and then wakes has its store seen.
long futex(u64 a, int operation, u32 value, bool timed, u32 bits, u32 program) {
  visible(op::store, a, false, program);
  if (operation == 1 || operation == 10) {  // FUTEX_WAKE, FUTEX_WAKE_BITSET
    const u32 n = fault(27) ? 0 : wake_some(waiting::futex, a, bits, value);
    record(event::wake, 0, a, 4, n, program);
    return n;
  }
  touch(a, 4, access::atomic_read, program);
  u32 present;
  std::memcpy(&present, reinterpret_cast<const void*>(a), 4);
  record(event::wait, 0, a, 4, value, program);
  if (present != value && !fault(28)) {
    errno = EAGAIN;
    return -1;
  }
  if (gives_up(timed)) {
    errno = ETIMEDOUT;
    return -1;
  }
  me().wait_bits = bits;
  me().timed = timed;
  block(waiting::futex, a, program);
  if (!me().timed_out) return 0;
  errno = ETIMEDOUT;
  return -1;
}

/// Function-local statics: the first byte of the guard says "initialized".
bool guard_acquire(u64 a, int size, u32 program) {
  for (;;) {
    if ((atomic_load(a, size, acquire, program) & 1) != 0) {
      me().now.join(sync_at(a).released);
      return false;
    }
    sync_object& s = sync_at(a);
    if (s.done) {  // a stale read of the byte
      me().now.join(s.released);
      return false;
    }
    if (s.owner < 0) {
      s.owner = rt->current;
      me().now.join(s.released);
      return true;
    }
    if (s.owner == rt->current)
      stop(failure::misuse, "a static initializer enters itself, at %s", place(program).c_str());
    block(waiting::guard, a, program);
  }
}

void guard_release(u64 a, int size, u64 done, u32 program) {
  if (done != 0) atomic_store(a, size, done, release, program);
  sync_object& s = sync_at(a);
  s.owner = -1;
  s.done = done != 0;
  publish(s.released);
  wake(waiting::guard, a);
}

void wait_for_thread(int t, u32 program) {
  visible(op::local, 0, false, program);
  fiber& f = rt->threads[t];
  while (f.state != run_state::finished && f.state != run_state::frozen)
    block(waiting::join, static_cast<u64>(t), program);
  if (f.state == run_state::finished && !fault(29)) me().now.join(f.now);
}

/// The end of a thread: destructors of its thread_local objects, then of its pthread keys; of
/// thread 0 also those of static objects made in this execution. Runs as the program.
void run_exits(fiber& f) {
  while (f.exit_count > 0) {
    const fiber::exit_action e = f.exits[--f.exit_count];
    e.run(e.object);
  }
  for (int round = 0; round < 4; ++round)
    for (int k = 0; k < rt->key_count; ++k) {
      void* const v = f.specific[k];
      f.specific[k] = nullptr;
      if (v != nullptr && rt->key_destructors[k] != nullptr) rt->key_destructors[k](v);
    }
  if (&f != &rt->threads[0]) return;
  while (rt->exit_count > 0) {
    const fiber::exit_action e = rt->exits[--rt->exit_count];
    e.run(e.object);
  }
}

}  // namespace mc::detail
