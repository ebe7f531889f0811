// SPDX-License-Identifier: MIT
/// \file
/// Checks for test code that runs on many threads.
///
/// Catch2's assertions may be used by one thread only. Threads record what went wrong in a
/// `failures`; the thread of the test case asserts at the end that nothing was recorded:
///
///     concur_test::failures failures;
///     concur_test::on_threads(4, failures, [&](int index) { MT_CHECK(failures, index < 4); });
///     failures.require();
#pragma once

#include "support/catch.hpp"
#include "support/environment.hpp"

#include <atomic>
#include <barrier>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace concur_test {

/// What threads found wrong: all of it counted, the first few texts kept.
class failures {
 public:
  void add(std::string what) {
    count_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    if (texts_.size() < max_texts) texts_.push_back(std::move(what));
  }

  void expect(bool ok, const char* expression, const char* file, int line) {
    if (!ok) add(std::string(file) + ":" + std::to_string(line) + ": " + expression);
  }

  std::size_t count() const { return count_.load(std::memory_order_relaxed); }

  /// To be called by the thread of the test case, after the others were joined.
  void require() {
    for (const auto& text : texts_) UNSCOPED_INFO(text);
    REQUIRE(count() == 0);
  }

 private:
  static constexpr std::size_t max_texts = 20;

  std::mutex mutex_;
  std::vector<std::string> texts_;
  std::atomic<std::size_t> count_{0};
};

/// Runs `function(index)` on `count` threads that start together, and joins them. An exception that
/// leaves `function` is a failure.
template <class Function>
void on_threads(int count, failures& found, Function function) {
  std::barrier start(count);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int index = 0; index < count; ++index) {
    threads.emplace_back([&start, &found, &function, index] {
      start.arrive_and_wait();
      try {
        function(index);
      } catch (const std::exception& error) {
        found.add(std::string("exception: ") + error.what());
      } catch (...) {
        found.add("exception of unknown type");
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace concur_test

/// Records a failure when the condition is false. Usable on any thread.
#define MT_CHECK(found, ...) \
  (found).expect(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
