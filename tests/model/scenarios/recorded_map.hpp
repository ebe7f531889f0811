// SPDX-License-Identifier: MIT
/// \file
/// Operations on a map, recorded so that they can be checked against the state of the whole map.
#pragma once

#include <atomic>
#include <cstdint>

#include "scenarios/map_scenarios.hpp"

namespace scenarios {

using linearizability::partial_history;
using linearizability::whole;
using linearizability::whole_operation;

/// Every operation is ordered after those that had returned when it was called.
class whole_recorder {
 public:
  int begin() {
    const std::uint64_t now = clock_.fetch_add(1, std::memory_order_acq_rel);
    static_cast<void>(now);
    const mc::unseen scope;
    const int id = count_++;
    before_[id] = 0;
    for (int i = 0; i < id; ++i)
      if (done_[i]) before_[id] |= 1u << i;
    done_[id] = false;
    return id;
  }
  void end(int id, const whole_operation& o) {
    const std::uint64_t now = clock_.fetch_add(1, std::memory_order_acq_rel);
    static_cast<void>(now);
    const mc::unseen scope;
    operations_[id] = o;
    done_[id] = true;
  }
  bool check() const {
    const mc::unseen scope;
    partial_history<whole_operation> h;
    for (int i = 0; i < count_; ++i) {
      h.operations.push_back(operations_[i]);
      h.before.push_back(before_[i]);
    }
    return linearizability::check_whole(h);
  }

 private:
  int count_ = 0;
  bool done_[24] = {};
  std::uint32_t before_[24];
  whole_operation operations_[24];
  std::atomic<std::uint64_t> clock_{0};
};

/// What is done to single keys. Others add what they read of several.
template <class Map>
struct recorded_map {
  whole_recorder& record;
  Map map;

  void put(std::uint64_t key, std::uint64_t value) {
    const int id = record.begin();
    whole_operation o;
    o.single.what = kind::put;
    o.single.key = key;
    o.single.argument = value;
    o.single.returned = 1;
    o.single.result = map.insert_or_assign(key, value) ? 1 : 0;
    record.end(id, o);
  }
  void erase(std::uint64_t key) {
    const int id = record.begin();
    whole_operation o;
    o.single.what = kind::erase;
    o.single.key = key;
    o.single.returned = 1;
    o.single.result = map.erase(key);
    record.end(id, o);
  }
};

}  // namespace scenarios
