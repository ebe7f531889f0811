// SPDX-License-Identifier: MIT
/// \file
/// Records what the threads of one execution do to a map, and checks it at the end.
///
/// Two notions of "before" are explored: `causal`, where an operation precedes another if its
/// return happens before the other's call (nothing is added to the synchronisation of the map
/// itself), and `real_time`, where every call and return ticks a shared clock: then the order is
/// total in time, and the checker may demand more.
#pragma once

#include <array>
#include <atomic>
#include <string>

#include "checker/mc.hpp"
#include "linearizability/intervals.hpp"
#include "linearizability/small_history.hpp"

namespace scenarios {

using linearizability::absent;
using linearizability::kind;
using linearizability::operation;

enum class precedence { causal, real_time };

class recorder {
 public:
  explicit recorder(precedence order) : order_(order) {}

  int begin(kind what, std::uint64_t key, std::uint64_t argument = 0, std::uint64_t argument2 = 0) {
    const std::uint64_t time = begins();
    const mc::unseen scope;
    mc::require(count_ < most, "the recorder is full");
    const int id = count_++;
    entry& e = entries_[static_cast<std::size_t>(id)];
    e.what = {};
    e.what.what = what;
    e.what.key = key;
    e.what.argument = argument;
    e.what.argument2 = argument2;
    e.what.invoked = time;
    e.what.thread = static_cast<std::uint8_t>(mc::self());
    e.before = 0;
    for (int i = 0; i < id; ++i) {
      const entry& other = entries_[static_cast<std::size_t>(i)];
      if (other.what.returned == linearizability::never) continue;
      if (order_ == precedence::real_time || mc::happened_before(other.stamp, other.what.thread))
        e.before |= 1u << i;
    }
    return id;
  }

  void end(int id, std::uint64_t result) {
    const std::uint64_t stamp = mc::causal_stamp();
    const std::uint64_t time = ends();
    {
      const mc::unseen scope;
      entry& e = entries_[static_cast<std::size_t>(id)];
      e.what.result = result;
      e.what.returned = time;
      e.stamp = stamp;
    }
    mc::note("        %s", text(id).c_str());
  }

  /// For an operation that learns its key only when it returns.
  void set_key(int id, std::uint64_t key) {
    const mc::unseen scope;
    entries_[static_cast<std::size_t>(id)].what.key = key;
  }

  /// For iterations and sizes: moments of the same clock. They need real time.
  std::uint64_t begins() {
    const std::uint64_t step = mc::operation_begins();
    return order_ == precedence::real_time ? clock_.fetch_add(1, std::memory_order_acq_rel) : step;
  }
  std::uint64_t ends() {
    if (order_ == precedence::real_time) return clock_.fetch_add(1, std::memory_order_acq_rel);
    return mc::operation_ends();
  }
  precedence order() const { return order_; }

  /// Fails the execution if no order of the operations explains their results.
  void check() const {
    std::string why;
    {
      const mc::unseen scope;
      linearizability::partial_history<operation> h;
      for (int i = 0; i < count_; ++i) {
        h.operations.push_back(entries_[static_cast<std::size_t>(i)].what);
        h.before.push_back(entries_[static_cast<std::size_t>(i)].before);
      }
      why = linearizability::check_small(h);
      if (why.empty()) return;
    }
    mc::fail(why.c_str());
  }

  /// Fails the execution if the iteration shows what it must not.
  void check_iteration(const linearizability::iteration& it) const {
    std::string why;
    {
      const mc::unseen scope;
      why = linearizability::check_iteration(operations(), it);
      if (why.empty()) return;
    }
    mc::fail(why.c_str());
  }
  void check_size(std::uint64_t from, std::uint64_t to, std::uint64_t size) const {
    bool right;
    {
      const mc::unseen scope;
      right = linearizability::check_size(operations(), from, to, size);
    }
    mc::require(right, "size() is not one that the operations explain");
  }

 private:
  struct entry {
    operation what;
    std::uint64_t stamp;
    std::uint32_t before;
  };
  static constexpr int most = 32;

  std::vector<operation> operations() const {
    std::vector<operation> all;
    for (int i = 0; i < count_; ++i) all.push_back(entries_[static_cast<std::size_t>(i)].what);
    return all;
  }
  std::string text(int id) const {
    const mc::unseen scope;
    return linearizability::to_string(entries_[static_cast<std::size_t>(id)].what);
  }

  precedence order_;
  int count_ = 0;
  std::array<entry, most> entries_;
  std::atomic<std::uint64_t> clock_{1};
};

}  // namespace scenarios
