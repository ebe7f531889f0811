// SPDX-License-Identifier: MIT
/// \file
/// How much memory a map holds: an allocator that counts the bytes that are asked of it. What
/// malloc adds of its own, about 8 bytes a block, is not seen here.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

namespace tour {

/// One counter for all: only the map that is being measured uses it.
inline std::atomic<std::size_t> counted_bytes{0};

template <class T>
struct counting_allocator {
  using value_type = T;

  counting_allocator() = default;
  template <class U>
  counting_allocator(const counting_allocator<U>&) noexcept {}  // NOLINT: allocators convert

  T* allocate(std::size_t n) {
    T* const block = std::allocator<T>().allocate(n);
    counted_bytes.fetch_add(n * sizeof(T), std::memory_order_relaxed);
    return block;
  }
  void deallocate(T* block, std::size_t n) noexcept {
    counted_bytes.fetch_sub(n * sizeof(T), std::memory_order_relaxed);
    std::allocator<T>().deallocate(block, n);
  }

  friend bool operator==(counting_allocator, counting_allocator) noexcept { return true; }
};

using counted_string = std::basic_string<char, std::char_traits<char>, counting_allocator<char>>;

}  // namespace tour
