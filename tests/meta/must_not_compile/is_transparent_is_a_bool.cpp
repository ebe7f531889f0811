// expect: Hash::is_transparent must be a type: write `using is_transparent = void;`
// SPDX-License-Identifier: MIT
#include <concur/policy/concepts.hpp>

struct hasher {
  static constexpr bool is_transparent = true;
  std::size_t operator()(int key) const { return static_cast<std::size_t>(key); }
};

static_assert(concur::detail::check_policies<int, hasher, std::equal_to<>, std::allocator<int>>());

int main() {}
