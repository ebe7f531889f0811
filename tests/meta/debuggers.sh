#!/bin/sh
# SPDX-License-Identifier: MIT
# debuggers.sh COMPILER [FLAG...]: gdb shows every map as its elements. Skipped without a gdb that has Python.
# XXHASH_INCLUDE may hold the folder of xxhash.h.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! gdb -nx -batch -ex 'python print("has python")' 2>/dev/null | grep -q 'has python'; then
  echo "-- skipped: no gdb here"
  exit 0
fi
"$@" -std=c++20 -g -O0 -pthread -I"$here/../../include" ${XXHASH_INCLUDE:+-isystem "$XXHASH_INCLUDE"} \
  "$here/debuggers/maps.cpp" -o "$work/maps"
status=0
gdb -nx -batch -ex 'set confirm off' -ex 'set python print-stack full' -ex 'set startup-with-shell off' \
  -ex "source $here/../../cmake/debuggers/concur_printers.py" \
  -ex 'break stop_here' -ex run -ex up -ex "source $here/debuggers/check.py" "$work/maps" \
  >"$work/log" 2>&1 </dev/null || status=$?
# In some containers nothing may be traced.
if grep -qE 'ptrace: Operation not permitted|Couldn.t get CS register' "$work/log"; then
  echo "-- skipped: gdb may not trace here"
  exit 0
fi
grep -q '^#1 .*in main' "$work/log" || status=1
[ $status = 0 ] || cat "$work/log"
exit $status
