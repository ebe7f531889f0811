// SPDX-License-Identifier: MIT
#include <cmath>
#include <concur/policy/hash.hpp>
#include <limits>
#include <memory>
#include <memory_resource>
#include <string>
#include <system_error>

#include "support/catch.hpp"
#include "support/hash_quality.hpp"

using namespace std::literals;

namespace users {

/// Hashed by its own function.
struct point {
  int x;
  int y;
  friend bool operator==(const point&, const point&) = default;
  friend std::uint64_t concur_hash_value(const point& p, std::uint64_t seed) noexcept {
    return concur::hash_values(seed, p.x, p.y);
  }
};

/// Hashed by a function that is weak and may throw.
struct weak {
  std::uint64_t id;
  friend std::uint64_t concur_hash_value(const weak& w, std::uint64_t seed) { return w.id + seed; }
};

/// Hashed by std::hash.
struct old {
  int id;
};

/// Has both: the function beside it wins.
struct both {
  int id;
  friend std::uint64_t concur_hash_value(const both&, std::uint64_t seed) noexcept { return seed; }
};

struct unhashable {
  int id;
};

enum class color : unsigned char { red, green };

/// Compares without case: equal strings are not equal bytes.
struct caseless : std::char_traits<char> {};

}  // namespace users

template <>
struct std::hash<users::old> {
  std::size_t operator()(const users::old& key) const { return static_cast<std::size_t>(key.id); }
};
template <>
struct std::hash<users::both> {
  std::size_t operator()(const users::both& key) const noexcept {
    return static_cast<std::size_t>(key.id);
  }
};

namespace {

template <class K>
std::uint64_t hash_of(const K& key, std::uint64_t seed = 0) {
  return concur::hash<K>(seed)(key);
}

template <class K>
constexpr bool hashable = concur::detail::hashable<K>;

template <class K>
constexpr bool nothrow_hashable = concur::detail::nothrow_hashable<K>;

template <class K>
constexpr bool declares_quality =
    std::is_same_v<typename concur::hash<K>::is_avalanching, std::true_type>;

template <class H>
concept takes_null = requires(const H& hash) {
  hash(nullptr);
};

}  // namespace

TEST_CASE("hash has a seed, which is 0 if none is given") {
  STATIC_REQUIRE(concur::hash<int>{}.seed() == 0);
  STATIC_REQUIRE(concur::hash<int>{42}.seed() == 42);
  STATIC_REQUIRE(concur::hash<int>{42} == concur::hash<int>{42});
  STATIC_REQUIRE(concur::hash<int>{42} != concur::hash<int>{43});
  STATIC_REQUIRE(concur::hash<std::string>{} == concur::hash<std::string>{0});
  STATIC_REQUIRE(concur::hash<std::pair<int, int>>{7}.seed() == 7);
  STATIC_REQUIRE(concur::digest_hash{9} == concur::digest_hash{9});
  STATIC_REQUIRE(concur::digest_hash{9} != concur::digest_hash{});
  STATIC_REQUIRE(sizeof(concur::hash<std::string>) == 8);
  STATIC_REQUIRE(!std::is_convertible_v<std::uint64_t, concur::hash<int>>);
  STATIC_REQUIRE(std::is_trivially_copyable_v<concur::hash<users::point>>);
  CHECK(hash_of(1, 1) != hash_of(1, 2));
  CHECK(hash_of("a"s, 1) != hash_of("a"s, 2));
  CHECK(hash_of(users::point{1, 2}, 1) != hash_of(users::point{1, 2}, 2));
  CHECK(hash_of(users::old{1}, 1) != hash_of(users::old{1}, 2));
  CHECK(hash_of(std::tuple<>{}, 1) != hash_of(std::tuple<>{}, 2));
  CHECK(hash_of(std::optional<int>{}, 1) != hash_of(std::optional<int>{}, 2));
  CHECK(hash_of(nullptr, 1) != hash_of(nullptr, 2));
}

TEST_CASE("hash is avalanching for all that it takes, and noexcept exactly when it cannot throw") {
  STATIC_REQUIRE(declares_quality<int>);
  STATIC_REQUIRE(declares_quality<double>);
  STATIC_REQUIRE(declares_quality<std::string>);
  STATIC_REQUIRE(declares_quality<users::old>);
  STATIC_REQUIRE(declares_quality<std::pair<int, users::weak>>);
  STATIC_REQUIRE(nothrow_hashable<int>);
  STATIC_REQUIRE(nothrow_hashable<long double>);
  STATIC_REQUIRE(nothrow_hashable<std::string>);
  STATIC_REQUIRE(nothrow_hashable<users::point>);
  STATIC_REQUIRE(nothrow_hashable<users::both>);
  STATIC_REQUIRE(nothrow_hashable<std::tuple<int, users::point, std::optional<std::string>>>);
  STATIC_REQUIRE(nothrow_hashable<std::array<users::point, 3>>);
  STATIC_REQUIRE(!nothrow_hashable<users::weak>);
  STATIC_REQUIRE(!nothrow_hashable<users::old>);
  STATIC_REQUIRE(!nothrow_hashable<std::pair<int, users::old>>);
  STATIC_REQUIRE(!nothrow_hashable<std::tuple<users::weak>>);
  STATIC_REQUIRE(!nothrow_hashable<std::optional<users::weak>>);
  STATIC_REQUIRE(!nothrow_hashable<std::array<users::old, 2>>);
}

TEST_CASE("a type without a hash is not hashable, nor is what contains it") {
  STATIC_REQUIRE(!hashable<users::unhashable>);
  STATIC_REQUIRE(!hashable<std::pair<int, users::unhashable>>);
  STATIC_REQUIRE(!hashable<std::tuple<users::unhashable>>);
  STATIC_REQUIRE(!hashable<std::array<users::unhashable, 2>>);
  STATIC_REQUIRE(!hashable<std::optional<users::unhashable>>);
  STATIC_REQUIRE(!hashable<std::basic_string<char, users::caseless>>);
}

TEST_CASE("hashes of words have the documented values in constant expressions") {
  STATIC_REQUIRE(concur::hash<int>{}(0) == 0xD6CB8892A926A943);
  STATIC_REQUIRE(concur::hash<std::uint64_t>{}(1) == 0x0EB18A37778FB7A9);
  STATIC_REQUIRE(concur::hash<std::uint64_t>{1}(0) == 0x0EB18A37778FB7A9);
  STATIC_REQUIRE(concur::hash<bool>{}(true) == concur::hash<char>{}('\1'));
  STATIC_REQUIRE(concur::hash<users::color>{}(users::color::green) == concur::hash<int>{}(1));
  STATIC_REQUIRE(concur::hash<std::byte>{}(std::byte{1}) == concur::hash<int>{}(1));
  STATIC_REQUIRE(concur::hash<std::pair<int, char>>{}({1, 'a'}) != 0);
}

TEST_CASE("equal signed integers of different widths have equal hashes") {
  for (const int value : {-1, 0, 1, 127, -128}) {
    CHECK(hash_of(value) == hash_of(static_cast<long long>(value)));
    CHECK(hash_of(value) == hash_of(static_cast<signed char>(value)));
  }
}

TEST_CASE("a floating-point key is hashed by its value") {
  CHECK(hash_of(0.0) == hash_of(-0.0));
  CHECK(hash_of(0.0F, 5) == hash_of(-0.0F, 5));
  CHECK(hash_of(0.0L, 5) == hash_of(-0.0L, 5));
  CHECK(hash_of(1.0) != hash_of(-1.0));
  CHECK(hash_of(1.0) != hash_of(std::nextafter(1.0, 2.0)));
  CHECK(hash_of(1.0L) != hash_of(-1.0L));
  CHECK(hash_of(0x1p16000L) != hash_of(0x1p16001L));
  CHECK(hash_of(1.0L) != hash_of(std::nextafter(1.0L, 2.0L)));
  CHECK(hash_of(std::numeric_limits<double>::denorm_min()) != hash_of(0.0));
  // The padding of a long double does not count.
  alignas(long double) unsigned char bytes[2][sizeof(long double)];
  std::memset(bytes[0], 0x00, sizeof bytes[0]);
  std::memset(bytes[1], 0xFF, sizeof bytes[1]);
  const auto* a = new (bytes[0]) long double(1.5L);
  const auto* b = new (bytes[1]) long double(1.5L);
  CHECK(hash_of(*a) == hash_of(*b));
}

TEST_CASE("a pointer is hashed by its address, whatever it points to") {
  const char text[] = "same";
  const char other[] = "same";
  CHECK(concur::hash<const char*>{}(text) != concur::hash<const char*>{}(other));
  CHECK(concur::hash<const char*>{}(text) ==
        concur::hash<std::uintptr_t>{}(reinterpret_cast<std::uintptr_t>(text)));
  CHECK(concur::hash<int*>{}(nullptr) == concur::hash<std::nullptr_t>{}(nullptr));
  CHECK(concur::hash<void (*)()>{}(nullptr) == concur::hash<int>{}(0));
}

TEST_CASE("smart pointers and other types of the standard library are hashed by std::hash") {
  const auto shared = std::make_shared<int>(1);
  CHECK(hash_of(shared) == hash_of(std::shared_ptr<int>(shared)));
  CHECK(hash_of(shared) != hash_of(std::make_shared<int>(1)));
  STATIC_REQUIRE(hashable<std::unique_ptr<int>>);
  CHECK(hash_of(std::error_code(1, std::generic_category())) !=
        hash_of(std::error_code(2, std::generic_category())));
}

TEST_CASE("a string, a view of it and a literal have one hash, without a conversion to string") {
  const concur::hash<std::string> hash(3);
  const std::string text = "heterogeneous";
  CHECK(hash(text) == hash(std::string_view(text)));
  CHECK(hash(text) == hash(text.c_str()));
  CHECK(hash(text) == hash("heterogeneous"));
  CHECK(hash(text) == hash("heterogeneous"sv));
  CHECK(hash(text) == hash(std::pmr::string(text)));
  CHECK(hash(text) == concur::hash<std::string_view>(3)(text));
  CHECK(hash(text) == concur::hash<std::pmr::string>(3)(text));
  CHECK(hash(""s) == hash(std::string_view()));
  CHECK(hash("a\0b"s) != hash("a"s));
  STATIC_REQUIRE(noexcept(hash(text)));
  STATIC_REQUIRE(noexcept(hash("literal"sv)));
  STATIC_REQUIRE(!takes_null<concur::hash<std::string>>);
  STATIC_REQUIRE(std::is_void_v<concur::hash<std::string>::is_transparent>);
  STATIC_REQUIRE(std::is_void_v<concur::hash<std::pmr::u16string>::is_transparent>);
}

TEST_CASE("strings of every character type are hashed whole") {
  const auto whole = []<class Char>(const std::basic_string<Char>& text) {
    const concur::hash<std::basic_string<Char>> hash;
    for (std::size_t i = 0; i < text.size(); ++i) {
      auto changed = text;
      changed[i] = static_cast<Char>(changed[i] + 1);
      CHECK(hash(changed) != hash(text));
    }
    CHECK(hash(text) == hash(std::basic_string_view<Char>(text)));
    CHECK(hash(text) == hash(text.c_str()));
  };
  whole("narrow"s);
  whole(L"wide"s);
  whole(u8"utf-8"s);
  whole(u"utf-16"s);
  whole(U"utf-32"s);
}

TEST_CASE("arrays and spans of bytes of one content have one hash") {
  const std::array<unsigned char, 5> chars{'b', 'y', 't', 'e', 's'};
  std::array<std::byte, 5> bytes;
  std::memcpy(bytes.data(), chars.data(), 5);
  const auto expected = hash_of("bytes"s);
  CHECK(hash_of(chars) == expected);
  CHECK(hash_of(bytes) == expected);
  CHECK(concur::hash<std::span<const std::byte>>{}(bytes) == expected);
  CHECK(concur::hash<std::span<std::byte, 5>>{}(bytes) == expected);
  CHECK(concur::hash<std::span<const unsigned char>>{}(chars) == expected);
}

TEST_CASE("arrays of other elements are hashed by their elements, in order") {
  CHECK(hash_of(std::array{1, 2}) != hash_of(std::array{2, 1}));
  CHECK(hash_of(std::array{0.0, 1.0}) == hash_of(std::array{-0.0, 1.0}));
  CHECK(hash_of(std::array{"a"s, "b"s}) != hash_of(std::array{"b"s, "a"s}));
  CHECK(hash_of(std::array{"ab"s, "c"s}) != hash_of(std::array{"a"s, "bc"s}));
  CHECK(hash_of(std::array<users::point, 0>{}) == hash_of(std::array<users::point, 0>{}));
}

TEST_CASE("pairs and tuples depend on every member and on the order") {
  CHECK(hash_of(std::pair(1, 2)) != hash_of(std::pair(2, 1)));
  CHECK(hash_of(std::pair(1, 1)) != hash_of(std::pair(2, 2)));
  CHECK(hash_of(std::pair(0, 0)) != hash_of(std::pair(0, 1)));
  CHECK(hash_of(std::pair("ab"s, "c"s)) != hash_of(std::pair("a"s, "bc"s)));
  CHECK(hash_of(std::pair(""s, "x"s)) != hash_of(std::pair("x"s, ""s)));
  CHECK(hash_of(std::tuple(1, 2, 3)) != hash_of(std::tuple(1, 3, 2)));
  CHECK(hash_of(std::tuple(1, 2, 3)) != hash_of(std::tuple(3, 2, 1)));
  CHECK(hash_of(std::tuple(1)) != hash_of(std::tuple(1, 0)));
  CHECK(hash_of(std::tuple(1, 2)) == hash_of(std::pair(1, 2)));
  CHECK(hash_of(std::pair<const int, std::string>(1, "a")) == hash_of(std::pair(1, "a"s)));
  std::vector<std::uint64_t> hashes;
  for (int a = 0; a < 128; ++a) {
    for (int b = 0; b < 128; ++b) hashes.push_back(hash_of(std::pair(a, b)));
  }
  CHECK(concur_test::all_different(hashes));
}

TEST_CASE("an empty optional is a key of its own") {
  CHECK(hash_of(std::optional<int>{}) == hash_of(std::optional<int>{}));
  CHECK(hash_of(std::optional<int>{}) != hash_of(std::optional(0)));
  CHECK(hash_of(std::optional(1)) != hash_of(std::optional(2)));
}

TEST_CASE("concur_hash_value is found beside the type, seeded, mixed and before std::hash") {
  CHECK(hash_of(users::point{1, 2}) != hash_of(users::point{2, 1}));
  CHECK(hash_of(users::point{1, 2}, 9) == concur::detail::mix(concur::hash_values(9, 1, 2)));
  CHECK(hash_of(users::both{1}) == hash_of(users::both{2}));
  CHECK(hash_of(std::pair(users::point{1, 2}, 3)) != hash_of(std::pair(users::point{1, 3}, 3)));
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t id = 0; id < 16384; ++id) hashes.push_back(hash_of(users::weak{id}));
  CHECK(concur_test::worst_spread(hashes) < concur_test::spread_bound);
}

TEST_CASE("std::hash of a type is mixed with the seed") {
  std::vector<std::uint64_t> hashes;
  for (int id = 0; id < 16384; ++id) hashes.push_back(hash_of(users::old{id}, 12345));
  CHECK(concur_test::all_different(hashes));
  CHECK(concur_test::worst_spread(hashes) < concur_test::spread_bound);
}

TEST_CASE("hash_values of nothing is a function of the seed") {
  STATIC_REQUIRE(concur::hash_values(1) != concur::hash_values(2));
  STATIC_REQUIRE(concur::hash_values(1, 5) == concur::hash<int>{1}(5));
}
