// SPDX-License-Identifier: MIT
/// \file
/// Four times as many threads as the machine has cores on few keys: every way to hold a key beside
/// every other, with plain data under each key that only its holders touch.
#include "stress/random_writes.hpp"

#include "support/catch.hpp"
#include "support/sanitizers.hpp"
#include "support/threads.hpp"

#include <concur/lockmap.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace concur_test;
using namespace std::chrono_literals;

namespace {

constexpr int rounds = has_sanitizer ? 1'500 : 8'000;

int crowd() {
  const unsigned cores = std::thread::hardware_concurrency();
  return static_cast<int>(4 * (cores == 0 ? 2 : cores < 8 ? cores : 8));
}

/// What only the holder of a key touches.
struct guarded {
  std::int64_t holds = 0;
  std::int64_t values = 0;
};

template <class Key>
Key key_of(unsigned i) {
  if constexpr (std::is_same_v<Key, std::string>) {
    return "a key that has memory of its own, number " + std::to_string(i);
  } else {
    return static_cast<Key>(i);
  }
}

/// Keys come and go; what holders count is what is in the map at the end.
template <class Key, class T>
void keys_exclude() {
  concur::lockmap<Key, T> map;
  constexpr unsigned keys = 12;
  std::array<guarded, keys> plain{};
  const seed s;
  INFO("seed " << s.value());
  failures found;
  on_threads(crowd(), found, [&](int index) {
    auto random = s.engine(index);
    for (int i = 0; i < rounds; ++i) {
      const auto k = static_cast<unsigned>(random() % keys);
      const Key key = key_of<Key>(k);
      guarded& mine = plain[k];
      const auto work = [&](auto& entry) {
        ++mine.holds;
        MT_CHECK(found, entry.has_value() == (mine.values != 0));
        if (random() % 4 == 0) {
          entry.reset();
          mine.values = 0;
        } else {
          ++entry.value_or_emplace(T{});
          ++mine.values;
          MT_CHECK(found, *entry == static_cast<T>(mine.values));
        }
      };
      switch (random() % 9) {
        case 0:
        case 1: {
          auto entry = map.lock(key);
          work(entry);
          break;
        }
        case 2:
          if (auto entry = map.try_lock(key)) work(entry);
          break;
        case 3:
          if (auto entry = map.try_lock_for(key, std::chrono::microseconds(random() % 50))) {
            work(entry);
          }
          break;
        case 4: {
          auto shared = map.lock_shared(key);
          MT_CHECK(found, shared.has_value() == (mine.values != 0));
          if (shared.has_value()) MT_CHECK(found, *shared == static_cast<T>(mine.values));
          if (auto entry = shared.try_upgrade()) {
            work(entry);
            shared = entry.downgrade();
          }
          break;
        }
        case 5:
          map.update(key, [&](T& v) {
            ++v;
            ++mine.values;
          });
          break;
        case 6:
          map.erase_if(key, [&](const auto& e) {
            MT_CHECK(found, e.second == static_cast<T>(mine.values));
            mine.values = 0;
            return true;
          });
          break;
        case 7:
          if (const auto v = map.find(key)) MT_CHECK(found, *v > T{});
          break;
        default: {
          const auto other = static_cast<unsigned>(random() % keys);
          auto both = map.lock_all({key, key_of<Key>(other)});
          work(both[key]);
          break;
        }
      }
    }
  });
  found.require();
  std::size_t present = 0;
  for (unsigned k = 0; k < keys; ++k) {
    const auto v = map.find(key_of<Key>(k));
    REQUIRE(v.has_value() == (plain[k].values != 0));
    if (v) REQUIRE(*v == static_cast<T>(plain[k].values));
    present += v ? 1U : 0U;
  }
  REQUIRE(map.size() == present);
  REQUIRE(map.stats().keys == present);
}

}  // namespace

TEST_CASE("small values: every way to hold a key excludes", "[lockmap][stress]") {
  keys_exclude<std::uint64_t, std::uint64_t>();
}
TEST_CASE("long keys: every way to hold a key excludes", "[lockmap][stress]") {
  keys_exclude<std::string, long double>();
}

TEST_CASE("one key that all want starves nobody", "[lockmap][stress]") {
  concur::lockmap<int, std::uint64_t> map{{1, 0}};
  const int threads = crowd();
  failures found;
  std::vector<int> had(static_cast<std::size_t>(threads));
  on_threads(threads, found, [&](int index) {
    for (int i = 0; i < rounds; ++i) {
      auto entry = map.lock(1);
      ++*entry;
      ++had[static_cast<std::size_t>(index)];
    }
  });
  found.require();
  for (const int n : had) REQUIRE(n == rounds);
  REQUIRE(map.find(1) == static_cast<std::uint64_t>(threads) * rounds);
}

TEST_CASE("a stream of readers does not keep a writer out", "[lockmap][stress]") {
  concur::lockmap<int, std::string> map{{1, "old"}};
  std::atomic<bool> written{false};
  std::atomic<int> readers{0};
  failures found;
  on_threads(crowd(), found, [&](int index) {
    if (index == 0) {
      while (readers < 3) std::this_thread::yield();
      for (int i = 0; i < 50; ++i) map.update(1, [](std::string& v) { v = "new"; });
      written = true;
    } else {
      ++readers;
      while (!written) {  // ends only if the writer comes through
        const auto shared = map.lock_shared(1);
        MT_CHECK(found, *shared == "old" || *shared == "new");
      }
    }
  });
  found.require();
}

TEST_CASE("traversals beside keys that come and go", "[lockmap][stress]") {
  concur::lockmap<std::uint64_t, std::uint64_t> map;
  constexpr std::uint64_t stable = 500;
  for (std::uint64_t k = 0; k < stable; ++k) map.insert({k, k});
  std::atomic<int> writers{crowd() - 2};
  const seed s;
  INFO("seed " << s.value());
  failures found;
  on_threads(crowd(), found, [&](int index) {
    auto random = s.engine(index);
    if (index < 2) {
      while (writers != 0) {
        std::vector<int> seen(stable);
        const auto look = [&](const auto& e) {
          MT_CHECK(found, e.first == e.second);
          if (e.first < stable) ++seen[static_cast<std::size_t>(e.first)];
        };
        if (index == 0) {
          map.cvisit_all(look);
        } else {
          map.visit_all([&](auto& e) { look(e); });
        }
        for (const int n : seen) MT_CHECK(found, n == 1);
      }
    } else {
      for (int i = 0; i < rounds; ++i) {
        const std::uint64_t k = stable + random() % 2'000;
        if (random() % 2 == 0) {
          map.insert({k, k});
        } else {
          map.erase(k);
        }
      }
      --writers;
    }
  });
  found.require();
  REQUIRE(map.stats().keys == map.size());
}
