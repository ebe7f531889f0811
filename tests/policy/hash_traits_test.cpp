// SPDX-License-Identifier: MIT
#include <concur/policy/hash.hpp>
#include <concur/policy/hash_traits.hpp>
#include <functional>

#include "support/catch.hpp"
#include "support/hash_quality.hpp"

namespace {

struct plain {
  std::size_t operator()(int key) const { return static_cast<std::size_t>(key); }
};
struct declared_void : plain {
  using is_avalanching = void;
};
struct declared_true : plain {
  using is_avalanching = std::true_type;
};
struct declared_false : plain {
  using is_avalanching = std::false_type;
};
struct narrow {
  using is_avalanching = std::true_type;
  std::uint32_t operator()(int key) const noexcept { return static_cast<std::uint32_t>(key); }
};
struct negative {
  int operator()(int key) const noexcept { return -key; }
};
struct foreign : plain {};

}  // namespace

/// For a hasher that cannot be changed.
template <>
struct concur::is_avalanching<foreign> : std::true_type {};

TEST_CASE("is_avalanching follows the member type of that name") {
  STATIC_REQUIRE(!concur::is_avalanching_v<plain>);
  STATIC_REQUIRE(concur::is_avalanching_v<declared_void>);
  STATIC_REQUIRE(concur::is_avalanching_v<declared_true>);
  STATIC_REQUIRE(!concur::is_avalanching_v<declared_false>);
  STATIC_REQUIRE(concur::is_avalanching_v<foreign>);
  STATIC_REQUIRE(!concur::is_avalanching_v<std::hash<int>>);
  STATIC_REQUIRE(!concur::is_avalanching_v<std::size_t (*)(int)>);
  STATIC_REQUIRE(concur::is_avalanching_v<concur::hash<int>>);
}

TEST_CASE("the result of a hasher that is not avalanching is mixed, others are taken as they are") {
  const auto mixed = [](const auto& hasher) { return concur::detail::mixed_hash(hasher, 5); };
  CHECK(mixed(plain{}) == concur::detail::mix(5));
  CHECK(mixed(declared_false{}) == concur::detail::mix(5));
  CHECK(mixed(declared_void{}) == 5);
  CHECK(mixed(declared_true{}) == 5);
  CHECK(mixed(foreign{}) == 5);
  CHECK(mixed(concur::hash<int>{3}) == concur::hash<int>{3}(5));
  STATIC_REQUIRE(concur::detail::mixed_hash(concur::hash<int>{3}, 5) == concur::hash<int>{3}(5));
}

TEST_CASE("32 bits are not enough, however good they are") {
  CHECK(concur::detail::mixed_hash(narrow{}, 5) == concur::detail::mix(5));
  CHECK(concur::detail::mixed_hash(negative{}, 1) == concur::detail::mix(~std::uint64_t{0}));
}

TEST_CASE("mixed_hash is noexcept when the hasher is") {
  STATIC_REQUIRE(noexcept(concur::detail::mixed_hash(narrow{}, 1)));
  STATIC_REQUIRE(!noexcept(concur::detail::mixed_hash(plain{}, 1)));
  STATIC_REQUIRE(noexcept(concur::detail::mixed_hash(concur::hash<int>{}, 1)));
}

TEST_CASE("the identity that std::hash<int> is spreads over places and tags when it is mixed") {
  for (const std::uint64_t stride : {1U, 8U, 4096U}) {
    std::vector<std::uint64_t> hashes;
    for (std::uint64_t i = 0; i < 32768; ++i) {
      hashes.push_back(concur::detail::mixed_hash(std::hash<std::uint64_t>{}, i * stride));
    }
    CHECK(concur_test::all_different(hashes));
    CHECK(concur_test::worst_spread(hashes) < concur_test::spread_bound);
  }
}
