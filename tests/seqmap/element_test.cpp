// SPDX-License-Identifier: MIT
/// \file
/// Keys and values of every shape that is trivially copyable.
#include "support/catch.hpp"
#include "support/seqmap_access.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

using namespace concur_test;

namespace {

/// `Size` bytes that all depend on one number, so that a byte out of place is seen.
template <std::size_t Size>
struct bytes {
  unsigned char data[Size];

  static bytes of(number i) noexcept {
    bytes b;
    for (std::size_t k = 0; k < Size; ++k) {
      b.data[k] = static_cast<unsigned char>(k < 2 ? i >> (8 * k) : scattered(i + k));
    }
    return b;
  }
  friend bool operator==(const bytes& a, const bytes& b) noexcept {
    return std::memcmp(a.data, b.data, Size) == 0;
  }
};

template <std::size_t Size>
struct bytes_hash {
  number operator()(const bytes<Size>& b) const noexcept {
    return b.data[0] | static_cast<number>(Size > 1 ? b.data[1] : 0) << 8;
  }
};

template <std::size_t KeySize, std::size_t ValueSize>
bool keeps_every_byte() {
  using key = bytes<KeySize>;
  using value = bytes<ValueSize>;
  const number n = KeySize == 1 ? 200 : 300;
  tiny_map<key, value, bytes_hash<KeySize>> map;
  bool ok = true;
  for (number i = 0; i < n; ++i) ok &= map.insert({key::of(i), value::of(i)});
  for (number i = 0; i < n; ++i) ok &= map.find(key::of(i)) == value::of(i);
  for (number i = 0; i < n; ++i) {
    ok &= map.update(key::of(i), [&](value& v) { v = value::of(i + 7); }) == 1;
  }
  std::size_t seen = 0;
  map.cvisit_all([&](const auto& element) { seen += map.find(element.first) == element.second; });
  ok &= seen == n;
  for (number i = 0; i < n; ++i) ok &= map.take(key::of(i)) == value::of(i + 7);
  return ok && map.empty();
}

template <std::size_t KeySize, std::size_t ValueSize>
void require_every_byte() {
  CAPTURE(KeySize, ValueSize);
  REQUIRE(keeps_every_byte<KeySize, ValueSize>());
}

/// An integer in a type of its own, over-aligned, without a default constructor.
template <std::size_t Alignment>
struct alignas(Alignment) aligned {
  number n;
  unsigned char rest[Alignment - sizeof(number)] = {};

  explicit aligned(number i) noexcept : n(i) {}
  bool is_aligned() const noexcept {
    return reinterpret_cast<std::uintptr_t>(this) % Alignment == 0;
  }
  friend bool operator==(const aligned& a, const aligned& b) noexcept { return a.n == b.n; }
};

template <std::size_t Alignment>
struct aligned_hash {
  number operator()(const aligned<Alignment>& key) const noexcept {
    if (!key.is_aligned()) misplaced += 1;
    return key.n;
  }
  inline static std::size_t misplaced = 0;
};

template <std::size_t Alignment>
void is_kept_aligned() {
  using type = aligned<Alignment>;
  bool ok = true;
  {
    tiny_map<type, type, aligned_hash<Alignment>> map;
    for (number i = 0; i < 200; ++i) ok &= map.try_emplace(type(i), i + 1);
    for (number i = 0; i < 200; ++i) {
      ok &= map.visit(type(i), [&](auto& e) {
        ok &= e.first.is_aligned() && e.second.is_aligned() && e.second.n == i + 1;
        e.second.n = i;
      }) == 1;
    }
    map.cvisit_all([&](const auto& e) { ok &= e.first.is_aligned() && e.second.is_aligned(); });
    for (number i = 0; i < 200; ++i) ok &= map.take(type(i)) == type(i);
    ok &= map.empty();
  }
  REQUIRE(ok);
  REQUIRE(aligned_hash<Alignment>::misplaced == 0);
}

/// Three bytes and a number: the bytes between them are anything.
struct padded {
  char tag[3];
  std::uint32_t n;
  friend bool operator==(const padded& a, const padded& b) noexcept {
    return a.n == b.n && std::memcmp(a.tag, b.tag, 3) == 0;
  }
};

struct padded_hash {
  number operator()(const padded& p) const noexcept { return p.n; }
};

padded with_padding_of(unsigned char fill, std::uint32_t n) {
  alignas(padded) unsigned char raw[sizeof(padded)];
  std::memset(raw, fill, sizeof raw);
  padded p{{'a', 'b', 'c'}, n};
  std::memcpy(raw, p.tag, 3);
  std::memcpy(raw + offsetof(padded, n), &p.n, sizeof p.n);
  padded result;
  std::memcpy(&result, raw, sizeof raw);
  return result;
}

enum class color : unsigned char { red, green, blue };

template <class Key>
void holds(std::initializer_list<Key> keys) {
  tiny_map<Key, number> map;
  number i = 0;
  for (const Key& k : keys) REQUIRE(map.insert({k, ++i}));
  i = 0;
  for (const Key& k : keys) REQUIRE(map.find(k) == ++i);
  REQUIRE(map.size() == keys.size());
  for (const Key& k : keys) REQUIRE(map.erase(k) == 1);
  REQUIRE(map.empty());
}

template <class Key, class Make>
void holds_many(Make make) {
  tiny_map<Key, number> map;
  bool ok = true;
  for (number i = 0; i < 500; ++i) ok &= map.insert({make(i), i});
  for (number i = 0; i < 500; ++i) ok &= map.find(make(i)) == i;
  for (number i = 500; i < 1000; ++i) ok &= !map.contains(make(i));
  for (number i = 0; i < 500; ++i) ok &= map.erase(make(i)) == 1;
  REQUIRE(ok);
  REQUIRE(map.empty());
}

/// Nobody but the compiler may ask where it is.
template <std::size_t Size>
struct nowhere : bytes<Size> {
  void operator&() const = delete;
};

struct nothing {
  friend bool operator==(nothing, nothing) noexcept { return true; }
};

}  // namespace

TEST_CASE("keys and values whose operator& is not that of the language") {
  const auto check = []<std::size_t KeySize, std::size_t ValueSize>() {
    using key = nowhere<KeySize>;
    using value = nowhere<ValueSize>;
    tiny_map<key, value, bytes_hash<KeySize>> map;
    for (number i = 0; i < 200; ++i) {
      map.insert({key{bytes<KeySize>::of(i)}, value{bytes<ValueSize>::of(i)}});
    }
    REQUIRE(map.size() == 200);
    for (number i = 0; i < 200; ++i) {
      const key k{bytes<KeySize>::of(i)};
      REQUIRE(map.find(k) == value{bytes<ValueSize>::of(i)});
      REQUIRE(map.update(k, [&](value& v) { v = value{bytes<ValueSize>::of(i + 1)}; }) == 1);
      REQUIRE(map.take(k) == value{bytes<ValueSize>::of(i + 1)});
    }
  };
  check.operator()<8, 8>();
  check.operator()<3, 20>();
  check.operator()<40, 1>();
}

TEST_CASE("a value may be empty") {
  tiny_map<number, nothing> map;
  for (number i = 0; i < 100; ++i) REQUIRE(map.insert_or_assign(i, nothing()));
  REQUIRE(map.update(1, [](nothing& v) { v = nothing(); }) == 1);
  REQUIRE(map.exchange(2, nothing()).has_value());
  REQUIRE(map.compute(100, [](std::optional<nothing>& v) { v.emplace(); }));
  REQUIRE(map.replace_if_equal(3, nothing(), nothing()));
  REQUIRE(map.size() == 101);
  REQUIRE(map == tiny_map<number, nothing>(map));
}

TEST_CASE("keys and values of every size from one to two hundred bytes keep every byte") {
  // Words and their ends, lines and their ends, of both: word_copy's own tests have every size.
  require_every_byte<1, 200>();
  require_every_byte<2, 65>();
  require_every_byte<3, 17>();
  require_every_byte<4, 9>();
  require_every_byte<7, 63>();
  require_every_byte<8, 127>();
  require_every_byte<9, 1>();
  require_every_byte<16, 2>();
  require_every_byte<17, 31>();
  require_every_byte<31, 3>();
  require_every_byte<40, 16>();
  require_every_byte<63, 4>();
  require_every_byte<65, 8>();
  require_every_byte<127, 7>();
  require_every_byte<200, 15>();
}

TEST_CASE("over-aligned keys and values without default constructors are always aligned") {
  is_kept_aligned<16>();
  is_kept_aligned<64>();
  is_kept_aligned<128>();
}

TEST_CASE("keys of the small built-in types") {
  holds<bool>({false, true});
  holds<char>({'a', 'b', '\0', '\x7f'});
  holds<color>({color::red, color::green, color::blue});
  holds<std::int16_t>({-1, 0, 1, -32768, 32767});
  int objects[3]{};
  holds<const int*>({&objects[0], &objects[1], &objects[2], nullptr});
  holds<double>({0.5, -0.5, 1e300});
}

TEST_CASE("every character is a key of its own") {
  tiny_map<unsigned char, unsigned char> map;
  for (unsigned i = 0; i < 256; ++i) {
    REQUIRE(map.insert({static_cast<unsigned char>(i), static_cast<unsigned char>(i)}));
  }
  REQUIRE(map.size() == 256);
  for (unsigned i = 0; i < 256; ++i) REQUIRE(map.find(static_cast<unsigned char>(i)) == i);
}

TEST_CASE("16-byte keys are compared by both words") {
  __extension__ using wide = unsigned __int128;
  holds_many<std::array<number, 2>>([](number i) { return std::array{i / 2, i % 2}; });
  holds_many<std::array<number, 2>>([](number i) { return std::array{i % 3, i / 3}; });
  struct wide_hash {
    number operator()(wide k) const noexcept {
      return static_cast<number>(k) ^ static_cast<number>(k >> 64) * 3;
    }
  };
  tiny_map<wide, number, wide_hash> map;
  for (number i = 0; i < 500; ++i) REQUIRE(map.insert({wide{i % 2} << 64 | i / 2, i}));
  for (number i = 0; i < 500; ++i) REQUIRE(map.find(wide{i % 2} << 64 | i / 2) == i);
  REQUIRE_FALSE(map.contains(wide{2} << 64));
}

TEST_CASE("the bytes between the members of a key do not count") {
  tiny_map<padded, number, padded_hash> map;
  for (std::uint32_t i = 0; i < 300; ++i) REQUIRE(map.insert({with_padding_of(0x00, i), i}));
  for (std::uint32_t i = 0; i < 300; ++i) {
    REQUIRE_FALSE(map.insert({with_padding_of(0xff, i), 0}));
    REQUIRE(map.find(with_padding_of(0xaa, i)) == i);
    REQUIRE(map.fetch_add(with_padding_of(0x55, i), 1) == i);
  }
  REQUIRE(map.size() == 300);
  for (std::uint32_t i = 0; i < 300; ++i) REQUIRE(map.take(with_padding_of(0x11, i)) == i + 1);
  REQUIRE(map.empty());
}

TEST_CASE("negative zero is zero for a user's equality, and is stored when it is assigned") {
  tiny_map<number, double> map;
  map.insert({1, 0.0});
  map.update(1, [](double& v) { v = -0.0; });
  REQUIRE(std::signbit(map.find(1).value()));
}

TEST_CASE("an array of arrays is a value") {
  tiny_map<number, std::array<std::array<int, 3>, 3>> map;
  map.try_emplace(1);
  map.update(1, [](auto& v) { v[1][2] = 2; });
  const auto found = map.find(1);
  REQUIRE(found.has_value());
  REQUIRE((*found)[1][2] == 2);
  REQUIRE((*found)[2][1] == 0);
}
