// SPDX-License-Identifier: MIT
/// \file
/// Exceptions from everything that belongs to the user: hasher, equality, copies, callables. Each
/// operation is run with the 1st, 2nd, ... such call throwing until it gets through; after each
/// failure the map is what it was, and works.

#include "conformance/families.hpp"
#include "support/catch.hpp"
#include "support/faults.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using model = std::unordered_map<number, number>;

const model initial{{1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 50}};

template <class M>
std::unique_ptr<M> make_map() {
  auto map = std::make_unique<M>();
  for (const auto& [key, value] : initial) map->try_emplace(key, value);
  return map;
}

template <class M>
model values_of(const M& map) {
  model found;
  map.cvisit_all([&](const auto& e) {
    if constexpr (requires { e.second.get(); }) {
      found.emplace(e.first, e.second.get());
    } else {
      found.emplace(e.first, e.second);
    }
  });
  return found;
}

/// The map is `expected`, by traversal, by lookup and by size, and takes an insertion.
template <class M>
void check_is(M& map, const model& expected) {
  REQUIRE(values_of(map) == expected);
  REQUIRE(map.size() == expected.size());
  for (const auto& [key, value] : expected) REQUIRE(map.contains(key));
  REQUIRE(map.try_emplace(1'000'000'007, number{1}));
  REQUIRE(map.erase(1'000'000'007) == 1);
}

/// All-or-nothing: after a fault the map is as before. At least `least` points can throw.
template <class M, class Operation>
void all_or_nothing(Operation operation, std::size_t least = 1) {
  const std::size_t points =
      sweep_faults([] { return make_map<M>(); }, operation, [](M& map) { check_is(map, initial); });
  CHECK(points >= least);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a hasher that throws leaves the map as it was", "[exceptions]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number, faulty_hash<number>>;
  const auto nothing = [](auto&) {};
  all_or_nothing<M>([](M& m) { m.find(1); });
  all_or_nothing<M>([](M& m) { m.contains(9); });
  all_or_nothing<M>([&](M& m) { m.visit(1, nothing); });
  all_or_nothing<M>([](M& m) { m.insert({7, 70}); });
  all_or_nothing<M>([](M& m) { m.emplace(7, 70); });
  all_or_nothing<M>([](M& m) { m.insert_or_assign(1, 70); });
  all_or_nothing<M>([](M& m) { m.exchange(1, 70); });
  all_or_nothing<M>([&](M& m) { m.insert_and_visit({7, 70}, nothing, nothing); });
  all_or_nothing<M>([](M& m) { m.update(1, [](number& v) { v = 1; }); });
  all_or_nothing<M>([](M& m) { m.compute(1, [](auto& v) { v.reset(); }); });
  all_or_nothing<M>([](M& m) { m.replace_if_equal(1, 10, 70); });
  all_or_nothing<M>([](M& m) { m.erase(1); });
  all_or_nothing<M>([](M& m) { m.take(1); });
}

TEMPLATE_LIST_TEST_CASE("an equality that throws leaves the map as it was", "[exceptions]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number, std::hash<number>, faulty_equal>;
  all_or_nothing<M>([](M& m) { m.find(1); }, 0);
  all_or_nothing<M>([](M& m) { m.insert({1, 70}); }, 0);
  all_or_nothing<M>([](M& m) { m.insert({7, 70}); }, 0);
  all_or_nothing<M>([](M& m) { m.insert_or_assign(1, 70); }, 0);
  all_or_nothing<M>(
      [](M& m) {
        m.upsert(
            1, [](number& v) { v = 1; }, 70);
      },
      0);
  all_or_nothing<M>([](M& m) { m.compute(1, [](auto& v) { v.reset(); }); }, 0);
  all_or_nothing<M>([](M& m) { m.erase(1); }, 0);
  all_or_nothing<M>([](M& m) { m.take(1); }, 0);
}

TEMPLATE_LIST_TEST_CASE("growth with a hasher that throws loses nothing", "[exceptions]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number, faulty_hash<number>>;
  M map;
  model expected;
  // A third of all insertions meet a fault, some of them in the middle of growth.
  for (number key = 0; key < 2'000; ++key) {
    fault_countdown = key % 3 == 0 ? 1 + key % 7 : 0;
    try {
      map.insert({key, key + 1});
      expected.emplace(key, key + 1);
    } catch (const injected_fault&) {
    }
    fault_countdown = 0;
    if (expected.count(key) == 0 && map.contains(key)) FAIL("inserted, and said that it was not");
  }
  check_is(map, expected);
}

TEMPLATE_LIST_TEST_CASE("a callable that throws changes neither structure nor size", "[exceptions]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  const auto fail = [](const auto&) { fault_point(); };
  const auto fail_pred = [](const auto&) -> bool {
    fault_point();
    return true;
  };
  all_or_nothing<M>([&](M& m) { m.visit(1, fail); });
  all_or_nothing<M>([&](M& m) { m.cvisit(1, fail); });
  all_or_nothing<M>([&](M& m) { m.visit_all(fail); }, 5);
  all_or_nothing<M>([&](M& m) { m.cvisit_all(fail); }, 5);
  all_or_nothing<M>([&](M& m) { m.cvisit_while(fail_pred); }, 5);
  all_or_nothing<M>([&](M& m) { m.insert_or_visit({1, 70}, fail); });
  all_or_nothing<M>([&](M& m) {
    m.insert_and_cvisit(
        {1, 70}, [](auto&) {}, fail);
  });
  all_or_nothing<M>([&](M& m) { m.erase_if(1, fail_pred); });
  all_or_nothing<M>([&](M& m) { m.compute(7, [](auto&) { fault_point(); }); });
  all_or_nothing<M>([&](M& m) { m.update(1, [](const number&) { fault_point(); }); });
  all_or_nothing<M>([&](M& m) {
    m.upsert(
        1, [](const number&) { fault_point(); }, 1);
  });
}

TEMPLATE_LIST_TEST_CASE("a callable that throws leaves the old value, or what it made of it",
                        "[exceptions]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  const auto change = [](number& value) {
    value = 77;
    throw injected_fault();
  };
  const number after = concur::guarantees<M>::callback_keeps_old_value ? 10 : 77;
  M map{{1, 10}};
  REQUIRE_THROWS_AS(map.update(1, change), injected_fault);
  REQUIRE(map.find(1) == after);
  map.insert_or_assign(1, 10);
  REQUIRE_THROWS_AS(map.upsert(1, change, 5), injected_fault);
  REQUIRE(map.find(1) == after);
  if constexpr (concur::guarantees<M>::callback_is_exclusive) {
    const auto change_element = [&](auto& element) { change(element.second); };
    map.insert_or_assign(1, 10);
    REQUIRE_THROWS_AS(map.visit(1, change_element), injected_fault);
    REQUIRE(map.find(1) == after);
    map.insert_or_assign(1, 10);
    REQUIRE_THROWS_AS(map.insert_or_visit({1, 11}, change_element), injected_fault);
    REQUIRE(map.find(1) == after);
    map.insert_or_assign(1, 10);
    REQUIRE_THROWS_AS(map.visit_all(change_element), injected_fault);
    REQUIRE(map.find(1) == after);
  }
  // A value that can be copied is computed beside the old one, everywhere.
  map.insert_or_assign(1, 10);
  REQUIRE_THROWS_AS(map.compute(1, [](auto& v) { v.reset(), throw injected_fault(); }),
                    injected_fault);
  REQUIRE(map.find(1) == 10);
  REQUIRE(map.size() == 1);
}

TEMPLATE_LIST_TEST_CASE("f1 that throws keeps the new element", "[exceptions]", core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  const auto fail = [](const auto&) { throw injected_fault(); };
  const auto nothing = [](const auto&) {};
  REQUIRE_THROWS_AS(map.insert_and_visit({1, 10}, fail, nothing), injected_fault);
  REQUIRE(map.find(1) == 10);
  REQUIRE_THROWS_AS(map.insert_and_cvisit({2, 20}, fail, nothing), injected_fault);
  REQUIRE(map.find(2) == 20);
  REQUIRE(map.size() == 2);
  REQUIRE(map.erase(1) == 1);
  REQUIRE(map.insert({1, 11}));
}

TEMPLATE_LIST_TEST_CASE("batches keep what is done", "[exceptions]", vocabulary_maps) {
  using M = typename TestType::template map<number, number, faulty_hash<number>>;
  const std::vector<std::pair<number, number>> more{{11, 1}, {12, 2}, {13, 3}, {14, 4}};
  const auto prefix = [&](M& map) {
    bool ended = false;
    for (const auto& [key, value] : more) {
      const bool there = map.contains(key);
      REQUIRE_FALSE((ended && there));
      ended = !there;
    }
    for (const auto& [key, value] : initial) REQUIRE(map.find(key) == value);
    REQUIRE(ended);
  };
  const auto make = [] { return make_map<M>(); };
  REQUIRE(sweep_faults(
              make, [&](M& m) { m.insert(more.begin(), more.end()); }, prefix) >= 4);
  REQUIRE(sweep_faults(
              make, [&](M& m) { m.insert_range(more); }, prefix) >= 4);
  REQUIRE(sweep_faults(
              make, [&](M& m) { m.insert_or_visit(more.begin(), more.end(), [](auto&) {}); },
              prefix) >= 4);

  // Erasing: the size says how many are gone, and all that were kept are whole.
  std::size_t erased = 0;
  const auto pred = [&](const auto&) -> bool {
    fault_point();
    return true;
  };
  REQUIRE(sweep_faults(
              make, [&](M& m) { erased = m.erase_if(pred); },
              [&](M& map) {
                REQUIRE(values_of(map).size() == map.size());
                for (const auto& [key, value] : values_of(map)) REQUIRE(initial.at(key) == value);
              }) >= 5);
  REQUIRE(erased == initial.size());
}

TEMPLATE_LIST_TEST_CASE("copies that throw leave the map as it was", "[exceptions]",
                        any_value_maps) {
  using M = typename TestType::template map<number, faulty_value>;
  const faulty_value value(70);
  const typename M::value_type element(7, value);
  const auto set = [&](faulty_value& v) { v = value; };
  all_or_nothing<M>([](M& m) { m.find(1); });
  all_or_nothing<M>([&](M& m) { m.find_or(9, value); });
  all_or_nothing<M>([&](M& m) { m.insert(element); });
  all_or_nothing<M>([&](M& m) { m.try_emplace(7, value); });
  all_or_nothing<M>([&](M& m) { m.insert_or_assign(7, value); });
  all_or_nothing<M>([&](M& m) { m.insert_or_assign(1, value); });
  all_or_nothing<M>([&](M& m) { m.exchange(1, value); });
  all_or_nothing<M>([&](M& m) { m.upsert(7, set, value); });
  all_or_nothing<M>([&](M& m) { m.update(1, set); });
  all_or_nothing<M>([&](M& m) { m.compute(1, [&](auto& v) { v = value; }); });
  all_or_nothing<M>([&](M& m) { m.compute(7, [&](auto& v) { v = value; }); });
  all_or_nothing<M>([&](M& m) { m.replace_if_equal(1, faulty_value(10), value); });
  all_or_nothing<M>([&](M& m) { m.erase_if_equal(1, faulty_value(10)); });
  all_or_nothing<M>([](M& m) { m.take(1); }, 0);
  constexpr bool copies_share = requires {
    typename M::snapshot_type;
  };
  all_or_nothing<M>([](M& m) { const M copy(m); }, copies_share ? 0 : 5);
}

TEMPLATE_LIST_TEST_CASE("an argument whose copy throws is not lost", "[exceptions]",
                        any_value_maps) {
  using M = typename TestType::template map<number, faulty_value>;
  M map;
  fault_countdown = 1;
  const faulty_value value(5);
  REQUIRE_THROWS_AS(map.try_emplace(1, value), injected_fault);
  fault_countdown = 0;
  REQUIRE(map.empty());
  REQUIRE(map.try_emplace(1, value));
}
