# SPDX-License-Identifier: MIT
# Memory orders, as the house rules want them:
#
# - Every atomic operation names its order.
# - Every order that is not relaxed is explained in a comment: on its line, on a line of the same
#   statement, just above the statement, or higher in the same paragraph if it names the order there.
# - Synchronising operations are numbered at both ends, "// (4) release: ...; pairs with (7)." A
#   number stands for one place of its file, and pairs are reciprocal. A repetition may go without a
#   number of its own ("// acquire: pairs with (4)"), but has to name one that is there.

function complain(line, text) { print file ":" line ": " text; bad = 1 }

function comment_of(text,    at) {
  at = index(text, "//")
  return at ? substr(text, at) : ""
}
function code_of(text,    at) {
  at = index(text, "//")
  return at ? substr(text, 1, at - 1) : text
}

# The numbers after "pairs with" of one comment, as " 4 7 ".
function pairs_of(comment,    rest, found, at) {
  found = " "
  while ((at = match(comment, /pairs with /)) > 0) {
    comment = substr(comment, at + RLENGTH)
    rest = comment
    while (match(rest, /^(,|;|and| )*\([0-9]+\)/)) {
      number = substr(rest, 1, RLENGTH)
      gsub(/[^0-9]/, "", number)
      rest = substr(rest, RLENGTH + 1)
      found = found number " "
    }
    # Numbers of another file are that file's business.
    if (rest ~ /^ (of|in) [^ ]*\.hpp/) found = " "
  }
  return found
}

function read_comment(comment, line,    number, found) {
  gsub(/[ \t]*\n[ \t]*\/\/\/?[ \t]*/, " ", comment)
  found = pairs_of(comment)
  if (match(comment, /^\/\/\/? *\([0-9]+\) /)) {
    number = substr(comment, 1, RLENGTH)
    gsub(/[^0-9]/, "", number)
    if (number in place) {
      complain(line, "(" number ") is already at line " place[number])
      return
    }
    place[number] = line
    partners[number] = found
    words[number] = comment
  } else {
    mentions[line] = found
  }
}

function check_file(    i, j, code, comment, block, start, number, list, count, arguments, operation) {
  split("", place); split("", partners); split("", words); split("", mentions)

  # Comments, joined over lines that hold nothing else.
  for (i = 1; i <= total; ++i) {
    comment = comment_of(text[i])
    if (comment == "") continue
    start = i
    block = comment
    if (code_of(text[i]) ~ /^[ \t]*$/) {
      while (i < total && text[i + 1] ~ /^[ \t]*\/\// && text[i + 1] !~ /^[ \t]*\/\/\/? *\([0-9]+\) /) {
        ++i
        block = block "\n" comment_of(text[i])
      }
    }
    read_comment(block, start)
  }
  for (number in partners) {
    count = split(partners[number], list, " ")
    for (j = 1; j <= count; ++j) {
      if (!(list[j] in place))
        complain(place[number], "(" number ") pairs with (" list[j] "), which is nowhere in this file")
      else if (index(words[list[j]], "(" number ")") == 0)
        complain(place[number], "(" number ") pairs with (" list[j] "), which does not name (" number ")")
    }
  }
  for (i in mentions) {
    count = split(mentions[i], list, " ")
    for (j = 1; j <= count; ++j)
      if (!(list[j] in place)) complain(i, "pairs with (" list[j] "), which is nowhere in this file")
  }

  for (i = 1; i <= total; ++i) {
    code = code_of(text[i])
    if (code ~ /memory_order(_|::)(acquire|release|acq_rel|seq_cst|consume)/ &&
        code !~ /atomic_signal_fence/ && !explained(i))
      complain(i, "an order that is not relaxed, and no comment says what it pairs with or why")
    check_calls(i, code)
  }
}

function explained(i,    steps, order, nearby) {
  if (comment_of(text[i]) != "") return 1
  if (text[i] !~ /[;{}][ \t]*$/ && i < total && comment_of(text[i + 1]) != "") return 1
  match(text[i], /acquire|release|acq_rel|seq_cst|consume/)
  order = substr(text[i], RSTART, RLENGTH)
  nearby = 1
  for (steps = 0; i > 1 && steps < 8; ++steps) {
    --i
    if (text[i] ~ /^[ \t]*$/) return 0
    if (comment_of(text[i]) != "" && (nearby || index(comment_of(text[i]), order))) return 1
    if (text[i] ~ /[;{}][ \t]*$/) nearby = 0
  }
  return 0
}

# A call that is made as one would make it on a std::atomic without naming an order. Types of ours
# have such members too; they are told by the receiver's name.
function check_calls(i, code,    rest, receiver, operation, arguments, depth, at, c, commas, joined, last) {
  rest = code
  while (match(rest, /[.>](load|store|exchange|fetch_(add|sub|and|or|xor)|compare_exchange_(weak|strong)|test_and_set|clear|notify)\(/)) {
    receiver = substr(rest, 1, RSTART)
    operation = substr(rest, RSTART + 1, RLENGTH - 2)
    rest = substr(rest, RSTART + RLENGTH)
    if (operation == "clear" || operation == "notify") continue
    sub(/(->|\.|-)$/, "", receiver)
    if (receiver ~ own_objects) continue
    while (receiver ~ /(\[[^][]*\]|\([^()]*\))$/) sub(/(\[[^][]*\]|\([^()]*\))$/, "", receiver)
    match(receiver, /[A-Za-z0-9_]*$/)
    receiver = substr(receiver, RSTART)
    if (receiver ~ ("^" own_types)) continue
    joined = rest
    for (last = i; last < total && last < i + 6; ) joined = joined " " code_of(text[++last])
    depth = commas = 0
    arguments = ""
    for (at = 1; at <= length(joined); ++at) {
      c = substr(joined, at, 1)
      if (c == "(" || c == "[" || c == "{") ++depth
      if (c == ")" || c == "]" || c == "}") { if (depth == 0) break; --depth }
      if (c == "," && depth == 0) ++commas
      arguments = arguments c
    }
    if (arguments ~ /[oO]rder/) continue
    if (arguments !~ /[^ ]/) count_of = 0; else count_of = commas + 1
    wanted = operation == "load" || operation == "test_and_set" ? 0 : \
             operation ~ /^compare_exchange/ ? 2 : 1
    if (count_of == wanted) complain(i, receiver "." operation "() names no memory order")
  }
}

BEGIN {
  own_types = "([a-z_]*cells?|c|tags|element|elements|key|keys|value|values|pair|pairs)_?$"
  own_objects = "words_$"  # without an index: the array type, not one of its atomics
}
FNR == 1 {
  if (total) check_file()
  file = FILENAME; total = 0
}
{ text[FNR] = $0; total = FNR }
END { if (total) check_file(); exit bad }
