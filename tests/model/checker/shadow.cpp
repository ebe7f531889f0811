// SPDX-License-Identifier: MIT
/// \file
/// Data races. For every eight bytes the accesses are kept that a later access could still race
/// with, each with the bytes it touched: exact, nothing is forgotten. An old access is dropped for
/// a byte only when a newer one, ordered after it, conflicts with everything that it does.
#include "state.hpp"

namespace mc::detail {

namespace {

constexpr u8 read_a = 1, write_a = 2, read_p = 4, write_p = 8, release_m = 16;

constexpr u8 bit(access k) {
  return static_cast<u8>(1u << static_cast<unsigned>(k));
}

/// What an access of each kind may not meet unordered.
constexpr u8 conflicts_with[] = {
    write_p | release_m,                              // atomic read
    write_p | read_p | release_m,                     // atomic write
    write_p | write_a | release_m,                    // plain read
    write_p | write_a | read_p | read_a | release_m,  // plain write
    write_p | write_a | read_p | read_a | release_m,  // deallocation
};

bool covers(access newer, access older) {
  const u8 n = conflicts_with[static_cast<int>(newer)];
  const u8 o = conflicts_with[static_cast<int>(older)];
  return (n & o) == o;
}

const char* verb(access k) {
  static const char* const names[] = {"atomic read", "atomic write", "read", "write", "free"};
  return names[static_cast<int>(k)];
}

[[noreturn]] void race(u64 a, access k, u32 program, const access_record& with) {
  rt->watched = a & ~u64{7};
  const bool of_lifetime = k == access::release_memory || with.kind == access::release_memory;
  stop(of_lifetime ? failure::use_after_free : failure::race,
       "%s: T%d %s at %s, unordered with T%d %s at %s",
       of_lifetime ? "free races with access" : "data race", rt->current, verb(k),
       place(program).c_str(), with.thread, verb(with.kind), place(with.program).c_str());
}

bool conflict(const access_record& r, access k, u8 bytes, const fiber& f) {
  if (r.thread == rt->current || (r.bytes & bytes) == 0) return false;
  if ((conflicts_with[static_cast<int>(k)] & bit(r.kind)) == 0) return false;
  return r.clock > f.now.happened.of[r.thread];
}

/// Checks r against the new access and takes from it the bytes that the new one covers.
void meet(access_record& r, access k, u8 bytes, u64 address, u32 program) {
  const fiber& f = me();
  if (rt->how.races && conflict(r, k, bytes, f)) race(address, k, program, r);
  if (!covers(k, r.kind)) return;
  if (r.thread == rt->current || r.clock <= f.now.happened.of[r.thread])
    r.bytes = static_cast<u8>(r.bytes & ~bytes);
  if (fault(20)) r.bytes = 0;  // the coarse shadow of a real one
}

u32 compact(access_record* r, u32 n) {
  u32 kept = 0;
  for (u32 i = 0; i < n; ++i)
    if (r[i].bytes != 0) r[kept++] = r[i];
  return kept;
}

u32 new_chunk() {
  if (++rt->chunk_count >= chunk_capacity) stop(failure::misuse, "race shadow is full");
  rt->chunks[rt->chunk_count].next = 0;
  rt->chunks[rt->chunk_count].count = 0;
  return rt->chunk_count;
}

void add_record(granule& g, const access_record& r) {
  if (g.count < 3) {
    g.records[g.count++] = r;
    return;
  }
  u32* link = &g.overflow;
  for (;;) {
    if (*link == 0) *link = new_chunk();
    overflow_chunk& c = rt->chunks[*link];
    if (c.count < 7) {
      c.records[c.count++] = r;
      return;
    }
    link = &c.next;
  }
}

void access_granule(granule& g, u8 bytes, access k, u64 address, u32 program) {
  const u32 now = me().now.happened.of[rt->current];
  access_record* same = nullptr;
  for (u32 i = 0; i < g.count; ++i) {
    meet(g.records[i], k, bytes, address, program);
    const access_record& r = g.records[i];
    if (r.thread == rt->current && r.kind == k && r.clock == now && r.bytes != 0)
      same = &g.records[i];
  }
  for (u32 c = g.overflow; c != 0; c = rt->chunks[c].next) {
    overflow_chunk& chunk = rt->chunks[c];
    for (u32 i = 0; i < chunk.count; ++i) meet(chunk.records[i], k, bytes, address, program);
    chunk.count = compact(chunk.records, chunk.count);
  }
  if (same != nullptr) {
    same->bytes |= bytes;
    same->program = program;
    return;
  }
  g.count = static_cast<u8>(compact(g.records, g.count));
  add_record(g, {now, program, static_cast<u8>(rt->current), k, bytes, 0});
}

[[noreturn]] void bad_address(u64 a, access k, u32 program) {
  rt->watched = a & ~u64{7};
  const heap_block* b = block_around(a);
  if (b != nullptr && !b->live)
    stop(failure::use_after_free,
         "use after free: T%d %s at %s, %zu bytes into a block of %zu "
         "allocated at %s and freed by T%d at %s",
         rt->current, verb(k), place(program).c_str(), static_cast<std::size_t>(a - b->address),
         static_cast<std::size_t>(b->size), place(b->allocated_at).c_str(), b->thread_freed,
         place(b->freed_at).c_str());
  stop(failure::out_of_bounds, "heap access out of bounds: T%d %s at %s", rt->current, verb(k),
       place(program).c_str());
}

void check_heap(u64 a, u64 offset, u64 length, access k, u32 program) {
  const u64 base = reinterpret_cast<u64>(rt->arena);
  if (a - base >= arena_bytes || fault(21)) return;
  const u8 state = rt->heap_state[(a - base) >> 3];
  if (state == 8 || (state < 8 && offset + length <= state)) return;
  bad_address(a, k, program);
}

void clear_atoms(granule& g, u64 base, u8 bytes) {
  for (unsigned i = 0; i < 8; ++i)
    if ((g.atom_start & bytes) >> i & 1) forget_location(base + i);
  g.atom_start = static_cast<u8>(g.atom_start & ~bytes);
}

}  // namespace

granule& granule_at(u64 address) {
  const u64 key = address >> 3;
  const u64 in_region = address - region_base;
  granule* g;
  if (in_region < region_bytes) {
    g = &rt->region_shadow[in_region >> 3];
    if (g->execution == rt->execution) return *g;
  } else {
    u64 i = key * 0x9E3779B97F4A7C15ULL >> 48;
    static_assert(granule_slots == 1 << 16);
    for (;; i = (i + 1) & (granule_slots - 1)) {
      g = &rt->other_shadow[i];
      if (g->execution != rt->execution) break;
      if (g->key == key) return *g;
    }
    if (++rt->other_count > granule_slots * 3 / 4)
      stop(failure::misuse, "too much memory outside the heap in one execution");
  }
  std::memset(static_cast<void*>(g), 0, offsetof(granule, records));
  g->execution = rt->execution;
  g->key = key;
  return *g;
}

void touch(u64 a, u64 size, access k, u32 program) {
  for (u64 p = a; p < a + size;) {
    const u64 offset = p & 7;
    const u64 left = a + size - p;
    const u64 length = left < 8 - offset ? left : 8 - offset;
    const auto bytes = static_cast<u8>(((1u << length) - 1) << offset);
    if (k != access::release_memory) check_heap(p, offset, length, k, program);
    access_granule(granule_at(p), bytes, k, p, program);
    p += length;
  }
}

void plain_access(const void* pointer, u64 size, bool write, u32 program) {
  const u64 a = reinterpret_cast<u64>(pointer);
  touch(a, size, write ? access::plain_write : access::plain_read, program);
  if (rt->tracing && a - (rt->watched & ~u64{7}) < 8)
    record(write ? event::plain_write : event::plain_read, 0, a, static_cast<int>(size), 0,
           program);
  if (!write) return;
  for (u64 p = a & ~u64{7}; p < a + size; p += 8) {
    granule& g = granule_at(p);
    note_image_write(g, p);
    if (g.atom_start == 0) continue;
    const u64 from = p < a ? a - p : 0;
    const u64 to = p + 8 > a + size ? a + size - p : 8;
    clear_atoms(g, p, static_cast<u8>((1u << to) - (1u << from)));
  }
}

/// An atomic object of this size lives here; another size on any of its bytes is an error.
void claim_atomic(u64 a, int size, u32 program) {
  granule& g = granule_at(a);
  const unsigned offset = a & 7;
  const unsigned log = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
  const unsigned width = size > 8 ? 8 : static_cast<unsigned>(size);
  const unsigned shift = (offset & 3) * 2;
  u8& logs = g.atom_log[offset >> 2];
  if ((g.atom_start >> offset & 1) != 0 && (logs >> shift & 3u) == log) return;
  for (unsigned i = 0; i < 8 && !fault(22); ++i) {
    if ((g.atom_start >> i & 1) == 0) continue;
    const unsigned w = 1u << (g.atom_log[i >> 2] >> ((i & 3) * 2) & 3u);
    if (i < offset + width && offset < i + w)
      stop(failure::mixed_size, "atomics of %u and %u bytes overlap, at %s", w, width,
           place(program).c_str());
  }
  g.atom_start = static_cast<u8>(g.atom_start | 1u << offset);
  logs = static_cast<u8>((logs & ~(3u << shift)) | log << shift);
}

/// Reused memory: nothing of its past counts, but the allocation is a write of its new owner.
void new_owner(u64 a, u64 size, u32 program) {
  for (u64 p = a; p < a + size; p += 8) {
    granule& g = granule_at(p);
    clear_atoms(g, p, 255);
    g.count = 0;
    g.overflow = 0;
    access_granule(g, 255, access::plain_write, p, program);
  }
}

}  // namespace mc::detail
