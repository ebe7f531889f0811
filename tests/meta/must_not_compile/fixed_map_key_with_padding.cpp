// expect: insert
// SPDX-License-Identifier: MIT
#include <concur/fixed_map.hpp>

struct padded {
  char kind;
  double weight[3];
};
static_assert(sizeof(padded) == 32);

int main() {
  concur::fixed_map<int> map(8);
  return map.insert(padded{}, 1).inserted() ? 0 : 1;
}
