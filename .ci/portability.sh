#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# portability.sh: all headers without a warning, and tests/portability/maps.cpp run, with each compiler, language
# version, processor and system that is here: natively and AArch64 under qemu; Windows is built, and run under
# Wine with --wine (a first start of Wine may take minutes, or not end without a display: not for CI). What is
# not installed is said and left out. xxhash.h is taken from XXHASH_INCLUDE or /usr/include.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/xxhash"
cp "${XXHASH_INCLUDE:-/usr/include}/xxhash.h" "$work/xxhash"
strict=(-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Werror)
has() { command -v "$1" >/dev/null; }

# build_and_run NAME RUNNER COMPILER [FLAG...]: RUNNER is the command that runs the program, or - to build only.
build_and_run() {
  local name=$1 runner=$2
  shift 2
  if ! has "$1" || ! echo '#include <version>' | "$@" -E -x c++ - >/dev/null 2>&1; then
    echo "-- $name: not here"
    return
  fi
  "$@" "${strict[@]}" -O1 -pthread -Iinclude -isystem "$work/xxhash" tests/portability/maps.cpp -o "$work/maps.exe"
  if [ "$runner" = - ]; then
    echo "ok $name, built"
  else
    # By way of a file: what a runner leaves behind in the background would hold a pipe open.
    timeout -k 5 120 $runner "$work/maps.exe" >"$work/said" 2>"$work/complained" </dev/null ||
      { cat "$work/said" "$work/complained"; echo "failed: $name"; exit 1; }
    echo "ok $name: $(cat "$work/said")"
  fi
}
run_if() { if has "${1%% *}"; then echo "$1"; else echo -; fi; }

qemu=$(run_if "qemu-aarch64 -L /usr/aarch64-linux-gnu")
wine=-
if [ "${1-}" = --wine ]; then
  for program in wine64 /usr/lib/wine/wine64; do
    if [ "$wine" = - ]; then wine=$(run_if $program); fi
  done
fi
export WINEPREFIX="$work/wine" WINEDEBUG=-all DISPLAY=

build_and_run "g++, C++23" "env" g++ -std=c++23
build_and_run "clang++-16, C++23" "env" clang++-16 -std=c++2b
build_and_run "clang++-19, C++26" "env" clang++-19 -std=c++26
build_and_run "clang++-19, libc++, C++26" "env" clang++-19 -std=c++26 -stdlib=libc++
build_and_run "g++ for AArch64" "$qemu" aarch64-linux-gnu-g++ -std=c++20
build_and_run "g++ for Windows" "$wine" x86_64-w64-mingw32-g++-posix -std=c++20 -static

# After windows.h, which defines interface, small, min and max, and before it.
if has x86_64-w64-mingw32-g++-posix; then
  for order in '<windows.h> <concur/concur.hpp>' '<concur/concur.hpp> <windows.h>'; do
    for header in $order; do echo "#include $header"; done |
      x86_64-w64-mingw32-g++-posix -std=c++20 -Iinclude -isystem "$work/xxhash" -fsyntax-only -x c++ -
  done
  echo "ok windows.h in the same file"
fi
