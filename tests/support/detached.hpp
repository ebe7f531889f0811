// SPDX-License-Identifier: MIT
/// \file
/// A coroutine that runs at once and belongs to nobody: it ends by itself. An exception that leaves
/// it ends the program.
#pragma once

#include <coroutine>
#include <exception>

namespace concur_test {

struct detached {
  struct promise_type {
    detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace concur_test
