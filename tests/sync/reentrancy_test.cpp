// SPDX-License-Identifier: MIT
#include <concur/detail/sync/reentrancy.hpp>
#include <system_error>
#include <thread>

#include "support/catch.hpp"

using concur::detail::exclusive_scope;

TEST_CASE("an exclusive callback is known on its own thread alone", "[sync][reentrancy]") {
  int map = 0;
  REQUIRE_FALSE(exclusive_scope::is_active(&map));
  {
    const exclusive_scope scope(&map);
    REQUIRE(exclusive_scope::is_active(&map));
    bool seen_elsewhere = true;
    std::thread([&] { seen_elsewhere = exclusive_scope::is_active(&map); }).join();
    REQUIRE_FALSE(seen_elsewhere);
  }
  REQUIRE_FALSE(exclusive_scope::is_active(&map));
}

TEST_CASE("nested callbacks of several maps are all known", "[sync][reentrancy]") {
  int outer = 0;
  int inner = 0;
  const exclusive_scope first(&outer);
  {
    const exclusive_scope second(&inner);
    REQUIRE(exclusive_scope::is_active(&outer));
    REQUIRE(exclusive_scope::is_active(&inner));
  }
  REQUIRE(exclusive_scope::is_active(&outer));
  REQUIRE_FALSE(exclusive_scope::is_active(&inner));
}

TEST_CASE("every owner is asked about until one is wanted", "[sync][reentrancy]") {
  const int owners[3] = {};
  const auto is_there = [](const int* wanted) {
    return exclusive_scope::any_active([wanted](const void* owner) { return owner == wanted; });
  };
  REQUIRE_FALSE(exclusive_scope::any_active([](const void*) { return true; }));
  const exclusive_scope first(&owners[0]);
  const exclusive_scope second(&owners[1]);
  REQUIRE(is_there(&owners[0]));
  REQUIRE(is_there(&owners[1]));
  REQUIRE_FALSE(is_there(&owners[2]));
}

TEST_CASE("a write from inside the callback is reported as a deadlock", "[sync][reentrancy]") {
  int map = 0;
  int other = 0;
  const exclusive_scope scope(&map);
  REQUIRE_NOTHROW(exclusive_scope::require_inactive(&other));
  try {
    exclusive_scope::require_inactive(&map);
    FAIL("no exception");
  } catch (const std::system_error& error) {
    REQUIRE(error.code() == std::errc::resource_deadlock_would_occur);
  }
}
