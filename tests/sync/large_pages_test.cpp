// SPDX-License-Identifier: MIT
#include <concur/detail/sync/large_pages.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "support/catch.hpp"

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
