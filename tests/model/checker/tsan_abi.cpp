// SPDX-License-Identifier: MIT
/// \file
/// The interface that g++ and clang compile against under -fsanitize=thread.
#include "state.hpp"

#if defined(__clang__)
#pragma clang diagnostic ignored "-Watomic-alignment"
#endif

using namespace mc::detail;

#define MC_PC code_offset(__builtin_return_address(0))

namespace {

inline void plain(const void* p, u64 n, bool write, u32 program) {
  if (n == 0) return;
  const entered in;
  plain_access(p, n, write, program);
}

// Outside a body the operations are the machine's; of 16 bytes, which would need another library,
// plain: tests use threads inside bodies only.

template <class T>
T load(const volatile T* p, int m, u32 program) {
  if (!live()) {
    if constexpr (sizeof(T) == 16)
      return *p;
    else
      return __atomic_load_n(p, __ATOMIC_SEQ_CST);
  }
  const entered in;
  return static_cast<T>(atomic_load(reinterpret_cast<u64>(p), sizeof(T), m, program));
}

template <class T>
void store(volatile T* p, T v, int m, u32 program) {
  if (!live()) {
    if constexpr (sizeof(T) == 16)
      *p = v;
    else
      __atomic_store_n(p, v, __ATOMIC_SEQ_CST);
    return;
  }
  const entered in;
  atomic_store(reinterpret_cast<u64>(p), sizeof(T), v, m, program);
}

template <class T>
bool cas(volatile T* p, T* expected, T v, int m, int failure, bool weak, u32 program) {
  if (!live()) {
    if constexpr (sizeof(T) == 16) {
      if (*p == *expected) return *p = v, true;
      return *expected = *p, false;
    } else {
      return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
  }
  const entered in;
  return atomic_cas(reinterpret_cast<u64>(p), sizeof(T), expected, v, m, failure, weak, program);
}

template <class T>
T rmw(volatile T* p, T v, rmw_op f, int m, u32 program) {
  if (live()) {
    const entered in;
    return static_cast<T>(atomic_rmw(reinterpret_cast<u64>(p), sizeof(T), f, v, m, program));
  }
  T old = load(p, m, program);
  const auto next = [&] { return static_cast<T>(combine(f, old, v)); };
  while (!cas(p, &old, next(), m, m, false, program)) {
  }
  return old;
}

int supported(std::size_t n) {
  if (n != 1 && n != 2 && n != 4 && n != 8 && n != 16)
    stop(mc::failure::misuse, "an atomic object of %zu bytes takes a hidden lock", n);
  return static_cast<int>(n);
}

}  // namespace

extern "C" {

void __tsan_init() {}
void __tsan_ignore_thread_begin() {}
void __tsan_ignore_thread_end() {}

void __tsan_func_entry(void* pc) {
  if (!live()) return;
  fiber& f = me();
  if (f.call_depth < 192) f.calls[f.call_depth] = code_offset(pc);
  ++f.call_depth;
}

void __tsan_func_exit() {
  if (live() && me().call_depth > 0) --me().call_depth;
}

#define MC_PLAIN(name, n, write)           \
  void __tsan_##name(void* p) {            \
    if (live()) plain(p, n, write, MC_PC); \
  }
#define MC_PLAIN_SIZE(n)                         \
  MC_PLAIN(read##n, n, false)                    \
  MC_PLAIN(write##n, n, true)                    \
  MC_PLAIN(read_write##n, n, true)               \
  MC_PLAIN(unaligned_read##n, n, false)          \
  MC_PLAIN(unaligned_write##n, n, true)          \
  MC_PLAIN(unaligned_read_write##n, n, true)     \
  MC_PLAIN(volatile_read##n, n, false)           \
  MC_PLAIN(volatile_write##n, n, true)           \
  MC_PLAIN(unaligned_volatile_read##n, n, false) \
  MC_PLAIN(unaligned_volatile_write##n, n, true)
MC_PLAIN_SIZE(1)
MC_PLAIN_SIZE(2)
MC_PLAIN_SIZE(4)
MC_PLAIN_SIZE(8)
MC_PLAIN_SIZE(16)
MC_PLAIN(vptr_read, 8, false)

void __tsan_vptr_update(void** p, void*) {
  if (live()) plain(p, 8, true, MC_PC);
}
void __tsan_read_range(void* p, unsigned long n) {
  if (live()) plain(p, n, false, MC_PC);
}
void __tsan_write_range(void* p, unsigned long n) {
  if (live()) plain(p, n, true, MC_PC);
}
void* __tsan_memcpy(void* to, const void* from, unsigned long n) {
  if (live()) {
    plain(from, n, false, MC_PC);
    plain(to, n, true, MC_PC);
  }
  return std::memcpy(to, from, n);
}
void* __tsan_memmove(void* to, const void* from, unsigned long n) {
  if (live()) {
    plain(from, n, false, MC_PC);
    plain(to, n, true, MC_PC);
  }
  return std::memmove(to, from, n);
}
void* __tsan_memset(void* to, int c, unsigned long n) {
  if (live()) plain(to, n, true, MC_PC);
  return std::memset(to, c, n);
}

#define MC_RMW(bits, T, name, op)                             \
  T __tsan_atomic##bits##_##name(volatile T* p, T v, int m) { \
    return rmw<T>(p, v, rmw_op::op, m, MC_PC);                \
  }
#define MC_ATOMIC(bits, T)                                                                    \
  T __tsan_atomic##bits##_load(const volatile T* p, int m) {                                  \
    return load<T>(p, m, MC_PC);                                                              \
  }                                                                                           \
  void __tsan_atomic##bits##_store(volatile T* p, T v, int m) {                               \
    store<T>(p, v, m, MC_PC);                                                                 \
  }                                                                                           \
  MC_RMW(bits, T, exchange, exchange)                                                         \
  MC_RMW(bits, T, fetch_add, add)                                                             \
  MC_RMW(bits, T, fetch_sub, sub)                                                             \
  MC_RMW(bits, T, fetch_and, bit_and)                                                         \
  MC_RMW(bits, T, fetch_or, bit_or)                                                           \
  MC_RMW(bits, T, fetch_xor, bit_xor)                                                         \
  MC_RMW(bits, T, fetch_nand, nand)                                                           \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* e, T v, int m, int f) { \
    return cas<T>(p, e, v, m, f, false, MC_PC);                                               \
  }                                                                                           \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* e, T v, int m, int f) {   \
    return cas<T>(p, e, v, m, f, true, MC_PC);                                                \
  }                                                                                           \
  T __tsan_atomic##bits##_compare_exchange_val(volatile T* p, T e, T v, int m, int f) {       \
    cas<T>(p, &e, v, m, f, false, MC_PC);                                                     \
    return e;                                                                                 \
  }
MC_ATOMIC(8, u8)
MC_ATOMIC(16, u16)
MC_ATOMIC(32, u32)
MC_ATOMIC(64, u64)
#if defined(__SIZEOF_INT128__)
MC_ATOMIC(128, u128)
#endif

// Where the compiler does not trust the processor with 16 bytes it calls libatomic.
void mc_atomic_load(std::size_t n, const volatile void* p, void* out, int m) asm("__atomic_load");
void mc_atomic_load(std::size_t n, const volatile void* p, void* out, int m) {
  if (!live()) {
    std::memcpy(out, const_cast<const void*>(p), n);
    return;
  }
  const entered in;
  const u128 v = atomic_load(reinterpret_cast<u64>(p), supported(n), m, MC_PC);
  std::memcpy(out, &v, n);
}
void mc_atomic_store(std::size_t n, volatile void* p, void* v, int m) asm("__atomic_store");
void mc_atomic_store(std::size_t n, volatile void* p, void* v, int m) {
  if (!live()) {
    std::memcpy(const_cast<void*>(p), v, n);
    return;
  }
  const entered in;
  u128 value = 0;
  std::memcpy(&value, v, n);
  atomic_store(reinterpret_cast<u64>(p), supported(n), value, m, MC_PC);
}
void mc_atomic_exchange(std::size_t n, volatile void* p, void* v, void* out,
                        int m) asm("__atomic_exchange");
void mc_atomic_exchange(std::size_t n, volatile void* p, void* v, void* out, int m) {
  u128 value = 0;
  u128 old = 0;
  std::memcpy(&value, v, n);
  if (!live()) {
    std::memcpy(&old, const_cast<const void*>(p), n);
    std::memcpy(const_cast<void*>(p), v, n);
  } else {
    const entered in;
    old = atomic_rmw(reinterpret_cast<u64>(p), supported(n), rmw_op::exchange, value, m, MC_PC);
  }
  std::memcpy(out, &old, n);
}
bool mc_atomic_cas(std::size_t n, volatile void* p, void* e, void* v, int m,
                   int f) asm("__atomic_compare_exchange");
bool mc_atomic_cas(std::size_t n, volatile void* p, void* e, void* v, int m, int f) {
  if (!live()) {
    const bool same = std::memcmp(const_cast<const void*>(p), e, n) == 0;
    if (same)
      std::memcpy(const_cast<void*>(p), v, n);
    else
      std::memcpy(e, const_cast<const void*>(p), n);
    return same;
  }
  const entered in;
  u128 value = 0;
  std::memcpy(&value, v, n);
  return atomic_cas(reinterpret_cast<u64>(p), supported(n), e, value, m, f, false, MC_PC);
}

void __tsan_atomic_thread_fence(int m) {
  if (!live()) return;
  const entered in;
  thread_fence(m, MC_PC);
}
void __tsan_atomic_signal_fence(int) {
  if (!live()) return;
  const entered in;
  light_fence(MC_PC);
}

}  // extern "C"
