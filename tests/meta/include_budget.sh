#!/bin/sh
# SPDX-License-Identifier: MIT
# include_budget.sh COMPILER [FLAG...]: what it costs to include a public header. Guarded by the
# number of preprocessed lines in percent of <atomic>'s, against include_budget.txt; the ratio of
# the parse times is only reported, because a loaded machine moves it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../include
compiler() { "$@" -std=c++20 -I"$include" ${XXHASH_INCLUDE:+-isystem "$XXHASH_INCLUDE"} -x c++ -; }
lines() { header=$1; shift; printf '#include <%s>\n' "$header" | compiler "$@" -E -P | wc -l; }
milliseconds() { # the best of five
  header=$1; shift
  best=
  for _ in 1 2 3 4 5; do
    begin=$(date +%s%N)
    printf '#include <%s>\n' "$header" | compiler "$@" -fsyntax-only
    end=$(date +%s%N)
    took=$(((end - begin) / 1000000))
    if [ -z "$best" ] || [ $took -lt $best ]; then best=$took; fi
  done
  echo "$best"
}

base=$(lines atomic "$@")
timed=no
case $(date +%N) in *[!0-9]* | '') ;; *) timed=yes base_time=$(milliseconds atomic "$@") ;; esac
failed=0
for header in $(cd "$include" && ls concur/*.hpp concur/reclaim/*.hpp); do
  name=${header#concur/}
  percent=$(($(lines "$header" "$@") * 100 / base))
  budget=$(awk -v name="$name" '$1 == name || ($1 == "*" && !found) { budget = $2; found = $1 == name }
                                END { print budget }' "$here/include_budget.txt")
  report="$name: $percent% of the lines of <atomic>, budget $budget%"
  if [ $timed = yes ]; then
    report="$report; parse time $(($(milliseconds "$header" "$@") * 100 / base_time))%"
  fi
  echo "$report"
  if [ "$percent" -gt "$budget" ]; then
    echo "  over budget: include less, or raise the number in include_budget.txt and say why"
    failed=1
  fi
done
exit $failed
