// SPDX-License-Identifier: MIT
/// \file
/// A thread that falls asleep in the middle of an operation on a hamt keeps from being freed what
/// it is shown; in a write, one version at most, however many writes and snapshots follow.
#include "support/catch.hpp"
#include "support/sanitizers.hpp"
#include "support/sleepers.hpp"

#include <atomic>
#include <concur/hamt.hpp>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

using namespace concur_test;

namespace {

using map_type = concur::hamt<number, counted>;

constexpr number overwrites = has_sanitizer ? 50'000 : 500'000;

/// Four batches of the writer's stripe, and what others retire.
constexpr long waiting = 4 * 64 + 64;
/// What is there, and what waits; of each sleeper its six hazard words, and one version or snapshot
/// that it keeps; one more version that is being replaced. docs/hamt.md.
constexpr long bound(long sleepers) {
  constexpr long there = static_cast<long>(sleepers_present);
  return there + waiting + 6 * sleepers + there * (sleepers + 1);
}

void settle(map_type& map) {
  map.shrink_to_fit();
}

/// Every thousandth overwrite follows a snapshot, which goes at once.
struct snapshots {
  void operator()(map_type& map, number i) const {
    if (i % 1'000 == 0) static_cast<void>(map.snapshot());
  }
};

template <class Operation>
void overwrite_beside(Operation operation, int sleepers = 1) {
  overwrite_beside_sleepers<map_type>(operation, sleepers, overwrites, bound(sleepers), settle);
  overwrite_beside_sleepers<map_type>(operation, sleepers, overwrites, bound(sleepers), settle,
                                      snapshots());
}

}  // namespace

TEST_CASE("hamt: overwrites beside a thread asleep in a visit leave little behind",
          "[hamt][stalled]") {
  const auto operation = [](map_type& map, const auto& inside) {
    map.cvisit(7, [&](const auto& e) {
      inside();
      if (e.second.value() != 7) std::abort();
    });
  };
  overwrite_beside(operation);
  // Without snapshots it is the one element.
  constexpr long there = static_cast<long>(sleepers_present);
  overwrite_beside_sleepers<map_type>(operation, 1, overwrites, there + waiting + 6, settle);
}

TEST_CASE("hamt: overwrites beside threads asleep in a traversal leave little behind",
          "[hamt][stalled]") {
  overwrite_beside(
      [](map_type& map, const auto& inside) {
        bool first = true;
        map.cvisit_all([&](const auto& e) {
          if (std::exchange(first, false)) inside();
          if (e.second.value() != e.first) std::abort();
        });
      },
      3);
}

TEST_CASE("hamt: overwrites beside a thread asleep with a snapshot leave little behind",
          "[hamt][stalled]") {
  overwrite_beside([](map_type& map, const auto& inside) {
    const auto now = map.snapshot();
    const counted* const seen = now.find(9);
    inside();
    if (seen->value() != 9 || now.find(9) != seen) std::abort();
  });
}

TEST_CASE("hamt: overwrites beside a thread asleep in the callable of an update delay nobody",
          "[hamt][stalled]") {
  overwrite_beside([](map_type& map, const auto& inside) {
    bool first = true;
    map.update(11, [&](counted& c) {
      if (std::exchange(first, false)) inside();
      c = counted(11);
    });
  });
}

// What one sleeper keeps, to the element: whatever is written into the version that it came by, and
// after that.

namespace {

/// A thread goes to sleep, and is woken up, several times.
class bed {
 public:
  /// By the sleeper.
  void sleep() {
    const int now = asleep_.fetch_add(1) + 1;
    asleep_.notify_all();
    for (int woken = woken_; woken < now; woken = woken_) woken_.wait(woken);
  }
  /// By the other one, each for the `n`-th time, from 1 on.
  void wait_until_asleep(int n) {
    for (int now = asleep_; now < n; now = asleep_) asleep_.wait(now);
  }
  void wake(int n) {
    woken_ = n;
    woken_.notify_all();
  }

 private:
  std::atomic<int> asleep_{0};
  std::atomic<int> woken_{0};
};

template <class Map>
void overwrite_all(Map& map, number count) {
  for (number i = 0; i < count; ++i) map.insert_or_assign(i, counted(i));
}
/// A new version, all of which is other elements; none of the one before is left in it.
template <class Map>
void replace_version(Map& map, number count) {
  static_cast<void>(map.snapshot());
  overwrite_all(map, count);
}
template <class Map>
long alive_at_last(Map& map, number count) {
  overwrite_all(map, count);
  replace_version(map, count);
  replace_version(map, count);
  map.shrink_to_fit();
  return counted::alive.load();
}

/// `operation(map, bed)` sleeps once; how many elements are alive then that are not in the map?
template <class Operation>
long kept_beside(number count, Operation operation) {
  map_type map;
  overwrite_all(map, count);
  map.shrink_to_fit();
  bed b;
  std::thread sleeper([&] { operation(map, b); });
  b.wait_until_asleep(1);
  const long kept = alive_at_last(map, count) - static_cast<long>(map.size());
  b.wake(1);
  sleeper.join();
  return kept;
}

bed* bed_of_allocations = nullptr;
thread_local int sleepy_allocations = 0;

/// An allocation may be a place to sleep in, too.
template <class T>
struct sleepy_allocator {
  using value_type = T;
  sleepy_allocator() = default;
  template <class U>
  sleepy_allocator(const sleepy_allocator<U>&) noexcept {}
  T* allocate(std::size_t n) {
    if (sleepy_allocations > 0) {
      --sleepy_allocations;
      bed_of_allocations->sleep();
    }
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* memory, std::size_t n) noexcept { std::allocator<T>().deallocate(memory, n); }
  friend bool operator==(sleepy_allocator, sleepy_allocator) noexcept { return true; }
};
using sleepy_map = concur::hamt<number, counted, concur::hash<number>, std::equal_to<>,
                                sleepy_allocator<std::pair<const number, counted>>>;

}  // namespace

TEST_CASE("hamt: a thread asleep in a visit keeps the one element that it is shown",
          "[hamt][stalled]") {
  for (const number count : {number{1}, number{2}, number{200}, number{5'000}}) {
    const number key = count - 1;
    REQUIRE(kept_beside(count, [&](map_type& map, bed& b) {
              map.cvisit(key, [&](const auto& e) {
                b.sleep();
                if (e.second.value() != key) std::abort();
              });
            }) == 1);
  }
  REQUIRE(counted::alive == 0);
}

TEST_CASE("hamt: a thread asleep in nested visits keeps one element for each", "[hamt][stalled]") {
  constexpr number depth = 5;  // deeper than there are words in a thread's slot
  REQUIRE(kept_beside(500, [](map_type& map, bed& b) {
            const auto visit = [&](number key, const auto& self) -> void {
              map.cvisit(key, [&](const auto& e) {
                if (key + 1 == depth) {
                  b.sleep();
                } else {
                  self(key + 1, self);
                }
                if (e.second.value() != key) std::abort();
              });
            };
            visit(0, visit);
          }) == static_cast<long>(depth));
  REQUIRE(counted::alive == 0);
}

TEST_CASE("hamt: a thread asleep in the visit of what it has put in keeps that and its branch",
          "[hamt][stalled]") {
  constexpr number count = 500;
  // If it had to make a branch, for two or three elements of like hashes, what that has got since.
  REQUIRE(kept_beside(count, [](map_type& map, bed& b) {
            map.erase(7);
            map.try_emplace_and_cvisit(
                number{7}, number{7},
                [&](const auto& e) {
                  b.sleep();
                  if (e.second.value() != 7) std::abort();
                },
                [](const auto&) { std::abort(); });
          }) <= 8);
  REQUIRE(counted::alive == 0);
}

TEST_CASE("hamt: a thread asleep in the callable of a write keeps one version, whatever it has met",
          "[hamt][stalled]") {
  constexpr number count = 2'000;
  constexpr long of_its_own = 4;  // what it looked at, what it proposes, has proposed, and changes
  {
    map_type map;
    overwrite_all(map, count);
    static_cast<void>(map.snapshot());  // the first write has to copy its way
    bed b;
    std::thread sleeper([&] {
      int runs = 0;
      map.update(7, [&](counted&) {
        if (++runs <= 3) b.sleep();
      });
    });
    // It looks again after each, by another way.
    for (int n = 1; n < 3; ++n) {
      b.wait_until_asleep(n);
      replace_version(map, count);
      b.wake(n);
    }
    b.wait_until_asleep(3);
    const long alive = alive_at_last(map, count);
    b.wake(3);
    sleeper.join();
    REQUIRE(alive <= 2 * static_cast<long>(count) + of_its_own);
  }
  REQUIRE(counted::alive == 0);
}

TEST_CASE("hamt: a thread asleep in an allocation keeps its version, and the way that it copies",
          "[hamt][stalled]") {
  constexpr number count = 2'000;
  constexpr long of_its_own = 4;
  {
    sleepy_map map;
    overwrite_all(map, count);
    static_cast<void>(map.snapshot());
    bed b;
    bed_of_allocations = &b;
    std::thread sleeper([&] {
      bool first = true;
      map.update(7, [&](counted&) {
        if (!std::exchange(first, false)) return;
        b.sleep();
        sleepy_allocations = 2;
      });
      sleepy_allocations = 0;
    });
    // When it wakes up it has to copy its way, and allocates. What it has copied comes too late.
    for (int n = 1; n < 3; ++n) {
      b.wait_until_asleep(n);
      replace_version(map, count);
      static_cast<void>(map.snapshot());
      b.wake(n);
    }
    b.wait_until_asleep(3);
    const long alive = alive_at_last(map, count);
    b.wake(3);
    sleeper.join();
    REQUIRE(alive <= 3 * static_cast<long>(count) + of_its_own);
  }
  REQUIRE(counted::alive == 0);
}
