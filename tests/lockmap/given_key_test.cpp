// SPDX-License-Identifier: MIT
/// \file
/// A key that the caller gave away is moved into the state that is prepared outside the shard's
/// lock. If somebody else makes the same key meanwhile, the search goes on: for the key as it was
/// given, not for what a move has left of it.
#include "support/catch.hpp"

#include <concur/lockmap.hpp>
#include <concur/lru_lockmap.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace {

/// Runs a hook, once, inside the next allocation.
template <class T>
struct hooked_allocator {
  using value_type = T;
  std::function<void()>* hook;

  explicit hooked_allocator(std::function<void()>& h) : hook(&h) {}
  template <class U>
  hooked_allocator(const hooked_allocator<U>& other) : hook(other.hook) {}
  T* allocate(std::size_t n) {
    if (*hook) std::exchange(*hook, nullptr)();
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
  template <class U>
  bool operator==(const hooked_allocator<U>& other) const {
    return hook == other.hook;
  }
};

using value_type = std::pair<const std::string, int>;
using allocator = hooked_allocator<value_type>;
using plain_map =
    concur::lockmap<std::string, int, concur::hash<std::string>, std::equal_to<>, allocator>;
using cache =
    concur::lru_lockmap<std::string, int, concur::hash<std::string>, std::equal_to<>, allocator>;

/// A key that is made of it by a move, if the map moves it.
struct own_text : std::string {
  using std::string::string;
  explicit own_text(const std::string& s) : std::string(s) {}
};

const std::string wanted = "a key that is too long to lie within the string itself";

template <class Map>
std::size_t elements_of_wanted(const Map& map) {
  std::size_t n = 0;
  map.cvisit_all([&](const auto& e) { n += e.first == wanted ? 1U : 0U; });
  return n;
}

}  // namespace

TEMPLATE_TEST_CASE("a key that is given away is found if somebody else makes it meanwhile",
                   "[lockmap]", plain_map, cache) {
  std::function<void()> hook;
  TestType map{allocator(hook)};
  map.insert_or_assign("another", 0);
  hook = [&] { std::thread([&] { map.insert_or_assign(wanted, 1); }).join(); };
  SECTION("lock") {
    auto entry = map.lock(std::string(wanted));
    REQUIRE(entry.key() == wanted);
    REQUIRE(entry.has_value());
    REQUIRE(*entry == 1);
  }
  SECTION("lock_shared") {
    const auto entry = map.lock_shared(std::string(wanted));
    REQUIRE(entry.key() == wanted);
    REQUIRE(entry.has_value());
  }
  SECTION("get_or_compute") {
    REQUIRE(map.get_or_compute(std::string(wanted), [] { return 2; }) == 1);
  }
  SECTION("of another type") {
    auto entry = map.lock(own_text(wanted));
    REQUIRE(entry.key() == wanted);
    REQUIRE(entry.has_value());
  }
  REQUIRE(!hook);
  REQUIRE(elements_of_wanted(map) == 1);
  REQUIRE(map.size() == 2);
}

TEST_CASE("a value that is too old already when it is found late is refreshed under its own key",
          "[lru][loading]") {
  std::function<void()> hook;
  std::chrono::nanoseconds now{};
  cache map(
      concur::cache_options<std::string, int>{
          .capacity = 10, .refresh_after = std::chrono::seconds(1), .clock = [&] { return now; }},
      concur::hash<std::string>(), std::equal_to<>(), allocator(hook));
  map.insert_or_assign("another", 0);
  hook = [&] {
    std::thread([&] { map.insert_or_assign(wanted, 1); }).join();
    now += std::chrono::seconds(2);
  };
  REQUIRE(map.try_get_or_compute(std::string(wanted), [] { return std::optional<int>(2); }) == 2);
  REQUIRE(!hook);
  REQUIRE(map.find(wanted) == 2);
  REQUIRE(elements_of_wanted(map) == 1);
  REQUIRE(map.size() == 2);
}
