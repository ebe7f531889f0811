// SPDX-License-Identifier: MIT
/// \file
/// `concur::parallel{threads}`, the first argument of traversals that run on several threads:
/// `map.visit_all(concur::parallel{4}, f)`. The only header of a map that includes <thread>.
///
/// The hashes are cut into several parts per thread, which the threads, the calling one among
/// them, take one after the other, so that an uneven part delays nobody for long. The first
/// exception stops all, and is thrown in the caller when every thread has ended; others are
/// dropped. A thread that cannot be started is done without.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace concur::inline CONCUR_ABI {

struct parallel {
  /// How many threads work, the caller included; 0 for as many as the machine runs at once.
  unsigned threads = 0;

  unsigned thread_count() const noexcept {
    const unsigned count = threads != 0 ? threads : std::thread::hardware_concurrency();
    return count != 0 ? count : 1;
  }

  /// Into how many parts a traversal is cut.
  std::size_t parts() const noexcept { return std::size_t{thread_count()} * parts_per_thread; }

  /// body(index, go_on) for each index < count, on all threads. A body that returns false stops the
  /// others, who learn it from go_on(). Returns false when stopped; rethrows the first exception.
  template <class Body>
  bool for_each_part(std::size_t count, Body&& body) const {
    work shared(count);
    {
      crew others;
      for (unsigned i = 1; i < thread_count() && i < count; ++i) {
        if (!others.start([&] { shared.run(body); })) break;
      }
      shared.run(body);
    }
    return shared.finish();
  }

 private:
  static constexpr std::size_t parts_per_thread = 8;

  /// The parts that are left, and how it ends. Every order is relaxed: the parts share nothing but
  /// this, and joining the threads publishes what they wrote.
  class work {
   public:
    explicit work(std::size_t count) noexcept : count_(count) {}

    template <class Body>
    void run(Body& body) noexcept {
      auto go_on = [this]() noexcept { return !stopped_.load(std::memory_order_relaxed); };
      CONCUR_TRY {
        while (go_on()) {
          const std::size_t index = next_.fetch_add(1, std::memory_order_relaxed);
          if (index >= count_) return;
          if (!body(index, go_on)) stopped_.store(true, std::memory_order_relaxed);
        }
      }
      CONCUR_CATCH_ALL {
        fail_with_current_exception();
      }
    }

    bool finish() {
#if CONCUR_HAS_EXCEPTIONS
      if (error_) std::rethrow_exception(error_);
#endif
      return !stopped_.load(std::memory_order_relaxed);
    }

   private:
    void fail_with_current_exception() noexcept {
      stopped_.store(true, std::memory_order_relaxed);
      // One thread wins, and is the only one to write `error_`.
      if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
    }

    const std::size_t count_;
    std::atomic<std::size_t> next_{0};
    std::atomic<bool> stopped_{false};
    std::atomic<bool> failed_{false};
    std::exception_ptr error_;
  };

  /// Threads that are joined when it goes out of scope.
  class crew {
   public:
    crew() = default;
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;
    ~crew() {
      for (std::thread& thread : threads_) thread.join();
    }

    template <class F>
    bool start(F f) {
      CONCUR_TRY {
        threads_.emplace_back(f);
        return true;
      }
      CONCUR_CATCH_ALL {
        return false;
      }
      return false;  // not reached; without exceptions the compiler cannot see it
    }

   private:
    std::vector<std::thread> threads_;
  };
};

}  // namespace concur::inline CONCUR_ABI
