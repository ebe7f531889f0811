// SPDX-License-Identifier: MIT
/// \file
/// What the workloads share: a filled map, a timed loop over a stream of indices.
///
/// An adapter is a class template over key and value:
///
///     template <class Key, class T> struct my_map {
///         static constexpr const char* name = "my_map";
///         static constexpr role kind = role::peer;
///         explicit my_map(std::size_t n);      // n is for maps of role fixed, others ignore it
///         struct handle {                      // one per thread
///             explicit handle(my_map&);
///             bool find(const Key&, T& out);
///             bool insert(const Key&, const T&);
///             bool erase(const Key&);          // optional
///             void increment(const Key&);      // optional: absent counts as zero
///         };
///         T sum();                             // optional: visits every element
///         static constexpr bool in_processes = true;    // optional: threads are processes
///         static constexpr bool insert_assigns = true;  // optional: to what is there, too
///     };
#pragma once

#include "keys.hpp"
#include "machine.hpp"
#include "random.hpp"
#include "registry.hpp"

#include <algorithm>
#include <atomic>
#include <concepts>
#include <memory>
#include <new>
#include <vector>

namespace concur_bench {

using value = std::uint64_t;

template <class Map, class Key>
concept can_erase = requires(typename Map::handle& h, const Key& key) {
  h.erase(key);
};
template <class Map, class Key>
concept can_increment = requires(typename Map::handle& h, const Key& key) {
  h.increment(key);
};
/// Workers are processes that share the map: for workloads that are timed for a while.
template <class Map>
concept in_processes = requires {
  requires Map::in_processes;
};
/// The map has no insertion that leaves alone what is there.
template <class Map>
concept insert_assigns = requires {
  requires Map::insert_assigns;
};
template <class Map>
concept can_sum = requires(Map& map) {
  map.sum();
};

/// A value, or a reference that holds until the thread makes its next key.
template <class Key>
decltype(auto) key_of(std::uint32_t index) {
  return key_maker<Key>::make(index);
}

/// Inserts the keys of [0, n), shared out among the threads.
template <class Map, class Key>
team_time fill(Map& map, std::size_t n, unsigned threads) {
  return on_team(threads, [&](unsigned t) {
    typename Map::handle handle(map);
    for (std::size_t i = t; i < n; i += threads)
      handle.insert(key_of<Key>(static_cast<std::uint32_t>(i)), i);
  });
}

enum class leaves { as_it_was, changed };

/// A map with the keys of [0, n). Kept for the next workload if this one leaves it as it was.
template <class Map, class Key>
Map& filled(const parameters& p, std::size_t n, leaves afterwards) {
  static std::unique_ptr<Map> map;
  static std::size_t held = 0;
  if (map == nullptr || held != n) {
    release_kept_map();
    map = std::make_unique<Map>(n);
    held = n;
    const auto threads = static_cast<unsigned>(std::min<std::size_t>(p.threads, processors()));
    fill<Map, Key>(*map, n, threads);
    keep_map(+[] { map.reset(); });
  }
  if (afterwards == leaves::changed) held = 0;
  return *map;
}

/// Runs body(handle, index, sum) over each thread's stream, at first for an eighth of p.seconds
/// that does not count: caches, branch predictors, and what a thread, a process or the map does
/// once. Then begin(), and the measurement, of about p.seconds, by the same threads or processes.
template <class Map, class Body, class Begin>
measurement timed(Map& map, const parameters& p, stream_kind kind, const Body& body,
                  const Begin& begin) {
  struct alignas(128) record {
    const std::vector<std::uint32_t>* indices = nullptr;
    std::uint64_t operations = 0;
  };
  const shared_pages pages(p.threads * sizeof(record));
  auto* const records = static_cast<record*>(pages.data());
  for (unsigned t = 0; t != p.threads; ++t) new (records + t) record{&stream(kind, p.n, t)};
  const auto team = in_processes<Map> ? on_processes : on_team;
  const auto run_for = [&](unsigned t, double seconds) {
    typename Map::handle handle(map);
    const std::uint32_t* const indices = records[t].indices->data();
    const std::size_t mask = records[t].indices->size() - 1;
    value sum = 0;
    std::uint64_t done = 0;
    const std::uint64_t end = steady_nanoseconds() + static_cast<std::uint64_t>(seconds * 1e9);
    do {
      const std::uint32_t* const block = indices + (done & mask);
      for (std::size_t i = 0; i != stream_block; ++i) body(handle, block[i], sum);
      done += stream_block;
    } while (steady_nanoseconds() < end);
    keep(sum);
    records[t].operations = done;
  };
  const auto warm = [&](unsigned t) {
    // A page of the stream, as one of the map, may be dear to a process that never saw it.
    for (std::size_t i = 0; i < records[t].indices->size(); i += 1024) {
      keep((*records[t].indices)[i]);
    }
    run_for(t, p.seconds / 8);
  };
  const team_time time =
      team(p.threads, [&](unsigned t) { run_for(t, p.seconds); }, {warm, [&] { begin(); }});
  measurement m{0, time.seconds, time.cpu_share, {}};
  for (unsigned t = 0; t != p.threads; ++t) {
    m.operations += static_cast<double>(records[t].operations);
  }
  return m;
}

template <class Map, class Body>
measurement timed(Map& map, const parameters& p, stream_kind kind, const Body& body) {
  return timed(map, p, kind, body, [] {});
}

/// What the first use of a map does once in a process, and not for every map: asks the kernel,
/// registers the thread.
template <class Map, class Key>
void use_once(unsigned threads) {
  constexpr std::size_t few = 1024;
  Map map(few);
  fill<Map, Key>(map, few, threads);
}

/// Repeats a piece of work of fixed size, `round() -> team_time`, until it has taken p.seconds, or
/// twice that with what is not timed: some maps take milliseconds to be made.
template <class Round>
measurement repeated(const parameters& p, double operations_a_round, const Round& round) {
  measurement m{0, 0, 0, {}};
  const std::uint64_t end = steady_nanoseconds() + static_cast<std::uint64_t>(p.seconds * 2e9);
  for (int i = 0; i == 0 || (m.seconds < p.seconds && steady_nanoseconds() < end); ++i) {
    const team_time time = round();
    m.operations += operations_a_round;
    m.cpu_share += time.cpu_share * time.seconds;
    m.seconds += time.seconds;
  }
  m.cpu_share /= m.seconds;
  return m;
}

}  // namespace concur_bench
