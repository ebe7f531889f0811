#!/bin/sh
# SPDX-License-Identifier: MIT
# Every relative link of the documentation leads to something.
set -eu
cd "$(dirname "$0")/../.."
failed=0
for page in $(find . -name build -prune -o -name '*.md' -print | LC_ALL=C sort); do
  # Code is no prose: blocks and quotations out.
  for link in $(awk '/^```/ { code = !code; next } !code { gsub(/`[^`]*`/, ""); print }' "$page" |
    grep -oE '\]\([^)# ]+' | sed 's/^](//' | grep -vE '^[a-z]+:' || true); do
    [ -e "$(dirname "$page")/$link" ] || { echo "$page: $link is not there"; failed=1; }
  done
done
exit $failed
