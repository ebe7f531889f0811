# SPDX-License-Identifier: MIT
# What every header has: the licence line, one include guard, a \file block, and fewer than 600 lines.

function finish() {
  if (file == "") return
  if (!guarded) complain(file ": no #pragma once")
  if (!described) complain(file ": no /// \\file block that says what it is")
  if (lines > 600) complain(file ": " lines " lines, more than 600")
}
function complain(text) { print text; bad = 1 }

FNR == 1 {
  finish()
  file = FILENAME; guarded = described = 0
  if ($0 != "// SPDX-License-Identifier: MIT") complain(FILENAME ":1: no licence line")
}
{ lines = FNR }
/^#pragma once/ { guarded = 1 }
/^\/\/\/ \\file/ { described = 1 }
/\t/ { complain(FILENAME ":" FNR ": tab") }

END { finish(); exit bad }
