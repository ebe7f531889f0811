// SPDX-License-Identifier: MIT
/// \file
/// What the stress tests of cmap and hamt share: values that say whose they are, so that one of
/// another key, or one that was freed, is seen; and random operations of many threads, each with
/// keys and a model of its own.
#pragma once

#include "stress/random_writes.hpp"

#include "support/catch.hpp"
#include "support/sanitizers.hpp"
#include "support/threads.hpp"
#include "support/tries.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace concur_test {

inline constexpr number scale = has_sanitizer ? 3 : 12;

/// A number that is kept in the leaf, made from a key and a version.
struct small_value {
  number word;
  static small_value of(number key, unsigned version) noexcept {
    return {scattered(key) << 8 | (version & 255)};
  }
  bool is_of(number key) const noexcept { return word >> 8 == (scattered(key) << 8) >> 8; }
};

/// More than a leaf keeps inside.
struct wide_value {
  number words[5];
  static wide_value of(number key, unsigned version) noexcept {
    const number v = scattered(key * 256 + (version & 255));
    return {{version & 255, v, ~v, v * 3, v * 5}};
  }
  bool is_of(number key) const noexcept {
    return *this == of(key, static_cast<unsigned>(words[0]));
  }
  friend bool operator==(const wide_value&, const wide_value&) = default;
};

/// With memory of its own.
struct text_value {
  std::string text;
  static text_value of(number key, unsigned version) {
    return {"a text that is long enough: " + std::to_string(key) + "/" + std::to_string(version)};
  }
  bool is_of(number key) const {
    return text.compare(0, 28, "a text that is long enough: ") == 0 &&
           text.compare(28, text.find('/') - 28, std::to_string(key)) == 0;
  }
};

/// Two threads write, two read; keys come and go. `now_and_then(random)` is called between writes;
/// `look(random, found)` by one of the readers: what only this map has.
template <class V, class Map, class NowAndThen, class Look>
void every_value_is_of_its_key(Map& map, shape s, number writes, const NowAndThen& now_and_then,
                               const Look& look) {
  const seed random_seed;
  INFO("seed " << random_seed.value() << ", shape " << static_cast<int>(s));
  failures found;
  std::atomic<int> writers{2};
  on_threads(4, found, [&](int index) {
    auto random = random_seed.engine(index);
    if (index < 2) {
      for (number i = 0; i < writes; ++i) {
        write_a_value<V>(map, random, found);
        now_and_then(random);
      }
      --writers;
      return;
    }
    while (writers != 0) {
      for (int i = 0; i < 100; ++i) {
        const number k = random() % keys_of_values;
        if (const auto v = map.find(k)) MT_CHECK(found, v->is_of(k));
      }
      if (index == 2) {
        map.cvisit_all([&](const auto& e) { MT_CHECK(found, e.second.is_of(e.first)); });
      } else {
        look(random, found);
      }
    }
  });
  found.require();
  require_sound(map);
}

/// Every thread has keys of its own and a model of them; the root and the branches are everybody's.
template <class Map>
void every_thread_finds_its_own(Map& map, number universe, number steps) {
  const seed random_seed;
  INFO("seed " << random_seed.value());
  failures found;
  std::atomic<std::size_t> left{0};
  on_threads(4, found, [&](int index) {
    auto random = random_seed.engine(index);
    std::map<number, number> model;
    const auto mine = [&](number i) { return i * 4 + static_cast<number>(index); };
    number high = universe;
    for (number i = 0; i < steps; ++i) {
      if (i % 2000 == 0) high = 1 + random() % universe;  // grows and shrinks
      const number k = mine(random() % high);
      const number v = random();
      switch (random() % 10) {
        case 0:
          MT_CHECK(found, map.insert({k, v}) == model.emplace(k, v).second);
          break;
        case 1:
          MT_CHECK(found, map.insert_or_assign(k, v) == model.insert_or_assign(k, v).second);
          break;
        case 2:
        case 3:
          MT_CHECK(found, map.erase(k) == model.erase(k));
          break;
        case 4: {
          const bool present = map.compute(k, [&](auto& value) {
            if (value) {
              value.reset();
            } else {
              value = v;
            }
          });
          if (model.erase(k) == 0) model.emplace(k, v);
          MT_CHECK(found, present == (model.count(k) == 1));
          break;
        }
        case 5:
          if (random() % 64 == 0) {
            // Its own elements of the higher half go at once.
            const number from = mine(high / 2);
            map.erase_if([&](const auto& e) { return e.first % 4 == k % 4 && e.first >= from; });
            model.erase(model.lower_bound(from), model.end());
          } else {
            const auto it = model.find(k);
            const bool inserted = map.upsert(
                k, [](number& old) { ++old; }, v);
            MT_CHECK(found, inserted == (it == model.end()));
            if (it == model.end()) {
              model.emplace(k, v);
            } else {
              ++it->second;
            }
          }
          break;
        default: {
          const auto it = model.find(k);
          const auto value = map.find(k);
          MT_CHECK(found, value.has_value() == (it != model.end()));
          if (value && it != model.end()) MT_CHECK(found, *value == it->second);
        }
      }
    }
    for (const auto& [k, v] : model) MT_CHECK(found, map.find(k) == v);
    left += model.size();
  });
  found.require();
  REQUIRE(map.size() == left);
  require_sound(map);
}

}  // namespace concur_test
