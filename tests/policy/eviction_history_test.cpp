// SPDX-License-Identifier: MIT
// What policies remember beyond the elements that are there: ghosts, and the sketch of frequencies.
#include <algorithm>
#include <concur/policy/detail/frequency_sketch.hpp>
#include <concur/policy/detail/ghosts.hpp>
#include <concur/policy/hash.hpp>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include "support/catch.hpp"
#include "support/made_traces.hpp"

namespace {

using allocator = std::allocator<std::byte>;
using ghosts = concur::detail::ghosts<allocator>;
using sketch = concur::detail::frequency_sketch<allocator>;
using memory = concur::eviction::memory<allocator>;

std::uint64_t hash_of(std::uint64_t key) {
  return concur::hash<std::uint64_t>{}(key);
}

template <class History>
void give(History& history, std::size_t n) {
  memory fresh(allocator(), History::words_for(n));
  history.exchange_memory(fresh);
}

}  // namespace

TEST_CASE("ghosts: the last ones that were not taken are remembered, and no others") {
  for (const std::size_t limit : {1U, 2U, 3U, 7U, 8U, 9U, 100U}) {
    CAPTURE(limit);
    ghosts table{allocator()};
    std::list<std::uint64_t> expected;
    give(table, limit);
    std::mt19937 random(1);
    for (int i = 0; i != 20000; ++i) {
      const std::uint64_t key = random() % (3 * limit);
      if (random() % 3 == 0) {
        const auto found = std::find(expected.begin(), expected.end(), key);
        REQUIRE(table.take(hash_of(key)) == (found != expected.end()));
        if (found != expected.end()) expected.erase(found);
      } else if (std::find(expected.begin(), expected.end(), key) == expected.end()) {
        // Now and then fewer are wanted.
        const std::size_t most = i % 50 == 0 ? limit / 2 : limit;
        while (!expected.empty() && expected.size() >= most) expected.pop_front();
        if (most != 0) expected.push_back(key);
        table.remember(hash_of(key), most);
      }
      REQUIRE(table.size() == expected.size());
    }
  }
}

TEST_CASE("ghosts: keys that differ in bucket or fingerprint alone are different") {
  ghosts table{allocator()};
  give(table, 64);
  const std::uint64_t hash = 0x0123456789ABCDEF;
  table.remember(hash, 64);
  CHECK(!table.take(hash ^ (std::uint64_t{1} << 33)));
  CHECK(!table.take(hash ^ 1));
  CHECK(table.take(hash));
  CHECK(!table.take(hash));
}

TEST_CASE("ghosts: without memory nothing is remembered, and with less nothing is given up") {
  ghosts table{allocator()};
  table.remember(hash_of(1), 10);
  CHECK(table.size() == 0);
  CHECK(!table.take(hash_of(1)));
  give(table, 10);
  for (std::uint64_t key = 0; key != 10; ++key) table.remember(hash_of(key), 10);
  give(table, 5);
  CHECK(table.size() == 10);
  CHECK(table.take(hash_of(0)));
}

TEST_CASE("ghosts: the words that are asked for are enough, for every number and for more words") {
  for (std::size_t n = 1; n != 300; ++n) {
    for (const std::size_t more : {std::size_t{0}, n, 5 * n}) {
      ghosts table{allocator()};
      memory fresh(allocator(), ghosts::words_for(n) + more);
      table.exchange_memory(fresh);
      for (std::uint64_t key = 0; key != n; ++key) table.remember(hash_of(key), n);
      REQUIRE(table.size() == n);
      for (std::uint64_t key = 0; key != n; ++key) REQUIRE(table.take(hash_of(key)));
    }
  }
}

TEST_CASE("frequency sketch: never too low, and seldom too high") {
  constexpr std::size_t keys = 1000;
  sketch counts{allocator()};
  give(counts, keys);
  std::unordered_map<std::uint64_t, unsigned> exact;
  for (const std::uint64_t key : concur_test::zipf_trace(10 * keys - 1, keys, 0.8, 1)) {
    counts.add(hash_of(key), 1, 10 * keys);
    ++exact[key];
  }
  std::size_t wrong = 0;
  for (std::uint64_t key = 0; key != keys; ++key) {
    const unsigned estimate = counts.estimate(hash_of(key));
    const unsigned truth = std::min(exact[key], sketch::highest);
    REQUIRE(estimate >= truth);
    if (estimate > truth + 1) ++wrong;
  }
  CHECK(wrong < keys / 20);
  std::size_t ghosts_seen = 0;
  for (std::uint64_t key = keys; key != 2 * keys; ++key) {
    ghosts_seen += counts.estimate(hash_of(key)) > 1 ? 1U : 0U;
  }
  CHECK(ghosts_seen < keys / 20);
}

TEST_CASE("frequency sketch: halved when the sample is full") {
  sketch counts{allocator()};
  give(counts, 10);
  counts.add(hash_of(1), 9, 100);
  counts.add(hash_of(2), 15, 100);
  counts.add(hash_of(3), 75, 100);
  CHECK(counts.estimate(hash_of(1)) == 9);
  CHECK(counts.estimate(hash_of(3)) == 15);
  counts.add(hash_of(4), 1, 100);
  CHECK(counts.estimate(hash_of(1)) == 4);
  CHECK(counts.estimate(hash_of(2)) == 7);
  CHECK(counts.estimate(hash_of(3)) == 7);
  CHECK(counts.estimate(hash_of(4)) == 0);
  // The halved sample counts as half.
  counts.add(hash_of(1), 49, 100);
  CHECK(counts.estimate(hash_of(2)) == 7);
  counts.add(hash_of(1), 1, 100);
  CHECK(counts.estimate(hash_of(2)) == 3);
}

TEST_CASE("frequency sketch: a large one is not halved often, however small the sample") {
  sketch counts{allocator()};
  give(counts, 1000);
  counts.add(hash_of(1), 8, 10);
  counts.add(hash_of(2), static_cast<unsigned>(counts.words()) - 9, 10);
  CHECK(counts.estimate(hash_of(1)) == 8);
  counts.add(hash_of(2), 1, 10);
  CHECK(counts.estimate(hash_of(1)) == 4);
}

TEST_CASE("frequency sketch: every count is halved, in a crowded sketch too") {
  constexpr std::uint64_t sample = 1000;
  sketch counts{allocator()};
  give(counts, 10);
  const concur_test::trace uses = concur_test::zipf_trace(sample - 1, 100, 0.5, 1);
  for (const std::uint64_t key : uses) counts.add(hash_of(key), 1, sample);
  std::vector<unsigned> before;
  for (std::uint64_t key = 0; key != 200; ++key) before.push_back(counts.estimate(hash_of(key)));
  counts.add(hash_of(0), 1, sample);
  before[0] = sketch::highest;  // it is, by far
  for (std::uint64_t key = 0; key != 200; ++key) {
    CHECK(counts.estimate(hash_of(key)) == before[key] / 2);
  }
}

TEST_CASE("frequency sketch: without memory nothing is counted, and with less nothing is lost") {
  sketch counts{allocator()};
  counts.add(hash_of(1), 3, 100);
  CHECK(counts.estimate(hash_of(1)) == 0);
  give(counts, 1000);
  counts.add(hash_of(1), 3, 100);
  give(counts, 10);
  CHECK(counts.estimate(hash_of(1)) == 3);
  give(counts, 10000);
  CHECK(counts.estimate(hash_of(1)) == 0);
}
