// SPDX-License-Identifier: MIT
/// \file
/// What a snapshot costs, and what is done with one: a constant, or what has changed, whatever the
/// size of the map. Counted in memory, in copies, in calls of hashers and of ==, and in the pages
/// of memory that are looked at.
#include "support/catch.hpp"
#include "support/scattered.hpp"
#include "support/sealed_pages.hpp"
#include "support/tally.hpp"
#include "support/tracked.hpp"

#include <concur/hamt.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

using namespace concur_test;

namespace {

constexpr number many = 100'000;

std::size_t hashed = 0;
std::size_t compared = 0;

struct counted_hash {
  using is_avalanching = std::true_type;
  std::uint64_t operator()(number key) const noexcept {
    ++hashed;
    return scattered(key);
  }
};

/// A number whose == is counted. `Words` of them: kept in leaves, or an element of its own.
template <std::size_t Words>
struct compared_value {
  number words[Words];
  compared_value(number n = 0) noexcept {  // NOLINT: as a number
    for (number& word : words) word = n;
  }
  friend bool operator==(const compared_value& a, const compared_value& b) noexcept {
    ++compared;
    return a.words[0] == b.words[0];
  }
};

template <class T>
using tallied = concur::hamt<number, T, counted_hash, std::equal_to<>,
                             tallying_allocator<std::pair<const number, T>>>;
template <class Map>
using allocator_of = typename Map::allocator_type;

/// What happened since it was made.
class costs {
 public:
  explicit costs(const tally& book) : book_(book), taken_(book.taken), bytes_(book.bytes) {
    hashed = 0;
    compared = 0;
    tracking.copies = 0;
    tracking.moves = 0;
  }
  std::size_t blocks() const { return book_.taken - taken_; }
  /// More than before; what was retired earlier may be freed meanwhile.
  std::size_t bytes() const { return book_.bytes > bytes_ ? book_.bytes - bytes_ : 0; }
  static std::size_t touched() {
    return hashed + compared + static_cast<std::size_t>(tracking.copies + tracking.moves);
  }

 private:
  const tally& book_;
  std::size_t taken_;
  std::size_t bytes_;
};

template <class Map>
void fill(Map& map) {
  for (number i = 0; i < many; ++i) map.try_emplace(i, i);
}

/// A write after a snapshot copies the branches of one way: three of 64 slots, then of 16.
constexpr std::size_t bytes_of_a_way = 8 * 1024;

}  // namespace

TEMPLATE_TEST_CASE("hamt: a snapshot and a fork of many elements cost a node each", "[hamt][cost]",
                   compared_value<1>, compared_value<8>, tracked) {
  using map_type = tallied<TestType>;
  tally book;
  map_type map{allocator_of<map_type>(book)};
  fill(map);
  {
    const costs c(book);
    const auto snapshot = map.snapshot();
    REQUIRE(c.blocks() <= 1);
    REQUIRE(c.bytes() <= 128);
    const auto other = snapshot.share();
    REQUIRE(c.blocks() <= 1);
    const map_type fork(snapshot);
    REQUIRE(c.blocks() <= 2);
    const map_type copy(map);
    REQUIRE(c.blocks() <= 4);
    REQUIRE(c.bytes() <= 4 * 128);
    REQUIRE(c.touched() == 0);
    REQUIRE(copy.size() == many);
  }
  // The first write of all, here and in a fork.
  const auto snapshot = map.snapshot();
  map_type fork(snapshot);
  for (map_type* const written : {&map, &fork}) {
    const costs c(book);
    written->insert_or_assign(7, TestType(8));
    REQUIRE(c.blocks() <= 12);
    REQUIRE(c.bytes() <= bytes_of_a_way);
    REQUIRE(c.touched() <= 40);
  }
  REQUIRE(*snapshot.find(7) == TestType(7));
}

TEMPLATE_TEST_CASE("hamt: == of snapshots stops at what both share", "[hamt][cost]",
                   compared_value<1>, compared_value<8>) {
  using map_type = tallied<TestType>;
  tally book;
  map_type map{allocator_of<map_type>(book)};
  fill(map);
  const auto before = map.snapshot();
  map_type fork(before);
  {
    const costs c(book);
    REQUIRE(fork.snapshot() == before);
    REQUIRE(before.share() == before);
    REQUIRE(c.touched() == 0);
  }
  for (number i = 0; i < 10; ++i) fork.insert_or_assign(i * 1'000, TestType(i * 1'000));
  const auto equal = fork.snapshot();
  fork.insert_or_assign(7, TestType(8));
  const auto unequal = fork.snapshot();
  const costs c(book);
  const bool is_equal = equal == before;
  // Ten leaves of up to eight pairs were made anew.
  REQUIRE(is_equal);
  REQUIRE(c.touched() <= 10 * 8);
  const bool is_unequal = !(unequal == before);
  REQUIRE(is_unequal);
  REQUIRE(c.touched() <= 2 * 10 * 8 + 8);
  REQUIRE(c.blocks() == 0);
}

TEMPLATE_TEST_CASE("hamt: a merge costs what has changed", "[hamt][cost]", compared_value<1>,
                   compared_value<8>) {
  using map_type = tallied<TestType>;
  tally book;
  map_type map{allocator_of<map_type>(book)};
  fill(map);
  const auto base = map.snapshot();
  map_type left(base);
  map_type right(base);
  for (number i = 0; i < 10; ++i) {
    left.insert_or_assign(i * 1'000, TestType(1));
    right.insert_or_assign(i * 1'000 + 500 * (i % 2), TestType(2));
  }
  const auto ours = left.snapshot();
  const auto theirs = right.snapshot();
  const costs c(book);
  std::size_t conflicts = 0;
  const auto merged = concur::merge(
      base, ours, theirs,
      [&](const number&, const TestType*, const TestType* mine, const TestType* others) {
        ++conflicts;
        return std::optional<TestType>(mine->words[0] + others->words[0]);
      });
  REQUIRE(conflicts == 5);
  // For each change: a few leaves of up to eight pairs, and one way.
  REQUIRE(c.touched() <= 10 * 40);
  REQUIRE(c.blocks() <= 10 * 12);
  REQUIRE(c.bytes() <= 10 * bytes_of_a_way);
  REQUIRE(merged.find(4'000)->words[0] == 3);
  REQUIRE(merged.find(5'500)->words[0] == 2);
  REQUIRE(merged.find(5'000)->words[0] == 1);
}

#if defined(CONCUR_TEST_HAS_SEALED_PAGES)

TEST_CASE("hamt: the size of a snapshot is counted once, and then what has changed",
          "[hamt][cost]") {
  using map_type = concur::hamt<number, number, counted_hash, std::equal_to<>,
                                sealed_allocator<std::pair<const number, number>>>;
  sealed_pages pages(std::size_t{1} << 27);
  const auto map = std::allocate_shared<map_type>(sealed_allocator<map_type>(pages),
                                                  allocator_of<map_type>(pages));
  fill(*map);
  // A page for each branch and leaf that it looks at, at most: not to be seen where many share one,
  // but there are hundreds of them.
  const auto pages_of_size = [&](const auto& snapshot, number expected) {
    pages.seal(sealed_pages::may::nothing);
    const number n = snapshot.size();
    const std::size_t looked_at = pages.unseal();
    REQUIRE(n == expected);
    return looked_at;
  };
  const auto first = map->snapshot();
  const std::size_t all_branches = pages_of_size(first, many);
  REQUIRE(pages_of_size(first, many) == 1);
  REQUIRE(pages_of_size(first.share(), many) == 1);
  const auto second = map->snapshot();
  REQUIRE(pages_of_size(second, many) <= 3);  // the version, and its top
  map->insert_or_assign(7, 8);
  map->insert({many, many});
  const auto third = map->snapshot();
  // Two ways of three branches, and the sizes of what these link to: at most 64, 64 and 16 nodes.
  const std::size_t looked_at = pages_of_size(third, many + 1);
  CAPTURE(looked_at, all_branches);
  REQUIRE(looked_at <= 64 + 2 * (64 + 16 + 3));
  REQUIRE(all_branches > 4 * looked_at);
  REQUIRE(pages_of_size(third, many + 1) == 1);
  REQUIRE(pages_of_size(first, many) == 1);
}

#endif
