// SPDX-License-Identifier: MIT
/// \file
/// Values that tell on a container: how many are alive, how often they were copied and moved, and
/// whether one was used after it was moved from or destroyed. `move_only`, `pinned` (no default,
/// not assignable) and `over_aligned` are what a container may not take for granted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace concur_test {

struct tracked_counts {
  std::atomic<long> alive{0};
  std::atomic<long> copies{0};
  std::atomic<long> moves{0};
  std::atomic<long> misuses{0};

  void reset() {
    alive = 0;
    copies = 0;
    moves = 0;
    misuses = 0;
  }
};

inline tracked_counts tracking;

/// Copyable and movable; every special member is counted.
class tracked {
 public:
  tracked() : tracked(0) {}
  explicit tracked(std::uint64_t value) : value_(value) { ++tracking.alive; }
  tracked(const tracked& other) : value_(other.get()) {
    ++tracking.alive;
    ++tracking.copies;
  }
  tracked(tracked&& other) noexcept : value_(other.get()) {
    other.value_ = moved_from;
    ++tracking.alive;
    ++tracking.moves;
  }
  tracked& operator=(const tracked& other) {
    check();
    value_ = other.get();
    ++tracking.copies;
    return *this;
  }
  tracked& operator=(tracked&& other) noexcept {
    check();
    value_ = other.get();
    if (this != &other) other.value_ = moved_from;
    ++tracking.moves;
    return *this;
  }
  ~tracked() {
    check();
    life_ = dead;
    --tracking.alive;
  }

  std::uint64_t get() const noexcept {
    check();
    if (value_ == moved_from) ++tracking.misuses;
    return value_;
  }
  friend bool operator==(const tracked& a, const tracked& b) noexcept { return a.get() == b.get(); }

 private:
  static constexpr std::uint64_t moved_from = ~std::uint64_t{0};
  static constexpr std::uint32_t living = 0xA11FE;
  static constexpr std::uint32_t dead = 0xDEAD;

  void check() const noexcept {
    if (life_ != living) ++tracking.misuses;
  }

  std::uint64_t value_;
  std::uint32_t life_ = living;
};

class move_only {
 public:
  explicit move_only(std::uint64_t value) : value_(value) {}
  move_only(move_only&& other) noexcept : value_(std::exchange(other.value_, 0)) {}
  move_only& operator=(move_only&& other) noexcept {
    value_ = std::exchange(other.value_, 0);
    return *this;
  }

  std::uint64_t get() const noexcept { return value_; }
  void set(std::uint64_t value) noexcept { value_ = value; }
  friend bool operator==(const move_only& a, const move_only& b) noexcept = default;

 private:
  std::uint64_t value_;
};

struct alignas(128) over_aligned {
  std::uint64_t value = 0;

  bool is_aligned() const noexcept { return reinterpret_cast<std::uintptr_t>(this) % 128 == 0; }
  friend bool operator==(const over_aligned&, const over_aligned&) noexcept = default;
};

}  // namespace concur_test

template <>
struct std::hash<concur_test::tracked> {
  std::size_t operator()(const concur_test::tracked& key) const noexcept { return key.get(); }
};
template <>
struct std::hash<concur_test::move_only> {
  std::size_t operator()(const concur_test::move_only& key) const noexcept { return key.get(); }
};
template <>
struct std::hash<concur_test::over_aligned> {
  std::size_t operator()(const concur_test::over_aligned& key) const noexcept { return key.value; }
};
