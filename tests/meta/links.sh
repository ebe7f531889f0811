#!/bin/sh
# SPDX-License-Identifier: MIT
# Every relative link of the documentation leads to something, and one with an anchor to a heading.
set -eu
cd "$(dirname "$0")/../.."
failed=0
# Code is no prose: blocks and quotations out.
prose() { awk '/^```/ { code = !code; next } !code { gsub(/`[^`]*`/, ""); print }' "$1"; }
# The anchors that a page's headings get: lower case, blanks as hyphens, without punctuation.
anchors() {
  awk '/^```/ { code = !code; next }
       !code && /^#+ / {
         sub(/^#+ /, ""); $0 = tolower($0); gsub(/`/, ""); gsub(/[^a-z0-9_ -]/, ""); gsub(/ /, "-"); print
       }' "$1"
}
for page in $(find . -name build -prune -o -name '*.md' -print | LC_ALL=C sort); do
  case $page in ./docs/site/*) continue ;; esac
  for link in $(prose "$page" | grep -oE '\]\([^) ]+' | sed 's/^](//' | grep -vE '^[a-z]+:' || true); do
    target=${link%%#*}
    file=$page
    [ -z "$target" ] || file=$(dirname "$page")/$target
    if [ ! -e "$file" ]; then
      echo "$page: $link is not there"
      failed=1
      continue
    fi
    case $link in
      *'#'*) anchors "$file" | grep -qxF -- "${link#*#}" || { echo "$page: $link: no such heading"; failed=1; } ;;
    esac
  done
done
exit $failed
