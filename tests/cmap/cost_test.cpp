// SPDX-License-Identifier: MIT
/// \file
/// No operation's cost grows with the size of the map: the most that a single operation does, while
/// the map is filled and emptied, counted in calls of the hasher and in memory.
#include "support/catch.hpp"
#include "support/scattered.hpp"
#include "support/tally.hpp"

#include <algorithm>
#include <concur/cmap.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

using namespace concur_test;

namespace {

std::size_t hashed = 0;

struct counted_hash {
  using is_avalanching = std::true_type;
  std::uint64_t operator()(number key) const noexcept {
    ++hashed;
    return scattered(key);
  }
};

/// Three words: an element of its own.
struct wide {
  number words[3];
  explicit wide(number n) : words{n, n, n} {}
};

/// Of the operations so far, what the one had that had most of it.
struct costs {
  std::size_t hashes = 0;
  std::size_t bytes = 0;   ///< that the map holds more than before
  std::size_t blocks = 0;  ///< taken
};

/// Runs one operation, and adds it to `most`.
template <class Operation>
void add_cost(costs& most, const tally& book, Operation operation) {
  const std::size_t bytes = book.bytes;
  const std::size_t blocks = book.taken;
  hashed = 0;
  operation();
  most.hashes = std::max(most.hashes, hashed);
  most.bytes = std::max(most.bytes, book.bytes > bytes ? book.bytes - bytes : 0);
  most.blocks = std::max(most.blocks, book.taken - blocks);
}

/// The same limits whatever the size: a share of a replacement of the table is a block of 64 slots,
/// each with a leaf or two of six; a segment is 33 kB.
void require_bounded(const costs& most) {
  CAPTURE(most.hashes, most.bytes, most.blocks);
  CHECK(most.hashes <= 500);
  CHECK(most.bytes <= 100'000);
  CHECK(most.blocks <= 300);
}

template <class T>
void require_bounded_costs(number n) {
  using allocator = tallying_allocator<std::pair<const number, T>>;
  tally book;
  concur::cmap<number, T, counted_hash, std::equal_to<>, allocator> map{allocator(book)};
  costs inserting;
  for (number i = 0; i < n; ++i) {
    add_cost(inserting, book, [&] { map.try_emplace(i, i); });
  }
  REQUIRE(map.size() == n);
  REQUIRE(map.capacity() >= n / 8);  // it has grown, many times
  require_bounded(inserting);
  costs looking;
  for (number i = 0; i < 2 * n; i += 7) {
    add_cost(looking, book, [&] { map.contains(i); });
  }
  CHECK(looking.hashes == 1);
  CHECK(looking.blocks == 0);
  costs overwriting;
  for (number i = 0; i < n; i += 7) {
    add_cost(overwriting, book, [&] { map.insert_or_assign(i, T(7)); });
  }
  require_bounded(overwriting);
  costs erasing;
  for (number i = 0; i < n; ++i) {
    add_cost(erasing, book, [&] { map.erase(i); });
  }
  REQUIRE(map.empty());
  REQUIRE(map.capacity() <= n / 8);
  require_bounded(erasing);
  CHECK(book.largest <= 64 * 1024);
}

}  // namespace

TEST_CASE("cmap: no operation's cost grows with the map: pairs in leaves", "[cmap][cost]") {
  require_bounded_costs<number>(300'000);
}

TEST_CASE("cmap: no operation's cost grows with the map: elements beside the leaves",
          "[cmap][cost]") {
  require_bounded_costs<wide>(150'000);
}
