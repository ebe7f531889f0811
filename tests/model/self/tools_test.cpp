// SPDX-License-Identifier: MIT
#include <atomic>
#include <memory>

#include "checker/tools.hpp"
#include "support/catch.hpp"

namespace {

constexpr auto rlx = std::memory_order_relaxed;
constexpr auto acq = std::memory_order_acquire;
constexpr auto rel = std::memory_order_release;

struct spin_lock {
  std::atomic<bool> taken{false};
  void lock() {
    while (taken.exchange(true, acq)) {
    }
  }
  void unlock() { taken.store(false, rel); }
};

void message_passing() {
  std::atomic<int> flag{0};
  auto data = std::make_unique<int>(0);
  mc::spawn([&] {
    *data = 1;
    flag.store(1, rel);
  });
  mc::spawn([&] {
    if (flag.load(acq) == 1) mc::require(*data == 1, "published");
  });
  mc::join_all();
}

}  // namespace

TEST_CASE("a lock-free counter has no blocking point, a lock has", "[tools]") {
  const auto counter = mc::stall_sweep({.executions = 20}, 1, [] {
    std::atomic<int> n{0};
    for (int t = 0; t < 2; ++t)
      mc::spawn([&] {
        n.fetch_add(1, rlx);
        n.fetch_add(1, rlx);
      });
    mc::join_all();
  });
  CHECK(counter.points == 2);
  CHECK(counter.blocking.empty());
  const auto locked = mc::stall_sweep({.executions = 20}, 1, [] {
    spin_lock lock;
    for (int t = 0; t < 2; ++t)
      mc::spawn([&] {
        lock.lock();
        lock.unlock();
      });
    mc::join_all();
  });
  CHECK(locked.points >= 2);
  CHECK(!locked.blocking.empty());
  CHECK(locked.blocking[0] == 1);  // stopped between lock and unlock
  CHECK(locked.example.find("FROZEN") != std::string::npos);
}

TEST_CASE("every order of a message passing program is killed", "[tools]") {
  const auto matrix = mc::kill_matrix(
      {{"message passing", message_passing, {.how = mc::strategy::random, .executions = 500}}},
      "tools_test");
  CHECK(matrix.size() == 2);
  for (const auto& m : matrix) {
    INFO(mc::name_of(m));
    CHECK(m.killer == "message passing");
  }
}

TEST_CASE("an order that does nothing survives", "[tools]") {
  const auto matrix = mc::kill_matrix({{"counter",
                                        [] {
                                          std::atomic<int> n{0};
                                          mc::spawn([&] { n.fetch_add(1, rel); });
                                          mc::spawn([&] { n.fetch_add(1, rlx); });
                                          mc::join_all();
                                        },
                                        {.executions = 500}}},
                                      "tools_test");
  REQUIRE(matrix.size() == 1);
  CHECK(matrix[0].killer.empty());
  CHECK(mc::name_of(matrix[0]).find("tools_test.cpp | rmw | release -> relaxed | ") == 0);
}

TEST_CASE("a failure is replayed exactly from its token", "[tools]") {
  const auto body = [] {
    auto n = std::make_unique<int>(0);
    std::atomic<int> a{0};
    for (int t = 0; t < 3; ++t)
      mc::spawn([&] {
        if (a.fetch_add(1, rlx) == 2) mc::require(a.load(rlx) != 3, "three");
      });
    mc::join_all();
  };
  for (const auto how :
       {mc::strategy::random, mc::strategy::pct, mc::strategy::bounded, mc::strategy::exhaustive}) {
    INFO(mc::name(how));
    const mc::result first = mc::run({.how = how}, body);
    REQUIRE(first.failed());
    CHECK(first.trace.find("tools_test.cpp") != std::string::npos);
    CHECK(first.trace.find("otherwise") == std::string::npos);
    const mc::result again = mc::run({.replay = first.replay}, body);
    CHECK(again.executions == 1);
    CHECK(again.what == first.what);
    CHECK(again.trace == first.trace);
  }
}
