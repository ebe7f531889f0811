// expect: visit: f is not callable with what this map lends
// SPDX-License-Identifier: MIT
#include <concur/cmap.hpp>
#include <utility>

int main() {
  concur::cmap<int, int> map;
  map.visit(1, [](std::pair<const int, int>& element) { element.second = 2; });
}
