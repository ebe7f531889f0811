// SPDX-License-Identifier: MIT
/// \file
/// A memory resource that counts, and a default resource that gives nothing: what is made while it
/// is the default one was given its memory by somebody.
#pragma once

#include <cstddef>
#include <memory_resource>

namespace concur_test {

class own_resource : public std::pmr::memory_resource {
 public:
  std::size_t live_bytes() const { return live_bytes_; }
  std::size_t total_allocations() const { return total_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* const memory = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    live_bytes_ += bytes;
    ++total_;
    return memory;
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    live_bytes_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::size_t live_bytes_ = 0;
  std::size_t total_ = 0;
};

class no_default_resource {
 public:
  no_default_resource()
      : before_(std::pmr::set_default_resource(std::pmr::null_memory_resource())) {}
  no_default_resource(const no_default_resource&) = delete;
  no_default_resource& operator=(const no_default_resource&) = delete;
  ~no_default_resource() { std::pmr::set_default_resource(before_); }

 private:
  std::pmr::memory_resource* before_;
};

}  // namespace concur_test
