// SPDX-License-Identifier: MIT
#include <atomic>
#include <barrier>
#include <concur/detail/sync/thread_slots.hpp>
#include <set>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/threads.hpp"

using concur::detail::announcement;
using concur::detail::thread_slot;
using concur::detail::thread_slots;

namespace {

struct census {
  int all = 0;
  int taken = 0;
};

census count_slots() {
  census result;
  thread_slots::for_each_while([&result](thread_slot& slot) {
    ++result.all;
    if (slot.taken.load(std::memory_order_acquire)) ++result.taken;
    return true;
  });
  return result;
}

std::atomic<int> hook_runs{0};
std::atomic<int> hook_saw_announcement{0};

void count_exits(thread_slot& slot) noexcept {
  hook_runs.fetch_add(1);
  if (slot[announcement::leaf_hazard].load(std::memory_order_relaxed) == 17) {
    hook_saw_announcement.fetch_add(1);
  }
}

std::atomic<int> late_uses{0};

// Made before the thread takes its slot, so destroyed after the slot was given back.
struct late_user {
  late_user() = default;
  late_user(const late_user&) = delete;
  late_user& operator=(const late_user&) = delete;
  ~late_user() {
    thread_slots::mine()[announcement::leaf_hazard].store(0, std::memory_order_relaxed);
    late_uses.fetch_add(1);
  }
  int touched = 0;
};

}  // namespace

TEST_CASE("a thread keeps its slot", "[sync][thread_slots]") {
  thread_slot& slot = thread_slots::mine();
  REQUIRE(&thread_slots::mine() == &slot);
  REQUIRE(slot.taken.load());
}

TEST_CASE("threads that live at once have different slots, more than there is static room for",
          "[sync][thread_slots]") {
  constexpr int threads = static_cast<int>(thread_slots::static_slots) + 40;
  std::barrier all_have_one(threads);
  std::mutex mutex;
  std::set<const thread_slot*> slots;
  std::set<std::uint32_t> indices;
  concur_test::failures failures;
  concur_test::on_threads(threads, failures, [&](int) {
    thread_slot& mine = thread_slots::mine();
    {
      const std::lock_guard lock(mutex);
      slots.insert(&mine);
      indices.insert(mine.index);
    }
    all_have_one.arrive_and_wait();
    bool found = false;
    thread_slots::for_each_while([&](thread_slot& slot) {
      found = found || &slot == &mine;
      return !found;
    });
    MT_CHECK(failures, found);
  });
  failures.require();
  REQUIRE(slots.size() == static_cast<std::size_t>(threads));
  REQUIRE(indices.size() == static_cast<std::size_t>(threads));
}

TEST_CASE("slots are reused: 20,000 short threads need no more than live at once",
          "[sync][thread_slots]") {
  thread_slots::mine();
  const census before = count_slots();
  for (int round = 0; round < 5000; ++round) {
    std::thread threads[4];
    for (auto& thread : threads) thread = std::thread([] { thread_slots::mine(); });
    for (auto& thread : threads) thread.join();
  }
  const census after = count_slots();
  REQUIRE(after.taken == before.taken);
  REQUIRE(after.all <= before.all + 4);
}

TEST_CASE("exit hooks run once for every thread with a slot, before the slot is given back",
          "[sync][thread_slots]") {
  thread_slots::add_exit_hook(&count_exits);
  thread_slots::add_exit_hook(&count_exits);  // the same one: no second call
  hook_runs = 0;
  hook_saw_announcement = 0;
  for (int i = 0; i < 10; ++i) {
    std::thread([] {
      thread_slots::mine()[announcement::leaf_hazard].store(17, std::memory_order_relaxed);
    }).join();
  }
  std::thread([] {}).join();  // never took one
  REQUIRE(hook_runs.load() == 10);
  REQUIRE(hook_saw_announcement.load() == 10);
  bool all_cleared = true;
  thread_slots::for_each_while([&](thread_slot& slot) {
    all_cleared = all_cleared && slot[announcement::leaf_hazard].load() == 0;
    return true;
  });
  REQUIRE(all_cleared);
}

TEST_CASE("a thread-local object may use its thread's slot in its destructor",
          "[sync][thread_slots]") {
  thread_slots::mine();
  const census before = count_slots();
  late_uses = 0;
  for (int i = 0; i < 100; ++i) {
    std::thread([] {
      static thread_local late_user user;
      user.touched = 1;
      thread_slots::mine();
    }).join();
  }
  REQUIRE(late_uses.load() == 100);
  REQUIRE(count_slots().taken == before.taken);
}

TEST_CASE("a walk stops when it is told to", "[sync][thread_slots]") {
  thread_slots::mine();
  int steps = 0;
  REQUIRE_FALSE(thread_slots::for_each_while([&steps](thread_slot&) { return ++steps < 1; }));
  REQUIRE(steps == 1);
}

TEST_CASE("a walk that is left may be gone on with", "[sync][thread_slots]") {
  std::barrier all_have_one(3);
  concur_test::failures failures;
  concur_test::on_threads(3, failures, [&](int) {
    thread_slots::mine();
    all_have_one.arrive_and_wait();
    std::vector<thread_slot*> at_once;
    thread_slots::for_each_while([&](thread_slot& slot) {
      at_once.push_back(&slot);
      return true;
    });
    std::vector<thread_slot*> in_steps;
    thread_slots::walk walk;
    while (thread_slot* slot = walk.next()) in_steps.push_back(slot);
    MT_CHECK(failures, in_steps == at_once);
    MT_CHECK(failures, walk.next() == nullptr);
    all_have_one.arrive_and_wait();
  });
  failures.require();
}

TEST_CASE("a thread that looks for its slot does not take one", "[sync][thread_slots]") {
  std::atomic<int> right{0};
  std::thread([&] {
    if (thread_slots::find_mine() == nullptr) ++right;
    thread_slot& mine = thread_slots::mine();
    if (thread_slots::find_mine() == &mine) ++right;
  }).join();
  REQUIRE(right == 2);
}

TEST_CASE("what an ended thread announced is withdrawn, eras too", "[sync][thread_slots]") {
  thread_slot* left = nullptr;
  std::thread([&left] {
    left = &thread_slots::mine();
    left->era_upper.store(9, std::memory_order_relaxed);
    left->era_lower.store(7, std::memory_order_relaxed);
    left->pins = 3;
  }).join();
  REQUIRE(left->era_lower.load() == 0);
  std::atomic<std::uint32_t> pins{9};
  std::thread([&pins, left] {
    if (&thread_slots::mine() == left) pins = left->pins;
  }).join();
  REQUIRE(pins == 0);
}

TEST_CASE("a slot that was left is one's own for a while, one that is in use is not",
          "[sync][thread_slots]") {
  const thread_slot& mine = thread_slots::mine();
  const thread_slot* left = nullptr;
  const auto count_left = [](const thread_slot* wanted) {
    int found = 0;
    thread_slots::for_each_left([&](thread_slot& slot) {
      if (&slot == wanted && slot.taken.load(std::memory_order_relaxed)) ++found;
    });
    return found;
  };
  std::barrier both(2);
  std::thread other([&] {
    left = &thread_slots::mine();
    both.arrive_and_wait();
    both.arrive_and_wait();
  });
  both.arrive_and_wait();
  REQUIRE(count_left(left) == 0);
  REQUIRE(count_left(&mine) == 0);
  both.arrive_and_wait();
  other.join();
  REQUIRE(count_left(left) == 1);
  REQUIRE_FALSE(left->taken.load());
  REQUIRE(count_left(left) == 1);
}
