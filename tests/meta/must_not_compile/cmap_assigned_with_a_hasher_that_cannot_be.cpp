// expect: assigning or swapping a map needs Hash and KeyEqual that swap without throwing
// SPDX-License-Identifier: MIT
#include <concur/cmap.hpp>

int main() {
  auto hash = [factor = std::size_t{5}](int key) { return static_cast<std::size_t>(key) * factor; };
  concur::cmap<int, int, decltype(hash)> map(1, hash);
  const concur::cmap<int, int, decltype(hash)> other(1, hash);
  map = other;
}
