// SPDX-License-Identifier: MIT
/// \file
/// The C++20 memory model, executed. Every atomic object keeps its latest stores in modification
/// order. A load may return any store that coherence, happens-before and the order of seq_cst
/// operations do not rule out; a store or a read-modify-write may enter modification order before
/// stores that were executed earlier, within the same limits. Not simulated: a load that returns a
/// store executed after it (load buffering), see docs/verification.md.
///
/// The single total order S of seq_cst operations is the order of execution. What remains to be
/// enforced are the edges that reading an old store would add, [atomics.order] 4:
///  - a seq_cst load skips nothing that a seq_cst operation has stored or read;
///  - it skips nothing that happened before a seq_cst fence;
///  - after a seq_cst fence no load skips what a seq_cst operation before that fence has stored or
///    read, or what happened before an earlier fence.
#include "state.hpp"

namespace mc::detail {

namespace {

constexpr u32 prefer_fresh_at = 6;  // re-reads without news until only the newest store is read
constexpr u32 yield_at = 12;

u128 read_memory(u64 a, int size) {
  u128 v = 0;
  std::memcpy(&v, reinterpret_cast<const void*>(a), static_cast<std::size_t>(size));
  return v;
}

void write_memory(u64 a, int size, u128 v) {
  std::memcpy(reinterpret_cast<void*>(a), &v, static_cast<std::size_t>(size));
}

location* find(u64 a, bool make) {
  u64 i = a * 0x9E3779B97F4A7C15ULL >> 51;
  static_assert(location_slots == 1 << 13);
  for (;; i = (i + 1) & (location_slots - 1)) {
    location& l = rt->locations[i];
    if (l.execution != rt->execution) {
      if (!make) return nullptr;
      if (++rt->location_count > location_slots * 3 / 4)
        stop(failure::misuse, "more than %u atomic objects in one execution",
             location_slots * 3 / 4);
      l.execution = rt->execution;
      l.address = a;
      l.stale = true;
      return &l;
    }
    if (l.address == a) return &l;
  }
}

/// The location at `a`, its history begun anew if plain code (re)initialised it.
location& at(u64 a, int size, u32 program) {
  claim_atomic(a, size, program);
  location& l = *find(a, true);
  if (!l.stale && l.size == size && l.last().value == read_memory(a, size)) return l;
  l.stale = false;
  l.size = static_cast<u8>(size);
  l.first = 0;
  l.count = 1;
  store_record& s = l.at(0);
  std::memset(static_cast<void*>(&s), 0, sizeof s);
  s.value = read_memory(a, size);
  for (u32& c : s.seen.of) c = 1;
  return l;
}

u32 oldest(const location& l) {
  const u32 kept = l.count > history_depth ? l.count - history_depth : 0;
  return l.first > kept ? l.first : kept;
}

/// The oldest store that the running thread may still read, or place a store after.
u32 floor_of(location& l, int m) {
  const fiber& f = me();
  const u32 low = oldest(l);
  clock known = fault(3) ? f.now.happened : f.now.coherent;
  if (m == seq_cst && !fault(4)) known.join(rt->sc_clock);
  for (u32 i = l.count - 1; i > low; --i) {
    const store_record& s = l.at(i);
    for (int t = 0; t < rt->thread_count; ++t)
      if (s.seen.of[t] != 0 && s.seen.of[t] <= known.of[t] && !(fault(5) && t == rt->current))
        return i;
    if (s.sc_position != 0 && !fault(6) && (m == seq_cst || s.sc_position <= f.now.sc_fence))
      return i;
  }
  return low;
}

/// Thread-local record of what store i teaches.
void observe(location& l, u32 i, int m) {
  fiber& f = me();
  store_record& s = l.at(i);
  if (s.seen.of[rt->current] == 0) s.seen.of[rt->current] = f.now.happened.of[rt->current];
  if (m == seq_cst && s.sc_position == 0) s.sc_position = ++rt->sc_position;
  if (acquires(m) && !fault(7)) {
    f.now.join(s.released);
  } else if (!fault(8)) {
    f.acquired.join(s.released);
  }
}

/// Puts v into modification order right after store `p`.
void insert_after(location& l, u32 p, u128 v, int m, bool rmw, u32 program) {
  fiber& f = me();
  const int t = rt->current;
  store_record s;
  std::memset(static_cast<void*>(&s), 0, sizeof s);
  s.value = v;
  s.seen.of[t] = f.now.happened.of[t];
  s.thread = static_cast<u8>(t);
  s.is_rmw = rmw;
  s.program = program;
  if (releases(m) && !fault(9)) {
    s.released = f.now;
  } else if (!fault(10)) {
    s.released = f.fenced;
  }
  if (rmw && !fault(11)) s.released.join(l.at(p).released);
  if (m == seq_cst) s.sc_position = ++rt->sc_position;
  for (u32 i = l.count; i > p + 1; --i) l.at(i) = l.at(i - 1);
  l.at(p + 1) = s;
  ++l.count;
  note_image_write(granule_at(l.address), l.address);
  write_memory(l.address, l.size, l.last().value);
  f.now.coherent.of[t] = ++f.now.happened.of[t];
}

/// A store changed something: whoever spun may look again.
void wake_spinners() {
  me().idle = 0;
  for (int t = 0; t < rt->thread_count; ++t) rt->threads[t].yielded = false;
}

/// A loop that reads the same values again and again is a spin: it sees fresh values soon, and
/// others run.
void count_spin(u64 a, u128 v) {
  fiber& f = me();
  const auto low = static_cast<u64>(v);
  for (const recent_read& r : f.recent)
    if (r.address == a && r.value == low) {
      if (++f.idle > yield_at) yield_now();
      return;
    }
  f.recent[f.recent_at++ % 8] = {a, low};
}

bool reads_stale() {
  if (!rt->how.weak_memory || rt->fair || me().idle >= prefer_fresh_at) return false;
  if (rt->how.how == strategy::bounded || rt->how.how == strategy::exhaustive) return true;
  return (random_bits() & 255) >= rt->fresh;
}

/// The store in modification order that a new one directly follows.
u32 place_of_store(location& l, int m) {
  const u32 last = l.count - 1;
  if (!rt->how.weak_memory || rt->fair || l.count - oldest(l) >= history_depth) return last;
  const u32 low = floor_of(l, m);
  if (low == last) return last;
  const bool searching = rt->how.how == strategy::bounded || rt->how.how == strategy::exhaustive;
  if (!searching && (random_bits() & 7) != 0) return last;
  u32 options[history_depth];
  u32 n = 0;
  for (u32 i = last; i + 1 > low; --i) {
    // Nothing comes between a read-modify-write and the store that it read.
    if (i == last || !l.at(i + 1).is_rmw || fault(12)) options[n++] = i;
    if (i == 0) break;
  }
  return options[decide(n)];
}

trace_event* record_read(event kind, int m, location& l, u32 i, u32 program) {
  trace_event* e = record(kind, m, l.address, l.size, static_cast<u64>(l.at(i).value), program);
  e->newer = l.count - 1 - i;
  e->program_read = l.at(i).program;
  return e;
}

u128 mask_of(int size) {
  return size == 16 ? ~static_cast<u128>(0) : (static_cast<u128>(1) << (8 * size)) - 1;
}

}  // namespace

u128 combine(rmw_op f, u128 old, u128 v) {
  switch (f) {
    case rmw_op::exchange:
      return v;
    case rmw_op::add:
      return old + v;
    case rmw_op::sub:
      return old - v;
    case rmw_op::bit_and:
      return old & v;
    case rmw_op::bit_or:
      return old | v;
    case rmw_op::bit_xor:
      return old ^ v;
    case rmw_op::nand:
      return ~(old & v);
  }
  return v;
}

void forget_location(u64 a) {
  if (location* l = find(a, false)) l->stale = true;
}

u128 atomic_load(u64 a, int size, int m, u32 program) {
  m = site_order(program, 0, m);
  visible(op::load, a, m == seq_cst, program);
  touch(a, static_cast<u64>(size), access::atomic_read, program);
  location& l = at(a, size, program);
  u32 i = l.count - 1;
  const u32 low = floor_of(l, m);
  if (low < i && reads_stale()) i -= decide(i - low + 1);
  observe(l, i, m);
  const u128 v = l.at(i).value;
  record_read(event::load, m, l, i, program);
  count_spin(a, v);
  return v;
}

void atomic_store(u64 a, int size, u128 v, int m, u32 program) {
  m = site_order(program, 1, m);
  visible(op::store, a, m == seq_cst, program);
  touch(a, static_cast<u64>(size), access::atomic_write, program);
  location& l = at(a, size, program);
  const u64 old = static_cast<u64>(l.last().value);
  const u32 p = place_of_store(l, m);
  insert_after(l, p, v & mask_of(size), m, false, program);
  trace_event* e = record(event::store, m, a, size, static_cast<u64>(v & mask_of(size)), program);
  e->old_value = old;
  e->newer = l.count - 2 - p;
  wake_spinners();
}

u128 atomic_rmw(u64 a, int size, rmw_op f, u128 operand, int m, u32 program) {
  m = site_order(program, 2, m);
  visible(op::store, a, m == seq_cst, program);
  touch(a, static_cast<u64>(size), access::atomic_write, program);
  location& l = at(a, size, program);
  // It may read any store that it may also directly follow.
  const u32 p = fault(13) && l.count > 1 ? l.count - 2 : place_of_store(l, m);
  const u128 old = l.at(p).value;
  const u128 next = combine(f, old, operand) & mask_of(size);
  trace_event* e = record_read(event::rmw, m, l, p, program);
  e->old_value = static_cast<u64>(old);
  e->value = static_cast<u64>(next);
  observe(l, p, m);
  insert_after(l, p, next, m, true, program);
  if (next != old) {
    wake_spinners();
  } else if ((me().idle += 2) > yield_at) {
    yield_now();
  }
  return old;
}

bool atomic_cas(u64 a, int size, void* expected, u128 desired, int m, int failure_order, bool weak,
                u32 program) {
  if (failure_order == acq_rel) failure_order = acquire;
  if (failure_order == release) failure_order = relaxed;
  m = site_order(program, 3, m);
  failure_order = site_order(program, 4, failure_order);
  visible(op::store, a, m == seq_cst || failure_order == seq_cst, program);
  u128 wanted = 0;
  std::memcpy(&wanted, expected, static_cast<std::size_t>(size));
  location& l = at(a, size, program);
  // It succeeds on a store that it may directly follow, and fails on any readable other value.
  u32 p = l.count - 1;
  const u32 low = floor_of(l, failure_order);
  if (low < p && (reads_stale() || fault(14))) {
    const u32 low_success = floor_of(l, m);
    u32 options[history_depth];
    u32 n = 0;
    for (u32 i = p; i + 1 > low; --i) {
      const bool matches = l.at(i).value == wanted;
      const bool can_follow = i == p || (!l.at(i + 1).is_rmw && i >= low_success);
      const bool room = l.count - oldest(l) < history_depth;
      if (i == p || fault(14) || (matches ? can_follow && room : true)) options[n++] = i;
      if (i == 0) break;
    }
    p = options[decide(n)];
  }
  const bool succeeds = l.at(p).value == wanted &&
                        !(weak && rt->how.spurious && !rt->fair && me().idle < prefer_fresh_at &&
                          (rt->how.how == strategy::random || rt->how.how == strategy::pct) &&
                          (random_bits() & 15) == 0);
  touch(a, static_cast<u64>(size), succeeds ? access::atomic_write : access::atomic_read, program);
  trace_event* e = record_read(succeeds ? event::cas : event::cas_failed,
                               succeeds ? m : failure_order, l, p, program);
  e->old_value = static_cast<u64>(wanted);
  if (succeeds) {
    e->value = static_cast<u64>(desired);
    observe(l, p, m);
    insert_after(l, p, desired & mask_of(size), m, true, program);
    wake_spinners();
    return true;
  }
  const u128 seen = l.at(p).value;
  observe(l, p, failure_order);
  std::memcpy(expected, &seen, static_cast<std::size_t>(size));
  count_spin(a, seen);
  return false;
}

// Fences ---------------------------------------------------------------------------------------

static void sc_fence_here(fiber& f, int t) {
  if (!fault(15)) f.now.coherent.join(rt->sc_clock);
  if (!fault(16)) rt->sc_clock.join(f.now.coherent);
  f.now.sc_fence = ++rt->sc_position;
  f.fenced = f.now;
  f.light = f.now;
  f.now.coherent.of[t] = ++f.now.happened.of[t];
}

void thread_fence(int m, u32 program) {
  m = site_order(program, 5, m);
  if (m == relaxed || m < 0) return;
  visible(m == seq_cst ? op::sc_fence : op::local, 0, m == seq_cst, program);
  record(event::fence, m, 0, 0, 0, program);
  fiber& f = me();
  if (acquires(m) && !fault(17)) f.now.join(f.acquired);
  if (m == seq_cst) {
    sc_fence_here(f, rt->current);
  } else if (releases(m) && !fault(18)) {
    f.fenced = f.now;
    f.now.coherent.of[rt->current] = ++f.now.happened.of[rt->current];
  }
}

/// The light side of an asymmetric fence (P1202): a compiler fence that, paired with a membarrier
/// elsewhere, acts as a seq_cst fence.
void light_fence(u32 program) {
  const int m = site_order(program, 6, seq_cst);
  if (m < 0) return;
  record(event::light_fence, m, 0, 0, 0, program);
  fiber& f = me();
  if (f.heavy_pending) {
    f.heavy_pending = false;
    f.now.join(f.acquired);
    f.now.coherent.join(f.heavy.coherent);
    if (f.now.sc_fence < f.heavy.sc_fence) f.now.sc_fence = f.heavy.sc_fence;
    f.fenced = f.now;
  }
  f.light = f.now;
  f.now.coherent.of[rt->current] = ++f.now.happened.of[rt->current];
}

/// membarrier: a seq_cst fence here, one in every other thread (in strict mode at its last and next
/// light fence), and one more here.
void heavy_fence(u32 program) {
  const int m = site_order(program, 7, seq_cst);
  if (m < 0) return;
  visible(op::barrier, 0, true, program);
  record(event::heavy_fence, seq_cst, 0, 0, 0, program);
  fiber& mine = me();
  mine.now.join(mine.acquired);
  sc_fence_here(mine, rt->current);
  const auto n = static_cast<u32>(rt->thread_count);
  const u32 begin = n > 2 ? decide(n) : 0;
  for (u32 k = 0; k < n; ++k) {
    const int t = static_cast<int>((begin + k) % n);
    fiber& f = rt->threads[t];
    if (t == rt->current || fault(19)) continue;
    if (f.state == run_state::finished || !rt->how.strict_light_fence) {
      f.now.join(f.acquired);
      sc_fence_here(f, t);
      continue;
    }
    rt->sc_clock.join(f.light.coherent);
    f.heavy.coherent = rt->sc_clock;
    f.heavy.sc_fence = ++rt->sc_position;
    f.heavy_pending = true;
  }
  sc_fence_here(mine, rt->current);
}

}  // namespace mc::detail
