// SPDX-License-Identifier: MIT
/// \file
/// Snapshots, forks and clears beside writers, checked against the state of the whole map: programs
/// that the tests and the kill matrix share.
#pragma once

#include <atomic>
#include <concur/detail/sync/backoff.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "scenarios/recorded_map.hpp"
#include "scenarios/tiny_hamt.hpp"

namespace scenarios {

template <class Snapshot>
std::uint64_t packed(const Snapshot& s) {
  std::uint64_t all = 0;
  std::size_t n = 0;
  for (const auto& [key, value] : s) {
    all |= value << (8 * key);
    ++n;
  }
  mc::require(n == s.size(), "a snapshot's size counts its elements");
  return all;
}

template <class Map>
struct observed : recorded_map<Map> {
  using recorded_map<Map>::record;
  using recorded_map<Map>::map;

  void find(std::uint64_t key) {
    const int id = record.begin();
    whole_operation o;
    o.single.what = kind::find;
    o.single.key = key;
    o.single.returned = 1;
    const auto found = map.find(key);
    o.single.result = found ? *found : absent;
    record.end(id, o);
  }
  void clear() {
    const int id = record.begin();
    whole_operation o;
    o.what = whole::clear;
    map.clear();
    record.end(id, o);
  }
  void snapshot() {
    const int id = record.begin();
    whole_operation o;
    o.what = whole::snapshot;
    const auto s = map.snapshot();
    record.end(id, o);  // the moment is before this, whatever is read afterwards
    o.result = packed(s);
    set(id, o);
    mc::require(packed(s) == o.result, "a snapshot does not change");
  }
  /// A fork is another map: what is written there is not seen here.
  void fork() {
    const int id = record.begin();
    whole_operation o;
    o.what = whole::snapshot;
    const auto s = map.snapshot();
    Map other(s);
    record.end(id, o);
    other.insert_or_assign(7, 9);
    other.erase(1);
    const std::uint64_t there = packed(other.snapshot());
    o.result = packed(s);
    set(id, o);
    mc::require((there & ~0xff00ULL) == ((o.result & ~0xff00ULL) | 9ULL << 56), "the fork's own");
    mc::require(other.size() == packed_count(there), "the fork's size");
  }

 private:
  static std::size_t packed_count(std::uint64_t all) {
    std::size_t n = 0;
    for (; all != 0; all >>= 8) n += (all & 0xff) != 0;
    return n;
  }
  void set(int id, const whole_operation& o) { record.end(id, o); }
};

template <class Map>
using program = std::vector<std::function<void(observed<Map>&)>>;

template <class Map>
void execute_program(const program<Map>& threads) {
  whole_recorder record;
  observed<Map> map{{record, {}}};
  map.put(1, 1);
  map.put(2, 1);
  map.put(5, 1);
  for (const auto& t : threads) mc::spawn([&map, &t] { t(map); });
  mc::join_all();
  map.snapshot();
  mc::require(record.check(), "no order of the operations explains the snapshots");
  const auto report = map.map.validate();
  mc::require(report.error == nullptr, report.error != nullptr ? report.error : "");
}

template <class Map>
std::vector<program<Map>> programs() {
  using m = observed<Map>;
  return {
      {[](m& x) {
         x.put(1, 2);
         x.put(5, 2);
       },
       [](m& x) {
         x.snapshot();
         x.snapshot();
       }},
      {[](m& x) {
         x.put(1, 2);
         x.put(2, 2);
       },
       [](m& x) {
         x.put(5, 3);
         x.erase(1);
       },
       [](m& x) {
         x.snapshot();
         x.snapshot();
       }},
      // A reader may decide about the proposal.
      {[](m& x) { x.put(1, 2); }, [](m& x) { x.find(1); },
       [](m& x) {
         x.snapshot();
         x.find(1);
       }},
      {[](m& x) {
         x.erase(1);
         x.erase(2);
         x.put(1, 4);
       },
       [](m& x) { x.snapshot(); }, [](m& x) { x.snapshot(); }},
      {[](m& x) {
         x.put(3, 3);
         x.put(4, 4);
       },
       [](m& x) {
         x.snapshot();
         x.find(3);
       },
       [](m& x) {
         x.find(4);
         x.snapshot();
       }},
      {[](m& x) { x.clear(); },
       [](m& x) {
         x.put(1, 2);
         x.put(3, 2);
       },
       [](m& x) {
         x.snapshot();
         x.find(2);
       }},
      {[](m& x) {
         x.put(1, 2);
         x.put(3, 2);
       },
       [](m& x) { x.fork(); }, [](m& x) { x.erase(2); }},
      {[](m& x) { x.clear(); }, [](m& x) { x.clear(); },
       [](m& x) {
         x.put(1, 2);
         x.snapshot();
       }},
  };
}

/// A reader decides about the proposal of an overtaken writer, when a second writer, of the next
/// generation, has copied the slot: he must see that there is a new root. The order of the three is
/// made by relaxed stores, which say nothing about the map. The reader reads inside of three other
/// reads, so that there is no room for the short walk, which would look at the root once more.
template <class Map>
void execute_second_writer() {
  Map map;
  map.insert({1, 1});
  map.insert({2, 1});
  std::atomic<int> stage{0};
  const auto wait_for = [&](int wanted) {
    concur::detail::backoff wait;
    while (stage.load(std::memory_order_relaxed) < wanted) wait.pause();
  };
  mc::spawn([&] {
    map.update(1, [&](std::uint64_t& value) {
      value = 2;
      if (stage.load(std::memory_order_relaxed) == 0) stage.store(1, std::memory_order_relaxed);
      wait_for(2);
    });
  });
  mc::spawn([&] {
    map.cvisit(2, [&](const auto&) {
      map.cvisit(2, [&](const auto&) {
        map.cvisit(2, [&](const auto&) {
          wait_for(2);
          map.cvisit(1, [](const auto& e) { mc::require(e.second <= 2, "no other value"); });
        });
      });
    });
  });
  mc::spawn([&] {
    wait_for(1);
    const auto before = map.snapshot();
    map.insert_or_assign(2, 5);
    stage.store(2, std::memory_order_relaxed);
    mc::require(*before.find(1) == 1, "the update is later than the snapshot");
  });
  mc::join_all();
  mc::require(map.find(1) == std::uint64_t{2}, "an update that returned has been lost");
}

/// The same with a writer (thread 1) that is stopped for ever between its proposal and its
/// decision: the reader decides, if he meets a proposal, and must not commit what the next
/// generation has not seen. Who waits for whom is settled where the checker does not see it:
/// nothing of it orders anything. So the writer's operations have the same numbers in every
/// execution.
class unseen_stage {
 public:
  unseen_stage() {
    mc::outside([] { now = 0; });
  }
  void reach(int stage) {
    mc::outside([stage] {
      if (now < stage) now = stage;
    });
  }
  void wait_for(int stage) {
    for (bool is_reached = false; !is_reached;) {
      mc::outside([&] { is_reached = now >= stage; });
      is_reached = is_reached || (stage == 1 && mc::frozen());
      if (!is_reached) mc::yield();
    }
  }

 private:
  inline static int now = 0;
};

/// The operations before which the writer is stopped: about thirty before its proposal, to as many
/// behind its decision.
inline constexpr std::uint32_t first_stop = 10;
inline constexpr std::uint32_t last_stop = 70;

template <class Map>
void execute_stopped_writer() {
  auto* const map = new Map;
  map->insert({1, 1});
  map->insert({2, 1});
  unseen_stage stage;
  mc::spawn([&] {
    map->update(1, [&](std::uint64_t& value) {
      value = 2;
      stage.reach(1);
      stage.wait_for(2);
    });
    stage.reach(3);
  });
  mc::spawn([&] {
    map->cvisit(2, [&](const auto&) {
      map->cvisit(2, [&](const auto&) {
        map->cvisit(2, [&](const auto&) {
          stage.wait_for(2);
          while (!mc::frozen() && !mc::reached(1)) mc::yield();
          map->cvisit(1, [](const auto& e) { mc::require(e.second <= 2, "no other value"); });
        });
      });
    });
    stage.reach(4);
  });
  mc::spawn([&] {
    stage.wait_for(1);  // or the writer was stopped earlier
    const auto before = map->snapshot();
    map->insert_or_assign(2, 5);
    mc::require(*before.find(1) == 1, "the update is later than the snapshot");
    stage.reach(2);
    stage.wait_for(4);
    mc::require(*before.find(1) == 1, "a snapshot does not change");
  });
  mc::join_all();
  if (!mc::frozen()) delete map;
}

/// Two threads ask a fork for its size, which is counted when somebody asks first.
template <class Map>
void execute_fork_size() {
  Map map;
  map.insert({1, 1});
  map.insert({2, 2});
  const Map fork(map.snapshot());
  for (int t = 0; t < 2; ++t) {
    mc::spawn([&] { mc::require(fork.size() == 2, "a fork has what its snapshot has"); });
  }
  mc::join_all();
}

template <class Map>
void require_sound(const Map& map) {
  const auto report = map.validate();
  mc::require(report.error == nullptr, report.error != nullptr ? report.error : "");
}

/// Branches go on one thread, and their copies, which have links together with them, on another.
template <class Map>
void execute_partings() {
  Map map;
  for (std::uint64_t key : {1, 2, 3}) map.insert({key, key});
  auto before = map.snapshot();
  auto fork = std::make_unique<Map>(before);
  fork->insert_or_assign(1, 11);
  mc::spawn([&] {
    fork->insert_or_assign(2, 12);
    mc::require(fork->find(1) == std::uint64_t{11}, "the fork's own");
    fork.reset();
  });
  mc::spawn([&] {
    map.insert_or_assign(1, 21);
    before = {};
  });
  mc::join_all();
  mc::require(map.find(1) == std::uint64_t{21} && map.find(2) == std::uint64_t{2}, "the map's own");
  require_sound(map);
}

/// Two writers at the same slot of a copy, which has its link together with a branch that goes.
template <class Map>
void execute_two_owners() {
  Map map;
  for (std::uint64_t key : {1, 2}) map.insert({key, key});
  auto before = map.snapshot();
  map.insert_or_assign(2, 12);
  mc::spawn([&] { map.insert_or_assign(1, 11); });
  mc::spawn([&] { map.erase(1); });
  mc::spawn([&] {
    mc::require(*before.find(1) == 1, "a snapshot does not change");
    before = {};
  });
  mc::join_all();
  mc::require(map.find(2) == std::uint64_t{12}, "what was written stays");
  require_sound(map);
}

/// A map and its last snapshot go on two threads: one of the two frees everything.
template <class Map>
void execute_last_owner() {
  auto map = std::make_unique<Map>();
  map->insert({1, 1});
  map->insert({2, 2});
  auto last = map->snapshot();
  map->insert({3, 3});
  mc::spawn([&] {
    mc::require(last.size() == 2 && *last.find(2) == 2, "a snapshot outlives its map");
    last = {};
  });
  mc::spawn([&] { map.reset(); });
  mc::join_all();
}

}  // namespace scenarios
