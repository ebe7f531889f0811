// SPDX-License-Identifier: MIT
/// \file
/// What the program calls and the checker answers while a body runs: allocation, memcpy and its
/// kind, pthreads, futexes, membarrier, time and randomness. Outside a body all of it is the
/// system's.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <new>

#include "state.hpp"

using namespace mc::detail;

#define MC_PC code_offset(__builtin_return_address(0))

extern "C" {
void* __libc_malloc(size_t);
void __libc_free(void*);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {

template <class F>
F real(const char* name) {
  void* p = nullptr;
#if defined(__x86_64__) && defined(__GLIBC__)
  if (std::strncmp(name, "pthread_cond_", 13) == 0) p = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
#endif
  if (p == nullptr) p = dlsym(RTLD_NEXT, name);
  return reinterpret_cast<F>(p);
}

// Memory functions: resolved before the first execution, slow but right before that.
void* (*real_memcpy)(void*, const void*, size_t) = nullptr;
void* (*real_memmove)(void*, const void*, size_t) = nullptr;
void* (*real_memset)(void*, int, size_t) = nullptr;
int (*real_memcmp)(const void*, const void*, size_t) = nullptr;

void see(const void* p, size_t n, bool write, u32 program) {
  if (n == 0) return;
  const entered in;
  plain_access(p, n, write, program);
}

// Allocation -----------------------------------------------------------------------------------

void* allocate_or_throw(size_t n, size_t alignment, u32 program) {
  for (;;) {
    void* p;
    if (live()) {
      const entered in;
      p = heap_allocate(n, alignment, program);
    } else {
      p = alignment > 16 ? __libc_memalign(alignment, n) : __libc_malloc(n != 0 ? n : 1);
    }
    if (p != nullptr) return p;
    throw std::bad_alloc();
  }
}

void* allocate_or_null(size_t n, size_t alignment, u32 program) {
  if (!live())
    return alignment > 16 ? __libc_memalign(alignment, n) : __libc_malloc(n != 0 ? n : 1);
  const entered in;
  return heap_allocate(n, alignment, program);
}

void release_memory(void* p, u32 program) {
  if (p == nullptr) return;
  if (!in_arena(p)) {
    __libc_free(p);
    return;
  }
  if (!live()) return;  // the whole arena is dropped anyway
  const entered in;
  heap_free(p, program);
}

/// malloc and its kind belong to the model only when the program itself calls them: what libc and
/// libstdc++ allocate for themselves may live longer than an execution.
bool from_program(u32 program) {
  return live() && program != 0;
}

}  // namespace

namespace mc::detail {
void find_real_functions() {
  real_memcpy = real<void* (*)(void*, const void*, size_t)>("memcpy");
  real_memmove = real<void* (*)(void*, const void*, size_t)>("memmove");
  real_memset = real<void* (*)(void*, int, size_t)>("memset");
  real_memcmp = real<int (*)(const void*, const void*, size_t)>("memcmp");
}
}  // namespace mc::detail

void* operator new(size_t n) {
  return allocate_or_throw(n, 16, MC_PC);
}
void* operator new[](size_t n) {
  return allocate_or_throw(n, 16, MC_PC);
}
void* operator new(size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<size_t>(a), MC_PC);
}
void* operator new[](size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<size_t>(a), MC_PC);
}
void* operator new(size_t n, const std::nothrow_t&) noexcept {
  return allocate_or_null(n, 16, MC_PC);
}
void* operator new[](size_t n, const std::nothrow_t&) noexcept {
  return allocate_or_null(n, 16, MC_PC);
}
void* operator new(size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate_or_null(n, static_cast<size_t>(a), MC_PC);
}
void* operator new[](size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate_or_null(n, static_cast<size_t>(a), MC_PC);
}
void operator delete(void* p) noexcept {
  release_memory(p, MC_PC);
}
void operator delete[](void* p) noexcept {
  release_memory(p, MC_PC);
}
void operator delete(void* p, size_t) noexcept {
  release_memory(p, MC_PC);
}
void operator delete[](void* p, size_t) noexcept {
  release_memory(p, MC_PC);
}
void operator delete(void* p, std::align_val_t) noexcept {
  release_memory(p, MC_PC);
}
void operator delete[](void* p, std::align_val_t) noexcept {
  release_memory(p, MC_PC);
}
void operator delete(void* p, size_t, std::align_val_t) noexcept {
  release_memory(p, MC_PC);
}
void operator delete[](void* p, size_t, std::align_val_t) noexcept {
  release_memory(p, MC_PC);
}

extern "C" {

void* malloc(size_t n) {
  const u32 program = MC_PC;
  return from_program(program) ? allocate_or_null(n, 16, program) : __libc_malloc(n);
}
void free(void* p) {
  release_memory(p, MC_PC);
}
void* calloc(size_t n, size_t size) {
  const u32 program = MC_PC;
  if (!from_program(program)) return __libc_calloc(n, size);
  void* p = allocate_or_null(n * size, 16, program);
  if (p != nullptr) std::memset(p, 0, n * size);
  return p;
}
void* realloc(void* old, size_t n) {
  const u32 program = MC_PC;
  if (!in_arena(old) && !(old == nullptr && from_program(program))) return __libc_realloc(old, n);
  void* p = allocate_or_null(n, 16, program);
  if (p == nullptr || old == nullptr) return p;
  const size_t before = block_of(old).size;
  std::memcpy(p, old, before < n ? before : n);
  release_memory(old, program);
  return p;
}
void* aligned_alloc(size_t alignment, size_t n) {
  const u32 program = MC_PC;
  return from_program(program) ? allocate_or_null(n, alignment, program)
                               : __libc_memalign(alignment, n);
}
int posix_memalign(void** out, size_t alignment, size_t n) {
  void* p = aligned_alloc(alignment, n);
  if (p == nullptr) return ENOMEM;
  *out = p;
  return 0;
}

// Memory functions -----------------------------------------------------------------------------

void* memcpy(void* to, const void* from, size_t n) {
  if (live()) {
    see(from, n, false, MC_PC);
    see(to, n, true, MC_PC);
  }
  if (real_memcpy != nullptr) return real_memcpy(to, from, n);
  auto* t = static_cast<volatile char*>(to);
  for (size_t i = 0; i < n; ++i) t[i] = static_cast<const char*>(from)[i];
  return to;
}
void* memmove(void* to, const void* from, size_t n) {
  if (live()) {
    see(from, n, false, MC_PC);
    see(to, n, true, MC_PC);
  }
  if (real_memmove != nullptr) return real_memmove(to, from, n);
  auto* t = static_cast<volatile char*>(to);
  const auto* f = static_cast<const char*>(from);
  if (t < f)
    for (size_t i = 0; i < n; ++i) t[i] = f[i];
  else
    for (size_t i = n; i > 0; --i) t[i - 1] = f[i - 1];
  return to;
}
void* memset(void* to, int c, size_t n) {
  if (live()) see(to, n, true, MC_PC);
  if (real_memset != nullptr) return real_memset(to, c, n);
  auto* t = static_cast<volatile char*>(to);
  for (size_t i = 0; i < n; ++i) t[i] = static_cast<char>(c);
  return to;
}
int memcmp(const void* a, const void* b, size_t n) {
  if (live()) {
    see(a, n, false, MC_PC);
    see(b, n, false, MC_PC);
  }
  if (real_memcmp != nullptr) return real_memcmp(a, b, n);
  const auto* x = static_cast<const volatile unsigned char*>(a);
  const auto* y = static_cast<const volatile unsigned char*>(b);
  for (size_t i = 0; i < n; ++i)
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  return 0;
}
int bcmp(const void* a, const void* b, size_t n) {
  return memcmp(a, b, n);
}

// The kernel -----------------------------------------------------------------------------------

static long membarrier_call(long command, u32 program) {
  if (!rt->how.membarrier) {
    errno = ENOSYS;
    return -1;
  }
  if (command == 0) return 0x3ff;
  if (command == 16 || command == 4 || command == 64) return 0;  // registration
  if (rt->membarriers++ >= rt->how.membarrier_calls) {
    errno = EPERM;
    return -1;
  }
  heavy_fence(program);
  return 0;
}

long syscall(long number, ...) noexcept {
  va_list v;
  va_start(v, number);
  long a[6];
  for (long& x : a) x = va_arg(v, long);
  va_end(v);
  if (live()) {
    const u32 program = MC_PC;
    if (number == SYS_membarrier) {
      const entered in;
      return membarrier_call(a[0], program);
    }
    if (number == SYS_futex) {
      const entered in;
      const int operation = static_cast<int>(a[1]) & 0x7f;
      const bool bitset = operation == 9 || operation == 10;
      if (operation != 0 && operation != 1 && !bitset)
        stop(mc::failure::misuse, "futex operation %d is not simulated", operation);
      return futex(static_cast<u64>(a[0]), operation, static_cast<u32>(a[2]),
                   (operation == 0 || operation == 9) && a[3] != 0,
                   bitset ? static_cast<u32>(a[5]) : ~0u, program);
    }
    if (number == SYS_gettid) return 1000 + rt->current;
    if (number == SYS_sched_yield) {
      const entered in;
      yield_now();
      return 0;
    }
  }
  static const auto next = real<long (*)(long, ...)>("syscall");
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int sched_yield() noexcept {
  if (live()) {
    const entered in;
    yield_now();
  } else {
    syscall(SYS_sched_yield, 0L, 0L, 0L, 0L, 0L, 0L);
  }
  return 0;
}
int nanosleep(const timespec* t, timespec* left) {
  if (live()) return sched_yield();
  static const auto next = real<int (*)(const timespec*, timespec*)>("nanosleep");
  return next(t, left);
}
int clock_nanosleep(clockid_t c, int flags, const timespec* t, timespec* left) {
  if (live()) return sched_yield();
  static const auto next =
      real<int (*)(clockid_t, int, const timespec*, timespec*)>("clock_nanosleep");
  return next(c, flags, t, left);
}
int usleep(useconds_t t) {
  if (live()) return sched_yield();
  static const auto next = real<int (*)(useconds_t)>("usleep");
  return next(t);
}
int clock_gettime(clockid_t c, timespec* t) noexcept {
  if (live()) {
    t->tv_sec = 1'000'000'000 + static_cast<time_t>(rt->skipped_time);
    t->tv_nsec = static_cast<long>(rt->steps) * 1000;
    return 0;
  }
  static const auto next = real<int (*)(clockid_t, timespec*)>("clock_gettime");
  return next(c, t);
}
ssize_t getrandom(void* p, size_t n, unsigned flags) {
  if (live()) {
    for (size_t i = 0; i < n; ++i)
      static_cast<unsigned char*>(p)[i] =
          static_cast<unsigned char>(++rt->entropy * 0x9E3779B97F4A7C15ULL >> 40);
    return static_cast<ssize_t>(n);
  }
  static const auto next = real<ssize_t (*)(void*, size_t, unsigned)>("getrandom");
  return next(p, n, flags);
}
int getentropy(void* p, size_t n) {
  return getrandom(p, n, 0) < 0 ? -1 : 0;
}
int sched_getcpu() noexcept {
  if (live()) return rt->current;
  static const auto next = real<int (*)()>("sched_getcpu");
  return next();
}

// The end --------------------------------------------------------------------------------------

void abort() noexcept {
  if (live()) {
    rt->mode_ = mode::checker;
    stop(mc::failure::requirement, "abort at %s", place(MC_PC).c_str());
  }
  static const auto next = real<void (*)()>("abort");
  next();
  __builtin_trap();
}
void __assert_fail(const char* text, const char* file, unsigned line, const char*) noexcept {
  if (live()) {
    rt->mode_ = mode::checker;
    stop(mc::failure::requirement, "assertion failed: %s, %s:%u", text, file, line);
  }
  std::fprintf(stderr, "%s:%u: assertion failed: %s\n", file, line, text);
  abort();
}

int __cxa_thread_atexit(void (*destroy)(void*), void* object, void* library) noexcept {
  if (live()) {
    fiber& f = me();
    if (f.exit_count < 64) f.exits[f.exit_count++] = {destroy, object};
    return 0;
  }
  static const auto next = real<int (*)(void (*)(void*), void*, void*)>("__cxa_thread_atexit_impl");
  return next(destroy, object, library);
}
int __cxa_atexit(void (*destroy)(void*), void* object, void* library) noexcept {
  if (live()) {
    if (rt->exit_count < 256) rt->exits[rt->exit_count++] = {destroy, object};
    return 0;
  }
  static const auto next = real<int (*)(void (*)(void*), void*, void*)>("__cxa_atexit");
  return next(destroy, object, library);
}

// What the compiler looks at before it calls: the first byte, on AArch64 the whole word.
#if defined(__aarch64__)
constexpr int guard_size = 8;
#else
constexpr int guard_size = 1;
#endif

// Where the C++ runtime is linked statically there is no other guard than ours. Outside executions
// one thread runs: a byte says whether the variable is there.
static void plain_guard_release(void* guard) {
  *static_cast<char*>(guard) = 1;
}
static int plain_guard_acquire(void* guard) {
  return *static_cast<const char*>(guard) == 0 ? 1 : 0;
}
static void plain_guard_abort(void*) {}

static int (*real_guard_acquire)(void*) = nullptr;
int mc_guard_acquire(void* guard) asm("__cxa_guard_acquire");
int mc_guard_acquire(void* guard) {
  if (live()) {
    const entered in;
    return guard_acquire(reinterpret_cast<u64>(guard), guard_size, MC_PC) ? 1 : 0;
  }
  if (real_guard_acquire == nullptr)
    real_guard_acquire = real<int (*)(void*)>("__cxa_guard_acquire");
  if (real_guard_acquire == nullptr) real_guard_acquire = plain_guard_acquire;
  return real_guard_acquire(guard);
}
static void (*real_guard_release)(void*) = nullptr;
void mc_guard_release(void* guard) noexcept asm("__cxa_guard_release");
void mc_guard_release(void* guard) noexcept {
  if (live()) {
    const entered in;
    guard_release(reinterpret_cast<u64>(guard), guard_size, 1, MC_PC);
    return;
  }
  if (real_guard_release == nullptr)
    real_guard_release = real<void (*)(void*)>("__cxa_guard_release");
  if (real_guard_release == nullptr) real_guard_release = plain_guard_release;
  real_guard_release(guard);
}
static void (*real_guard_abort)(void*) = nullptr;
void mc_guard_abort(void* guard) noexcept asm("__cxa_guard_abort");
void mc_guard_abort(void* guard) noexcept {
  if (live()) {
    const entered in;
    guard_release(reinterpret_cast<u64>(guard), guard_size, 0, MC_PC);
    return;
  }
  if (real_guard_abort == nullptr) real_guard_abort = real<void (*)(void*)>("__cxa_guard_abort");
  if (real_guard_abort == nullptr) real_guard_abort = plain_guard_abort;
  real_guard_abort(guard);
}

}  // extern "C"
