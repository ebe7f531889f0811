// SPDX-License-Identifier: MIT
#include "units.hpp"

namespace {
static_map map;
static_array array;
static_cmap texts;
static_hamt versions;
const last_user user(map, array, texts, versions);
}  // namespace

static_map& first_map() {
  return map;
}
static_cmap& first_cmap() {
  return texts;
}
static_hamt& first_hamt() {
  return versions;
}
