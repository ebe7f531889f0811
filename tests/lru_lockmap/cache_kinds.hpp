// SPDX-License-Identifier: MIT
/// \file
/// What the tests of the cache share: a clock that is set by hand, a listener that keeps what it
/// was told.
#pragma once

#include <concur/lru_lockmap.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace concur_test {

using number = std::uint64_t;
using cause = concur::eviction_cause;

template <class Key, class T, class Policy = concur::eviction::lru>
using cache = concur::lru_lockmap<Key, T, concur::hash<Key>, std::equal_to<>,
                                  std::allocator<std::pair<const Key, T>>, Policy>;
template <class Key, class T>
using exact_cache = cache<Key, T, concur::eviction::exact_lru>;

class hand_clock {
 public:
  void advance(std::chrono::nanoseconds by) const { *now_ += by.count(); }
  std::chrono::nanoseconds now() const { return std::chrono::nanoseconds(now_->load()); }
  auto reader() const {
    return [at = now_] { return std::chrono::nanoseconds(at->load()); };
  }

 private:
  std::shared_ptr<std::atomic<std::int64_t>> now_ =
      std::make_shared<std::atomic<std::int64_t>>(1000);
};

/// Everything that a cache reported.
template <class Key, class T>
class witness {
 public:
  struct report {
    Key key;
    T value;
    cause why;
    friend bool operator==(const report&, const report&) = default;
  };

  auto listener() const {
    return [book = book_](const Key& key, T&& value, cause why) {
      const std::lock_guard locked(book->lock);
      book->reports.push_back({key, std::move(value), why});
    };
  }
  std::vector<report> take() const {
    const std::lock_guard locked(book_->lock);
    return std::exchange(book_->reports, {});
  }

 private:
  struct pages {
    std::mutex lock;
    std::vector<report> reports;
  };
  std::shared_ptr<pages> book_ = std::make_shared<pages>();
};

}  // namespace concur_test
