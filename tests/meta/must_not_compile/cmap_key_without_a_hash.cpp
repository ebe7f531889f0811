// expect: Key has no hash: declare
// SPDX-License-Identifier: MIT
#include <concur/cmap.hpp>

struct point {
  int x, y;
  friend bool operator==(const point&, const point&) = default;
};

int main() {
  concur::cmap<point, int> map;
  return static_cast<int>(map.size());
}
