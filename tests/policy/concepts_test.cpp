// SPDX-License-Identifier: MIT
#include <concur/policy/concepts.hpp>
#include <concur/policy/hash.hpp>
#include <functional>
#include <memory>
#include <memory_resource>
#include <string>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

namespace {

// Models that fail one clause each: a concept that became `true` would accept them.

struct returns_void {
  void operator()(int) const {}
};
struct returns_bool {
  bool operator()(int) const { return false; }
};
struct returns_double {
  double operator()(int) const { return 0; }
};
struct returns_pointer {
  const int* operator()(const int& key) const { return &key; }
};
struct not_const {
  std::size_t operator()(int) { return 0; }
  bool operator()(int, int) { return false; }
};
struct takes_mutable {
  std::size_t operator()(int&) const { return 0; }
  bool operator()(int&, int&) const { return false; }
};
struct move_only {
  move_only() = default;
  move_only(move_only&&) = default;
  std::size_t operator()(int) const { return 0; }
  bool operator()(int, int) const { return false; }
};
struct takes_string {
  std::size_t operator()(const std::string&) const { return 0; }
  bool operator()(const std::string&, const std::string&) const { return false; }
};
struct equal_returns_void {
  void operator()(int, int) const {}
};
struct equal_of_one {
  bool operator()(int) const { return false; }
};
struct not_a_bool {};
struct equal_returns_class {
  not_a_bool operator()(int, int) const { return {}; }
};

// And unusual ones that are good enough.

struct returns_int {
  int operator()(int key) const { return key; }
};
struct may_throw {
  std::size_t operator()(int) const noexcept(false) { return 0; }
  bool operator()(int, int) const noexcept(false) { return false; }
};
struct equal_returns_int {
  int operator()(int a, int b) const { return a == b; }
};
struct transparent_hash : may_throw {
  using is_transparent = void;
};
struct transparent_equal : may_throw {
  using is_transparent = void;
};

// Allocators.

template <class T>
struct minimal {
  using value_type = T;
  minimal() = default;
  template <class U>
  minimal(const minimal<U>&) {}
  T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
  void deallocate(T* memory, std::size_t n) { std::allocator<T>().deallocate(memory, n); }
  template <class U>
  bool operator==(const minimal<U>&) const {
    return true;
  }
};
struct no_value_type {
  int* allocate(std::size_t);
  void deallocate(int*, std::size_t);
  bool operator==(const no_value_type&) const = default;
};
template <class T>
struct no_deallocate {
  using value_type = T;
  T* allocate(std::size_t);
  bool operator==(const no_deallocate&) const = default;
};
template <class T>
struct no_equality {
  using value_type = T;
  T* allocate(std::size_t);
  void deallocate(T*, std::size_t);
};

}  // namespace

TEST_CASE("hasher_for accepts what a map can use") {
  STATIC_REQUIRE(concur::hasher_for<std::hash<int>, int>);
  STATIC_REQUIRE(concur::hasher_for<concur::hash<std::string>, std::string>);
  STATIC_REQUIRE(concur::hasher_for<concur::hash<std::string>, std::string_view>);
  STATIC_REQUIRE(concur::hasher_for<std::size_t (*)(int), int>);
  STATIC_REQUIRE(concur::hasher_for<std::function<std::size_t(int)>, int>);
  STATIC_REQUIRE(concur::hasher_for<returns_int, int>);
  STATIC_REQUIRE(concur::hasher_for<may_throw, int>);
  const auto lambda = [](int key) { return static_cast<std::size_t>(key); };
  STATIC_REQUIRE(concur::hasher_for<decltype(lambda), int>);
}

TEST_CASE("hasher_for rejects each way not to fit") {
  STATIC_REQUIRE(!concur::hasher_for<returns_void, int>);
  STATIC_REQUIRE(!concur::hasher_for<returns_bool, int>);
  STATIC_REQUIRE(!concur::hasher_for<returns_double, int>);
  STATIC_REQUIRE(!concur::hasher_for<returns_pointer, int>);
  STATIC_REQUIRE(!concur::hasher_for<not_const, int>);
  STATIC_REQUIRE(!concur::hasher_for<takes_mutable, int>);
  STATIC_REQUIRE(!concur::hasher_for<move_only, int>);
  STATIC_REQUIRE(!concur::hasher_for<takes_string, int>);
  STATIC_REQUIRE(!concur::hasher_for<int, int>);
  STATIC_REQUIRE(!concur::hasher_for<void, int>);
  STATIC_REQUIRE(!concur::hasher_for<std::hash<not_a_bool>, not_a_bool>);
  STATIC_REQUIRE(!concur::hasher_for<concur::hash<not_a_bool>, not_a_bool>);
}

TEST_CASE("key_equal_for accepts what a map can use and rejects each way not to fit") {
  STATIC_REQUIRE(concur::key_equal_for<std::equal_to<>, int>);
  STATIC_REQUIRE(concur::key_equal_for<std::equal_to<std::string>, std::string>);
  STATIC_REQUIRE(concur::key_equal_for<may_throw, int>);
  STATIC_REQUIRE(concur::key_equal_for<equal_returns_int, int>);
  STATIC_REQUIRE(concur::key_equal_for<bool (*)(int, int), int>);
  STATIC_REQUIRE(!concur::key_equal_for<std::equal_to<>, not_a_bool>);
  STATIC_REQUIRE(!concur::key_equal_for<equal_returns_void, int>);
  STATIC_REQUIRE(!concur::key_equal_for<equal_returns_class, int>);
  STATIC_REQUIRE(!concur::key_equal_for<equal_of_one, int>);
  STATIC_REQUIRE(!concur::key_equal_for<not_const, int>);
  STATIC_REQUIRE(!concur::key_equal_for<takes_mutable, int>);
  STATIC_REQUIRE(!concur::key_equal_for<move_only, int>);
  STATIC_REQUIRE(!concur::key_equal_for<takes_string, int>);
}

TEST_CASE("a map is transparent when both its hasher and its equality are") {
  STATIC_REQUIRE(concur::transparent<concur::hash<std::string>, std::equal_to<>>);
  STATIC_REQUIRE(concur::transparent<transparent_hash, transparent_equal>);
  STATIC_REQUIRE(!concur::transparent<concur::hash<std::string>, std::equal_to<std::string>>);
  STATIC_REQUIRE(!concur::transparent<std::hash<std::string>, std::equal_to<>>);
  STATIC_REQUIRE(!concur::transparent<concur::hash<int>, std::equal_to<>>);
  STATIC_REQUIRE(!concur::transparent<std::hash<int>, std::equal_to<int>>);
}

TEST_CASE("allocator_for accepts stateful, pmr, fancy and minimal allocators, and nothing else") {
  STATIC_REQUIRE(concur::allocator_for<std::allocator<int>, std::string>);
  STATIC_REQUIRE(concur::allocator_for<std::pmr::polymorphic_allocator<int>, std::string>);
  STATIC_REQUIRE(concur::allocator_for<std::pmr::polymorphic_allocator<>, std::string>);
  STATIC_REQUIRE(concur::allocator_for<concur_test::counting_allocator<int>, std::string>);
  STATIC_REQUIRE(concur::allocator_for<concur_test::fancy_allocator<int>, std::string>);
  STATIC_REQUIRE(concur::allocator_for<minimal<int>, std::string>);
  STATIC_REQUIRE(!concur::allocator_for<no_value_type, int>);
  STATIC_REQUIRE(!concur::allocator_for<no_deallocate<int>, int>);
  STATIC_REQUIRE(!concur::allocator_for<no_equality<int>, int>);
  STATIC_REQUIRE(!concur::allocator_for<int, int>);
  STATIC_REQUIRE(!concur::allocator_for<std::less<int>, int>);
}

TEST_CASE("check_policies lets a good set of arguments pass") {
  STATIC_REQUIRE(concur::detail::check_policies<int, concur::hash<int>, std::equal_to<>,
                                                std::allocator<std::pair<const int, int>>>());
  STATIC_REQUIRE(concur::detail::check_policies<std::string, std::hash<std::string>,
                                                std::equal_to<std::string>,
                                                std::pmr::polymorphic_allocator<>>());
}
