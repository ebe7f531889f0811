// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <concur/detail/xxhash.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

// The application's own use, after ours on purpose.
#include <xxhash.h>

namespace xxh = concur::detail::xxh;

TEST_CASE("the door gives the hashes that xxHash documents for the empty input") {
  CHECK(xxh::xxh3_64("", 0, 0) == 0x2d06800538d394c2u);
  const auto hash = xxh::xxh3_128("", 0, 0);
  CHECK(hash.low == 0x6001c324468d497fu);
  CHECK(hash.high == 0x99aa06d3014798d8u);
}

TEST_CASE("a hash depends on every byte, on the length and on the seed") {
  // One length from each of XXH3's code paths: 1-3, 4-8, 9-16, 17-128, 129-240, longer.
  const auto size = GENERATE(std::size_t{2}, 7u, 12u, 100u, 200u, 1000u);
  std::string text(size, 'a');
  const auto hash = xxh::xxh3_64(text.data(), size, 42);
  CHECK(hash == xxh::xxh3_64(std::string(text).data(), size, 42));
  CHECK(hash != xxh::xxh3_64(text.data(), size - 1, 42));
  CHECK(hash != xxh::xxh3_64(text.data(), size, 43));
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = 'b';
    CHECK(xxh::xxh3_64(text.data(), size, 42) != hash);
    text[i] = 'a';
  }
}

TEST_CASE("the application's xxHash is untouched by ours") {
  static_assert(sizeof(XXH128_hash_t) == 16);
  STATIC_REQUIRE(XXH_VERSION_NUMBER >= 800);
}
