// expect: basic_hamt_snapshot
// SPDX-License-Identifier: MIT
#include <concur/hamt.hpp>

int main() {
  concur::hamt<int, int> map;
  const auto snapshot = map.snapshot();
  const auto copy = snapshot;
  return static_cast<int>(copy.size());
}
