#!/bin/sh
# SPDX-License-Identifier: MIT
# snippets.sh PAGE INCLUDE_DIR WORK_DIR: takes the ```cpp blocks out of a page. A block with a main is built and
# run, and prints what the ```output block after it says; any other block is compiled as a function's body.
set -eu
page=$1 include=$2 work=$3
flags="-std=c++20 -O1 -Wall -Wextra -I $include -pthread"
rm -rf "$work" && mkdir -p "$work"

awk -v dir="$work" '
  /^```cpp$/    { n++; file = sprintf("%s/%02d.cpp", dir, n); inside = 1; next }
  /^```output$/ { file = sprintf("%s/%02d.expected", dir, n); inside = 1; next }
  /^```/        { if (inside) close(file); inside = 0; next }
  inside        { print > file }
' "$page"

for source in "$work"/*.cpp; do
  [ -e "$source" ] || { echo "no C++ in $page"; exit 0; }
  base=${source%.cpp}
  if grep -q 'int main' "$source"; then
    ${CXX:-c++} $flags "$source" -o "$base"
    "$base" >"$base.printed"
    if [ -e "$base.expected" ]; then diff "$base.expected" "$base.printed"; fi
    echo "ran $source"
  else
    {
      echo '#include <concur/seqmap.hpp>'
      if [ -e "$include/concur/seq_array.hpp" ]; then echo '#include <concur/seq_array.hpp>'; fi
      echo '#include <cstdio>'
      echo '[[maybe_unused]] static void snippet() {'
      cat "$source"
      echo '}'
    } >"$base.body.cpp"
    ${CXX:-c++} $flags -Wno-unused-variable -Wno-unused-but-set-variable -fsyntax-only "$base.body.cpp"
    echo "compiled $source"
  fi
done
