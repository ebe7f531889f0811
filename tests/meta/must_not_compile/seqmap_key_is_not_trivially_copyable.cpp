// expect: concur::seqmap: Key must be trivially copyable; use concur::cmap
// SPDX-License-Identifier: MIT
#include <concur/seqmap.hpp>
#include <string>

int main() {
  concur::seqmap<std::string, int> map;
  return static_cast<int>(map.size());
}
