// SPDX-License-Identifier: MIT
/// \file
/// The library without exceptions and without a test framework: the status says what failed.
#include <concur/detail/config.hpp>
#include <concur/detail/xxhash.hpp>
#include <concur/seqmap.hpp>
#include <cstdint>
#include <cstdio>

namespace {

int failed = 0;

void expect(bool ok, const char* what) {
  if (ok) return;
  std::printf("failed: %s\n", what);
  failed = 1;
}

}  // namespace

int main() {
  expect(CONCUR_HAS_EXCEPTIONS == 0, "the build has no exceptions");
  expect(concur::detail::xxh::xxh3_64("", 0, 0) == 0x2d06800538d394c2u, "XXH3 of nothing");
  concur::seqmap<std::uint64_t, std::uint64_t> map;
  for (std::uint64_t key = 0; key < 1000; ++key) expect(map.try_emplace(key, key * 2), "insert");
  expect(map.size() == 1000, "size after a thousand inserts");
  for (std::uint64_t key = 0; key < 1000; ++key) expect(map.find_or(key, 0) == key * 2, "find");
  expect(map.erase(7) == 1, "erase");
  expect(!map.contains(7), "an erased key is gone");
  return failed;
}
