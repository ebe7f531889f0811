// SPDX-License-Identifier: MIT
#include <atomic>
#include <barrier>
#include <concur/detail/reclaim/epoch_reclaimer.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <cstdint>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "reclaim/epoch_fixture.hpp"
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/sanitizers.hpp"
#include "support/threads.hpp"

using concur::detail::asymmetric_fence;
using concur::detail::backoff;
using concur::detail::era_clock;
using concur::detail::era_pin;
using concur::detail::leaf_pin;
using concur::detail::thread_slot;
using concur::detail::thread_slots;
using concur_test::epoch_places;

namespace {

/// A thread that holds a pin until it is told to let go.
class sleeper {
 public:
  explicit sleeper(std::atomic<concur_test::counted_node*>& source)
      : thread_([this, &source] {
          era_pin pin(thread_slots::mine());
          concur_test::counted_node* const node = pin.load(source);
          stage_.store(1);
          backoff wait;
          while (stage_.load() != 2) wait.pause();
          if (node->value == node->copy) intact_ = true;
        }) {
    backoff wait;
    while (stage_.load() != 1) wait.pause();
  }
  bool wake() {
    stage_.store(2);
    thread_.join();
    return intact_;
  }

 private:
  std::atomic<int> stage_{0};
  bool intact_ = false;
  std::thread thread_;
};

/// Two writers and two readers.
void hammer(epoch_places<4>& places) {
  std::atomic<int> writing{2};
  concur_test::failures failures;
  concur_test::on_threads(4, failures, [&](int me) {
    if (me < 2) {
      for (std::uint64_t i = 1; i <= 20000; ++i) places.replace(i % 4, i);
      writing.fetch_sub(1);
    } else {
      do {
        leaf_pin pin(thread_slots::mine());
        for (auto& place : places.places) {
          const auto* node = pin.load(place);
          MT_CHECK(failures, node->value == node->copy);
        }
      } while (writing.load() != 0);
    }
  });
  failures.require();
  places.quiesce();
  REQUIRE(places.counts.live == 4);
}

}  // namespace

TEST_CASE("what is retired is freed when nobody is pinned", "[reclaim][epoch_reclaimer]") {
  epoch_places places(4);
  for (std::uint64_t i = 1; i <= 10; ++i) places.replace(0, i);
  REQUIRE(places.counts.live <= 5);
  REQUIRE(places.reclaimer.waiting() <= 4);
  REQUIRE(places.collect_all());
  REQUIRE(places.counts.live == 1);
  REQUIRE(places.reclaimer.waiting() == 0);
  REQUIRE(places.reclaimer.freed() == 10);
}

TEST_CASE("what a pinned thread holds stays", "[reclaim][epoch_reclaimer]") {
  epoch_places places(1);
  sleeper reader(places.places[0]);
  for (std::uint64_t i = 1; i <= 1000; ++i) places.replace(0, i);
  places.collect_all();
  REQUIRE(places.reclaimer.waiting() >= 1);
  REQUIRE(reader.wake());
  places.quiesce();
  REQUIRE(places.reclaimer.waiting() == 0);
}

TEST_CASE("a pin that begins after a scan does not keep what the scan has looked at",
          "[reclaim][epoch_reclaimer]") {
  epoch_places places;
  auto first = std::make_unique<sleeper>(places.places[0]);
  places.replace(0, 1);
  REQUIRE(places.collect_all());
  REQUIRE(places.reclaimer.waiting() == 1);
  sleeper second(places.places[0]);
  REQUIRE(first->wake());
  REQUIRE(places.collect_all());
  REQUIRE(places.reclaimer.waiting() == 0);
  REQUIRE(second.wake());
}

TEST_CASE("a thread's own pin keeps what it retires, until it ends", "[reclaim][epoch_reclaimer]") {
  epoch_places places(1);
  thread_slot& me = thread_slots::mine();
  {
    era_pin outer(me);
    const auto* node = outer.load(places.places[0]);
    places.replace(0, 1);
    places.replace(0, 2);
    REQUIRE(places.reclaimer.freed() == 0);
    REQUIRE(node->value == 0);
    REQUIRE_THROWS_AS(places.quiesce(), std::system_error);
  }
  places.quiesce();
  REQUIRE(places.counts.live == 1);
}

TEST_CASE("readers never touch a node that was freed", "[reclaim][epoch_reclaimer]") {
  epoch_places<4> places(8, 4);
  hammer(places);
}

TEST_CASE("what a thread leaves behind is freed by another", "[reclaim][epoch_reclaimer]") {
  epoch_places places;
  for (int i = 0; i < 100; ++i) {
    std::thread([&] {
      for (std::uint64_t n = 0; n < 3; ++n) places.replace(0, n);
    }).join();
  }
  places.quiesce();
  REQUIRE(places.counts.live == 1);
}

TEST_CASE("an ordinary scan takes over what ended threads have left",
          "[reclaim][epoch_reclaimer]") {
  epoch_places places(8);
  {
    // Three at once: each has a record of its own.
    concur_test::failures failures;
    std::barrier all_have_retired(3);
    concur_test::on_threads(3, failures, [&](int) {
      for (std::uint64_t n = 0; n < 3; ++n) places.replace(0, n);
      all_have_retired.arrive_and_wait();
    });
    failures.require();
  }
  REQUIRE(places.reclaimer.waiting() == 9);
  std::thread([&] {
    for (std::uint64_t n = 0; n < 8; ++n) places.replace(0, n);
  }).join();
  REQUIRE(places.reclaimer.waiting() < 8);
}

TEST_CASE("what an ended thread has left is freed, though another thread has its slot by now",
          "[reclaim][epoch_reclaimer]") {
  constexpr std::uint64_t n = 1000;
  epoch_places<n> places(16, 16);
  auto reader = std::make_unique<sleeper>(places.places[0]);
  std::thread([&] {
    for (std::uint64_t i = 0; i < n; ++i) places.replace(i, 1);
  }).join();
  REQUIRE(places.reclaimer.waiting() > n / 2);
  std::barrier both(2);
  std::thread successor([&] {
    thread_slots::mine();  // that of the ended one; this container is not used
    both.arrive_and_wait();
    both.arrive_and_wait();
  });
  both.arrive_and_wait();
  REQUIRE(reader->wake());
  for (std::uint64_t i = 0; i < 2000; ++i) places.replace(i % n, 2);
  CHECK(places.reclaimer.waiting() <= 2 * 16 * 4);
  both.arrive_and_wait();
  successor.join();
}

TEST_CASE("what many sleepers held is freed when they have woken", "[reclaim][epoch_reclaimer]") {
  constexpr std::uint64_t n = 200;
  epoch_places<n> places(16, 16);
  std::vector<std::unique_ptr<sleeper>> sleepers;
  for (std::uint64_t t = 0; t < 20; ++t) {
    sleepers.push_back(std::make_unique<sleeper>(places.places[t]));
    for (std::uint64_t i = 0; i < 2 * n; ++i) places.replace(i % n, i);
  }
  const std::uint64_t held = places.reclaimer.waiting();
  REQUIRE(held > 10 * n);
  for (auto& one : sleepers) REQUIRE(one->wake());
  for (std::uint64_t i = 0; i < 2 * held; ++i) places.replace(i % n, i);
  REQUIRE(places.reclaimer.waiting() <= 2 * 16);
}

TEST_CASE("quiesce takes over what an idle thread has retired", "[reclaim][epoch_reclaimer]") {
  epoch_places places;
  std::atomic<int> stage{0};
  std::thread idle([&] {
    for (std::uint64_t n = 0; n < 3; ++n) places.replace(0, n);
    stage.store(1);
    backoff wait;
    while (stage.load() != 2) wait.pause();
    places.replace(0, 9);
  });
  backoff wait;
  while (stage.load() != 1) wait.pause();
  REQUIRE(places.reclaimer.waiting() == 3);
  places.quiesce();
  REQUIRE(places.reclaimer.waiting() == 0);
  stage.store(2);
  idle.join();
  REQUIRE(places.reclaimer.waiting() == 1);
  places.quiesce();
  REQUIRE(places.counts.live == 1);
}

// What waits is at most what existed when the reader fell asleep, and a constant for each thread. A
// writer that loses its core inside its own section is one more sleeper, for a while.
TEST_CASE("two million overwrites beside a sleeping reader keep what existed and a constant",
          "[reclaim][epoch_reclaimer]") {
  constexpr std::uint64_t overwrites = concur_test::has_sanitizer ? 100'000 : 1'000'000;
  constexpr std::int64_t writers = 2;
  constexpr std::int64_t places_count = 1000;
  constexpr std::int64_t batch = 128;
  constexpr std::int64_t births_per_era = 128;
  constexpr std::int64_t per_sleeper = places_count + (writers + 1) * births_per_era;
  epoch_places<places_count> places(batch, births_per_era);
  sleeper reader(places.places[0]);
  concur_test::failures failures;
  concur_test::on_threads(writers, failures, [&](int me) {
    std::uint64_t at = static_cast<std::uint64_t>(me) * 7;
    for (std::uint64_t i = 0; i < overwrites; ++i) {
      at = at * 6364136223846793005u + 1442695040888963407u;
      places.replace((at >> 33) % places_count, i);
    }
  });
  failures.require();
  REQUIRE(places.counts.peak <=
          places_count + (1 + writers) * per_sleeper + writers * (2 * batch + 1));
  places.collect_all();
  REQUIRE(places.counts.live <= places_count + per_sleeper);
  REQUIRE(places.counts.live > places_count);
  REQUIRE(static_cast<std::int64_t>(places.reclaimer.waiting()) ==
          places.counts.live - places_count);
  REQUIRE(reader.wake());
  places.quiesce();
  REQUIRE(places.counts.live == places_count);
}

TEST_CASE("a container that only grows advances the era: a sleeper keeps none of what comes later",
          "[reclaim][epoch_reclaimer]") {
  epoch_places<2> places(128, 16);
  sleeper reader(places.places[0]);
  std::vector<concur_test::counted_node*> made;
  for (std::uint64_t i = 0; i < 1000; ++i) made.push_back(places.make(i));
  thread_slot& me = thread_slots::mine();
  for (auto* node : made) {
    leaf_pin pin(me);
    places.reclaimer.retire(me, places.record(), node, 0);
  }
  places.collect_all();
  REQUIRE(places.reclaimer.waiting() <= 16);
  REQUIRE(reader.wake());
}

TEST_CASE("what is parked behind a sleeping reader does not delay what is born later",
          "[reclaim][epoch_reclaimer]") {
  epoch_places<500> places(8, 8);
  sleeper reader(places.places[0]);
  for (std::size_t i = 0; i < 500; ++i) places.replace(i, i);
  const std::uint64_t kept = places.reclaimer.waiting();
  REQUIRE(kept >= 490);
  // From here on every batch is free at once: what is parked is not in the way.
  for (std::uint64_t i = 0; i < 10'000; ++i) places.replace(i % 500, i);
  REQUIRE(places.reclaimer.waiting() <= 500 + 8 + 2 * 8);
  REQUIRE(reader.wake());
  places.quiesce();
  REQUIRE(places.counts.live == 500);
}

TEST_CASE("20,000 short threads leave nothing that cannot be freed", "[reclaim][epoch_reclaimer]") {
  constexpr int rounds = concur_test::has_sanitizer ? 500 : 5000;
  epoch_places<4> places(16);
  for (int round = 0; round < rounds; ++round) {
    std::thread threads[4];
    for (std::size_t t = 0; t < 4; ++t) {
      threads[t] = std::thread([&places, t] {
        places.replace(t, 1);
        places.replace((t + 1) % 4, 2);
        places.replace((t + 2) % 4, 3);
      });
    }
    for (auto& thread : threads) thread.join();
  }
  REQUIRE(places.reclaimer.waiting() <= 4 * 3 * 16);
  REQUIRE(places.collect_all());
  REQUIRE(places.reclaimer.waiting() == 0);
  REQUIRE(places.counts.live == 4);
}

TEST_CASE("a thread-local object may retire in its destructor", "[reclaim][epoch_reclaimer]") {
  static epoch_places<1>* used = nullptr;
  struct late_user {
    ~late_user() {
      if (touched) used->replace(0, 7);
    }
    bool touched = false;
  };
  epoch_places places;
  used = &places;
  for (int i = 0; i < 50; ++i) {
    std::thread([&places] {
      static thread_local late_user user;  // destroyed after the thread has given back its slot
      user.touched = true;
      places.replace(0, 1);
    }).join();
  }
  REQUIRE(places.collect_all());
  REQUIRE(places.reclaimer.freed() == 100);
  REQUIRE(places.counts.live == 1);
}

TEST_CASE("more threads than there is static room for retire and read",
          "[reclaim][epoch_reclaimer]") {
  constexpr int threads = 80;
  epoch_places<4> places(16, 16);
  std::barrier all_pinned(threads);
  concur_test::failures failures;
  concur_test::on_threads(threads, failures, [&](int me) {
    {
      era_pin pin(thread_slots::mine());
      const auto* node = pin.load(places.places[me % 4]);
      all_pinned.arrive_and_wait();
      for (std::uint64_t i = 0; i < 100; ++i) places.replace(i % 4, i);
      MT_CHECK(failures, node->value == node->copy);
    }
    for (std::uint64_t i = 0; i < 100; ++i) places.replace(i % 4, i);
  });
  failures.require();
  places.quiesce();
  REQUIRE(places.counts.live == 4);
}

TEST_CASE("a thread without a record retires too", "[reclaim][epoch_reclaimer]") {
  epoch_places places;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    places.reclaimer.retire_shared(places.places[0].exchange(places.make(i)), 0);
  }
  REQUIRE(places.reclaimer.waiting() == 5);
  REQUIRE(places.collect_all());
  REQUIRE(places.reclaimer.waiting() == 0);
}

TEST_CASE("what waits is freed when the container goes", "[reclaim][epoch_reclaimer]") {
  concur_test::allocation_account account;
  const concur_test::counting_allocator<int> allocator(account);
  concur_test::epoch_counts counts;
  {
    concur::detail::epoch_reclaimer<> reclaimer;
    thread_slot& me = thread_slots::mine();
    for (int i = 0; i < 10; ++i) {
      auto* node = new concur_test::counted_node(counts, 0);
      era_clock::stamp(me, *node);
      if (i % 2 == 0) {
        reclaimer.retire_shared(node, 0);
      } else {
        leaf_pin pin(me);
        reclaimer.retire(me, reclaimer.ensure(me, allocator), node, 0);
      }
    }
    concur::detail::epoch_reclaimer<> other;
    other.swap(reclaimer);
    REQUIRE(reclaimer.waiting() == 0);
    REQUIRE(other.waiting() == 10);
    other.free_retired(concur_test::free_counted());
    REQUIRE(counts.live == 0);
    other.release_records(allocator);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("two threads may quiesce at once, and others work on", "[reclaim][epoch_reclaimer]") {
  epoch_places<4> places(8, 8);
  std::atomic<int> quiescing{2};
  concur_test::failures failures;
  concur_test::on_threads(4, failures, [&](int me) {
    if (me < 2) {
      for (std::uint64_t i = 0; i < 15; ++i) {
        places.replace(i % 4, i);
        places.quiesce();
      }
      quiescing.fetch_sub(1);
    } else {
      for (std::uint64_t i = 0; quiescing.load() != 0; ++i) {
        {
          leaf_pin pin(thread_slots::mine());
          const auto* node = pin.load(places.places[i % 4]);
          MT_CHECK(failures, node->value == node->copy);
        }
        places.replace(i % 4, i);
      }
    }
  });
  failures.require();
  places.quiesce();
  REQUIRE(places.counts.live == 4);
}

// Last: a process that once asked for symmetric fences keeps them.
TEST_CASE("readers never touch a node that was freed: symmetric fences",
          "[reclaim][epoch_reclaimer]") {
  asymmetric_fence::use_symmetric_fences();
  epoch_places<4> places(8, 4);
  hammer(places);
}
