#!/bin/sh
# SPDX-License-Identifier: MIT
# must_not_compile.sh FILE COMPILER [FLAG...]: FILE must be refused, and the message must contain the
# text of each of its lines "// expect: <text>".
set -u
here=$(cd "$(dirname "$0")" && pwd)
file=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if "$@" -std=c++20 -I"$here/../../include" ${XXHASH_INCLUDE:+-isystem "$XXHASH_INCLUDE"} \
  -fsyntax-only "$file" >"$work/message" 2>&1; then
  echo "$file compiles, and must not"
  exit 1
fi
sed -n 's/^\/\/ expect: //p' "$file" >"$work/expected"
[ -s "$work/expected" ] || { echo "$file has no line '// expect: <text>'"; exit 1; }
failed=0
while IFS= read -r text; do
  grep -qF -- "$text" "$work/message" || { echo "$file: the message does not contain: $text"; failed=1; }
done <"$work/expected"
[ $failed = 0 ] || head -40 "$work/message"
exit $failed
