// SPDX-License-Identifier: MIT
/// \file
/// lockmap in a tiny world: one shard, every state that was taken out is freed as soon as nobody
/// looks at it. And what only a lockmap has: bodies that hold, hand over and share keys. A plain
/// variable under each lock lets the checker see whether it excludes.
#pragma once

#include <concur/lockmap_async.hpp>

#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "scenarios/vocabulary_adapter.hpp"
#include "support/detached.hpp"

namespace scenarios::locks {

struct tiny_tuning : concur::detail::lockmap::default_tuning {
  static constexpr unsigned log2_shards = 0;
  static constexpr std::size_t retire_batch = 1;
  static constexpr std::uint32_t waiting_batches = 0;
};

template <class Key, class T>
using tiny_lockmap =
    concur::detail::basic_lockmap<Key, T, placed_hash, std::equal_to<>,
                                  std::allocator<std::pair<const Key, T>>, tiny_tuning>;

using word = std::uint64_t;
using three_words = std::array<std::uint64_t, 3>;
using four_words = std::array<std::uint64_t, 4>;

// Read without a lock; values that are shared to be read; keys that are pinned to be compared.
using narrow = vocabulary_adapter<tiny_lockmap<word, word>, word, word>;
using wide_value = vocabulary_adapter<tiny_lockmap<word, three_words>, word, three_words>;
using wide_key = vocabulary_adapter<tiny_lockmap<four_words, word>, four_words, word>;

using map_type = tiny_lockmap<word, word>;

inline void nothing_left(const map_type& map) {
  mc::require(map.stats().keys == map.size(), "no state without a value is left");
}

/// Threads take the same key in turn, each in another way, and none is forgotten.
inline void hand_over() {
  map_type map;
  int plain = 0;
  for (int t = 0; t < 3; ++t) {
    mc::spawn([&] {
      auto entry = map.lock(1);
      ++plain;
    });
  }
  mc::join_all();
  mc::require(plain == 3, "each had the key");
  nothing_left(map);
}

/// The same key often: the front of the queue is overtaken, and then granted.
inline void contended() {
  map_type map;
  int plain = 0;
  for (int t = 0; t < 3; ++t) {
    mc::spawn([&] {
      for (int i = 0; i < 2; ++i) {
        auto entry = map.lock(1);
        ++plain;
      }
    });
  }
  mc::join_all();
  mc::require(plain == 6, "each had the key");
  nothing_left(map);
}

inline void readers_and_writers() {
  map_type map;
  map.insert({1, 0});
  int a = 0;
  int b = 0;
  for (int t = 0; t < 2; ++t) {
    mc::spawn([&] {
      auto entry = map.lock_shared(1);
      mc::require(a == b, "a writer is not seen at work");
      auto again = map.lock_shared(1);
    });
  }
  for (int t = 0; t < 2; ++t) {
    mc::spawn([&] {
      auto entry = map.lock(1);
      ++a;
      ++*entry;
      ++b;
    });
  }
  mc::join_all();
  mc::require(a == 2 && map.find(1) == 2, "both wrote");
}

/// A key appears, is looked at and disappears, with and without a value.
inline void absent_keys() {
  map_type map;
  mc::spawn([&] {
    auto entry = map.lock(1);
    entry.emplace(7U);
  });
  mc::spawn([&] {
    auto entry = map.lock(1);
    if (entry.has_value()) entry.reset();
  });
  mc::spawn([&] {
    if (auto entry = map.try_lock(1)) mc::require(!entry.has_value() || *entry == 7, "whole");
    const auto seen = map.find(1);
    mc::require(!seen || *seen == 7, "whole");
  });
  mc::join_all();
  nothing_left(map);
}

inline void many_keys() {
  map_type map;
  map.insert({1, 10});
  int plain[4] = {};
  for (word t = 0; t < 3; ++t) {
    mc::spawn([&, t] {
      const word one = t + 1;
      const word two = (t + 1) % 3 + 1;
      auto both = map.lock_all({one, two, one});
      mc::require(both.size() == 2, "each once");
      ++plain[one];
      ++plain[two];
    });
  }
  mc::join_all();
  mc::require(plain[1] + plain[2] + plain[3] == 6, "each had both");
  nothing_left(map);
}

inline void many_keys_or_none() {
  map_type map;
  int plain[4] = {};
  const auto use = [&](map_type::entries keys, word one, word two) {
    if (!keys) return;
    ++plain[one];
    ++plain[two];
  };
  mc::spawn([&] { use(map.try_lock_all({1, 2}), 1, 2); });
  mc::spawn([&] { use(map.lock_all({2, 3}), 2, 3); });
  mc::spawn([&] { use(map.try_lock_all_for({3, 1}, std::chrono::microseconds(5)), 3, 1); });
  mc::join_all();
  mc::require(plain[3] >= 1, "lock_all does not give up");
  nothing_left(map);
}

inline void single_flight() {
  map_type map;
  int runs = 0;
  for (int t = 0; t < 3; ++t) {
    mc::spawn([&] {
      const word value = map.get_or_compute(1, [&] {
        ++runs;
        return word{7};
      });
      mc::require(value == 7, "the value");
    });
  }
  mc::join_all();
  mc::require(runs == 1, "once");
}

inline void single_flight_with_failure() {
  map_type map;
  int runs = 0;
  int failures = 0;
  const auto get = [&](int& failed) {
    try {
      const word value = map.get_or_compute(1, [&]() -> word {
        if (++runs == 1) throw std::runtime_error("the first fails");
        return 7;
      });
      mc::require(value == 7, "the value");
    } catch (const std::runtime_error&) {
      ++failed;
    }
  };
  int failed[3] = {};
  for (int& f : failed) mc::spawn([&] { get(f); });
  mc::join_all();
  for (const int f : failed) failures += f;
  mc::require(runs == 2 && failures == 1, "the next one who waits computes");
  nothing_left(map);
}

inline void timed() {
  map_type map;
  int plain = 0;
  mc::spawn([&] {
    if (auto entry = map.try_lock_for(1, std::chrono::microseconds(3))) ++plain;
  });
  mc::spawn([&] {
    auto entry = map.lock(1);
    ++plain;
  });
  mc::spawn([&] {
    if (auto entry = map.try_lock_shared_for(1, std::chrono::microseconds(3))) {
      mc::require(plain >= 0 && plain <= 2, "read");
    }
  });
  mc::join_all();
  mc::require(plain == 1 || plain == 2, "had or given up");
  nothing_left(map);
}

inline void up_and_down() {
  map_type map;
  map.insert({1, 0});
  int plain = 0;
  for (int t = 0; t < 2; ++t) {
    mc::spawn([&] {
      auto shared = map.lock_shared(1);
      if (auto entry = shared.try_upgrade()) {
        ++plain;
        ++*entry;
        shared = entry.downgrade();
        mc::require(*shared == static_cast<word>(plain), "what it wrote");
      }
    });
  }
  mc::spawn([&] {
    auto entry = map.lock(1);
    ++plain;
    ++*entry;
    const auto shared = entry.downgrade();
    mc::require(*shared == static_cast<word>(plain), "what it wrote");
  });
  mc::join_all();
  mc::require(map.find(1) == static_cast<word>(plain), "the value counts");
}

inline concur_test::detached add_one(map_type& map, int& plain) {
  auto entry = co_await map.async_lock(word{1});
  ++plain;
}

/// Coroutines queue with threads; whoever gives the key back runs them to their end.
inline void coroutines() {
  map_type map;
  int plain = 0;
  for (int t = 0; t < 2; ++t) {
    mc::spawn([&] { add_one(map, plain); });
  }
  mc::spawn([&] {
    auto entry = map.lock(1);
    ++plain;
  });
  mc::join_all();
  mc::require(plain == 3, "each had the key");
  nothing_left(map);
}

/// A state is found while it is taken out and its memory is used again.
inline void removal_beside_readers() {
  map_type map;
  map.insert({1, 5});
  mc::spawn([&] {
    map.erase(1);
    map.insert({2, 6});
  });
  mc::spawn([&] {
    for (int i = 0; i < 2; ++i) {
      const auto one = map.find(1);
      mc::require(!one || *one == 5, "its own value");
    }
    const auto two = map.find(2);
    mc::require(!two || *two == 6, "its own value");
  });
  mc::spawn([&] { map.update(1, [](word& v) { mc::require(v == 5, "its own value"); }); });
  mc::join_all();
  nothing_left(map);
}

/// Keys that come with the value, all of one hash: no character of theirs belongs to another
/// library's code.
struct same_hash {
  std::size_t operator()(const std::u16string&) const noexcept { return 42; }
};

using late_map =
    concur::detail::basic_lockmap<std::u16string, word, same_hash, std::equal_to<>,
                                  std::allocator<std::pair<const std::u16string, word>>,
                                  tiny_tuning>;

/// Beside a key that is computed and comes to nothing, or to a value, others want it, or another
/// one of its hash: the state in the table has no key meanwhile.
inline void keys_that_come_late() {
  late_map map;
  const std::u16string one = u"1";
  const std::u16string two = u"2";
  mc::spawn([&] { map.compute(one, [](std::optional<word>&) {}); });
  mc::spawn([&] {
    auto all = map.lock_all({one});
    mc::require(all.size() == 1 && all.begin()->key() == one, "the key that was asked for");
    all.begin()->value_or_emplace(7U);
  });
  mc::spawn([&] {
    const auto entry = map.lock(two);
    mc::require(entry.key() == two && !entry.has_value(), "the key that was asked for");
    map.compute(one, [](std::optional<word>& v) { mc::require(!v || *v == 7, "whole"); });
  });
  mc::join_all();
  mc::require(map.size() == 1 && map.find(one) == word{7}, "what is left");
  mc::require(map.stats().keys == 1, "no state without a value is left");
}

inline concur_test::detached count_in(late_map& map, std::u16string key, int& plain) {
  auto entry = co_await map.async_lock(key);
  mc::require(entry.key() == key, "the key that was asked for");
  ++entry.value_or_emplace(0U);
  if (key == u"1") ++plain;
}

/// The same with coroutines, which look again when they have a state that is not their key's.
inline void coroutines_for_late_keys() {
  late_map map;
  int plain = 0;
  mc::spawn([&] { map.compute(u"1", [&](std::optional<word>&) { ++plain; }); });
  mc::spawn([&] {
    count_in(map, u"1", plain);
    count_in(map, u"2", plain);
  });
  mc::spawn([&] { count_in(map, u"1", plain); });
  mc::join_all();
  mc::require(plain == 3 && map.find(u"2") == word{1}, "each had its key");
  mc::require(map.stats().keys == map.size(), "no state without a value is left");
}

/// Removed states wait for the next removal, and are freed then, if all others are known to have
/// let go of them: by a section that they have begun since, or because they fence themselves.
struct waiting_tuning : tiny_tuning {
  static constexpr std::uint32_t waiting_batches = 1;
};

inline void removals_that_wait() {
  using waiting_map =
      concur::detail::basic_lockmap<word, word, placed_hash, std::equal_to<>,
                                    std::allocator<std::pair<const word, word>>, waiting_tuning>;
  waiting_map map;
  // By a thread that ends: who fills it and idles would keep them all waiting.
  mc::spawn([&] {
    for (word k = 1; k <= 4; ++k) map.insert({k, 10 * k});
  });
  mc::join_all();
  mc::spawn([&] {
    for (word k = 1; k <= 4; ++k) {
      map.erase(k);
      if (k > 1) map.insert({k + 4, 10 * (k + 4)});
    }
  });
  const auto is_whole = [](const std::optional<word>& seen, word k) {
    mc::require(!seen || *seen == 10 * k, "its own value");
  };
  mc::spawn([&] {
    for (word k = 1; k <= 6; ++k) is_whole(map.find(k), k);
  });
  mc::spawn([&] {
    for (word k = 1; k <= 3; ++k) {
      map.update(k, [&](word& v) { mc::require(v == 10 * k, "its own value"); });
    }
  });
  mc::join_all();
  mc::require(map.size() == 3 && map.stats().keys == 3, "what is left");
}

struct named_body {
  const char* name;
  void (*body)();
};

inline std::vector<named_body> bodies() {
  return {{"hand over", hand_over},
          {"contended", contended},
          {"timed", timed},
          {"readers and writers", readers_and_writers},
          {"up and down", up_and_down},
          {"absent keys", absent_keys},
          {"removal beside readers", removal_beside_readers},
          {"removals that wait", removals_that_wait},
          {"lock_all", many_keys},
          {"try_lock_all", many_keys_or_none},
          {"single flight", single_flight},
          {"single flight with failure", single_flight_with_failure},
          {"coroutines", coroutines}};
}

}  // namespace scenarios::locks
