// SPDX-License-Identifier: MIT
#include <concur/policy/allocator.hpp>
#include <limits>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

namespace detail = concur::detail;

namespace {

constexpr std::size_t max_size = std::numeric_limits<std::size_t>::max();

struct alignas(64) line {
  unsigned char bytes[64];
};

/// The size of a block fits into a byte.
template <class T>
struct small_world {
  using value_type = T;
  using size_type = std::uint8_t;
  T* allocate(size_type n) { return std::allocator<T>().allocate(n); }
  void deallocate(T* memory, size_type n) { std::allocator<T>().deallocate(memory, n); }
  bool operator==(const small_world&) const = default;
};

template <bool Copy, bool Move, bool Swap>
struct propagating {
  using value_type = int;
  using is_always_equal = std::false_type;
  using propagate_on_container_copy_assignment = std::bool_constant<Copy>;
  using propagate_on_container_move_assignment = std::bool_constant<Move>;
  using propagate_on_container_swap = std::bool_constant<Swap>;
  int* allocate(std::size_t n) { return std::allocator<int>().allocate(n); }
  void deallocate(int* memory, std::size_t n) { std::allocator<int>().deallocate(memory, n); }
  propagating select_on_container_copy_construction() const { return {-id}; }
  bool operator==(const propagating&) const = default;
  int id = 0;
};

template <class Allocator>
void takes_and_gives_back(concur_test::allocation_account& account) {
  {
    Allocator allocator(account);
    int* const memory = detail::allocate(allocator, 5);
    for (int i = 0; i < 5; ++i) std::construct_at(memory + i, i);
    CHECK(account.live_bytes() == 5 * sizeof(int));
    CHECK(memory[4] == 4);
    detail::deallocate(allocator, memory, 5);
    CHECK(account.live_bytes() == 0);

    detail::allocation<Allocator> owner(allocator, 3);
    CHECK(owner.size() == 3);
    CHECK(account.live_bytes() == 3 * sizeof(int));
    detail::allocation<Allocator> heir(std::move(owner));
    CHECK(owner.data() == nullptr);
    CHECK(heir.data() != nullptr);
    CHECK(account.live_allocations() == 1);
    int* const released = heir.release();
    CHECK(heir.data() == nullptr);
    CHECK(account.live_allocations() == 1);
    detail::deallocate(allocator, released, 3);
  }
  CHECK(account.balanced());
  CHECK(account.total_allocations() == 2);
}

}  // namespace

TEST_CASE("memory goes back to the allocator that gave it, raw pointers in between") {
  concur_test::allocation_account account;
  SECTION("with a stateful allocator") {
    takes_and_gives_back<concur_test::counting_allocator<int>>(account);
  }
  SECTION("with pointers that are classes") {
    takes_and_gives_back<concur_test::fancy_allocator<int>>(account);
  }
}

TEST_CASE("an allocation rebinds, aligns, and gives back when an exception passes") {
  concur_test::allocation_account account;
  concur_test::fancy_allocator<std::string> given(account);
  using lines = detail::allocation<detail::rebind<decltype(given), line>>;
  const auto fill = [&] {
    lines memory(given, 4);
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % 64 == 0);
    CHECK(account.live_bytes() == 256);
    throw std::runtime_error("filling failed");
  };
  CHECK_THROWS_AS(fill(), std::runtime_error);
  CHECK(account.balanced());
  CHECK(account.total_allocations() == 1);
}

TEST_CASE("memory comes from the pmr resource that was given") {
  std::byte buffer[1024];
  std::pmr::monotonic_buffer_resource resource(buffer, sizeof buffer,
                                               std::pmr::null_memory_resource());
  detail::allocation<std::pmr::polymorphic_allocator<int>> memory(
      std::pmr::polymorphic_allocator<int>(&resource), 10);
  const auto* const place = reinterpret_cast<std::byte*>(memory.data());
  CHECK(std::less_equal<>{}(&buffer[0], place));
  CHECK(std::less<>{}(place, &buffer[0] + sizeof buffer));
}

TEST_CASE("an allocator that fails leaves nothing behind") {
  concur_test::allocation_account account;
  concur_test::counting_allocator<int> allocator(account);
  account.fail_at(1);
  CHECK_THROWS_AS(detail::allocate(allocator, 5), std::bad_alloc);
  account.fail_at(1);
  CHECK_THROWS_AS((detail::allocation<decltype(allocator)>(allocator, 5)), std::bad_alloc);
  CHECK(account.balanced());
  CHECK(account.total_allocations() == 0);
}

TEST_CASE("a size that cannot be is a length_error and never wraps") {
  concur_test::allocation_account account;
  concur_test::counting_allocator<line> lines(account);
  CHECK_THROWS_AS(detail::allocate(lines, max_size), std::length_error);
  CHECK_THROWS_AS(detail::allocate(lines, max_size / 64 + 2), std::length_error);
  CHECK_THROWS_AS(detail::allocate(lines, max_size / 2 + 1), std::length_error);
  CHECK(account.total_allocations() == 0);
  // 256 would become 0 in the size type of this one.
  small_world<char> small;
  CHECK_THROWS_AS(detail::allocate(small, 256), std::length_error);
  char* const memory = detail::allocate(small, 100);
  detail::deallocate(small, memory, 100);
}

TEST_CASE("checked arithmetic is exact up to the limit and throws beyond") {
  CHECK(detail::checked_add(max_size - 1, 1) == max_size);
  CHECK_THROWS_AS(detail::checked_add(max_size, 1), std::length_error);
  CHECK(detail::checked_multiply(max_size, 1) == max_size);
  CHECK(detail::checked_multiply(0, max_size) == 0);
  CHECK(detail::checked_multiply(max_size / 3, 3) == max_size / 3 * 3);
  CHECK_THROWS_AS(detail::checked_multiply(max_size / 2 + 1, 2), std::length_error);
  CHECK_THROWS_AS(detail::checked_multiply(std::size_t{1} << 32, std::size_t{1} << 32),
                  std::length_error);
  CHECK(detail::checked_bit_ceil(0) == 1);
  CHECK(detail::checked_bit_ceil(1) == 1);
  CHECK(detail::checked_bit_ceil(1023) == 1024);
  CHECK(detail::checked_bit_ceil(1024) == 1024);
  CHECK(detail::checked_bit_ceil(1025) == 2048);
  CHECK(detail::checked_bit_ceil(max_size / 2 + 1) == max_size / 2 + 1);
  CHECK_THROWS_AS(detail::checked_bit_ceil(max_size / 2 + 2), std::length_error);
  CHECK_THROWS_AS(detail::checked_bit_ceil(max_size), std::length_error);
  CHECK(detail::checked_cells(0, 3, 4) == 0);
  CHECK(detail::checked_cells(3, 3, 4) == 4);
  CHECK(detail::checked_cells(4, 3, 4) == 6);
  CHECK(detail::checked_cells(1000, 1, 1) == 1000);
  CHECK_THROWS_AS(detail::checked_cells(max_size / 2, 3, 4), std::length_error);
}

TEST_CASE("allocators propagate exactly when their traits say so") {
  using all = propagating<true, true, true>;
  using none = propagating<false, false, false>;
  all a{1};
  all b{2};
  detail::copy_assign_allocator(a, b);
  CHECK(a.id == 2);
  b.id = 3;
  detail::move_assign_allocator(a, b);
  CHECK(a.id == 3);
  b.id = 4;
  detail::swap_allocators(a, b);
  CHECK(a.id == 4);
  CHECK(b.id == 3);
  CHECK(detail::allocator_of_copy(a).id == -4);
  CHECK(detail::memory_moves(a, b));

  none c{1};
  none d{2};
  detail::copy_assign_allocator(c, d);
  detail::move_assign_allocator(c, d);
  CHECK(c.id == 1);
  CHECK(d.id == 2);
  CHECK(!detail::memory_moves(c, d));
  d.id = 1;
  CHECK(detail::memory_moves(c, d));
  detail::swap_allocators(c, d);
  CHECK(c.id == 1);
  std::allocator<int> e;
  CHECK(detail::memory_moves(e, e));
  STATIC_REQUIRE(detail::pocca<all> && detail::pocma<all> && detail::pocs<all>);
  STATIC_REQUIRE(!detail::pocca<none> && !detail::pocma<none> && !detail::pocs<none>);
  STATIC_REQUIRE(detail::always_equal<std::allocator<int>> && !detail::always_equal<none>);
}
