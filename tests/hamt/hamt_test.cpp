// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <concur/hamt.hpp>
#include <concur/parallel.hpp>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/threads.hpp"

using concur_test::allocation_account;
using concur_test::counting_allocator;
using number_map = concur::hamt<std::uint64_t, std::uint64_t>;
using text_map = concur::hamt<std::string, std::string>;

namespace {

/// Everything in one place: equal hashes for keys that are equal modulo 1000.
struct crowded_hash {
  using is_avalanching = void;
  std::uint64_t operator()(std::uint64_t key) const { return key % 1000; }
};

struct constant_hash {
  using is_avalanching = void;
  std::uint64_t operator()(std::uint64_t) const { return 42; }
};

/// Takes any number, and hashes its bytes: two widths of one number have two hashes.
struct hash_of_bytes {
  using is_transparent = void;
  template <class N>
  std::uint64_t operator()(N n) const {
    return concur::hash<std::uint64_t>()(n) + sizeof(N);
  }
};

/// Converts to a key, and is nothing that a hasher takes.
struct file_name {
  std::string text;
  operator std::string() const { return text; }  // NOLINT(google-explicit-constructor)
};

template <class Map, class K>
concept is_looked_up = requires(const Map& map, const K& k) {
  map.find(k);
};
template <class Map, class K>
concept is_counted = requires(const Map& map, const K& k) {
  map.contains(k);
  map.count(k);
};

template <class Snapshot>
auto contents(const Snapshot& s) {
  std::map<typename Snapshot::key_type, typename Snapshot::mapped_type> all;
  for (const auto& [key, value] : s) all.emplace(key, value);
  return all;
}

template <class T>
T make(std::uint64_t n) {
  if constexpr (std::is_same_v<T, std::string>) {
    return "element " + std::to_string(n);
  } else {
    return n;
  }
}

}  // namespace

TEST_CASE("a snapshot takes for a key what its map does", "[hamt][snapshot]") {
  const text_map map{{"apples", "3"}, {"pears", "4"}};
  const auto snapshot = map.snapshot();
  REQUIRE(*snapshot.find(std::string_view("apples")) == "3");
  REQUIRE(*snapshot.find("pears") == "4");
  REQUIRE(*snapshot.find(file_name{"pears"}) == map.find(file_name{"pears"}));
  REQUIRE(snapshot.contains(file_name{"apples"}));
  REQUIRE(snapshot.count(file_name{"plums"}) == 0);
  REQUIRE(snapshot.contains({"pears", 5}));  // as it would make a key

  concur::hamt<std::uint64_t, int, hash_of_bytes> numbers;
  REQUIRE(numbers.insert({7, 1}));
  const std::uint16_t narrow = 7;
  REQUIRE(numbers.contains(narrow));
  const auto same_numbers = numbers.snapshot();
  REQUIRE(same_numbers.contains(narrow));
  REQUIRE(*same_numbers.find(narrow) == 1);
  REQUIRE(same_numbers.count(narrow) == 1);

  using snapshot_type = text_map::snapshot_type;
  STATIC_REQUIRE(is_looked_up<snapshot_type, file_name> && is_counted<snapshot_type, file_name>);
  STATIC_REQUIRE_FALSE(is_looked_up<text_map, int*> || is_counted<text_map, int*>);
  STATIC_REQUIRE_FALSE(is_looked_up<snapshot_type, int*> || is_counted<snapshot_type, int*>);
}

TEMPLATE_TEST_CASE("a snapshot does not change", "[hamt][snapshot]", number_map, text_map) {
  using K = typename TestType::key_type;
  TestType map;
  for (std::uint64_t i = 0; i < 2000; ++i) map.insert({make<K>(i), make<K>(i)});
  const auto before = map.snapshot();
  const auto expected = contents(before);
  REQUIRE(expected.size() == 2000);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    if (i % 3 == 0) {
      map.erase(make<K>(i));
    } else {
      map.insert_or_assign(make<K>(i), make<K>(i + 1));
    }
  }
  REQUIRE(contents(before) == expected);
  REQUIRE(before.size() == 2000);
  REQUIRE(map.size() == 2000);
  const auto after = map.snapshot();
  map.clear();
  REQUIRE(map.empty());
  REQUIRE(after.size() == 2000);
  REQUIRE(before.find(make<K>(3)) != nullptr);
  REQUIRE(*before.find(make<K>(3)) == make<K>(3));
  REQUIRE_FALSE(after.contains(make<K>(3)));
  REQUIRE(*after.find(make<K>(4)) == make<K>(5));
  REQUIRE_FALSE(before == after);
}

TEST_CASE("a snapshot outlives its map", "[hamt][snapshot]") {
  text_map::snapshot_type kept;
  REQUIRE(kept.empty());
  REQUIRE(kept.size() == 0);
  REQUIRE(kept.begin() == kept.end());
  REQUIRE_FALSE(kept.contains("a"));
  {
    text_map map{{"a", "1"}, {"b", "2"}};
    kept = map.snapshot();
  }
  REQUIRE(kept.size() == 2);
  REQUIRE(*kept.find("b") == "2");
  const auto shared = kept.share();
  kept = {};
  REQUIRE(*shared.find("a") == "1");
  static_assert(!std::is_copy_constructible_v<text_map::snapshot_type>);
  static_assert(std::is_nothrow_move_constructible_v<text_map::snapshot_type>);
  static_assert(std::forward_iterator<text_map::snapshot_type::iterator>);
  static_assert(std::input_iterator<text_map::iterator>);
  static_assert(std::sentinel_for<std::default_sentinel_t, text_map::iterator>);
}

TEST_CASE("a snapshot of an empty map is empty, and can be forked", "[hamt][snapshot]") {
  const number_map map;
  const auto s = map.snapshot();
  REQUIRE(s.empty());
  number_map fork(s);
  REQUIRE(fork.empty());
  REQUIRE(fork.insert({1, 2}));
  REQUIRE(fork.size() == 1);
  REQUIRE(s.empty());
}

TEMPLATE_TEST_CASE("forks and their origin go their own ways", "[hamt][fork]", number_map,
                   text_map) {
  using K = typename TestType::key_type;
  TestType map;
  for (std::uint64_t i = 0; i < 1000; ++i) map.insert({make<K>(i), make<K>(0)});
  TestType fork(map.snapshot());
  REQUIRE(fork.size() == 1000);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    if (i % 2 == 0) {
      map.erase(make<K>(i));
    } else {
      fork.insert_or_assign(make<K>(i), make<K>(1));
    }
  }
  REQUIRE(map.size() == 500);
  REQUIRE(fork.size() == 1000);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    REQUIRE(map.contains(make<K>(i)) == (i % 2 == 1));
    REQUIRE(fork.find(make<K>(i)) == make<K>(i % 2));
    if (i % 2 == 1) REQUIRE(map.find(make<K>(i)) == make<K>(0));
  }
  TestType copy(fork);
  REQUIRE(copy == fork);
  fork.clear();
  REQUIRE(fork.empty());
  REQUIRE(copy.size() == 1000);
}

TEST_CASE("an undo history of forks gives back what no version has", "[hamt][fork]") {
  allocation_account account;
  {
    using allocator = counting_allocator<std::pair<const std::uint64_t, std::uint64_t>>;
    using counted = concur::hamt<std::uint64_t, std::uint64_t, concur::hash<std::uint64_t>,
                                 std::equal_to<>, allocator>;
    auto now = std::make_unique<counted>(allocator(account));
    for (std::uint64_t i = 0; i < 1000; ++i) now->insert({i, 0});
    const std::size_t at_first = account.live_bytes();
    for (std::uint64_t round = 1; round < 200; ++round) {
      auto next = std::make_unique<counted>(now->snapshot());
      for (std::uint64_t i = 0; i < 10; ++i) next->insert_or_assign((round * 7 + i) % 1000, round);
      now = std::move(next);
    }
    REQUIRE(now->size() == 1000);
    now->shrink_to_fit();
    REQUIRE(account.live_bytes() < 2 * at_first);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("everything is given back when the last of map, forks and snapshots goes",
          "[hamt][allocator]") {
  allocation_account account;
  using allocator = counting_allocator<std::pair<const std::string, std::string>>;
  using counted =
      concur::hamt<std::string, std::string, concur::hash<std::string>, std::equal_to<>, allocator>;
  counted::snapshot_type kept;
  {
    counted map{allocator(account)};
    for (std::uint64_t i = 0; i < 3000; ++i) map.insert({make<std::string>(i), "x"});
    kept = map.snapshot();
    counted fork(kept);
    for (std::uint64_t i = 0; i < 3000; ++i) {
      map.erase(make<std::string>(i));
      fork.insert_or_assign(make<std::string>(i), "y");
    }
  }
  REQUIRE(account.live_allocations() > 3000);  // the snapshot's own
  REQUIRE(kept.size() == 3000);
  kept = {};
  REQUIRE(account.balanced());
}

TEST_CASE("a map that was emptied is as small as one that was never filled", "[hamt]") {
  allocation_account account;
  using allocator = counting_allocator<std::pair<const std::uint64_t, std::uint64_t>>;
  using counted = concur::hamt<std::uint64_t, std::uint64_t, concur::hash<std::uint64_t>,
                               std::equal_to<>, allocator>;
  counted map{allocator(account)};
  map.insert({1, 1});
  map.erase(1);
  for (std::uint64_t i = 0; i < 20'000; ++i) map.insert({i, i});
  for (std::uint64_t i = 0; i < 20'000; ++i) REQUIRE(map.erase(i) == 1);
  map.shrink_to_fit();
  const auto stats = map.stats();
  REQUIRE(stats.branches == 0);
  REQUIRE(stats.leaves == 0);
  REQUIRE(account.live_allocations() <= 4);  // what is shared, a version, the counter's stripes
}

TEST_CASE("iteration over the live map owns its snapshot", "[hamt][iterator]") {
  number_map map;
  for (std::uint64_t i = 0; i < 100; ++i) map.insert({i, i});
  std::uint64_t sum = 0;
  for (const auto& [key, value] : map) {
    map.erase(key);
    sum += value;
  }
  REQUIRE(sum == 4950);
  REQUIRE(map.empty());
}

TEST_CASE("iterators go over a snapshot more than once, in the order of hashes",
          "[hamt][iterator]") {
  number_map map;
  for (std::uint64_t i = 0; i < 5000; ++i) map.insert({i, i});
  const auto s = map.snapshot();
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> first(s.begin(), s.end());
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> second(s.begin(), s.end());
  REQUIRE(first.size() == 5000);
  REQUIRE(first == second);
  const auto hash = map.hash_function();
  // In order from leaf to leaf; within one, as they came.
  std::size_t inversions = 0;
  for (std::size_t i = 1; i < first.size(); ++i) {
    inversions += (hash(first[i - 1].first) >> 52) > (hash(first[i].first) >> 52);
  }
  REQUIRE(inversions == 0);
  auto it = s.begin();
  const auto copy = it++;
  REQUIRE(copy == s.begin());
  REQUIRE(it != copy);
  REQUIRE(s.visit_all([](const auto&) {}) == 5000);
}

TEST_CASE("equal hashes cost a list", "[hamt][collisions]") {
  concur::hamt<std::uint64_t, std::uint64_t, crowded_hash> numbers;
  concur::hamt<std::uint64_t, std::string, crowded_hash> texts;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    REQUIRE(numbers.insert({i, i}));
    REQUIRE(texts.insert({i, std::to_string(i)}));
    REQUIRE_FALSE(texts.insert({i, "again"}));
  }
  const auto before = texts.snapshot();
  for (std::uint64_t i = 0; i < 5000; ++i) {
    REQUIRE(numbers.find(i) == i);
    REQUIRE(texts.find(i) == std::to_string(i));
    REQUIRE(texts.insert_or_assign(i, "new") == false);
  }
  REQUIRE(texts.stats().lists == 1000);
  for (std::uint64_t i = 0; i < 5000; ++i) {
    REQUIRE(numbers.erase(i) == 1);
    REQUIRE(texts.take(i) == "new");
  }
  REQUIRE(numbers.empty());
  REQUIRE(texts.empty());
  REQUIRE(before.size() == 5000);
  REQUIRE(*before.find(4321) == "4321");
}

TEST_CASE("one hash for many keys is destroyed without recursion", "[hamt][collisions]") {
  concur::hamt<std::uint64_t, std::string, constant_hash> map;
  for (std::uint64_t i = 0; i < 3000; ++i) map.insert({i, "x"});
  REQUIRE(map.size() == 3000);
  REQUIRE(map.contains(2999));
  const auto s = map.snapshot();
  REQUIRE(std::distance(s.begin(), s.end()) == 3000);
}

TEST_CASE("size of a snapshot is exact beside writers", "[hamt][snapshot]") {
  number_map map;
  concur_test::failures failures;
  std::atomic<bool> done{false};
  concur_test::on_threads(3, failures, [&](int me) {
    if (me == 0) {
      for (int i = 0; i < 60; ++i) {
        const auto s = map.snapshot();
        const auto counted = static_cast<std::size_t>(std::distance(s.begin(), s.end()));
        MT_CHECK(failures, s.size() == counted);
      }
      done = true;
    } else {
      for (std::uint64_t i = 0; !done; i = (i + 1) % 3000) {
        map.insert_or_assign(i * 2 + static_cast<std::uint64_t>(me), i);
        map.erase((i + 1500) % 3000 * 2 + static_cast<std::uint64_t>(me));
      }
    }
  });
  failures.require();
}

TEST_CASE("snapshots see sums that writers keep", "[hamt][snapshot]") {
  // Each writer moves one unit from the left to the right, and then one back: the left loses before
  // the right gains, so a moment shows a sum of `full` or one less per writer.
  number_map map{{1, 1000}, {2, 1000}};
  std::atomic<bool> done{false};
  concur_test::failures failures;
  concur_test::on_threads(4, failures, [&](int me) {
    if (me < 2) {
      for (int i = 0; i < 3000; ++i) {
        const std::uint64_t from = i % 2 == 0 ? 1 : 2;
        map.update(from, [](std::uint64_t& n) { --n; });
        map.update(3 - from, [](std::uint64_t& n) { ++n; });
      }
      done = true;
    } else {
      do {
        const auto s = map.snapshot();
        const std::uint64_t sum = *s.find(1) + *s.find(2);
        MT_CHECK(failures, sum <= 2000 && sum >= 1998);
      } while (!done);
    }
  });
  failures.require();
  REQUIRE(*map.find(1) + *map.find(2) == 2000);
}

TEST_CASE("all parts of a parallel traversal are of one moment", "[hamt][snapshot]") {
  // One thread goes through the parts one after the other, and changes everything at the first.
  const concur::parallel one{1};
  REQUIRE(one.parts() > 1);
  number_map map;
  for (std::uint64_t i = 0; i < 1000; ++i) map.insert({i, i});
  bool is_first = true;
  const auto change_all = [&] {
    if (!std::exchange(is_first, false)) return;
    for (std::uint64_t i = 0; i < 1000; ++i) map.insert_or_assign(i, map.find(i).value() + 1);
    for (std::uint64_t i = 1000; i < 2000; ++i) map.insert({i, i});
  };
  std::uint64_t wrong = 0;
  const auto look = [&](const auto& e) {
    change_all();
    wrong += e.first < 1000 && e.second == e.first ? 0u : 1u;
    return true;
  };
  REQUIRE(map.cvisit_all(one, look) == 1000);
  REQUIRE(wrong == 0);
  REQUIRE(map.size() == 2000);

  map.clear();
  for (std::uint64_t i = 0; i < 1000; ++i) map.insert({i, i});
  is_first = true;
  REQUIRE(map.visit_while(one, look));
  REQUIRE(wrong == 0);

  // What has come since is not there for erase_if.
  const auto insert_more = [&](const auto&) {
    if (std::exchange(is_first, false)) {
      for (std::uint64_t i = 2000; i < 3000; ++i) map.insert({i, i});
    }
    return true;
  };
  is_first = true;
  REQUIRE(map.erase_if(one, insert_more) == 2000);
  REQUIRE(map.size() == 1000);
  map.clear();
  REQUIRE(map.cvisit_all(one, look) == 0);
}

TEST_CASE("snapshots are read on other threads while their map goes on and goes away",
          "[hamt][snapshot]") {
  concur_test::failures failures;
  std::vector<std::thread> readers;
  {
    text_map map;
    for (std::uint64_t i = 0; i < 500; ++i) map.insert({make<std::string>(i), "0"});
    for (int round = 0; round < 8; ++round) {
      readers.emplace_back([s = map.snapshot(), round, &failures] {
        for (int again = 0; again < 20; ++again) {
          std::size_t n = 0;
          for (const auto& [key, value] : s) {
            n += value == std::to_string(round);
            MT_CHECK(failures, s.find(key) != nullptr);
          }
          MT_CHECK(failures, n == 500);
        }
      });
      for (std::uint64_t i = 0; i < 500; ++i) {
        map.insert_or_assign(make<std::string>(i), std::to_string(round + 1));
      }
    }
  }
  for (auto& reader : readers) reader.join();
  failures.require();
}

TEST_CASE("stats print what they count", "[hamt]") {
  number_map map;
  for (std::uint64_t i = 0; i < 1000; ++i) map.insert({i, i});
  const auto stats = map.stats();
  REQUIRE(stats.size == 1000);
  REQUIRE(stats.leaves > 100);
  REQUIRE(stats.branches >= 1);
  REQUIRE(stats.max_depth >= 2);
  std::ostringstream out;
  out << stats;
  REQUIRE(out.str().find("1000") != std::string::npos);
}

TEST_CASE("a clear takes everything at once", "[hamt]") {
  number_map map;
  concur_test::failures failures;
  std::atomic<bool> done{false};
  concur_test::on_threads(3, failures, [&](int me) {
    if (me == 0) {
      for (int round = 0; round < 100; ++round) {
        for (std::uint64_t i = 0; i < 50; ++i) map.insert({i, i});
        map.clear();
      }
      done = true;
    } else {
      while (!done) {
        // Keys come in order, and go at once: what is there is the beginning of the sequence.
        const auto s = map.snapshot();
        for (std::uint64_t i = 0; i < s.size(); ++i) MT_CHECK(failures, s.contains(i));
      }
    }
  });
  failures.require();
  REQUIRE(map.empty());
}
