// SPDX-License-Identifier: MIT
#include <concur/policy/construction.hpp>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/own_resource.hpp"

using namespace concur_test;
using concur::detail::construct;
using concur::detail::made_with;
using concur::detail::takes_allocator;
using concur::detail::with_allocator;

namespace {

using polymorphic = std::pmr::polymorphic_allocator<int>;
using text = std::pmr::string;

constexpr const char* long_text = "too long to be kept in the string itself";

/// Says which of its constructors was called.
struct leading {
  using allocator_type = polymorphic;
  explicit leading(int) {}
  leading(std::allocator_arg_t, const polymorphic& a, int) : resource(a.resource()) {}
  leading(int, const polymorphic&) : is_trailing(true) {}
  std::pmr::memory_resource* resource = nullptr;
  bool is_trailing = false;
  std::string so_that_it_is_not_trivial = {};
};
struct neither {
  using allocator_type = polymorphic;
  explicit neither(int) {}
  std::string so_that_it_is_not_trivial;
};
/// Cannot be copied or moved.
struct fixed_place {
  using allocator_type = polymorphic;
  fixed_place(int v, const polymorphic& a) : value(v), resource(a.resource()) {}
  fixed_place(const fixed_place&) = delete;
  fixed_place& operator=(const fixed_place&) = delete;
  ~fixed_place() { value = 0; }
  int value;
  std::pmr::memory_resource* resource;
};
struct view_of_memory {
  using allocator_type = polymorphic;
  std::pmr::memory_resource* resource;
};
struct two_parts {
  const int& first;
  const text& second;
  operator std::pair<int, text>() const { return {first, second}; }
};

std::pmr::memory_resource* resource_of(const text& t) {
  return t.get_allocator().resource();
}

}  // namespace

TEST_CASE("an allocator goes to who takes it, and can make something of it",
          "[policy][construction]") {
  STATIC_REQUIRE(takes_allocator<text, polymorphic>());
  STATIC_REQUIRE(takes_allocator<std::pmr::vector<int>, polymorphic>());
  STATIC_REQUIRE(takes_allocator<std::pair<const text, int>, polymorphic>());
  STATIC_REQUIRE(takes_allocator<std::pair<int, std::pair<int, text>>, polymorphic>());
  STATIC_REQUIRE(takes_allocator<std::tuple<text, int>, polymorphic>());
  STATIC_REQUIRE_FALSE(takes_allocator<std::string, polymorphic>());
  STATIC_REQUIRE_FALSE(takes_allocator<std::optional<text>, polymorphic>());
  STATIC_REQUIRE_FALSE(takes_allocator<int, polymorphic>());
  STATIC_REQUIRE_FALSE(takes_allocator<std::pair<int, std::string>, polymorphic>());
  STATIC_REQUIRE_FALSE(takes_allocator<view_of_memory, polymorphic>());
  // All of them are equal.
  STATIC_REQUIRE_FALSE(takes_allocator<std::string, std::allocator<int>>());
}

TEST_CASE("an allocator comes first if it can, else last, else not at all",
          "[policy][construction]") {
  own_resource memory;
  const polymorphic allocator(&memory);
  const auto first = made_with<leading>(allocator, 1);
  REQUIRE(first.resource == &memory);
  REQUIRE_FALSE(first.is_trailing);
  REQUIRE(resource_of(made_with<text>(allocator, 5U, 'x')) == &memory);
  REQUIRE(made_with<neither>(allocator, 1).so_that_it_is_not_trivial.empty());
  REQUIRE(made_with<int>(allocator, 7) == 7);
}

TEST_CASE("nothing is copied or moved on the way", "[policy][construction]") {
  own_resource memory;
  const polymorphic allocator(&memory);
  const fixed_place made = made_with<fixed_place>(allocator, 3);
  REQUIRE(made.resource == &memory);
  alignas(fixed_place) unsigned char bytes[sizeof(fixed_place)];
  auto* const at = reinterpret_cast<fixed_place*>(bytes);
  construct(allocator, at, 4);
  REQUIRE(at->value == 4);
  REQUIRE(at->resource == &memory);
  std::destroy_at(at);

  using pair = std::pair<fixed_place, std::pair<int, fixed_place>>;
  with_allocator<pair>(
      allocator,
      [&](auto&&... all) {
        const pair p(static_cast<decltype(all)>(all)...);
        REQUIRE(p.first.value == 1);
        REQUIRE(p.first.resource == &memory);
        REQUIRE(p.second.second.value == 3);
        REQUIRE(p.second.second.resource == &memory);
      },
      std::piecewise_construct, std::tuple(1),
      std::tuple(std::piecewise_construct, std::tuple(2), std::tuple(3)));
}

TEST_CASE("a pair is made in each of the ways of a pair", "[policy][construction]") {
  using pair = std::pair<int, text>;
  own_resource memory;
  const no_default_resource no_default;
  const polymorphic allocator(&memory);
  const auto is_right = [&](const pair& p, int first, const char* second) {
    return resource_of(p.second) == &memory && p.first == first && p.second == second;
  };
  REQUIRE(is_right(made_with<pair>(allocator), 0, ""));
  REQUIRE(is_right(made_with<pair>(allocator, 1, long_text), 1, long_text));
  REQUIRE(is_right(made_with<pair>(allocator, std::pair(2, long_text)), 2, long_text));
  REQUIRE(is_right(
      made_with<pair>(allocator, std::piecewise_construct, std::tuple(3), std::tuple(long_text)), 3,
      long_text));
  const text other(long_text, &memory);
  const int four = 4;
  REQUIRE(is_right(made_with<pair>(allocator, two_parts{four, other}), 4, long_text));
}

TEST_CASE("what is moved from the same memory is not copied", "[policy][construction]") {
  own_resource memory;
  const polymorphic allocator(&memory);
  text from(long_text, &memory);
  const std::size_t before = memory.total_allocations();
  const auto to =
      made_with<std::pair<int, text>>(allocator, std::pair<int, text&&>(1, std::move(from)));
  REQUIRE(to.second == long_text);
  REQUIRE(memory.total_allocations() == before);
}
