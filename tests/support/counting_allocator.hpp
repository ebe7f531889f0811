// SPDX-License-Identifier: MIT
/// \file
/// Allocators that tell on a container: what it holds, whether it gives back what it took and to
/// whom, what it does when memory runs out, and whether it accepts pointers that are classes.
///
/// - `allocation_account` is the book. It outlives the containers that are tested.
/// - `counting_allocator<T>` is stateful: it books into the account it was made with, and two are
///   equal when they share the account.
/// - `fancy_allocator<T>` does the same with `fancy_pointer<T>`.
///
///     concur_test::allocation_account account;
///     account.fail_at(3);  // the third allocation from now throws std::bad_alloc
///     { container<counting_allocator<int>> c(counting_allocator<int>{account}); ... }
///     REQUIRE(account.balanced());
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <unordered_map>

namespace concur_test {

/// What was allocated and not yet freed. Safe to use from many threads.
class allocation_account {
 public:
  allocation_account() = default;
  allocation_account(const allocation_account&) = delete;
  allocation_account& operator=(const allocation_account&) = delete;

  std::size_t live_bytes() const { return locked(live_bytes_); }
  std::size_t live_allocations() const {
    const std::lock_guard lock(mutex_);
    return live_.size();
  }
  std::size_t peak_bytes() const { return locked(peak_bytes_); }
  std::size_t total_allocations() const { return locked(total_); }
  /// Deallocations of a block that is not live, or with another size or alignment.
  std::size_t mistakes() const { return locked(mistakes_); }
  /// Allocations of no bytes, which an allocator may refuse.
  std::size_t empty_requests() const { return locked(empty_requests_); }

  /// Everything was given back, and exactly as it was taken.
  bool balanced() const {
    const std::lock_guard lock(mutex_);
    return live_.empty() && live_bytes_ == 0 && mistakes_ == 0;
  }

  /// The `n`-th allocation from now throws, n = 1 being the next; later ones succeed again.
  void fail_at(std::size_t n) { countdown_.store(n, std::memory_order_relaxed); }
  void fail_never() { fail_at(0); }
  /// Whether an announced failure has not happened yet.
  bool failure_pending() const { return countdown_.load(std::memory_order_relaxed) != 0; }

  void* allocate(std::size_t bytes, std::size_t alignment) {
    if (take_failure()) throw std::bad_alloc();
    void* const block = ::operator new (bytes, std::align_val_t{alignment});
    const std::lock_guard lock(mutex_);
    live_.emplace(block, shape{bytes, alignment});
    live_bytes_ += bytes;
    if (live_bytes_ > peak_bytes_) peak_bytes_ = live_bytes_;
    ++total_;
    empty_requests_ += bytes == 0;
    return block;
  }

  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    {
      const std::lock_guard lock(mutex_);
      const auto found = live_.find(block);
      if (found == live_.end()) {
        ++mistakes_;
        return;
      }
      if (found->second.bytes != bytes || found->second.alignment != alignment) ++mistakes_;
      live_bytes_ -= found->second.bytes;
      alignment = found->second.alignment;
      live_.erase(found);
    }
    ::operator delete (block, std::align_val_t{alignment});
  }

 private:
  struct shape {
    std::size_t bytes;
    std::size_t alignment;
  };

  std::size_t locked(const std::size_t& member) const {
    const std::lock_guard lock(mutex_);
    return member;
  }

  bool take_failure() {
    std::size_t left = countdown_.load(std::memory_order_relaxed);
    while (left != 0 &&
           !countdown_.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
    }
    return left == 1;
  }

  mutable std::mutex mutex_;
  std::unordered_map<void*, shape> live_;
  std::size_t live_bytes_ = 0;
  std::size_t peak_bytes_ = 0;
  std::size_t total_ = 0;
  std::size_t mistakes_ = 0;
  std::size_t empty_requests_ = 0;
  std::atomic<std::size_t> countdown_{0};
};

/// Stateful: no default constructor, equal when the account is the same, never propagated.
template <class T>
class counting_allocator {
 public:
  using value_type = T;
  using is_always_equal = std::false_type;

  explicit counting_allocator(allocation_account& account) noexcept : account_(&account) {}

  template <class U>
  counting_allocator(const counting_allocator<U>& other) noexcept : account_(&other.account()) {}

  T* allocate(std::size_t n) {
    return static_cast<T*>(account_->allocate(n * sizeof(T), alignof(T)));
  }
  void deallocate(T* block, std::size_t n) noexcept {
    account_->deallocate(block, n * sizeof(T), alignof(T));
  }

  allocation_account& account() const noexcept { return *account_; }

  template <class U>
  bool operator==(const counting_allocator<U>& other) const noexcept {
    return account_ == &other.account();
  }

 private:
  allocation_account* account_;
};

/// A pointer that is a class and is not what it seems: it keeps the address with a bit flipped, so
/// that code which copies its bytes in place of calling `pointer_to` and `operator*` crashes.
template <class T>
class fancy_pointer {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  using difference_type = std::ptrdiff_t;
  using pointer = fancy_pointer;
  using reference = std::add_lvalue_reference_t<T>;
  using iterator_category = std::random_access_iterator_tag;
  template <class U>
  using rebind = fancy_pointer<U>;

  fancy_pointer() = default;
  fancy_pointer(std::nullptr_t) noexcept {}
  explicit fancy_pointer(T* raw) noexcept : masked_(reinterpret_cast<std::uintptr_t>(raw) ^ mask) {}

  template <class U>
    requires(std::is_convertible_v<U*, T*>)
  fancy_pointer(const fancy_pointer<U>& other)
  noexcept : fancy_pointer(static_cast<T*>(other.get())) {}

  template <class U>
    requires(!std::is_convertible_v<U*, T*>)
  explicit fancy_pointer(const fancy_pointer<U>& other) noexcept
      : fancy_pointer(static_cast<T*>(other.get())) {}

  template <class U = T>
  static fancy_pointer pointer_to(U& object) noexcept {
    return fancy_pointer(std::addressof(object));
  }

  T* get() const noexcept { return reinterpret_cast<T*>(masked_ ^ mask); }
  reference operator*() const noexcept { return *get(); }
  T* operator->() const noexcept { return get(); }
  template <class U = T>
  U& operator[](difference_type n) const noexcept {
    return get()[n];
  }
  explicit operator bool() const noexcept { return get() != nullptr; }

  fancy_pointer& operator+=(difference_type n) noexcept { return *this = fancy_pointer(get() + n); }
  fancy_pointer& operator-=(difference_type n) noexcept { return *this += -n; }
  fancy_pointer& operator++() noexcept { return *this += 1; }
  fancy_pointer& operator--() noexcept { return *this -= 1; }
  fancy_pointer operator++(int) noexcept {
    const fancy_pointer before = *this;
    ++*this;
    return before;
  }
  fancy_pointer operator--(int) noexcept {
    const fancy_pointer before = *this;
    --*this;
    return before;
  }
  friend fancy_pointer operator+(fancy_pointer p, difference_type n) noexcept { return p += n; }
  friend fancy_pointer operator+(difference_type n, fancy_pointer p) noexcept { return p += n; }
  friend fancy_pointer operator-(fancy_pointer p, difference_type n) noexcept { return p -= n; }
  friend difference_type operator-(fancy_pointer a, fancy_pointer b) noexcept {
    return a.get() - b.get();
  }
  friend bool operator==(fancy_pointer a, fancy_pointer b) noexcept { return a.get() == b.get(); }
  friend std::strong_ordering operator<=>(fancy_pointer a, fancy_pointer b) noexcept {
    return std::compare_three_way{}(a.get(), b.get());
  }

 private:
  static constexpr std::uintptr_t mask = 1;

  std::uintptr_t masked_ = mask;
};

/// `counting_allocator` with `fancy_pointer` in place of raw pointers.
template <class T>
class fancy_allocator {
 public:
  using value_type = T;
  using pointer = fancy_pointer<T>;
  using const_pointer = fancy_pointer<const T>;
  using void_pointer = fancy_pointer<void>;
  using const_void_pointer = fancy_pointer<const void>;
  using difference_type = std::ptrdiff_t;
  using size_type = std::size_t;
  using is_always_equal = std::false_type;

  explicit fancy_allocator(allocation_account& account) noexcept : account_(&account) {}

  template <class U>
  fancy_allocator(const fancy_allocator<U>& other) noexcept : account_(&other.account()) {}

  pointer allocate(std::size_t n) {
    return pointer(static_cast<T*>(account_->allocate(n * sizeof(T), alignof(T))));
  }
  void deallocate(pointer block, std::size_t n) noexcept {
    account_->deallocate(block.get(), n * sizeof(T), alignof(T));
  }

  allocation_account& account() const noexcept { return *account_; }

  template <class U>
  bool operator==(const fancy_allocator<U>& other) const noexcept {
    return account_ == &other.account();
  }

 private:
  allocation_account* account_;
};

}  // namespace concur_test
