// SPDX-License-Identifier: MIT
/// \file
/// What a callback gets when it calls its own map: what `guarantees<M>` says, and never a hang.

#include "conformance/families.hpp"
#include "support/catch.hpp"

#include <concur/detail/map/guarantees.hpp>

#include <optional>
#include <string>
#include <system_error>
#include <utility>

using namespace concur_test;

namespace {

using concur::reentry;

/// Runs `call`; true if it was refused as a deadlock. Another exception passes through.
template <class Call>
bool refused(Call call) {
  try {
    call();
    return false;
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_deadlock_would_occur) throw;
    return true;
  }
}

/// Inside a callback on key 1 of {1: 10, 2: 20}: reads of the own key, of another, and of no key.
template <class M>
void check_reads(const M& map, reentry rule) {
  std::optional<number> own;
  std::optional<number> other;
  const bool own_refused = refused([&] { own = map.find(1); });
  const bool other_refused = refused([&] { other = map.find(2); });
  bool absent = true;
  const bool absent_refused = refused([&] { absent = !map.contains(77); });
  REQUIRE(own_refused == (rule == reentry::throws || rule == reentry::other_keys));
  REQUIRE(other_refused == (rule == reentry::throws));
  REQUIRE(absent_refused == (rule == reentry::throws));
  REQUIRE(absent);
  if (!own_refused) REQUIRE(own == 10);
  if (!other_refused) REQUIRE(other == 20);
}

template <class M, class Write>
void check_write(M& map, reentry rule, bool own_key, Write write) {
  const bool is_refused = refused([&] { write(map); });
  REQUIRE(is_refused == (rule == reentry::throws || (rule == reentry::other_keys && own_key)));
}

/// `operation(map, callback)` runs the callback on key 1 of {1: 10, 2: 20}, as `rules` allow it to
/// call the map; afterwards the map is whole and takes every call again.
template <class M, class Operation>
void check_inside(concur::reentry_rules rules, Operation operation) {
  int calls = 0;
  const auto run = [&](auto inside) {
    M map{{1, 10}, {2, 20}};
    const int before = calls;
    operation(map, [&](const auto&) {
      ++calls;
      inside(map);
    });
    REQUIRE(calls > before);
    REQUIRE(map.insert_or_assign(100, 1));
    REQUIRE(map.erase(100) == 1);
    REQUIRE(map.contains(1));
  };
  run([&](M& map) { check_reads(map, rules.reads); });
  const reentry writes = rules.writes;
  run([&](M& map) { check_write(map, writes, false, [](M& m) { m.insert({3, 30}); }); });
  run([&](M& map) { check_write(map, writes, false, [](M& m) { m.erase(2); }); });
  run([&](M& map) { check_write(map, writes, false, [](M& m) { m.insert_or_assign(2, 21); }); });
  run([&](M& map) {
    check_write(map, writes, false, [](M& m) { m.update(2, [](number& v) { ++v; }); });
  });
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("exclusive callbacks call their map as it guarantees", "[reentrancy]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr auto rules = concur::guarantees<M>::exclusive_callback;
  check_inside<M>(rules, [](M& map, auto f) { map.visit(1, f); });
  check_inside<M>(rules, [](M& map, auto f) { map.update(1, f); });
  check_inside<M>(rules, [](M& map, auto f) { map.upsert(1, f, 5); });
  check_inside<M>(rules, [](M& map, auto f) { map.compute(1, f); });
  check_inside<M>(rules, [](M& map, auto f) { map.insert_or_visit({1, 11}, f); });
  check_inside<M>(rules, [](M& map, auto f) {
    map.insert_and_visit(
        {1, 11}, [](auto&) {}, f);
  });
  check_inside<M>(
      rules, [](M& map, auto f) { map.erase_if(1, [&](const auto& e) { return f(e), false; }); });
}

TEMPLATE_LIST_TEST_CASE("shared callbacks call their map as it guarantees", "[reentrancy]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  constexpr auto rules = concur::guarantees<M>::shared_callback;
  check_inside<M>(rules, [](M& map, auto f) { map.cvisit(1, f); });
  check_inside<M>(rules, [](M& map, auto f) {
    const M& shared = map;
    shared.visit(1, f);
  });
  check_inside<M>(rules, [](M& map, auto f) {
    bool once = false;
    map.cvisit_all([&](const auto& e) {
      if (e.first == 1 && !std::exchange(once, true)) f(e);
    });
  });
}

TEMPLATE_LIST_TEST_CASE("a refusal that is not caught leaves through the operation", "[reentrancy]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map{{1, 10}, {2, 20}};
  const bool out = refused([&] { map.visit(1, [&](auto&) { map.erase(1); }); });
  constexpr auto writes = concur::guarantees<M>::exclusive_callback.writes;
  REQUIRE(out == (writes == reentry::throws || writes == reentry::other_keys));
  REQUIRE(map.contains(1) == out);
  REQUIRE(map.insert({3, 30}));
  REQUIRE(map.erase(2) == 1);
}

TEMPLATE_LIST_TEST_CASE("a callback of one map may use another", "[reentrancy]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map{{1, 10}, {2, 20}};
  M other;
  map.visit_all([&](auto& element) { other.insert({element.first, element.second}); });
  map.update(1, [&](number& value) {
    other.update(1, [&](number& inner) { inner += 5; });
    value = *other.find(1) + 1;
  });
  REQUIRE(other.find(1) >= 15);
  REQUIRE(map.find(1) >= 16);
  REQUIRE(other.size() == 2);
}

TEMPLATE_LIST_TEST_CASE("guarantees are complete and say what the types allow", "[reentrancy]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  using G = concur::guarantees<M>;
  STATIC_REQUIRE(concur::concurrent_map<M>);
  STATIC_REQUIRE(concur::map_guarantees<G>);
  // Whoever works on copies can run again, and keeps the old value; who lends in place does not.
  STATIC_REQUIRE((G::callback_is_exclusive || G::callback_keeps_old_value));
  STATIC_REQUIRE(!(G::callback_is_exclusive && G::callback_may_run_again));
  STATIC_REQUIRE(!(G::callback_is_exclusive && G::exclusive_callback.writes == reentry::works));
}
