// SPDX-License-Identifier: MIT
#include <array>
#include <concur/policy/concepts.hpp>
#include <concur/policy/digest_hash.hpp>
#include <cstddef>

#include "support/catch.hpp"

namespace {

using key32 = std::array<std::byte, 32>;

struct identifier {
  std::uint64_t words[4];
};
struct with_padding {
  std::uint64_t words[3];
  std::uint32_t half;
};
struct with_float {
  double values[4];
};

static_assert(sizeof(with_padding) == 32);

}  // namespace

TEST_CASE("digest_hash takes 32-byte types whose bytes are their value, and nothing else") {
  STATIC_REQUIRE(concur::hasher_for<concur::digest_hash, key32>);
  STATIC_REQUIRE(concur::hasher_for<concur::digest_hash, std::array<unsigned char, 32>>);
  STATIC_REQUIRE(concur::hasher_for<concur::digest_hash, identifier>);
  STATIC_REQUIRE(!concur::hasher_for<concur::digest_hash, with_padding>);
  STATIC_REQUIRE(!concur::hasher_for<concur::digest_hash, with_float>);
  STATIC_REQUIRE(!concur::hasher_for<concur::digest_hash, std::array<std::byte, 31>>);
  STATIC_REQUIRE(!concur::hasher_for<concur::digest_hash, std::array<std::byte, 33>>);
  STATIC_REQUIRE(!concur::hasher_for<concur::digest_hash, std::string>);
  STATIC_REQUIRE(concur::is_avalanching_v<concur::digest_hash>);
  STATIC_REQUIRE(noexcept(concur::digest_hash{}(key32{})));
}

TEST_CASE("digest_hash depends on every byte and on the place of every word") {
  const concur::digest_hash hash;
  const auto zero = hash(key32{});
  for (std::size_t i = 0; i < 32; ++i) {
    key32 key{};
    key[i] = std::byte{1};
    CHECK(hash(key) != zero);
  }
  const auto straight = hash(identifier{{1, 2, 3, 4}});
  CHECK(hash(identifier{{2, 1, 3, 4}}) != straight);
  CHECK(hash(identifier{{1, 2, 4, 3}}) != straight);
  CHECK(hash(identifier{{3, 4, 1, 2}}) != straight);
  CHECK(hash(identifier{{4, 3, 2, 1}}) != straight);
}

TEST_CASE("digest_hash sees bytes, not types") {
  const std::array<unsigned char, 32> chars{1, 2, 3};
  const key32 bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  CHECK(concur::digest_hash{5}(chars) == concur::digest_hash{5}(bytes));
  CHECK(concur::digest_hash{5}(chars) != concur::digest_hash{6}(bytes));
}

TEST_CASE("digest_hash does not ask a key where it is") {
  struct nowhere {
    std::uint64_t words[4];
    void operator&() const = delete;
  };
  CHECK(concur::digest_hash{5}(nowhere{{1, 2, 3, 4}}) ==
        concur::digest_hash{5}(identifier{{1, 2, 3, 4}}));
}
