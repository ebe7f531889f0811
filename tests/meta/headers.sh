#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh CHECK.awk [INCLUDE]: runs a check over every header, or over those of another folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
include=${2:-$here/../../include}
cd "$include"
find concur -name '*.hpp' | LC_ALL=C sort | xargs awk -f "$here/$1"
