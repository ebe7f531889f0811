// SPDX-License-Identifier: MIT
#include "scenarios/epoch_scenarios.hpp"

using namespace scenarios;
using namespace scenarios::epoch;

namespace {

/// Whether some strategy finds the bug, and calls it what it is.
void require_found(const char* name, const std::function<void()>& body) {
  for (const auto how : {mc::strategy::pct, mc::strategy::random, mc::strategy::bounded}) {
    const mc::result r = mc::run({.how = how, .executions = 20'000, .trace = false}, body);
    if (!r.failed()) continue;
    INFO(name << ": " << mc::name(r.kind) << ": " << r.what);
    CHECK((r.kind == mc::failure::use_after_free || r.kind == mc::failure::race));
    return;
  }
  FAIL_CHECK(name << ": not found");
}

/// T1 is stopped at every point of `sleeper`; two writers replace what is there `rounds` times
/// each. The domain has a batch of 1 and an era for each birth.
mc::stall_report sweep(const std::function<void(kept_domain&)>& sleeper, std::uint64_t bound) {
  return mc::stall_sweep(
      {.how = mc::strategy::random, .executions = scaled(25)}, 1, [&sleeper, bound] {
        constexpr int rounds = 8;
        kept_domain kept;
        mc::spawn([&] { sleeper(kept); });
        for (int t = 0; t < 2; ++t)
          mc::spawn([&] {
            for (int i = 0; i < rounds; ++i) kept.d->replace(*kept.root, i);
          });
        mc::join_all();
        mc::note("%d wait", static_cast<int>(kept.d->reclaimer.waiting()));
        mc::require(kept.d->reclaimer.waiting() <= bound, "more waits than the bound allows");
      });
}

void require_free(const char* what, const mc::stall_report& r) {
  INFO(what << ", " << r.points << " points, " << r.blocking.size() << " blocking");
  if (!r.blocking.empty() || r.other != mc::failure::none)
    std::printf("\n%s: %s\n%s", what, r.example.c_str(), r.what.c_str());
  CHECK(r.points > 0);
  CHECK(r.blocking.empty());
  CHECK(r.other == mc::failure::none);
}

}  // namespace

TEST_CASE("a pinned reader's node is not freed", "[epoch]") {
  CHECK(explore("leaf pins", 12'000, readers_and_writer<lib::leaf_pin>) > 0);
  CHECK(explore("pins", 12'000, readers_and_writer<lib::era_pin>) > 0);
  CHECK(explore("two writers", 12'000, writers) > 0);
  CHECK(explore("second section", 6'000, second_section) > 0);
  CHECK(explore("advanced elsewhere", 30'000, advanced_elsewhere) > 0);
}

TEST_CASE("links below the root are safe if the reader starts again after an extension",
          "[epoch]") {
  CHECK(explore("below the root", 12'000, [] { below_the_root(planted::nothing); }) > 0);
  require_found("the same link is loaded again", [] { below_the_root(planted::reload); });
}

TEST_CASE("each step of a scan is needed", "[epoch]") {
  CHECK(explore("all of them", 12'000, [] { steps(planted::nothing); }) > 0);
  require_found("the retired era is read before the fence", [] { steps(planted::early_era); });
  require_found("the reclaimer has no fence", [] { steps(planted::no_fence); });
  require_found("the reader does not announce", [] { steps(planted::no_announcement); });
  require_found("the reader does not look at the era", [] { steps(planted::no_check); });
}

TEST_CASE("what a thread announced before its last section is known without a fence", "[epoch]") {
  CHECK(explore("begun since", 30'000, [] { begun_since(planted::nothing); }) > 0);
  require_found("the era ends before the unlinking", [] { begun_since(planted::early_era); });
  require_found("it has not begun one", [] { begun_since(planted::no_fence); });
}

TEST_CASE("a thread that fences himself is known by a fence of one's own", "[epoch]") {
  CHECK(explore("asked and free again", 30'000, asked_and_free_again) > 0);
  CHECK(explore("asked by two", 30'000, asked_by_two) > 0);
}

TEST_CASE("pins nest and end in any order", "[epoch]") {
  CHECK(explore("nested", 12'000, nested) > 0);
  CHECK(explore("leaf inside", 6'000, leaf_inside) > 0);
  CHECK(explore("own pin", 12'000, own_pin) > 0);
}

TEST_CASE("what a thread leaves is freed by those who come after", "[epoch]") {
  CHECK(explore("exit and adoption", 12'000, exit_and_adoption) > 0);
  CHECK(explore("shared stack", 12'000, shared_stack) > 0);
  CHECK(explore("numbers", 6'000, numbers) > 0);
}

TEST_CASE("records may be taken over while their owners work", "[epoch]") {
  CHECK(explore("claims", 12'000, claims) > 0);
  CHECK(explore("claims of each other", 12'000, claims_of_each_other) > 0);
}

TEST_CASE("quiesce returns when what was retired before is freed", "[epoch]") {
  CHECK(explore("beside others", 12'000, quiet_afterwards) > 0);
  CHECK(explore("from lists", 6'000, quiet_after_lists) > 0);
  CHECK(explore("two", 6'000, two_quiesce) > 0);
  CHECK(explore("one after the other", 12'000, quiesce_after_quiesce) > 0);
}

TEST_CASE("destructors may retire", "[epoch]") {
  CHECK(explore("followers", 6'000, followers) > 0);
}

TEST_CASE("when the kernel refuses the fence nothing is freed under a reader", "[epoch]") {
  for (std::uint32_t calls = 0; calls < 4; ++calls) {
    CHECK(explore("leaf pins", 600, readers_and_writer<lib::leaf_pin>,
                  {.membarrier_calls = calls}) > 0);
    CHECK(explore("asked and free again", 600, asked_and_free_again, {.membarrier_calls = calls}) >
          0);
  }
}

// One object exists; three threads, each with a batch of 1 (one that is full, one that was looked
// at) and one birth in an era. 16 objects are retired beside the sleeper.
TEST_CASE("who sleeps in a section delays nobody, and keeps what the bound allows", "[epoch]") {
  constexpr std::uint64_t bound = 1 + 3 * (1 + 2);
  require_free("a reader", sweep(
                               [](kept_domain& kept) {
                                 for (int i = 0; i < 2; ++i) {
                                   lib::leaf_pin pin(me());
                                   look_at(pin.load(*kept.root));
                                   look_at(pin.load(*kept.root));
                                 }
                               },
                               bound));
  require_free("a writer", sweep(
                               [](kept_domain& kept) {
                                 for (int i = 0; i < 2; ++i) kept.d->replace(*kept.root, 50);
                               },
                               bound));
  require_free("one who takes over records", sweep(
                                                 [](kept_domain& kept) {
                                                   kept.d->replace(*kept.root, 50);
                                                   kept.d->collect_all();
                                                 },
                                                 bound));
}

// A thread whose record is claimed by one who sleeps frees by way of the shared stack.
TEST_CASE("who sleeps while he takes over a record does not stop its owner from freeing",
          "[epoch]") {
  const auto report =
      mc::stall_sweep({.how = mc::strategy::random, .executions = scaled(40)}, 1, [] {
        constexpr std::uint32_t batch = 2;
        kept_domain kept(batch);
        mc::spawn([&] { kept.d->collect_all(); });
        mc::spawn([&] {
          for (int i = 0; i < 20; ++i) kept.d->replace(*kept.root, i);
        });
        mc::join_all();
        mc::require(kept.d->reclaimer.waiting() <= 1 + 2 * (1 + 2 * batch),
                    "more waits than the bound allows");
      });
  require_free("one who takes over a record", report);
}
