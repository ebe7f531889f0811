// SPDX-License-Identifier: MIT
#include <concur/policy/key_equal.hpp>
#include <concur/seqmap.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

#include "support/catch.hpp"

enum class plain_enum : short { a, b };

template <>
struct std::equal_to<plain_enum> {
  bool operator()(plain_enum a, plain_enum b) const noexcept {
    return static_cast<int>(a) % 2 == static_cast<int>(b) % 2;
  }
};

namespace {

struct by_parity {
  std::uint64_t operator()(plain_enum e) const { return static_cast<std::uint64_t>(e) % 2; }
};
enum class caseless : char { a, A };
constexpr bool operator==(caseless, caseless) {
  return true;
}

struct structure {
  int value;
  bool operator==(const structure&) const = default;
};
struct my_equal {
  bool operator()(int a, int b) const { return a % 10 == b % 10; }
};
struct derived_equal : std::equal_to<> {};

template <class K, class KeyEqual = std::equal_to<>>
constexpr bool bitwise = concur::detail::is_bitwise_comparable<K, KeyEqual>;

}  // namespace

TEST_CASE("std::equal_to is there without <functional>") {
  STATIC_REQUIRE(std::equal_to<>{}(1, 1L));
  STATIC_REQUIRE(!std::equal_to<int>{}(1, 2));
}

TEST_CASE("integers, enums, pointers and arrays of them are compared as bytes") {
  STATIC_REQUIRE(bitwise<int>);
  STATIC_REQUIRE(bitwise<std::uint64_t>);
  STATIC_REQUIRE(bitwise<std::uint64_t, std::equal_to<std::uint64_t>>);
  STATIC_REQUIRE(bitwise<char>);
  STATIC_REQUIRE(bitwise<bool>);
  STATIC_REQUIRE(bitwise<std::byte>);
  STATIC_REQUIRE(bitwise<plain_enum>);
  STATIC_REQUIRE(bitwise<const int*>);
  STATIC_REQUIRE(bitwise<void*>);
  STATIC_REQUIRE(bitwise<std::array<std::byte, 32>>);
  STATIC_REQUIRE(bitwise<std::array<std::uint16_t, 3>>);
  STATIC_REQUIRE(bitwise<std::array<std::array<int, 2>, 2>>);
}

TEST_CASE("what may be equal with different bytes, or different with equal bytes, is not") {
  STATIC_REQUIRE(!bitwise<float>);
  STATIC_REQUIRE(!bitwise<double>);
  STATIC_REQUIRE(!bitwise<long double>);
  STATIC_REQUIRE(!bitwise<std::array<double, 2>>);
  STATIC_REQUIRE(!bitwise<structure>);
  STATIC_REQUIRE(!bitwise<std::string>);
  STATIC_REQUIRE(std::equal_to<>{}(caseless::a, caseless::A));
  STATIC_REQUIRE(!bitwise<caseless>);
  STATIC_REQUIRE(!bitwise<std::array<caseless, 4>>);
  STATIC_REQUIRE(!bitwise<std::array<int, 0>>);
}

TEST_CASE("an equality other than the standard one is always called") {
  STATIC_REQUIRE(!bitwise<int, my_equal>);
  STATIC_REQUIRE(!bitwise<int, derived_equal>);
  STATIC_REQUIRE(!bitwise<int, bool (*)(int, int)>);
  // Converts first: 1 and 257 are equal as unsigned char.
  STATIC_REQUIRE(!bitwise<int, std::equal_to<unsigned char>>);
}

TEST_CASE("std::equal_to of a type of the program may be anything, and is called") {
  STATIC_REQUIRE(!bitwise<plain_enum, std::equal_to<plain_enum>>);
  STATIC_REQUIRE(!bitwise<plain_enum*, std::equal_to<plain_enum*>>);
  STATIC_REQUIRE(!bitwise<structure*, std::equal_to<structure*>>);
  STATIC_REQUIRE(!bitwise<std::array<plain_enum, 2>, std::equal_to<std::array<plain_enum, 2>>>);
  STATIC_REQUIRE(bitwise<plain_enum>);
  STATIC_REQUIRE(bitwise<structure*>);
  STATIC_REQUIRE(bitwise<const char*, std::equal_to<const char*>>);
  STATIC_REQUIRE(bitwise<void**, std::equal_to<void**>>);
  STATIC_REQUIRE(
      bitwise<std::array<std::array<int, 2>, 2>, std::equal_to<std::array<std::array<int, 2>, 2>>>);
  concur::seqmap<plain_enum, int, by_parity, std::equal_to<plain_enum>> map;
  REQUIRE(map.insert({plain_enum{2}, 1}));
  REQUIRE_FALSE(map.insert({plain_enum{4}, 2}));
  REQUIRE(map.find(plain_enum{6}) == 1);
}
