// expect: Hash does not fit Key: `hash(key)` on a const Hash must return an integer
// SPDX-License-Identifier: MIT
#include <concur/policy/concepts.hpp>

struct returns_void {
  void operator()(int) const {}
};

static_assert(
    concur::detail::check_policies<int, returns_void, std::equal_to<>, std::allocator<int>>());

int main() {}
