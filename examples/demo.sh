#!/bin/sh
# SPDX-License-Identifier: MIT
# Sets up what is missing, builds the tour in build/demo, and runs it on this machine's own files.
#
#   sh examples/demo.sh [--install] [arguments of the tour...]
#
# --install lets it install missing system packages; without it the command is only printed.
set -eu
start=$PWD
cd "$(dirname "$0")/.."
root=$PWD
case ${1-} in --install) INSTALL=yes; shift ;; esac
. cmake/system-packages.sh
need compiler cmake ninja xxhash

mkdir -p build/demo
say "Building the tour ..."
{
  cmake -S . -B build/demo -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCONCUR_BUILD_TESTS=OFF -DCONCUR_BUILD_EXAMPLES=ON -DCONCUR_FETCH=OFF &&
    cmake --build build/demo --target tour
} >build/demo/build.log 2>&1 || { cat build/demo/build.log; exit 1; }
cd "$start"
exec "$root/build/demo/examples/tour" --plot "$root/build/demo/tour.svg" "$@"
