// expect: concur::shared_fixed_map: T must be trivially copyable, and copyable
// SPDX-License-Identifier: MIT
#include <concur/fixed_map.hpp>
#include <string>

int main() {
  using map = concur::shared_fixed_map<std::string>;
  return static_cast<int>(map::bytes_for(8));
}
