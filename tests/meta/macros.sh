#!/bin/sh
# SPDX-License-Identifier: MIT
# macros.sh COMPILER [FLAG...]: the headers leave no macro behind but CONCUR_..., and the macros of
# an application that uses xxHash itself stay as they were.
set -eu
include=$(cd "$(dirname "$0")/../../include" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
# macros FILE COMPILER [FLAG...]: the macros after FILE, sorted
macros() {
  file=$1
  shift
  "$@" -std=c++20 -I"$include" ${XXHASH_INCLUDE:+-isystem "$XXHASH_INCLUDE"} -dM -E "$file" \
    >"$work/macros" || { echo "cannot be preprocessed: $(tail -n 1 "$file")" >&2; exit 1; }
  LC_ALL=C sort "$work/macros"
}

# What the standard and system headers define that ours include, xxhash.h aside.
for name in $(grep -rhoE '^[ 	]*#[ 	]*include <[^>]+>' "$include" | sed 's/.*<\(.*\)>/\1/' |
  grep -vE '^concur/|^xxhash\.h$|^arm_neon\.h$|^intrin\.h$' | LC_ALL=C sort -u); do
  printf '#if __has_include(<%s>)\n#include <%s>\n#endif\n' "$name" "$name"
done >"$work/system.cpp"
names() { sed -n 's/^#define \([A-Za-z0-9_]*\).*/\1/p' | LC_ALL=C sort -u; }
macros "$work/system.cpp" "$@" >"$work/all"
names <"$work/all" >"$work/before"

for header in $(cd "$include" && find concur -name '*.hpp' | LC_ALL=C sort); do
  { cat "$work/system.cpp"; printf '#include <%s>\n' "$header"; } >"$work/header.cpp"
  macros "$work/header.cpp" "$@" >"$work/all"
  names <"$work/all" >"$work/after"
  leaked=$(LC_ALL=C comm -13 "$work/before" "$work/after" | grep -v '^CONCUR_' || true)
  if [ -n "$leaked" ]; then
    echo "$header leaves these macros behind:" $leaked
    failed=1
  fi
done

# xxHash's macros of the application: the same list, with the same meanings, with and without us.
for way in '' '#define XXH_INLINE_ALL' '#define XXH_STATIC_LINKING_ONLY' '#define XXH_NAMESPACE mine_'; do
  printf '%s\n#include "%s/system.cpp"\n#include <xxhash.h>\n' "$way" "$work" >"$work/theirs.cpp"
  { cat "$work/theirs.cpp"; echo '#include <concur/detail/xxhash.hpp>'; } >"$work/both.cpp"
  macros "$work/theirs.cpp" "$@" >"$work/all"
  grep XXH "$work/all" >"$work/before"
  macros "$work/both.cpp" "$@" >"$work/all"
  grep XXH "$work/all" >"$work/after"
  cmp -s "$work/before" "$work/after" || {
    echo "the application's own xxHash macros are not as they were, after '$way':"
    diff "$work/before" "$work/after" | head -20
    failed=1
  }
done
exit $failed
