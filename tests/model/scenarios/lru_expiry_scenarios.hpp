// SPDX-License-Identifier: MIT
/// \file
/// Deadlines of lru_lockmap beside their values: whoever copies a value without taking its key must
/// not judge it by the deadline of another one. And what the mutants of the order of eviction need.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/lru_scenarios.hpp"

namespace scenarios::caches {

/// A clock that a scenario sets.
class set_clock {
 public:
  void set(std::int64_t at) noexcept {
    now_.store(at, std::memory_order_seq_cst);  // seq_cst: whoever looks after it was set sees it
  }
  std::int64_t at() const noexcept {
    return now_.load(std::memory_order_seq_cst);  // seq_cst: as above
  }
  /// Room for a few, which live for `live` if that is not 0.
  template <class Map>
  typename Map::options options(std::int64_t live) const {
    typename Map::options with;
    with.capacity = 4;
    with.shards = 1;
    with.time_to_live = concur::cache_duration::of_nanoseconds(live);
    with.clock = [this] { return concur::cache_duration::of_nanoseconds(at()); };
    return with;
  }

 private:
  std::atomic<std::int64_t> now_{0};
};

/// A value is replaced in time by one that lives longer. Who comes when the old one's time is over
/// does not get that because he sees the deadline of the new one: he has seen then that somebody
/// was writing.
template <class Map>
void deadline_of_another_value() {
  using value = typename Map::mapped_type;
  set_clock clock;
  Map map(clock.options<Map>(10));
  map.try_emplace(word{1}, coder<value>::make(5));  // until 10
  clock.set(5);
  mc::spawn([&] {
    clock.set(12);
    const auto look_at = [](const value& v) {
      mc::require(coder<value>::read(v) == 6, "not the expired one");
    };
    if (mc::pick(2) == 0) {
      if (const auto v = map.find(1)) look_at(*v);
    } else {
      map.cvisit_all([&](const auto& e) { look_at(e.second); });
    }
  });
  mc::spawn([&] { map.insert_or_assign(word{1}, coder<value>::make(6)); });  // until 15, or later
  mc::join_all();
  clock.set(0);
  sound(map);
}

/// What is saved is a value with its own deadline.
template <class Map>
void shown_with_its_deadline() {
  using value = typename Map::mapped_type;
  set_clock clock;
  Map map(clock.options<Map>(10));
  map.try_emplace(word{1}, coder<value>::make(5));
  clock.set(5);
  mc::spawn([&] {
    map.save([](const word&, const value& v, concur::cache_duration left) {
      mc::require(left.nanoseconds() == (coder<value>::read(v) == 5 ? 5 : 10), "its deadline");
    });
  });
  mc::spawn([&] { map.insert_or_assign(word{1}, coder<value>::make(6)); });
  mc::join_all();
  sound(map);
}

/// The first deadline of a cache that has no times: whoever knows of it asks what time it is.
template <class Map>
void first_deadline() {
  using value = typename Map::mapped_type;
  set_clock clock;
  Map map(clock.options<Map>(0));
  map.try_emplace(word{1}, coder<value>::make(5));
  mc::spawn([&] {
    map.set_expiry(word{1}, concur::cache_duration::of_nanoseconds(5));
    clock.set(12);
  });
  mc::spawn([&] {
    const bool late = clock.at() == 12;
    const auto v = map.find(1);
    mc::require(!v || !late, "not the expired one");
  });
  mc::join_all();
  mc::require(!map.peek(1), "it has expired");
  clock.set(0);
  sound(map);
}

/// A held victim comes back, and its turn comes again at once: it is not parked by somebody who has
/// seen it in the order, and held, just before its holder lets go.
inline void victim_again_and_again() {
  map_type map(options{.capacity = 1, .shards = 1});
  map.try_emplace(word{1}, word{10});
  mc::spawn([&] {
    const auto entry = map.lock(1);
    mc::require(!entry.has_value() || *entry == 10, "its value");
  });
  mc::spawn([&] {
    map.try_emplace(word{2}, word{20});
    map.try_emplace(word{3}, word{30});
  });
  mc::join_all();
  mc::require(map.size() == 1, "one of them is there");
  sound(map);
}

/// All of the above, for the kill matrix.
inline std::vector<std::pair<std::string, std::function<void()>>> expiry_bodies() {
  return {{"deadline of another value", deadline_of_another_value<map_type>},
          {"deadline of another value, wide", deadline_of_another_value<wide_map>},
          {"shown with its deadline", shown_with_its_deadline<map_type>},
          {"shown with its deadline, wide", shown_with_its_deadline<wide_map>},
          {"first deadline", first_deadline<map_type>},
          {"a victim again and again", victim_again_and_again}};
}

}  // namespace scenarios::caches
