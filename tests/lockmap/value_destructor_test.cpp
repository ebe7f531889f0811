// SPDX-License-Identifier: MIT
/// \file
/// A value's destructor may use the map, also the key that the value was of: whatever the path on
/// which it left.
#include "support/catch.hpp"

#include <concur/lockmap.hpp>
#include <concur/lru_lockmap.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace {

/// Calls something as it goes.
class caller {
 public:
  explicit caller(std::function<void()>& f) : f_(&f) {}
  caller(const caller&) = delete;
  caller& operator=(const caller&) = delete;
  ~caller() {
    if (*f_) (*f_)();
  }

 private:
  std::function<void()>* f_;
};

using unique = std::unique_ptr<caller>;
using shared = std::shared_ptr<caller>;

/// Assigned by a new value in its place.
struct unassignable {
  const unique value;
  explicit unassignable(unique v) : value(std::move(v)) {}
  unassignable(unassignable&& other) noexcept
      : value(std::move(const_cast<unique&>(other.value))) {}
};

}  // namespace

TEMPLATE_TEST_CASE("the destructor of a value that is overwritten may use its key", "[lockmap]",
                   (concur::lockmap<int, unique>), (concur::lockmap<int, shared>),
                   (concur::lockmap<std::string, unassignable>), (concur::lru_lockmap<int, unique>),
                   (concur::lru_lockmap<int, shared>),
                   (concur::lru_lockmap<std::string, unassignable>)) {
  using key_type = typename TestType::key_type;
  using mapped_type = typename TestType::mapped_type;
  const auto key = [] {
    if constexpr (std::is_same_v<key_type, int>) {
      return 1;
    } else {
      return std::string("a key");
    }
  }();
  std::function<void()> call;
  const auto make = [&] { return mapped_type(unique(new caller(call))); };
  TestType map;
  map.try_emplace(key, make());
  int calls = 0;
  bool was_locked = true;
  call = [&] {
    // Throws if this thread holds the key, which ends the program.
    was_locked = was_locked && map.lock(key).has_value();
    ++calls;
  };
  SECTION("insert_or_assign") {
    map.insert_or_assign(key, make());
  }
  if constexpr (!std::is_same_v<mapped_type, unassignable>) {
    SECTION("exchange") {
      static_cast<void>(map.exchange(key, make()));
    }
    SECTION("replace_if_equal") {
      const mapped_type* current = nullptr;
      map.visit(key, [&](const auto& e) { current = &e.second; });
      REQUIRE(map.replace_if_equal(key, *current, make()));
    }
  }
  if constexpr (std::is_same_v<mapped_type, shared>) {
    SECTION("compute") {
      map.compute(key, [&](std::optional<shared>& v) { v = make(); });
    }
  }
  REQUIRE(calls == 1);
  REQUIRE(was_locked);
  REQUIRE(map.size() == 1);
  call = nullptr;
}

TEST_CASE("a value that cannot be made leaves its predecessor alone", "[lockmap]") {
  struct loud {
    std::shared_ptr<int> value;
    explicit loud(int v) : value(std::make_shared<int>(v)) {}
    loud(const loud& other) : value(other.value) {
      if (*value < 0) throw 1;
    }
    loud(loud&&) noexcept = default;
    loud& operator=(const loud&) = default;
    loud& operator=(loud&&) noexcept = default;
  };
  concur::lockmap<int, loud> map;
  map.try_emplace(1, 7);
  const loud bad(-1);
  REQUIRE_THROWS_AS(map.insert_or_assign(1, bad), int);
  REQUIRE(map.visit(1, [](const auto& e) { REQUIRE(*e.second.value == 7); }));
}
