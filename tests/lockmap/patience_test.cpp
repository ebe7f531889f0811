// SPDX-License-Identifier: MIT
/// \file
/// Those who wait for a key sleep, and are not overtaken for ever.
#include "support/catch.hpp"
#include "support/counting_patience.hpp"
#include "support/threads.hpp"
#include "support/time_limit.hpp"

#include <concur/lockmap_stop.hpp>
#include <concur/lru_lockmap.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#if defined(__linux__)
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <fstream>
#endif

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

/// So often may the front of a queue be woken in vain.
constexpr int promised_losses = 2;

}  // namespace

TEST_CASE("a waiter is overtaken a bounded number of times", "[lockmap]") {
  const time_limit limit(120s);
  concur::lockmap<int, int> map{{1, 0}};
  std::atomic<bool> is_over{false};
  std::atomic<int> taken{0};
  int most = 0;
  failures found;
  on_threads(4, found, [&](int index) {
    if (index == 0) {
      for (int i = 0; i < 30; ++i) {
        for (const int before = taken; taken == before;) std::this_thread::yield();
        int sleeps = 0;
        using concur::detail::lockmap::lock_mode;
        const auto entry = lock_and_count<lock_mode::exclusive>(map, 1, sleeps);
        most = std::max(most, sleeps);
      }
      is_over = true;
    } else {
      // Never in the queue, and there when one of them leaves the key: faster than anybody wakes
      // up.
      while (!is_over) {
        if (auto entry = map.try_lock(1)) {
          ++taken;
          for (int i = 0; i < 20'000 && !is_over; ++i) ++*entry;  // longer than anybody spins
        }
      }
    }
  });
  found.require();
  REQUIRE(most <= 1 + promised_losses);
}

#if defined(__linux__)
namespace {

/// What the system says of a thread: whether it wants to run, and how long it has run.
class observed_thread {
 public:
  /// By the thread itself, before it does what it is observed in.
  void begin() noexcept {
    id_.store(static_cast<long>(syscall(SYS_gettid)));
    id_.notify_all();
  }
  /// True as soon as it has slept, without running meanwhile, through several looks in a row.
  bool falls_asleep(std::thread& thread) const {
    id_.wait(0);
    clockid_t clock{};
    if (pthread_getcpuclockid(thread.native_handle(), &clock) != 0) return false;
    long long before = -1;
    int asleep = 0;
    // Far more looks than are needed: the machine may be busy with other things.
    for (int looks = 0; looks < 5'000 && asleep < 20; ++looks) {
      std::this_thread::sleep_for(1ms);
      timespec used{};
      clock_gettime(clock, &used);
      const long long now = used.tv_sec * 1'000'000'000LL + used.tv_nsec;
      asleep = now == before && is_sleeping() ? asleep + 1 : 0;
      before = now;
    }
    return asleep == 20;
  }

 private:
  bool is_sleeping() const {
    std::ifstream in("/proc/self/task/" + std::to_string(id_.load()) + "/stat");
    std::string line;
    std::getline(in, line);
    const std::size_t name = line.rfind(')');  // the name of the thread may have anything in it
    return name != std::string::npos && line.compare(name, 4, ") S ") == 0;
  }

  std::atomic<long> id_{0};
};

/// `wait(map)` waits for key 1, which is held; it ends when it is given back.
template <class Map, class Wait>
void sleeps_in(const char* what, Wait wait) {
  INFO(what);
  Map map;
  map.try_emplace(1, "a value");
  observed_thread observed;
  auto entry = map.lock(1);
  std::thread waiter([&] {
    observed.begin();
    wait(map);
  });
  const bool is_asleep = observed.falls_asleep(waiter);
  entry.unlock();
  waiter.join();
  CHECK(is_asleep);
}

template <class Map>
void waiters_sleep() {
  const auto sleeps = [](const char* what, auto wait) { sleeps_in<Map>(what, wait); };
  sleeps("lock", [](Map& map) { static_cast<void>(map.lock(1)); });
  sleeps("lock_shared", [](Map& map) { static_cast<void>(map.lock_shared(1)); });
  sleeps("try_lock_for", [](Map& map) { static_cast<void>(map.try_lock_for(1, 24h)); });
  sleeps("lock_all", [](Map& map) { static_cast<void>(map.lock_all({2, 1})); });
  sleeps("find", [](Map& map) { static_cast<void>(map.find(1)); });
  sleeps("update", [](Map& map) { map.update(1, [](std::string& v) { v += '.'; }); });
  sleeps("get_or_compute",
         [](Map& map) { static_cast<void>(map.get_or_compute(1, [] { return std::string(); })); });
#if defined(__cpp_lib_jthread)
  sleeps("lock with a stop token", [](Map& map) {
    const std::stop_source source;
    static_cast<void>(map.lock(1, source.get_token()));
  });
#endif
}

}  // namespace

TEST_CASE("who waits for a key sleeps", "[lockmap]") {
  const time_limit limit(300s);
  waiters_sleep<concur::lockmap<int, std::string>>();
}
TEST_CASE("who waits for a key of a cache sleeps", "[lockmap][lru]") {
  const time_limit limit(300s);
  waiters_sleep<concur::lru_lockmap<int, std::string>>();
}
#endif
