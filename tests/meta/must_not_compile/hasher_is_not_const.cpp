// expect: Hash does not fit Key: `hash(key)` on a const Hash must return an integer
// SPDX-License-Identifier: MIT
#include <concur/policy/concepts.hpp>

struct not_const {
  std::size_t operator()(int key) { return static_cast<std::size_t>(key); }
};

static_assert(
    concur::detail::check_policies<int, not_const, std::equal_to<>, std::allocator<int>>());

int main() {}
