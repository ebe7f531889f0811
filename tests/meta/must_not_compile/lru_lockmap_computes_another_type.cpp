// expect: get_or_compute: f() does not make a value
// SPDX-License-Identifier: MIT
#include <concur/lru_lockmap.hpp>
#include <string>

struct map_of_nothing {};

int main() {
  concur::lru_lockmap<int, std::string> map(10);
  return static_cast<int>(map.get_or_compute(1, [] { return map_of_nothing(); }).size());
}
