// SPDX-License-Identifier: MIT
#include "checker/tools.hpp"
#include "scenarios/tiny_fixed_map.hpp"

namespace {

using namespace scenarios;

template <class Adapter>
std::uint64_t explore_slots(const scenario& s, std::uint64_t executions) {
  return explore(s.name, executions, [&s] { execute_and_look<Adapter>(s); });
}

template <class Adapter>
void all_pairs() {
  std::uint64_t done = 0;
  for (const scenario& s : pairs<Adapter>())
    if (!is_of_growth(s)) done += explore_slots<Adapter>(s, 400);
  CHECK(done >= 40'000);
}

template <class Adapter>
void all_reuses() {
  std::uint64_t done = 0;
  for (const scenario& s : reuses()) done += explore_slots<Adapter>(s, 400);
  CHECK(done >= 40'000);
}

template <class Adapter>
void all_mixes() {
  std::uint64_t done = 0;
  for (const scenario& s : mixes())
    if (!is_of_growth(s)) done += explore_slots<Adapter>(s, 2'000);
  for (const scenario& s : slot_scenarios()) done += explore_slots<Adapter>(s, 4'000);
  CHECK(done >= 40'000);
}

/// A map that outlives the execution if a thread sleeps in it.
template <class Adapter>
struct kept {
  Adapter* map = new Adapter;
  ~kept() {
    if (!mc::frozen()) delete map;
  }
};

/// The first thread does `frozen`, and stops for ever before its n-th operation, for every n.
template <class Adapter>
mc::stall_report sweep(const std::vector<call>& before, const call& frozen,
                       const std::vector<std::vector<call>>& others) {
  return mc::stall_sweep({.how = mc::strategy::random, .executions = scaled(30)}, 1, [&] {
    recorder record(precedence::causal);
    kept<Adapter> owner;
    Adapter& map = *owner.map;
    for (const call& c : before) perform(map, record, c);
    mc::spawn([&] { perform(map, record, frozen); });
    for (const auto& t : others)
      mc::spawn([&map, &record, &t] {
        for (const call& c : t) perform(map, record, c);
      });
    mc::join_all();
    record.check();
  });
}

template <class Adapter>
void require_free(const std::vector<call>& before, const call& frozen,
                  const std::vector<std::vector<call>>& others) {
  const auto report = sweep<Adapter>(before, frozen, others);
  INFO(name_of(frozen.what) << ", " << report.points << " points");
  if (!report.blocking.empty() || report.other != mc::failure::none)
    std::printf("\n%s\n%s", report.example.c_str(), report.what.c_str());
  CHECK(report.points > 0);
  CHECK(report.blocking.empty());
  CHECK(report.other == mc::failure::none);
}

}  // namespace

TEST_CASE("an insertion into fixed_map that sleeps delays nobody", "[stall][fixed_map]") {
  const std::vector<call> two = {on(kind::insert, 1, 1), on(kind::insert, 2, 2)};
  // Of the same key, of its neighbours, and of the slots that they leave.
  require_free<fixed_word>(two, on(kind::insert, 3, 3),
                           {{on(kind::insert, 3, 4), on(kind::find, 3), on(kind::erase, 3)},
                            {on(kind::insert, 4, 4), on(kind::erase, 1)}});
  require_free<fixed_boxed>(
      two, on(kind::insert, 3, 3),
      {{on(kind::insert, 3, 4), on(kind::find, 3)}, {on(kind::insert, 4, 4), on(kind::find, 2)}});
  require_free<fixed_wide>(two, on(kind::insert, 3, 3),
                           {{on(kind::insert, 3, 4), on(kind::erase, 3), on(kind::insert, 3, 5)},
                            {on(kind::find, 3), on(kind::assign, 1, 10)}});
}

TEST_CASE("a reader of fixed_map that sleeps delays nobody", "[stall][fixed_map]") {
  const std::vector<call> two = {on(kind::insert, 1, 1), on(kind::insert, 2, 2)};
  require_free<fixed_wide>(
      two, on(kind::find, 2),
      {{on(kind::assign, 2, 5), on(kind::erase, 2)}, {on(kind::erase, 1), on(kind::insert, 1, 7)}});
}

TEST_CASE("a writer of fixed_map that sleeps delays no reader of values of one word, and no insert",
          "[stall][fixed_map]") {
  const std::vector<call> two = {on(kind::insert, 1, 1), on(kind::insert, 2, 2)};
  for (const auto& write : {on(kind::assign, 2, 5), on(kind::put, 3, 5), on(kind::add, 2, 7)})
    require_free<fixed_word>(two, write,
                             {{on(kind::find, 2), on(kind::find, 3), on(kind::insert, 2, 8)},
                              {on(kind::erase, 1), on(kind::insert, 4, 4)}});
}

namespace {

const std::vector<call> two_elements = {on(kind::insert, 1, 1), on(kind::insert, 2, 2)};

/// What stores a value over another one, of key 2.
const std::vector<call> overwrites = {on(kind::assign, 2, 5), on(kind::put, 2, 5),
                                      on(kind::add, 2, 7), on(kind::replace, 2, 2, 5)};
/// What makes or takes away an element, of key 2 or 3.
const std::vector<call> comings_and_goings = {on(kind::insert, 3, 3), on(kind::put, 3, 3),
                                              on(kind::erase, 2), on(kind::take, 2),
                                              on(kind::erase_equal, 2, 2)};

/// Everybody who reads or writes other keys than the one that the sleeper writes.
template <class Adapter>
void require_others_free(const std::vector<call>& writes) {
  for (const call& write : writes) {
    const std::uint64_t other = write.key == 2 ? 3 : 2;
    require_free<Adapter>(two_elements, write,
                          {{on(kind::find, 1), on(kind::find, other), on(kind::assign, 1, 10)},
                           {on(kind::insert, 4, 4), on(kind::erase, 1), on(kind::find, 4)}});
  }
}

}  // namespace

TEST_CASE("a writer of fixed_map that sleeps delays nobody who is at other keys",
          "[stall][fixed_map]") {
  require_others_free<fixed_wide>(overwrites);
  require_others_free<fixed_wide>(comings_and_goings);
  require_others_free<fixed_boxed>(overwrites);
  require_others_free<fixed_boxed>(comings_and_goings);
}

TEST_CASE(
    "a writer of fixed_map that sleeps delays readers of its value while it stores many words",
    "[stall][fixed_map]") {
  for (const call& write : overwrites) {
    const auto report = sweep<fixed_wide>(two_elements, write, {{on(kind::find, 2)}});
    INFO(name_of(write.what) << ", " << report.points << " points");
    CHECK(report.points > 4);
    // Before each of the three words, and before it is published; at one point more or less if what
    // comes before took one operation more or less.
    CHECK(report.blocking.size() >= 4);
    CHECK(report.blocking.size() <= 6);
    CHECK(report.other == mc::failure::none);
  }
  for (const call& write : comings_and_goings)
    require_free<fixed_wide>(two_elements, write,
                             {{on(kind::find, write.key), on(kind::find, write.key)}});
}

TEST_CASE("fixed_map, words: pairs of operations", "[fixed_map]") {
  all_pairs<fixed_word>();
}
TEST_CASE("fixed_map, words: operations beside the reuse of their slot", "[fixed_map]") {
  all_reuses<fixed_word>();
}
TEST_CASE("fixed_map, words: mixes", "[fixed_map]") {
  all_mixes<fixed_word>();
}
TEST_CASE("fixed_map, wide values: pairs of operations", "[fixed_map]") {
  all_pairs<fixed_wide>();
}
TEST_CASE("fixed_map, wide values: operations beside the reuse of their slot", "[fixed_map]") {
  all_reuses<fixed_wide>();
}
TEST_CASE("fixed_map, wide values: mixes", "[fixed_map]") {
  all_mixes<fixed_wide>();
}
TEST_CASE("fixed_map, values in place: pairs of operations", "[fixed_map]") {
  all_pairs<fixed_boxed>();
}
TEST_CASE("fixed_map, values in place: operations beside the reuse of their slot", "[fixed_map]") {
  all_reuses<fixed_boxed>();
}
TEST_CASE("fixed_map, values in place: mixes", "[fixed_map]") {
  all_mixes<fixed_boxed>();
}
