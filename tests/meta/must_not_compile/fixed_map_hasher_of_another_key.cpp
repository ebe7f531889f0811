// expect: concur::fixed_map: Hash must be callable with a const key32&
// SPDX-License-Identifier: MIT
#include <concur/fixed_map.hpp>
#include <functional>

int main() {
  const concur::fixed_map<int, std::hash<int>> map(8);
  return static_cast<int>(map.size());
}
