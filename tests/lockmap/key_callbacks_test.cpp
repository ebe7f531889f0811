// SPDX-License-Identifier: MIT
/// \file
/// Destructors of keys, and hash functions, that use the map which they belong to: they run outside
/// of every internal lock, whatever the path on which a key leaves.
#include "support/catch.hpp"
#include "support/time_limit.hpp"

#include <concur/lockmap.hpp>
#include <concur/lru_lockmap.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

/// What keys and hash functions call, but not while they are in it: it makes keys itself.
class hook {
 public:
  std::function<void()> f;
  int calls = 0;

  void operator()() {
    if (!f || is_inside_) return;
    is_inside_ = true;
    ++calls;
    f();
    is_inside_ = false;
  }

 private:
  bool is_inside_ = false;
};
hook when_destroyed;
hook when_hashed;

/// A key that calls as it goes. One that was moved from is nobody's, and does not.
class calling_key {
 public:
  explicit calling_key(int n) : number_(n) {}
  calling_key(const calling_key&) = default;
  calling_key(calling_key&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  calling_key& operator=(const calling_key&) = delete;
  ~calling_key() {
    if (number_ >= 0) when_destroyed();
  }
  int number() const noexcept { return number_; }
  friend bool operator==(const calling_key& a, const calling_key& b) noexcept {
    return a.number_ == b.number_;
  }

 private:
  int number_;
};

struct calling_hash {
  std::size_t operator()(const calling_key& k) const {
    when_hashed();
    return static_cast<std::size_t>(k.number());
  }
};

using pair = std::pair<const calling_key, std::string>;
using plain_map = concur::lockmap<calling_key, std::string, calling_hash>;
template <class Policy>
using cache_with = concur::lru_lockmap<calling_key, std::string, calling_hash, std::equal_to<>,
                                       std::allocator<pair>, Policy>;

template <class Map>
void put(Map& map, int n) {
  map.insert_or_assign(calling_key(n), "a value that is too long to be kept in place");
}

int wrong = 0;  // what a destructor must not throw

/// Uses the map in every way that needs one of its locks. Key 0 is there, and nobody holds it but
/// to read it, as a copy of the map does that asks for the hash of what it copies.
template <class Map>
void use(Map& map, int calls) {
  if (!map.contains(calling_key(0))) ++wrong;
  const int n = 1'000 + calls % 16;
  put(map, n);
  map.cvisit(calling_key(0), [](const auto&) {});
  if (calls % 3 == 0) {
    map.erase(calling_key(n));
  } else {
    auto entry = map.lock(calling_key(n));
    entry.reset();
  }
}

/// Uses the map whenever `h` calls, while it lives.
class during {
 public:
  template <class Map>
  during(hook& h, Map& map) : hook_(&h), before_(h.calls) {
    h.f = [&h, &map] { use(map, h.calls); };
  }
  during(const during&) = delete;
  during& operator=(const during&) = delete;
  ~during() { hook_->f = nullptr; }
  int calls() const { return hook_->calls - before_; }

 private:
  hook* hook_;
  int before_;
};

template <class Map>
void fill(Map& map) {
  put(map, 0);
  for (int n = 1; n < 100; ++n) put(map, n);
}

/// All ways by which keys come and go in every map that locks keys.
template <class Map>
void keys_come_and_go(Map& map) {
  for (int n = 1; n < 10; ++n) REQUIRE(map.erase(calling_key(n)) == 1);
  map.erase_if([](const auto& e) { return e.first.number() >= 10 && e.first.number() < 20; });
  REQUIRE(map.take(calling_key(20)));
  put(map, 21);  // there is one: that of the caller goes
  map.compute(calling_key(22), [](auto& v) { v.reset(); });
  map.compute(calling_key(500), [](auto&) {});  // comes to nothing
  {
    auto entry = map.lock(calling_key(23));
    entry.reset();
  }
  { const auto absent = map.lock(calling_key(501)); }
  { const auto many = map.lock_all({calling_key(24), calling_key(502), calling_key(503)}); }
  REQUIRE_THROWS(map.get_or_compute(calling_key(504), []() -> std::string { throw 1; }));
  for (int n = 600; n < 900; ++n) put(map, n);  // the table grows
  map.shrink_to_fit();
  Map copy(map);
  copy.clear();
  REQUIRE(copy.empty());
  copy = map;
}

/// `h` uses the map whenever it is called while keys come and go.
template <class Map>
void require_use_from(hook& h) {
  const time_limit limit(120s);
  Map map;
  fill(map);
  const during scope(h, map);
  keys_come_and_go(map);
  REQUIRE(scope.calls() > 100);
  REQUIRE(wrong == 0);
  REQUIRE(map.contains(calling_key(0)));
}

}  // namespace

TEMPLATE_TEST_CASE("destructors of keys may use their map", "[lockmap]", plain_map,
                   cache_with<concur::eviction::lru>) {
  require_use_from<TestType>(when_destroyed);
}

TEMPLATE_TEST_CASE("hash functions may use their map", "[lockmap]", plain_map,
                   cache_with<concur::eviction::lru>) {
  require_use_from<TestType>(when_hashed);
}

TEMPLATE_TEST_CASE("keys of a map that is cleared or destroyed may use another", "[lockmap]",
                   plain_map, cache_with<concur::eviction::lru>) {
  const time_limit limit(120s);
  TestType other;
  put(other, 0);
  {
    TestType map;
    fill(map);
    const during scope(when_destroyed, other);
    map.clear();
    map.shrink_to_fit();
    REQUIRE(scope.calls() >= 100);
    fill(map);
  }
  TestType* const map = new TestType;
  fill(*map);
  const during scope(when_destroyed, other);
  delete map;
  REQUIRE(scope.calls() >= 100);
}

TEMPLATE_TEST_CASE("keys that a cache drops may use it", "[lockmap][lru]", concur::eviction::lru,
                   concur::eviction::exact_lru, concur::eviction::s3fifo,
                   concur::eviction::w_tinylfu) {
  const time_limit limit(120s);
  using map_type = cache_with<TestType>;
  const bool is_told = GENERATE(false, true);
  std::atomic<std::int64_t> now{0};
  typename map_type::options_type with;
  with.capacity = 200;
  with.shards = 2;
  with.time_to_live = 10s;
  with.clock = [&] { return std::chrono::nanoseconds(now.load()); };
  if (is_told) with.on_evict = [](const calling_key&, std::string&&, concur::eviction_cause) {};
  hook& h = GENERATE(false, true) ? when_destroyed : when_hashed;
  map_type map(with);
  fill(map);
  // Key 0 may be evicted: whoever uses the map only makes others.
  const int before = h.calls;
  h.f = [&] {
    put(map, 1'000 + h.calls % 300);
    map.contains(calling_key(5));
    map.touch(calling_key(6));
    if (h.calls % 8 == 0) map.erase(calling_key(1'000 + h.calls % 7));
  };
  for (int n = 1'500; n < 2'500; ++n) put(map, n);  // evicts
  REQUIRE(map.size() <= 200);
  map.set_capacity(50);
  REQUIRE(map.size() <= 50);
  map.set_capacity(1'000);
  for (int n = 3'000; n < 3'500; ++n) put(map, n);
  static_cast<void>(map.pop_lru());
  now = std::chrono::nanoseconds(20s).count();
  REQUIRE(map.remove_expired() > 0);
  for (int n = 4'000; n < 4'300; ++n) put(map, n);
  now = std::chrono::nanoseconds(40s).count();
  for (int n = 5'000; n < 5'300; ++n) put(map, n);  // removes what has expired
  map.set_capacity(0);
  map.clear();
  const int calls = h.calls - before;
  h.f = nullptr;
  REQUIRE(calls > 1'000);
  map.clear();
  REQUIRE(map.empty());
}
