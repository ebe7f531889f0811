#!/bin/sh
# SPDX-License-Identifier: MIT
# alone.sh [--together] COMPILER [FLAG...]: every header compiles by itself, included twice, without a warning.
# --together: all of them in one file, for compilers and modes beyond the first, where what a header lacks is
# no question any more.
# XXHASH_INCLUDE may hold the folder of xxhash.h.
set -u
include=$(cd "$(dirname "$0")/../../include" && pwd)
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wundef -Werror'
headers=$(cd "$include" && find concur -name '*.hpp' | LC_ALL=C sort)
case $1 in --together) together=yes; shift ;; *) together= ;; esac
check() {
  "$@" -std=c++20 $warnings -I"$include" ${XXHASH_INCLUDE:+-isystem "$XXHASH_INCLUDE"} -fsyntax-only -x c++ -
}
if [ "$together" ]; then
  for header in $headers; do echo "#include <$header>"; done | check "$@" || { echo "not clean"; exit 1; }
  exit 0
fi
failed=0
for header in $headers; do
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" | check "$@" ||
    { echo "not clean alone: $header"; failed=1; }
done
exit $failed
