#!/bin/sh
# SPDX-License-Identifier: MIT
# xxhash_mixes.sh COMPILER [FLAG...]: the nine ways in which an application may use xxHash in a
# program that also includes ours. XXHASH_INCLUDE may hold the folder of xxhash.h.
set -u
include=$(cd "$(dirname "$0")/../../include" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

ours='#include <concur/detail/xxhash.hpp>
inline std::uint64_t our_hash() { return concur::detail::xxh::xxh3_64("abc", 3, 1); }'

compile() { # NAME COMPILER [FLAG...], the source on standard input
  name=$1; shift
  cat >"$work/$name.cpp"
  "$@" -std=c++20 -O1 -Wall -Wextra -Werror -I"$include" \
    ${XXHASH_INCLUDE:+-isystem "$XXHASH_INCLUDE"} -c "$work/$name.cpp" -o "$work/$name.o"
}
mix() { # NAME DESCRIPTION STATUS
  if [ "$3" = 0 ]; then echo "ok      $1 $2"; else echo "FAILED  $1 $2"; failed=1; fi
}

compile s1 "$@" <<EOT
#include <xxhash.h>
$ours
XXH64_hash_t theirs(const XXH3_state_t* state) { return XXH3_64bits_digest(state) + our_hash(); }
EOT
mix S1 "declarations, before ours" $?

compile s2 "$@" <<EOT
$ours
#include <xxhash.h>
XXH64_hash_t theirs(const XXH3_state_t* state) { return XXH3_64bits_digest(state) + our_hash(); }
EOT
mix S2 "declarations, after ours" $?

compile s3 "$@" <<EOT
#define XXH_INLINE_ALL
#include <xxhash.h>
$ours
XXH64_hash_t theirs() { return XXH3_64bits("abc", 3) + our_hash(); }
EOT
mix S3 "inlined, before ours" $?

compile s4 "$@" <<EOT
$ours
#define XXH_INLINE_ALL
#include <xxhash.h>
XXH64_hash_t theirs() { return XXH3_64bits("abc", 3) + our_hash(); }
EOT
mix S4 "inlined, after ours" $?

compile s5 "$@" <<EOT
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>
$ours
XXH64_hash_t theirs() {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  return XXH3_64bits_digest(&state) + our_hash();
}
EOT
mix S5 "a state on the stack, before ours" $?

compile s5b "$@" <<EOT
$ours
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>
XXH64_hash_t theirs() {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  return XXH3_64bits_digest(&state) + our_hash();
}
EOT
mix S5b "a state on the stack, after ours" $?

compile s6 "$@" <<EOT
$ours
#define XXH_STATIC_LINKING_ONLY
#define XXH_IMPLEMENTATION
#include <xxhash.h>
XXH64_hash_t theirs() { return XXH64("abc", 3, 0) + our_hash(); }
EOT
mix S6 "implemented here, after ours" $?

compile s6b "$@" <<EOT
#define XXH_STATIC_LINKING_ONLY
#define XXH_IMPLEMENTATION
#include <xxhash.h>
$ours
XXH64_hash_t theirs() { return XXH64("abc", 3, 0) + our_hash(); }
EOT
mix S6b "implemented here, before ours" $?

# A function of theirs that takes an xxHash type: declared in two files, only one of which sees us.
compile s7a "$@" <<EOT &&
#include <xxhash.h>
int feed(XXH3_state_t* state);
int feed(XXH3_state_t* state) { return state == nullptr ? 0 : 1; }
EOT
compile s7b "$@" <<EOT &&
$ours
#include <xxhash.h>
int feed(XXH3_state_t* state);
int main() { return feed(nullptr) + (our_hash() == 0); }
EOT
"$@" "$work/s7a.o" "$work/s7b.o" -o "$work/s7" && "$work/s7"
mix S7 "an xxHash type in an interface of theirs" $?

exit $failed
