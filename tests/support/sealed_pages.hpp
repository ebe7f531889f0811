// SPDX-License-Identifier: MIT
/// \file
/// Memory that tells which of its pages were touched. A container is filled in it, then the pages
/// are sealed: what is not allowed any more faults, is counted, and is let through. So a test sees
/// by the hardware that a read writes nothing, or how much of a map an operation looks at.
///
///     concur_test::sealed_pages pages(std::size_t{1} << 26);
///     auto map = std::allocate_shared<Map>(sealed_allocator<Map>(pages), ...);  // the map, too
///     ...
///     pages.seal(sealed_pages::may::read);
///     ... reads of the map ...
///     REQUIRE(pages.unseal() == 0);  // pages that were written to
#pragma once

#if defined(__unix__) || defined(__APPLE__)
#define CONCUR_TEST_HAS_SEALED_PAGES 1

#include <sys/mman.h>
#include <unistd.h>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <new>

namespace concur_test {

/// One at a time is sealed. Allocating and freeing is for one thread, and for none while sealed.
class sealed_pages {
 public:
  enum class may { nothing, read };

  /// Address space; pages are taken as they are used.
  explicit sealed_pages(std::size_t bytes)
      : bytes_(bytes),
        base_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)) {
    if (base_ == MAP_FAILED) throw std::bad_alloc();
  }
  sealed_pages(const sealed_pages&) = delete;
  sealed_pages& operator=(const sealed_pages&) = delete;
  ~sealed_pages() { ::munmap(base_, bytes_); }

  void* allocate(std::size_t bytes, std::size_t alignment) {
    const std::size_t size = class_of(bytes) * grain;
    if (alignment <= grain && class_of(bytes) < classes) {
      if (void* const block = free_[class_of(bytes)]) {
        free_[class_of(bytes)] = *static_cast<void**>(block);
        return block;
      }
    }
    const std::size_t at = (used_ + alignment - 1) / alignment * alignment;
    if (at + size > bytes_) throw std::bad_alloc();
    used_ = at + size;
    return static_cast<std::byte*>(base_) + at;
  }
  /// Blocks are used again for others of their size.
  void deallocate(void* block, std::size_t bytes) noexcept {
    if (class_of(bytes) >= classes) return;
    ::new (block) void*(free_[class_of(bytes)]);
    free_[class_of(bytes)] = block;
  }

  /// Of all that has been given out; from now on a thread `may` do that much without being seen.
  void seal(may allowed) {
    touched_ = 0;
    sealed_ = this;
    struct sigaction action {};
    action.sa_sigaction = [](int, siginfo_t* info, void*) { touch(info->si_addr); };
    action.sa_flags = SA_SIGINFO;
    for (int i = 0; i < 2; ++i) ::sigaction(signals[i], &action, &before_[i]);
    ::mprotect(base_, used_pages() * page_, allowed == may::read ? PROT_READ : PROT_NONE);
  }
  /// Returns how many pages were touched meanwhile.
  std::size_t unseal() {
    ::mprotect(base_, used_pages() * page_, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 2; ++i) ::sigaction(signals[i], &before_[i], nullptr);
    return touched_;
  }
  std::size_t used_pages() const noexcept { return (used_ + page_ - 1) / page_; }

 private:
  static constexpr std::size_t grain = 16;
  static constexpr std::size_t classes = 4096;
  static constexpr int signals[2] = {SIGSEGV, SIGBUS};  // which one differs between systems

  static std::size_t class_of(std::size_t bytes) noexcept { return (bytes + grain - 1) / grain; }

  /// In the handler. The instruction is then executed again.
  static void touch(void* address) noexcept {
    sealed_pages& pages = *sealed_;
    const auto offset =
        reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(pages.base_);
    if (offset >= pages.bytes_) {
      // A fault of another kind: it happens again, and is as fatal as it should be.
      for (int i = 0; i < 2; ++i) ::sigaction(signals[i], &pages.before_[i], nullptr);
      return;
    }
    ++pages.touched_;
    ::mprotect(static_cast<std::byte*>(pages.base_) + offset / pages.page_ * pages.page_,
               pages.page_, PROT_READ | PROT_WRITE);
  }

  inline static sealed_pages* sealed_ = nullptr;

  const std::size_t page_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t bytes_;
  void* const base_;
  std::size_t used_ = 0;
  void* free_[classes] = {};
  std::atomic<std::size_t> touched_{0};
  struct sigaction before_[2] = {};
};

template <class T>
class sealed_allocator {
 public:
  using value_type = T;

  explicit sealed_allocator(sealed_pages& pages) noexcept : pages_(&pages) {}
  template <class U>
  sealed_allocator(const sealed_allocator<U>& other) noexcept  // NOLINT: converts, as allocators do
      : pages_(&other.pages()) {}

  T* allocate(std::size_t n) {
    return static_cast<T*>(pages_->allocate(n * sizeof(T), alignof(T)));
  }
  void deallocate(T* block, std::size_t n) noexcept { pages_->deallocate(block, n * sizeof(T)); }

  sealed_pages& pages() const noexcept { return *pages_; }
  template <class U>
  bool operator==(const sealed_allocator<U>& other) const noexcept {
    return pages_ == &other.pages();
  }

 private:
  sealed_pages* pages_;
};

}  // namespace concur_test

#endif
