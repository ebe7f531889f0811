// SPDX-License-Identifier: MIT
/// \file
/// The library without exceptions and without a test framework: the status says what failed.
#include <concur/cmap.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/xxhash.hpp>
#include <concur/hamt.hpp>
#include <concur/lru_lockmap.hpp>
#include <concur/seqmap.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace {

int failed = 0;

void expect(bool ok, const char* what) {
  if (ok) return;
  std::printf("failed: %s\n", what);
  failed = 1;
}

void use_seqmap() {
  concur::seqmap<std::uint64_t, std::uint64_t> map;
  for (std::uint64_t key = 0; key < 1000; ++key) expect(map.try_emplace(key, key * 2), "insert");
  expect(map.size() == 1000, "size after a thousand inserts");
  for (std::uint64_t key = 0; key < 1000; ++key) expect(map.find_or(key, 0) == key * 2, "find");
  expect(map.erase(7) == 1, "erase");
  expect(!map.contains(7), "an erased key is gone");
}

void use_cmap() {
  concur::cmap<std::uint64_t, std::string> map;
  for (std::uint64_t key = 0; key < 1000; ++key) {
    expect(map.try_emplace(key, std::to_string(key)), "insert into a cmap");
  }
  expect(map.size() == 1000, "size of a cmap after a thousand inserts");
  for (std::uint64_t key = 0; key < 1000; ++key) {
    expect(map.find_or(key, "") == std::to_string(key), "find in a cmap");
    expect(map.update(key, [](std::string& s) { s += '!'; }) == 1, "update in a cmap");
  }
  const auto guard = map.pin();
  const std::string* const seven = map.find(guard, 7u);
  for (std::uint64_t key = 0; key < 1000; ++key) {
    expect(map.erase(key) == 1, "erase from a cmap");
  }
  expect(*seven == "7!", "what a guard found stays");
  expect(map.empty(), "an empty cmap");
}

void use_hamt() {
  concur::hamt<std::uint64_t, std::string> map;
  for (std::uint64_t key = 0; key < 1000; ++key) {
    expect(map.try_emplace(key, std::to_string(key)), "insert into a hamt");
  }
  const auto before = map.snapshot();
  for (std::uint64_t key = 0; key < 1000; ++key) {
    expect(map.find_or(key, "") == std::to_string(key), "find in a hamt");
    expect(map.update(key, [](std::string& s) { s += '!'; }) == 1, "update in a hamt");
  }
  std::size_t changes = 0;
  concur::diff(before, map.snapshot(),
               [&](const std::uint64_t&, const std::string*, const std::string*) { ++changes; });
  expect(changes == 1000, "every change after a snapshot");
  map.clear();
  expect(map.empty() && before.size() == 1000, "a snapshot stays when its map is cleared");
  concur::hamt<std::uint64_t, std::string> fork(before);
  expect(fork.erase(7) == 1 && *before.find(7) == "7", "a fork goes its own way");
}

void use_lru_lockmap() {
  concur::lru_lockmap<std::uint64_t, std::string> map(100);
  for (std::uint64_t key = 0; key < 1000; ++key) {
    const std::string value = map.get_or_compute(key, [&] { return std::to_string(key); });
    expect(value == std::to_string(key), "compute in a cache");
  }
  expect(map.size() == 100, "the bound of a cache");
  {
    auto entry = map.lock(7U);
    entry.value_or_emplace("seven");
    map.set_capacity(1);
    expect(map.size() == 2, "a held element is apart");
  }
  expect(map.size() == 1, "and comes back under the bound");
}

}  // namespace

int main() {
  expect(CONCUR_HAS_EXCEPTIONS == 0, "the build has no exceptions");
  expect(concur::detail::xxh::xxh3_64("", 0, 0) == 0x2d06800538d394c2u, "XXH3 of nothing");
  use_seqmap();
  use_cmap();
  use_hamt();
  use_lru_lockmap();
  return failed;
}
