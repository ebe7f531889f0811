#!/bin/sh
# SPDX-License-Identifier: MIT
# Sets up what is missing, builds the tests in build/dev, runs them, and prints CTest's summary.
#
#   sh tests/run.sh [--install] [arguments of ctest...]
#
# --install lets it install missing system packages; without it the command is only printed.
# Examples of arguments: -L unit, -R seqmap, -LE meta.
set -eu
cd "$(dirname "$0")/.."
case ${1-} in --install) INSTALL=yes; shift ;; esac
. cmake/system-packages.sh
need compiler cmake ninja xxhash catch2

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
if at_least 3.25 "$(cmake --version | sed -n 's/cmake version //p')"; then
  cmake --preset dev
  cmake --build --preset dev --parallel "$jobs"
  exec ctest --preset dev --parallel "$jobs" "$@"
else # no workflow of presets yet
  cmake -S . -B build/dev -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCONCUR_FETCH=OFF
  cmake --build build/dev --parallel "$jobs"
  cd build/dev
  exec ctest --output-on-failure --parallel "$jobs" "$@"
fi
