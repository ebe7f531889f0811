// SPDX-License-Identifier: MIT
/// \file
/// The names that insert and show: `..._or_visit`, `..._or_cvisit`, `..._and_visit`,
/// `..._and_cvisit`, each for insert, try_emplace and emplace, and for ranges.

#include "conformance/families.hpp"
#include "support/catch.hpp"

#include <functional>
#include <tuple>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

/// What a callable was shown, and how often.
struct witness {
  int calls = 0;
  number key = 0;
  number value = 0;
  bool writable = false;

  template <class Element>
  void operator()(Element& element) {
    ++calls;
    key = element.first;
    value = element.second;
    writable = !std::is_const_v<Element>;
  }
};

/// `operation(on_new, on_present)` on {7: 70}: once with 7, which is there, then with 8.
template <class M, class Operation>
void check_family(bool shows_new, bool lends_exclusive, Operation operation) {
  M map{{7, 70}};
  witness fresh, old;
  REQUIRE_FALSE(operation(map, 7, 71, fresh, old));
  CHECK(fresh.calls == 0);
  CHECK(old.calls == 1);
  CHECK(old.key == 7);
  CHECK(old.value == 70);
  CHECK(old.writable == (lends_exclusive && callback_is_exclusive<M>()));
  REQUIRE(map.size() == 1);

  old = witness();
  REQUIRE(static_cast<bool>(operation(map, 8, 81, fresh, old)));
  CHECK(old.calls == 0);
  CHECK(fresh.calls == (shows_new ? 1 : 0));
  if (shows_new) {
    CHECK(fresh.key == 8);
    CHECK(fresh.value == 81);
    CHECK(fresh.writable == (lends_exclusive && callback_is_exclusive<M>()));
  }
  REQUIRE(contents(map) == std::unordered_map<number, number>{{7, 70}, {8, 81}});
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("insert_or_visit and insert_and_visit show the right element",
                        "[insert_visit]", core_maps) {
  using M = typename TestType::template map<number, number>;
  check_family<M>(false, true, [](M& map, number k, number v, witness&, witness& old) {
    return map.insert_or_visit({k, v}, std::ref(old));
  });
  check_family<M>(false, false, [](M& map, number k, number v, witness&, witness& old) {
    return map.insert_or_cvisit({k, v}, std::ref(old));
  });
  check_family<M>(true, true, [](M& map, number k, number v, witness& fresh, witness& old) {
    return map.insert_and_visit({k, v}, std::ref(fresh), std::ref(old));
  });
  check_family<M>(true, false, [](M& map, number k, number v, witness& fresh, witness& old) {
    return map.insert_and_cvisit({k, v}, std::ref(fresh), std::ref(old));
  });
}

TEMPLATE_LIST_TEST_CASE("try_emplace and emplace take their callables last", "[insert_visit]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  check_family<M>(false, true, [](M& map, number k, number v, witness&, witness& old) {
    return map.try_emplace_or_visit(k, v, std::ref(old));
  });
  check_family<M>(false, false, [](M& map, number k, number v, witness&, witness& old) {
    return map.try_emplace_or_cvisit(k, v, old);
  });
  check_family<M>(true, true, [](M& map, number k, number v, witness& fresh, witness& old) {
    return map.try_emplace_and_visit(k, v, fresh, old);
  });
  check_family<M>(true, false, [](M& map, number k, number v, witness& fresh, witness& old) {
    return map.try_emplace_and_cvisit(k, v, fresh, old);
  });
  check_family<M>(false, true, [](M& map, number k, number v, witness&, witness& old) {
    return map.emplace_or_visit(k, v, old);
  });
  check_family<M>(false, false, [](M& map, number k, number v, witness&, witness& old) {
    return map.emplace_or_cvisit(std::pair(k, v), old);
  });
  check_family<M>(true, true, [](M& map, number k, number v, witness& fresh, witness& old) {
    return map.emplace_and_visit(k, v, fresh, old);
  });
  check_family<M>(true, false, [](M& map, number k, number v, witness& fresh, witness& old) {
    return map.emplace_and_cvisit(std::piecewise_construct, std::forward_as_tuple(k),
                                  std::forward_as_tuple(v), fresh, old);
  });
}

TEMPLATE_LIST_TEST_CASE("elements and keys may be lvalues", "[insert_visit]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  const typename M::value_type element(7, 71);
  const number key = 7;
  witness fresh, old;
  M map;
  REQUIRE(map.insert_and_visit(element, fresh, old));
  REQUIRE_FALSE(map.insert_or_visit(element, old));
  REQUIRE_FALSE(map.try_emplace_or_visit(key, old));  // no arguments: T()
  REQUIRE_FALSE(map.try_emplace_and_visit(key, fresh, old));
  REQUIRE(fresh.calls == 1);
  REQUIRE(old.calls == 3);
  REQUIRE(map.try_emplace_or_visit(key + 1, old));
  REQUIRE(map.find(8) == 0);
}

TEMPLATE_LIST_TEST_CASE("ranges that visit say how many were inserted, not how many were read",
                        "[insert_visit]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  const std::vector<typename M::value_type> four{{1, 1}, {2, 2}, {7, 0}, {1, 0}};
  const auto check = [&](auto operation, int shown_new) {
    M map{{7, 70}};
    witness fresh, old;
    REQUIRE(operation(map, fresh, old) == 2);
    CHECK(old.calls == 2);
    CHECK(fresh.calls == shown_new);
    CHECK(map.size() == 3);
  };
  const auto begin = four.begin();
  const auto end = four.end();
  check([&](M& m, witness&, witness& o) { return m.insert_or_visit(begin, end, o); }, 0);
  check([&](M& m, witness&, witness& o) { return m.insert_or_cvisit(begin, end, o); }, 0);
  check([&](M& m, witness& n, witness& o) { return m.insert_and_visit(begin, end, n, o); }, 2);
  check([&](M& m, witness& n, witness& o) { return m.insert_and_cvisit(begin, end, n, o); }, 2);
  check([&](M& m, witness&, witness& o) { return m.insert_range_or_visit(four, o); }, 0);
  check([&](M& m, witness&, witness& o) { return m.insert_range_or_cvisit(four, o); }, 0);
  check([&](M& m, witness& n, witness& o) { return m.insert_range_and_visit(four, n, o); }, 2);
  check([&](M& m, witness& n, witness& o) { return m.insert_range_and_cvisit(four, n, o); }, 2);
  using list = std::initializer_list<typename M::value_type>;
  const list values{{1, 1}, {2, 2}, {7, 0}, {1, 0}};
  check([&](M& m, witness&, witness& o) { return m.insert_or_visit(values, o); }, 0);
  check([&](M& m, witness&, witness& o) { return m.insert_or_cvisit(values, o); }, 0);
  check([&](M& m, witness& n, witness& o) { return m.insert_and_visit(values, n, o); }, 2);
  check([&](M& m, witness& n, witness& o) { return m.insert_and_cvisit(values, n, o); }, 2);
}

TEMPLATE_LIST_TEST_CASE("an exclusive visit of a new element can change it", "[insert_visit]",
                        core_maps) {
  using M = typename TestType::template map<number, number>;
  if constexpr (callback_is_exclusive<M>()) {
    M map;
    const auto add = [](number n) { return [n](auto& element) { element.second += n; }; };
    REQUIRE(map.insert_and_visit({1, 10}, add(1), add(2)));
    REQUIRE(map.find(1) == 11);
    REQUIRE_FALSE(map.insert_and_visit({1, 10}, add(1), add(2)));
    REQUIRE(map.find(1) == 13);
    REQUIRE_FALSE(map.insert_or_visit({1, 10}, add(4)));
    REQUIRE(map.find(1) == 17);
  } else {
    SUCCEED("this map lends const elements");
  }
}

TEMPLATE_LIST_TEST_CASE("a visit runs once, also where other callables run again", "[insert_visit]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  int calls = 0;
  const auto count = [&](const auto&) { ++calls; };
  map.insert_and_cvisit({1, 1}, count, count);
  REQUIRE(calls == 1);
  map.insert_and_visit({2, 1}, count, count);
  REQUIRE(calls == 2);
  map.visit(1, count);
  map.cvisit(2, count);
  map.insert_or_visit({1, 1}, count);
  REQUIRE(calls == 5);
  REQUIRE(map.visit_all(count) == 2);
  REQUIRE(calls == 7);
}
