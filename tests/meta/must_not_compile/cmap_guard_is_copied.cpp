// expect: read_guard
// SPDX-License-Identifier: MIT
#include <concur/cmap.hpp>

int main() {
  concur::cmap<int, int> map;
  const auto guard = map.pin();
  const auto copy = guard;
  return map.find(copy, 1) == nullptr ? 0 : 1;
}
