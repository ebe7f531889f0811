// SPDX-License-Identifier: MIT
#include <concur/detail/seq_array/directory.hpp>
#include <concur/detail/seq_array/geometry.hpp>
#include <concur/detail/sync/seqlock_cell.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

using concur::detail::leaf_hazard;
using concur::detail::seq_array_directory;
using concur::detail::seq_array_geometry;
using concur::detail::seqlock_cell;
using concur_test::allocation_account;
using concur_test::counting_allocator;

namespace {

using geometry = seq_array_geometry<1, 3>;
using cell = seqlock_cell<long>;
using directory = seq_array_directory<cell, counting_allocator<long>, geometry>;

}  // namespace

TEST_CASE("a chunk is reached only while it is linked", "[seq_array][directory]") {
  allocation_account account;
  const counting_allocator<long> allocator(account);
  directory d;
  leaf_hazard guard;
  REQUIRE(d.protect(0, guard) == nullptr);
  d.link(0, allocator);
  cell* const first = d.protect(0, guard);
  REQUIRE(first != nullptr);
  REQUIRE(d.at(1) == first + 1);
  REQUIRE(d.protect(2, guard) == nullptr);
  d.unlink(0);
  REQUIRE(d.protect(0, guard) == nullptr);
  guard.clear();
  REQUIRE(d.sweep(0, 1, allocator) == 0);
  d.release(1, allocator);
  REQUIRE(account.balanced());
}

TEST_CASE("a chunk that somebody reads in is freed later, not now", "[seq_array][directory]") {
  allocation_account account;
  const counting_allocator<long> allocator(account);
  directory d;
  for (std::size_t chunk = 0; chunk < 4; ++chunk) d.link(chunk, allocator);
  const std::size_t before = account.live_allocations();
  {
    leaf_hazard guard;
    REQUIRE(d.protect(5, guard) != nullptr);  // in chunk 2
    d.unlink(3);
    d.unlink(2);
    REQUIRE(d.sweep(2, 4, allocator) == 3);
    REQUIRE(account.live_allocations() == before - 1);
  }
  REQUIRE(d.sweep(2, 3, allocator) == 2);
  REQUIRE(account.live_allocations() == before - 2);
  d.release(4, allocator);
  REQUIRE(account.balanced());
}

TEST_CASE("an unlinked chunk that is still there is linked again without an allocation",
          "[seq_array][directory]") {
  allocation_account account;
  const counting_allocator<long> allocator(account);
  directory d;
  d.link(0, allocator);
  cell* const place = d.at(0);
  d.unlink(0);
  const std::size_t allocations = account.total_allocations();
  d.link(0, allocator);
  REQUIRE(d.at(0) == place);
  REQUIRE(account.total_allocations() == allocations);
  d.release(1, allocator);
  REQUIRE(account.balanced());
}

TEST_CASE("segments come one by one, and none moves", "[seq_array][directory]") {
  allocation_account account;
  const counting_allocator<long> allocator(account);
  directory d;
  d.link(0, allocator);
  cell* const first = d.at(0);
  for (std::size_t chunk = 1; chunk < 500; ++chunk) d.link(chunk, allocator);
  REQUIRE(d.at(0) == first);
  REQUIRE(d.bytes() == (24 + 96 + 384) * sizeof(void*));
  directory other;
  other.swap(d);
  REQUIRE(other.at(0) == first);
  REQUIRE(d.bytes() == 0);
  other.release(500, allocator);
  REQUIRE(account.balanced());
}
