// expect: concur_hash_value must return std::uint64_t
// SPDX-License-Identifier: MIT
#include <concur/policy/hash.hpp>

struct point {
  int x;
  friend int concur_hash_value(const point& p, std::uint64_t) { return p.x; }
};

int main() {
  return static_cast<int>(concur::hash<point>{}(point{1}));
}
