// SPDX-License-Identifier: MIT
#include "lru_lockmap/cache_kinds.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

template <class Map>
std::vector<number> from_coldest(const Map& map) {
  std::vector<number> keys;
  map.cvisit_coldest(map.size(), [&](const auto& e) { keys.push_back(e.first); });
  return keys;
}
template <class Map>
std::vector<number> from_hottest(const Map& map) {
  std::vector<number> keys;
  map.cvisit_hottest(map.size(), [&](const auto& e) { keys.push_back(e.first); });
  return keys;
}

using keys = std::vector<number>;
using options = concur::cache_options<number, number>;

/// A policy that counts how often it is asked for a victim.
std::size_t asked = 0;
struct counting {
  static constexpr bool prefers_one_shard = true;
  template <class Allocator>
  class queue : public concur::eviction::exact_lru::queue<Allocator> {
    using base = concur::eviction::exact_lru::queue<Allocator>;

   public:
    using base::base;
    concur::eviction::node* victim() noexcept {
      ++asked;
      return base::victim();
    }
  };
};

/// The newest goes first.
struct mru {
  static constexpr bool prefers_one_shard = true;
  template <class Allocator>
  class queue {
   public:
    queue(std::uint64_t, const Allocator&) {}
    void set_capacity(std::uint64_t) {}
    bool touch(concur::eviction::node&) const noexcept { return false; }
    void promote(concur::eviction::node&) noexcept {}
    void insert(concur::eviction::node& n) noexcept { list_.push_newest(n); }
    void erase(concur::eviction::node& n) noexcept { list_.erase(n); }
    concur::eviction::node* victim() noexcept {
      concur::eviction::node* const newest = list_.newest();
      return newest == nullptr || list_.size() == 1 ? newest : newest->older;
    }
    void evict(concur::eviction::node& n) noexcept { list_.erase(n); }
    void reweigh(concur::eviction::node& n, std::uint32_t w) noexcept { list_.reweigh(n, w); }
    std::uint64_t weight() const noexcept { return list_.weight(); }
    template <class F>
    void for_each(F f) {
      list_.for_each(f);
    }

   private:
    concur::eviction::node_list list_;
  };
};

}  // namespace

TEST_CASE("an empty cache is small, has no shards, and counts its misses", "[lru]") {
  const cache<number, number> map(100);
  STATIC_REQUIRE(sizeof(map) <= 256);
  STATIC_REQUIRE(concur::concurrent_map<cache<number, number>>);
  STATIC_REQUIRE(concur::guarantees<cache<number, number>>::callback_is_exclusive);
  REQUIRE(!map.contains(1));
  REQUIRE(!map.peek(1));
  REQUIRE(map.stats().shards == 0);
  REQUIRE(map.stats().misses == 1);
  REQUIRE(map.capacity() == 100);
  REQUIRE(from_coldest(map).empty());
}

TEST_CASE("without a capacity nothing is evicted", "[lru]") {
  cache<number, number> map;
  for (number i = 0; i < 20'000; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 20'000);
  REQUIRE(map.stats().evicted == 0);
  REQUIRE(map.stats().weight == 20'000);
  REQUIRE(map.capacity() == cache<number, number>::unbounded);
}

TEST_CASE("the capacity holds after every call, whatever the shards", "[lru]") {
  for (const std::size_t shards : {0U, 1U, 3U, 64U}) {
    for (const std::size_t capacity : {1U, 2U, 100U, 1000U}) {
      cache<number, number> map(options{.capacity = capacity, .shards = shards});
      REQUIRE(map.capacity() == capacity);
      for (number i = 0; i < 5000; ++i) {
        map.try_emplace(i * 4096, i);
        REQUIRE(map.size() <= capacity);
      }
      REQUIRE(map.size() == capacity);
      REQUIRE(map.stats().keys == capacity);
      REQUIRE(map.stats().evicted == 5000 - capacity);
    }
  }
}

TEST_CASE("a cache of capacity 1 holds 1, of capacity 0 nothing", "[lru]") {
  cache<number, number> one(1);
  one.try_emplace(1, 10);
  REQUIRE(one.find(1) == 10);
  one.insert_or_assign(2, 20);
  REQUIRE(!one.contains(1));
  REQUIRE(one.find(2) == 20);
  cache<number, number> none(0);
  none.try_emplace(1, 10);
  REQUIRE(none.empty());
  REQUIRE(none.get_or_compute(1, [] { return 11; }) == 11);
  REQUIRE(none.empty());
  REQUIRE(none.stats().evicted == 2);
}

TEST_CASE("shards: 128 elements at least in each, shares that add up, keys spread evenly",
          "[lru]") {
  exact_cache<number, number> exact(100'000);
  exact.try_emplace(1, 1);
  REQUIRE(exact.stats().shards == 1);
  cache<number, number> small(255);
  small.try_emplace(1, 1);
  REQUIRE(small.stats().shards == 1);
  cache<number, number> middle(256);
  middle.try_emplace(1, 1);
  REQUIRE(middle.stats().shards == 2);
  // A random split over shards of 128 keeps about 0.96 of as many keys as the capacity.
  for (const number stride : {number{1}, number{8}, number{4096}, number{1} << 32}) {
    for (std::uint64_t seed = 0; seed < 25; ++seed) {
      constexpr std::size_t capacity = 64 * 128;
      concur::lru_lockmap<number, number> map(options{.capacity = capacity, .shards = 64},
                                              concur::hash<number>(seed));
      for (number i = 0; i < capacity; ++i) map.try_emplace(i * stride, i);
      REQUIRE(map.size() >= capacity * 93 / 100);
    }
  }
}

TEST_CASE("a weak hash spreads over the shards, and over the table", "[lru]") {
  constexpr std::size_t capacity = 64 * 128;
  struct identity {
    using is_avalanching = std::true_type;
    std::uint64_t operator()(number n) const noexcept { return n; }
  };
  concur::lru_lockmap<number, number, identity> map(options{.capacity = capacity, .shards = 64},
                                                    identity());
  for (number i = 0; i < capacity; ++i) map.try_emplace(i << 20, i);
  REQUIRE(map.size() >= capacity * 93 / 100);
}

TEST_CASE("exact LRU: the order is that of use", "[lru]") {
  exact_cache<number, number> map(4);
  for (number i = 1; i <= 4; ++i) map.try_emplace(i, i);
  REQUIRE(from_coldest(map) == keys{1, 2, 3, 4});
  REQUIRE(map.find(1));
  REQUIRE(from_coldest(map) == keys{2, 3, 4, 1});
  REQUIRE(map.peek(2) == 2);
  map.cvisit_all([](const auto&) {});
  map.visit_all([](auto&) {});
  REQUIRE(from_coldest(map) == keys{2, 3, 4, 1});
  REQUIRE(map.touch(2));
  REQUIRE(!map.touch(99));
  map.lock(3).unlock();
  REQUIRE(from_coldest(map) == keys{4, 1, 2, 3});
  REQUIRE(from_hottest(map) == keys{3, 2, 1, 4});
  map.update(4, [](number& v) { ++v; });
  map.insert_or_assign(1, 11);
  map.try_emplace(2, 0);
  REQUIRE(from_coldest(map) == keys{3, 4, 1, 2});
  map.try_emplace(5, 5);
  REQUIRE(from_coldest(map) == keys{4, 1, 2, 5});
  REQUIRE(map.stats().hits == 1);
}

TEST_CASE("lazy LRU: what was used lately is not moved, what was not is", "[lru]") {
  cache<number, number> map(100);
  for (number i = 0; i < 100; ++i) map.try_emplace(i, i);
  REQUIRE(map.find(99));
  REQUIRE(map.find(90));
  REQUIRE(from_coldest(map).back() == 99);
  REQUIRE(map.find(0));
  REQUIRE(from_coldest(map).back() == 0);
  for (number i = 100; i < 150; ++i) map.try_emplace(i, i);
  REQUIRE(map.peek(0));
  REQUIRE(!map.peek(1));
}

TEST_CASE("a heavy element drives out more than one visit to the order takes", "[lru]") {
  for (const bool has_listener : {false, true}) {
    CAPTURE(has_listener);
    std::size_t told = 0;
    concur::cache_options<number, number> options;
    options.capacity = 100;
    options.weigher = [](number, number weight) { return weight; };
    if (has_listener) options.on_evict = [&](number, number&&, cause) { ++told; };
    exact_cache<number, number> map(options);
    for (number i = 0; i < 100; ++i) map.try_emplace(i, 1);
    REQUIRE(map.size() == 100);
    map.try_emplace(1000, 60);
    REQUIRE(map.stats().weight == 100);
    REQUIRE(from_coldest(map).front() == 60);
    REQUIRE(map.size() == 41);
    REQUIRE(map.stats().evicted == 60);
    REQUIRE(told == (has_listener ? 60U : 0U));
  }
}

TEST_CASE("a locked absent key evicts nothing", "[lru]") {
  exact_cache<number, number> map(3);
  for (number i = 0; i < 3; ++i) map.try_emplace(i, i);
  for (number i = 100; i < 200; ++i) {
    const auto entry = map.lock(i);
    REQUIRE(!entry.has_value());
    REQUIRE(map.size() == 3);
  }
  const auto many = map.lock_all(keys{7, 8, 9, 10});
  REQUIRE(many.size() == 4);
  REQUIRE(map.stats().evicted == 0);
  REQUIRE(from_coldest(map) == keys{0, 1, 2});
}

TEST_CASE("what is locked is not evicted, and comes back under the capacity when it is given back",
          "[lru]") {
  exact_cache<number, number> map(10);
  {
    std::vector<exact_cache<number, number>::entry> held;
    for (number i = 0; i < 1000; ++i) {
      held.push_back(map.lock(i));
      held.back().emplace(i);
    }
    REQUIRE(map.size() == 1000);
    REQUIRE(map.stats().evicted == 0);
    for (number i = 2000; i < 2100; ++i) map.try_emplace(i, i);
    REQUIRE(map.size() == 1010);
    for (number i = 0; i < 1000; ++i) REQUIRE(*held[i] == i);
  }
  REQUIRE(map.size() == 10);
  // The last to be given back are the hottest.
  REQUIRE(from_hottest(map).size() == 10);
}

TEST_CASE("a reader's lock keeps an element as a writer's does", "[lru]") {
  exact_cache<number, number> map(2);
  map.try_emplace(1, 1);
  auto shared = map.lock_shared(1);
  auto other = map.lock_shared(1);
  for (number i = 2; i < 50; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 3);
  shared.unlock();
  REQUIRE(map.size() == 3);
  REQUIRE(*other == 1);
  other.unlock();
  REQUIRE(map.size() == 2);
  REQUIRE(map.peek(1) == 1);  // it came back as the hottest
  map.try_emplace(100, 1);
  map.try_emplace(101, 1);
  REQUIRE(!map.peek(1));
}

TEST_CASE("held elements: changed, erased and made again while they are out of the order",
          "[lru]") {
  exact_cache<number, number> map(2);
  map.try_emplace(1, 1);
  {
    auto entry = map.lock(1);
    for (number i = 2; i < 10; ++i) map.try_emplace(i, i);  // its turn came
    entry.reset();
  }
  REQUIRE(!map.contains(1));
  REQUIRE(map.size() == 2);
  map.try_emplace(1, 1);
  {
    auto entry = map.lock(1);
    for (number i = 2; i < 10; ++i) map.try_emplace(i, i);
    entry.emplace(2U);
    auto shared = entry.downgrade();
    for (number i = 12; i < 20; ++i) map.try_emplace(i, i);
    auto upgraded = shared.try_upgrade();
    REQUIRE(upgraded);
    *upgraded = 3;
  }
  REQUIRE(map.find(1) == 3);
  REQUIRE(map.size() == 2);
}

TEST_CASE("a new element that is downgraded is in the order", "[lru]") {
  exact_cache<number, number> map(1);
  auto entry = map.lock(1);
  entry.emplace(1U);
  auto shared = entry.downgrade();
  map.try_emplace(2, 2);
  shared.unlock();
  REQUIRE(map.size() == 1);
  REQUIRE(map.peek(1) == 1);
}

TEST_CASE("many held keys do not slow an eviction down: each is met once", "[lru]") {
  constexpr number held_keys = 20'000;
  cache<number, number, counting> map(held_keys);
  std::vector<cache<number, number, counting>::entry> held;
  for (number i = 0; i < held_keys; ++i) map.try_emplace(i, i);
  for (number i = 0; i < held_keys; ++i) held.push_back(map.lock(i));
  asked = 0;
  for (number i = 0; i < 2 * held_keys; ++i) map.try_emplace(held_keys + i, i);
  REQUIRE(asked <= 2 * held_keys + held_keys + 10);
  REQUIRE(map.size() == 2 * held_keys);
  held.clear();
  REQUIRE(map.size() == held_keys);
}

TEST_CASE("set_capacity evicts at once", "[lru]") {
  exact_cache<number, number> map(100);
  for (number i = 0; i < 100; ++i) map.try_emplace(i, i);
  map.set_capacity(10);
  REQUIRE(map.capacity() == 10);
  REQUIRE(map.size() == 10);
  REQUIRE(from_coldest(map) == keys{90, 91, 92, 93, 94, 95, 96, 97, 98, 99});
  map.set_capacity(20);
  for (number i = 0; i < 100; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 20);
  map.set_capacity(0);
  REQUIRE(map.empty());
  map.set_capacity(map.unbounded);
  for (number i = 0; i < 1000; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 1000);
  cache<number, number> fresh(100);
  fresh.set_capacity(3);
  for (number i = 0; i < 100; ++i) fresh.try_emplace(i, i);
  REQUIRE(fresh.size() == 3);
}

TEST_CASE("set_capacity with a bound on the work", "[lru]") {
  exact_cache<number, number> map(100);
  for (number i = 0; i < 100; ++i) map.try_emplace(i, i);
  map.set_capacity(10, 7);
  REQUIRE(map.size() == 93);
  map.try_emplace(1000, 0);
  REQUIRE(map.size() == 86);  // room for the new one, and seven
  REQUIRE(exact_cache<number, number>(map).size() == 10);
  exact_cache<number, number> moved(std::move(map));
  REQUIRE(moved.size() == 86);
  moved.try_emplace(1001, 0);
  REQUIRE(moved.size() == 79);  // with the bound on the work of where it comes from
  for (number i = 0; i < 20; ++i) moved.try_emplace(2000 + i, 0);
  REQUIRE(moved.size() == 10);
}

TEST_CASE("the number of shards follows the capacity, and nothing is lost on the way", "[lru]") {
  cache<number, number> map(10'000);
  for (number i = 0; i < 5000; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 5000);
  const std::size_t many = map.stats().shards;
  REQUIRE(many > 1);
  map.set_capacity(100'000);
  REQUIRE(map.size() == 5000);
  map.set_capacity(200);
  REQUIRE(map.stats().shards == 1);
  REQUIRE(map.size() == 200);
  // By rank: those of about the last 200 insertions are left.
  std::size_t late = 0;
  map.cvisit_all([&](const auto& e) { late += e.first >= 4400 ? 1U : 0U; });
  REQUIRE(late >= 190);
  map.set_capacity(10'000);
  REQUIRE(map.stats().shards == many);
  for (number i = 0; i < 5000; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 5000);
  REQUIRE(map.stats().weight == 5000);
}

TEST_CASE("pop_lru takes the coldest that nobody holds", "[lru]") {
  exact_cache<number, number> map(10);
  REQUIRE(!map.pop_lru());
  for (number i = 0; i < 5; ++i) map.try_emplace(i, i * 10);
  {
    const auto held = map.lock_shared(1);
    const auto written = map.lock(0);
    map.touch(3);
    REQUIRE(map.pop_lru() == std::pair<number, number>(2, 20));
    REQUIRE(map.pop_lru() == std::pair<number, number>(4, 40));
    REQUIRE(map.pop_lru() == std::pair<number, number>(3, 30));
    REQUIRE(!map.pop_lru());
  }
  REQUIRE(map.size() == 2);
  REQUIRE(map.pop_lru());
  REQUIRE(map.pop_lru());
  REQUIRE(!map.pop_lru());
  REQUIRE(map.stats().evicted == 0);
  cache<number, std::unique_ptr<int>> sharded(
      concur::cache_options<number, std::unique_ptr<int>>{.capacity = 1000, .shards = 7});
  for (number i = 0; i < 100; ++i) sharded.try_emplace(i, std::make_unique<int>(1));
  std::size_t popped = 0;
  while (const auto element = sharded.pop_lru()) popped += element->second ? 1U : 0U;
  REQUIRE(popped == 100);
}

TEST_CASE("weights: a sum that holds, elements that are too heavy, weights that change", "[lru]") {
  using text_options = concur::cache_options<number, std::string>;
  exact_cache<number, std::string> map(text_options{
      .capacity = 10, .weigher = [](number, const std::string& s) { return s.size(); }});
  map.try_emplace(1, "aaa");
  map.try_emplace(2, "bbb");
  map.try_emplace(3, "ccc");
  REQUIRE(map.stats().weight == 9);
  map.try_emplace(4, "dd");  // 11: one has to go
  REQUIRE(!map.peek(1));
  REQUIRE(map.stats().weight == 8);
  map.try_emplace(5, std::string(11, 'x'));  // never fits: nobody else goes for it
  REQUIRE(!map.peek(5));
  REQUIRE(map.size() == 3);
  map.update(2, [](std::string& s) { s += "bbb"; });  // 11
  REQUIRE(!map.peek(3));
  REQUIRE(map.peek(2));
  REQUIRE(map.stats().weight == 8);
  *map.lock(4) = "d";
  REQUIRE(map.stats().weight == 7);
  map.insert_or_assign(4, std::string(12, 'd'));  // grows too heavy
  REQUIRE(!map.peek(4));
  REQUIRE(map.stats().weight == 6);
  map.try_emplace(6, "");  // weighs nothing
  REQUIRE(map.stats().weight == 6);
  REQUIRE(map.size() == 2);
  map.erase(2);
  REQUIRE(map.stats().weight == 0);
}

TEST_CASE("a held element that grows heavy while it is parked", "[lru]") {
  using text_options = concur::cache_options<number, std::string>;
  exact_cache<number, std::string> map(text_options{
      .capacity = 10, .weigher = [](number, const std::string& s) { return s.size(); }});
  map.try_emplace(1, "a");
  {
    auto entry = map.lock(1);
    for (number i = 2; i < 20; ++i) map.try_emplace(i, "xx");
    *entry = "aaaaa";
  }
  REQUIRE(map.peek(1) == "aaaaa");
  REQUIRE(map.stats().weight <= 10);
  {
    auto entry = map.lock(1);
    for (number i = 2; i < 20; ++i) map.try_emplace(i, "yy");
    *entry = std::string(30, 'a');
  }
  REQUIRE(!map.peek(1));
  REQUIRE(map.stats().weight <= 10);
}

TEST_CASE("copies and moves keep order, options and bound", "[lru]") {
  exact_cache<number, number> map(4);
  for (number i = 0; i < 6; ++i) map.try_emplace(i, i);
  map.touch(2);
  exact_cache<number, number> copy(map);
  REQUIRE(copy.capacity() == 4);
  REQUIRE(from_coldest(copy) == keys{3, 4, 5, 2});
  REQUIRE(from_coldest(map) == keys{3, 4, 5, 2});
  REQUIRE(map == copy);  // which looks the keys of the left one up in the right one
  exact_cache<number, number> moved(std::move(map));
  // What was moved from is an empty cache. NOLINTBEGIN(bugprone-use-after-move)
  REQUIRE(from_coldest(moved) == keys{3, 4, 5, 2});
  REQUIRE(map.empty());
  REQUIRE(map.capacity() == 4);
  map.try_emplace(9, 9);
  REQUIRE(map.size() == 1);
  // NOLINTEND(bugprone-use-after-move)
  exact_cache<number, number> other(2);
  other.try_emplace(7, 7);
  other.swap(moved);
  REQUIRE(other.capacity() == 4);
  REQUIRE(moved.capacity() == 2);
  REQUIRE(from_coldest(moved) == keys{7});
  other = moved;
  REQUIRE(other.capacity() == 2);
  other = {{1, 1}, {2, 2}, {3, 3}};
  REQUIRE(other.size() == 2);
}

TEST_CASE("a policy of the user's own", "[lru]") {
  STATIC_REQUIRE(concur::eviction_policy<mru>);
  cache<number, number, mru> map(3);
  for (number i = 0; i < 10; ++i) map.try_emplace(i, i);
  REQUIRE(map.size() == 3);
  REQUIRE(map.peek(0));
  REQUIRE(map.peek(1));
  REQUIRE(map.peek(9));
}
