// SPDX-License-Identifier: MIT
#include <atomic>
#include <barrier>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/reclaim/era_pin.hpp>
#include <concur/detail/reclaim/pinned_eras.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <set>
#include <thread>

#include "support/catch.hpp"
#include "support/threads.hpp"

using concur::detail::backoff;
using concur::detail::era_clock;
using concur::detail::era_pin;
using concur::detail::pinned_era;
using concur::detail::pinned_eras;
using concur::detail::thread_slot;
using concur::detail::thread_slots;

namespace {

/// Announces what a test wants, on this thread.
class announcement_of {
 public:
  announcement_of(std::uint64_t lower, std::uint64_t upper) {
    me_.era_upper.store(upper);
    me_.era_lower.store(lower);
  }
  ~announcement_of() { me_.era_lower.store(0); }

 private:
  thread_slot& me_ = thread_slots::mine();
};

const pinned_era* blocker(pinned_eras& eras, std::uint64_t birth, std::uint64_t retired) {
  thread_slots::walk slots;
  while (eras.read(slots)) {
    if (const pinned_era* found = eras.blocker(birth, retired)) return found;
  }
  return eras.blocker(birth, retired);
}

}  // namespace

TEST_CASE("a node is blocked by an announcement that meets its life", "[reclaim][pinned_eras]") {
  const announcement_of mine(6, 8);
  pinned_eras eras;
  REQUIRE(blocker(eras, 4, 5) == nullptr);
  REQUIRE(blocker(eras, 9, 9) == nullptr);
  for (const auto& [birth, retired] :
       {std::pair{5, 6}, std::pair{8, 9}, std::pair{7, 7}, std::pair{1, 99}, std::pair{6, 8}}) {
    const pinned_era* found =
        blocker(eras, static_cast<std::uint64_t>(birth), static_cast<std::uint64_t>(retired));
    REQUIRE(found != nullptr);
    REQUIRE(found->slot == &thread_slots::mine());
    REQUIRE_FALSE(found->has_changed());
  }
}

TEST_CASE("who is not pinned blocks nothing", "[reclaim][pinned_eras]") {
  pinned_eras eras;
  REQUIRE(blocker(eras, 1, ~std::uint64_t{0} >> 1) == nullptr);
  REQUIRE(pinned_eras::oldest() == 0);
}

TEST_CASE("the oldest pin is named as the blocker, and notices when it has ended",
          "[reclaim][pinned_eras]") {
  std::atomic<int> stage{0};
  const auto later = era_clock::now() + 2;
  const auto wait_for = [&stage](int n) {
    backoff wait;
    while (stage.load() != n) wait.pause();
  };
  const announcement_of mine(later, later + 1);
  std::thread older([&] {
    announcement_of theirs(later - 1, later);
    stage.store(1);
    wait_for(2);
  });
  wait_for(1);
  pinned_eras eras;
  const pinned_era* found = blocker(eras, later, later + 5);
  REQUIRE(found != nullptr);
  const pinned_era kept = *found;
  REQUIRE(kept.lower == later - 1);
  REQUIRE(pinned_eras::oldest() == later - 1);
  REQUIRE_FALSE(kept.has_changed());
  stage.store(2);
  older.join();
  REQUIRE(kept.has_changed());
  found = blocker(eras, later, later + 5);
  REQUIRE(found != nullptr);
  REQUIRE(found->lower == later);
}

TEST_CASE("more pinned threads than one group holds are all seen", "[reclaim][pinned_eras]") {
  constexpr int threads = static_cast<int>(pinned_eras::capacity) + 20;
  std::barrier all_pinned(threads + 1);
  std::atomic<bool> done{false};
  std::vector<std::thread> pinned;
  for (int t = 0; t < threads; ++t) {
    pinned.emplace_back([&] {
      era_pin pin(thread_slots::mine());
      all_pinned.arrive_and_wait();
      backoff wait;
      while (!done.load()) wait.pause();
    });
  }
  all_pinned.arrive_and_wait();
  thread_slots::walk slots;
  pinned_eras eras;
  std::size_t groups = 0;
  std::set<thread_slot*> seen;
  const std::uint64_t now = era_clock::now();
  for (bool more = true; more; ++groups) {
    more = eras.read(slots);
    if (const pinned_era* found = eras.blocker(1, now)) seen.insert(found->slot);
  }
  done.store(true);
  for (auto& thread : pinned) thread.join();
  REQUIRE(groups == 2);
  REQUIRE(seen.size() == 2);  // one of each group
}
