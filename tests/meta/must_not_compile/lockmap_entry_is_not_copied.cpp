// expect: deleted
// SPDX-License-Identifier: MIT
#include <concur/lockmap.hpp>

int main() {
  concur::lockmap<int, int> map;
  auto entry = map.lock(1);
  auto copy = entry;
  return copy.has_value() ? 1 : 0;
}
