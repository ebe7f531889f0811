// SPDX-License-Identifier: MIT
#include <concur/hamt.hpp>
#include <cstdint>
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
