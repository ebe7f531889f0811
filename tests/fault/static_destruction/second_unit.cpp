// SPDX-License-Identifier: MIT
#include "units.hpp"

namespace {
static_map map;
static_array array;
static_cmap texts;
static_hamt versions;
const last_user user(map, array, texts, versions);
}  // namespace

static_map& second_map() {
  return map;
}
static_cmap& second_cmap() {
  return texts;
}
static_hamt& second_hamt() {
  return versions;
}
