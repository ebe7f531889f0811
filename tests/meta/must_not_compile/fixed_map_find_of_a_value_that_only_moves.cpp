// expect: find
// SPDX-License-Identifier: MIT
#include <concur/fixed_map.hpp>
#include <memory>

int main() {
  const concur::fixed_map<std::unique_ptr<int>> map(8);
  return map.find(concur::key32{}).has_value() ? 0 : 1;
}
