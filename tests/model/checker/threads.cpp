// SPDX-License-Identifier: MIT
/// \file
/// Interposition of pthreads: inside a body mutexes, condition variables, read-write locks, keys
/// and threads are the checker's.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "state.hpp"

using namespace mc::detail;

#define MC_PC code_offset(__builtin_return_address(0))

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

u64 number(const void* p) {
  return reinterpret_cast<u64>(p);
}

int fiber_of(pthread_t id) {
  for (int t = 0; t < rt->thread_count; ++t)
    if (rt->threads[t].fixed.identity == static_cast<u64>(id)) return t;
  stop(mc::failure::misuse, "join of an unknown thread");
}

}  // namespace

/// Outside a body: the system's function of the same name.
#define MC_REAL(name, ...)                                 \
  static const auto next = real<decltype(&::name)>(#name); \
  return next(__VA_ARGS__)
#define MC_LIVE(call) \
  if (live()) {       \
    const entered in; \
    return call;      \
  }

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* m) noexcept {
  MC_LIVE(mutex_lock(number(m), false, false, MC_PC))
  MC_REAL(pthread_mutex_lock, m);
}
int pthread_mutex_trylock(pthread_mutex_t* m) noexcept {
  MC_LIVE(mutex_lock(number(m), true, false, MC_PC))
  MC_REAL(pthread_mutex_trylock, m);
}
int pthread_mutex_timedlock(pthread_mutex_t* m, const timespec* t) noexcept {
  MC_LIVE(mutex_lock(number(m), false, true, MC_PC))
  MC_REAL(pthread_mutex_timedlock, m, t);
}
int pthread_mutex_clocklock(pthread_mutex_t* m, clockid_t c, const timespec* t) noexcept {
  MC_LIVE(mutex_lock(number(m), false, true, MC_PC))
  MC_REAL(pthread_mutex_clocklock, m, c, t);
}
int pthread_mutex_unlock(pthread_mutex_t* m) noexcept {
  MC_LIVE(mutex_unlock(number(m), MC_PC))
  MC_REAL(pthread_mutex_unlock, m);
}

int pthread_cond_wait(pthread_cond_t* c, pthread_mutex_t* m) {
  MC_LIVE(condition_wait(number(c), number(m), false, MC_PC))
  MC_REAL(pthread_cond_wait, c, m);
}
int pthread_cond_timedwait(pthread_cond_t* c, pthread_mutex_t* m, const timespec* t) {
  MC_LIVE(condition_wait(number(c), number(m), true, MC_PC))
  MC_REAL(pthread_cond_timedwait, c, m, t);
}
int pthread_cond_clockwait(pthread_cond_t* c, pthread_mutex_t* m, clockid_t k, const timespec* t) {
  MC_LIVE(condition_wait(number(c), number(m), true, MC_PC))
  static const auto next =
      real<int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>(
          "pthread_cond_clockwait");
  return next(c, m, k, t);
}
int pthread_cond_signal(pthread_cond_t* c) noexcept {
  MC_LIVE((condition_wake(number(c), false, MC_PC), 0))
  MC_REAL(pthread_cond_signal, c);
}
int pthread_cond_broadcast(pthread_cond_t* c) noexcept {
  MC_LIVE((condition_wake(number(c), true, MC_PC), 0))
  MC_REAL(pthread_cond_broadcast, c);
}
int pthread_cond_destroy(pthread_cond_t* c) noexcept {
  if (live()) return 0;
  MC_REAL(pthread_cond_destroy, c);
}

int pthread_rwlock_rdlock(pthread_rwlock_t* l) noexcept {
  MC_LIVE(shared_lock(number(l), false, false, false, MC_PC))
  MC_REAL(pthread_rwlock_rdlock, l);
}
int pthread_rwlock_tryrdlock(pthread_rwlock_t* l) noexcept {
  MC_LIVE(shared_lock(number(l), false, true, false, MC_PC))
  MC_REAL(pthread_rwlock_tryrdlock, l);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* l) noexcept {
  MC_LIVE(shared_lock(number(l), true, false, false, MC_PC))
  MC_REAL(pthread_rwlock_wrlock, l);
}
int pthread_rwlock_trywrlock(pthread_rwlock_t* l) noexcept {
  MC_LIVE(shared_lock(number(l), true, true, false, MC_PC))
  MC_REAL(pthread_rwlock_trywrlock, l);
}
int pthread_rwlock_timedrdlock(pthread_rwlock_t* l, const timespec* t) noexcept {
  MC_LIVE(shared_lock(number(l), false, false, true, MC_PC))
  MC_REAL(pthread_rwlock_timedrdlock, l, t);
}
int pthread_rwlock_timedwrlock(pthread_rwlock_t* l, const timespec* t) noexcept {
  MC_LIVE(shared_lock(number(l), true, false, true, MC_PC))
  MC_REAL(pthread_rwlock_timedwrlock, l, t);
}
int pthread_rwlock_unlock(pthread_rwlock_t* l) noexcept {
  MC_LIVE(shared_unlock(number(l), MC_PC))
  MC_REAL(pthread_rwlock_unlock, l);
}

int pthread_once(pthread_once_t* once, void (*f)()) {
  if (live()) {
    const u32 program = MC_PC;
    bool first;
    {
      const entered in;
      first = guard_acquire(number(once), 1, program);
    }
    if (!first) return 0;
    try {
      f();
    } catch (...) {
      const entered in;
      guard_release(number(once), 1, 0, program);
      throw;
    }
    const entered in;
    // 1 is for guard_acquire. 2 is done to the C library, which is asked outside of a body about
    // the flags of shared libraries: those of the unwinder, for one.
    guard_release(number(once), 1, 3, program);
    return 0;
  }
  MC_REAL(pthread_once, once, f);
}

int pthread_create(pthread_t* id, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  if (live()) {
    const entered in;
    const int t = start_thread(MC_PC);
    fiber& f = rt->threads[t];
    f.start = start;
    f.argument = argument;
    *id = static_cast<pthread_t>(f.fixed.identity);
    return 0;
  }
  MC_REAL(pthread_create, id, attributes, start, argument);
}
int pthread_join(pthread_t id, void** value) {
  if (live()) {
    const entered in;
    const int t = fiber_of(id);
    wait_for_thread(t, MC_PC);
    if (value != nullptr) *value = rt->threads[t].value;
    return 0;
  }
  MC_REAL(pthread_join, id, value);
}
int pthread_detach(pthread_t id) noexcept {
  if (live()) return 0;
  MC_REAL(pthread_detach, id);
}

int pthread_key_create(pthread_key_t* key, void (*destroy)(void*)) noexcept {
  if (live()) {
    if (rt->key_count == 64) return EAGAIN;
    *key = static_cast<pthread_key_t>(rt->key_count);
    rt->key_destructors[rt->key_count++] = destroy;
    return 0;
  }
  MC_REAL(pthread_key_create, key, destroy);
}
int pthread_key_delete(pthread_key_t key) noexcept {
  if (live()) {
    if (key < 64) rt->key_destructors[key] = nullptr;
    return 0;
  }
  MC_REAL(pthread_key_delete, key);
}
int pthread_setspecific(pthread_key_t key, const void* value) noexcept {
  if (live()) {
    if (key >= 64) return EINVAL;
    me().specific[key] = const_cast<void*>(value);
    return 0;
  }
  MC_REAL(pthread_setspecific, key, value);
}
void* pthread_getspecific(pthread_key_t key) noexcept {
  if (live()) return key < 64 ? me().specific[key] : nullptr;
  MC_REAL(pthread_getspecific, key);
}

}  // extern "C"
