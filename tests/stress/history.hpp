// SPDX-License-Identifier: MIT
/// \file
/// Random operations of real threads on a few hot keys, recorded with a fenced clock and checked:
/// every key by the linearizability checker, iterations and sizes against the intervals of the
/// operations around them. For every map of the vocabulary with integers as keys.
///
/// A long operation (its thread was descheduled in it) overlaps many others, and everything that
/// overlaps may have happened in any order: this finds coarse errors, on the machine as it is,
/// where the model checker finds fine ones in a world of its own.
#pragma once

#include "linearizability/intervals.hpp"
#include "linearizability/per_key.hpp"
#include "support/fenced_clock.hpp"
#include "support/threads.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace concur_test {

using linearizability::absent;
using linearizability::kind;
using linearizability::operation;

/// What a value of the map says as a number: all words of a wide one are equal, or it is torn.
template <class T>
struct coded {
  static T make(std::uint64_t n) { return static_cast<T>(n); }
  static std::uint64_t read(const T& v) { return static_cast<std::uint64_t>(v); }
};
template <std::size_t N>
struct coded<std::array<std::uint64_t, N>> {
  static constexpr std::uint64_t torn = 0xBAD;
  static std::array<std::uint64_t, N> make(std::uint64_t n) {
    std::array<std::uint64_t, N> v;
    v.fill(n);
    return v;
  }
  static std::uint64_t read(const std::array<std::uint64_t, N>& v) {
    for (const std::uint64_t w : v)
      if (w != v[0]) return torn;  // which nobody wrote
    return v[0];
  }
};
template <>
struct coded<std::string> {
  static std::string make(std::uint64_t n) {
    return "longer than a string holds in place: " + std::to_string(n);
  }
  static std::uint64_t read(const std::string& v) { return std::stoull(v.substr(v.rfind(' '))); }
};

/// The calling thread runs on `n` of its processors from now on, where that can be asked for.
inline void stay_on_processors([[maybe_unused]] int n) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed) && --n < 0) CPU_CLR(cpu, &allowed);
  static_cast<void>(sched_setaffinity(0, sizeof allowed, &allowed));
#endif
}

struct history_options {
  int threads = 6;
  int processors = 2;                ///< that they share
  std::uint64_t hot_keys = 3;        ///< every second operation goes to one of these
  std::uint64_t keys = 40;           ///< all that are written
  std::uint64_t lasting_keys = 40;   ///< more, that nobody writes
  std::uint64_t operations = 6'000;  ///< of each thread
  bool clears = false;               ///< now and then; then iterations and sizes are not looked at
};

/// All that was seen.
struct history {
  struct size_seen {
    std::uint64_t from;
    std::uint64_t to;
    std::uint64_t size;
  };
  std::vector<operation> operations;
  std::vector<linearizability::iteration> iterations;
  std::vector<size_seen> sizes;

  /// Empty, or what no order of the operations explains.
  std::string check() const {
    const linearizability::verdict v = linearizability::check_per_key(operations);
    if (v.inconclusive) return "too many operations of one key at once";
    if (!v.linearizable) return v.why;
    for (const linearizability::iteration& it : iterations)
      if (std::string why = linearizability::check_iteration(operations, it); !why.empty())
        return why;
    for (const size_seen& s : sizes)
      if (!linearizability::check_size(operations, s.from, s.to, s.size))
        return "size() was " + std::to_string(s.size);
    return "";
  }
  void append(history&& other) {
    operations.insert(operations.end(), other.operations.begin(), other.operations.end());
    for (auto& it : other.iterations) iterations.push_back(std::move(it));
    sizes.insert(sizes.end(), other.sizes.begin(), other.sizes.end());
  }
};

/// What one thread does and writes down.
template <class Map>
class history_thread {
  using key_type = typename Map::key_type;
  using mapped_type = typename Map::mapped_type;
  using code = coded<mapped_type>;

 public:
  history_thread(Map& map, const fenced_clock& clock, const history_options& how, int index,
                 unsigned seed)
      : map_(map), clock_(clock), how_(how), index_(index), random_(seed), seen_(how.keys, 1) {
    written_.operations.reserve(how.operations + how.keys + how.lasting_keys);
  }

  void run() {
    for (std::uint64_t i = 1; i <= how_.operations; ++i) {
      const std::uint64_t limit = random_() % 2 == 0 ? how_.hot_keys : how_.keys;
      one_key(kinds[random_() % std::size(kinds)], random_() % limit);
      if (i % 1'000 == 500) whole_map(i / 1'000);
    }
  }
  /// On one thread, beside nobody.
  void fill() {
    for (std::uint64_t k = 0; k < how_.lasting_keys; ++k) one_key(kind::insert, how_.keys + k);
  }
  void look_at_everything() {
    for (std::uint64_t k = 0; k < how_.keys + how_.lasting_keys; ++k) one_key(kind::find, k);
    if (how_.clears) return;
    iterate();
    ask_size();
  }
  history take() { return std::move(written_); }

 private:
  static constexpr kind kinds[] = {kind::find,    kind::find,        kind::find, kind::insert,
                                   kind::insert,  kind::assign,      kind::put,  kind::erase,
                                   kind::erase,   kind::take,        kind::add,  kind::replace,
                                   kind::replace, kind::erase_equal, kind::add};

  void one_key(kind what, std::uint64_t key) {
    operation o;
    o.what = what;
    o.key = key;
    o.thread = static_cast<std::uint8_t>(index_);
    // Values are all different, so that every answer says whose write it saw.
    o.argument = static_cast<std::uint64_t>(index_ + 2) << 40 | ++count_ << 4;
    if (what == kind::replace || what == kind::erase_equal) {
      o.argument2 = o.argument;
      o.argument = key < seen_.size() ? seen_[key] : 1;
    }
    o.invoked = clock_.begins();
    if (count_ % 64 == 0) std::this_thread::yield();
    o.result = call(o);
    o.returned = clock_.ends();
    if (what == kind::find && o.result != absent && key < seen_.size()) seen_[key] = o.result;
    written_.operations.push_back(o);
  }

  std::uint64_t call(const operation& o) {
    const auto key = static_cast<key_type>(o.key);
    const mapped_type value = code::make(o.argument);
    switch (o.what) {
      case kind::find:
        return number_of(map_.find(key));
      case kind::insert:
        return map_.insert({key, value}) ? 1 : 0;
      case kind::assign:
        return number_of(map_.exchange(key, value));
      case kind::put:
        return map_.insert_or_assign(key, value) ? 1 : 0;
      case kind::erase:
        return map_.erase(key);
      case kind::take:
        return number_of(map_.take(key));
      case kind::replace:
        return map_.replace_if_equal(key, value, code::make(o.argument2)) ? 1 : 0;
      case kind::erase_equal:
        return map_.erase_if_equal(key, value);
      default: {
        std::uint64_t before = absent;
        // A callback that may run again may have run in vain.
        const auto updated = map_.update(key, [&](mapped_type& v) {
          before = code::read(v);
          v = code::make(before + o.argument);
        });
        return updated == 1 ? before : absent;
      }
    }
  }
  static std::uint64_t number_of(const std::optional<mapped_type>& v) {
    return v ? code::read(*v) : absent;
  }

  void whole_map(std::uint64_t turn) {
    if (how_.clears) {
      if (index_ == 0) clear();
    } else if (index_ % 2 == 0) {
      iterate();
    } else {
      ask_size();
    }
    if (index_ != 1) return;
    if constexpr (requires { map_.reserve(1u); }) {
      if (turn % 2 == 0) map_.reserve(static_cast<std::size_t>(how_.keys) * 40);
    }
    if constexpr (requires { map_.shrink_to_fit(); }) {
      if (turn % 2 == 1) map_.shrink_to_fit();
    }
  }
  void iterate() {
    linearizability::iteration it;
    it.began = clock_.begins();
    map_.cvisit_all([&](const auto& e) {
      it.seen.push_back({static_cast<std::uint64_t>(e.first), code::read(e.second)});
    });
    it.ended = clock_.ends();
    written_.iterations.push_back(std::move(it));
  }
  void ask_size() {
    const std::uint64_t from = clock_.begins();
    const std::uint64_t size = map_.size();
    written_.sizes.push_back({from, clock_.ends(), size});
  }
  /// Erases every key, each at a moment of its own.
  void clear() {
    operation o;
    o.what = kind::remove;
    o.thread = static_cast<std::uint8_t>(index_);
    o.invoked = clock_.begins();
    map_.clear();
    o.returned = clock_.ends();
    for (o.key = 0; o.key < how_.keys + how_.lasting_keys; ++o.key)
      written_.operations.push_back(o);
  }

  Map& map_;
  const fenced_clock& clock_;
  const history_options& how_;
  int index_;
  std::minstd_rand random_;
  std::uint64_t count_ = 0;
  std::vector<std::uint64_t> seen_;  // the last value that this thread found
  history written_;
};

/// One run on a map of its own.
template <class Map>
history record_history(const history_options& how, unsigned seed, failures& found,
                       const fenced_clock& clock = fenced_clock()) {
  Map map;
  history all;
  history_thread<Map> before(map, clock, how, -1, seed);
  before.fill();
  std::vector<history_thread<Map>> threads;
  threads.reserve(static_cast<std::size_t>(how.threads));
  for (int i = 0; i < how.threads; ++i)
    threads.emplace_back(map, clock, how, i, seed + 1 + static_cast<unsigned>(i));
  on_threads(how.threads, found, [&](int index) {
    stay_on_processors(how.processors);
    threads[static_cast<std::size_t>(index)].run();
  });
  before.look_at_everything();
  all.append(before.take());
  for (auto& thread : threads) all.append(thread.take());
  return all;
}

}  // namespace concur_test
