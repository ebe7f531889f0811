// expect: concur::fixed_map: T must be an object type, and not const
// SPDX-License-Identifier: MIT
#include <concur/fixed_map.hpp>

int main() {
  const concur::fixed_map<const int> map(8);
  return static_cast<int>(map.size());
}
