// SPDX-License-Identifier: MIT
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "self/expectations.hpp"

namespace expectations {

namespace {

using mc::failure;
constexpr auto rlx = std::memory_order_relaxed;
constexpr auto acq = std::memory_order_acquire;
constexpr auto rel = std::memory_order_release;

/// Keeps a value from being optimised away, and the read of it with it.
void consume(int v) {
  mc::require(v != 0x7f3a21, "consumed");
}

/// Keeps an allocation, and what is written to it, from being optimised away.
template <class P>
void keep(P* p) {
  asm volatile("" : "+r"(p) : : "memory");
}

struct counted {
  static inline int alive = 0;
  counted() { ++alive; }
  ~counted() { --alive; }
};

int static_counter = 7;
std::atomic<int> static_atomic{3};
thread_local int per_thread = 5;

void plain_accesses(std::vector<expectation>& e) {
  e.push_back({"two writers race", failure::race, [] {
                 auto p = std::make_unique<int>(0);
                 mc::spawn([&] { *p = 1; });
                 mc::spawn([&] { *p = 2; });
                 mc::join_all();
               }});
  e.push_back({"reader and writer race", failure::race, [] {
                 auto p = std::make_unique<int>(0);
                 mc::spawn([&] { *p = 1; });
                 mc::spawn([&] { consume(*p); });
                 mc::join_all();
               }});
  e.push_back({"two readers do not race", failure::none, [] {
                 auto p = std::make_unique<int>(3);
                 mc::spawn([&] { consume(*p); });
                 mc::spawn([&] { consume(*p); });
                 mc::join_all();
                 *p = 4;
               }});
  e.push_back({"neighbouring bytes do not race", failure::none, [] {
                 auto p = std::make_unique<char[]>(8);
                 for (int t = 0; t < 4; ++t)
                   mc::spawn([&p, t] { p[static_cast<std::size_t>(t)] = 1; });
                 mc::join_all();
               }});
  e.push_back({"a byte is remembered beside its neighbours", failure::race, [] {
                 auto p = std::make_unique<char[]>(8);
                 std::atomic<int> flag{0};
                 mc::spawn([&] {
                   p[0] = 1;  // raced with
                   p[1] = 1;  // same thread, later, published
                   flag.store(1, rlx);
                 });
                 mc::spawn([&] {
                   if (flag.load(rlx) == 1) p[0] = 2;
                 });
                 mc::join_all();
               }});
  e.push_back({"a neighbour's later accesses do not hide an older race", failure::race, [] {
                 auto p = std::make_unique<char[]>(8);
                 std::atomic<int> turn{0};
                 mc::spawn([&] {
                   p[0] = 1;
                   p[1] = 1;
                   turn.store(1, rlx);
                 });
                 mc::spawn([&] {
                   while (turn.load(rlx) != 1) mc::yield();
                   p[7] = 1;
                   turn.store(2, rlx);
                 });
                 mc::spawn([&] {
                   while (turn.load(rlx) != 2) mc::yield();
                   p[0] = 2;
                 });
                 mc::join_all();
               }});
  e.push_back({"plain access races with an atomic one", failure::race, [] {
                 auto p = std::make_unique<std::atomic<int>>(0);
                 mc::spawn([&] { p->store(1, rlx); });
                 mc::spawn([&] {
                   int v;
                   std::memcpy(&v, static_cast<void*>(p.get()), sizeof v);
                   consume(v);
                 });
                 mc::join_all();
               }});
  e.push_back({"relaxed publication races", failure::race, [] {
                 auto p = std::make_unique<int>(0);
                 std::atomic<int> flag{0};
                 mc::spawn([&] {
                   *p = 1;
                   flag.store(1, rlx);
                 });
                 mc::spawn([&] {
                   if (flag.load(acq) == 1) consume(*p);
                 });
                 mc::join_all();
               }});
  e.push_back({"published data do not race", failure::none, [] {
                 auto p = std::make_unique<int>(0);
                 std::atomic<int> flag{0};
                 mc::spawn([&] {
                   *p = 1;
                   flag.store(1, rel);
                 });
                 mc::spawn([&] {
                   if (flag.load(acq) == 1) mc::require(*p == 1, "published");
                 });
                 mc::join_all();
               }});
  e.push_back({"memcpy is seen", failure::race, [] {
                 auto p = std::make_unique<char[]>(64);
                 auto q = std::make_unique<char[]>(64);
                 std::memset(q.get(), 1, 64);
                 mc::spawn([&] { p[40] = 1; });
                 volatile std::size_t n = 64;
                 mc::spawn([&] {
                   std::memcpy(p.get(), q.get(), n);
                   keep(p.get());
                 });
                 mc::join_all();
               }});
  e.push_back({"what a thread wrote is there for who joins it", failure::none, [] {
                 int value = 0;
                 const int t = mc::spawn([&] { value = 1; });
                 mc::join(t);
                 mc::require(value == 1, "joined");
               }});
  e.push_back({"a new thread knows what its parent wrote", failure::none, [] {
                 auto p = std::make_unique<int>(0);
                 *p = 4;
                 mc::spawn([&] { mc::require(*p == 4, "inherited"); });
                 mc::join_all();
               }});
  e.push_back({"atomics of two sizes on the same bytes", failure::mixed_size, [] {
                 auto p = std::make_unique<std::uint64_t>(0);
                 std::atomic_ref<std::uint64_t>(*p).store(1, rlx);
                 auto* half = reinterpret_cast<std::uint32_t*>(p.get());
                 mc::spawn([=] { std::atomic_ref<std::uint32_t>(*half).store(1, rlx); });
                 mc::join_all();
               }});
  e.push_back({"memory that is initialized anew may hold another atomic", failure::none, [] {
                 alignas(8) unsigned char bytes[8];
                 auto* a = new (bytes) std::atomic<std::uint64_t>(5);
                 mc::require(a->load(rlx) == 5, "first");
                 auto* b = new (bytes) std::atomic<std::uint32_t>(6);
                 mc::require(b->load(rlx) == 6, "second");
               }});
}

void heap(std::vector<expectation>& e) {
  e.push_back({"use after free", failure::use_after_free, [] {
                 auto* volatile p = new int(1);
                 delete p;
                 consume(*p);
               }});
  e.push_back({"a free that races with a use", failure::use_after_free, [] {
                 auto* p = new int(1);
                 std::atomic<int> done{0};
                 mc::spawn([&] {
                   consume(*p);
                   done.store(1, rlx);
                 });
                 mc::spawn([&] {
                   while (done.load(rlx) == 0) mc::yield();
                   delete p;
                 });
                 mc::join_all();
               }});
  e.push_back({"double free", failure::bad_free, [] {
                 auto* volatile p = new int(1);
                 keep<int>(p);
                 delete p;
                 delete p;
               }});
  e.push_back({"free of an inner address", failure::bad_free, [] {
                 int* volatile p = new int[8]();
                 p = p + 4;
                 delete[] p;
               }});
  e.push_back({"write beside a block", failure::out_of_bounds, [] {
                 auto p = std::make_unique<char[]>(13);
                 volatile std::size_t i = 13;
                 p[i] = 1;
                 keep(p.get());
               }});
  e.push_back({"leak", failure::leak, [] { static_cast<void>(*new volatile int(1)); }});
  e.push_back({"what static storage reaches is not a leak", failure::none, [] {
                 [[maybe_unused]] static int* volatile kept = nullptr;
                 kept = new int(1);
               }});
  e.push_back({"reused memory belongs to its new owner",
               failure::none,
               [] {
                 for (int i = 0; i < 4; ++i) {
                   auto p = std::make_unique<std::atomic<int>>(i);
                   mc::spawn([&] { p->fetch_add(1, rlx); });
                   mc::join(i + 1);
                   mc::require(p->load(rlx) == i + 1, "fresh");
                 }
               },
               {.reuse_memory = true}});
  e.push_back({"an allocation can fail",
               failure::requirement,
               [] {
                 try {
                   auto a = std::make_unique<int>(1);
                   keep(a.get());
                   auto b = std::make_unique<int>(1);
                   keep(b.get());
                 } catch (const std::bad_alloc&) {
                   mc::fail("bad_alloc arrived");
                 }
               },
               {.fail_allocation = 2}});
}

void blocking(std::vector<expectation>& e) {
  e.push_back({"a mutex orders", failure::none, [] {
                 std::mutex m;
                 int n = 0;
                 for (int t = 0; t < 3; ++t)
                   mc::spawn([&] {
                     std::lock_guard l(m);
                     ++n;
                   });
                 mc::join_all();
                 mc::require(n == 3, "three");
               }});
  e.push_back({"two locks in two orders", failure::deadlock, [] {
                 std::mutex a;
                 std::mutex b;
                 mc::spawn([&] {
                   std::lock_guard x(a);
                   std::lock_guard y(b);
                 });
                 mc::spawn([&] {
                   std::lock_guard x(b);
                   std::lock_guard y(a);
                 });
                 mc::join_all();
               }});
  e.push_back({"a mutex locked twice", failure::deadlock, [] {
                 std::mutex m;
                 m.lock();
                 m.lock();
               }});
  e.push_back({"a mutex unlocked by another", failure::misuse, [] {
                 std::mutex m;
                 m.lock();
                 mc::spawn([&] { m.unlock(); });
                 mc::join_all();
               }});
  e.push_back({"a recursive mutex", failure::none, [] {
                 std::recursive_mutex m;
                 std::lock_guard a(m);
                 std::lock_guard b(m);
               }});
  e.push_back({"a condition variable with a predicate", failure::none, [] {
                 std::mutex m;
                 std::condition_variable c;
                 bool ready = false;
                 mc::spawn([&] {
                   std::unique_lock l(m);
                   c.wait(l, [&] { return ready; });
                 });
                 mc::spawn([&] {
                   {
                     std::lock_guard l(m);
                     ready = true;
                   }
                   c.notify_one();
                 });
                 mc::join_all();
               }});
  e.push_back({"a condition variable without one", failure::requirement, [] {
                 std::mutex m;
                 std::condition_variable c;
                 bool ready = false;
                 mc::spawn([&] {
                   std::unique_lock l(m);
                   if (!ready) c.wait(l);
                   mc::require(ready, "woken for nothing");
                 });
                 mc::spawn([&] {
                   {
                     std::lock_guard l(m);
                     ready = true;
                   }
                   c.notify_one();
                 });
                 mc::join_all();
               }});
  e.push_back({"a condition variable notified before it is waited for",
               failure::deadlock,
               [] {
                 std::mutex m;
                 std::condition_variable c;
                 mc::spawn([&] {
                   std::unique_lock l(m);
                   c.wait(l);
                 });
                 mc::spawn([&] { c.notify_one(); });
                 mc::join_all();
               },
               {.spurious = false}});
  e.push_back({"a wait with a time limit ends", failure::none, [] {
                 std::mutex m;
                 std::condition_variable c;
                 std::unique_lock l(m);
                 const auto r = c.wait_for(l, std::chrono::milliseconds(5));
                 static_cast<void>(r);
               }});
  e.push_back({"a shared mutex", failure::none, [] {
                 std::shared_mutex m;
                 int n = 0;
                 mc::spawn([&] {
                   std::shared_lock l(m);
                   consume(n);
                 });
                 mc::spawn([&] {
                   std::shared_lock l(m);
                   consume(n);
                 });
                 mc::spawn([&] {
                   std::unique_lock l(m);
                   ++n;
                 });
                 mc::join_all();
               }});
  e.push_back({"writing under a shared lock", failure::race, [] {
                 std::shared_mutex m;
                 int n = 0;
                 for (int t = 0; t < 2; ++t)
                   mc::spawn([&] {
                     std::shared_lock l(m);
                     ++n;
                   });
                 mc::join_all();
               }});
  e.push_back({"atomic wait and notify", failure::none, [] {
                 std::atomic<int> a{0};
                 std::atomic<std::uint64_t> wide{0};
                 mc::spawn([&] {
                   a.wait(0);
                   wide.wait(0);
                 });
                 mc::spawn([&] {
                   a.store(1);
                   a.notify_one();
                   wide.store(1);
                   wide.notify_all();
                 });
                 mc::join_all();
               }});
  e.push_back({"atomic wait without notify", failure::deadlock, [] {
                 std::atomic<int> a{0};
                 mc::spawn([&] { a.wait(0); });
                 mc::spawn([&] { a.store(1); });
                 mc::join_all();
               }});
  e.push_back({"a spin that nobody ends",
               failure::livelock,
               [] {
                 std::atomic<int> a{0};
                 mc::spawn([&] {
                   while (a.load(acq) == 0) {
                   }
                 });
                 mc::join_all();
               },
               {.max_steps = 500}});
  e.push_back({"a spin that somebody ends", failure::none, [] {
                 std::atomic<int> a{0};
                 mc::spawn([&] {
                   while (a.load(acq) == 0) {
                   }
                 });
                 mc::spawn([&] { a.store(1, rel); });
                 mc::join_all();
               }});
}

void language(std::vector<expectation>& e) {
  e.push_back({"statics are fresh in every execution", failure::none, [] {
                 static std::string grows;
                 static counted local;
                 mc::require(static_counter == 7 && static_atomic.load(rlx) == 3, "fresh");
                 mc::require(grows.empty(), "constructed anew");
                 mc::require(counted::alive == 1, "its initializer runs in every execution");
                 grows = "a string that is too long for the small buffer of std::string";
                 static_counter = 8;
                 static_atomic.store(4, rlx);
               }});
  e.push_back({"a static is initialized once by two threads", failure::none, [] {
                 static int initialized = 0;
                 const auto get = []() -> int& {
                   static int& once = *[] {
                     ++initialized;
                     static int v = 1;
                     return &v;
                   }();
                   return once;
                 };
                 mc::spawn([&] { consume(get()); });
                 mc::spawn([&] { consume(get()); });
                 mc::join_all();
                 mc::require(initialized == 1, "once");
               }});
  e.push_back({"std::call_once", failure::none, [] {
                 std::once_flag once;
                 int n = 0;
                 for (int t = 0; t < 2; ++t)
                   mc::spawn([&] {
                     std::call_once(once, [&] { ++n; });
                     mc::require(n == 1, "once");
                   });
                 mc::join_all();
               }});
  e.push_back({"thread_local objects belong to their thread", failure::none, [] {
                 int* addresses[3] = {};
                 for (int t = 0; t < 3; ++t)
                   mc::spawn([&addresses, t] {
                     mc::require(per_thread == 5, "initialized");
                     per_thread = t;
                     addresses[t] = &per_thread;
                     mc::yield();
                     mc::require(per_thread == t, "own");
                   });
                 mc::join_all();
                 mc::require(addresses[0] != addresses[1] && addresses[1] != addresses[2],
                             "distinct");
               }});
  e.push_back({"destructors of thread_local objects run when the thread ends", failure::none, [] {
                 static std::atomic<int> destroyed{0};
                 struct object {
                   int v = 1;
                   ~object() { destroyed.fetch_add(1, rlx); }
                 };
                 const auto touch = [] {
                   thread_local object o;
                   consume(o.v);
                 };
                 mc::spawn(touch);
                 mc::spawn(touch);
                 mc::join_all();
                 mc::require(destroyed.load(rlx) == 2, "two");
               }});
  e.push_back({"exceptions cross fibers' switches", failure::none, [] {
                 std::atomic<int> a{0};
                 for (int t = 0; t < 3; ++t)
                   mc::spawn([&a, t] {
                     try {
                       a.fetch_add(1, rlx);
                       throw std::runtime_error(std::to_string(t));
                     } catch (const std::exception& x) {
                       a.fetch_add(1, rlx);
                       try {
                         a.fetch_add(1, rlx);
                         throw t;
                       } catch (int v) {
                         a.fetch_add(1, rlx);
                         mc::require(v == t, "inner");
                       }
                       mc::require(x.what() == std::to_string(t), "outer");
                     }
                   });
                 mc::join_all();
               }});
  e.push_back({"an exception that nobody catches", failure::requirement, [] {
                 mc::spawn([] { throw 1; });
                 mc::join_all();
               }});
  e.push_back({"std::thread", failure::none, [] {
                 int n = 0;
                 std::mutex m;
                 std::thread a([&] {
                   std::lock_guard l(m);
                   ++n;
                 });
                 std::thread b([&] {
                   std::lock_guard l(m);
                   ++n;
                 });
                 mc::require(a.get_id() != b.get_id(), "two");
                 a.join();
                 b.join();
                 mc::require(n == 2, "both");
               }});
  e.push_back({"a null pointer", failure::crash, [] {
                 int* volatile p = nullptr;
                 consume(*p);
               }});
  e.push_back({"a body that does not wait for its threads", failure::misuse,
               [] { mc::spawn([] { mc::yield(); }); }});
  e.push_back({"16 bytes at once", failure::none, [] {
                 struct alignas(16) pair {
                   std::uint64_t a, b;
                 };
                 std::atomic<pair> p{pair{0, 0}};
                 mc::spawn([&] { p.store(pair{1, 1}, rel); });
                 mc::spawn([&] {
                   const pair v = p.load(acq);
                   mc::require(v.a == v.b, "not torn");
                 });
                 mc::join_all();
               }});
}

}  // namespace

const std::vector<expectation>& machinery() {
  static const std::vector<expectation> all = [] {
    std::vector<expectation> e;
    plain_accesses(e);
    heap(e);
    blocking(e);
    language(e);
    return e;
  }();
  return all;
}

}  // namespace expectations
