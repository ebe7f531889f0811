// expect: Key has no hash: declare
// SPDX-License-Identifier: MIT
#include <concur/seqmap.hpp>

struct point {
  int x, y;
  friend bool operator==(const point&, const point&) = default;
};

int main() {
  concur::seqmap<point, int> map;
  return static_cast<int>(map.size());
}
