// SPDX-License-Identifier: MIT
/// \file
/// Checks short histories, of up to 32 operations, whose precedence is any partial order: real
/// time, or happens-before. Two views of the state:
///  - per key: a value or absent;
///  - the whole map packed in 64 bits, eight keys of eight bits (0: absent), for operations on
///    several keys at once: snapshots, reads of several keys, an atomic clear.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "linearizability/operation.hpp"

namespace linearizability {

/// `before[i]`: the operations that precede operation i, a bit each.
template <class Operation>
struct partial_history {
  std::vector<Operation> operations;
  std::vector<std::uint32_t> before;
};

/// Is there an order of all completed and any pending operations, within the precedence, in which
/// every result is right? `step(operation, state)` is false where the result would be wrong.
template <class Operation, class Step, class Pending>
bool has_linearization(const partial_history<Operation>& h, std::uint64_t initial, Step step,
                       Pending pending) {
  struct node {
    std::uint32_t done;
    std::uint64_t state;
  };
  const std::size_t n = h.operations.size();
  std::uint32_t must = 0;
  for (std::size_t i = 0; i < n; ++i)
    if (!pending(h.operations[i])) must |= 1u << i;
  std::vector<node> seen{{0, initial}};
  for (std::size_t at = 0; at < seen.size(); ++at) {
    const node c = seen[at];
    if ((c.done & must) == must) return true;
    for (std::size_t i = 0; i < n; ++i) {
      if ((c.done >> i & 1) != 0 || (h.before[i] & must & ~c.done) != 0) continue;
      std::uint64_t state = c.state;
      if (!step(h.operations[i], state)) continue;
      const node next{c.done | 1u << i, state};
      bool known = false;
      for (const node& s : seen) known = known || (s.done == next.done && s.state == next.state);
      if (!known) seen.push_back(next);
    }
  }
  return false;
}

inline bool is_pending(const operation& o) {
  return o.returned == never;
}

/// Every key by itself. Returns the keys that no order explains, as text; empty: linearizable.
inline std::string check_small(const partial_history<operation>& h,
                               std::uint64_t initial = absent) {
  std::vector<std::uint64_t> keys;
  for (const operation& o : h.operations) {
    bool known = false;
    for (std::uint64_t k : keys) known = known || k == o.key;
    if (!known) keys.push_back(o.key);
  }
  for (std::uint64_t key : keys) {
    partial_history<operation> one;
    std::vector<std::size_t> index;
    for (std::size_t i = 0; i < h.operations.size(); ++i)
      if (h.operations[i].key == key) index.push_back(i);
    for (std::size_t i : index) {
      std::uint32_t before = 0;
      for (std::size_t j = 0; j < index.size(); ++j)
        if ((h.before[i] >> index[j] & 1) != 0) before |= 1u << j;
      one.operations.push_back(h.operations[i]);
      one.before.push_back(before);
    }
    const auto take = [](const operation& o, std::uint64_t& s) { return step(o, s); };
    if (has_linearization(one, initial, take, is_pending)) continue;
    std::string why = "not linearizable:";
    for (const operation& o : one.operations) why += " [" + to_string(o) + "]";
    return why;
  }
  return "";
}

// The whole map ----------------------------------------------------------------------------------

enum class whole : std::uint8_t {
  one_key,    ///< `single`, on a key below 8, values 1..255
  snapshot,   ///< result: the packed map
  read_some,  ///< result: the packed values of the keys in `mask`
  clear,
};

struct whole_operation {
  whole what = whole::one_key;
  operation single;
  std::uint64_t mask = 0;  ///< bytes of the keys that are read
  std::uint64_t result = 0;
  bool pending = false;
};

inline std::uint64_t packed_get(std::uint64_t map, std::uint64_t key) {
  const std::uint64_t v = map >> (8 * key) & 0xff;
  return v == 0 ? absent : v;
}
inline std::uint64_t packed_set(std::uint64_t map, std::uint64_t key, std::uint64_t v) {
  const std::uint64_t cleared = map & ~(std::uint64_t{0xff} << (8 * key));
  return v == absent ? cleared : cleared | (v & 0xff) << (8 * key);
}

inline bool step_whole(const whole_operation& o, std::uint64_t& map) {
  switch (o.what) {
    case whole::one_key: {
      std::uint64_t v = packed_get(map, o.single.key);
      operation single = o.single;
      if (o.pending) single.returned = never;
      if (!step(single, v)) return false;
      map = packed_set(map, o.single.key, v);
      return true;
    }
    case whole::snapshot:
      return o.pending || map == o.result;
    case whole::read_some:
      return o.pending || (map & o.mask) == o.result;
    case whole::clear:
      map = 0;
      return true;
  }
  return false;
}

inline bool check_whole(const partial_history<whole_operation>& h, std::uint64_t initial = 0) {
  return has_linearization(h, initial, step_whole,
                           [](const whole_operation& o) { return o.pending; });
}

}  // namespace linearizability
