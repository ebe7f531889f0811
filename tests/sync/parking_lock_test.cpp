// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <concur/detail/sync/parking_lock.hpp>
#include <mutex>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/threads.hpp"

using concur::detail::lock_holder;
using concur::detail::parking_lock;

TEST_CASE("a parking lock keeps others out", "[sync][parking_lock]") {
  parking_lock lock;
  REQUIRE(lock.try_lock());
  REQUIRE(lock.is_locked());
  bool had_it = true;
  std::thread([&] { had_it = lock.try_lock(); }).join();
  REQUIRE_FALSE(had_it);
  lock.unlock();
  REQUIRE_FALSE(lock.is_locked());
  const std::scoped_lock again(lock);  // BasicLockable
  REQUIRE(lock.is_locked());
}

TEST_CASE("critical sections do not overlap, with more threads than cores",
          "[sync][parking_lock]") {
  parking_lock lock;
  long plain = 0;  // a data race here is what ThreadSanitizer would report
  bool inside = false;
  concur_test::failures failures;
  concur_test::on_threads(8, failures, [&](int) {
    for (int i = 0; i < 3000; ++i) {
      const lock_holder holder(lock);
      MT_CHECK(failures, !inside);
      inside = true;
      ++plain;
      if (i % 512 == 0) std::this_thread::yield();
      inside = false;
    }
  });
  failures.require();
  REQUIRE(plain == 24000);
  REQUIRE_FALSE(lock.is_locked());
}

TEST_CASE("every one of many sleeping waiters gets the lock", "[sync][parking_lock]") {
  parking_lock lock;
  std::atomic<int> waiting{0};
  int passed = 0;
  std::vector<std::thread> threads;
  lock.lock();
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&] {
      waiting.fetch_add(1);
      const lock_holder holder(lock);
      ++passed;
    });
  }
  while (waiting.load() != 24) std::this_thread::yield();
  // Long enough that most of them sleep; nothing depends on it.
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  lock.unlock();
  for (auto& thread : threads) thread.join();
  REQUIRE(passed == 24);
}

TEST_CASE("two threads hand the lock to and fro", "[sync][parking_lock]") {
  parking_lock lock;
  int turn = 0;
  concur_test::failures failures;
  concur_test::on_threads(2, failures, [&](int me) {
    for (int i = 0; i < 500;) {
      const lock_holder holder(lock);
      if (turn % 2 != me) continue;
      ++turn;
      ++i;
    }
  });
  failures.require();
  REQUIRE(turn == 1000);
}

TEST_CASE("a holder can let go and take the lock again", "[sync][parking_lock]") {
  parking_lock lock;
  {
    lock_holder holder(lock);
    holder.unlock();
    REQUIRE(lock.try_lock());
    lock.unlock();
    holder.lock();
    REQUIRE_FALSE(lock.try_lock());
    holder.unlock();
  }
  REQUIRE_FALSE(lock.is_locked());
}
