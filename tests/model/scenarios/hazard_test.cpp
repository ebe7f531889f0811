// SPDX-License-Identifier: MIT
#include "scenarios/hazard_scenarios.hpp"

using namespace scenarios;
using namespace scenarios::hazard;

namespace {

int alive = 0;
struct counted : concur::hazard_pointer_obj_base<counted> {
  counted() { ++alive; }
  ~counted() { --alive; }
};

/// What outlives the execution if a thread sleeps in it.
struct world {
  concur::hazard_pointer_domain domain;
  std::atomic<counted*> source{new counted};
  ~world() { delete source.load(std::memory_order_relaxed); }
};
struct kept {
  world* w = new world;
  ~kept() {
    if (!mc::frozen()) delete w;
  }
};

}  // namespace

TEST_CASE("hazard pointers protect what they announce", "[hazard]") {
  CHECK(explore("replaced", 12'000, replaced) > 0);
  CHECK(explore("two reclaimers", 12'000, two_reclaimers) > 0);
  CHECK(explore("handed on", 12'000, handed_on) > 0);
  CHECK(explore("handed to a stranger", 6'000, handed_to_a_stranger) > 0);
}

TEST_CASE("what versions share is freed once, and not under a reader", "[hazard]") {
  CHECK(explore("shared child", 12'000, shared_child) > 0);
}

TEST_CASE("what is read in frames is not freed, mostly without a fence", "[hazard]") {
  CHECK(explore("framed readers", 12'000, framed_readers) > 0);
  CHECK(explore("framed writers", 12'000, framed_writers) > 0);
  CHECK(explore("framed and asked", 30'000, [] { framed_and_asked(planted::nothing); }) > 0);
  for (std::uint32_t calls = 0; calls < 3; ++calls) {
    CHECK(explore("framed readers, refused", 600, framed_readers, {.membarrier_calls = calls}) > 0);
  }
}

TEST_CASE("who fences himself does so from his next section on, and who is idle has to be asked",
          "[hazard]") {
  for (const planted bug : {planted::no_sections, planted::not_begun}) {
    bool found = false;
    for (const auto how : {mc::strategy::pct, mc::strategy::random, mc::strategy::bounded}) {
      const mc::result r = mc::run({.how = how, .executions = 30'000, .trace = false},
                                   [bug] { framed_and_asked(bug); });
      found = found || r.kind == mc::failure::use_after_free || r.kind == mc::failure::race;
      if (found) break;
    }
    INFO(static_cast<int>(bug));
    CHECK(found);
  }
}

TEST_CASE("a reader that stops at any point keeps one object, and delays nobody", "[hazard]") {
  const auto report =
      mc::stall_sweep({.how = mc::strategy::random, .executions = scaled(60)}, 1, [] {
        alive = 0;
        kept owner;
        world& w = *owner.w;
        mc::spawn([&] {
          auto h = concur::make_hazard_pointer();
          static_cast<void>(h.protect(w.source));
          static_cast<void>(h.protect(w.source));
        });
        mc::spawn([&] {
          for (int i = 0; i < 4; ++i) {
            w.source.exchange(new counted, std::memory_order_acq_rel)->retire(w.domain);
            w.domain.try_reclaim();
            mc::require(alive <= 2 + 1, "the linked one, the protected one, and one on its way");
          }
        });
        mc::join_all();
        w.domain.try_reclaim();
        mc::require(alive <= 2, "the linked one and the protected one");
      });
  INFO(report.example << report.what);
  CHECK(report.points > 0);
  CHECK(report.blocking.empty());
  CHECK(report.other == mc::failure::none);
}
