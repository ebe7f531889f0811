// expect: concur_hash_value must take a seed as its second argument
// SPDX-License-Identifier: MIT
#include <concur/policy/hash.hpp>

struct point {
  int x;
  friend std::uint64_t concur_hash_value(const point& p) { return static_cast<std::uint64_t>(p.x); }
};

int main() {
  return static_cast<int>(concur::hash<point>{}(point{1}));
}
