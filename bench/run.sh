#!/bin/sh
# SPDX-License-Identifier: MIT
# sh bench/run.sh [--install] [quick|full|PART...]   builds concur_bench, measures, shows; results in build/bench/results/<time>/
#
#   --install  installs missing system packages; without it the command is only printed
#
#   quick    words, locks, caches, growth and memory in small: six minutes on 2 processors (the default)
#   full     every part, and every size, thread count and key type: hours
#   PART     words large strings texts digests threads locks snapshots cache growth memory compile, in the order given
#   -FLAG... one part of your own, with these flags of concur_bench (concur_bench --help)
#
# PEERS="dir dir"   folders with maps that are not packaged, and with your own adapters (bench/NOTES.md)
# ROUNDS=5 MAPS=REGEX WITHOUT=REGEX SKIP_BUILD=1   to change or narrow the parts
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build/bench}
case ${1-} in --install) INSTALL=yes; shift ;; esac
if [ -z "${SKIP_BUILD-}" ]; then
  . cmake/system-packages.sh
  need compiler cmake xxhash benchmark
  cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCONCUR_BUILD_BENCH=ON -DCONCUR_BUILD_TESTS=OFF \
        -DCONCUR_BUILD_EXAMPLES=OFF ${PEERS:+"-DCONCUR_PEERS=$(echo "$PEERS" | tr ' ' ';')"} ${CMAKE_FLAGS-}
  cmake --build "$build" --target concur_bench --parallel
fi
program=$(find "$build" -name concur_bench -type f | head -n 1)
if [ -z "$program" ]; then
  echo "concur_bench was not built: is Google Benchmark there (Debian: libbenchmark-dev)?" >&2
  exit 1
fi
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain -- include bench 2>/dev/null)" ] || commit="$commit with changes"
out="$build/results/$(date -u +%Y%m%dT%H%M%SZ)"
mkdir -p "$out"

run() { # NAME FLAG...: one run of the program into one file
  name=$1
  shift
  echo "==== $name, $(date -u +%H:%M:%S)"
  "$program" "$@" ${ROUNDS:+"--rounds=$ROUNDS"} ${MAPS:+"--maps=$MAPS"} ${WITHOUT:+"--without=$WITHOUT"} \
             "--commit=$commit" "--json=$out/$name.json" >>"$out/log.md"
}
# Variants that say the same, left out of the quick form.
variants='std_unordered_mutex|shard64_.*mutex|shard64_absl'
mixes='^[a-iu]_'
limits='a_hit|b_miss|d_90_9_1|f_grow'

part() {
  case $1 in
    words) run words "--workloads=$mixes" --sizes=1k,100k --threads=1,2 --seconds=0.05 ;;
    large) run large "--workloads=$limits" --sizes=10M --threads=1,2 --rounds=2 ;;
    strings) run strings "--workloads=$mixes" --keys=string --sizes=100k --threads=1,2 --seconds=0.05 ;;
    texts) run texts "--workloads=$mixes" --keys=text --sizes=100k --threads=1,2 --seconds=0.05 ;;
    digests) run digests "--workloads=$mixes" --keys=k32 --sizes=100k --threads=1,2 --seconds=0.05 ;;
    threads) run threads "--workloads=$limits" --sizes=100k --threads=all,4x --seconds=0.2 --rounds=3 ;;
    locks) run locks --workloads='^k_' --sizes=100k --threads=1,2,4x --rounds=3 ;;
    snapshots)
      run snapshots --workloads='^s_' --sizes=100k --threads=1,2 --rounds=3
      run snapshots10M --workloads=s_take --sizes=10M --threads=1 --rounds=1 # a copy takes seconds
      ;;
    cache) run cache --workloads='^lru_' --sizes=1M --threads=1,2 --rounds=3 ;;
    growth) run growth --workloads=l_insert --sizes=10M --threads=1,2 --rounds=3 ;;
    memory)
      run memory --workloads='m_memory|n_empty' --sizes=100k,10M --threads=1 --rounds=1
      run memory_keys --workloads='m_memory|n_empty' --keys=string,k32 --sizes=100k --threads=1 --rounds=1
      ;;
    compile)
      echo "==== compile, $(date -u +%H:%M:%S)"
      # shellcheck disable=SC2086 # a list of folders
      python3 bench/compile_cost.py ${PEERS:+--peers $PEERS} --json "$out/compile.json" >>"$out/log.md"
      ;;
    quick)
      WITHOUT=${WITHOUT:-$variants}
      part words
      run locks --workloads='^k_' --sizes=100k --threads=1,2 --rounds=3 --seconds=0.05
      run cache --workloads='^lru_' --sizes=100k --threads=1,2 --rounds=1 --seconds=0.05
      run growth --workloads=l_insert --sizes=1M --threads=1,2 --rounds=1
      run memory --workloads='m_memory|n_empty' --sizes=100k --threads=1 --rounds=1
      ;;
    full)
      for name in "" large; do
        sizes=1k,100k seconds=0.1
        [ -z "$name" ] || sizes=10M
        for keys in u64 string text k32; do
          run "$keys$name" "--workloads=$mixes" "--keys=$keys" --sizes=$sizes --threads=1,2,all,4x --seconds=$seconds
        done
      done
      for name in locks snapshots cache growth memory compile; do part $name; done
      ;;
    *)
      echo "no part is called $1; the first lines of $0 say which there are" >&2
      exit 1
      ;;
  esac
}

case ${1-quick} in
  -*) run own "$@" ;;
  *) for name in "${@:-quick}"; do part "$name"; done ;;
esac
if command -v python3 >/dev/null; then
  python3 bench/report.py "$out" --plots "$out/plots" >"$out/report.md"
  python3 bench/tables.py --bars "$out" >"$out/bars.md"
  echo "report: $out/report.md, bars: $out/bars.md"
fi
echo "all numbers: $out/log.md, JSON: $out/*.json"
