// SPDX-License-Identifier: MIT
#include <concur/detail/storage/aligned_units.hpp>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

namespace detail = concur::detail;

namespace {

using allocator = concur_test::counting_allocator<int>;

template <std::size_t Alignment>
void aligns_and_gives_back() {
  using memory = detail::aligned_units<allocator, Alignment>;
  concur_test::allocation_account account;
  const allocator from(account);
  std::vector<void*> taken;
  // An odd number of units each, so that they begin anywhere.
  for (std::size_t bytes = 1; bytes < 2000; bytes += 79) {
    const std::size_t units = memory::units_for(bytes);
    void* const p = memory::allocate(from, units);
    CHECK(reinterpret_cast<std::uintptr_t>(p) % Alignment == 0);
    std::memset(p, 0x5a, bytes);  // all of it is ours: AddressSanitizer looks
    taken.push_back(p);
  }
  CHECK(account.live_bytes() != 0);
  std::size_t bytes = 1;
  for (void* const p : taken) {
    memory::deallocate(from, p, memory::units_for(bytes));
    bytes += 79;
  }
  CHECK(account.live_bytes() == 0);
}

}  // namespace

TEST_CASE("memory is aligned, whatever the allocator gives, and goes back as it came",
          "[aligned_units]") {
  aligns_and_gives_back<16>();
  aligns_and_gives_back<64>();
  aligns_and_gives_back<128>();
}

TEST_CASE("a size that overflows is refused before anything is taken", "[aligned_units]") {
  using memory = detail::aligned_units<allocator, 128>;
  CHECK_THROWS_AS(memory::units_for(std::numeric_limits<std::size_t>::max()), std::length_error);
}
