// SPDX-License-Identifier: MIT
/// \file
/// Places where a thread can be made to stop, inside what a map calls of its user.
#pragma once

#include "support/scattered.hpp"

#include <atomic>
#include <type_traits>

namespace concur_test {

/// A door where one thread can be made to stop. The thread that is to stop arms it; whoever comes
/// through while it is armed disarms it, and stays until it is opened.
class gate {
 public:
  void arm() noexcept { armed_.store(true); }
  void pass() noexcept {
    if (!armed_.load(std::memory_order_relaxed) || !armed_.exchange(false)) return;
    waiting_.store(true);
    waiting_.notify_all();
    open_.wait(false);
  }
  /// Returns when a thread has stopped here.
  void wait_for_visitor() const noexcept { waiting_.wait(false); }
  bool has_visitor() const noexcept { return waiting_.load(); }
  void open() noexcept {
    open_.store(true);
    open_.notify_all();
  }

 private:
  std::atomic<bool> armed_{false};
  std::atomic<bool> waiting_{false};
  std::atomic<bool> open_{false};
};

/// Every comparison goes through `door`.
struct gated_equal {
  gate* door = nullptr;
  bool operator()(number a, number b) const noexcept {
    if (door != nullptr) door->pass();
    return a == b;
  }
};

/// The hash of a number is the number, and to ask for that of `stop_at` is to go through `door`.
struct gated_hash {
  using is_avalanching = std::true_type;
  gate* door = nullptr;
  std::atomic<number>* stop_at = nullptr;

  number operator()(number key) const noexcept {
    if (stop_at != nullptr && stop_at->load(std::memory_order_relaxed) == key) door->pass();
    return key;
  }
};

}  // namespace concur_test
