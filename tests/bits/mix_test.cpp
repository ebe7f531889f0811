// SPDX-License-Identifier: MIT
#include <concur/detail/bits/mix.hpp>

#include "support/catch.hpp"
#include "support/hash_quality.hpp"

namespace detail = concur::detail;

namespace {

/// `mix` as it is without `__int128`.
std::uint64_t mix_portable(std::uint64_t word) {
  const detail::product128 spread = detail::multiply_portable(word, detail::mix_multiplier);
  const detail::product128 folded = detail::multiply_portable(spread.low ^ detail::mix_increment,
                                                              spread.high ^ detail::mix_multiplier);
  return folded.low ^ folded.high;
}

std::uint64_t flip(std::uint64_t word, int bit) {
  return bit < 0 ? word : word ^ (std::uint64_t{1} << bit);
}

}  // namespace

TEST_CASE("multiplication without __int128 gives the same 128 bits") {
  constexpr std::uint64_t edges[] = {
      0, 1, 2, 0xFFFFFFFF, 0x100000000, 0x100000001, ~std::uint64_t{0}, std::uint64_t{1} << 63};
  for (const std::uint64_t a : edges) {
    for (const std::uint64_t b : edges) {
      CHECK(detail::multiply(a, b).low == detail::multiply_portable(a, b).low);
      CHECK(detail::multiply(a, b).high == detail::multiply_portable(a, b).high);
    }
  }
  concur_test::generator random(1);
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t a = random();
    const std::uint64_t b = random();
    REQUIRE(detail::multiply(a, b).low == detail::multiply_portable(a, b).low);
    REQUIRE(detail::multiply(a, b).high == detail::multiply_portable(a, b).high);
    REQUIRE(detail::mix(a) == mix_portable(a));
  }
  CHECK(detail::multiply_portable(~std::uint64_t{0}, ~std::uint64_t{0}).low == 1);
  CHECK(detail::multiply_portable(~std::uint64_t{0}, ~std::uint64_t{0}).high ==
        ~std::uint64_t{0} - 1);
}

TEST_CASE("mix has the same values on every machine and in constant expressions") {
  static_assert(detail::mix(0) == 0xD6CB8892A926A943);
  static_assert(detail::mix(1) == 0x0EB18A37778FB7A9);
  static_assert(detail::mix(~std::uint64_t{0}) == 0xB07DCC7451276EE8);
  static_assert(detail::mix_bijective(0) == 0);
  static_assert(detail::mix_bijective(1) == 0x2EBEABF833A53062);
  CHECK(mix_portable(0) == detail::mix(0));
  CHECK(mix_portable(1) == detail::mix(1));
}

TEST_CASE("every input bit of mix flips every output bit half of the time") {
  concur_test::generator random(2);
  std::vector<std::uint64_t> keys(concur_test::avalanche_samples);
  for (std::uint64_t& key : keys) key = random();

  SECTION("for random words") {
    CHECK(concur_test::worst_avalanche(64, [&](std::size_t i, int bit) {
            return detail::mix(flip(keys[i], bit));
          }) < concur_test::avalanche_bound);
  }
  SECTION("for consecutive words") {
    CHECK(concur_test::worst_avalanche(64, [&](std::size_t i, int bit) {
            return detail::mix(flip(i, bit));
          }) < concur_test::avalanche_bound);
  }
  SECTION("for multiples of 4096 and of 2^32") {
    CHECK(concur_test::worst_avalanche(64, [&](std::size_t i, int bit) {
            return detail::mix(flip(std::uint64_t{i} << 12, bit));
          }) < concur_test::avalanche_bound);
    CHECK(concur_test::worst_avalanche(64, [&](std::size_t i, int bit) {
            return detail::mix(flip(std::uint64_t{i} << 32, bit));
          }) < concur_test::avalanche_bound);
  }
  SECTION("and the same of mix_bijective") {
    CHECK(concur_test::worst_avalanche(64, [&](std::size_t i, int bit) {
            return detail::mix_bijective(flip(keys[i], bit));
          }) < concur_test::avalanche_bound);
  }
}

TEST_CASE("the measure itself finds a single folded multiplication wanting") {
  concur_test::generator random(3);
  std::vector<std::uint64_t> keys(concur_test::avalanche_samples);
  for (std::uint64_t& key : keys) key = random();
  CHECK(concur_test::worst_avalanche(64, [&](std::size_t i, int bit) {
          return detail::multiply_fold(flip(keys[i], bit), detail::mix_multiplier);
        }) > 0.4);
  std::vector<std::uint64_t> identity(16384);
  for (std::size_t i = 0; i < identity.size(); ++i) identity[i] = i;
  CHECK(concur_test::worst_spread(identity) > 1000);
}

TEST_CASE("neighbours of the word for which a factor of mix is zero are not degenerate") {
  // word * mix_multiplier == mix_increment (mod 2^64); the inverse by Newton's iteration.
  std::uint64_t inverse = detail::mix_multiplier;
  for (int i = 0; i < 6; ++i) inverse *= 2 - detail::mix_multiplier * inverse;
  const std::uint64_t zero = detail::mix_increment * inverse;
  CHECK(detail::mix(zero) == 0);
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < 16384; ++i) hashes.push_back(detail::mix(zero - 8192 + i));
  CHECK(concur_test::all_different(hashes));
  CHECK(concur_test::worst_spread(hashes) < concur_test::spread_bound);
}
