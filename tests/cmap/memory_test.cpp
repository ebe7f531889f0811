// SPDX-License-Identifier: MIT
/// \file
/// Memory: what an empty map takes, what an element takes, what is left when elements are gone, and
/// that everything comes back whatever throws.
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/counting_allocator.hpp"
#include "support/sanitizers.hpp"
#include "support/tally.hpp"
#include "support/threads.hpp"

#include <new>
#include <string>
#include <vector>

using namespace concur_test;

namespace {

template <class Key, class T, class Hash = concur::hash<Key>>
using tallied =
    concur::cmap<Key, T, Hash, std::equal_to<>, tallying_allocator<std::pair<const Key, T>>>;
template <class Map>
using allocator_of = typename Map::allocator_type;

std::string text(number n) {
  return "a value that a string keeps in memory of its own, " + std::to_string(n);
}
template <class T>
T make(number n) {
  if constexpr (std::is_same_v<T, std::string>) {
    return text(n);
  } else {
    return n;
  }
}

enum class order { first_first, last_first, scattered, by_predicate, clear };

template <class Map>
void empty(Map& map, number n, order how) {
  switch (how) {
    case order::first_first:
      for (number i = 0; i < n; ++i) map.erase(i);
      break;
    case order::last_first:
      for (number i = n; i-- > 0;) map.erase(i);
      break;
    case order::scattered:
      for (number i = 0; i < n; ++i) map.erase(i * 7'368'787 % n);  // a prime: every key once
      break;
    case order::by_predicate:
      map.erase_if([](const auto&) { return true; });
      break;
    default:
      map.clear();
  }
}

/// Bytes that a map holds after `n` elements came and went, `rounds` times.
template <class T>
std::size_t left_after(number n, order how, int rounds = 1) {
  using map_type = tallied<number, T>;
  tally book;
  map_type map{allocator_of<map_type>(book)};
  for (int round = 0; round < rounds; ++round) {
    for (number i = 0; i < n; ++i) map.insert({i, make<T>(i)});
    empty(map, n, how);
  }
  REQUIRE(map.empty());
  map.quiesce();
  return book.bytes;
}

/// What may be left of any number of elements: caches of nodes, the smallest table, counters.
constexpr std::size_t leftovers = 128 * 1024;
/// What of it depends on the last operations: how full the caches are.
constexpr std::size_t caches = 64 * 1024;

}  // namespace

TEST_CASE("cmap: an empty map takes no memory, whatever is asked of it") {
  using map_type = concur::cmap<std::string, number, concur::hash<std::string>, std::equal_to<>,
                                counting_allocator<std::pair<const std::string, number>>>;
  allocation_account account;
  {
    map_type map{allocator_of<map_type>(account)};
    REQUIRE_FALSE(map.find("a").has_value());
    REQUIRE(map.erase("a") == 0);
    REQUIRE(map.take("a") == std::nullopt);
    REQUIRE(map.update("a", [](number&) {}) == 0);
    REQUIRE(map.erase_if([](const auto&) { return true; }) == 0);
    REQUIRE(map.cvisit_all([](const auto&) {}) == 0);
    REQUIRE(map.scan(0, 100, [](const auto&) {}) == 0);
    {
      const auto guard = map.pin();
      REQUIRE(map.find(guard, "a") == nullptr);
    }
    map.quiesce();
    static_cast<void>(map.stats());
    require_sound(map);
    map.clear();
    map.shrink_to_fit();
    map.reserve(0);
    const map_type copy(map);
    map_type moved(std::move(map));
    swap(moved, map);
    REQUIRE(copy == moved);
    REQUIRE(account.total_allocations() == 0);
  }
  REQUIRE(account.total_allocations() == 0);
}

TEST_CASE("cmap: after erasing everything, what is left does not depend on how much there was") {
  constexpr number many = has_sanitizer ? 60'000 : 1'000'000;
  constexpr number few = has_sanitizer ? 3'000 : 10'000;
  const std::size_t after_few = left_after<number>(few, order::first_first);
  REQUIRE(after_few <= leftovers);
  for (const order how : {order::first_first, order::scattered, order::clear}) {
    CAPTURE(static_cast<int>(how));
    REQUIRE(left_after<number>(many, how) <= after_few + caches);
  }
}

TEST_CASE("cmap: in whatever order elements beside the leaves go, what is left is little") {
  constexpr number many = has_sanitizer ? 20'000 : 150'000;
  const std::size_t after_few = left_after<std::string>(5'000, order::first_first);
  REQUIRE(after_few <= leftovers);
  for (const order how : {order::last_first, order::scattered, order::by_predicate, order::clear}) {
    CAPTURE(static_cast<int>(how));
    REQUIRE(left_after<std::string>(many, how) <= after_few + caches);
  }
  REQUIRE(left_after<std::string>(5'000, order::scattered, 20) <= after_few + caches);
}

TEST_CASE("cmap: an element takes what it should, and no block is as large as the map") {
  using map_type = tallied<number, number>;
  tally book;
  map_type map{allocator_of<map_type>(book)};
  std::size_t most = 0;
  for (number n = 1; n <= 300'000; ++n) {
    map.insert({scattered(n), n});
    if (n < 20'000 || n % 5'000 != 0) continue;
    map.quiesce();
    const std::size_t per_element = book.bytes / n;
    if (per_element > most) most = per_element;
  }
  REQUIRE(most <= 80);
  REQUIRE(book.largest <= 64 * 1024);
  REQUIRE(book.blocks <= 300'000);
}

TEST_CASE("cmap: churn at a steady size holds the memory of that size") {
  using map_type = tallied<number, std::string>;
  tally book;
  map_type map{allocator_of<map_type>(book)};
  constexpr number present = 2'000;
  for (number i = 0; i < present; ++i) map.insert({i, text(i)});
  map.quiesce();
  const std::size_t before = book.bytes;
  for (number i = 0; i < 200'000; ++i) {
    map.erase(i);
    map.insert({i + present, text(i)});
  }
  map.quiesce();
  REQUIRE(map.size() == present);
  REQUIRE(book.bytes <= before + before / 2 + leftovers);
  require_sound(map);
}

TEST_CASE("cmap: deep branches are contracted when their elements go") {
  // All in one slot of the root: a tree that is as deep as the keys are alike.
  for (const shape s : {shape::small, shape::equal_low, shape::equal_ends, shape::high}) {
    using map_type = tallied<number, number, shaped_hash>;
    tally book;
    map_type map(0, shaped_hash{s}, std::equal_to<>(), allocator_of<map_type>(book));
    constexpr number n = 30'000;
    for (number i = 0; i < n; ++i) map.insert({i, i});
    map.quiesce();
    const std::size_t full = book.bytes;
    // One survivor in a hundred: what led to the others is gone.
    for (number i = 0; i < n; ++i) {
      if (i % 100 != 0) map.erase(i);
    }
    map.shrink_to_fit();
    map.quiesce();
    CAPTURE(static_cast<int>(s));
    REQUIRE(map.size() == n / 100);
    REQUIRE(book.bytes <= full / 10 + leftovers);
    require_sound(map);
    for (number i = 0; i < n; ++i) map.erase(i);
    map.quiesce();
    REQUIRE(book.bytes <= leftovers);
    require_sound(map);
  }
}

TEST_CASE("cmap: a million overwrites hold no more than a thousand") {
  using map_type = tallied<number, std::string>;
  tally book;
  map_type map{allocator_of<map_type>(book)};
  std::size_t most_at_first = 0;
  std::size_t most = 0;
  constexpr number n = has_sanitizer ? 50'000 : 1'000'000;
  for (number i = 0; i < n; ++i) {
    map.insert_or_assign(i % 10, std::string());
    if (i == 2'000) most_at_first = most;
    if (book.bytes > most) most = book.bytes;
  }
  REQUIRE(most <= 2 * most_at_first);
}

TEST_CASE(
    "cmap: a steady writer takes memory from its own caches, elements of their own as leaves") {
  struct wide {
    number words[5];
  };
  const auto taken_by_overwrites = []<class T>(T value) {
    using map_type = tallied<number, T>;
    tally book;
    map_type map{allocator_of<map_type>(book)};
    constexpr number n = 1000;
    const auto overwrite = [&](int rounds) {
      for (int round = 0; round < rounds; ++round) {
        for (number i = 0; i < n; ++i) map.insert_or_assign(i, value);
      }
    };
    overwrite(3);
    const std::size_t before = book.taken;
    overwrite(10);
    return book.taken - before;
  };
  // 10,000 overwrites each.
  const std::size_t most = CONCUR_KEEPS_FREED_NODES != 0 ? 1000 : 20'000;
  REQUIRE(taken_by_overwrites(number{1}) < most);
  REQUIRE(taken_by_overwrites(wide{}) < most);
}

TEST_CASE("cmap: of large elements few are kept for the next ones") {
  struct large {
    number words[512];
  };
  using map_type = tallied<number, large>;
  tally book;
  map_type map{allocator_of<map_type>(book)};
  map.try_emplace(1);
  const std::size_t before = book.taken;
  for (int round = 0; round < 2000; ++round) map.insert_or_assign(number{1}, large{});
  // 128 of them, a batch, would be half a MiB: nearly all go back to the allocator.
  REQUIRE(book.taken - before > 1500);
}

TEST_CASE("cmap: what several threads leave behind is little, and all comes back") {
  using map_type = tallied<number, std::string>;
  tally book;
  {
    map_type map{allocator_of<map_type>(book)};
    failures found;
    on_threads(4, found, [&](int index) {
      const number mine = static_cast<number>(index) << 32;
      for (number round = 0; round < 5; ++round) {
        for (number i = 0; i < 3'000; ++i) map.insert({mine + i, text(i)});
        for (number i = 0; i < 3'000; ++i) map.erase(mine + i);
      }
    });
    found.require();
    REQUIRE(map.empty());
    map.quiesce();
    REQUIRE(book.bytes <= 4 * leftovers);
    require_sound(map);
  }
  REQUIRE(book.bytes == 0);
  REQUIRE(book.blocks == 0);
}

TEST_CASE("cmap: every failing allocation of a life leaves a map that goes on") {
  using map_type = tiny_cmap<number, std::string, concur::hash<number>, std::equal_to<>,
                             counting_allocator<std::pair<const number, std::string>>>;
  // Every third allocation fails, then every fifth, and so on: nothing is lost, nothing is doubled.
  for (const std::size_t every : {1U, 2U, 3U, 5U, 9U}) {
    allocation_account account;
    {
      map_type map{allocator_of<map_type>(account)};
      std::vector<char> is_there(600, 0);
      std::size_t failed = 0;
      for (number step = 0; step < 6'000; ++step) {
        const number k = scattered(step) % 600;
        if (step % 2 == 0) account.fail_at(1 + step / 2 % every);
        try {
          if (scattered(step) >> 63 == 0) {
            map.insert_or_assign(k, text(k));
            is_there[k] = 1;
          } else {
            map.erase(k);
            is_there[k] = 0;
          }
        } catch (const std::bad_alloc&) {
          ++failed;
        }
        account.fail_never();
      }
      REQUIRE(failed > 0);
      std::size_t wrong = 0;
      for (number k = 0; k < 600; ++k) {
        wrong +=
            map.find(k) == (is_there[k] != 0 ? std::optional(text(k)) : std::nullopt) ? 0U : 1U;
      }
      REQUIRE(wrong == 0);
      require_sound(map, false);
    }
    REQUIRE(account.balanced());
  }
}

TEST_CASE("cmap: an erasure that finds no memory leaves a branch, and the next one contracts it") {
  using map_type = concur::cmap<number, std::string, shaped_hash, std::equal_to<>,
                                counting_allocator<std::pair<const number, std::string>>>;
  allocation_account account;
  map_type map(0, shaped_hash{shape::high}, std::equal_to<>(), allocator_of<map_type>(account));
  for (number i = 0; i < 8; ++i) map.insert({i, text(i)});
  REQUIRE(map.validate().branches > 0);
  for (number i = 0; i < 6; ++i) {
    account.fail_at(1);
    try {
      map.erase(i);
      account.fail_never();
    } catch (const std::bad_alloc&) {
      account.fail_never();
      map.erase(i);
    }
    require_sound(map, false);
  }
  map.erase(6);
  require_sound(map);
  REQUIRE(map.size() == 1);
}
