// SPDX-License-Identifier: MIT
#include <array>
#include <concur/detail/bits/key_words.hpp>
#include <cstddef>
#include <cstdint>

#include "support/catch.hpp"

namespace {

using concur::detail::key_words;

template <std::size_t Size>
using bytes = std::array<unsigned char, Size>;

template <std::size_t Size>
void require_copy() {
  bytes<Size> key;
  for (std::size_t i = 0; i < Size; ++i) key[i] = static_cast<unsigned char>(7 * i + 1);
  REQUIRE(key_words<bytes<Size>>::copy(key) == key);
}

/// Trivially copyable, and not default-constructible.
struct named {
  explicit named(std::uint64_t n) : a(n), b(n + 1) {}
  std::uint64_t a, b;
};

}  // namespace

TEST_CASE("a key that is taken apart and put together is the same key") {
  require_copy<1>();
  require_copy<7>();
  require_copy<8>();
  require_copy<12>();
  require_copy<32>();
  require_copy<45>();
  const named copy = key_words<named>::copy(named(5));
  REQUIRE(copy.a == 5);
  REQUIRE(copy.b == 6);
}

TEST_CASE("the last word of a key is filled up with zeros") {
  const bytes<9> key{1, 2, 3, 4, 5, 6, 7, 8, 9};
  REQUIRE(key_words<bytes<9>>::at<1>(&key) == key_words<bytes<1>>::at<0>(&key[8]));
  REQUIRE(key_words<bytes<9>>::count == 2);
}
