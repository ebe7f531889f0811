// expect: concur::seqmap: Key and T must be copyable: reads copy them; use concur::cmap
// SPDX-License-Identifier: MIT
#include <concur/seqmap.hpp>

struct only_moves {
  int value;
  explicit only_moves(int v) : value(v) {}
  only_moves(const only_moves&) = delete;
  only_moves(only_moves&&) = default;
  only_moves& operator=(only_moves&&) = default;
};

int main() {
  concur::seqmap<int, only_moves> map;
  return static_cast<int>(map.size());
}
