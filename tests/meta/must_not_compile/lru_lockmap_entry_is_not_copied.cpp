// expect: deleted
// SPDX-License-Identifier: MIT
#include <concur/lru_lockmap.hpp>

int main() {
  concur::lru_lockmap<int, int> map(10);
  auto entry = map.lock(1);
  auto copy = entry;
  return copy.has_value() ? 1 : 0;
}
