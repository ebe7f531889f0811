// SPDX-License-Identifier: MIT
/// \file
/// An allocator that counts bytes and nothing else, for tests with millions of elements: what
/// `counting_allocator` does for every single block takes longer than the map.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>

namespace concur_test {

struct tally {
  std::atomic<std::size_t> bytes{0};
  std::atomic<std::size_t> blocks{0};
  std::atomic<std::size_t> taken{0};    ///< blocks in all, those that came back too
  std::atomic<std::size_t> largest{0};  ///< block so far
};

template <class T>
struct tallying_allocator {
  using value_type = T;
  tally* book;

  explicit tallying_allocator(tally& t) noexcept : book(&t) {}
  template <class U>
  tallying_allocator(const tallying_allocator<U>& other) noexcept : book(other.book) {}  // NOLINT

  T* allocate(std::size_t n) {
    const std::size_t bytes = n * sizeof(T);
    void* const block = ::operator new (bytes, std::align_val_t{alignof(T)});
    book->bytes.fetch_add(bytes, std::memory_order_relaxed);
    book->blocks.fetch_add(1, std::memory_order_relaxed);
    book->taken.fetch_add(1, std::memory_order_relaxed);
    std::size_t largest = book->largest.load(std::memory_order_relaxed);
    while (largest < bytes &&
           !book->largest.compare_exchange_weak(largest, bytes, std::memory_order_relaxed)) {
    }
    return static_cast<T*>(block);
  }
  void deallocate(T* block, std::size_t n) noexcept {
    book->bytes.fetch_sub(n * sizeof(T), std::memory_order_relaxed);
    book->blocks.fetch_sub(1, std::memory_order_relaxed);
    ::operator delete (block, std::align_val_t{alignof(T)});
  }
  template <class U>
  bool operator==(const tallying_allocator<U>& other) const noexcept {
    return book == other.book;
  }
};

}  // namespace concur_test
