#!/bin/sh
# SPDX-License-Identifier: MIT
# module.sh COMPILER...: concur.cppm is compiled by the first of these clangs that is here, imported by a program
# that includes no header of ours, and does its work. Skipped without a clang from 16 on. XXHASH_INCLUDE may hold
# the folder of xxhash.h.
set -eu
include=$(cd "$(dirname "$0")/../../include" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clang=
for candidate; do
  if command -v "$candidate" >/dev/null; then clang=$candidate; break; fi
done
[ -n "$clang" ] || { echo "-- skipped: no clang with modules here"; exit 0; }
flags="-std=c++20 -pthread"
cat >"$work/main.cpp" <<EOT
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
import concur;
int main() {
  concur::cmap<std::string, int> words;
  words.upsert("one", [](int& n) { ++n; }, 1);
  concur::seqmap<int, int> numbers;
  numbers.insert_or_assign(1, 2);
  concur::hamt<int, int> versions;
  const auto before = versions.snapshot();
  versions.insert_or_assign(1, 3);
  concur::lockmap<int, int> locks;
  locks.lock(1).emplace(4);
  static_assert(concur::concurrent_map<concur::lockmap<int, int>> && !concur::bounded_map<concur::hamt<int, int>>);
  static_assert(concur::map_guarantees<concur::guarantees<concur::cmap<int, int>>>);
  static_assert(concur::guarantees<concur::seqmap<int, int>>::write_progress == concur::progress::blocking);
  static_assert(concur::reentry_rules(concur::guarantees<concur::cmap<int, int>>::shared_callback).reads == concur::reentry::works);
  static_assert(concur::is_avalanching_v<concur::hash<int>> && concur::is_avalanching<concur::identity_hash>::value);
  static_assert(concur::digest_key<concur::key32> && concur::eviction_policy<concur::eviction::lru>);
  static_assert(!concur::transparent<concur::hash<int>, std::equal_to<>>);
  const concur::cache_callback<int(int)> twice([](int n) { return 2 * n; });
  concur::erase_if(words, [](const auto& e) { return e.second == 2; });
  const bool right = twice(2) == 4 && words.find("one") == 1 && numbers.find(1) == 2 && !before.contains(1) && locks.find(1) == 4;
  std::puts(right ? "right" : "WRONG");
  return right ? 0 : 1;
}
EOT
"$clang" $flags -I"$include" ${XXHASH_INCLUDE:+-isystem "$XXHASH_INCLUDE"} -x c++-module "$include/concur/concur.cppm" \
  --precompile -o "$work/concur.pcm"
"$clang" $flags -fmodule-file=concur="$work/concur.pcm" "$work/main.cpp" "$work/concur.pcm" -o "$work/main"
"$work/main"
