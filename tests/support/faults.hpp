// SPDX-License-Identifier: MIT
/// \file
/// Exceptions at every place where a container runs code of its user: hashers, equalities, copies
/// and callables that pass through `fault_point()`, and a sweep that lets the first such point
/// throw, then the second, until an operation gets through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>

namespace concur_test {

struct injected_fault : std::runtime_error {
  injected_fault() : std::runtime_error("injected fault") {}
};

/// Counts down to the point that throws; 0 is never. For one thread at a time.
inline std::size_t fault_countdown = 0;

inline void fault_point() {
  if (fault_countdown != 0 && --fault_countdown == 0) throw injected_fault();
}

/// Runs `operation` on a fresh state with the 1st, 2nd, ... fault point throwing, until none does.
/// After each fault that came out `check(state)` runs, with faults off; a container may also absorb
/// one, in work that can be done later. Returns how many points were hit.
template <class Make, class Operation, class Check>
std::size_t sweep_faults(Make make, Operation operation, Check check) {
  for (std::size_t point = 1;; ++point) {
    auto state = make();
    fault_countdown = point;
    bool thrown = false;
    try {
      operation(*state);
    } catch (const injected_fault&) {
      thrown = true;
    }
    const bool pending = fault_countdown != 0;
    fault_countdown = 0;
    if (pending) return point - 1;
    if (thrown) check(*state);
  }
}

template <class Key>
struct faulty_hash {
  std::size_t operator()(const Key& key) const {
    fault_point();
    return std::hash<Key>()(key);
  }
};

struct faulty_equal {
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    fault_point();
    return a == b;
  }
};

/// A value whose copies and assignments may throw; its moves do not.
class faulty_value {
 public:
  faulty_value(std::uint64_t value = 0) noexcept : value_(value) {}  // NOLINT: as a number
  faulty_value(const faulty_value& other) : value_(other.value_) { fault_point(); }
  faulty_value(faulty_value&& other) noexcept = default;
  faulty_value& operator=(const faulty_value& other) {
    fault_point();
    value_ = other.value_;
    return *this;
  }
  faulty_value& operator=(faulty_value&& other) noexcept = default;

  std::uint64_t get() const noexcept { return value_; }
  friend bool operator==(const faulty_value& a, const faulty_value& b) {
    fault_point();
    return a.value_ == b.value_;
  }

 private:
  std::uint64_t value_;
};

}  // namespace concur_test
