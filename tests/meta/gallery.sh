#!/bin/sh
# SPDX-License-Identifier: MIT
# Every example has a row and a paragraph in examples/README.md, and what its test looks for in its output is
# in the output shown there.
set -eu
cd "$(dirname "$0")/../../examples"
failed=0
for example in *.cpp */main.cpp; do
  name=${example%/main.cpp}
  name=${name%.cpp}
  grep -qF "| [\`$name\`](" README.md || { echo "no row for $name"; failed=1; }
  grep -qx "## $name" README.md || { echo "no paragraph about $name"; failed=1; }
  prints=$(sed -n 's/^\/\/ prints: //p' "$example" | head -n 1)
  [ -z "$prints" ] || grep -qF -- "$prints" README.md || { echo "$name prints '$prints': not shown"; failed=1; }
done
exit $failed
