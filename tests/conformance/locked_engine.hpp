// SPDX-License-Identifier: MIT
/// \file
/// The simplest engine that keeps every promise: a `std::multimap` from hash to element under one
/// mutex. Elements are changed in place, and the lock is held while callbacks run: a callback that
/// would write, or that reads from inside an exclusive one, is refused.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/map/guarantees.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

namespace concur_test {

/// Any hasher's result, spread over 64 bits.
constexpr std::uint64_t spread(std::uint64_t x) noexcept {
  x = (x ^ (x >> 32)) * 0x9E3779B97F4A7C15;
  return (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9;
}

/// A mutex that knows what its thread is at, and refuses what would be a deadlock.
class checked_mutex {
 public:
  enum class use { shared, exclusive };

  class guard {
   public:
    guard(checked_mutex& mutex, use wanted) : mutex_(mutex), nested_(mutex.owned()) {
      if (nested_) {
        if (wanted == use::exclusive || mutex_.use_ == use::exclusive) {
          concur::detail::fail_deadlock("a callback calls its own map");
        }
        return;
      }
      while (mutex_.locked_.test_and_set(std::memory_order_acquire)) {
        mutex_.locked_.wait(true, std::memory_order_relaxed);
      }
      mutex_.owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
      mutex_.use_ = wanted;
    }
    guard(const guard&) = delete;
    guard& operator=(const guard&) = delete;
    ~guard() {
      if (nested_) return;
      mutex_.owner_.store(std::thread::id(), std::memory_order_relaxed);
      mutex_.locked_.clear(std::memory_order_release);
      mutex_.locked_.notify_one();
    }

   private:
    checked_mutex& mutex_;
    const bool nested_;
  };

 private:
  // relaxed: a thread looks for its own id only, which no other thread writes.
  bool owned() const noexcept {
    return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

  // No std::mutex: comparing two maps holds one lock and takes the other, in the order of the
  // operands, and the deadlock detector of ThreadSanitizer is right to complain of that.
  std::atomic_flag locked_;
  std::atomic<std::thread::id> owner_{};
  use use_ = use::shared;
};

template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class locked_engine {
 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  static constexpr bool callback_is_exclusive = true;

  struct guarantees {
    static constexpr concur::progress read_progress = concur::progress::blocking;
    static constexpr concur::progress write_progress = concur::progress::blocking;
    static constexpr bool callback_is_exclusive = true;
    static constexpr bool callback_may_run_again = false;
    static constexpr concur::reentry_rules exclusive_callback{concur::reentry::throws,
                                                              concur::reentry::throws};
    static constexpr concur::reentry_rules shared_callback{concur::reentry::works,
                                                           concur::reentry::throws};
    static constexpr bool callback_keeps_old_value = false;
    static constexpr bool garbage_is_bounded = true;
    static constexpr bool is_bounded = false;
    static constexpr bool needs_trivially_copyable = false;
  };

  locked_engine(Hash hash, KeyEqual equal, Allocator allocator)
      : hash_(std::move(hash)),
        equal_(std::move(equal)),
        allocator_(allocator),
        elements_(std::less<>(), tree_allocator(allocator)) {}

  const Hash& hash_function() const noexcept { return hash_; }
  const KeyEqual& key_eq() const noexcept { return equal_; }
  const Allocator& allocator() const noexcept { return allocator_; }
  void swap(locked_engine& other) {
    using std::swap;
    swap(hash_, other.hash_);
    swap(equal_, other.equal_);
    swap(elements_, other.elements_);
  }
  /// Takes all elements over; false if they would have to be moved one by one.
  bool steal(locked_engine& other) {
    if (!(allocator_ == other.allocator_)) return false;
    elements_.swap(other.elements_);
    return true;
  }

  template <class K>
  std::uint64_t hash(const K& key) const {
    return spread(static_cast<std::uint64_t>(hash_(key)));
  }
  void prefetch(std::uint64_t) const noexcept {}

  template <class K, class F>
  bool read(std::uint64_t hash, const K& key, F&& f) const {
    const guard lock(mutex_, checked_mutex::use::shared);
    const auto at = locate(elements_, hash, key);
    if (at == elements_.end()) return false;
    f(at->second);
    return true;
  }

  template <class K, class OnAbsent, class OnPresent>
  void modify(std::uint64_t hash, K&& key, OnAbsent&& on_absent, OnPresent&& on_present) {
    const guard lock(mutex_, checked_mutex::use::exclusive);
    const auto at = locate(elements_, hash, key);
    if (at == elements_.end()) {
      slot place{elements_, hash};
      on_absent(place);
    } else {
      element present{elements_, at};
      on_present(present);
    }
  }

  template <class F>
  bool traverse(concur::detail::hash_range range, F&& f) {
    const guard lock(mutex_, checked_mutex::use::exclusive);
    for (auto at = elements_.lower_bound(range.first); in(range, at);) {
      element present{elements_, at++};
      if (!f(present)) return false;
    }
    return true;
  }

  template <class F>
  bool traverse(concur::detail::hash_range range, F&& f) const {
    const guard lock(mutex_, checked_mutex::use::shared);
    for (auto at = elements_.lower_bound(range.first); in(range, at); ++at) {
      if (!f(std::as_const(at->second))) return false;
    }
    return true;
  }

  /// Cursors are hashes: elements of one hash are never divided between two steps.
  template <class F>
  std::uint64_t scan(std::uint64_t cursor, size_type n, F&& f) const {
    const guard lock(mutex_, checked_mutex::use::shared);
    size_type seen = 0;
    std::uint64_t last = cursor;
    for (auto at = elements_.lower_bound(cursor); at != elements_.end(); ++at, ++seen) {
      if (seen >= n && at->first != last) return at->first;
      last = at->first;
      f(std::as_const(at->second));
    }
    return 0;
  }

  size_type size() const noexcept {
    const guard lock(mutex_, checked_mutex::use::shared);
    return elements_.size();
  }
  bool empty() const noexcept { return size() == 0; }
  size_type capacity() const noexcept { return size(); }
  void reserve(size_type) {}
  void shrink_to_fit() {}
  void clear() {
    const guard lock(mutex_, checked_mutex::use::exclusive);
    elements_.clear();
  }

 private:
  using guard = checked_mutex::guard;
  using tree_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<
      std::pair<const std::uint64_t, value_type>>;
  using tree = std::multimap<std::uint64_t, value_type, std::less<>, tree_allocator>;
  using iterator = typename tree::iterator;

  struct element {
    tree& elements;
    iterator at;

    const Key& key() const { return at->second.first; }
    const T& value() const { return at->second.second; }
    template <class F>
    void visit(F&& f) {
      f(at->second);
    }
    template <class F>
    void cvisit(F&& f) {
      f(std::as_const(at->second));
    }
    template <class F>
    void mutate(F&& f) {
      f(at->second.second);
    }
    template <class V>
    void assign(V&& value) {
      if constexpr (std::is_scalar_v<T>) {
        at->second.second = static_cast<T>(value);
      } else {
        at->second.second = std::forward<V>(value);
      }
    }
    T take() {
      T taken(std::move(at->second.second));
      erase();
      return taken;
    }
    void erase() { elements.erase(at); }
  };

  struct slot {
    tree& elements;
    std::uint64_t hash;

    template <class K, class... Args>
    element emplace(K&& key, Args&&... args) {
      const auto at = elements.emplace(
          std::piecewise_construct, std::forward_as_tuple(hash),
          std::forward_as_tuple(std::piecewise_construct,
                                std::forward_as_tuple(std::forward<K>(key)),
                                std::forward_as_tuple(std::forward<Args>(args)...)));
      return element{elements, at};
    }
  };

  template <class Tree, class K>
  auto locate(Tree& elements, std::uint64_t hash, const K& key) const {
    auto [at, end] = elements.equal_range(hash);
    while (at != end && !equal_(at->second.first, key)) ++at;
    return at == end ? elements.end() : at;
  }

  template <class It>
  bool in(concur::detail::hash_range range, It at) const {
    return at != elements_.end() && at->first <= range.last;
  }

  CONCUR_NO_UNIQUE_ADDRESS Hash hash_;
  CONCUR_NO_UNIQUE_ADDRESS KeyEqual equal_;
  Allocator allocator_;
  mutable checked_mutex mutex_;
  tree elements_;
};

}  // namespace concur_test
