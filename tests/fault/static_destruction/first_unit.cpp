// SPDX-License-Identifier: MIT
#include "units.hpp"

namespace {
static_map map;
static_array array;
const last_user user(map, array);
}  // namespace

static_map& first_map() {
  return map;
}
