// expect: fetch_add
// SPDX-License-Identifier: MIT
#include <concur/seqmap.hpp>

int main() {
  concur::seqmap<int, int*> map;
  map.fetch_add(1, nullptr);
}
