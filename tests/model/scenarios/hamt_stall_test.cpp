// SPDX-License-Identifier: MIT
#include "checker/tools.hpp"
#include "scenarios/tiny_hamt.hpp"

// A thread is stopped for ever before its n-th operation, for every n: nobody of a hamt waits for
// it, whatever it was at.

namespace {

using namespace scenarios;

/// A map that outlives the execution if a thread sleeps in it.
template <class Adapter>
struct kept {
  Adapter* map = new Adapter;
  ~kept() {
    if (!mc::frozen()) delete map;
  }
};

/// T1 does `frozen`, the others do the rest; T1 is stopped at every point.
template <class Adapter>
void require_free(const char* what, const std::vector<call>& frozen,
                  const std::vector<std::vector<call>>& others) {
  const auto report =
      mc::stall_sweep({.how = mc::strategy::random, .executions = scaled(8)}, 1, [&] {
        recorder record(precedence::causal);
        kept<Adapter> owner;
        Adapter& map = *owner.map;
        perform(map, record, on(kind::insert, 1, 1));
        perform(map, record, on(kind::insert, 2, 2));
        const auto run = [&map, &record](const std::vector<call>& calls) {
          for (const call& c : calls) perform(map, record, c);
        };
        mc::spawn([&] { run(frozen); });
        for (const auto& t : others) mc::spawn([&run, &t] { run(t); });
        mc::join_all();
        record.check();
      });
  INFO(what << ": " << report.example << report.what);
  CHECK(report.points > 0);
  CHECK(report.blocking.empty());
  CHECK(report.other == mc::failure::none);
}

template <class Adapter>
void sweep_all() {
  using k = kind;
  require_free<Adapter>("a reader", {on(k::find, 1), on(k::find, 2)},
                        {{on(k::put, 1, 3), on(k::erase, 2), on(k::put, 1, 4)}});
  require_free<Adapter>("an insertion that makes a branch", {on(k::insert, 3, 3)},
                        {{on(k::insert, 4, 4), on(k::find, 3)}, {on(k::erase, 1)}});
  require_free<Adapter>("an erasure that contracts", {on(k::erase, 1)},
                        {{on(k::insert, 3, 3), on(k::find, 2)}, {on(k::erase, 2)}});
  require_free<Adapter>("a snapshot", {whole(verb::grow, 1)},
                        {{on(k::put, 1, 3), on(k::insert, 3, 3)}, {whole(verb::grow, 1)}});
  require_free<Adapter>("a write after a snapshot", {whole(verb::grow, 1), on(k::put, 1, 3)},
                        {{on(k::put, 1, 4), on(k::find, 1)}, {on(k::erase, 2)}});
}

}  // namespace

TEST_CASE("a thread that stops delays nobody, inline pairs", "[stall][hamt]") {
  sweep_all<inline_pairs>();
}
TEST_CASE("a thread that stops delays nobody, elements", "[stall][hamt]") {
  sweep_all<elements>();
}
