// expect: Hash must be constructible from std::uint64_t, and have seed()
// SPDX-License-Identifier: MIT
#include <concur/fixed_map.hpp>

struct seedless {
  std::size_t operator()(const concur::key32&) const noexcept { return 0; }
};

int main() {
  using map = concur::shared_fixed_map<int, seedless>;
  return static_cast<int>(map::bytes_for(8));
}
