// SPDX-License-Identifier: MIT
/// \file
/// The shape of a bucket for every size of element, and its tags.
#include "support/catch.hpp"

#include <array>
#include <concur/detail/seqmap/bucket.hpp>
#include <cstdint>

using concur::detail::seqmap::bucket;
using concur::detail::seqmap::bucket_shape;
using concur::detail::seqmap::shape_of;
using concur::detail::seqmap::tag_word;

namespace {

template <std::size_t Size>
struct bytes {
  unsigned char data[Size];
};

template <class Key, class T>
void fits_its_lines() {
  using direct = bucket<Key, T, true>;
  using tagged = bucket<Key, T, false>;
  STATIC_REQUIRE(sizeof(direct) == 64U * direct::shape.lines);
  STATIC_REQUIRE(sizeof(tagged) == 64U * tagged::shape.lines);
  STATIC_REQUIRE(alignof(direct) == 64);
}

}  // namespace

TEST_CASE("a bucket fits into its lines for every size of element") {
  for (const bool direct : {false, true}) {
    for (std::size_t size = 8; size <= 4096; size += 8) {
      const bucket_shape shape = shape_of(size, direct);
      CAPTURE(size, direct, shape.cells, shape.lines, shape.has_tags);
      REQUIRE(shape.cells >= 1);
      REQUIRE(shape.cells <= 7);
      const std::size_t control = shape.has_tags ? 24 : 16;
      const std::size_t used = control + shape.cells * size;
      REQUIRE(used <= 64U * shape.lines);
      // Not a whole line too many, and no room for another cell but where seven are the most.
      REQUIRE(used + 64 > 64U * shape.lines);
      if (shape.cells < 7) REQUIRE(used + size > 64U * shape.lines);
      // Keys that are compared in place lie in one line.
      if (!shape.has_tags) REQUIRE((direct && shape.lines == 1 && shape.cells >= 2));
    }
  }
}

TEST_CASE(
    "a bucket wastes at most a third of its bytes on small elements, and less on large ones") {
  for (std::size_t size = 8; size <= 4096; size += 8) {
    const bucket_shape shape = shape_of(size, false);
    CAPTURE(size, shape.cells, shape.lines);
    const double used = static_cast<double>(shape.cells * size);
    REQUIRE(used / (64.0 * shape.lines) >= (size < 64 ? 0.5 : size < 512 ? 0.6 : 0.8));
  }
}

TEST_CASE("three pairs of 8-byte words share a line with two control words") {
  constexpr bucket_shape shape = shape_of(16, true);
  STATIC_REQUIRE(shape.cells == 3);
  STATIC_REQUIRE(shape.lines == 1);
  STATIC_REQUIRE_FALSE(shape.has_tags);
}

TEST_CASE("buckets of real types are as large as their shape says") {
  fits_its_lines<std::uint64_t, std::uint64_t>();
  fits_its_lines<char, bool>();
  fits_its_lines<bytes<1>, bytes<1>>();
  fits_its_lines<bytes<7>, bytes<9>>();
  fits_its_lines<bytes<16>, bytes<8>>();
  fits_its_lines<bytes<33>, bytes<100>>();
  fits_its_lines<bytes<200>, bytes<200>>();
  fits_its_lines<bytes<1>, bytes<2000>>();
}

TEST_CASE("a tag word matches exactly the cells with the tag") {
  tag_word<true> tags;
  for (unsigned cell = 0; cell < 7; ++cell) tags.store(cell, std::uint64_t{cell % 3 + 1} << 6);
  REQUIRE(tags.match(std::uint64_t{1} << 6) == 0b1001001);
  REQUIRE(tags.match(std::uint64_t{2} << 6) == 0b0010010);
  REQUIRE(tags.match(std::uint64_t{3} << 6) == 0b0100100);
  REQUIRE(tags.match(std::uint64_t{4} << 6) == 0);
  tags.store(3, std::uint64_t{255} << 6);
  REQUIRE(tags.match(std::uint64_t{1} << 6) == 0b1000001);
  REQUIRE(tags.match(std::uint64_t{255} << 6) == 0b0001000);
  // Nothing stays of a tag that had more bits.
  tags.store(3, std::uint64_t{4} << 6);
  REQUIRE(tags.match(std::uint64_t{4} << 6) == 0b0001000);
}

TEST_CASE("a wide key is found behind others that have its tag, and among the given cells only") {
  using key_type = std::array<std::uint64_t, 4>;
  bucket<key_type, std::uint64_t, false> b;
  constexpr std::uint64_t hash = std::uint64_t{7} << 6;
  constexpr std::uint64_t other_hash = std::uint64_t{8} << 6;
  constexpr key_type first{1, 2, 3, 4};
  constexpr key_type second{1, 2, 3, 5};
  constexpr key_type third{0, 2, 3, 4};
  b.fill(0, first, 1, hash);
  b.fill(1, second, 2, hash);
  b.fill(2, third, 3, other_hash);
  REQUIRE(b.find(first, hash, 0b111) == 0b001);
  REQUIRE(b.find(second, hash, 0b111) == 0b010);
  REQUIRE(b.find(third, other_hash, 0b111) == 0b100);
  REQUIRE(b.find(third, hash, 0b111) == 0);
  REQUIRE(b.find(key_type{}, hash, 0b111) == 0);
  REQUIRE(b.find(first, hash, 0b110) == 0);
  REQUIRE(b.find(second, hash, 0b101) == 0);
}
