// expect: Key has no hash
// SPDX-License-Identifier: MIT
#include <concur/lockmap.hpp>

struct point {
  int x, y;
  friend bool operator==(const point&, const point&) = default;
};

int main() {
  concur::lockmap<point, int> map;
  return static_cast<int>(map.size());
}
