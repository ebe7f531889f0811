// SPDX-License-Identifier: MIT
#include "interrupt.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace tour {
namespace {

std::atomic<int> requests{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait");

extern "C" void on_interrupt(int) {
  // The terminal is in order whenever a frame of the table is complete, so that there is nothing
  // to restore even here.
  if (requests.fetch_add(1, std::memory_order_relaxed) == 2) std::_Exit(130);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

bool interrupted() noexcept {
  return requests.load(std::memory_order_relaxed) != 0;
}

}  // namespace tour
