# SPDX-License-Identifier: MIT
# page.awk -v page=NAME PAGE.md: a page as Doxygen wants it. Headings get the anchors that they have elsewhere ("## The bound" is #the-bound),
# with the name of the page in front, because labels of Doxygen are global, and links to them follow. Links to
# what is no page of the site become text.
function label(text) {
  text = tolower(text)
  gsub(/`/, "", text)
  gsub(/[^a-z0-9_ -]/, "", text)
  gsub(/ /, "-", text)
  return text
}
function page_of(path) {
  if (path ~ /examples\/README\.md$/) return "examples"
  if (path ~ /README\.md$/) return page == "start" || path ~ /docs\// ? "contents" : "start"
  sub(/^.*\//, "", path)
  sub(/\.md$/, "", path)
  return path
}
function is_page(path,    name, line) {  # run at the top of the sources
  if (path ~ /(^|\/)(README|CHANGELOG)\.md$/) return path !~ /(tests|bench)\//
  if (path !~ /\.md$/) return 0
  name = "docs/" page_of(path) ".md"
  if ((getline line < name) <= 0) return 0
  close(name)
  return 1
}
function plain(out,    at) {  # the text of a link, which Doxygen takes literally
  for (at = length(out); at > 0 && substr(out, at, 1) != "["; ) --at
  text = substr(out, at)
  gsub(/`/, "", text)
  return substr(out, 1, at - 1) text
}
function rewrite(line,    out, text, target, anchor, at) {
  out = ""
  while (match(line, /\]\([^() ]+\)/)) {
    target = substr(line, RSTART + 2, RLENGTH - 3)
    out = out substr(line, 1, RSTART - 1)
    line = substr(line, RSTART + RLENGTH)
    anchor = ""
    at = index(target, "#")
    if (at) { anchor = substr(target, at + 1); target = substr(target, 1, at - 1) }
    if (target ~ /^[a-z]+:/) {
      out = out "](" target (anchor == "" ? "" : "#" anchor) ")"
    } else if (target != "" && !is_page(target)) {
      at = length(out)  # back to the bracket that opened it
      while (at > 0 && substr(out, at, 1) != "[") --at
      out = substr(out, 1, at - 1) substr(out, at + 1)
    } else if (anchor != "") {
      out = plain(out)
      out = out "](#" (target == "" ? page : page_of(target)) "_" anchor ")"
    } else {
      out = plain(out) "](#" page_of(target) "_page)"
    }
  }
  return out line
}
/^```/ {
  code = !code
  print code && $0 != "```cpp" ? "```{.unparsed}" : $0
  next
}
code { print; next }
/^<picture>/ { picture = 1; print "@htmlonly" }
picture {  # which Doxygen does not know; site.sh puts the plots beside the pages
  gsub(/docs\/plots\//, "plots/")
  print
  if (/^<\/picture>/) { picture = 0; print "@endhtmlonly" }
  next
}
/^<\/?details>/ { print "@htmlonly " $0 " @endhtmlonly"; next }  # which it closes too early
/^# / { print rewrite($0) " {#" page "_page}"; next }
/^##+ / { text = $0; sub(/^#+ /, "", text); print rewrite($0) " {#" page "_" label(text) "}"; next }
{ print rewrite($0) }
