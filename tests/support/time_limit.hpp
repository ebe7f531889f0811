// SPDX-License-Identifier: MIT
/// \file
/// For tests of what once waited for ever.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace concur_test {

/// Ends the program, as a failure, if the scope is not left within the time.
class time_limit {
 public:
  explicit time_limit(std::chrono::seconds most)
      : watch_([this, most] {
          std::unique_lock<std::mutex> locked(mutex_);
          if (over_.wait_for(locked, most, [this] { return is_over_; })) return;
          std::fputs("a test waits for ever\n", stderr);
          std::abort();
        }) {}
  time_limit(const time_limit&) = delete;
  time_limit& operator=(const time_limit&) = delete;
  ~time_limit() {
    {
      const std::lock_guard<std::mutex> locked(mutex_);
      is_over_ = true;
    }
    over_.notify_one();
    watch_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  std::thread watch_;
};

}  // namespace concur_test
