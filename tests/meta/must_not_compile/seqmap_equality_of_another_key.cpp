// expect: KeyEqual does not fit Key
// SPDX-License-Identifier: MIT
#include <concur/seqmap.hpp>

struct point {
  int x, y;
};
struct hash_of_points {
  std::size_t operator()(const point& p) const { return static_cast<std::size_t>(p.x ^ p.y); }
};

int main() {
  concur::seqmap<point, int, hash_of_points> map;
  return static_cast<int>(map.size());
}
