#!/bin/sh
# SPDX-License-Identifier: MIT
# single_headers.sh CMAKE COMPILER [FLAG...]: what cmake/amalgamate.cmake makes of the public headers. Each
# compiles in a translation unit of its own without a warning, and does its work, in one program with all
# others and with the headers that they were made of; all of them go into one translation unit; a mix that
# cannot be in one says so. XXHASH_INCLUDE may hold the folder of xxhash.h.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../include
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake=$1
shift
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wundef -Werror'

"$cmake" -DOUT="$work/single" -P "$here/../../cmake/amalgamate.cmake"
build() { # INCLUDE_FOLDER COMPILER [FLAG...]
  folder=$1
  shift
  "$@" -std=c++20 -pthread $warnings -I"$folder" ${XXHASH_INCLUDE:+-isystem "$XXHASH_INCLUDE"}
}

# One object per single header, and what it does with it.
use() { # NAME STATEMENTS...
  name=$1 body=$2
  shift 2
  printf '#include <concur/%s.hpp>\nbool use_%s();\nbool use_%s() {\n%s\n}\n' \
    "$name" "$name" "$name" "$body" >"$work/$name.cpp"
  build "$work/single" "$@" -c "$work/$name.cpp" -o "$work/$name.o"
}
common='map.insert_or_assign(1, 2);
  map.update(1, [](int& n) { ++n; });
  return map.find_or(1, 0) == 3 && map.erase(1) == 1 && map.empty();'
use cmap "concur::cmap<int, int> map; $common" "$@"
use seqmap "concur::seqmap<int, int> map; $common" "$@"
use hamt "concur::hamt<int, int> map; const auto before = map.snapshot(); $common" "$@"
use lockmap "concur::lockmap<int, int> map; { auto entry = map.lock(7); } $common" "$@"
use lru_lockmap "concur::lru_lockmap<int, int> map(10); $common" "$@"
use fixed_map 'concur::fixed_map<int> map(8);
  const concur::key32 key{std::byte{1}};
  return map.insert(key, 3).inserted() && map.find(key) == 3;' "$@"
use seq_array 'concur::seq_array<int> array(3, 5); return array.fetch_add(2, 1) == 5 && array.load(2) == 6;' "$@"

cat >"$work/main.cpp" <<EOT
#include <concur/concur.hpp>
#include <cstdio>
bool use_cmap();
bool use_seqmap();
bool use_hamt();
bool use_lockmap();
bool use_lru_lockmap();
bool use_fixed_map();
bool use_seq_array();
int main() {
  concur::cmap<int, int> map{{1, 2}};
  concur::seqmap<int, int> words{{1, 2}};
  const bool right = map.find(1) == words.find(1) && use_cmap() && use_seqmap() && use_hamt() &&
                     use_lockmap() && use_lru_lockmap() && use_fixed_map() && use_seq_array();
  std::puts(right ? "right" : "WRONG");
  return right ? 0 : 1;
}
EOT
build "$include" "$@" "$work/main.cpp" "$work"/*.o -o "$work/main"
"$work/main"

# All of them after each other.
(cd "$work/single" && find concur -name '*.hpp' | LC_ALL=C sort | sed 's/.*/#include <&>/') >"$work/all.cpp"
build "$work/single" "$@" -fsyntax-only "$work/all.cpp"

refused() { # FIRST SECOND MESSAGE COMPILER [FLAG...]
  printf '#include "%s/concur/cmap.hpp"\n#include "%s/concur/seqmap.hpp"\n' "$1" "$2" >"$work/mix.cpp"
  message=$3
  shift 3
  if build "$include" "$@" -E "$work/mix.cpp" >/dev/null 2>"$work/message"; then
    echo "a mix of $1 and $2 in one translation unit is not refused"
    exit 1
  fi
  grep -qF "$message" "$work/message" || { cat "$work/message"; exit 1; }
}
refused "$work/single" "$include" 'another copy of concur after a single header' "$@"
refused "$include" "$work/single" 'a single header after headers of another copy' "$@"
