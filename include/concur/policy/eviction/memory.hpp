// SPDX-License-Identifier: MIT
/// \file
/// The memory of a policy that remembers more than the elements that are there: allocated and freed
/// by the cache outside its locks.
#pragma once

#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace concur::inline CONCUR_ABI::eviction {

/// Words, all zero at first. Empty, or of the size that `words_lacking()` of a queue asked for.
template <class Allocator>
class memory {
  using word_allocator = detail::rebind<Allocator, std::uint32_t>;

 public:
  explicit memory(const Allocator& allocator) noexcept : allocator_(allocator) {}
  /// Throws what the allocator throws.
  memory(const Allocator& allocator, std::size_t n)
      : allocator_(allocator),
        words_(n == 0 ? nullptr : detail::allocate(allocator_, n)),
        size_(n) {
    for (std::size_t i = 0; i != n; ++i) words_[i] = 0;
  }
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;
  ~memory() {
    if (words_ != nullptr) detail::deallocate(allocator_, words_, size_);
  }

  std::uint32_t* data() noexcept { return words_; }
  const std::uint32_t* data() const noexcept { return words_; }
  std::size_t size() const noexcept { return size_; }

  /// Between memories of equal allocators.
  void swap(memory& other) noexcept {
    std::swap(words_, other.words_);
    std::swap(size_, other.size_);
  }

 private:
  CONCUR_NO_UNIQUE_ADDRESS word_allocator allocator_;
  std::uint32_t* words_ = nullptr;
  std::size_t size_ = 0;
};

/// How many words of memory the queue lacks; 0 for a policy that never wants any.
template <class Queue>
constexpr std::size_t words_lacking(const Queue& queue) noexcept {
  if constexpr (requires { queue.words_lacking(); }) {
    return queue.words_lacking();
  } else {
    return 0;
  }
}

/// Gives a queue the memory that it lacks. To be called without the lock, which is a lockable. If
/// the allocation fails the queue is given an empty memory, so that it does not ask again at once.
/// Cheap when nothing is lacking, but for the lock: ask `words_lacking` while it is held anyway.
template <class Queue, class Allocator, class Lock>
void supply(Queue& queue, const Allocator& allocator, Lock& lock) noexcept {
  if constexpr (requires(memory<Allocator> & fresh) { queue.exchange_memory(fresh); }) {
    lock.lock();
    const std::size_t lacking = queue.words_lacking();
    lock.unlock();
    if (lacking == 0) return;
    memory<Allocator> fresh(allocator);
    CONCUR_TRY {
      memory<Allocator> allocated(allocator, lacking);
      fresh.swap(allocated);
    }
    CONCUR_CATCH_ALL {}
    lock.lock();
    // Somebody else may have been faster: what is not taken is freed at the end, as what was there.
    queue.exchange_memory(fresh);
    lock.unlock();
  }
}

}  // namespace concur::inline CONCUR_ABI::eviction
