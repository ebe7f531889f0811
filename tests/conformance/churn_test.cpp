// SPDX-License-Identifier: MIT
/// \file
/// Long random sequences of every operation on one thread, compared with a plain map after each
/// step: growing, shrinking, full of erased cells, and with hashers that are no good.

#include "conformance/families.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

using namespace concur_test;

namespace {

/// xorshift: the same sequence everywhere.
class sequence {
 public:
  explicit sequence(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15 + 1) {}
  std::uint64_t below(std::uint64_t n) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return (state_ >> 11) % n;
  }

 private:
  std::uint64_t state_;
};

struct constant_hash {
  std::size_t operator()(number) const { return 42; }
};
struct few_hashes {
  std::size_t operator()(number key) const { return key % 3; }
};
struct no_hash {
  std::size_t operator()(number key) const { return key; }
};

/// One operation on the map and on the model; true when both said the same.
template <class M>
bool same_step(M& map, std::unordered_map<number, number>& model, number operation, number key,
               number value) {
  const auto at = model.find(key);
  const bool present = at != model.end();
  const number present_value = present ? at->second : 0;
  const bool equal = present && present_value == value;
  const auto is_old = [&](const std::optional<number>& found) {
    return found.has_value() == present && (!present || *found == present_value);
  };
  const auto add = [&](number& v) { v += value; };
  switch (operation) {
    case 0:
      return is_old(map.find(key));
    case 1:
      return bool{map.insert({key, value})} == model.insert({key, value}).second;
    case 2:
      return bool{map.try_emplace(key, value)} == model.try_emplace(key, value).second;
    case 3:
      return bool{map.insert_or_assign(key, value)} == model.insert_or_assign(key, value).second;
    case 4:
      model.insert_or_assign(key, value);
      return is_old(map.exchange(key, value));
    case 5:
      if (present) add(at->second);
      return map.update(key, add) == (present ? 1u : 0u);
    case 6:
      model[key] = present ? present_value + value : 1;
      return bool{map.upsert(key, add, 1)} == !present;
    case 7: {
      const bool erases = present && present_value % 2 == 0;
      if (erases) {
        model.erase(at);
      } else {
        model[key] = value;
      }
      return map.compute(key, [&](std::optional<number>& v) {
        v = v && *v % 2 == 0 ? std::nullopt : std::optional<number>(value);
      }) == !erases;
    }
    case 8:
      if (equal) at->second = key;
      return map.replace_if_equal(key, value, key) == equal;
    case 9:
    case 10:
    case 11:
      return map.erase(key) == model.erase(key);
    case 12:
      model.erase(key);
      return is_old(map.take(key));
    case 13: {
      const bool odd = present && present_value % 2 == 1;
      if (odd) model.erase(at);
      return map.erase_if(key, [](const auto& e) { return e.second % 2 == 1; }) == (odd ? 1u : 0u);
    }
    case 14:
      if (equal) model.erase(at);
      return map.erase_if_equal(key, value) == (equal ? 1u : 0u);
    default: {
      bool right = true;
      const auto check = [&](const auto& e) {
        right = e.first == key && present && e.second == present_value;
      };
      const bool inserted{map.insert_or_cvisit({key, value}, check)};
      if (inserted) model.insert({key, value});
      return right && inserted == !present;
    }
  }
}

template <class M>
void churn(int steps, number keys, std::uint64_t seed) {
  M map;
  std::unordered_map<number, number> model;
  sequence random(seed);
  for (int step = 0; step < steps; ++step) {
    const number operation = random.below(16);
    const number key = random.below(keys);
    const number value = random.below(4);
    const bool same = same_step(map, model, operation, key, value);
    if (!same || map.size() != model.size()) {
      INFO("seed " << seed << ", step " << step << ", operation " << operation << ", key " << key);
      REQUIRE(same);
      REQUIRE(map.size() == model.size());
    }
    if (step % 997 == 0) {
      REQUIRE(contents(map) == model);
      const number limit = random.below(keys);
      if (step % 4 == 0) {
        REQUIRE(map.erase_if([&](const auto& e) { return e.first < limit; }) ==
                std::erase_if(model, [&](const auto& e) { return e.first < limit; }));
      }
      if (step % 7 == 0) map.clear(), model.clear();
    }
  }
  REQUIRE(contents(map) == model);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("random operations agree with a plain map", "[churn]", core_maps) {
  using M = typename TestType::template map<number, number>;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    churn<M>(20'000, 20, seed);
    churn<M>(20'000, 1'000, seed);
  }
  churn<M>(30'000, 1u << 20, 4);
}

TEMPLATE_LIST_TEST_CASE("random operations agree with hashers that are no good", "[churn]",
                        core_maps) {
  churn<typename TestType::template map<number, number, constant_hash>>(5'000, 40, 5);
  churn<typename TestType::template map<number, number, few_hashes>>(5'000, 60, 6);
  churn<typename TestType::template map<number, number, no_hash>>(20'000, 500, 7);
}

TEMPLATE_LIST_TEST_CASE("a map that filled and emptied many times still works", "[churn]",
                        core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  std::size_t wrong = 0;
  for (number round = 0; round < 20; ++round) {
    for (number i = 0; i < 1'000; ++i) wrong += map.insert({i * (round + 1), round}) ? 0u : 1u;
    if (map.size() != 1'000) ++wrong;
    for (number i = 0; i < 1'000; ++i) wrong += map.erase(i * (round + 1)) == 1 ? 0u : 1u;
    if (!map.empty()) ++wrong;
  }
  REQUIRE(wrong == 0);
  REQUIRE(map.visit_all([](auto&) {}) == 0);
}

TEMPLATE_LIST_TEST_CASE("one key inserted and erased for long leaves no trace", "[churn]",
                        core_maps) {
  using M = typename TestType::template map<number, number>;
  M map;
  std::size_t wrong = 0;
  for (number i = 0; i < 100'000; ++i) {
    wrong += map.insert({i % 3, i}) ? 0u : 1u;
    wrong += map.erase(i % 3) == 1 ? 0u : 1u;
  }
  REQUIRE(wrong == 0);
  REQUIRE(map.empty());
}
