// SPDX-License-Identifier: MIT
/// \file
/// Everything the checker knows, in one structure that lives outside the program's data segment, so
/// that restoring the segment between executions does not touch it. Nothing here allocates through
/// the program's allocator, and no standard container is instantiated: a template that the
/// checker and the code under test share could be linked in its uninstrumented version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "mc.hpp"

namespace mc::detail {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
__extension__ typedef unsigned __int128 u128;

constexpr int max_threads = 8;     ///< thread 0 runs the body
constexpr int history_depth = 16;  ///< stores remembered per location
constexpr std::size_t stack_bytes = 256 << 10;
constexpr std::size_t arena_bytes = 24 << 20;

/// Memory orders as the compiler passes them.
enum order : int { relaxed, consume, acquire, release, acq_rel, seq_cst };
inline bool acquires(int m) {
  return m == acquire || m == consume || m == acq_rel || m == seq_cst;
}
inline bool releases(int m) {
  return m == release || m == acq_rel || m == seq_cst;
}

// Clocks ---------------------------------------------------------------------------------------

struct clock {
  u32 of[max_threads];
  void join(const clock& o) {
    for (int t = 0; t < max_threads; ++t) of[t] = of[t] > o.of[t] ? of[t] : o.of[t];
  }
};

/// What a thread knows, and what it passes on by a release.
/// `happened`: happens-before; decides races. `coherent`: happens-before and what seq_cst fences
/// order; decides which stores are too old to be read. `sc_fence`: position in the single total
/// order of the last seq_cst fence that happens before.
struct view {
  clock happened;
  clock coherent;
  u32 sc_fence;
  void join(const view& o) {
    happened.join(o.happened);
    coherent.join(o.coherent);
    sc_fence = sc_fence > o.sc_fence ? sc_fence : o.sc_fence;
  }
};

// Atomic locations -----------------------------------------------------------------------------

struct store_record {
  u128 value;
  view released;    ///< what an acquiring reader learns
  clock seen;       ///< per thread: its clock when it first observed this store; 0: never
  u32 sc_position;  ///< first seq_cst access of this store in the single total order; 0: none
  u32 program;      ///< code offset of the store
  u8 thread;
  bool is_rmw;  ///< reads its predecessor in modification order
};

/// Modification order of one atomic object: a ring of the latest stores.
struct location {
  u64 address;
  u32 execution;
  u8 size;
  bool stale;  ///< written by plain code since: starts anew
  u32 count;   ///< stores so far; the last has index count − 1
  u32 first;   ///< oldest remembered
  store_record ring[history_depth];
  store_record& at(u32 i) { return ring[i % history_depth]; }
  store_record& last() { return at(count - 1); }
};

// Shadow of plain and atomic accesses ----------------------------------------------------------

enum class access : u8 { atomic_read, atomic_write, plain_read, plain_write, release_memory };

struct access_record {
  u32 clock;
  u32 program;
  u8 thread;
  access kind;
  u8 bytes;  ///< mask within the granule
  u8 next;   ///< unused padding
};

/// Eight bytes of memory: the accesses that a later access could still race with, byte by byte.
struct granule {
  u64 key;
  u32 execution;
  u32 overflow;    ///< index of a chunk of further records, 0: none
  u8 atom_start;   ///< bytes at which an atomic object begins ...
  u8 atom_log[2];  ///< ... and log2 of their sizes, two bits each
  u8 count;
  u8 logged;  ///< bit 0: in the data segment and noted for restoration
  u8 unused[3];
  access_record records[3];
};
static_assert(sizeof(granule) == 64, "one cache line");

struct overflow_chunk {
  u32 next;
  u32 count;
  access_record records[7];
};

// Threads --------------------------------------------------------------------------------------

enum class run_state : u8 { unused, runnable, blocked, finished, frozen };
enum class waiting : u8 { none, join, mutex, condition, read_write_lock, futex, guard, once };
/// What the next step of a thread does, for partial-order reduction and traces.
enum class op : u8 { none, load, store, sc_fence, barrier, local };

struct recent_read {
  u64 address;
  u64 value;
};

struct fiber {
  /// What stays from one execution to the next.
  struct fixed_part {
    char* stack;
    u64 thread_pointer;  ///< of a parked real thread: its thread_local storage is borrowed
    u64 identity;        ///< its pthread_t
    char* tls;           ///< the program's thread_local block there
  } fixed;
  void* stack_pointer;
  run_state state;
  bool yielded;
  bool timed;  ///< blocked with a time limit
  bool timed_out;
  bool detached;
  bool wake_all_joins;  ///< thread 0 in join_all
  bool starting;        ///< has made no operation yet
  waiting wait_kind;
  u64 wait_address;
  u32 wait_bits;  ///< futex bitset
  u32 wait_program;
  view now;
  view acquired;  ///< learnt by relaxed loads, waiting for an acquire fence
  view fenced;    ///< at the last release fence
  view light;     ///< at the last light fence
  view heavy;     ///< ordered before this thread's next light fence by membarrier
  bool heavy_pending;
  op next;
  u64 next_address;
  bool next_sc;
  u32 priority;
  u32 idle;  ///< re-reads without news: a spin
  u32 operations;
  u32 yields;
  recent_read recent[8];
  u32 recent_at;
  u32 calls[192];  ///< shadow call stack: code offsets of the call sites
  u32 call_depth;
  struct exit_action {
    void (*run)(void*);
    void* object;
  } exits[64];
  int exit_count;
  void* specific[64];
  void* (*start)(void*);
  void* argument;
  void* value;  ///< what the start routine returned
  alignas(16) unsigned char function[sizeof(std::function<void()>)];
  bool has_function;
};

// Blocking objects -----------------------------------------------------------------------------

struct sync_object {
  u64 address;
  u32 execution;
  int owner;  ///< −1: free
  u32 recursion;
  u32 readers;  ///< mask
  bool done;    ///< pthread_once
  view released;
  view readers_released;
};

// Heap -----------------------------------------------------------------------------------------

struct heap_block {
  u64 address;
  u64 size;
  bool live;
  u8 thread_freed;
  u32 allocated_at;
  u32 freed_at;
  view freed;
};

// Trace ----------------------------------------------------------------------------------------

enum class event : u8 {
  load,
  store,
  rmw,
  cas,
  cas_failed,
  fence,
  light_fence,
  heavy_fence,
  plain_read,
  plain_write,
  allocate,
  free,
  lock,
  unlock,
  wait,
  wake,
  spawn,
  start,
  finish,
  frozen,
  begin,
  end,
  note,
  yield,
};

struct trace_event {
  event kind;
  u8 thread;
  u8 size;
  int8_t memory_order;
  u32 program;
  u32 program_read;  ///< load: code offset of the store that was read
  u32 newer;         ///< load: how many newer stores were passed over
  u64 address;
  u64 value;
  u64 old_value;
  u32 step;
  u32 text;  ///< offset in the note buffer
  u32 calls[6];
};

struct site_entry {
  u32 program;
  u8 operation;
  u8 order;
  int effective;  ///< after mutation; −1: removed
};

struct decision {
  u32 options;
  u32 taken;
};

// The whole ------------------------------------------------------------------------------------

enum class mode : u8 { idle, user, checker };
constexpr u32 decision_capacity = 1 << 18, location_slots = 1 << 13, granule_slots = 1 << 16;
constexpr u32 trace_capacity = 1 << 16, block_capacity = 1 << 18, site_slots = 1 << 13;
constexpr u32 chunk_capacity = 1 << 16, sync_slots = 1 << 10, text_capacity = 1 << 18;
constexpr u32 image_capacity = 1 << 16;
constexpr u64 region_base = 0x2000000000;
constexpr u64 region_bytes = arena_bytes + max_threads * (stack_bytes + 4096);

struct runtime {
  mode mode_;
  options how;
  fiber threads[max_threads];
  int current;
  int thread_count;
  void* home_stack;
  u64 home_thread_pointer;
  u32 execution;

  // outcome of the execution
  failure kind;
  char what[512];
  u64 watched;     ///< address of a race, so that the trace shows its plain accesses
  bool abandoned;  ///< cut off by a bound
  bool someone_frozen;

  // choices
  u64 random;
  u32 steps;
  u32 membarriers;
  u64 entropy;
  u64 skipped_time;  ///< a wait that ends by its time limit takes its time
  bool fair;
  decision* path;
  u32 path_length, path_position;
  bool path_given;  ///< replay of a depth-first path: nothing is chosen anew
  bool diverged;
  u32 sleeping;  ///< sleep set
  int preempted;
  u32 change_points[16];
  int change_count;
  u32 expected_steps;
  u32 lowest_priority;
  u32 stay;    ///< random: of 256, probability to stay with the running thread
  u32 polite;  ///< of 256, probability to honour a yield
  u32 fresh;   ///< of 256, probability to read the newest store

  // memory
  location* locations;
  u32 location_count;
  granule* region_shadow;  ///< one granule for every 8 bytes of the region
  granule* other_shadow;   ///< hash table for all other memory
  u32 other_count;
  overflow_chunk* chunks;
  u32 chunk_count;
  u32 free_chunk;
  clock sc_clock;  ///< what seq_cst fences have made known
  u32 sc_position;
  sync_object* syncs;

  // heap
  char* arena;
  u64 arena_top;
  u8* heap_state;  ///< per granule of the arena: 0 none, 1..8 valid bytes, 255 freed
  heap_block* blocks;
  u32 block_count;
  u32* leak_work;
  u8* leak_seen;
  u64 live_bytes;
  u64 live_blocks;
  u64 allocations;

  // program image
  u64 image_begin, image_end, program_base, program_end;
  char* image_copy;
  u32* image_dirty;
  u32 image_dirty_count;
  u64 tls_offset;  ///< of the program's block from the thread pointer
  u64 tls_size, tls_image_size;
  const char* tls_image;
  fiber::exit_action exits[256];
  int exit_count;
  void (*key_destructors[64])(void*);
  int key_count;

  // trace
  bool tracing;
  trace_event* events;
  u32 event_count;
  char* text;
  u32 text_length;

  // sites
  site_entry* sites;
  u32 site_count;
};

extern runtime* rt;

inline fiber& me() {
  return rt->threads[rt->current];
}
inline bool live() {
  return rt != nullptr && rt->mode_ == mode::user;
}
/// Guards every entry from the program: while the checker works, its own calls of malloc, memcpy
/// and so on are not the program's.
struct entered {
  entered() { rt->mode_ = mode::checker; }
  ~entered() { rt->mode_ = mode::user; }
  entered(const entered&) = delete;
  entered& operator=(const entered&) = delete;
};
/// Is fault n planted? (The checker's own tests plant one at a time.)
inline bool fault(int n) {
  return __builtin_expect(rt->how.seeded_fault == n, 0);
}
inline u32 code_offset(const void* pc) {
  if (rt == nullptr) return 0;
  const u64 a = reinterpret_cast<u64>(pc) - 1;
  return a >= rt->program_base && a < rt->program_end ? static_cast<u32>(a - rt->program_base) : 0;
}

// context.cpp
void make_fibers();
void prepare_fiber(int t);
void switch_to(int t);   ///< from the running thread to t
void enter_execution();  ///< from the driver to thread 0
[[noreturn]] void leave_execution();
// scheduler.cpp
u64 random_bits();
u32 decide(u32 options);
void visible(op kind, u64 address, bool sc, u32 program);
void schedule();
void block(waiting kind, u64 address, u32 program);
void wake(waiting kind, u64 address);
void yield_now();
void begin_choices(u64 seed);
[[noreturn]] void thread_finished();
int start_thread(u32 program);
[[noreturn]] void stop(failure kind, const char* format, ...) __attribute__((format(printf, 2, 3)));
// memory.cpp
u128 atomic_load(u64 a, int size, int m, u32 program);
void atomic_store(u64 a, int size, u128 v, int m, u32 program);
enum class rmw_op : u8 { exchange, add, sub, bit_and, bit_or, bit_xor, nand };
u128 combine(rmw_op f, u128 old, u128 v);
u128 atomic_rmw(u64 a, int size, rmw_op f, u128 operand, int m, u32 program);
bool atomic_cas(u64 a, int size, void* expected, u128 desired, int m, int failure_order, bool weak,
                u32 program);
void thread_fence(int m, u32 program);
void light_fence(u32 program);
void heavy_fence(u32 program);
void forget_location(u64 a);
// shadow.cpp
granule& granule_at(u64 address);
void touch(u64 a, u64 size, access kind, u32 program);
void plain_access(const void* p, u64 size, bool write, u32 program);
void claim_atomic(u64 a, int size, u32 program);
void new_owner(u64 a, u64 size, u32 program);
// heap.cpp
void* heap_allocate(std::size_t n, std::size_t alignment, u32 program);
void heap_free(void* p, u32 program);
bool in_arena(const void* p);
heap_block& block_of(const void* p);
heap_block* block_around(u64 a);
void heap_reset();
void check_leaks();
// image.cpp
void find_image();
void save_image();
void restore_image();
void note_image_write(granule& g, u64 address);
// blocking.cpp
sync_object& sync_at(u64 address);
void forget_syncs(u64 a, u64 size);
int mutex_lock(u64 a, bool only_try, bool timed, u32 program);
int mutex_unlock(u64 a, u32 program);
int condition_wait(u64 c, u64 m, bool timed, u32 program);
void condition_wake(u64 c, bool all, u32 program);
int shared_lock(u64 a, bool writer, bool only_try, bool timed, u32 program);
int shared_unlock(u64 a, u32 program);
long futex(u64 a, int operation, u32 value, bool timed, u32 bits, u32 program);
// The guard of a static variable, or a once flag; `size`: what of it is looked at.
bool guard_acquire(u64 a, int size, u32 program);
void guard_release(u64 a, int size, u64 done, u32 program);  ///< stores `done`, unless 0
void wait_for_thread(int t, u32 program);
void run_exits(fiber& f);
// trace.cpp
trace_event* record(event kind, int m, u64 a, int size, u64 v, u32 program);
std::string describe_trace();
std::string resolve_places(const char* text);  ///< replaces what `place` left by file:line
void resolve_sites(std::vector<site>& into);
std::string place(u32 program);
int site_order(u32 program, int operation, int m);
void reset_sites();
const char* order_name(int m);

}  // namespace mc::detail
