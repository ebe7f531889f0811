// SPDX-License-Identifier: MIT
#include "checker/tools.hpp"
#include "scenarios/tiny_cmap.hpp"
#include "scenarios/tiny_seqmap.hpp"

// A thread is stopped for ever before its n-th operation, for every n. Whoever may be waited for is
// found by that, and so is memory that is kept beyond the bound.

namespace {

using namespace scenarios;

constexpr auto random_schedules = mc::strategy::random;

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
mc::stall_report sweep(const std::vector<call>& before, const std::vector<call>& frozen,
                       const std::vector<std::vector<call>>& others,
                       std::uint64_t executions = 60) {
  return mc::stall_sweep({.how = random_schedules, .executions = scaled(executions)}, 1, [&] {
    // What an iteration may have seen is a question of time.
    const bool iterates = !frozen.empty() && frozen.front().kind_of_call == verb::iterate;
    recorder record(iterates ? precedence::real_time : precedence::causal);
    kept<Adapter> owner;
    Adapter& map = *owner.map;
    for (const call& c : before) perform(map, record, c);
    const auto run = [&map, &record](const std::vector<call>& calls) {
      for (const call& c : calls) perform(map, record, c);
    };
    mc::spawn([&] { run(frozen); });
    for (const auto& t : others) mc::spawn([&run, &t] { run(t); });
    mc::join_all();
    record.check();
  });
}

const std::vector<call> two_elements = {on(kind::insert, 1, 1), on(kind::insert, 2, 2)};

void require_free(const char* what, const mc::stall_report& r) {
  INFO(what << ", " << r.points << " points, " << r.blocking.size() << " blocking");
  if (!r.blocking.empty() || r.other != mc::failure::none)
    std::printf("\n%s: %s\n%s", what, r.example.c_str(), r.what.c_str());
  CHECK(r.points > 0);
  CHECK(r.blocking.empty());
  CHECK(r.other == mc::failure::none);
}

}  // namespace

TEST_CASE("a reader of seqmap that sleeps delays nobody", "[stall]") {
  const std::vector<call> reads = {on(kind::find, 1), on(kind::find, 2)};
  require_free("beside writers", sweep<narrow>(two_elements, reads,
                                               {{on(kind::assign, 1, 5), on(kind::erase, 2)},
                                                {on(kind::insert, 3, 3)}}));
  require_free("beside growth", sweep<narrow>(two_elements, reads,
                                              {{whole(verb::grow, 20), on(kind::insert, 3, 3)},
                                               {on(kind::assign, 1, 5)}}));
  require_free(
      "beside shrinking",
      sweep<wide_value>(two_elements, reads, {{whole(verb::grow, 20), whole(verb::shrink)}}));
}

TEST_CASE("a writer of seqmap that sleeps does not delay readers of values of one word",
          "[stall]") {
  const std::vector<std::vector<call>> readers = {{on(kind::find, 1), on(kind::find, 2)},
                                                  {on(kind::find, 3)}};
  for (const auto& write : {on(kind::insert, 3, 3), on(kind::assign, 1, 5), on(kind::erase, 1)})
    require_free(name_of(write.what).c_str(), sweep<narrow>(two_elements, {write}, readers));
  require_free("growth", sweep<narrow>(two_elements, {whole(verb::grow, 20)}, readers));
}

TEST_CASE("a writer of seqmap that sleeps while it publishes delays that cell's readers only",
          "[stall]") {
  const auto same =
      sweep<wide_value>(two_elements, {on(kind::assign, 1, 5)}, {{on(kind::find, 1)}});
  CHECK(same.other == mc::failure::none);
  CHECK(same.points > 0);
  CHECK(!same.blocking.empty());     // the words of the value are being stored
  CHECK(same.blocking.size() <= 8);  // three words, and the states around
  require_free("another cell of the bucket",
               sweep<wide_value>(two_elements, {on(kind::assign, 1, 5)}, {{on(kind::find, 2)}}));
}

TEST_CASE("a sleeping reader keeps one table of seqmap from being freed", "[stall]") {
  const auto report = mc::stall_sweep({.how = random_schedules, .executions = scaled(40)}, 1, [] {
    kept<narrow> owner;
    narrow& map = *owner.map;
    map.call(on(kind::insert, 1, 1));
    mc::spawn([&] { map.call(on(kind::find, 1)); });
    mc::spawn([&] {
      for (int i = 0; i < 3; ++i) {
        map.grow(40);
        map.shrink();
      }
    });
    mc::join_all();
    // The root table, and at most the one that the sleeper announces: of the larger size.
    const std::size_t small = 128 * 4;
    const std::size_t large = 128 + 16 * 64 + 128;
    const std::size_t counter = 64 * 64;
    mc::require(mc::live_bytes() <= small + 2 * large + counter,
                "more than one table is kept for a sleeping reader");
  });
  if (report.other != mc::failure::none) std::printf("\n%s", report.what.c_str());
  CHECK(report.points > 0);
  CHECK(report.blocking.empty());
  CHECK(report.other == mc::failure::none);
}

// cmap claims that nothing blocks: no point of any operation may delay another thread.

namespace {

template <class Adapter>
void every_operation_of_cmap() {
  const std::vector<std::vector<call>> others = {
      {on(kind::find, 1), on(kind::assign, 1, 7), on(kind::insert, 4, 4)},
      {on(kind::erase, 2), on(kind::find, 3), on(kind::insert, 2, 8)}};
  for (const call& c : {on(kind::find, 1), on(kind::insert, 3, 3), on(kind::assign, 1, 5),
                        on(kind::erase, 1), on(kind::add, 1, 1), on(kind::take, 2),
                        whole(verb::grow, 20), whole(verb::clear), whole(verb::iterate)}) {
    const std::string name =
        c.kind_of_call == verb::one_key ? name_of(c.what) : "operation on the whole map";
    require_free(name.c_str(), sweep<Adapter>(two_elements, {c}, others, 10));
    require_free((name + ", growing").c_str(),
                 sweep<Adapter>(two_elements, {c},
                                {{whole(verb::grow, 20), on(kind::insert, 5, 5)}, others[0]}, 10));
  }
  std::vector<call> large = two_elements;
  large.insert(large.begin(), whole(verb::grow, 40));
  require_free("shrinking", sweep<Adapter>(large, {whole(verb::shrink)}, others, 10));
  require_free("an erasure beside shrinking",
               sweep<Adapter>(large, {on(kind::erase, 1)}, {{whole(verb::shrink)}, others[0]}, 10));
}

}  // namespace

TEST_CASE("a thread that sleeps in cmap delays nobody, pairs in the leaves", "[stall]") {
  every_operation_of_cmap<in_leaves>();
}
TEST_CASE("a thread that sleeps in cmap delays nobody, elements of their own", "[stall]") {
  every_operation_of_cmap<in_elements>();
}
TEST_CASE("a thread that sleeps in cmap delays nobody, equal hashes", "[stall]") {
  every_operation_of_cmap<in_lists>();
}
