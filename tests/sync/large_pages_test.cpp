// SPDX-License-Identifier: MIT
#include <concur/detail/sync/large_pages.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "support/catch.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#include <cerrno>
#endif

using concur::detail::large_pages;

namespace {

template <class T>
struct other_allocator : std::allocator<T> {
  using value_type = T;
};

}  // namespace

TEST_CASE("advice is given on memory of the standard allocator only") {
  REQUIRE(large_pages::may_advise<std::allocator<int>>);
  REQUIRE_FALSE(large_pages::may_advise<other_allocator<int>>);
}

TEST_CASE("memory that was advised on can be written and keeps what is written") {
  std::vector<unsigned char> block(large_pages::advised_from + 12345);
  large_pages::advise(block.data(), block.size());
  for (std::size_t i = 0; i < block.size(); i += 4096)
    block[i] = static_cast<unsigned char>(i >> 12);
  bool is_kept = true;
  for (std::size_t i = 0; i < block.size(); i += 4096) {
    is_kept = is_kept && block[i] == static_cast<unsigned char>(i >> 12);
  }
  REQUIRE(is_kept);
}

TEST_CASE("smaller blocks are advised on where that is asked for") {
  std::vector<unsigned char> block(large_pages::advised_once_from + 777, 3);
  large_pages::advise(block.data(), block.size(), large_pages::advised_once_from);
  large_pages::advise(block.data(), block.size() - 1000, large_pages::advised_once_from);
  REQUIRE(block.front() == 3);
  REQUIRE(block.back() == 3);
}

#if defined(__linux__)
TEST_CASE("advice that the kernel refuses is no error") {
  constexpr std::size_t bytes = large_pages::advised_from;
  void* const pages =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  REQUIRE(::munmap(pages, bytes) == 0);
  errno = 0;
  large_pages::advise(pages, bytes);  // nothing is there any more
  const int reason = errno;
  REQUIRE((reason == ENOMEM || reason == EINVAL || reason == 0));
}
#endif

TEST_CASE("a block is given back in portions from its end, and nothing before it is touched") {
  constexpr std::size_t before = 1000;
  std::vector<unsigned char> memory(5 * large_pages::portion, 7);
  unsigned char* const block = memory.data() + before;
  const std::size_t bytes = memory.size() - 2 * before;
  std::size_t kept = bytes;
  int calls = 0;
  while (kept != 0) {
    const std::size_t next = large_pages::give_back(block, kept);
    REQUIRE(next < kept);
    kept = next;
    ++calls;
    REQUIRE(calls < 10);
  }
  for (std::size_t i = 0; i < before; ++i) {
    REQUIRE(memory[i] == 7);
    REQUIRE(memory[memory.size() - 1 - i] == 7);
  }
  // Whatever was given back can be written to again.
  memory.assign(memory.size(), 9);
  REQUIRE(memory.back() == 9);
}
