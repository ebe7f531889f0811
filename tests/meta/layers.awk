# SPDX-License-Identifier: MIT
# Who may include whom. A header lives on a floor and in a room, and includes only lower floors and
# its own room. Some standard headers cost more to parse than all of ours and stay outside.
#
#   0  fwd.hpp version.hpp detail/{config,assert,xxhash}.hpp detail/bits/
#   1  policy/                                   detail/sync/
#   2  reclaim/ and detail/reclaim/              detail/storage/
#   3  concepts.hpp guarantees.hpp parallel.hpp and detail/map/
#   4  detail/<engine>/                          one room each; lru may use lockmap
#   5  every other public header                 one room each; lru_lockmap may use lockmap
#   6  concur.hpp pmr.hpp

BEGIN {
  split("chrono condition_variable execution filesystem fstream functional future iostream " \
        "memory_resource random ranges regex sstream thread immintrin.h", names, " ")
  for (i in names) costly[names[i]] = 1
  # What a header exists for, and a fallback for libraries that were not looked at.
  allowed["concur/detail/bits/equal_to.hpp", "functional"] = 1
  allowed["concur/pmr.hpp", "memory_resource"] = 1
  allowed["concur/parallel.hpp", "thread"] = 1
  allowed["concur/detail/sync/parking_lock_timed.hpp", "chrono"] = 1
  allowed["concur/policy/expiry.hpp", "chrono"] = 1
}

function locate(path,    part, count) {  # sets floor and room
  count = split(path, part, "/")
  if (path ~ /^concur\/detail\/(bits|xxhash)\// || path ~ /^concur\/(fwd|version)\.hpp$/ ||
      path ~ /^concur\/detail\/[^\/]*$/) { floor = 0; room = "ground"; return }
  if (path ~ /^concur\/policy\//) { floor = 1; room = "policy"; return }
  if (path ~ /^concur\/detail\/sync\//) { floor = 1; room = "sync"; return }
  if (path ~ /^concur\/(detail\/)?reclaim\//) { floor = 2; room = "reclaim"; return }
  if (path ~ /^concur\/detail\/storage\//) { floor = 2; room = "storage"; return }
  if (path ~ /^concur\/detail\/map\// || path ~ /^concur\/(concepts|guarantees|parallel)\.hpp$/) {
    floor = 3; room = "map"; return
  }
  if (path ~ /^concur\/detail\//) { floor = 4; room = part[3]; return }
  if (path ~ /^concur\/(concur|pmr)\.hpp$/) { floor = 6; room = "umbrella"; return }
  floor = 5; room = part[2]
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
  print FILENAME ":" FNR ": write <concur/...>, the only spelling that works everywhere"; bad = 1
}

/^[ \t]*#[ \t]*include[ \t]*</ {
  target = $0
  sub(/^[^<]*</, "", target); sub(/>.*/, "", target)
  if (target !~ /^concur\//) {
    if (target in costly && !((FILENAME, target) in allowed)) {
      print FILENAME ":" FNR ": <" target "> is too costly for a header"; bad = 1
    }
    next
  }
  locate(FILENAME); own_floor = floor; own_room = room
  locate(target)
  if (floor < own_floor || (floor == own_floor && room == own_room)) next
  if (own_room ~ /^(lru|lockmap)/ && room ~ /^lockmap/ && floor == own_floor) next
  print FILENAME ":" FNR ": floor " own_floor " (" own_room ") includes floor " floor " (" room "): " target
  bad = 1
}

END { exit bad }
