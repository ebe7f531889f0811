// SPDX-License-Identifier: MIT
#include <atomic>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/reclaim/era_pin.hpp>
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/reclaim/section_fence.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "support/catch.hpp"

using concur::detail::announces;
using concur::detail::asymmetric_fence;
using concur::detail::era_clock;
using concur::detail::leaf_pin;
using concur::detail::section_fence;
using concur::detail::settled;
using concur::detail::thread_slots;

namespace {

constexpr std::uint64_t none_has_begun = ~std::uint64_t{0};

/// A thread with a slot that does as it is told.
class other_thread {
 public:
  other_thread() {
    // Whoever had the slot before may have been asked.
    run([] { thread_slots::mine().fencing.store(0); });
  }
  ~other_thread() {
    task_ = nullptr;
    wake_.store(true);
    thread_.join();
  }
  other_thread(const other_thread&) = delete;
  other_thread& operator=(const other_thread&) = delete;

  /// Returns when it has been done.
  void run(std::function<void()> task) {
    task_ = std::move(task);
    wake_.store(true);
    while (wake_.load()) std::this_thread::yield();
  }

 private:
  void work() {
    for (;;) {
      while (!wake_.load()) std::this_thread::yield();
      if (task_ == nullptr) return;
      task_();
      wake_.store(false);
    }
  }

  std::function<void()> task_;
  std::atomic<bool> wake_{false};
  std::thread thread_{[this] { work(); }};
};

template <announces What>
settled now_without_asking(std::uint64_t era = none_has_begun) {
  return section_fence::try_settle<What>(thread_slots::mine(), era);
}
template <announces What>
settled now() {
  return section_fence::settle<What>(thread_slots::mine(), none_has_begun);
}
void read_eras() {
  const leaf_pin pin(thread_slots::mine());
}
void read_objects() {
  const concur::detail::hazard_frame frame(thread_slots::mine());
}

/// As a lockmap's: announced first, looked at then.
void read_leaves() {
  concur::detail::leaf_hazard hazard;
  section_fence::begin_leaves(hazard.slot());
  hazard.announce(64);
  section_fence::after_first_leaf(hazard.slot());
}

}  // namespace

TEST_CASE("who is alone knows everything", "[reclaim][section_fence]") {
  REQUIRE(now_without_asking<announces::eras>() == settled::everything);
  REQUIRE(now_without_asking<announces::objects>() == settled::everything);
  REQUIRE(now_without_asking<announces::leaves>() == settled::everything);
}

TEST_CASE("a section of any kind that has begun since settles what was unlinked before",
          "[reclaim][section_fence]") {
  if (!asymmetric_fence::prepare()) return;
  for (void (*section)() : {&read_eras, &read_objects, &read_leaves}) {
    other_thread other;
    const std::uint64_t era = era_clock::begin_next();
    REQUIRE(now_without_asking<announces::eras>(era) == settled::nothing);
    REQUIRE(now_without_asking<announces::objects>(era) == settled::nothing);
    REQUIRE(now_without_asking<announces::leaves>(era) == settled::nothing);
    other.run(section);
    REQUIRE(now_without_asking<announces::eras>(era) == settled::earlier);
    REQUIRE(now_without_asking<announces::objects>(era) == settled::earlier);
    REQUIRE(now_without_asking<announces::leaves>(era) == settled::earlier);
    REQUIRE(now_without_asking<announces::eras>(era_clock::begin_next()) == settled::nothing);
  }
}

TEST_CASE("an idle thread is asked once", "[reclaim][section_fence]") {
  if (!asymmetric_fence::prepare()) return;
  other_thread other;
  REQUIRE(now<announces::eras>() == settled::everything);
  REQUIRE(now_without_asking<announces::eras>() == settled::everything);
  REQUIRE(now_without_asking<announces::objects>() == settled::everything);

  SECTION("its sections of eras are fenced, until there are many") {
    for (std::uint32_t i = 1; i < section_fence::announcements_until_free; ++i) {
      other.run(read_eras);
      REQUIRE(now_without_asking<announces::eras>() == settled::everything);
    }
    other.run(read_eras);
    REQUIRE(now_without_asking<announces::eras>() == settled::nothing);
  }
  SECTION("a section of leaves is fenced at its beginning only") {
    REQUIRE(now_without_asking<announces::leaves>() == settled::everything);
    other.run(read_leaves);
    REQUIRE(now_without_asking<announces::eras>() == settled::nothing);
    REQUIRE(now_without_asking<announces::leaves>() == settled::nothing);
  }
  SECTION("a section of objects is fenced at its beginning only") {
    other.run(read_objects);
    REQUIRE(now_without_asking<announces::eras>() == settled::nothing);
    REQUIRE(now_without_asking<announces::objects>() == settled::nothing);
  }
}

TEST_CASE("a thread asleep in a section is known by the eras it announces, not by its objects",
          "[reclaim][section_fence]") {
  if (!asymmetric_fence::prepare()) return;
  other_thread other;
  other.run([] { section_fence::begin_hazards(thread_slots::mine()); });
  REQUIRE(now<announces::objects>() == settled::everything);  // by the heavy fence
  REQUIRE(now_without_asking<announces::eras>() == settled::everything);
  REQUIRE(now_without_asking<announces::objects>() == settled::nothing);
  other.run([] { section_fence::end_hazards(thread_slots::mine()); });
  REQUIRE(now_without_asking<announces::objects>() == settled::everything);
}

TEST_CASE("a thread asleep with a leaf announced is not known by it", "[reclaim][section_fence]") {
  if (!asymmetric_fence::prepare()) return;
  other_thread other;
  REQUIRE(now<announces::leaves>() == settled::everything);  // asked, and idle
  other.run([] { thread_slots::mine()[concur::detail::announcement::leaf_hazard].store(64); });
  REQUIRE(now_without_asking<announces::leaves>() == settled::nothing);
  REQUIRE(now_without_asking<announces::objects>() == settled::everything);
  other.run([] { thread_slots::mine()[concur::detail::announcement::leaf_hazard].store(0); });
  REQUIRE(now_without_asking<announces::leaves>() == settled::everything);
}
