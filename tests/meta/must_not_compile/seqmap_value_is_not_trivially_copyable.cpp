// expect: concur::seqmap: T must be trivially copyable; use concur::cmap
// SPDX-License-Identifier: MIT
#include <concur/seqmap.hpp>
#include <string>

int main() {
  concur::seqmap<int, std::string> map;
  return static_cast<int>(map.size());
}
