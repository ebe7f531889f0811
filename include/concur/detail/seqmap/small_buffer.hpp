// SPDX-License-Identifier: MIT
/// \file
/// A list that lies inside the object as long as it is short, and in the map's memory when it is
/// not.
#pragma once

#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <new>
#include <optional>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::seqmap {

template <class T, class Allocator, std::size_t Few>
class small_buffer {
 public:
  explicit small_buffer(const Allocator& allocator) noexcept : allocator_(allocator) {}
  ~small_buffer() { clear(); }
  small_buffer(const small_buffer&) = delete;
  small_buffer& operator=(const small_buffer&) = delete;

  template <class... Args>
  T& emplace(Args&&... args) {
    if (is_full()) grow();
    T* place = ::new (static_cast<void*>(begin() + size_)) T(std::forward<Args>(args)...);
    ++size_;
    return *place;
  }
  void clear() noexcept {
    while (size_ != 0) begin()[--size_].~T();
  }
  std::size_t size() const noexcept { return size_; }
  /// The next element takes memory.
  bool is_full() const noexcept { return size_ == capacity_; }
  CONCUR_NOINLINE void grow() {
    const std::size_t larger = capacity_ == 0 ? Few : 2 * capacity_;
    allocation<rebind<Allocator, T>> fresh(allocator_, larger);
    for (std::size_t i = 0; i < size_; ++i) {
      ::new (static_cast<void*>(fresh.data() + i)) T(std::move(begin()[i]));
      begin()[i].~T();
    }
    heap_.reset();
    heap_.emplace(std::move(fresh));
    capacity_ = larger;
  }

  T& operator[](std::size_t i) noexcept { return begin()[i]; }
  T* begin() noexcept { return heap_ ? heap_->data() : reinterpret_cast<T*>(few_); }
  T* end() noexcept { return begin() + size_; }

 private:
  // A kilobyte of stack per list: enough for every ordinary element.
  static constexpr std::size_t inline_count = sizeof(T) * Few <= 1024 ? Few : 0;

  const Allocator& allocator_;
  std::size_t size_ = 0;
  std::size_t capacity_ = inline_count;
  std::optional<allocation<rebind<Allocator, T>>> heap_;
  alignas(T) unsigned char few_[inline_count == 0 ? 1 : inline_count * sizeof(T)];
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
