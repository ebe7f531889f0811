// SPDX-License-Identifier: MIT
/// \file
/// The heap of the program while an execution runs: addresses are the same in every execution,
/// nothing is reused unless asked for, every block is bounded by bytes that belong to nobody, and
/// what is left at the end and cannot be reached from static storage is a leak.
#include "state.hpp"

namespace mc::detail {

namespace {

struct header {  // right before every block
  u64 index;
  u64 magic;
};
constexpr u64 block_magic = 0x6D632D626C6F636BULL;

u64 arena_base() {
  return reinterpret_cast<u64>(rt->arena);
}

void mark(u64 address, u64 size) {
  u8* state = rt->heap_state + ((address - arena_base()) >> 3);
  std::memset(state, 8, size >> 3);
  if ((size & 7) != 0) state[size >> 3] = static_cast<u8>(size & 7);
}

/// A free block of exactly this size, if memory may be reused and chance wants it.
heap_block* reusable(std::size_t n, std::size_t alignment) {
  for (u32 i = rt->block_count; i > 0; --i) {
    heap_block& b = rt->blocks[i - 1];
    if (!b.live && b.size == n && b.address % alignment == 0 && decide(2) == 1) return &b;
  }
  return nullptr;
}

heap_block& fresh(std::size_t n, std::size_t alignment) {
  const u64 a = (rt->arena_top + sizeof(header) + alignment - 1) & ~(alignment - 1);
  const u64 end = a + ((n + 7) & ~std::size_t{7}) + 8;  // eight bytes of nobody's land
  if (end > arena_base() + arena_bytes || rt->block_count == block_capacity)
    stop(failure::misuse, "the heap of %zu MiB is used up", arena_bytes >> 20);
  rt->arena_top = end;
  auto* h = reinterpret_cast<header*>(a - sizeof(header));
  h->index = rt->block_count;
  h->magic = block_magic;
  heap_block& b = rt->blocks[rt->block_count++];
  b.address = a;
  b.size = n;
  return b;
}

}  // namespace

bool in_arena(const void* p) {
  return rt != nullptr && reinterpret_cast<u64>(p) - arena_base() < arena_bytes;
}

heap_block& block_of(const void* p) {
  const auto* h = static_cast<const header*>(p) - 1;
  return rt->blocks[h->index];
}

heap_block* block_around(u64 a) {
  u32 low = 0;
  u32 high = rt->block_count;
  while (low < high) {
    const u32 middle = (low + high) / 2;
    if (rt->blocks[middle].address <= a)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return nullptr;
  heap_block& b = rt->blocks[low - 1];
  return a < b.address + (b.size == 0 ? 1 : b.size) ? &b : nullptr;
}

void* heap_allocate(std::size_t n, std::size_t alignment, u32 program) {
  if (++rt->allocations == rt->how.fail_allocation || n > arena_bytes) return nullptr;
  if (alignment < 16) alignment = 16;
  heap_block* b = rt->how.reuse_memory ? reusable(n, alignment) : nullptr;
  const bool again = b != nullptr;
  if (b == nullptr) b = &fresh(n, alignment);
  b->live = true;
  b->allocated_at = program;
  if (n != 0) mark(b->address, n);
  if (again) {  // the allocator itself orders the free before the allocation
    me().now.join(b->freed);
    new_owner(b->address, n, program);
  }
  auto* p = reinterpret_cast<void*>(b->address);
  std::memset(p, 0xCD, n);
  rt->live_bytes += n;
  ++rt->live_blocks;
  record(event::allocate, 0, b->address, 0, n, program);
  return p;
}

void heap_free(void* p, u32 program) {
  const auto* h = static_cast<const header*>(p) - 1;
  const auto a = reinterpret_cast<u64>(p);
  if (a < arena_base() + sizeof(header) || h->magic != block_magic || h->index >= rt->block_count ||
      rt->blocks[h->index].address != a)
    stop(failure::bad_free, "free of what was never allocated, at %s", place(program).c_str());
  heap_block& b = rt->blocks[h->index];
  if (!b.live && !fault(23))
    stop(failure::bad_free, "double free: T%d at %s, first freed by T%d at %s", rt->current,
         place(program).c_str(), b.thread_freed, place(b.freed_at).c_str());
  record(event::free, 0, a, 0, b.size, program);
  const u64 rounded = (b.size + 7) & ~u64{7};
  if (rt->how.races) touch(a, b.size, access::release_memory, program);
  for (u64 q = a; q < a + rounded; q += 8) {
    granule& g = granule_at(q);
    for (unsigned i = 0; g.atom_start != 0 && i < 8; ++i)
      if (g.atom_start >> i & 1) forget_location(q + i);
    g.atom_start = 0;
  }
  if (b.size != 0) std::memset(rt->heap_state + ((a - arena_base()) >> 3), 255, rounded >> 3);
  forget_syncs(a, b.size);
  b.live = false;
  b.freed_at = program;
  b.thread_freed = static_cast<u8>(rt->current);
  b.freed = me().now;
  me().now.coherent.of[rt->current] = ++me().now.happened.of[rt->current];
  rt->live_bytes -= b.size;
  --rt->live_blocks;
}

void heap_reset() {
  if (rt->arena_top != 0) std::memset(rt->heap_state, 0, ((rt->arena_top - arena_base()) >> 3) + 2);
  rt->arena_top = arena_base();
  rt->block_count = 0;
  rt->live_bytes = rt->live_blocks = rt->allocations = 0;
}

// Leaks ----------------------------------------------------------------------------------------

namespace {

struct reach {
  u32* work;
  u32 count = 0;
  u8* seen;

  void pointer(u64 v) {
    v &= 0x0000FFFFFFFFFFFFULL;  // tagged pointers count
    if (v - arena_base() >= arena_bytes) return;
    heap_block* b = block_around(v);
    if (b == nullptr || !b->live) return;
    const auto i = static_cast<u32>(b - rt->blocks);
    if (seen[i] != 0) return;
    seen[i] = 1;
    work[count++] = i;
  }
  void range(u64 from, u64 to) {
    for (u64 a = (from + 7) & ~u64{7}; a + 8 <= to; a += 8)
      pointer(*reinterpret_cast<const u64*>(a));
  }
};

}  // namespace

/// What was allocated in this execution and can be reached from static storage or from thread 0's
/// thread_local objects is kept on purpose.
void check_leaks() {
  if (rt->live_blocks == 0 || !rt->how.leaks || fault(24)) return;
  u8* const seen = rt->leak_seen;
  std::memset(seen, 0, rt->block_count);
  reach r{rt->leak_work, 0, seen};
  for (u32 i = 0; i < rt->image_dirty_count; ++i) {
    const u64 a = rt->image_begin + 8 * static_cast<u64>(rt->image_dirty[i]);
    r.range(a, a + 8);
  }
  const auto tls = reinterpret_cast<u64>(rt->threads[0].fixed.tls);
  r.range(tls, tls + rt->tls_size);
  while (r.count != 0) {
    const heap_block& b = rt->blocks[r.work[--r.count]];
    r.range(b.address, b.address + b.size);
  }
  for (u32 i = 0; i < rt->block_count; ++i) {
    const heap_block& b = rt->blocks[i];
    if (!b.live || seen[i] != 0) continue;
    rt->kind = failure::leak;
    std::snprintf(rt->what, sizeof rt->what, "leak: %zu bytes allocated at %s",
                  static_cast<std::size_t>(b.size), place(b.allocated_at).c_str());
    return;
  }
}

}  // namespace mc::detail
