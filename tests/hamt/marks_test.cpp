// SPDX-License-Identifier: MIT
#include <algorithm>
#include <concur/detail/hamt/marks.hpp>
#include <concur/detail/hamt/spares.hpp>
#include <concur/hamt.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/hamt_access.hpp"

using namespace concur::detail;
using hamt::marks_of_element;
using hamt::marks_of_pairs;

namespace {

/// Where a look begins, in the order in which it goes on; then whether it goes on behind them.
std::vector<std::uint32_t> candidates_of(hamt::word w, std::uint64_t hash) {
  std::vector<std::uint32_t> all;
  for (auto c = marks_of_pairs::candidates(w, hash); c.has_any(); c.drop())
    all.push_back(c.first());
  return all;
}

hamt::word marks_of(const std::vector<std::uint64_t>& hashes) {
  hamt::word w = 0;
  for (std::uint32_t i = 0; i < hashes.size(); ++i) w = marks_of_pairs::with(w, i, hashes[i]);
  return w;
}

}  // namespace

TEST_CASE("marks say where a pair may be", "[hamt][marks]") {
  if (!hamt::words_have_marks) return;
  std::mt19937_64 random(20261130);
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::uint64_t> hashes(random() % 7);
    for (auto& h : hashes) h = random();
    const hamt::word w = marks_of(hashes);
    REQUIRE((w & ~hamt::marks_mask) == 0);
    REQUIRE(marks_of_pairs::may_be_beyond(w) == (hashes.size() >= marks_of_pairs::capacity));
    for (std::uint32_t i = 0; i < hashes.size(); ++i) {
      REQUIRE(marks_of_pairs::may_hold(w, hashes[i]));
      if (i >= marks_of_pairs::capacity) continue;
      const auto found = candidates_of(w, hashes[i]);
      REQUIRE(std::find(found.begin(), found.end(), i) != found.end());
    }
    // Only positions that hold a pair, whatever the hash.
    for (const std::uint64_t other : {random(), std::uint64_t{0}, ~std::uint64_t{0}}) {
      std::uint32_t last = 0;
      for (const std::uint32_t i : candidates_of(w, other)) {
        REQUIRE(i < hashes.size());
        REQUIRE(i >= last);
        last = i;
      }
    }
  }
  REQUIRE_FALSE(marks_of_pairs::may_hold(0, 0));
}

TEST_CASE("few hashes that are not there pass", "[hamt][marks]") {
  if (!hamt::words_have_marks) return;
  std::mt19937_64 random(7);
  int passed = 0;
  for (int round = 0; round < 30000; ++round) {
    passed += marks_of_pairs::may_hold(marks_of({random(), random()}), random());
  }
  CHECK(passed > 3000);
  CHECK(passed < 5000);  // two of fifteen
}

TEST_CASE("marks follow when a pair goes", "[hamt][marks]") {
  if (!hamt::words_have_marks) return;
  std::mt19937_64 random(11);
  for (std::uint32_t count = 1; count <= marks_of_pairs::capacity; ++count) {
    for (std::uint32_t gone = 0; gone < count; ++gone) {
      std::vector<std::uint64_t> hashes(count);
      for (auto& h : hashes) h = random();
      const hamt::word before = marks_of(hashes);
      hashes.erase(hashes.begin() + gone);
      REQUIRE(marks_of_pairs::without(before, gone) == marks_of(hashes));
    }
  }
  const hamt::word full = marks_of({1, 2, 3, 4});
  REQUIRE(marks_of_pairs::without(full, 5) == full);
}

TEST_CASE("an element's word passes its own hash", "[hamt][marks]") {
  const hamt::word w = marks_of_element::of(0x123456789abcdef0) | 0x1000;
  REQUIRE(marks_of_element::may_hold(w, 0x123456789abcdef0));
  REQUIRE(marks_of_element::may_hold(w, 0xffffffffffffdef0) == true);
  REQUIRE(marks_of_element::may_hold(w, 0x123456789abcdef1) != hamt::words_have_marks);
  REQUIRE_FALSE(marks_of_element::may_hold(0, 0));
}

TEST_CASE("nothing holds no key, frozen or not, whatever the hash", "[hamt][marks]") {
  using pairs = hamt::engine_types<int, int, std::hash<int>, std::equal_to<>,
                                   std::allocator<std::pair<const int, int>>, hamt::default_tuning>;
  using elements =
      hamt::engine_types<int, std::string, std::hash<int>, std::equal_to<>,
                         std::allocator<std::pair<const int, std::string>>, hamt::default_tuning>;
  STATIC_REQUIRE(pairs::is_inline);
  STATIC_REQUIRE_FALSE(elements::is_inline);
  for (const hamt::word nothing : {hamt::word{0}, hamt::frozen_bit}) {
    for (const std::uint64_t hash :
         {std::uint64_t{0}, std::uint64_t{0xABCD'0000}, ~std::uint64_t{0}}) {
      REQUIRE(hamt::find_pair<pairs>(nothing, hash, 7, std::equal_to<>()) == nullptr);
      REQUIRE(hamt::find_pair<elements>(nothing, hash, 7, std::equal_to<>()) == nullptr);
    }
  }
}

TEST_CASE("leaves of every size find what they have", "[hamt][marks]") {
  // 9 keys in a place on average: leaves of up to eight pairs, and what comes of them.
  concur::hamt<std::uint64_t, std::uint64_t> map;
  std::map<std::uint64_t, std::uint64_t> model;
  std::mt19937_64 random(5);
  for (int i = 0; i < 60000; ++i) {
    const std::uint64_t key = random() % 1200;
    if (random() % 3 == 0) {
      REQUIRE(map.erase(key) == model.erase(key));
    } else {
      map.insert_or_assign(key, static_cast<std::uint64_t>(i));
      model.insert_or_assign(key, static_cast<std::uint64_t>(i));
    }
  }
  const auto now = map.snapshot();
  for (std::uint64_t key = 0; key < 1300; ++key) {
    const auto found = map.find(key);
    const auto right = model.find(key);
    REQUIRE(found.has_value() == (right != model.end()));
    REQUIRE((now.find(key) != nullptr) == found.has_value());
    if (found) REQUIRE(*found == right->second);
  }
  REQUIRE(map.validate().error == nullptr);
}

TEST_CASE("spare leaves come back, few, and of the size that was asked for", "[hamt][spares]") {
  hamt::leaf_spares<2, 3> spares;
  alignas(16) static unsigned char memory[5][64];
  REQUIRE(spares.take(1) == nullptr);
  for (int i = 0; i < 5; ++i) REQUIRE(spares.keep(memory[i], 2) == (i < 3));
  REQUIRE_FALSE(spares.keep(memory[4], 3));
  REQUIRE(spares.take(3) == nullptr);
  REQUIRE(spares.take(1) == nullptr);
  REQUIRE(spares.take(2) == memory[2]);
  int rest = 0;
  spares.empty([&](void* m, std::uint32_t count) {
    REQUIRE(count == 2);
    REQUIRE(m == memory[1 - rest]);
    ++rest;
  });
  REQUIRE(rest == 2);
  REQUIRE(spares.take(2) == nullptr);
}

TEST_CASE("what threads keep is given back with the map, and asked for first", "[hamt][spares]") {
  concur_test::allocation_account account;
  {
    using allocator =
        concur_test::counting_allocator<std::pair<const std::uint64_t, std::uint64_t>>;
    concur::hamt<std::uint64_t, std::uint64_t, concur::hash<std::uint64_t>, std::equal_to<>,
                 allocator>
        map{allocator(account)};
    for (std::uint64_t i = 0; i < 1000; ++i) map.insert({i, i});
    const auto overwrite = [&] {
      for (std::uint64_t i = 0; i < 5000; ++i) map.insert_or_assign(i % 1000, i);
    };
    overwrite();
    std::thread(overwrite).join();
    std::thread(overwrite).join();  // finds what the thread before it has left
    map.shrink_to_fit();
    const std::size_t shrunk = account.live_allocations();
    std::thread(overwrite).join();
    CHECK(account.live_allocations() > shrunk);
    map.shrink_to_fit();
    REQUIRE(account.live_allocations() == shrunk);
    REQUIRE(map.validate().error == nullptr);
  }
  REQUIRE(account.balanced());
}
