// SPDX-License-Identifier: MIT
#include "interrupt.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace tour {
namespace {

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait");

extern "C" void on_interrupt(int) {
  // The terminal is in order whenever a frame of the table is complete, so that there is nothing
  // to restore even here.
  if (requested.exchange(true, std::memory_order_relaxed)) std::_Exit(130);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

bool interrupted() noexcept {
  return requested.load(std::memory_order_relaxed);
}

}  // namespace tour
