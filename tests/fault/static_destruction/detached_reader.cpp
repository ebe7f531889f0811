// SPDX-License-Identifier: MIT
/// \file
/// A detached thread that reads and writes a map while `main` returns and static objects die. Its
/// map is never destroyed, as the language asks of whoever has such threads; what the library keeps
/// for the process has to outlive everything by itself.
#include "units.hpp"

#include <atomic>
#include <thread>

namespace {

std::atomic<int> rounds{0};
static_map dies_meanwhile;
static_cmap texts_die_meanwhile;
static_hamt versions_die_meanwhile;

/// Destroyed after `main`, while the threads go on: a static object that takes its time.
struct slow_to_die {
  ~slow_to_die() {
    const int before = rounds.load();
    while (rounds.load() < before + 3) std::this_thread::yield();
  }
} slow;

}  // namespace

int main() {
  static_map& map = *new static_map;
  static_cmap& texts = *new static_cmap;
  static_hamt& versions = *new static_hamt;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    map.insert({i, i});
    dies_meanwhile.insert({i, i});
    texts.insert({i, std::to_string(i)});
    texts_die_meanwhile.insert({i, std::to_string(i)});
    versions.insert({i, std::to_string(i)});
    versions_die_meanwhile.insert({i, std::to_string(i)});
  }
  std::thread([&map, &texts, &versions] {
    for (;; rounds.fetch_add(1)) {
      for (std::uint64_t i = 0; i < 1'000; ++i) {
        require(map.find(i) == i, "the reader finds everything, to the last");
        require(texts.find(i) == std::to_string(i), "in the cmap, too");
        require(versions.find(i) == std::to_string(i), "and in the hamt");
      }
      require(versions.snapshot().contains(999), "and in its snapshots");
    }
  }).detach();
  std::thread([&map, &texts, &versions] {
    for (;;) {
      for (std::uint64_t i = 1'000; i < 3'000; ++i) map.insert({i, i});
      for (std::uint64_t i = 1'000; i < 3'000; ++i) map.erase(i);
      for (std::uint64_t i = 1'000; i < 3'000; ++i) texts.insert({i, std::to_string(i)});
      for (std::uint64_t i = 1'000; i < 3'000; ++i) texts.erase(i);
      for (std::uint64_t i = 1'000; i < 3'000; ++i) versions.insert({i, std::to_string(i)});
      for (std::uint64_t i = 1'000; i < 3'000; ++i) versions.erase(i);
    }
  }).detach();
  while (rounds.load() < 3) std::this_thread::yield();
  return 0;
}
