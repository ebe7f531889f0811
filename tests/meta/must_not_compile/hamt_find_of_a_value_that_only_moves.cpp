// expect: find
// SPDX-License-Identifier: MIT
#include <concur/hamt.hpp>
#include <memory>

int main() {
  concur::hamt<int, std::unique_ptr<int>> map;
  return map.find(1).has_value() ? 0 : 1;
}
