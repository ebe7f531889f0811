// SPDX-License-Identifier: MIT
/// \file
/// A branch and its copy have links together: whichever goes first, what the other has stays, and
/// what nobody has is freed at once.
#include "support/catch.hpp"
#include "support/hamt_access.hpp"
#include "support/tally.hpp"
#include "support/threads.hpp"
#include "support/tracked.hpp"

#include <concur/hamt.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using number = std::uint64_t;
template <class T>
using tallied = concur::hamt<number, T, concur::hash<number>, std::equal_to<>,
                             tallying_allocator<std::pair<const number, T>>>;
template <class T>
using tiny_tallied = tiny_hamt<number, T, concur::hash<number>, std::equal_to<>,
                               tallying_allocator<std::pair<const number, T>>>;
using contents = std::map<number, number>;

number number_of(number n) {
  return n;
}
number number_of(const tracked& t) {
  return t.get();
}
template <class Snapshot>
contents contents_of(const Snapshot& s) {
  contents all;
  for (const auto& [key, value] : s) all.emplace(key, number_of(value));
  return all;
}

template <class Map>
struct moment {
  typename Map::snapshot_type snapshot;
  contents expected;
};

/// A map, a fork, and what both should have.
template <class Map>
class lineage {
 public:
  explicit lineage(tally& book)
      : map_(typename Map::allocator_type(book)), fork_(typename Map::allocator_type(book)) {
    for (number i = 0; i < keys; ++i) change(map_, in_map_);
  }

  void step() {
    switch (random() % 16) {
      case 0:
        moments_.push_back({map_.snapshot(), in_map_});
        break;
      case 1:
        moments_.push_back({fork_.snapshot(), in_fork_});
        break;
      case 2:
        if (!moments_.empty()) {
          const moment<Map>& from = moments_[random() % moments_.size()];
          fork_ = Map(from.snapshot);
          in_fork_ = from.expected;
        }
        break;
      case 3:
      case 4:
      case 5:
        drop_one();
        break;
      default:
        if (random() % 3 == 0) {
          change(fork_, in_fork_);
        } else {
          change(map_, in_map_);
        }
    }
  }
  void check_moments() const {
    for (const moment<Map>& m : moments_) REQUIRE(contents_of(m.snapshot) == m.expected);
  }
  void drop_all() {
    while (!moments_.empty()) drop_one();
    fork_ = Map(0, map_.get_allocator());
    in_fork_.clear();
  }
  Map& map() { return map_; }
  const contents& in_map() const { return in_map_; }

 private:
  static constexpr number keys = 600;

  number random() { return random_(); }
  void change(Map& map, contents& expected) {
    const number key = random() % keys;
    if (random() % 3 == 0) {
      map.erase(key);
      expected.erase(key);
    } else {
      const number value = random() % 1000;
      map.insert_or_assign(key, typename Map::mapped_type(value));
      expected[key] = value;
    }
  }
  void drop_one() {
    if (moments_.empty()) return;
    const std::size_t which = random() % moments_.size();
    REQUIRE(contents_of(moments_[which].snapshot) == moments_[which].expected);
    moments_.erase(moments_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  std::mt19937_64 random_{7};
  Map map_;
  Map fork_;
  contents in_map_;
  contents in_fork_;
  std::vector<moment<Map>> moments_;
};

}  // namespace

TEMPLATE_TEST_CASE(
    "hamt: snapshots and forks that go in any order keep what is theirs, and free the rest",
    "[hamt][lending]", tallied<number>, tallied<tracked>, tiny_tallied<number>,
    tiny_tallied<tracked>) {
  using map_type = TestType;
  constexpr bool is_tracked = std::is_same_v<typename map_type::mapped_type, tracked>;
  tracking.reset();
  tally book;
  {
    lineage<map_type> all(book);
    for (int round = 0; round < 6; ++round) {
      for (int i = 0; i < 1500; ++i) all.step();
      all.check_moments();
      all.drop_all();
      all.map().shrink_to_fit();
      const auto report = all.map().validate();
      REQUIRE(report.error == nullptr);
      REQUIRE(report.shared == 0);
      REQUIRE(report.elements == all.in_map().size());
      if (is_tracked) REQUIRE(tracking.alive == static_cast<long>(all.in_map().size()));
      REQUIRE(contents_of(all.map().snapshot()) == all.in_map());
    }
  }
  REQUIRE(book.bytes == 0);
  REQUIRE(tracking.alive == 0);
  REQUIRE(tracking.misuses == 0);
}

TEST_CASE("hamt: the elements of a copy that is gone before what it was copied from are freed",
          "[hamt][lending]") {
  tracking.reset();
  using map_type = concur::hamt<number, tracked>;
  map_type map;
  for (number i = 0; i < 1000; ++i) map.try_emplace(i, i);
  const auto before = map.snapshot();
  {
    map_type fork(before);
    for (number i = 0; i < 1000; i += 2) fork.insert_or_assign(i, tracked(i + 1));
    const auto of_fork = fork.snapshot();
    for (number i = 0; i < 1000; i += 4) fork.erase(i);
    REQUIRE(tracking.alive >= 1500);
  }
  map.shrink_to_fit();
  REQUIRE(tracking.alive == 1000);
  for (number i = 0; i < 1000; ++i) REQUIRE(before.find(i)->get() == i);
  map.clear();
  map.shrink_to_fit();
  REQUIRE(tracking.alive == 1000);
}

TEST_CASE("hamt: threads that write to the copies of one branch, beside snapshots that go",
          "[hamt][lending]") {
  tracking.reset();
  {
    tiny_hamt<number, tracked> map;
    constexpr number keys = 64;
    for (number i = 0; i < keys; ++i) map.try_emplace(i, 0);
    failures found;
    on_threads(3, found, [&](int me) {
      std::mt19937_64 random(static_cast<number>(me) + 1);
      std::vector<decltype(map.snapshot())> held;
      for (int i = 0; i < 4000; ++i) {
        const number key = random() % keys;
        switch (random() % 8) {
          case 0:
            held.push_back(map.snapshot());
            break;
          case 1:
            if (!held.empty()) {
              held.erase(held.begin() + static_cast<std::ptrdiff_t>(random() % held.size()));
            }
            break;
          case 2: {
            tiny_hamt<number, tracked> fork(held.empty() ? map.snapshot() : held.back().share());
            fork.insert_or_assign(key, tracked(1));
            fork.erase(random() % keys);
            break;
          }
          case 3:
            map.erase(key);
            break;
          default:
            map.insert_or_assign(key, tracked(random() % 100));
        }
        if (held.size() > 5) held.erase(held.begin());
      }
    });
    map.shrink_to_fit();
    const auto report = map.validate();
    REQUIRE(found.count() == 0);
    REQUIRE(report.error == nullptr);
    REQUIRE(report.shared == 0);
    REQUIRE(tracking.alive == static_cast<long>(map.size()));
  }
  REQUIRE(tracking.alive == 0);
  REQUIRE(tracking.misuses == 0);
}
