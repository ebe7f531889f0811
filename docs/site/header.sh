#!/bin/sh
# SPDX-License-Identifier: MIT
# Doxygen's filter for headers: the inline namespace of the version is not for readers, and <chrono> in a
# comment is no tag.
exec sed -E -e 's/namespace concur::inline CONCUR_ABI/namespace concur/' \
  -e '/^ *\/\/\//s/(^|[ (])<([a-z_]+)>/\1`<\2>`/g' "$1"
