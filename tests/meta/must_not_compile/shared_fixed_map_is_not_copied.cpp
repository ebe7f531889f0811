// expect: delete
// SPDX-License-Identifier: MIT
#include <concur/fixed_map.hpp>
#include <span>

int main() {
  using map = concur::shared_fixed_map<int>;
  const map one = map::attach(std::span<std::byte>());
  const map two(one);
  return static_cast<int>(two.size());
}
