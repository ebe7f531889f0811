#!/bin/sh
# SPDX-License-Identifier: MIT
# alone.sh COMPILER [FLAG...]: every header compiles by itself, included twice, without a warning.
# XXHASH_INCLUDE may hold the folder of xxhash.h.
set -u
include=$(cd "$(dirname "$0")/../../include" && pwd)
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wundef -Werror'
failed=0
for header in $(cd "$include" && find concur -name '*.hpp' | LC_ALL=C sort); do
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
    "$@" -std=c++20 $warnings -I"$include" ${XXHASH_INCLUDE:+-isystem "$XXHASH_INCLUDE"} \
      -fsyntax-only -x c++ - || { echo "not clean alone: $header"; failed=1; }
done
exit $failed
