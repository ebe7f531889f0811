#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# portability.sh: all headers without a warning, and tests/portability/maps.cpp run, with each compiler, language
# version, processor and system that is here: natively and other processors under qemu; Windows is built, and run
# under Wine with --wine (a first start of Wine may take minutes, or not end without a display: not for CI). What
# is not installed is said and left out. A zig (0.16; ZIG says which) compiles for macOS, BSD, musl and processors
# beside: it brings clang, libc++ and the headers of these systems, and builds libc++ for each when it first links,
# for minutes; it keeps that. xxhash.h is taken from XXHASH_INCLUDE or /usr/include.
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
  "$@" "${strict[@]}" -O1 -Iinclude -isystem "$work/xxhash" -c tests/portability/maps.cpp -o "$work/maps.o"
  # Apart, for what is said of a standard library that is built for it.
  "$@" -O1 -pthread "$work/maps.o" -o "$work/maps.exe" 2>"$work/complained" ||
    { cat "$work/complained"; echo "failed: $name, linking"; exit 1; }
  if [ "$runner" = - ]; then
    echo "ok $name, built"
    return
  fi
  # By way of a file: what a runner leaves behind in the background would hold a pipe open.
  local rc=0
  timeout -k 5 120 $runner "$work/maps.exe" >"$work/said" 2>"$work/complained" </dev/null || rc=$?
  case $rc in
    0) echo "ok $name: $(cat "$work/said")" ;;
    126) echo "ok $name, built; this system does not run it" ;;
    *) cat "$work/said" "$work/complained"; echo "failed: $name"; exit 1 ;;
  esac
}
# headers NAME COMPILER [FLAG...]: all of them in one file, which is compiled and not linked.
headers() {
  local name=$1
  shift
  (cd include && find concur -name '*.hpp' | LC_ALL=C sort) | sed 's/.*/#include <&>/' |
    "$@" "${strict[@]}" -std=c++20 -Iinclude -isystem "$work/xxhash" -x c++ -c - -o "$work/headers.o"
  echo "ok $name, headers"
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

zig=${ZIG:-zig}
if has "$zig"; then
  zig_run() { build_and_run "clang, libc++ for $1" "$2" "$zig" c++ -target "$1" -std=c++20; }
  native=-
  if [ "$(uname -sm)" = 'Linux x86_64' ]; then native=env; fi
  zig_run x86_64-linux-musl "$native"
  zig_run x86-linux-musl "$native"
  zig_run aarch64-linux-musl "$(run_if qemu-aarch64)"
  zig_run riscv64-linux-musl "$(run_if qemu-riscv64)"
  zig_run x86_64-windows-gnu "$wine"
  for target in x86_64-macos aarch64-macos x86_64-freebsd; do zig_run $target -; done
  for target in aarch64-windows-gnu x86_64-netbsd x86_64-openbsd s390x-linux-musl powerpc64le-linux-musl \
    arm-linux-musleabihf; do
    headers "clang, libc++ for $target" "$zig" c++ -target $target
  done
else
  echo "-- zig, for macOS, BSD, musl, RISC-V and 32 bits: not here"
fi

# After windows.h, which defines interface, small, min and max, and before it.
if has x86_64-w64-mingw32-g++-posix; then
  for order in '<windows.h> <concur/concur.hpp>' '<concur/concur.hpp> <windows.h>'; do
    for header in $order; do echo "#include $header"; done |
      x86_64-w64-mingw32-g++-posix -std=c++20 -Iinclude -isystem "$work/xxhash" -fsyntax-only -x c++ -
  done
  echo "ok windows.h in the same file"
fi
