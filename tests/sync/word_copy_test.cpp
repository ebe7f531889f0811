// SPDX-License-Identifier: MIT
#include <concur/detail/sync/word_copy.hpp>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "support/catch.hpp"

using concur::detail::atomic_words;

namespace {

template <std::size_t Size>
struct bytes {
  unsigned char data[Size];
};

template <std::size_t Size>
bytes<Size> pattern(unsigned seed) {
  bytes<Size> result;
  for (std::size_t i = 0; i < Size; ++i) {
    result.data[i] = static_cast<unsigned char>((i + 1) * 31 + seed * 17 + (i >> 3));
  }
  return result;
}

// Two neighbours and guard bytes around them: a copy that writes one byte too many is seen.
template <std::size_t Size>
bool round_trips() {
  struct row {
    atomic_words<bytes<Size>> left;
    unsigned char guard[8];
    atomic_words<bytes<Size>> right;
  };
  row r{};
  std::memset(r.guard, 0xA5, sizeof r.guard);
  const auto a = pattern<Size>(1);
  const auto b = pattern<Size>(2);
  r.left.store(a);
  r.right.template store<std::memory_order_release>(b);
  bool ok = true;
  for (const unsigned char g : r.guard) ok = ok && g == 0xA5;

  // To every alignment: the result of load is copied out to odd addresses.
  for (std::size_t shift = 0; shift < 8; ++shift) {
    unsigned char buffer[Size + 16];
    std::memset(buffer, 0x5A, sizeof buffer);
    const bytes<Size> copy = r.left.template load<std::memory_order_acquire>();
    ::new (static_cast<void*>(buffer + 1 + shift)) bytes<Size>(copy);
    ok = ok && std::memcmp(buffer + 1 + shift, a.data, Size) == 0;
    for (std::size_t i = 0; i < 1 + shift; ++i) ok = ok && buffer[i] == 0x5A;
    for (std::size_t i = 1 + shift + Size; i < sizeof buffer; ++i) ok = ok && buffer[i] == 0x5A;
    // And from every alignment.
    const auto* odd = std::launder(reinterpret_cast<const bytes<Size>*>(buffer + 1 + shift));
    r.right.store(*odd);
    const bytes<Size> back = r.right.load();
    ok = ok && std::memcmp(back.data, a.data, Size) == 0;
  }
  // Each single byte counts.
  for (std::size_t i = 0; i < Size; ++i) {
    bytes<Size> changed = a;
    changed.data[i] ^= 0x80;
    ok = ok && r.left.has_bytes_of(a) && !r.left.has_bytes_of(changed);
    r.left.store(changed);
    const bytes<Size> back = r.left.load();
    ok = ok && std::memcmp(back.data, changed.data, Size) == 0;
    r.left.store(a);
  }
  return ok;
}

template <std::size_t... Size>
std::size_t first_bad(std::index_sequence<Size...>) {
  std::size_t bad = 0;
  ((bad == 0 && !round_trips<Size + 1>() ? void(bad = Size + 1) : void()), ...);
  return bad;
}

}  // namespace

TEST_CASE("every byte of every size from 1 to 200 is copied, and none beside it",
          "[sync][word_copy]") {
  REQUIRE(first_bad(std::make_index_sequence<200>{}) == 0);
}

TEST_CASE("large sizes are copied whole, at the borders of the unrolled blocks too",
          "[sync][word_copy]") {
  REQUIRE(round_trips<511>());
  REQUIRE(round_trips<512>());
  REQUIRE(round_trips<513>());
  REQUIRE(round_trips<520>());
  REQUIRE(round_trips<768>());
  REQUIRE(round_trips<776>());
  REQUIRE(round_trips<2049>());
}

TEST_CASE("a value of 16 KiB is no trouble for the compiler", "[sync][word_copy]") {
  using big = bytes<16 * 1024 + 5>;
  const auto words = std::make_unique<atomic_words<big>>();
  const auto value = std::make_unique<big>(pattern<16 * 1024 + 5>(3));
  words->store(*value);
  const auto copy = std::make_unique<big>(words->load());
  REQUIRE(std::memcmp(copy->data, value->data, sizeof(big)) == 0);
}

TEST_CASE("scalars, structs without a default constructor and bool keep their values",
          "[sync][word_copy]") {
  struct only_from_int {
    explicit only_from_int(int v) : value(v), twice(2L * v) {}
    int value;
    long twice;
  };
  atomic_words<only_from_int> words;
  words.store(only_from_int(21));
  REQUIRE(words.load().value == 21);
  REQUIRE(words.load().twice == 42);

  atomic_words<bool> flag;
  REQUIRE_FALSE(flag.load());
  flag.store(true);
  REQUIRE(flag.load());

  atomic_words<double> number;
  number.store(-0.5);
  REQUIRE(number.load() == -0.5);
}

TEST_CASE("up to eight bytes are one word", "[sync][word_copy]") {
  STATIC_REQUIRE(sizeof(atomic_words<bytes<1>>) == 1);
  STATIC_REQUIRE(sizeof(atomic_words<bytes<2>>) == 2);
  STATIC_REQUIRE(sizeof(atomic_words<bytes<3>>) == 4);
  STATIC_REQUIRE(sizeof(atomic_words<bytes<5>>) == 8);
  STATIC_REQUIRE(atomic_words<bytes<8>>::is_single_word);
  STATIC_REQUIRE_FALSE(atomic_words<bytes<9>>::is_single_word);
  REQUIRE(atomic_words<bytes<9>>::word_count == 2);
}

TEST_CASE("values are found whatever their operator& says, and empty ones are zero",
          "[sync][word_copy]") {
  struct nowhere {
    explicit nowhere(int v) : value(v), more{v, v, v} {}
    int value;
    int more[3];
    void operator&() const = delete;
  };
  atomic_words<nowhere> words;
  words.store(nowhere(7));
  REQUIRE(words.load().more[2] == 7);
  REQUIRE(words.has_bytes_of(nowhere(7)));
  struct empty {};
  atomic_words<empty> nothing;
  nothing.store(empty());
  REQUIRE(nothing.only_word() == 0);
  static_cast<void>(nothing.load());
}
