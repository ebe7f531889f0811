// SPDX-License-Identifier: MIT
/// \file
/// Scenarios for any map of the vocabulary. A scenario is data: what is in the map before, what
/// each thread calls. An adapter makes calls of it:
///
///     struct adapter {
///       static constexpr bool can(kind);        // which operations the map has
///       std::uint64_t call(const call&);        // result as in linearizability/operation.hpp
///       template <class F> void iterate(F&&);   // f(key, value)
///       std::uint64_t size();
///       void grow(std::size_t); void shrink(); void clear();
///       void check_structure();                 // optional: invariants of the quiet map
///     };
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "checker/mc.hpp"
#include "scenarios/recorder.hpp"
#if !defined(CONCUR_MODEL_WITHOUT_CATCH)  // the long run has a main of its own
#include "scenarios/explore.hpp"
#endif

namespace scenarios {

enum class verb : std::uint8_t { one_key, grow, shrink, clear, iterate, size };

struct call {
  kind what = kind::find;
  std::uint64_t key = 0;
  std::uint64_t argument = 0;
  std::uint64_t argument2 = 0;
  verb kind_of_call = verb::one_key;
};

struct scenario {
  std::string name;
  std::vector<call> before;
  std::vector<std::vector<call>> threads;
  bool needs_real_time = false;
};

inline constexpr std::uint64_t key_limit = 32;

/// How often `clear` may come upon one key, if it is inserted anew meanwhile.
template <class Adapter>
inline constexpr int removals_of_clear = 1;
template <class Adapter>
  requires requires {
    Adapter::removals_of_clear;
  }
inline constexpr int removals_of_clear<Adapter> = Adapter::removals_of_clear;

template <class Adapter>
void perform(Adapter& map, recorder& record, const call& c) {
  using linearizability::iteration;
  switch (c.kind_of_call) {
    case verb::one_key: {
      const int id = record.begin(c.what, c.key, c.argument, c.argument2);
      record.end(id, map.call(c));
      return;
    }
    case verb::grow:
      map.grow(static_cast<std::size_t>(c.argument));
      return;
    case verb::shrink:
      map.shrink();
      return;
    case verb::clear: {  // erases every key, each at a moment of its own
      int ids[4 * removals_of_clear<Adapter>];
      for (int& id : ids)
        id = record.begin(kind::remove, static_cast<std::uint64_t>(&id - ids) % 4 + 1);
      map.clear();
      for (int id : ids) record.end(id, 0);
      return;
    }
    case verb::iterate: {
      iteration it;
      it.began = record.begins();
      map.iterate([&](std::uint64_t key, std::uint64_t value) {
        const mc::unseen scope;
        it.seen.push_back({key, value});
      });
      it.ended = record.ends();
      // Checked at the end, when every overlapping operation is known: kept as a promise.
      record.check_iteration(it);
      const mc::unseen scope;
      it.seen.clear();
      it.seen.shrink_to_fit();
      return;
    }
    case verb::size: {
      const std::uint64_t from = record.begins();
      const std::uint64_t n = map.size();
      const std::uint64_t to = record.ends();
      record.check_size(from, to, n);
      return;
    }
  }
}

/// What is in the map when all is quiet: every way to ask gives the same answer.
template <class Adapter>
void check_quiet(Adapter& map, recorder& record, const scenario& s) {
  std::uint64_t present[key_limit];
  std::uint64_t n = 0;
  for (std::uint64_t k = 0; k < key_limit; ++k) present[k] = absent;
  bool used[key_limit] = {};
  const auto mark = [&](const call& c) {
    if (c.kind_of_call == verb::one_key) used[c.key] = true;
  };
  for (const call& c : s.before) mark(c);
  for (const auto& t : s.threads)
    for (const call& c : t) mark(c);
  for (std::uint64_t k = 0; k < key_limit; ++k) {
    if (!used[k]) continue;
    const int id = record.begin(kind::find, k);
    present[k] = map.call({kind::find, k});
    record.end(id, present[k]);
    if (present[k] != absent) ++n;
  }
  mc::require(map.size() == n, "size() counts what is there");
  map.iterate([&](std::uint64_t key, std::uint64_t value) {
    mc::require(key < key_limit && present[key] == value, "iteration shows what find finds");
    present[key] = absent;
    --n;
  });
  mc::require(n == 0, "iteration shows everything");
}

template <class Adapter>
void execute(const scenario& s) {
  recorder record(s.needs_real_time || mc::pick(2) == 1 ? precedence::real_time
                                                        : precedence::causal);
  Adapter map;
  for (const call& c : s.before) perform(map, record, c);
  for (const auto& t : s.threads)
    mc::spawn([&map, &record, &t] {
      for (const call& c : t) perform(map, record, c);
    });
  mc::join_all();
  check_quiet(map, record, s);
  if constexpr (requires { map.check_structure(); }) map.check_structure();
  record.check();
}

#if !defined(CONCUR_MODEL_WITHOUT_CATCH)
template <class Adapter>
std::uint64_t explore(const scenario& s, std::uint64_t executions, mc::options base = {}) {
  return explore(
      s.name, executions, [&s] { execute<Adapter>(s); }, base);
}
#endif

// The scenarios ----------------------------------------------------------------------------------

inline call on(kind what, std::uint64_t key, std::uint64_t a = 0, std::uint64_t b = 0) {
  return {what, key, a, b, verb::one_key};
}
inline call whole(verb v, std::uint64_t n = 0) {
  return {kind::find, 0, n, 0, v};
}

inline std::string name_of(kind k) {
  operation o;
  o.what = k;
  const std::string s = linearizability::to_string(o);
  return s.substr(3, s.find('(') - 3);
}

/// Every pair of operations, on the same key and on two keys of the same place, in a map at rest
/// and while its table is being replaced by a larger or a smaller one.
template <class Adapter>
std::vector<scenario> pairs() {
  constexpr kind kinds[] = {kind::find,      kind::insert,     kind::assign,  kind::put,
                            kind::erase,     kind::take,       kind::replace, kind::add,
                            kind::fetch_add, kind::erase_equal};
  std::vector<scenario> all;
  const auto make = [](kind k, std::uint64_t key, std::uint64_t value) {
    const bool compares = k == kind::replace || k == kind::erase_equal;
    return on(k, key, compares ? 10 : value, value + 1);
  };
  for (std::size_t i = 0; i < std::size(kinds); ++i)
    for (std::size_t j = i; j < std::size(kinds); ++j) {
      if (!Adapter::can(kinds[i]) || !Adapter::can(kinds[j])) continue;
      for (const std::uint64_t other : {1, 2})
        for (const bool present : {true, false})
          for (int table = 0; table < 3; ++table) {
            if (other == 2 && !present && table == 0) continue;
            scenario s;
            s.name = name_of(kinds[i]) + " beside " + name_of(kinds[j]) +
                     (other == 1 ? ", same key" : ", same place") + (present ? "" : ", absent") +
                     (table == 0   ? ""
                      : table == 1 ? ", growing"
                                   : ", shrinking");
            if (table == 2) s.before.push_back(whole(verb::grow, 40));
            if (present) s.before.push_back(on(kind::insert, 1, 10));
            s.before.push_back(on(kind::insert, 3, 30));
            s.threads = {{make(kinds[i], 1, 100), on(kind::find, 1)},
                         {make(kinds[j], other, 200), on(kind::find, 1)}};
            if (table == 1) s.threads.push_back({whole(verb::grow, 20)});
            if (table == 2) s.threads.push_back({whole(verb::shrink)});
            all.push_back(std::move(s));
          }
    }
  return all;
}

/// Growth that the insertions cause themselves, erasures that shrink, more than a place holds,
/// reuse of cells, three and four threads, whole-map operations beside others.
inline std::vector<scenario> mixes() {
  using k = kind;
  std::vector<scenario> all;
  const auto add = [&](const char* name, std::vector<call> before,
                       std::vector<std::vector<call>> threads, bool real_time = false) {
    all.push_back({name, std::move(before), std::move(threads), real_time});
  };
  add("three inserts of one key", {},
      {{on(k::insert, 1, 1)}, {on(k::insert, 1, 2)}, {on(k::insert, 1, 3), on(k::find, 1)}});
  add("the first inserts of an empty map", {},
      {{on(k::insert, 1, 1), on(k::find, 2)},
       {on(k::insert, 2, 2), on(k::find, 1)},
       {on(k::find, 1)}});
  add("inserts that make it grow", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{on(k::insert, 3, 3), on(k::insert, 4, 4), on(k::find, 1)},
       {on(k::insert, 5, 5), on(k::insert, 6, 6), on(k::find, 2)},
       {on(k::find, 1), on(k::find, 3), on(k::find, 5)}});
  add("inserts into one place beyond its cells", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{on(k::insert, 3, 3), on(k::find, 4)},
       {on(k::insert, 4, 4), on(k::find, 3)},
       {on(k::erase, 1), on(k::find, 3)}});
  add("a displaced element beside erasures at home",
      {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3), on(k::insert, 4, 4)},
      {{on(k::erase, 1), on(k::insert, 5, 5)},
       {on(k::find, 4), on(k::find, 4)},
       {on(k::assign, 4, 44), on(k::erase, 2)}});
  add("a displaced element that comes home and goes",
      {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3), on(k::insert, 4, 4)},
      {{on(k::erase, 2), on(k::erase, 4)},
       {on(k::find, 4), on(k::insert, 6, 6)},
       {on(k::erase, 4), on(k::find, 3)}});
  add("a displaced element that cannot come home",
      {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3), on(k::insert, 4, 4),
       on(k::insert, 8, 8)},
      {{on(k::erase, 1), on(k::insert, 4, 44)},
       {on(k::assign, 3, 33), on(k::assign, 8, 88)},
       {on(k::insert, 2, 22), on(k::insert, 4, 45)}});
  add("one cell, three keys in turn", {on(k::insert, 1, 1)},
      {{on(k::erase, 1), on(k::insert, 2, 2), on(k::erase, 2), on(k::insert, 3, 3)},
       {on(k::find, 1), on(k::find, 2), on(k::find, 3)}});
  add("a cell filled anew beside an insertion of the key", {on(k::insert, 1, 1)},
      {{on(k::erase, 1), on(k::insert, 2, 2)}, {on(k::insert, 2, 3), on(k::find, 2)}});
  add("one key erased and inserted again", {on(k::insert, 1, 1)},
      {{on(k::erase, 1), on(k::insert, 1, 2)},
       {on(k::assign, 1, 3)},
       {on(k::find, 1), on(k::find, 1)}});
  add("additions from three threads", {on(k::insert, 1, 1)},
      {{on(k::add, 1, 10)}, {on(k::add, 1, 100)}, {on(k::add, 1, 1000), on(k::find, 1)}});
  add("additions while it grows", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{on(k::add, 1, 10), on(k::add, 1, 20)},
       {on(k::add, 1, 100)},
       {whole(verb::grow, 20), on(k::find, 1)}});
  add("erasures while it grows", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{on(k::erase, 1), on(k::insert, 1, 5)},
       {whole(verb::grow, 20)},
       {on(k::find, 1), on(k::erase, 2)}});
  add("grows twice", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{whole(verb::grow, 20), whole(verb::grow, 40)},
       {on(k::find, 1), on(k::assign, 1, 5), on(k::find, 1)},
       {on(k::find, 2), on(k::find, 1)}});
  add("grows and shrinks", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{whole(verb::grow, 20), whole(verb::shrink)},
       {on(k::insert, 3, 3), on(k::erase, 1)},
       {on(k::find, 1), on(k::find, 2)}});
  add("two threads grow, one shrinks", {on(k::insert, 1, 1)},
      {{whole(verb::grow, 20), on(k::find, 1)},
       {whole(verb::grow, 40), on(k::find, 2)},
       {whole(verb::shrink), on(k::insert, 2, 2)}});
  add("shrinking beside readers and a writer",
      {whole(verb::grow, 40), on(k::insert, 1, 1), on(k::insert, 5, 5)},
      {{whole(verb::shrink)},
       {on(k::find, 1), on(k::find, 5)},
       {on(k::assign, 5, 6), on(k::find, 1)}});
  add("clear beside inserts", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{whole(verb::clear)},
       {on(k::insert, 1, 3), on(k::insert, 3, 4)},
       {on(k::find, 2), on(k::erase, 1)}});
  add("clear while it grows", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{whole(verb::clear)}, {whole(verb::grow, 20)}, {on(k::insert, 3, 3), on(k::find, 1)}});
  add("replacements of one value", {on(k::insert, 1, 10)},
      {{on(k::replace, 1, 10, 11)},
       {on(k::replace, 1, 10, 12)},
       {on(k::replace, 1, 11, 10), on(k::find, 1)}});
  add("take beside take", {on(k::insert, 1, 1)},
      {{on(k::take, 1)}, {on(k::take, 1)}, {on(k::insert, 1, 2)}});
  add("threads that end and threads that come", {on(k::insert, 1, 1)},
      {{on(k::find, 1)},
       {on(k::insert, 2, 2)},
       {on(k::erase, 1)},
       {on(k::assign, 2, 3)},
       {on(k::find, 2)}});
  add("iteration beside an insertion and an erasure",
      {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3)},
      {{whole(verb::iterate)}, {on(k::erase, 2), on(k::insert, 4, 4)}}, true);
  add("iteration while it grows", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{whole(verb::iterate)}, {whole(verb::grow, 20)}, {on(k::insert, 5, 5)}}, true);
  add("iteration while it shrinks",
      {whole(verb::grow, 40), on(k::insert, 1, 1), on(k::insert, 5, 5)},
      {{whole(verb::iterate)}, {whole(verb::shrink)}}, true);
  add("iteration beside displaced elements",
      {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3), on(k::insert, 4, 4)},
      {{whole(verb::iterate)}, {on(k::erase, 1), on(k::insert, 1, 9)}}, true);
  add("size beside an insertion and an erasure", {on(k::insert, 1, 1)},
      {{whole(verb::size), whole(verb::size)}, {on(k::insert, 2, 2)}, {on(k::erase, 1)}}, true);
  return all;
}

/// What only a trie has: branches that become sparse are rebuilt.
inline std::vector<scenario> contractions() {
  using k = kind;
  const std::vector<call> four = {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3),
                                  on(k::insert, 4, 4)};
  std::vector<call> four_in_large = four;
  four_in_large.insert(four_in_large.begin(), whole(verb::grow, 40));
  return {
      {"contraction beside readers",
       four,
       {{on(k::erase, 1), on(k::erase, 2), on(k::erase, 3)},
        {on(k::find, 4), on(k::find, 3)},
        {on(k::find, 4), on(k::find, 4)}}},
      {"two threads contract",
       four,
       {{on(k::erase, 1), on(k::erase, 2)},
        {on(k::erase, 3), on(k::erase, 4)},
        {on(k::find, 1), on(k::find, 4)}}},
      {"two erasures in one branch",
       {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3)},
       {{on(k::erase, 1)}, {on(k::erase, 2)}}},
      // Keys 1 and 2 are in a branch of their own, 9 in the one above it.
      {"an erasure above a contraction",
       {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 9, 9)},
       {{on(k::erase, 1)}, {on(k::erase, 9)}}},
      {"contraction beside insertions",
       four,
       {{on(k::erase, 1), on(k::erase, 2), on(k::erase, 3)},
        {on(k::insert, 1, 11), on(k::find, 4)},
        {on(k::assign, 4, 44), on(k::find, 1)}}},
      {"contraction while it grows",
       four,
       {{on(k::erase, 1), on(k::erase, 2), on(k::erase, 3)},
        {whole(verb::grow, 20), on(k::find, 4)},
        {on(k::insert, 2, 22), on(k::find, 4)}}},
      {"contraction while it shrinks",
       four_in_large,
       {{on(k::erase, 1), on(k::erase, 2), on(k::erase, 3)},
        {whole(verb::shrink), on(k::find, 4)},
        {on(k::find, 4), on(k::find, 4)}}},
      {"insertions of three threads while two grow",
       {on(k::insert, 1, 1)},
       {{whole(verb::grow, 40), on(k::find, 8)},
        {whole(verb::grow, 40), on(k::insert, 8, 8)},
        {on(k::insert, 9, 9), on(k::insert, 12, 12), on(k::find, 1)}}},
  };
}

/// What a thread did before it inserted, and before it erased, happens before what another does
/// who finds the element, and does not find it.
template <class Adapter>
void execute_publication() {
  Adapter map;
  map.call(on(kind::insert, 1, 1));
  std::uint64_t plain = 0, other = 0;
  mc::spawn([&] {
    plain = 1;
    map.call(on(kind::erase, 1));
    other = 1;
    map.call(on(kind::insert, 3, 3));
  });
  mc::spawn([&] {
    if (map.call(on(kind::find, 1)) == absent) mc::require(plain == 1, "an erasure publishes");
    if (map.call(on(kind::find, 3)) != absent) mc::require(other == 1, "an insertion publishes");
  });
  mc::join_all();
}

}  // namespace scenarios
