// expect: Key must be an object type, without const or volatile
// SPDX-License-Identifier: MIT
#include <concur/policy/concepts.hpp>

struct hasher {
  std::size_t operator()(int key) const { return static_cast<std::size_t>(key); }
};

static_assert(
    concur::detail::check_policies<const int, hasher, std::equal_to<>, std::allocator<int>>());

int main() {}
