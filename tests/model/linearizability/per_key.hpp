// SPDX-License-Identifier: MIT
/// \file
/// Checks long histories, key by key (Herlihy and Wing: a history is linearizable if it is for each
/// object), by just-in-time linearization (Lowe, "Testing for Linearizability", 2017). Calls and
/// returns of one key are taken in the order of time, with the set of all configurations that are
/// possible so far: the state of the key and the pending operations that have taken effect. When an
/// operation returns, every configuration must let it take effect, by then, with the result that it
/// had; pending operations take effect only when that helps. No configuration left: a violation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "linearizability/operation.hpp"

namespace linearizability {

struct verdict {
  bool linearizable = true;
  bool inconclusive = false;  ///< more than 64 operations of one key pending at once
  std::size_t operations = 0;
  std::size_t keys = 0;
  std::size_t most_configurations = 0;
  std::string why;  ///< the operation that no order explains, and what overlaps it
};

class per_key_checker {
 public:
  /// `initial`: the state of every key before the history.
  explicit per_key_checker(std::uint64_t initial = absent) : initial_(initial) {}

  verdict check(const std::vector<operation>& history) {
    verdict v;
    v.operations = history.size();
    sort_by_key(history);
    for (std::size_t i = 0; i < order_.size() && v.linearizable;) {
      std::size_t end = i;
      while (end < order_.size() && history[order_[end]].key == history[order_[i]].key) ++end;
      ++v.keys;
      check_key(history, i, end, v);
      i = end;
    }
    return v;
  }

 private:
  struct configuration {
    std::uint64_t state;
    std::uint64_t done;  ///< slots of pending operations that have taken effect
    bool operator==(const configuration&) const = default;
  };
  struct moment {
    std::uint64_t time;
    std::uint32_t operation;
    bool is_return;
  };

  void sort_by_key(const std::vector<operation>& history) {
    order_.resize(history.size());
    for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return history[a].key != history[b].key ? history[a].key < history[b].key
                                              : history[a].invoked < history[b].invoked;
    });
  }

  void make_moments(const std::vector<operation>& history, std::size_t begin, std::size_t end) {
    moments_.clear();
    for (std::size_t i = begin; i < end; ++i) {
      const operation& o = history[order_[i]];
      moments_.push_back({o.invoked, order_[i], false});
      if (o.returned != never) moments_.push_back({o.returned, order_[i], true});
    }
    // At equal times calls come first: the operations count as overlapping, so nothing is alarmed
    // at that a clock of finite resolution cannot tell.
    std::sort(moments_.begin(), moments_.end(), [](const moment& a, const moment& b) {
      return a.time != b.time ? a.time < b.time : a.is_return < b.is_return;
    });
  }

  void check_key(const std::vector<operation>& history, std::size_t begin, std::size_t end,
                 verdict& v) {
    make_moments(history, begin, end);
    slot_of_.resize(std::max(slot_of_.size(), history.size()));
    free_slots_ = ~std::uint64_t{0};
    present_.assign(1, {initial_, 0});
    for (const moment& m : moments_) {
      if (!m.is_return) {
        if (free_slots_ == 0) {
          v.inconclusive = true;
          return;
        }
        const int slot = lowest(free_slots_);
        free_slots_ &= free_slots_ - 1;
        slot_of_[m.operation] = static_cast<std::uint8_t>(slot);
        pending_[slot] = &history[m.operation];
        continue;
      }
      const int slot = slot_of_[m.operation];
      if (!complete(history[m.operation], slot, v)) {
        explain(history[m.operation], v);
        return;
      }
      free_slots_ |= std::uint64_t{1} << slot;
    }
  }

  static int lowest(std::uint64_t bits) {
    int n = 0;
    while ((bits & 1) == 0) {
      bits >>= 1;
      ++n;
    }
    return n;
  }

  /// Keeps the configurations in which `o` has taken effect. False: there is none.
  bool complete(const operation& o, int slot, verdict& v) {
    const std::uint64_t bit = std::uint64_t{1} << slot;
    if (present_.size() == 1 && ~free_slots_ == bit && present_[0].done == 0) {
      if (!step(o, present_[0].state)) return fail_with_states();
      return true;
    }
    next_.clear();
    for (std::size_t i = 0; i < present_.size(); ++i) {
      const configuration c = present_[i];
      if ((c.done & bit) != 0) {
        add(next_, {c.state, c.done & ~bit});
        continue;
      }
      std::uint64_t state = c.state;
      if (step(o, state)) add(next_, {state, c.done});
      // Others take effect before it.
      for (std::uint64_t open = ~free_slots_ & ~c.done & ~bit; open != 0; open &= open - 1) {
        const int other = lowest(open);
        std::uint64_t after = c.state;
        if (step(*pending_[other], after))
          add(present_, {after, c.done | std::uint64_t{1} << other});
      }
    }
    v.most_configurations = std::max(v.most_configurations, present_.size());
    if (next_.empty()) return fail_with_states();
    std::swap(present_, next_);
    return true;
  }

  bool fail_with_states() { return false; }

  static void add(std::vector<configuration>& to, const configuration& c) {
    for (const configuration& d : to)
      if (d == c) return;
    to.push_back(c);
  }

  void explain(const operation& o, verdict& v) {
    v.linearizable = false;
    v.why = to_string(o) + " has no place; overlapping:";
    for (std::uint64_t open = ~free_slots_; open != 0; open &= open - 1) {
      const operation* other = pending_[lowest(open)];
      if (other != &o) v.why += " [" + to_string(*other) + "]";
    }
    v.why += "; possible states before:";
    for (std::size_t i = 0; i < present_.size() && i < 8; ++i)
      v.why += present_[i].state == absent ? " absent" : " " + std::to_string(present_[i].state);
  }

  std::uint64_t initial_;
  std::vector<std::uint32_t> order_;
  std::vector<moment> moments_;
  std::vector<std::uint8_t> slot_of_;
  std::vector<configuration> present_;
  std::vector<configuration> next_;
  const operation* pending_[64] = {};
  std::uint64_t free_slots_ = 0;
};

inline verdict check_per_key(const std::vector<operation>& history,
                             std::uint64_t initial = absent) {
  return per_key_checker(initial).check(history);
}

}  // namespace linearizability
