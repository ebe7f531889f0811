// SPDX-License-Identifier: MIT
#include "checker/tools.hpp"
#include "scenarios/tiny_hamt.hpp"

#include <cstdint>
#include <type_traits>
#include <vector>

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

/// What the other maps call shrinking is here: a fork is made, changed, read, counted and dropped.
template <class Adapter>
class forking : public Adapter {
 public:
  void shrink() {
    using map_type = std::remove_reference_t<decltype(this->map())>;
    const auto from = this->map().snapshot();
    map_type fork(from);
    const bool had_five = from.contains(5);
    const std::uint64_t before = from.size();
    mc::require(fork.insert({5, 9}) != had_five, "a fork has what its snapshot has");
    fork.insert_or_assign(1, 9);
    mc::require(fork.find(1) == 9 && from.contains(5) == had_five, "a fork is a map of its own");
    mc::require(fork.size() >= before && from.size() == before, "a fork is counted by itself");
  }
};

/// T1 does `frozen`, the others do the rest; T1 is stopped at every point, each time in so many
/// executions.
template <class Adapter, std::uint64_t Executions = 8>
void require_free(const char* what, const std::vector<call>& frozen,
                  const std::vector<std::vector<call>>& others) {
  const auto report =
      mc::stall_sweep({.how = mc::strategy::random, .executions = scaled(Executions)}, 1, [&] {
        // What an iteration may have seen is a question of time.
        const bool iterates = frozen.front().kind_of_call == verb::iterate;
        recorder record(iterates ? precedence::real_time : precedence::causal);
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

template <class Adapter, std::uint64_t Executions = 8>
void sweep_all() {
  using k = kind;
  require_free<Adapter, Executions>("a reader", {on(k::find, 1), on(k::find, 2)},
                                    {{on(k::put, 1, 3), on(k::erase, 2), on(k::put, 1, 4)}});
  require_free<Adapter, Executions>("an insertion that makes a branch", {on(k::insert, 3, 3)},
                                    {{on(k::insert, 4, 4), on(k::find, 3)}, {on(k::erase, 1)}});
  require_free<Adapter, Executions>("an erasure that contracts", {on(k::erase, 1)},
                                    {{on(k::insert, 3, 3), on(k::find, 2)}, {on(k::erase, 2)}});
  require_free<Adapter, Executions>(
      "a snapshot", {whole(verb::grow, 1)},
      {{on(k::put, 1, 3), on(k::insert, 3, 3)}, {whole(verb::grow, 1)}});
  require_free<Adapter, Executions>("a write after a snapshot",
                                    {whole(verb::grow, 1), on(k::put, 1, 3)},
                                    {{on(k::put, 1, 4), on(k::find, 1)}, {on(k::erase, 2)}});
  require_free<Adapter, 2>("an update", {on(k::add, 1, 1)},
                           {{on(k::add, 1, 2), on(k::put, 1, 4)}, {whole(verb::grow, 1)}});
  require_free<Adapter, 2>("an update of what goes", {on(k::add, 2, 1)},
                           {{on(k::erase, 2), on(k::insert, 2, 5)}, {on(k::take, 1)}});
}

/// What is done to the whole map, and by those who meet that.
template <class Adapter>
void sweep_whole() {
  using k = kind;
  require_free<Adapter, 2>("a clear", {whole(verb::clear)},
                           {{on(k::put, 1, 3), on(k::insert, 3, 3)}, {on(k::find, 2)}});
  require_free<Adapter, 2>("a clear beside a snapshot", {whole(verb::clear)},
                           {{whole(verb::grow, 1), on(k::find, 1)}});
  require_free<Adapter, 2>("a write beside a clear", {on(k::put, 1, 3)},
                           {{whole(verb::clear), on(k::insert, 1, 4)}, {on(k::find, 1)}});
  require_free<Adapter, 2>("an iteration", {whole(verb::iterate)},
                           {{on(k::put, 1, 3), on(k::insert, 3, 3)}, {on(k::erase, 2)}});
  require_free<forking<Adapter>, 2>("a fork", {whole(verb::shrink)},
                                    {{on(k::put, 1, 3), on(k::insert, 3, 3)}, {on(k::erase, 2)}});
  require_free<forking<Adapter>, 2>("a write beside a fork", {on(k::put, 1, 3)},
                                    {{whole(verb::shrink), on(k::find, 1)}});
}

/// Lists of all that there is.
using pairs_of_one_hash = hamt_adapter<tiny_hamt<one_hash, 1, 32>>;

}  // namespace

TEST_CASE("a thread that stops delays nobody, inline pairs", "[stall][hamt]") {
  sweep_all<inline_pairs>();
}
TEST_CASE("a thread that stops delays nobody, elements", "[stall][hamt]") {
  sweep_all<elements>();
}
TEST_CASE("a thread that stops delays nobody, inline pairs of one hash", "[stall][hamt]") {
  sweep_all<pairs_of_one_hash, 2>();
}
TEST_CASE("a thread that stops delays nobody, elements of one hash", "[stall][hamt]") {
  sweep_all<collisions, 2>();
}
TEST_CASE("a thread that stops in the whole map delays nobody, inline pairs", "[stall][hamt]") {
  sweep_whole<inline_pairs>();
}
TEST_CASE("a thread that stops in the whole map delays nobody, elements", "[stall][hamt]") {
  sweep_whole<elements>();
}
TEST_CASE("a thread that stops in the whole map delays nobody, elements of one hash",
          "[stall][hamt]") {
  sweep_whole<collisions>();
}
