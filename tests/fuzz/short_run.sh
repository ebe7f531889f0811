#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fuzzes every target for a short while, from the committed corpus on, with clang's libFuzzer and
# AddressSanitizer. What it finds beyond the corpus is thrown away, but for an input that fails: its
# path is printed, and it belongs into tests/fuzz/corpus/<target>/ once the error is fixed.
#
#   bash tests/fuzz/short_run.sh [seconds for each target [compiler [folder for what fails]]]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-20}
compiler=${2:-clang++-14}
failed=${3:-build/fuzz/failed}

cmake -S . -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O1 -g1' -DCONCUR_FETCH=OFF -DCONCUR_BUILD_EXAMPLES=OFF >/dev/null
targets=$(ls tests/fuzz/corpus)
# shellcheck disable=SC2086 # one word for each target
cmake --build build/fuzz --target $(printf 'fuzz_%s ' $targets)
mkdir -p "$failed"

fuzz() {
  local target=$1 found
  found=$(mktemp -d)
  if ! build/fuzz/tests/fuzz/"fuzz_$target" "$found" "tests/fuzz/corpus/$target" -max_len=1500 \
    -max_total_time="$seconds" -timeout=20 -print_final_stats=1 -artifact_prefix="$failed/$target-" \
    >"build/fuzz/$target.log" 2>&1; then
    tail -n 60 "build/fuzz/$target.log"
    echo "$target failed; the input is in $failed"
    return 1
  fi
  sed -n 's/^stat::number_of_executed_units: */'"$target"': inputs run: /p' "build/fuzz/$target.log"
  rm -rf "$found"
}
export -f fuzz
export seconds failed
# As many at once as there are processors; a target with threads shares.
printf '%s\n' $targets | xargs -P "$(getconf _NPROCESSORS_ONLN)" -I{} bash -c 'fuzz {}'
