// SPDX-License-Identifier: MIT
/// \file
/// Faults of every kind in long sequences of operations. A script is run from the beginning with
/// its first fault point throwing, then with its second, and so on until it gets through; what a
/// container calls of its user passes through `fault_at(kind)`. After a fault the container is
/// compared with a model, and the script goes on to its end.
#pragma once

#include "support/counting_allocator.hpp"
#include "support/faults.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace concur_test {

enum class fault_kind : std::size_t {
  hash,
  equality,
  conversion,
  callback,
  allocation,
  copy,
  move,
  count
};

using fault_counts = std::array<std::size_t, static_cast<std::size_t>(fault_kind::count)>;

/// How often a point of each kind has thrown.
inline fault_counts faults_thrown{};

inline void fault_at(fault_kind kind) {
  if (fault_countdown == 1) ++faults_thrown[static_cast<std::size_t>(kind)];
  fault_point();
}

inline std::size_t faults_of(fault_kind kind) {
  return faults_thrown[static_cast<std::size_t>(kind)];
}

/// Becomes a number when a container makes one of it.
struct sweep_number {
  std::uint64_t value;
  operator std::uint64_t() const {  // NOLINT: that it converts is what it is for
    fault_at(fault_kind::conversion);
    return value;
  }
};

/// More than a word, and compared by code that may throw.
struct sweep_value {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t c = 0;
  sweep_value() = default;
  explicit sweep_value(std::uint64_t n) noexcept : a(n), b(~n), c(n + 1) {}
  friend bool operator==(const sweep_value& left, const sweep_value& right) {
    fault_at(fault_kind::equality);
    return left.a == right.a;
  }
};

inline std::uint64_t number_of(std::uint64_t value) noexcept {
  return value;
}
inline std::uint64_t number_of(const sweep_value& v) noexcept {
  return v.b == ~v.a && v.c == v.a + 1 ? v.a : ~std::uint64_t{0};
}

/// A number in memory of its own, whose copies and moves may throw.
class sweep_text {
 public:
  explicit sweep_text(std::uint64_t n) : number_(std::make_unique<std::uint64_t>(n)) { ++alive; }
  sweep_text(const sweep_text& other) {
    fault_at(fault_kind::copy);
    number_ = std::make_unique<std::uint64_t>(*other.number_);
    ++alive;
  }
  sweep_text(sweep_text&& other) {  // NOLINT: that it may throw is what it is for
    fault_at(fault_kind::move);
    number_ = std::move(other.number_);
    ++alive;
  }
  sweep_text& operator=(const sweep_text& other) {
    fault_at(fault_kind::copy);
    number_ = std::make_unique<std::uint64_t>(*other.number_);
    return *this;
  }
  sweep_text& operator=(sweep_text&& other) {  // NOLINT
    fault_at(fault_kind::move);
    number_ = std::move(other.number_);
    return *this;
  }
  ~sweep_text() { --alive; }

  std::uint64_t get() const noexcept { return *number_; }
  friend bool operator==(const sweep_text& left, const sweep_text& right) {
    fault_at(fault_kind::equality);
    return *left.number_ == *right.number_;
  }
  static inline long alive = 0;

 private:
  std::unique_ptr<std::uint64_t> number_;
};

inline std::uint64_t number_of(const sweep_text& text) noexcept {
  return text.get();
}

/// Numbers are their own hashes.
struct sweep_hash {
  using is_avalanching = std::true_type;
  template <class Key>
  std::uint64_t operator()(const Key& key) const {
    fault_at(fault_kind::hash);
    return number_of(key);
  }
};

struct sweep_equal {
  template <class Key>
  bool operator()(const Key& a, const Key& b) const {
    fault_at(fault_kind::equality);
    return number_of(a) == number_of(b);
  }
};

/// Books like `counting_allocator`, and fails as any other point does.
template <class T>
struct sweep_allocator : counting_allocator<T> {
  using counting_allocator<T>::counting_allocator;
  template <class U>
  sweep_allocator(const sweep_allocator<U>& other) noexcept  // NOLINT: converts, as allocators do
      : counting_allocator<T>(other) {}
  T* allocate(std::size_t n) {
    if (fault_countdown == 1) {
      ++faults_thrown[static_cast<std::size_t>(fault_kind::allocation)];
      fault_countdown = 0;
      throw std::bad_alloc();
    }
    if (fault_countdown != 0) --fault_countdown;
    return counting_allocator<T>::allocate(n);
  }
};

/// `script(account)` with the n-th point throwing, for n = 1, 2, ... until none is left to throw;
/// returns n - 1. All memory has to be back each time: `lost` counts the times it was not.
template <class Script>
std::size_t sweep_script(Script script, std::size_t& lost) {
  for (std::size_t n = 1;; ++n) {
    allocation_account account;
    fault_countdown = n;
    script(account);
    const bool is_over = fault_countdown != 0;
    fault_countdown = 0;
    if (!account.balanced()) ++lost;
    if (is_over) return n - 1;
  }
}

/// Runs `f()` and says whether it got through.
template <class F>
bool got_through(F f) {
  try {
    f();
    return true;
  } catch (const injected_fault&) {
  } catch (const std::bad_alloc&) {
  }
  return false;
}

}  // namespace concur_test
