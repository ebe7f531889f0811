#!/bin/sh
# SPDX-License-Identifier: MIT
# The checks are checked: each finds a mistake that is made on purpose, and nothing else.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# try CHECK.awk HEADER EXPECTED: the header's text on standard input; EXPECTED empty means it passes.
try() {
  rm -rf "$work/concur"
  mkdir -p "$work/$(dirname "$2")"
  cat >"$work/$2"
  report=$(sh "$here/headers.sh" "$1" "$work")
  status=$?
  if [ -z "$3" ]; then
    [ $status = 0 ] && return
    echo "$1 refuses what is right: $report"
  else
    [ $status != 0 ] && printf '%s' "$report" | grep -qF "$3" && return
    echo "$1 should say '$3', and says: $report"
  fi
  failed=1
}

try layers.awk concur/detail/sync/a.hpp 'floor 1 (sync) includes floor 4 (seqmap)' <<EOT
#include <concur/detail/seqmap/table.hpp>
EOT
try layers.awk concur/detail/cmap/a.hpp 'floor 4 (cmap) includes floor 4 (seqmap)' <<EOT
#include <concur/detail/seqmap/table.hpp>
EOT
try layers.awk concur/detail/cmap/a.hpp '<functional> is too costly' <<EOT
#include <functional>
EOT
try layers.awk concur/detail/seqmap/a.hpp '' <<EOT
#include <concur/detail/seqmap/table.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <atomic>
EOT

try style.awk concur/a.hpp 'no #pragma once' <<EOT
// SPDX-License-Identifier: MIT
/// \\file
EOT

try orders.awk concur/a.hpp 'no comment says' <<EOT
int f() { return word.load(std::memory_order_acquire); }
EOT
try orders.awk concur/a.hpp 'which is nowhere' <<EOT
// (1) acquire: pairs with (2).
int f() { return word.load(std::memory_order_acquire); }
EOT
try orders.awk concur/a.hpp 'does not name (1)' <<EOT
// (1) acquire: pairs with (2).
int f() { return word.load(std::memory_order_acquire); }
// (2) release: publishes the word; pairs with (3).
void g() { word.store(1, std::memory_order_release); }
// (3) acquire: pairs with (2).
int h() { return word.load(std::memory_order_acquire); }
EOT
try orders.awk concur/a.hpp 'already at line' <<EOT
// (1) acquire: the word is written.
int f() { return word.load(std::memory_order_acquire); }
// (1) acquire: the word is written.
int g() { return word.load(std::memory_order_acquire); }
EOT
for call in 'load()' 'store(1)' 'exchange(f(1, 2))' 'fetch_add(1)' 'compare_exchange_weak(a, b)'; do
  try orders.awk concur/a.hpp 'names no memory order' <<EOT
void f() { words[2].$call; }
EOT
done
try orders.awk concur/a.hpp '' <<EOT
// (1) acquire: what was there before; pairs with
// (2), (3).
int f() { return word.load(std::memory_order_acquire); }
// (2) release: publishes the word; pairs with (1).
void g() { word.store(1, std::memory_order_release); }
void h() {
  // (3) release: the same, after a loop that started with
  // nothing; pairs with (1).
  while (!word.compare_exchange_weak(before, after, std::memory_order_release,
                                     std::memory_order_relaxed)) {
  }
  cell.store(word.load(std::memory_order_acquire));  // acquire: pairs with (2)
}
EOT
exit $failed
