// expect: assigning or swapping a map needs Hash and KeyEqual that swap without throwing
// SPDX-License-Identifier: MIT
#include <concur/lru_lockmap.hpp>

struct hash_with_a_table {
  hash_with_a_table() = default;
  hash_with_a_table(const hash_with_a_table&) {}  // may throw
  hash_with_a_table& operator=(const hash_with_a_table&) { return *this; }
  ~hash_with_a_table() = default;
  std::size_t operator()(int key) const { return static_cast<std::size_t>(key); }
};

int main() {
  concur::lru_lockmap<int, int, hash_with_a_table> map;
  concur::lru_lockmap<int, int, hash_with_a_table> other;
  map.swap(other);
}
