// SPDX-License-Identifier: MIT
/// \file
/// lru_lockmap in a tiny world: one shard of the table, one or two regions, room for one or two
/// elements. What a cache has beside a lockmap: evictions beside everything else, elements that are
/// held when their turn comes, expiry, loading, the listener, a capacity that changes.
#pragma once

#include <concur/lockmap_async.hpp>
#include <concur/lru_lockmap.hpp>

#include <array>
#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "scenarios/vocabulary_adapter.hpp"
#include "support/detached.hpp"

namespace scenarios::caches {

struct tiny_tuning : concur::detail::lru::default_tuning {
  static constexpr unsigned log2_shards = 0;
  static constexpr std::size_t retire_batch = 1;
  static constexpr std::uint32_t waiting_batches = 0;
  static constexpr bool counts = false;
};

template <class Key, class T, class Policy>
class tiny_cache : public concur::detail::basic_lru_lockmap<Key, T, placed_hash, std::equal_to<>,
                                                            std::allocator<std::pair<const Key, T>>,
                                                            Policy, tiny_tuning> {
  using base = concur::detail::basic_lru_lockmap<Key, T, placed_hash, std::equal_to<>,
                                                 std::allocator<std::pair<const Key, T>>, Policy,
                                                 tiny_tuning>;

 public:
  using options = concur::cache_options<Key, T>;
  tiny_cache() : base(options{.capacity = 100, .shards = 1}, placed_hash()) {}
  explicit tiny_cache(const options& o) : base(o, placed_hash()) {}
};

using word = std::uint64_t;
using three_words = std::array<std::uint64_t, 3>;
using four_words = std::array<std::uint64_t, 4>;
using concur::eviction::exact_lru;
using concur::eviction::lru;
using concur::eviction::s3fifo;
using concur::eviction::w_tinylfu;

// As the vocabulary wants them; with room for all.
using narrow = vocabulary_adapter<tiny_cache<word, word, lru>, word, word>;
using wide_value = vocabulary_adapter<tiny_cache<word, three_words, exact_lru>, word, three_words>;
using wide_key = vocabulary_adapter<tiny_cache<four_words, word, lru>, four_words, word>;

using map_type = tiny_cache<word, word, exact_lru>;
using wide_map = tiny_cache<word, three_words, exact_lru>;
using options = map_type::options;

/// Of a quiet map: the bound, the order has every element, no state without a value is left.
template <class Map>
void sound(Map& map) {
  const auto stats = map.stats();
  mc::require(stats.size <= stats.capacity, "the bound holds");
  mc::require(stats.weight == stats.size, "every element is in the order");
  mc::require(stats.keys == stats.size, "no state without a value is left");
  std::size_t popped = 0;
  while (map.pop_lru()) ++popped;
  mc::require(popped == stats.size, "every element can be taken");
  mc::require(map.stats().keys == 0, "nothing is left");
}

/// A key is held, and its turn comes: nobody takes it from its holder, and it comes back.
template <class Map>
void eviction_beside_locking() {
  Map map(typename Map::options{.capacity = 1, .shards = 1});
  using value = typename Map::mapped_type;
  map.try_emplace(word{1}, value{});
  int plain = 0;
  mc::spawn([&] {
    auto entry = map.lock(1);
    ++plain;
    if (!entry.has_value()) entry.emplace();
  });
  mc::spawn([&] {
    map.try_emplace(word{2}, value{});
    map.erase(2);
  });
  mc::spawn([&] {
    auto entry = map.lock(1);
    ++plain;
    entry.reset();
  });
  mc::join_all();
  mc::require(plain == 2, "each had the key");
  sound(map);
}

/// Several share a key whose turn comes: the last of them puts it back, whoever that is.
template <class Map>
void sharers_of_a_victim() {
  Map map(typename Map::options{.capacity = 1, .shards = 1});
  map.try_emplace(word{1}, word{7});
  for (int t = 0; t < 2; ++t) {
    mc::spawn([&] {
      auto shared = map.lock_shared(1);
      mc::require(!shared.has_value() || *shared == 7, "its value, or none");
    });
  }
  mc::spawn([&] { map.try_emplace(word{2}, word{8}); });
  mc::join_all();
  mc::require(map.size() == 1, "one of them is there");
  sound(map);
}

/// A victim that is held is handed over: shared, upgraded, downgraded, waited for.
inline void hand_over_of_a_victim() {
  map_type map(options{.capacity = 1, .shards = 1});
  map.try_emplace(word{1}, word{0});
  int plain = 0;
  mc::spawn([&] {
    auto entry = map.lock(1);
    ++plain;
    auto shared = entry.downgrade();
    if (auto again = shared.try_upgrade()) ++plain;
  });
  mc::spawn([&] {
    auto entry = map.lock(1);
    ++plain;
    entry.value_or_emplace(word{5});
  });
  mc::spawn([&] { map.insert_or_assign(word{2}, word{8}); });
  mc::join_all();
  mc::require(plain == 2 || plain == 3, "each had the key");
  sound(map);
}

/// Hits, promotions and erasures beside evictions: a node that is found may have left.
template <class Policy>
void hits_beside_eviction() {
  using cache = tiny_cache<word, word, Policy>;
  cache map(typename cache::options{.capacity = 2, .shards = 1});
  map.try_emplace(word{1}, word{10});
  map.try_emplace(word{2}, word{20});
  mc::spawn([&] {
    for (const word k : {1, 2, 1}) {
      const auto v = map.find(k);
      mc::require(!v || *v == k * 10, "its value");
    }
  });
  mc::spawn([&] {
    map.try_emplace(word{3}, word{30});
    map.try_emplace(word{4}, word{40});
  });
  mc::spawn([&] {
    map.erase(1);
    map.try_emplace(word{1}, word{10});
  });
  mc::join_all();
  mc::require(map.size() <= 2, "the bound holds");
  sound(map);
}

/// Who inserted what: each value is there, or was reported, or was handed out.
template <class Map>
void every_value_once() {
  std::atomic<int> reported{0};
  std::atomic<int> out{0};
  std::atomic<int> in{0};
  typename Map::options with;
  with.capacity = 1;
  with.shards = 1;
  with.on_evict = [&](const word& k, word&& v, concur::eviction_cause) {
    mc::require(v == k * 10, "a value of its key");
    reported.fetch_add(1, std::memory_order_relaxed);
  };
  Map map(with);
  const auto put = [&](word k) {
    if (map.try_emplace(k, k * 10)) in.fetch_add(1, std::memory_order_relaxed);
  };
  mc::spawn([&] {
    put(1);
    map.erase(2);
  });
  mc::spawn([&] {
    put(2);
    if (map.take(1)) out.fetch_add(1, std::memory_order_relaxed);
  });
  mc::spawn([&] {
    map.insert_or_assign(word{1}, word{10});
    in.fetch_add(1, std::memory_order_relaxed);
    if (map.pop_lru()) out.fetch_add(1, std::memory_order_relaxed);
  });
  mc::join_all();
  mc::require(static_cast<std::size_t>(in - out - reported) == map.size(), "each value once");
  sound(map);
}

/// A value expires beside readers and writers: nobody gets it afterwards, and a new one is not
/// taken for it.
template <class Map>
void expiry() {
  using value = typename Map::mapped_type;
  std::atomic<std::int64_t> now{0};
  typename Map::options with;
  with.capacity = 2;
  with.shards = 1;
  with.time_to_live = concur::cache_duration::of_nanoseconds(10);
  with.clock = [&] {
    // seq_cst: whoever looks after it was set sees it.
    return concur::cache_duration::of_nanoseconds(now.load(std::memory_order_seq_cst));
  };
  Map map(with);
  map.try_emplace(word{1}, coder<value>::make(5));  // until 10
  now.store(5, std::memory_order_seq_cst);          // seq_cst: as above. A new one: until 15
  mc::spawn([&] {
    now.store(12, std::memory_order_seq_cst);  // seq_cst: as above
    const auto v = map.find(1);
    mc::require(!v || coder<value>::read(*v) == 6, "not the expired one");
  });
  mc::spawn([&] { map.insert_or_assign(word{1}, coder<value>::make(6)); });
  mc::spawn([&] {
    const bool late = now.load(std::memory_order_seq_cst) == 12;  // seq_cst: as above
    const auto v = map.peek(1);
    mc::require(!v || coder<value>::read(*v) == 6 || !late, "not the expired one");
    map.remove_expired();
  });
  mc::join_all();
  now.store(0, std::memory_order_seq_cst);  // seq_cst: what is there counts
  sound(map);
}

inline void single_flight_with_failure() {
  map_type map(options{.capacity = 1, .shards = 1});
  int runs = 0;
  int failed[2] = {};
  const auto get = [&](int& failure) {
    try {
      const word value = map.get_or_compute(1, [&]() -> word {
        if (++runs == 1) throw std::runtime_error("the first fails");
        return 7;
      });
      mc::require(value == 7, "the value");
    } catch (const std::runtime_error&) {
      ++failure;
    }
  };
  for (int& f : failed) mc::spawn([&] { get(f); });
  mc::spawn([&] { map.find(1); });
  mc::join_all();
  mc::require(runs == 2 && failed[0] + failed[1] == 1, "the next one who waits computes");
  sound(map);
}

/// What is too old is computed once, beside those who get the old value.
inline void refresh() {
  std::atomic<std::int64_t> now{0};
  options with;
  with.capacity = 2;
  with.shards = 1;
  with.refresh_after = concur::cache_duration::of_nanoseconds(10);
  with.clock = [&] {
    return concur::cache_duration::of_nanoseconds(now.load(std::memory_order_relaxed));
  };
  map_type map(with);
  map.try_emplace(word{1}, word{5});
  now.store(10, std::memory_order_relaxed);  // relaxed: before the threads
  std::atomic<int> runs{0};
  for (int t = 0; t < 2; ++t) {
    mc::spawn([&] {
      const word v = map.get_or_compute(1, [&]() -> word {
        runs.fetch_add(1, std::memory_order_relaxed);
        return 6;
      });
      mc::require(v == 5 || v == 6, "the old or the new one");
    });
  }
  mc::spawn([&] {
    const auto v = map.find(1);
    mc::require(v && (*v == 5 || *v == 6), "nobody waits for the new one");
  });
  mc::join_all();
  mc::require(runs == 1, "once");
  mc::require(map.peek(1) == word{6}, "the new one");
  sound(map);
}

/// The capacity changes, and with it the number of regions, beside insertions, hits and holders.
template <class Map>
void capacity_changes() {
  Map map(typename Map::options{.capacity = 3, .shards = 2});
  map.try_emplace(word{1}, word{10});
  map.try_emplace(word{9}, word{90});
  mc::spawn([&] {
    map.set_capacity(1);
    mc::require(map.capacity() == 1, "as told");
  });
  mc::spawn([&] {
    map.try_emplace(word{2}, word{20});
    const auto v = map.find(1);
    mc::require(!v || *v == 10, "its value");
  });
  mc::spawn([&] {
    auto entry = map.lock(9);
    if (entry.has_value()) mc::require(*entry == 90, "its value");
    if (!entry.has_value()) entry.emplace(word{90});
  });
  mc::join_all();
  sound(map);
}

/// Nothing is to stay, while somebody holds a key whose turn came: it is next itself when it is
/// left.
template <class Map>
void capacity_goes() {
  Map map(typename Map::options{.capacity = 1, .shards = 1});
  map.try_emplace(word{1}, word{10});
  mc::spawn([&] {
    auto entry = map.lock(1);
    mc::require(!entry.has_value() || *entry == 10, "its value");
    auto shared = entry.downgrade();
  });
  mc::spawn([&] { map.try_emplace(word{2}, word{20}); });
  mc::spawn([&] { map.set_capacity(0); });
  mc::join_all();
  mc::require(map.empty(), "nothing stays");
  sound(map);
}

/// A holder writes a new value while an insertion looks for what has expired.
inline void expired_while_held() {
  std::atomic<std::int64_t> now{0};
  options with;
  with.capacity = 4;
  with.shards = 1;
  with.time_to_live = concur::cache_duration::of_nanoseconds(10);
  with.clock = [&] {
    // relaxed: a time that orders nothing.
    return concur::cache_duration::of_nanoseconds(now.load(std::memory_order_relaxed));
  };
  map_type map(with);
  map.try_emplace(word{1}, word{5});
  mc::spawn([&] {
    auto entry = map.lock(1);
    now.store(10, std::memory_order_relaxed);  // relaxed: as above
    std::ignore = entry.exchange(6);
  });
  mc::spawn([&] { map.try_emplace(word{2}, word{7}); });
  mc::join_all();
  mc::require(map.peek(1) == word{6}, "what was just written has not expired");
}

/// A deadline that is made earlier, beside insertions, evictions and an erasure, is met by the next
/// insertion after it; one of an element that has left is not.
template <class Policy>
void deadlines_made_earlier() {
  using cache = tiny_cache<word, word, Policy>;
  constexpr std::int64_t tick = 1 << 20;
  std::atomic<std::int64_t> now{0};
  typename cache::options with;
  with.capacity = 3;
  with.shards = 1;
  with.time_to_live = concur::cache_duration::of_nanoseconds(1000 * tick);
  with.clock = [&] {
    // relaxed: a time that orders nothing.
    return concur::cache_duration::of_nanoseconds(now.load(std::memory_order_relaxed));
  };
  cache map(with);
  map.try_emplace(word{1}, word{10});
  map.try_emplace(word{2}, word{20});
  now.store(5 * tick, std::memory_order_relaxed);  // relaxed: as above
  mc::spawn([&] { map.set_expiry(1, concur::cache_duration::of_nanoseconds(tick)); });
  mc::spawn([&] {
    map.try_emplace(word{3}, word{30});
    map.try_emplace(word{4}, word{40});
  });
  mc::spawn([&] {
    map.set_expiry(2, concur::cache_duration::of_nanoseconds(tick));
    map.erase(2);
    map.try_emplace(word{2}, word{20});
  });
  mc::join_all();
  const bool has_1 = map.peek(1).has_value();
  const std::size_t before = map.size();
  now.store(10 * tick, std::memory_order_relaxed);  // relaxed: as above
  map.set_capacity(4);
  map.try_emplace(word{5}, word{50});
  mc::require(map.size() == before + (has_1 ? 0U : 1U), "what has expired is met");
  now.store(2000 * tick, std::memory_order_relaxed);  // relaxed: as above
  for (const word k : {6, 7, 8}) map.try_emplace(k, k * 10);
  mc::require(map.size() == 3, "nothing that has expired stays");
  sound(map);
}

/// The last pin goes while somebody makes a parked element too heavy.
inline void parked_refused_unpinned() {
  options with;
  with.capacity = 1;
  with.shards = 1;
  with.weigher = [](const word&, const word& v) { return v; };
  map_type map(with);
  mc::spawn([&] { const auto pin = map.async_lock(1); });
  mc::spawn([&] {
    {
      auto entry = map.lock(1);
      entry.value_or_emplace(word{1});
    }
    auto entry = map.lock(1);
    map.insert_or_assign(word{2}, word{1});  // parks 1
    if (entry.has_value()) *entry = 5;
  });
  mc::join_all();
  sound(map);
}

/// What is too heavy is shared, given up and waited for, and takes nothing with it when it goes.
inline void too_heavy_and_shared() {
  options with;
  with.capacity = 3;
  with.shards = 1;
  with.weigher = [](const word&, const word& v) { return v; };
  map_type map(with);
  map.try_emplace(word{2}, word{1});
  int plain = 0;
  mc::spawn([&] {
    auto entry = map.lock(1);
    ++plain;
    entry.value_or_emplace(word{5});
    const auto shared = entry.downgrade();
    mc::require(shared.has_value(), "it stays while it is held");
  });
  mc::spawn([&] {
    const auto shared = map.lock_shared(1);
    mc::require(!shared.has_value() || *shared == 5, "its value, or none");
  });
  mc::spawn([&] {
    const auto entry = map.lock(1);
    ++plain;
  });
  mc::join_all();
  mc::require(plain == 2, "each had the key");
  mc::require(!map.peek(1) && map.peek(2) == word{1}, "what is too heavy goes alone");
  sound(map);
}

/// One computation for those who wait for what does not stay: `once` counts the executions in which
/// all were served by one.
inline void single_flight_of_what_does_not_stay(int& once) {
  map_type map(options{.capacity = 0, .shards = 1});
  int runs = 0;
  const auto get = [&] {
    const word value = map.get_or_compute(1, [&]() -> word {
      ++runs;
      return 7;
    });
    mc::require(value == 7, "the value");
  };
  for (int t = 0; t < 3; ++t) mc::spawn(get);
  mc::join_all();
  if (runs == 1) ++once;
  sound(map);
}

inline concur_test::detached write_the_victim(wide_map& map) {
  auto entry = co_await map.async_lock(word{1});
  map.insert_or_assign(word{2}, three_words{});
}

/// A coroutine goes on where its key is given back, and wants the victim, which others want too.
inline void coroutine_wants_the_victim() {
  wide_map map(wide_map::options{.capacity = 1, .shards = 1});
  map.try_emplace(word{2}, three_words{});
  mc::spawn([&] {
    auto entry = map.lock(1);
    write_the_victim(map);
    entry.emplace(three_words{});
  });
  mc::spawn([&] { std::ignore = map.find(2); });
  mc::join_all();
  sound(map);
}

inline concur_test::detached use_both(map_type& map, int& plain) {
  auto entry = co_await map.async_lock(word{1});
  ++plain;
  map.insert_or_assign(word{2}, word{20});
  map.try_emplace(word{3}, word{30});
}

/// A coroutine goes on where a key is given back, also by an eviction: that holds no other key
/// then.
template <bool IsTold>
void coroutines_beside_eviction() {
  options with;
  with.capacity = 2;
  with.shards = 1;
  // Then no victim dies at once: all of a visit are held together.
  if (IsTold) with.on_evict = [](const word&, word&&, concur::eviction_cause) {};
  map_type map(with);
  map.try_emplace(word{1}, word{10});
  map.try_emplace(word{2}, word{20});
  int plain = 0;
  mc::spawn([&] { use_both(map, plain); });
  mc::spawn([&] {
    auto entry = map.lock(1);
    ++plain;
    entry.value_or_emplace(word{10});
  });
  mc::spawn([&] {
    map.set_capacity(0);
    map.set_capacity(1);
  });
  mc::join_all();
  mc::require(plain == 2, "each had the key");
  sound(map);
}

/// What a policy has its part in: for those that keep a history, in memory that they ask for.
template <class Policy>
std::vector<std::pair<std::string, std::function<void()>>> bodies_of_policy() {
  using cache = tiny_cache<word, word, Policy>;
  return {{"eviction beside locking", eviction_beside_locking<cache>},
          {"sharers of a victim", sharers_of_a_victim<cache>},
          {"hits beside eviction", hits_beside_eviction<Policy>},
          {"every value once", every_value_once<cache>},
          {"expiry", expiry<cache>},
          {"deadlines made earlier", deadlines_made_earlier<Policy>},
          {"capacity changes", capacity_changes<cache>},
          {"capacity goes", capacity_goes<cache>}};
}

/// All of the above, for the kill matrix.
inline std::vector<std::pair<std::string, std::function<void()>>> bodies() {
  return {{"eviction beside locking", eviction_beside_locking<map_type>},
          {"eviction beside locking, wide", eviction_beside_locking<wide_map>},
          {"sharers of a victim", sharers_of_a_victim<map_type>},
          {"hand over of a victim", hand_over_of_a_victim},
          {"hits beside eviction, exact", hits_beside_eviction<exact_lru>},
          {"hits beside eviction, lazy", hits_beside_eviction<lru>},
          {"every value once", every_value_once<map_type>},
          {"expiry", expiry<map_type>},
          {"expiry, wide", expiry<wide_map>},
          {"single flight with failure", single_flight_with_failure},
          {"refresh", refresh},
          {"capacity changes", capacity_changes<map_type>},
          {"capacity goes", capacity_goes<map_type>},
          {"expired while held", expired_while_held},
          {"deadlines made earlier", deadlines_made_earlier<exact_lru>},
          {"parked, refused, unpinned", parked_refused_unpinned},
          {"too heavy and shared", too_heavy_and_shared},
          {"a coroutine wants the victim", coroutine_wants_the_victim},
          {"coroutines beside eviction", coroutines_beside_eviction<false>},
          {"coroutines beside eviction, told", coroutines_beside_eviction<true>}};
}

}  // namespace scenarios::caches
