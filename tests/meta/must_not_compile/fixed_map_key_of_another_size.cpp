// expect: find
// SPDX-License-Identifier: MIT
#include <array>
#include <concur/fixed_map.hpp>
#include <cstddef>

int main() {
  const concur::fixed_map<int> map(8);
  return map.find(std::array<std::byte, 20>{}).has_value() ? 0 : 1;
}
