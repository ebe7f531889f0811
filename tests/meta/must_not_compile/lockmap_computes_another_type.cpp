// expect: get_or_compute: f() does not make a value
// SPDX-License-Identifier: MIT
#include <concur/lockmap.hpp>
#include <string>

struct map_of_nothing {};

int main() {
  concur::lockmap<int, std::string> map;
  return static_cast<int>(map.get_or_compute(1, [] { return map_of_nothing(); }).size());
}
