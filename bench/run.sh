#!/bin/sh
# SPDX-License-Identifier: MIT
# sh bench/run.sh [quick|full|FLAGS...]   builds concur_bench and runs it; results in build/bench/results/
#   quick  1k and 100k, 1 and 2 threads, u64 (default; a few minutes)
#   full   every size, thread count and key type (an hour and more)
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build/bench}
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCONCUR_BUILD_BENCH=ON -DCONCUR_BUILD_TESTS=OFF \
      -DCONCUR_BUILD_EXAMPLES=OFF ${CMAKE_FLAGS-}
cmake --build "$build" --target concur_bench --parallel
mkdir -p "$build/results"
out="$build/results/$(date -u +%Y%m%dT%H%M%SZ)"
case ${1-quick} in
  quick) set -- --sizes=1k,100k --threads=1,2 --seconds=0.05 ;;
  full) set -- --sizes=1k,100k,10M --threads=1,2,all,4x --keys=u64,text,k32 ;;
esac
program=$(find "$build" -name concur_bench -type f | head -n 1)
"$program" "$@" --json="$out.json" | tee "$out.md"
echo "tables: $out.md, JSON: $out.json"
