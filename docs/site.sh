#!/bin/sh
# SPDX-License-Identifier: MIT
# site.sh [FOLDER]: makes a site of README.md, docs/ and the comments in the headers, in FOLDER or build/site,
# and checks its links. Needs doxygen.
set -eu
cd "$(dirname "$0")/.."
out=${1:-build/site}
command -v doxygen >/dev/null || { echo "doxygen is not installed (apt: doxygen)" >&2; exit 2; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
page() { awk -v page="$1" -f docs/site/page.awk "$2" >"$pages/$1.md"; } # NAME FILE
page start README.md
page contents docs/README.md
page examples examples/README.md
page CHANGELOG CHANGELOG.md
for file in docs/*.md; do
  name=$(basename "$file" .md)
  [ "$name" = README ] || page "$name" "$file"
done
cp docs/site/reference.md "$pages"

version=$(awk '/#define CONCUR_VERSION_(MAJOR|MINOR|PATCH)/ { v = v (v == "" ? "" : ".") $3 } END { print v }' \
  include/concur/version.hpp)
{
  cat docs/site/Doxyfile
  echo "INPUT += $pages"
  echo "USE_MDFILE_AS_MAINPAGE = $pages/start.md"
  echo "OUTPUT_DIRECTORY = $out"
  echo "HTML_OUTPUT = ."
  echo "PROJECT_NUMBER = $version"
  echo "WARN_LOGFILE = $out/warnings.log"
} | doxygen -
# What Doxygen cannot resolve in the pages is an error; in headers it sees only parts, and guesses.
if grep -F "$pages" "$out/warnings.log"; then exit 1; fi

cp -r docs/plots "$out"

# Indices that no page leads to, with what is not for readers.
(cd "$out" && rm -f concepts.html functions*.html globals*.html hierarchy.html classes.html)

# Every link inside the site leads to a page, and of the pages of docs/ to a place in it. (Doxygen itself names
# some places that it does not make.)
(
  cd "$out"
  LC_ALL=C
  export LC_ALL
  grep -oE '(href|id|name|src|srcset)="[^"]*"' -- *.html |
    awk -F'[:"]' '
      { at = index($0, ":"); file = substr($0, 1, at - 1); rest = substr($0, at + 1)
        kind = rest; sub(/=.*/, "", kind); value = rest; sub(/^[a-z]*="/, "", value); sub(/"$/, "", value)
        files[file] = 1
        if (kind ~ /^(id|name)$/) { place[file "#" value] = 1; next }
        if (value ~ /^[a-z]+:/) next
        links[++n] = file "\t" value }
      END {
        for (i = 1; i <= n; ++i) {
          split(links[i], part, "\t"); target = part[2]; anchor = ""
          if ((at = index(target, "#"))) { anchor = substr(target, at + 1); target = substr(target, 1, at - 1) }
          if (target == "") target = part[1]
          if (target ~ /\.html$/) {
            if (!(target in files)) { print part[1] ": no page " target; bad = 1 }
            else if (anchor != "" && part[1] ~ /(_page|index)\.html$/ && !((target "#" anchor) in place)) { print part[1] ": no place " target "#" anchor; bad = 1 }
          } else if (system("test -e \"" target "\"") != 0) { print part[1] ": no file " target; bad = 1 }
        }
        exit bad
      }'
) || { echo "links of the site lead nowhere" >&2; exit 1; }
echo "$out/index.html"
