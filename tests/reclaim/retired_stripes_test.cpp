// SPDX-License-Identifier: MIT
/// \file
/// How much waits of what is retired where all readers are in frames.
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/detail/reclaim/retired_stripes.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/gate.hpp"

using concur::detail::hazard_frame;
using concur::detail::retired_link;
using concur::detail::retired_stripes;
using concur::detail::thread_slot;
using concur::detail::thread_slots;

namespace {

struct object : retired_link {
  object* child = nullptr;  ///< retired when this is freed
};

struct world {
  retired_stripes stripes;
  long alive = 0;
  long most_alive = 0;

  object* make() {
    most_alive = ++alive > most_alive ? alive : most_alive;
    return new object;
  }
  void retire(object* o) {
    if (stripes.retire(o, thread_slots::mine())) {
      stripes.collect(thread_slots::mine(), address(), free{*this});
    }
  }
  void collect_all() { stripes.collect_all(address(), free{*this}); }
  ~world() { stripes.free_all(free{*this}); }

  struct address {
    const void* operator()(retired_link* o) const noexcept { return static_cast<object*>(o); }
  };
  struct free {
    world& owner;
    void operator()(retired_link* link) const noexcept {
      auto* const o = static_cast<object*>(link);
      if (o->child != nullptr) owner.retire(o->child);
      --owner.alive;
      delete o;
    }
  };
};

constexpr long batch = retired_stripes::default_batch;
constexpr long most_waiting = (2 + retired_stripes::most_put_off) * batch;

}  // namespace

TEST_CASE("alone, a full batch is freed at once", "[reclaim][retired_stripes]") {
  world w;
  for (long i = 0; i < 10 * batch; ++i) w.retire(w.make());
  REQUIRE(w.most_alive == batch);
  REQUIRE(w.alive == 0);
}

TEST_CASE("what was retired by what was freed is freed, too", "[reclaim][retired_stripes]") {
  world w;
  for (long i = 0; i < batch; ++i) {
    object* chain = nullptr;
    for (int k = 0; k < 5; ++k) {
      object* const o = w.make();
      o->child = chain;
      chain = o;
    }
    w.retire(chain);
  }
  REQUIRE(w.alive == 0);
}

TEST_CASE("beside a thread that sleeps, in a section or outside, a few batches wait",
          "[reclaim][retired_stripes]") {
  const bool is_inside = GENERATE(false, true);
  concur_test::gate bed;
  bed.arm();
  world w;
  object protected_object;
  std::thread sleeper([&] {
    thread_slot& me = thread_slots::mine();
    if (!is_inside) return bed.pass();
    hazard_frame frame(me);
    frame.announce(0, &protected_object);
    bed.pass();
  });
  bed.wait_for_visitor();
  for (long i = 0; i < 100 * batch; ++i) w.retire(w.make());
  CHECK(w.most_alive <= most_waiting);
  w.collect_all();
  CHECK(w.alive == 0);
  bed.open();
  sleeper.join();
}
