// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <concur/detail/sync/parking_lock_timed.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/threads.hpp"

using concur::detail::lock_holder;
using concur::detail::parking_lock_timed;
using namespace std::chrono_literals;

TEST_CASE("a timed attempt on a free lock succeeds, whatever the time", "[sync][parking_lock]") {
  parking_lock_timed lock;
  REQUIRE(lock.try_lock_for(0ms));
  lock.unlock();
  REQUIRE(lock.try_lock_for(-1s));
  lock.unlock();
  REQUIRE(lock.try_lock_until(std::chrono::steady_clock::now() - 1h));
  lock.unlock();
  REQUIRE(lock.try_lock_for(std::chrono::hours::max()));
  lock.unlock();
  REQUIRE_FALSE(lock.is_locked());
}

TEST_CASE("a timed attempt gives up, not before its time", "[sync][parking_lock]") {
  parking_lock_timed lock;
  lock.lock();
  const auto start = std::chrono::steady_clock::now();
  REQUIRE_FALSE(lock.try_lock_for(5ms));
  REQUIRE(std::chrono::steady_clock::now() - start >= 5ms);
  REQUIRE_FALSE(lock.try_lock_until(std::chrono::system_clock::now() + 2ms));
  REQUIRE_FALSE(lock.try_lock_for(0ms));
  lock.unlock();
  // The mark that sleepers left behind does no harm.
  REQUIRE(lock.try_lock());
  lock.unlock();
  REQUIRE_FALSE(lock.is_locked());
}

TEST_CASE("a timed waiter is woken by the unlock", "[sync][parking_lock]") {
  parking_lock_timed lock;
  std::atomic<bool> waiting{false};
  bool had_it = false;
  lock.lock();
  std::thread waiter([&] {
    waiting.store(true);
    had_it = lock.try_lock_for(10min);
    if (had_it) lock.unlock();
  });
  while (!waiting.load()) std::this_thread::yield();
  lock.unlock();
  waiter.join();
  REQUIRE(had_it);
}

TEST_CASE("timed and untimed waiters together lose no wake-up", "[sync][parking_lock]") {
  parking_lock_timed lock;
  long plain = 0;
  std::atomic<long> passed{0};
  concur_test::failures failures;
  concur_test::on_threads(6, failures, [&](int me) {
    for (int i = 0; i < 500; ++i) {
      if (me % 2 == 0) {
        const lock_holder<concur::detail::parking_lock> holder(lock);
        ++plain;
        passed.fetch_add(1);
      } else if (lock.try_lock_for(std::chrono::microseconds(i % 50))) {
        ++plain;
        passed.fetch_add(1);
        lock.unlock();
      }
    }
  });
  failures.require();
  REQUIRE(plain == passed.load());
  REQUIRE(plain >= 1500);
  REQUIRE_FALSE(lock.is_locked());
}
