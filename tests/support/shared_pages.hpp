// SPDX-License-Identifier: MIT
/// \file
/// Pages that a process shares with its children.
#pragma once

#include <cstddef>
#include <new>
#include <span>

#include <sys/mman.h>

namespace concur_test {

class shared_pages {
 public:
  explicit shared_pages(std::size_t bytes)
      : bytes_(bytes),
        at_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (at_ == MAP_FAILED) throw std::bad_alloc();
  }
  shared_pages(const shared_pages&) = delete;
  shared_pages& operator=(const shared_pages&) = delete;
  ~shared_pages() { ::munmap(at_, bytes_); }
  std::span<std::byte> span() const { return {static_cast<std::byte*>(at_), bytes_}; }

 private:
  std::size_t bytes_;
  void* at_;
};

}  // namespace concur_test
