// expect: concur::seq_array: T must be copyable: a read is a copy
// SPDX-License-Identifier: MIT
#include <concur/seq_array.hpp>

struct only_moves {
  int value;
  explicit only_moves(int v) : value(v) {}
  only_moves(const only_moves&) = delete;
  only_moves(only_moves&&) = default;
  only_moves& operator=(only_moves&&) = default;
};

int main() {
  concur::seq_array<only_moves> array;
  return static_cast<int>(array.size());
}
