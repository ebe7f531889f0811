// expect: Hash does not fit Key
// SPDX-License-Identifier: MIT
#include <concur/seqmap.hpp>

struct point {
  int x, y;
  friend bool operator==(const point&, const point&) = default;
};
struct hash_of_numbers {
  std::size_t operator()(int key) const { return static_cast<std::size_t>(key); }
};

int main() {
  concur::seqmap<point, int, hash_of_numbers> map;
  return static_cast<int>(map.size());
}
