// SPDX-License-Identifier: MIT
/// \file
/// fixed_map under load, nearly full: values are whole and of their key, additions add up, and when
/// all is quiet every slot is as it should be.
#include <concur/fixed_map.hpp>

#include "support/catch.hpp"
#include "support/fixed_map_access.hpp"
#include "support/keys32.hpp"
#include "support/sanitizers.hpp"
#include "support/threads.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

using namespace concur_test;

namespace {

using number = std::uint64_t;

template <class T>
struct coded;
template <>
struct coded<number> {
  static number make(number key, number n) { return key << 32 | (n & 0xffffffff); }
  static bool is_of(number value, number key) { return value >> 32 == key; }
};
template <>
struct coded<std::array<number, 2>> {
  static std::array<number, 2> make(number key, number n) { return {key ^ n, n}; }
  static bool is_of(const std::array<number, 2>& v, number key) { return (v[0] ^ v[1]) == key; }
};
template <>
struct coded<std::string> {
  static std::string make(number key, number n) {
    return std::to_string(key) + ":" + std::string(n % 40, 'x');
  }
  static bool is_of(const std::string& v, number key) {
    return v.substr(0, v.find(':')) == std::to_string(key);
  }
};

/// Every operation on few slots, so that they are reused and full all the time.
template <class T>
void mix(std::size_t capacity, number keys) {
  concur::fixed_map<T> map(capacity);
  failures found;
  std::atomic<std::int64_t> balance{0};
  const number rounds = has_sanitizer ? 10'000 : 100'000;
  on_threads(4, found, [&](int index) {
    number state = static_cast<number>(index) + 1;
    for (number i = 0; i < rounds; ++i) {
      state = concur::detail::mix(state + i);
      const number key = state % keys;
      const auto change = [&](T& v) {
        MT_CHECK(found, coded<T>::is_of(v, key));
        v = coded<T>::make(key, i);
      };
      switch ((state >> 40) % 7) {
        case 0:
        case 1:
          if (map.insert(digest(key), coded<T>::make(key, i))) ++balance;
          break;
        case 2:
          balance -= static_cast<std::int64_t>(map.erase(digest(key)));
          break;
        case 3:
          map.update(digest(key), change);
          break;
        case 4:
          if (map.upsert(digest(key), change, coded<T>::make(key, i))) ++balance;
          break;
        case 5:
          if (const auto taken = map.take(digest(key))) {
            MT_CHECK(found, coded<T>::is_of(*taken, key));
            --balance;
          }
          break;
        default:
          if (const auto value = map.find(digest(key))) {
            MT_CHECK(found, coded<T>::is_of(*value, key));
          }
      }
    }
  });
  found.require();
  REQUIRE(map.size() == static_cast<std::size_t>(balance.load()));
  REQUIRE(broken_invariant(map) == nullptr);
}

}  // namespace

TEMPLATE_TEST_CASE("fixed_map: all operations on slots that are always reused", "[stress]", number,
                   (std::array<number, 2>), std::string) {
  mix<TestType>(1, 2);
  mix<TestType>(8, 12);
  mix<TestType>(64, 60);
}
