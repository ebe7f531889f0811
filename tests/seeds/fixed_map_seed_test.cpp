// SPDX-License-Identifier: MIT
/// \file
/// What is known to be wrong with, or missing from, the crate fixed_map 0.1.0, each as a test that
/// a port of it would fail.
#include <concur/fixed_map.hpp>

#include "support/catch.hpp"
#include "support/fixed_map_access.hpp"
#include "support/keys32.hpp"
#include "support/threads.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

using namespace concur_test;

namespace {

using number = std::uint64_t;

/// The most slots that a lookup of these keys reads, and the sum over all of them.
template <class Map, class Keys>
std::pair<number, number> probes(const Map& map, const Keys& keys) {
  number longest = 0;
  number total = 0;
  for (const auto& key : keys) {
    const number n = opened(map).probe_count(key);
    longest = n > longest ? n : longest;
    total += n;
  }
  return {longest, total};
}

std::vector<concur::key32> some_keys(number first, number count) {
  std::vector<concur::key32> keys;
  for (number i = 0; i < count; ++i) keys.push_back(digest(first + i));
  return keys;
}

}  // namespace

TEST_CASE("seed fixed_map: threads that insert one key make one element (there: two)") {
  for (int round = 0; round < 300; ++round) {
    concur::fixed_map<number> map(8);
    failures found;
    std::atomic<int> winners{0};
    std::atomic<int> others{0};
    on_threads(4, found, [&](int index) {
      const auto result = map.insert(digest(1), static_cast<number>(index));
      winners += result.inserted() ? 1 : 0;
      others += result.exists() ? 1 : 0;
    });
    REQUIRE(winners == 1);
    REQUIRE(others == 3);
    REQUIRE(map.size() == 1);
    REQUIRE(map.erase(digest(1)) == 1);
    REQUIRE_FALSE(map.contains(digest(1)));  // there: the other copy came back
    REQUIRE(broken_invariant(map) == nullptr);
  }
}

TEST_CASE("seed fixed_map: an update never changes another key (there: after reuse of the slot)") {
  concur::fixed_map<number> map(1);
  failures found;
  std::atomic<bool> stop{false};
  std::thread churn([&] {
    for (int i = 0; i < 20'000; ++i) {
      for (const number key : {number{1}, number{2}}) {
        map.insert(digest(key), key << 32);
        const auto value = map.take(digest(key));
        MT_CHECK(found, value.has_value() && *value >> 32 == key);
      }
    }
    stop = true;
  });
  while (!stop) {
    map.update(digest(1), [&](number& v) {
      MT_CHECK(found, v >> 32 == 1);
      ++v;
    });
  }
  churn.join();
  found.require();
  REQUIRE(map.empty());
}

TEST_CASE(
    "seed fixed_map: a reader of a slot that is being reused sees one key's value or nothing "
    "(there: a race)") {
  using wide = std::array<number, 2>;
  concur::fixed_map<wide> map(1);
  failures found;
  std::atomic<bool> stop{false};
  std::thread churn([&] {
    for (number i = 0; i < 20'000; ++i) {
      const number key = i % 2;
      map.insert(digest(key), wide{key, ~key});
      map.erase(digest(key));
    }
    stop = true;
  });
  while (!stop) {
    for (const number key : {number{0}, number{1}}) {
      const auto value = map.find(digest(key));
      MT_CHECK(found, !value || *value == (wide{key, ~key}));
    }
  }
  churn.join();
  found.require();
}

TEST_CASE("seed fixed_map: misses cost the same after any history (there: 14 to 20 us each)") {
  constexpr std::size_t capacity = 16'384;
  concur::fixed_map<number> map(capacity, concur::digest_hash(1));
  const auto absent = some_keys(10'000'000, 2'000);
  REQUIRE(probes(map, absent).second == 0);
  for (number i = 0; i < 100'000; ++i) {
    map.insert(digest(i), i);
    map.erase(digest(i));
  }
  REQUIRE(probes(map, absent).second == 0);

  // At half load: as in a map in which nothing was ever erased.
  concur::fixed_map<number> fresh(capacity, concur::digest_hash(1));
  for (number i = 0; i < capacity / 2; ++i) fresh.insert(digest(i), i);
  for (number i = 0; i < 150'000; ++i) {
    map.insert(digest(i), i);
    if (i >= capacity / 2) map.erase(digest(i - capacity / 2));
  }
  REQUIRE(map.size() == fresh.size());
  REQUIRE(probes(map, absent).second < 2 * probes(fresh, absent).second);
  map.clear();
  REQUIRE(probes(map, absent).second == 0);
  REQUIRE(broken_invariant(map) == nullptr);
}

TEST_CASE("seed fixed_map: a map without a free slot looks no further (there: at every slot)") {
  constexpr std::size_t capacity = 4'096;
  concur::fixed_map<number> map(capacity, concur::digest_hash(1));
  for (number i = 0; i < capacity; ++i) REQUIRE(map.insert(digest(i), i).inserted());
  REQUIRE(map.insert(digest(capacity), 0).full());
  // A key may be far from home in a map that full; but most are not, and a miss ends at the bound
  // of its home.
  std::vector<concur::key32> present;
  for (number i = 0; i < capacity; ++i) present.push_back(digest(i));
  REQUIRE(probes(map, present).second / capacity < 128);
  REQUIRE(probes(map, some_keys(10'000'000, 2'000)).second / 2'000 < 128);
  REQUIRE(broken_invariant(map) == nullptr);
}

TEST_CASE("seed fixed_map: counters and crafted keys spread like random keys (there: 684 ms)") {
  constexpr std::size_t capacity = 32'768;
  constexpr number count = 16'384;
  const auto total_of = [&](auto key_of) {
    concur::fixed_map<number> map(capacity);
    std::vector<concur::key32> keys;
    for (number i = 0; i < count; ++i) {
      keys.push_back(key_of(i));
      REQUIRE(map.insert(keys.back(), i).inserted());
    }
    return probes(map, keys).second;
  };
  const number random = total_of([](number i) { return digest(i); });
  for (const std::size_t at : {0u, 8u, 16u, 24u}) {
    for (const bool big_endian : {false, true}) {
      INFO(at << (big_endian ? " big" : " little"));
      REQUIRE(total_of([&](number i) { return counter_key(i, at, big_endian); }) < random * 3 / 2);
    }
  }
  // Its hash is a ^ rotl(b, 13) ^ ..., times a constant: these are all equal there.
  const number crafted = total_of([](number i) {
    const number words[4] = {(i << 13) | (i >> 51), i, 0, 0};
    concur::key32 key;
    std::memcpy(&key, words, sizeof key);
    return key;
  });
  REQUIRE(crafted < random * 3 / 2);
}

TEST_CASE(
    "seed fixed_map: full is said only when there is no free slot (there: after lost races)") {
  for (int round = 0; round < 100; ++round) {
    constexpr number each = 16;
    concur::fixed_map<number> map(64);
    failures found;
    on_threads(4, found, [&](int index) {
      for (number i = 0; i < each; ++i) {
        MT_CHECK(found, map.insert(digest(i * 4 + static_cast<number>(index)), i).inserted());
      }
    });
    found.require();
    REQUIRE(map.insert(digest(1'000), 0).full());
  }
}

TEST_CASE("seed fixed_map: a write from inside an update is refused (there: it spins for ever)") {
  concur::fixed_map<number> map(8);
  map.insert(digest(1), 1);
  int refused = 0;
  map.update(digest(1), [&](number&) {
    REQUIRE(map.find(digest(1)) == 1);
    try {
      map.update(digest(1), [](number& v) { ++v; });
    } catch (const std::system_error& error) {
      refused += error.code() == std::errc::resource_deadlock_would_occur ? 1 : 0;
    }
    try {
      map.erase(digest(1));
    } catch (const std::system_error& error) {
      refused += error.code() == std::errc::resource_deadlock_would_occur ? 1 : 0;
    }
  });
  REQUIRE(refused == 2);
  REQUIRE(map.find(digest(1)) == 1);
}

TEST_CASE("seed fixed_map: erase destroys the value (there: when the slot is used again)") {
  concur::fixed_map<std::shared_ptr<int>> map(8);
  const auto value = std::make_shared<int>(1);
  map.insert(digest(1), value);
  REQUIRE(value.use_count() == 2);
  REQUIRE(map.erase(digest(1)) == 1);
  REQUIRE(value.use_count() == 1);
}

TEST_CASE("seed fixed_map: a value can be read, and needs no default (there: neither)") {
  struct no_default {
    explicit no_default(number v) : value(v) {}
    number value;
  };
  static_assert(!std::is_default_constructible_v<no_default>);
  concur::fixed_map<no_default> map(8);
  REQUIRE(map.try_emplace(digest(1), 5u).inserted());
  REQUIRE(map.find(digest(1))->value == 5);
  REQUIRE(map.size() == 1);
  REQUIRE(map.visit_all([](auto&) {}) == 1);
}
