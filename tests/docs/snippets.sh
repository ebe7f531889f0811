#!/bin/sh
# SPDX-License-Identifier: MIT
# snippets.sh PAGE INCLUDE_DIR WORK_DIR: takes the ```cpp blocks out of a page. A block with a main is built and
# run, and prints what the ```output block after it says; all other blocks are compiled together, each as the
# body of a function.
set -eu
page=$1 include=$2 work=$3
flags="-std=c++20 -O0 -Wall -Wextra -I $include -pthread"
rm -rf "$work" && mkdir -p "$work"

awk -v dir="$work" '
  /^```cpp$/    { n++; file = sprintf("%s/%02d.cpp", dir, n); print "#line " NR + 1 " \"" FILENAME "\"" > file; inside = 1; next }
  /^```output$/ { file = sprintf("%s/%02d.expected", dir, n); inside = 1; next }
  /^```/        { if (inside) close(file); inside = 0; next }
  inside        { print > file }
' "$page"

bodies=0
printf '#include <concur/concur.hpp>\n#include <cstdio>\n#include <memory>\n#include <string>\n' >"$work/bodies.cc"
for source in "$work"/*.cpp; do
  [ -e "$source" ] || { echo "no C++ in $page"; exit 0; }
  base=${source%.cpp}
  if grep -q 'int main' "$source"; then
    ${CXX:-c++} $flags "$source" -o "$base"
    "$base" >"$base.printed"
    if [ -e "$base.expected" ]; then diff "$base.expected" "$base.printed"; fi
    echo "ran $source"
  else
    bodies=$((bodies + 1))
    printf '[[maybe_unused]] static void snippet_%s() {\n' "$bodies" >>"$work/bodies.cc"
    cat "$source" >>"$work/bodies.cc"
    echo '}' >>"$work/bodies.cc"
  fi
done
if [ $bodies -gt 0 ]; then
  ${CXX:-c++} $flags -Wno-unused-variable -Wno-unused-but-set-variable -fsyntax-only -x c++ "$work/bodies.cc"
  echo "compiled $bodies more"
fi
