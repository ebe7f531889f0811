// SPDX-License-Identifier: MIT
// Planted bugs: seqlocks, locks, waiting. Each program comes once correct and once for each bug.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "self/expectations.hpp"
#include "self/planted.hpp"

namespace planted {

namespace {

// Seqlock --------------------------------------------------------------------------------------

enum class seqlock_bug {
  none,
  no_release_fence,
  relaxed_last_store,
  relaxed_first_load,
  no_acquire_fence,
  no_recheck,
  even_not_checked,
  writers_not_excluded,
};

template <seqlock_bug Bug>
class seqlock {
 public:
  void write(int v) {
    unsigned s = seq_.load(rlx);
    if constexpr (Bug == seqlock_bug::writers_not_excluded) {
      while ((s & 1) != 0) s = seq_.load(rlx);
      seq_.store(s + 1, rlx);
    } else {
      for (;;) {
        while ((s & 1) != 0) s = seq_.load(rlx);
        if (seq_.compare_exchange_weak(s, s + 1, acq, rlx)) break;
      }
    }
    if constexpr (Bug != seqlock_bug::no_release_fence) std::atomic_thread_fence(rel);
    a_.store(v, rlx);
    b_.store(v, rlx);
    seq_.store(s + 2, Bug == seqlock_bug::relaxed_last_store ? rlx : rel);
  }
  bool read() const {
    for (;;) {
      const unsigned s = seq_.load(Bug == seqlock_bug::relaxed_first_load ? rlx : acq);
      if ((s & 1) != 0 && Bug != seqlock_bug::even_not_checked) continue;
      const int a = a_.load(rlx);
      const int b = b_.load(rlx);
      if constexpr (Bug != seqlock_bug::no_acquire_fence) std::atomic_thread_fence(acq);
      if (Bug == seqlock_bug::no_recheck || seq_.load(rlx) == s) return a == b;
    }
  }

 private:
  std::atomic<unsigned> seq_{0};
  std::atomic<int> a_{0};
  std::atomic<int> b_{0};
};

template <seqlock_bug Bug>
void seqlock_program() {
  seqlock<Bug> cell;
  mc::spawn([&] { cell.write(1); });
  mc::spawn([&] { cell.write(2); });
  mc::spawn([&] { mc::require(cell.read(), "torn read"); });
  mc::join_all();
  mc::require(cell.read(), "torn at the end");
}

// Locks ----------------------------------------------------------------------------------------

/// Increments a plain counter under each lock: a lock that does not exclude or order is a race.
template <class Lock>
void lock_program() {
  Lock lock;
  int n = 0;
  for (int t = 0; t < 2; ++t)
    mc::spawn([&, t] {
      lock.lock(t);
      ++n;
      lock.unlock(t);
    });
  mc::join_all();
  mc::require(n == 2, "two increments");
}

template <std::memory_order Take, std::memory_order Give>
struct spin_lock {
  std::atomic<bool> taken{false};
  void lock(int) {
    while (taken.exchange(true, Take)) {
    }
  }
  void unlock(int) { taken.store(false, Give); }
};

struct check_then_take_lock {
  std::atomic<bool> taken{false};
  void lock(int) {
    while (taken.load(acq)) {
    }
    taken.store(true, rlx);
  }
  void unlock(int) { taken.store(false, rel); }
};

template <std::memory_order Store, std::memory_order Load>
struct peterson_lock {
  std::atomic<bool> wants[2] = {};
  std::atomic<int> turn{0};
  void lock(int t) {
    wants[t].store(true, Store);
    turn.store(1 - t, Store);
    while (wants[1 - t].load(Load) && turn.load(Load) == 1 - t) {
    }
  }
  void unlock(int t) { wants[t].store(false, rel); }
};

template <bool Fenced>
struct dekker_flags {
  std::atomic<int> wants[2] = {};
  bool try_lock(int t) {
    wants[t].store(1, rlx);
    if constexpr (Fenced) std::atomic_thread_fence(sc);
    return wants[1 - t].load(acq) == 0;
  }
};

template <bool Fenced>
void dekker_program() {
  dekker_flags<Fenced> flags;
  int n = 0;
  for (int t = 0; t < 2; ++t)
    mc::spawn([&, t] {
      if (flags.try_lock(t)) ++n;
    });
  mc::join_all();
}

template <std::memory_order Serve>
struct ticket_lock {
  std::atomic<unsigned> next{0};
  std::atomic<unsigned> serving{0};
  void lock(int) {
    const unsigned mine = next.fetch_add(1, rlx);
    while (serving.load(acq) != mine) {
    }
  }
  void unlock(int) { serving.store(serving.load(rlx) + 1, Serve); }
};

// Parking --------------------------------------------------------------------------------------

enum class parking_bug { none, waiters_forgotten, wake_before_release, sleeps_on_any_value };

/// The three-state futex mutex of Drepper, "Futexes Are Tricky".
template <parking_bug Bug>
struct parking_lock {
  std::atomic<int> state{0};  // 0 free, 1 taken, 2 taken and waited for

  static void sleep(std::atomic<int>& word, int value) {
    syscall(SYS_futex, &word, 128, value, nullptr, nullptr, 0);
  }
  static void wake(std::atomic<int>& word) {
    syscall(SYS_futex, &word, 129, 1, nullptr, nullptr, 0);
  }

  void lock(int) {
    int c = 0;
    if (state.compare_exchange_strong(c, 1, acq, rlx)) return;
    // After sleeping the state must be 2 again: others may sleep too.
    const int mark = Bug == parking_bug::waiters_forgotten ? 1 : 2;
    if (c != 2) c = state.exchange(2, acq);
    while (c != 0) {
      sleep(state, Bug == parking_bug::sleeps_on_any_value ? state.load(rlx) : 2);
      c = state.exchange(mark, acq);
    }
  }
  void unlock(int) {
    if constexpr (Bug == parking_bug::wake_before_release) {
      if (state.load(rlx) == 2) wake(state);
      state.store(0, rel);
    } else {
      if (state.exchange(0, rel) == 2) wake(state);
    }
  }
};

template <parking_bug Bug>
void parking_program() {
  parking_lock<Bug> lock;
  int n = 0;
  for (int t = 0; t < 3; ++t)
    mc::spawn([&, t] {
      lock.lock(t);
      ++n;
      lock.unlock(t);
    });
  mc::join_all();
}

template <bool Missable>
void event_program() {
  std::atomic<int> event{0};
  mc::spawn([&] {
    while (Missable ? event.load(acq) != 1 : event.load(acq) < 1) {
    }
  });
  mc::spawn([&] {
    event.store(1, rel);
    event.store(2, rel);
  });
  mc::join_all();
}

template <bool Ordered>
void two_locks_program() {
  std::mutex a;
  std::mutex b;
  mc::spawn([&] {
    std::lock_guard x(a);
    std::lock_guard y(b);
  });
  mc::spawn([&] {
    std::lock_guard x(Ordered ? a : b);
    std::lock_guard y(Ordered ? b : a);
  });
  mc::join_all();
}

/// Double-checked initialisation.
template <std::memory_order Publish>
void lazy_program() {
  std::mutex m;
  std::atomic<int*> once{nullptr};
  const auto get = [&] {
    int* p = once.load(acq);
    if (p == nullptr) {
      std::lock_guard l(m);
      p = once.load(rlx);
      if (p == nullptr) {
        p = new int(5);
        once.store(p, Publish);
      }
    }
    return *p;
  };
  mc::spawn([&] { mc::require(get() == 5, "initialized"); });
  mc::spawn([&] { mc::require(get() == 5, "initialized"); });
  mc::join_all();
  delete once.load(rlx);
}

}  // namespace

void cells(std::vector<program>& p) {
  using enum mc::failure;
  using s = seqlock_bug;
  p.push_back({"seqlock", none, seqlock_program<s::none>});
  p.push_back({"seqlock: no release fence", requirement, seqlock_program<s::no_release_fence>});
  p.push_back({"seqlock: relaxed last store", requirement, seqlock_program<s::relaxed_last_store>});
  p.push_back({"seqlock: relaxed first load", requirement, seqlock_program<s::relaxed_first_load>});
  p.push_back({"seqlock: no acquire fence", requirement, seqlock_program<s::no_acquire_fence>});
  p.push_back({"seqlock: no second look", requirement, seqlock_program<s::no_recheck>});
  p.push_back(
      {"seqlock: odd versions are read", requirement, seqlock_program<s::even_not_checked>});
  p.push_back({"seqlock: writers exclude each other by a store", requirement,
               seqlock_program<s::writers_not_excluded>});
  p.push_back({"spin lock", none, lock_program<spin_lock<acq, rel>>});
  p.push_back({"spin lock: relaxed unlock", race, lock_program<spin_lock<acq, rlx>>});
  p.push_back({"spin lock: relaxed lock", race, lock_program<spin_lock<rlx, rel>>});
  p.push_back({"spin lock: look, then take", race, lock_program<check_then_take_lock>});
  p.push_back({"Peterson's lock", none, lock_program<peterson_lock<sc, sc>>});
  p.push_back(
      {"Peterson's lock: release and acquire only", race, lock_program<peterson_lock<rel, acq>>});
  p.push_back({"Dekker's flags", none, dekker_program<true>});
  p.push_back({"Dekker's flags without a fence", race, dekker_program<false>});
  p.push_back({"ticket lock", none, lock_program<ticket_lock<rel>>});
  p.push_back({"ticket lock: relaxed hand-over", race, lock_program<ticket_lock<rlx>>});
  p.push_back({"futex lock", none, parking_program<parking_bug::none>});
  p.push_back({"futex lock: a woken thread forgets the other sleepers", deadlock,
               parking_program<parking_bug::waiters_forgotten>});
  p.push_back({"futex lock: wakes before it releases", deadlock,
               parking_program<parking_bug::wake_before_release>});
  p.push_back({"futex lock: sleeps whatever the state is", deadlock,
               parking_program<parking_bug::sleeps_on_any_value>});
  p.push_back({"event", none, event_program<false>});
  p.push_back({"event that can be missed", livelock, event_program<true>});
  p.push_back({"two mutexes in one order", none, two_locks_program<true>});
  p.push_back({"two mutexes in two orders", deadlock, two_locks_program<false>});
  p.push_back({"double-checked initialization", none, lazy_program<rel>});
  p.push_back({"double-checked initialization: relaxed publication", race, lazy_program<rlx>});
}

}  // namespace planted
