// SPDX-License-Identifier: MIT
/// \file
/// Reads of several keys as of one moment, checked against the state of the whole map.
#pragma once

#include "scenarios/recorded_map.hpp"
#include "scenarios/tiny_seqmap.hpp"

namespace scenarios {

template <class Map>
struct whole_map : recorded_map<Map> {
  using recorded_map<Map>::record;
  using recorded_map<Map>::map;

  /// One key, by `find`: what a writer has stored may be seen before he has unlocked the bucket.
  void look(std::uint64_t key) {
    const int id = record.begin();
    whole_operation o;
    o.what = whole::read_some;
    o.mask = std::uint64_t{0xff} << (8 * key);
    if (const auto x = map.find(key)) o.result = *x << (8 * key);
    record.end(id, o);
  }
  /// The only writer of a key adds `n` to its value, which becomes `value`.
  void add(std::uint64_t key, std::uint64_t n, std::uint64_t value) {
    const int id = record.begin();
    whole_operation o;
    o.single.what = kind::put;
    o.single.key = key;
    o.single.argument = value;
    o.single.returned = 1;
    o.single.result = 0;
    mc::require(map.fetch_add(key, n) == value - n, "nobody else writes it");
    record.end(id, o);
  }
  void read(std::uint64_t a, std::uint64_t b) {
    const int id = record.begin();
    whole_operation o;
    o.what = whole::read_some;
    o.mask = std::uint64_t{0xff} << (8 * a) | std::uint64_t{0xff} << (8 * b);
    const auto [x, y] = map.read_together(a, b);
    if (x) o.result |= *x << (8 * a);
    if (y) o.result |= *y << (8 * b);
    record.end(id, o);
  }
};

using together_map = whole_map<tiny_seqmap<word, word>>;

using together_threads = std::vector<std::function<void(together_map&)>>;

inline void execute_together(const together_threads& threads) {
  whole_recorder record;
  together_map map{{record, {}}};
  map.put(1, 1);
  map.put(2, 1);
  map.put(5, 1);
  for (const auto& t : threads) mc::spawn([&map, &t] { t(map); });
  mc::join_all();
  map.read(1, 5);
  mc::require(record.check(), "no order of the operations explains what was read together");
}

inline std::vector<together_threads> together_scenarios() {
  using m = together_map;
  return {
      {[](m& x) { x.put(1, 2); },
       [](m& x) {
         x.look(1);
         x.put(5, 3);
       },
       [](m& x) {
         x.read(1, 5);
         x.read(1, 5);
       }},
      {[](m& x) {
         x.put(1, 2);
         x.put(5, 2);
       },
       [](m& x) {
         x.read(1, 5);
         x.read(5, 1);
       }},
      {[](m& x) {
         x.add(1, 1, 2);
         x.add(5, 1, 2);
       },
       [](m& x) {
         x.read(1, 5);
         x.read(5, 1);
       }},
      {[](m& x) {
         x.put(1, 2);
         x.put(5, 2);
       },
       [](m& x) {
         x.put(5, 3);
         x.put(1, 3);
       },
       [](m& x) { x.read(1, 5); }},
      {[](m& x) {
         x.erase(1);
         x.put(5, 2);
       },
       [](m& x) {
         x.read(1, 5);
         x.read(1, 2);
       }},
      {[](m& x) {
         x.put(1, 2);
         x.put(2, 2);
       },
       [](m& x) { x.read(2, 1); }, [](m& x) { x.erase(2); }},
      {[](m& x) {
         x.put(1, 2);
         x.put(5, 2);
       },
       [](m& x) { x.read(1, 5); }, [](m& x) { x.map.reserve(20); }},
      {[](m& x) {
         x.put(1, 2);
         x.put(5, 2);
       },
       [](m& x) { x.read(1, 5); },
       [](m& x) {
         x.map.reserve(20);
         x.map.shrink_to_fit();
       }},
      {[](m& x) {
         x.put(3, 2);
         x.put(4, 2);
       },
       [](m& x) {
         x.read(3, 4);
         x.read(4, 5);
       },
       [](m& x) {
         x.erase(1);
         x.put(5, 2);
       }},
  };
}

}  // namespace scenarios
