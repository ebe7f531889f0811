// SPDX-License-Identifier: MIT
/// \file
/// The names that go over the whole map, and constructors, copies, moves, swap and ==.

#include "conformance/families.hpp"
#include "support/catch.hpp"

#include <concur/parallel.hpp>

#include <atomic>
#include <functional>
#include <initializer_list>
#include <set>
#include <sstream>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

template <class M>
M map_of(number n) {
  M map;
  for (number i = 0; i < n; ++i) map.try_emplace(i, i * i);
  return map;
}

/// Can be copied, and not assigned.
struct referring_hash {
  const number& factor;
  std::size_t operator()(number key) const { return static_cast<std::size_t>(key * factor); }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("a traversal shows every element exactly once", "[bulk]", shared_maps) {
  using M = typename TestType::template map<number, number>;
  for (const number n : {0u, 1u, 2u, 100u, 3000u}) {
    M map = map_of<M>(n);
    std::multiset<number> seen;
    std::size_t wrong = 0;
    const auto note = [&](const auto& e) {
      seen.insert(e.first);
      if (e.second != e.first * e.first) ++wrong;
    };
    const auto check = [&] {
      REQUIRE(seen.size() == n);
      REQUIRE(std::set<number>(seen.begin(), seen.end()).size() == n);
      REQUIRE(wrong == 0);
      seen.clear();
    };
    REQUIRE(map.visit_all(note) == n);
    check();
    REQUIRE(std::as_const(map).visit_all(note) == n);
    check();
    REQUIRE(map.cvisit_all(note) == n);
    check();
    REQUIRE(map.visit_while([&](auto& e) { return note(e), true; }));
    check();
    REQUIRE(map.cvisit_while([&](const auto& e) { return note(e), true; }));
    check();
  }
}

TEMPLATE_LIST_TEST_CASE("visit_while stops when it is told to", "[bulk]", shared_maps) {
  using M = typename TestType::template map<number, number>;
  M map = map_of<M>(100);
  int calls = 0;
  const auto until_ten = [&](const auto&) { return ++calls < 10; };
  REQUIRE_FALSE(map.visit_while(until_ten));
  REQUIRE(calls == 10);
  calls = 0;
  REQUIRE_FALSE(std::as_const(map).cvisit_while(until_ten));
  REQUIRE(calls == 10);
}

TEMPLATE_LIST_TEST_CASE("an exclusive traversal changes values", "[bulk]", core_maps) {
  using M = typename TestType::template map<number, number>;
  if constexpr (callback_is_exclusive<M>()) {
    M map = map_of<M>(500);
    map.visit_all([](auto& e) { e.second = e.first + 1; });
    std::size_t wrong = 0;
    map.cvisit_all([&](const auto& e) { wrong += e.second == e.first + 1 ? 0u : 1u; });
    REQUIRE(wrong == 0);
    REQUIRE(map.size() == 500);
  } else {
    SUCCEED("this map lends const elements");
  }
}

TEMPLATE_LIST_TEST_CASE("parallel traversals show every element exactly once", "[bulk]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map = map_of<M>(2000);
  const concur::parallel policy{3};
  std::vector<std::atomic<int>> seen(2000);
  const auto note = [&](const auto& e) { seen[e.first].fetch_add(1, std::memory_order_relaxed); };
  const auto note_on = [&](const auto& e) { return note(e), true; };
  REQUIRE(map.visit_all(policy, note) == 2000);
  REQUIRE(std::as_const(map).visit_all(policy, note) == 2000);
  REQUIRE(map.cvisit_all(policy, note) == 2000);
  REQUIRE(map.visit_while(policy, note_on));
  REQUIRE(std::as_const(map).visit_while(policy, note_on));
  REQUIRE(map.cvisit_while(policy, note_on));
  std::size_t wrong = 0;
  for (auto& count : seen) wrong += count.load() == 6 ? 0u : 1u;
  REQUIRE(wrong == 0);

  std::atomic<int> calls{0};
  REQUIRE_FALSE(map.cvisit_while(policy, [&](const auto&) { return ++calls < 5; }));
  REQUIRE(calls >= 5);
  REQUIRE(map.erase_if(policy, [](const auto& e) { return e.first % 2 == 0; }) == 1000);
  REQUIRE(map.size() == 1000);
}

TEMPLATE_LIST_TEST_CASE("an exception leaves a parallel traversal in its caller", "[bulk]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map = map_of<M>(1000);
  const auto fail = [](const auto&) -> bool { throw std::runtime_error("from a worker"); };
  REQUIRE_THROWS_AS(map.visit_all(concur::parallel{3}, fail), std::runtime_error);
  REQUIRE_THROWS_AS(map.cvisit_while(concur::parallel{3}, fail), std::runtime_error);
  REQUIRE_THROWS_AS(map.erase_if(concur::parallel{3}, fail), std::runtime_error);
  REQUIRE(map.size() == 1000);
}

TEMPLATE_LIST_TEST_CASE("scan goes over the map in steps", "[bulk]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  for (const number n : {0u, 1u, 100u, 1000u}) {
    for (const std::size_t step :
         {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{64}, std::size_t{5000}}) {
      const M map = map_of<M>(n);
      std::multiset<number> seen;
      std::uint64_t cursor = 0;
      std::size_t steps = 0;
      do {
        cursor = map.scan(cursor, step, [&](const auto& e) { seen.insert(e.first); });
        ++steps;
        REQUIRE(steps <= 4 * n + 100'000);
      } while (cursor != 0);
      REQUIRE(seen.size() == n);
      REQUIRE(std::set<number>(seen.begin(), seen.end()).size() == n);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("scan sees what stays while the map changes between its steps", "[bulk]",
                        vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map = map_of<M>(500);
  std::multiset<number> seen;
  std::uint64_t cursor = 0;
  number next = 1'000'000;
  do {
    cursor = map.scan(cursor, 10, [&](const auto& e) { seen.insert(e.first); });
    for (int i = 0; i < 100 && map.size() < 6000; ++i) map.try_emplace(next++, 0);  // it may grow
    map.erase(next - 50);
  } while (cursor != 0);
  std::size_t wrong = 0;
  for (number i = 0; i < 500; ++i) wrong += seen.count(i) == 1 ? 0u : 1u;
  REQUIRE(wrong == 0);
  for (const number key : seen) wrong += seen.count(key) == 1 ? 0u : 1u;
  REQUIRE(wrong == 0);
}

TEMPLATE_LIST_TEST_CASE("a hasher that cannot be assigned is enough to make, copy and move a map",
                        "[bulk]", any_key_maps) {
  const number factor = 31;
  using M = typename TestType::template map<number, number, referring_hash>;
  M map(10, referring_hash{factor});
  for (number i = 0; i < 100; ++i) map.try_emplace(i, i);
  const M copy(map);
  const M moved(std::move(map));
  REQUIRE(copy.size() == 100);
  REQUIRE(moved.find(99) == 99);
}

TEMPLATE_LIST_TEST_CASE("clear removes everything, and the map goes on", "[bulk]", shared_maps) {
  using M = typename TestType::template map<number, number>;
  M map = map_of<M>(300);
  map.clear();
  REQUIRE(map.empty());
  REQUIRE(map.size() == 0);
  REQUIRE_FALSE(map.contains(1));
  map.clear();
  REQUIRE(map.insert({1, 2}));
  REQUIRE(map.size() == 1);
}

TEMPLATE_LIST_TEST_CASE("hints change nothing that can be seen", "[bulk]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  map.reserve(1000);
  map.shrink_to_fit();
  REQUIRE(map.empty());
  for (number i = 0; i < 400; ++i) map.try_emplace(i, i);
  map.reserve(10'000);
  REQUIRE(map.size() == 400);
  map.erase_if([](const auto& e) { return e.first >= 10; });
  map.shrink_to_fit();
  map.rehash(0);
  REQUIRE(map.size() == 10);
  for (number i = 0; i < 400; ++i) REQUIRE(map.contains(i) == (i < 10));
  REQUIRE(map.capacity() > 0);
  REQUIRE(map.load_factor() > 0);
  REQUIRE(map.load_factor() <= map.max_load_factor());
  REQUIRE(map.size() <= map.max_load());
  REQUIRE(map.max_size() > map.size());
  REQUIRE(M().load_factor() == 0);
}

TEMPLATE_LIST_TEST_CASE("merge moves what is absent", "[bulk]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  M here{{1, 10}, {2, 20}};
  M there{{2, 21}, {3, 31}, {4, 41}};
  REQUIRE(here.merge(there) == 2);
  REQUIRE(contents(here) == std::unordered_map<number, number>{{1, 10}, {2, 20}, {3, 31}, {4, 41}});
  REQUIRE(contents(there) == std::unordered_map<number, number>{{2, 21}});
  REQUIRE(here.merge(here) == 0);
  REQUIRE(here.size() == 4);
  REQUIRE(here.merge(M{{5, 50}}) == 1);
  REQUIRE(here.size() == 5);
}

TEMPLATE_LIST_TEST_CASE("maps are equal when they hold the same", "[bulk]", core_maps) {
  using M = typename TestType::template map<number, number>;
  const M one{{1, 10}, {2, 20}};
  REQUIRE(one == one);
  REQUIRE(one == M{{2, 20}, {1, 10}});
  REQUIRE(M() == M());
  REQUIRE(one != M{{1, 10}});
  REQUIRE(M{{1, 10}} != one);
  REQUIRE(one != M{{1, 10}, {2, 21}});
  REQUIRE(one != M{{1, 10}, {3, 20}});
}

TEMPLATE_LIST_TEST_CASE("constructors take what those of a standard map take", "[bulk]",
                        own_memory_maps) {
  using M = typename TestType::template map<number, number>;
  using hasher = typename M::hasher;
  using key_equal = typename M::key_equal;
  using allocator = typename M::allocator_type;
  const std::vector<std::pair<number, number>> pairs{{1, 10}, {2, 20}, {1, 11}};
  const std::initializer_list<typename M::value_type> list{{1, 10}, {2, 20}, {1, 11}};
  const M expected{{1, 10}, {2, 20}};

  REQUIRE(M().empty());
  REQUIRE(M(100).empty());
  REQUIRE(M(100, hasher()).empty());
  REQUIRE(M(100, hasher(), key_equal()).empty());
  REQUIRE(M(100, hasher(), key_equal(), allocator()).empty());
  REQUIRE(M(allocator()).empty());
  REQUIRE(M(100, allocator()).empty());
  REQUIRE(M(100, hasher(), allocator()).empty());
  REQUIRE(M(pairs.begin(), pairs.end()) == expected);
  REQUIRE(M(pairs.begin(), pairs.end(), 10) == expected);
  REQUIRE(M(pairs.begin(), pairs.end(), 10, hasher(), key_equal(), allocator()) == expected);
  REQUIRE(M(pairs.begin(), pairs.end(), allocator()) == expected);
  REQUIRE(M(list) == expected);
  REQUIRE(M(list, 10, hasher(), key_equal(), allocator()) == expected);
  REQUIRE(M(list, allocator()) == expected);
}

TEMPLATE_LIST_TEST_CASE("a copy is a map of its own", "[bulk]", own_memory_maps) {
  using M = typename TestType::template map<number, number>;
  M original = map_of<M>(200);
  M copy(original);
  REQUIRE(copy == original);
  copy.insert_or_assign(0, 77);
  copy.erase(1);
  REQUIRE(original.find(0) == 0);
  REQUIRE(original.contains(1));
  REQUIRE(copy.size() == 199);
  M assigned{{1'000, 1}};
  assigned = original;
  REQUIRE(assigned == original);
  const M& self = assigned;
  assigned = self;
  REQUIRE(assigned == original);
  assigned = {{5, 6}};
  REQUIRE(contents(assigned) == std::unordered_map<number, number>{{5, 6}});
  const M with_allocator(original, original.get_allocator());
  REQUIRE(with_allocator == original);
}

TEMPLATE_LIST_TEST_CASE("a map that was moved from is empty and usable", "[bulk]",
                        own_memory_maps) {
  using M = typename TestType::template map<number, number>;
  const M expected = map_of<M>(200);
  M first = map_of<M>(200);
  M second(std::move(first));
  REQUIRE(second == expected);
  REQUIRE(first.empty());  // NOLINT: that is the question
  REQUIRE(first.insert({1, 2}));
  M third;
  third = std::move(second);
  REQUIRE(third == expected);
  M fourth(std::move(third), expected.get_allocator());
  REQUIRE(fourth == expected);
  swap(first, fourth);
  REQUIRE(first == expected);
  REQUIRE(fourth.size() == 1);
  first.swap(fourth);
  REQUIRE(fourth == expected);
}

TEMPLATE_LIST_TEST_CASE("statistics print themselves", "[bulk]", vocabulary_maps) {
  using M = typename TestType::template map<number, number>;
  std::ostringstream text;
  text << map_of<M>(5).stats();
  REQUIRE(text.str().find("size: 5") != std::string::npos);
}

namespace {

/// Runs `on_copy` once, when it is next copied: what another thread may do at that moment.
struct copied_slowly {
  number value = 0;
  static inline std::function<void()> on_copy;

  copied_slowly(number v = 0) : value(v) {}
  copied_slowly(const copied_slowly& other) : value(other.value) {
    if (on_copy) std::exchange(on_copy, nullptr)();
  }
  copied_slowly& operator=(const copied_slowly&) = default;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("merge loses no element that comes while it runs", "[bulk]",
                        any_type_maps) {
  using M = typename TestType::template map<number, copied_slowly>;
  if constexpr (!concur::guarantees<M>::callback_is_exclusive) {
    const auto merge = [](M& here, M& source, auto meanwhile) {
      source.try_emplace(1, 1);
      copied_slowly::on_copy = meanwhile;
      const auto moved = here.merge(source);
      copied_slowly::on_copy = nullptr;
      return moved;
    };
    M here;
    M source;
    // Taken, and inserted again: another element, which is moved.
    number taken = 0;
    REQUIRE(merge(here, source, [&] {
              taken = source.take(1)->value;
              source.try_emplace(1, 2);
            }) == 1);
    REQUIRE(taken == 1);
    REQUIRE(here.find(1)->value == 2);
    REQUIRE(source.empty());
    // Overwritten.
    here.clear();
    REQUIRE(merge(here, source, [&] { source.insert_or_assign(1, 3); }) == 1);
    REQUIRE(here.find(1)->value == 3);
    REQUIRE(source.empty());
    // Taken: not there any more.
    here.clear();
    REQUIRE(merge(here, source, [&] { source.erase(1); }) == 0);
    REQUIRE(here.find(1)->value == 1);
  }
}
