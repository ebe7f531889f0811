// SPDX-License-Identifier: MIT
/// \file
/// Fibers. A switch exchanges the stack and the thread pointer: every fiber borrows the
/// thread_local storage, the exception globals and the identity of a real thread that was created
/// for this and sleeps for ever. So `thread_local` objects of two fibers have different addresses,
/// and `throw`, `errno` and `std::this_thread::get_id` work inside fibers.
#include <cxxabi.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <new>

#include "state.hpp"

#if defined(__x86_64__) && !defined(MC_UCONTEXT)
#define MC_SWITCH_X86 1
#elif defined(__aarch64__) && !defined(MC_UCONTEXT)
#define MC_SWITCH_ARM 1
#else
#include <ucontext.h>
#endif

namespace mc::detail {

runtime* rt = nullptr;

namespace {

// The thread pointer --------------------------------------------------------------------------

u64 thread_pointer() {
#if defined(__x86_64__)
  u64 p;
  asm("mov %%fs:0, %0" : "=r"(p));
  return p;
#else
  return reinterpret_cast<u64>(__builtin_thread_pointer());
#endif
}

#if defined(__x86_64__)
bool has_fsgsbase() {
  static const bool has = (getauxval(AT_HWCAP2) & 2) != 0;
  return has;
}
#endif

void set_thread_pointer(u64 p) {
#if defined(__x86_64__)
  if (has_fsgsbase()) {
    asm volatile("wrfsbase %0" : : "r"(p) : "memory");
  } else {  // arch_prctl(ARCH_SET_FS)
    long number = SYS_arch_prctl;
    asm volatile("syscall" : "+a"(number) : "D"(0x1002), "S"(p) : "rcx", "r11", "memory");
  }
#elif defined(__aarch64__)
  asm volatile("msr tpidr_el0, %0" : : "r"(p) : "memory");
#else
#error "the checker knows how to set the thread pointer of x86-64 and AArch64 only"
#endif
}

// The stack ------------------------------------------------------------------------------------

#if defined(MC_SWITCH_X86)
extern "C" void mc_switch_stack(void** save, void* load);
asm(R"(
.text
.globl mc_switch_stack
.type mc_switch_stack, @function
mc_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size mc_switch_stack, . - mc_switch_stack
)");

void* first_frame(char* stack, void (*entry)()) {
  auto* sp = reinterpret_cast<u64*>(stack + stack_bytes - 64);
  *--sp = 0;  // the return address of entry: the unwinder stops here
  *--sp = reinterpret_cast<u64>(entry);
  for (int i = 0; i < 6; ++i) *--sp = 0;
  return sp;
}
void switch_stack(void** save, void* load) {
  mc_switch_stack(save, load);
}

#elif defined(MC_SWITCH_ARM)
extern "C" void mc_switch_stack(void** save, void* load);
asm(R"(
.text
.globl mc_switch_stack
.type mc_switch_stack, %function
mc_switch_stack:
  stp x19, x20, [sp, #-160]!
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x19, x20, [sp], #160
  ret
.size mc_switch_stack, . - mc_switch_stack
)");

void* first_frame(char* stack, void (*entry)()) {
  auto* sp = reinterpret_cast<u64*>(stack + stack_bytes - 64 - 160);
  for (int i = 0; i < 20; ++i) sp[i] = 0;
  sp[11] = reinterpret_cast<u64>(entry);  // x30
  return sp;
}
void switch_stack(void** save, void* load) {
  mc_switch_stack(save, load);
}

#else
ucontext_t contexts[max_threads + 1];  // the last is the driver's
void* first_frame(char* stack, void (*entry)()) {
  const auto t =
      static_cast<u64>(stack - rt->arena - static_cast<long>(arena_bytes)) / (stack_bytes + 4096);
  ucontext_t& c = contexts[t];
  getcontext(&c);
  c.uc_stack.ss_sp = stack;
  c.uc_stack.ss_size = stack_bytes;
  c.uc_link = nullptr;
  makecontext(&c, entry, 0);
  return &c;
}
void switch_stack(void** save, void* load) {
  // A stack pointer is the context itself here; the driver's is the spare one.
  if (*save == nullptr) *save = &contexts[max_threads];
  swapcontext(static_cast<ucontext_t*>(*save), static_cast<ucontext_t*>(load));
}
#endif

// Parked threads ------------------------------------------------------------------------------

std::atomic<u64> parked_pointer{0};
std::atomic<u64> parked_identity{0};

void* park(void*) {
  parked_identity.store(static_cast<u64>(pthread_self()));
  parked_pointer.store(thread_pointer());
  for (;;) pause();
}

void borrow_thread(fiber& f) {
  using create_type = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  auto create = reinterpret_cast<create_type>(dlsym(RTLD_NEXT, "pthread_create"));
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 << 10);
  pthread_t id;
  parked_pointer.store(0);
  if (create(&id, &attributes, park, nullptr) != 0) {
    std::fprintf(stderr, "mc: cannot create a thread\n");
    std::_Exit(2);
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  while (parked_pointer.load() == 0) usleep(20);
  f.fixed.thread_pointer = parked_pointer.load();
  f.fixed.identity = parked_identity.load();
}

// Running -------------------------------------------------------------------------------------

void run_user_code(fiber& f) {
  try {
    if (f.start != nullptr) {
      f.value = f.start(f.argument);
    } else {
      (*std::launder(reinterpret_cast<std::function<void()>*>(f.function)))();
    }
  } catch (const std::exception& e) {
    rt->mode_ = mode::checker;
    stop(failure::requirement, "uncaught exception: %s", e.what());
  } catch (...) {
    rt->mode_ = mode::checker;
    stop(failure::requirement, "uncaught exception");
  }
}

void fiber_entry() {
  fiber& f = me();
  std::memset(static_cast<void*>(abi::__cxa_get_globals()), 0, 16);
  rt->mode_ = mode::user;
  run_user_code(f);
  if (f.has_function) {
    using function = std::function<void()>;
    std::launder(reinterpret_cast<function*>(f.function))->~function();
    f.has_function = false;
  }
  run_exits(f);
  rt->mode_ = mode::checker;
  thread_finished();
}

}  // namespace

void make_fibers() {
  rt->home_thread_pointer = thread_pointer();
  for (int t = 0; t < max_threads; ++t) {
    fiber& f = rt->threads[t];
    char* area = rt->arena + arena_bytes + static_cast<u64>(t) * (stack_bytes + 4096);
    mprotect(area, 4096, PROT_NONE);
    f.fixed.stack = area + 4096;
    borrow_thread(f);
    f.fixed.tls = reinterpret_cast<char*>(f.fixed.thread_pointer + rt->tls_offset);
  }
}

void prepare_fiber(int t) {
  fiber& f = rt->threads[t];
  if (rt->tls_size != 0) {
    std::memcpy(f.fixed.tls, rt->tls_image, rt->tls_image_size);
    std::memset(f.fixed.tls + rt->tls_image_size, 0, rt->tls_size - rt->tls_image_size);
  }
  f.stack_pointer = first_frame(f.fixed.stack, fiber_entry);
}

void switch_to(int t) {
  const int from = rt->current;
  if (t == from) return;
  rt->current = t;
  set_thread_pointer(rt->threads[t].fixed.thread_pointer);
  switch_stack(&rt->threads[from].stack_pointer, rt->threads[t].stack_pointer);
}

void enter_execution() {
  rt->current = 0;
  rt->mode_ = mode::checker;
  set_thread_pointer(rt->threads[0].fixed.thread_pointer);
  switch_stack(&rt->home_stack, rt->threads[0].stack_pointer);
}

void leave_execution() {
  void* abandoned = nullptr;
  rt->mode_ = mode::idle;
  set_thread_pointer(rt->home_thread_pointer);
#if !defined(MC_SWITCH_X86) && !defined(MC_SWITCH_ARM)
  setcontext(&contexts[max_threads]);
#endif
  switch_stack(&abandoned, rt->home_stack);
  __builtin_unreachable();
}

}  // namespace mc::detail
