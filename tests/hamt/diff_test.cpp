// SPDX-License-Identifier: MIT
#include <cmath>
#include <concur/hamt.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace {

/// Hashes that often agree in many bits, and sometimes in all.
struct coarse_hash {
  using is_avalanching = void;
  std::uint64_t operator()(std::uint64_t key) const { return (key % 61) * 0x9E3779B97F4A7C15ULL; }
};

using numbers = concur::hamt<std::uint64_t, std::uint64_t>;
using coarse = concur::hamt<std::uint64_t, std::uint64_t, coarse_hash>;
using texts = concur::hamt<std::uint64_t, std::string>;
using coarse_texts = concur::hamt<std::uint64_t, std::string, coarse_hash>;

template <class T>
T value_of(std::uint64_t n) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::to_string(n);
  } else {
    return n;
  }
}

template <class T>
using changes = std::map<std::uint64_t, std::pair<std::optional<T>, std::optional<T>>>;

template <class Snapshot>
auto found_by_diff(const Snapshot& older, const Snapshot& newer) {
  using T = typename Snapshot::mapped_type;
  changes<T> all;
  std::size_t calls = 0;
  concur::diff(older, newer, [&](const std::uint64_t& key, const T* before, const T* after) {
    ++calls;
    all.emplace(key, std::pair(before ? std::optional<T>(*before) : std::nullopt,
                               after ? std::optional<T>(*after) : std::nullopt));
  });
  REQUIRE(calls == all.size());  // each key once
  return all;
}

template <class Snapshot>
auto found_by_hand(const Snapshot& older, const Snapshot& newer) {
  using T = typename Snapshot::mapped_type;
  changes<T> all;
  for (const auto& [key, value] : older) {
    const T* const now = newer.find(key);
    if (now == nullptr) {
      all.emplace(key, std::pair(std::optional<T>(value), std::optional<T>()));
    } else if (*now != value) {
      all.emplace(key, std::pair(std::optional<T>(value), std::optional<T>(*now)));
    }
  }
  for (const auto& [key, value] : newer) {
    if (!older.contains(key)) {
      all.emplace(key, std::pair(std::optional<T>(), std::optional<T>(value)));
    }
  }
  return all;
}

std::uint64_t next_random(std::uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

template <class Map>
void change_at_random(Map& map, std::uint64_t& state, int steps) {
  using T = typename Map::mapped_type;
  for (int i = 0; i < steps; ++i) {
    const std::uint64_t key = next_random(state) % 700;
    if (next_random(state) % 3 == 0) {
      map.erase(key);
    } else {
      map.insert_or_assign(key, value_of<T>(next_random(state) % 5));
    }
  }
}

}  // namespace

TEMPLATE_TEST_CASE("diff finds what a naive comparison finds", "[hamt][diff]", numbers, coarse,
                   texts, coarse_texts) {
  std::uint64_t state = 4711;
  for (int history = 0; history < 12; ++history) {
    TestType map;
    std::vector<typename TestType::snapshot_type> versions;
    for (int step = 0; step < 6; ++step) {
      versions.push_back(map.snapshot());
      change_at_random(map, state, step % 2 == 0 ? 200 : 7);
      if (step == 4 && history % 4 == 0) map.clear();
    }
    TestType fork(versions[2]);
    change_at_random(fork, state, 50);
    versions.push_back(fork.snapshot());
    TestType stranger;  // nothing in common
    change_at_random(stranger, state, 300);
    versions.push_back(stranger.snapshot());
    for (const auto& a : versions) {
      for (const auto& b : versions) {
        const auto expected = found_by_hand(a, b);
        REQUIRE(found_by_diff(a, b) == expected);
        REQUIRE((a == b) == expected.empty());
      }
    }
  }
}

TEST_CASE("the cost of a diff is that of the change", "[hamt][diff]") {
  numbers map;
  for (std::uint64_t i = 0; i < 200'000; ++i) map.insert({i, i});
  const auto before = map.snapshot();
  for (std::uint64_t i = 0; i < 10; ++i) map.insert_or_assign(i * 1000, 0);
  const auto after = map.snapshot();
  std::size_t changed = 0;
  const std::size_t visits = concur::detail::hamt_access::compare(
      before, after, [&](const auto&, const auto*, const auto*) {
        ++changed;
        return true;
      });
  REQUIRE(changed == 9);  // key 0 had the value 0
  REQUIRE(visits <= 10 * 2 * (map.stats().max_depth + 1));
  REQUIRE(concur::detail::hamt_access::compare(
              after, after.share(), [](const auto&, const auto*, const auto*) { return true; }) ==
          0);
}

TEST_CASE("merge takes what one side changed, and asks where both did", "[hamt][merge]") {
  texts map;
  for (std::uint64_t i = 0; i < 1000; ++i) map.insert({i, "base"});
  const auto base = map.snapshot();
  texts left(base);
  texts right(base);
  left.insert_or_assign(1, "left");
  right.insert_or_assign(2, "right");
  left.erase(3);
  right.erase(4);
  left.insert_or_assign(5, "same");
  right.insert_or_assign(5, "same");
  left.insert_or_assign(6, "left");
  right.insert_or_assign(6, "right");
  left.erase(7);
  right.insert_or_assign(7, "right");
  left.insert_or_assign(8, "left");
  right.erase(8);
  left.insert_or_assign(2000, "left");
  right.insert_or_assign(2001, "right");
  left.insert_or_assign(2002, "left");
  right.insert_or_assign(2002, "right");
  std::map<std::uint64_t, std::string> asked;
  const auto text = [](const std::string* s) { return s == nullptr ? std::string("-") : *s; };
  const auto merged =
      concur::merge(base, left.snapshot(), right.snapshot(),
                    [&](const std::uint64_t& key, const std::string* b, const std::string* ours,
                        const std::string* theirs) -> std::optional<std::string> {
                      asked[key] = text(b) + " " + text(ours) + " " + text(theirs);
                      if (key == 6) return "both";
                      if (key == 7) return std::nullopt;
                      return ours == nullptr ? std::nullopt : std::optional<std::string>(*ours);
                    });
  REQUIRE(asked == std::map<std::uint64_t, std::string>{{6, "base left right"},
                                                        {7, "base - right"},
                                                        {8, "base left -"},
                                                        {2002, "- left right"}});
  REQUIRE(*merged.find(1) == "left");
  REQUIRE(*merged.find(2) == "right");
  REQUIRE_FALSE(merged.contains(3));
  REQUIRE_FALSE(merged.contains(4));
  REQUIRE(*merged.find(5) == "same");
  REQUIRE(*merged.find(6) == "both");
  REQUIRE_FALSE(merged.contains(7));
  REQUIRE(*merged.find(8) == "left");
  REQUIRE(*merged.find(2000) == "left");
  REQUIRE(*merged.find(2001) == "right");
  REQUIRE(*merged.find(2002) == "left");
  REQUIRE(merged.size() == 1000 - 3 + 3);
  REQUIRE(left.snapshot().size() == 1000);
}

namespace {

/// Trivially copyable, so that pairs lie side by side in leaves; nobody can compare it.
struct incomparable {
  int n;
};
/// The same in nodes of their own.
struct incomparable_element {
  int n;
  explicit incomparable_element(int i) : n(i) {}
  incomparable_element(const incomparable_element& other) : n(other.n) {}
  incomparable_element& operator=(const incomparable_element&) = default;
};
/// A neighbour of NaNs.
struct real {
  double n;
  explicit real(int i) : n(i == 100 || i == 200 ? i : std::numeric_limits<double>::quiet_NaN()) {}
  friend bool operator==(const real& a, const real& b) { return a.n == b.n; }
};

/// Whoever wants its address has to ask for it in another way.
template <class Base>
struct without_address : Base {
  using Base::Base;
  explicit without_address(int i) : Base{i} {}
  void operator&() const = delete;
};

std::size_t by_function(const int& key) {
  return static_cast<std::size_t>(key);
}
using with_function = concur::hamt<int, int, decltype(&by_function)>;

}  // namespace

TEMPLATE_TEST_CASE("merge asks nobody about a key that one side did not touch", "[hamt][merge]",
                   incomparable, incomparable_element, real) {
  using map_type = concur::hamt<int, TestType>;
  map_type map;
  for (int i = 0; i < 6; ++i) map.insert_or_assign(i, TestType{i});
  const auto base = map.snapshot();
  map_type ours(base);
  map_type theirs(base);
  ours.insert_or_assign(2, TestType{200});
  theirs.insert_or_assign(1, TestType{100});
  theirs.erase(3);
  int asked = 0;
  const auto merged = concur::merge(
      base, ours.snapshot(), theirs.snapshot(),
      [&](int, const TestType*, const TestType* mine, const TestType*) -> std::optional<TestType> {
        ++asked;
        return *mine;
      });
  REQUIRE(asked == 0);
  REQUIRE(merged.size() == 5);
  REQUIRE(merged.find(1)->n == 100);
  REQUIRE(merged.find(2)->n == 200);
  REQUIRE_FALSE(merged.contains(3));
}

TEST_CASE("diff shows no NaN whose neighbour was written, and one that was put in its place",
          "[hamt][diff]") {
  concur::hamt<int, double> map;
  for (int i = 0; i < 6; ++i) map.insert_or_assign(i, std::nan(""));
  const auto before = map.snapshot();
  map.insert_or_assign(2, 1.0);
  const auto after = map.snapshot();
  std::vector<int> changed;
  const auto note = [&](int key, const double*, const double*) { changed.push_back(key); };
  concur::diff(before, after, note);
  REQUIRE(changed == std::vector<int>{2});
  REQUIRE_FALSE(before == after);
  map.insert_or_assign(2, std::nan(""));
  REQUIRE(map.snapshot() == before);
  map.insert_or_assign(2, -std::nan(""));  // other bytes
  changed.clear();
  concur::diff(before, map.snapshot(), note);
  REQUIRE(changed == std::vector<int>{2});
}

TEST_CASE("zero and minus zero have other bytes and do not differ", "[hamt][diff]") {
  concur::hamt<int, double> map;
  map.insert_or_assign(1, 0.0);
  const auto before = map.snapshot();
  map.insert_or_assign(1, -0.0);
  REQUIRE(map.snapshot() == before);
}

TEST_CASE("merge takes an empty handle for an empty map, whatever makes the others' hashes",
          "[hamt][merge]") {
  with_function map(0, &by_function);
  map.insert_or_assign(1, 1);
  const auto base = map.snapshot();
  map.insert_or_assign(1, 10);
  map.insert_or_assign(2, 2);
  const auto theirs = map.snapshot();
  const with_function::snapshot_type none;
  std::vector<int> asked;
  const auto erase = [&](int key, const int*, const int*, const int*) {
    asked.push_back(key);
    return std::optional<int>();
  };
  const auto merged = concur::merge(base, none, theirs, erase);
  REQUIRE(asked == std::vector<int>{1});  // theirs changed what is not in ours
  REQUIRE(merged.size() == 1);
  REQUIRE(*merged.find(2) == 2);
  REQUIRE(concur::merge(base, none, none, erase).empty());
  REQUIRE(concur::merge(none, none, theirs, erase) == theirs);
  REQUIRE(concur::merge(none, theirs, none, erase) == theirs);
  REQUIRE(concur::merge(none, none, none, erase).empty());
  REQUIRE(asked == std::vector<int>{1});
}

TEMPLATE_TEST_CASE("values with an operator & of their own are no different", "[hamt][diff]",
                   without_address<incomparable>, without_address<incomparable_element>,
                   without_address<real>) {
  concur::hamt<int, TestType> map;
  map.insert_or_assign(1, TestType(1));
  map.insert_or_assign(1, TestType(2));
  map.upsert(
      1, [](TestType& value) { value = TestType(3); }, TestType(1));
  map.exchange(1, TestType(4));
  map.compute(2, [](std::optional<TestType>& value) { value.emplace(200); });
  const auto before = map.snapshot();
  map.update(2, [](TestType& value) { value.n = 100; });
  const auto after = map.snapshot();
  REQUIRE(after.find(2)->n == 100);
  int changes = 0;
  concur::diff(before, after, [&](const int&, const TestType* old, const TestType* now) {
    changes += old->n == 200 && now->n == 100 ? 1 : 100;
  });
  REQUIRE(changes == 1);
  const auto merged = concur::merge(before, before, after,
                                    [](const int&, const TestType*, const TestType*,
                                       const TestType*) -> std::optional<TestType> { return {}; });
  REQUIRE(merged.find(2)->n == 100);
}
