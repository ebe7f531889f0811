// SPDX-License-Identifier: MIT
#include <concur/policy/concepts.hpp>
#include <concur/policy/identity_hash.hpp>

#include "support/catch.hpp"
#include "support/hash_quality.hpp"

namespace {

enum class ticket : std::uint16_t {};

}  // namespace

TEST_CASE("a 64-bit key is its own identity_hash") {
  constexpr concur::identity_hash hash;
  STATIC_REQUIRE(hash(std::uint64_t{0}) == 0);
  STATIC_REQUIRE(hash(std::uint64_t{0x0123456789ABCDEF}) == 0x0123456789ABCDEF);
  STATIC_REQUIRE(hash(std::int64_t{-1}) == 0xFFFFFFFFFFFFFFFF);
}

TEST_CASE("a narrow key is repeated, so that it reaches the bits that choose the place") {
  constexpr concur::identity_hash hash;
  STATIC_REQUIRE(hash(std::uint32_t{0x12345678}) == 0x1234567812345678);
  STATIC_REQUIRE(hash(std::int32_t{-2}) == 0xFFFFFFFEFFFFFFFE);
  STATIC_REQUIRE(hash(ticket{0xABCD}) == 0xABCDABCDABCDABCD);
  STATIC_REQUIRE(hash(std::uint8_t{0x5A}) == 0x5A5A5A5A5A5A5A5A);
  STATIC_REQUIRE(hash(true) == 0x0101010101010101);
  concur_test::generator random(1);
  std::vector<std::uint64_t> hashes(16384);
  for (auto& value : hashes) value = hash(static_cast<std::uint32_t>(random()));
  CHECK(concur_test::excess_of_chance(hashes, 13, [](std::uint64_t value) {
          return static_cast<std::size_t>(value >> 51);
        }) < concur_test::spread_bound);
}

TEST_CASE("identity_hash is for integers and enums, and is not mixed by a map") {
  STATIC_REQUIRE(concur::hasher_for<concur::identity_hash, int>);
  STATIC_REQUIRE(concur::hasher_for<concur::identity_hash, ticket>);
  STATIC_REQUIRE(!concur::hasher_for<concur::identity_hash, int*>);
  STATIC_REQUIRE(!concur::hasher_for<concur::identity_hash, double>);
  STATIC_REQUIRE(!concur::hasher_for<concur::identity_hash, std::string>);
  STATIC_REQUIRE(concur::is_avalanching_v<concur::identity_hash>);
  STATIC_REQUIRE(concur::identity_hash{} == concur::identity_hash{});
  STATIC_REQUIRE(noexcept(concur::identity_hash{}(1)));
  STATIC_REQUIRE(concur::detail::mixed_hash(concur::identity_hash{}, std::uint64_t{5}) == 5);
}
