// expect: Key has no hash: declare
// SPDX-License-Identifier: MIT
#include <concur/hamt.hpp>

struct point {
  int x, y;
  friend bool operator==(const point&, const point&) = default;
};

int main() {
  concur::hamt<point, int> map;
  return static_cast<int>(map.size());
}
