// SPDX-License-Identifier: MIT
/// \file
/// One thread on one small fixed map, often full, with hashes from good to none: every answer is
/// that of std::map, and the slots are as they should be.
#include "fuzz/fuzz.hpp"
#include "support/fixed_map_access.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace {

using namespace concur_fuzz;

template <class T>
T value_of(number n) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::string(24, 'x') + std::to_string(n);  // too long to lie in the string itself
  } else {
    return T(n);
  }
}

template <class T>
void run(bytes input) {
  const std::size_t capacity = std::size_t{1} << (input.next() % 6);
  concur::detail::basic_fixed_map<number, T, any_hash, std::equal_to<>, std::allocator<std::byte>>
      map(capacity, any_hash{input.next()});
  std::map<number, T> model;
  while (!input.empty()) {
    const unsigned operation = input.next();
    const number key = input.next() % (capacity + 3);
    const T value = value_of<T>(input.next());
    const bool present = model.count(key) != 0;
    const bool has_room = model.size() < capacity;
    const auto check = [&](concur::insert_result result) {
      FUZZ_CHECK(result.exists() == present);
      FUZZ_CHECK(result.inserted() == (!present && has_room));
    };
    switch (operation % 10) {
      case 0:
        check(map.try_emplace(key, value));
        if (has_room) model.try_emplace(key, value);
        break;
      case 1:
        check(map.insert_or_assign(key, value));
        if (has_room || present) model.insert_or_assign(key, value);
        break;
      case 2:
      case 3:
        FUZZ_CHECK(map.erase(key) == model.erase(key));
        break;
      case 4:
        FUZZ_CHECK(map.update(key, [&](T& v) { v = value; }) == (present ? 1u : 0u));
        if (present) model.at(key) = value;
        break;
      case 5:
        check(map.upsert(
            key, [&](T& v) { v = value; }, value));
        if (has_room || present) model.insert_or_assign(key, value);
        break;
      case 6: {
        const auto taken = map.take(key);
        FUZZ_CHECK(taken.has_value() == present);
        FUZZ_CHECK(!present || *taken == model.at(key));
        model.erase(key);
        break;
      }
      case 7:
        FUZZ_CHECK(map.replace_if_equal(key, value, value) == (present && model.at(key) == value));
        break;
      case 8:
        if (!present && !has_room) break;
        FUZZ_CHECK(map.compute(key, [&](std::optional<T>& v) {
          v = v ? std::nullopt : std::optional<T>(value);
        }) == !present);
        if (!model.erase(key)) model.emplace(key, value);
        break;
      default:
        if (operation == 9) {
          map.clear();
          model.clear();
        }
    }
    const auto found = map.find(key);
    FUZZ_CHECK(found.has_value() == (model.count(key) != 0));
    FUZZ_CHECK(!found || *found == model.at(key));
    FUZZ_CHECK(map.size() == model.size());
  }
  FUZZ_CHECK(concur_test::broken_invariant(map) == nullptr);
  std::size_t seen = 0;
  map.cvisit_all([&](const auto& e) {
    ++seen;
    FUZZ_CHECK(model.at(e.first) == e.second);
  });
  FUZZ_CHECK(seen == model.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bytes input(data, size);
  switch (input.next() % 3) {
    case 0:
      run<number>(input);
      break;
    case 1:
      run<wide>(input);
      break;
    default:
      run<std::string>(input);
  }
  return 0;
}
