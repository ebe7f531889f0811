// SPDX-License-Identifier: MIT
/// \file
/// Checks of what is weakly consistent: an iteration over the map, and its size, against the
/// intervals in which the other operations ran. In linear time; nothing is reported that some order
/// of the overlapping operations would explain.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "linearizability/operation.hpp"

namespace linearizability {

struct seen_element {
  std::uint64_t key;
  std::uint64_t value;
};

struct iteration {
  std::uint64_t began;
  std::uint64_t ended;
  std::vector<seen_element> seen;
};

/// Did `o`, which completed or not, change whether its key is there?
inline bool may_insert(const operation& o) {
  if (o.returned == never)
    return o.what == kind::insert || o.what == kind::assign || o.what == kind::put ||
           o.what == kind::fetch_add;
  switch (o.what) {
    case kind::insert:
    case kind::put:
      return o.result == 1;
    case kind::assign:
      return o.result == absent;
    case kind::fetch_add:
      return o.result == 0;
    default:
      return false;
  }
}
inline bool may_erase(const operation& o) {
  if (o.returned == never)
    return o.what == kind::erase || o.what == kind::take || o.what == kind::erase_equal;
  switch (o.what) {
    case kind::erase:
    case kind::erase_equal:
      return o.result == 1;
    case kind::take:
      return o.result != absent;
    default:
      return false;
  }
}
/// The value that the key may have after `o`; absent: none.
inline std::uint64_t value_left_by(const operation& o) {
  std::uint64_t state = o.returned == never ? absent : o.result;
  switch (o.what) {
    case kind::insert:
      return o.returned != never && o.result != 1 ? absent : o.argument;
    case kind::assign:
    case kind::put:
      return o.argument;
    case kind::replace:
      return o.returned != never && o.result != 1 ? absent : o.argument2;
    case kind::add:
      return state == absent ? absent : state + o.argument;
    case kind::fetch_add:
      return (state == absent ? 0 : state) + o.argument;
    default:
      return absent;
  }
}

/// Did `o` change its key, if only from one value to another?
inline bool may_change(const operation& o) {
  return may_insert(o) || may_erase(o) || value_left_by(o) != absent;
}

/// May what was left at `written` (the end of an operation; 0: it was there before) still have been
/// there at `from`? Not if another change of the key lies wholly between.
inline bool may_last(const std::vector<const operation*>& of_key, std::uint64_t written,
                     std::uint64_t from) {
  for (const operation* o : of_key)
    if (o->invoked > written && o->returned < from && may_change(*o)) return false;
  return true;
}

/// Of one key: was it certainly there, or certainly not, from `from` to `to`?
struct presence {
  bool always = false;
  bool never = false;
};

inline presence presence_of(const std::vector<const operation*>& of_key, bool there_at_first,
                            std::uint64_t from, std::uint64_t to) {
  // Nothing may change it in the interval. Of the changes before, the one that began last, and
  // those that overlap it, may be the last one: do they agree?
  const operation* last = nullptr;
  for (const operation* o : of_key) {
    if (o->invoked > to || (!may_insert(*o) && !may_erase(*o))) continue;
    if (o->returned >= from) return {};
    if (last == nullptr || o->invoked > last->invoked) last = o;
  }
  for (const operation* o : of_key) {
    if (o->invoked > to || (!may_insert(*o) && !may_erase(*o))) continue;
    if (o->returned >= last->invoked && may_insert(*o) != may_insert(*last)) return {};
  }
  presence p;
  const bool there = last == nullptr ? there_at_first : may_insert(*last);
  p.always = there;
  p.never = !there;
  return p;
}

/// Empty: the iteration keeps what is promised. `initial`: what was in the map before the history.
inline std::string check_iteration(const std::vector<operation>& history, const iteration& it,
                                   const std::vector<seen_element>& initial = {}) {
  std::vector<std::uint64_t> keys;
  for (const operation& o : history) keys.push_back(o.key);
  for (const seen_element& e : initial) keys.push_back(e.key);
  for (const seen_element& e : it.seen) keys.push_back(e.key);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<std::vector<const operation*>> by_key(keys.size());
  const auto index = [&](std::uint64_t key) {
    return static_cast<std::size_t>(std::lower_bound(keys.begin(), keys.end(), key) - keys.begin());
  };
  for (const operation& o : history) by_key[index(o.key)].push_back(&o);
  std::vector<std::uint64_t> first(keys.size(), absent);
  for (const seen_element& e : initial) first[index(e.key)] = e.value;
  std::vector<int> times(keys.size(), 0);
  for (const seen_element& e : it.seen) ++times[index(e.key)];
  for (std::size_t k = 0; k < keys.size(); ++k) {
    const presence p = presence_of(by_key[k], first[k] != absent, it.began, it.ended);
    const std::string name = "key " + std::to_string(keys[k]);
    if (p.always && times[k] != 1)
      return name + " was there throughout and was seen " + std::to_string(times[k]) + " times";
    if (p.never && times[k] != 0) return name + " was never there and was seen";
    // An erased and reinserted key is a new element: one sighting per insertion.
    int insertions = first[k] != absent ? 1 : 0;
    for (const operation* o : by_key[k])
      if (may_insert(*o) && o->invoked <= it.ended) ++insertions;
    if (times[k] > insertions) return name + " was seen more often than it was inserted";
  }
  for (const seen_element& e : it.seen) {
    const std::vector<const operation*>& of_key = by_key[index(e.key)];
    bool possible = first[index(e.key)] == e.value && may_last(of_key, 0, it.began);
    for (const operation* o : of_key)
      if (o->invoked <= it.ended && value_left_by(*o) == e.value &&
          may_last(of_key, o->returned, it.began))
        possible = true;
    if (!possible)
      return "key " + std::to_string(e.key) + " was seen with " + std::to_string(e.value) +
             ", which it never had, or not any more";
  }
  return "";
}

/// Is `size`, as returned by a call between `from` and `to`, one that counts every write that was
/// complete before and some of the running ones?
inline bool check_size(const std::vector<operation>& history, std::uint64_t from, std::uint64_t to,
                       std::uint64_t size, std::uint64_t initial = 0) {
  std::int64_t low = static_cast<std::int64_t>(initial);
  std::int64_t high = low;
  for (const operation& o : history) {
    const bool in = may_insert(o);
    const bool out = may_erase(o);
    if ((!in && !out) || o.invoked > to) continue;
    if (o.returned < from) {
      low += in ? 1 : -1;
      high += in ? 1 : -1;
    } else if (in) {
      ++high;
    } else {
      --low;
    }
  }
  const auto s = static_cast<std::int64_t>(size);
  return s >= 0 && s >= low && s <= high;
}

}  // namespace linearizability
