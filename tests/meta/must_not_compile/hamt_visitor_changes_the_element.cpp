// expect: visit: f is not callable with what this map lends
// SPDX-License-Identifier: MIT
#include <concur/hamt.hpp>
#include <utility>

int main() {
  concur::hamt<int, int> map;
  map.visit(1, [](std::pair<const int, int>& element) { element.second = 2; });
}
