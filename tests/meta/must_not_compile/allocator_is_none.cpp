// expect: Allocator is not an allocator: it needs value_type
// SPDX-License-Identifier: MIT
#include <concur/policy/concepts.hpp>
#include <concur/policy/hash.hpp>

static_assert(concur::detail::check_policies<int, concur::hash<int>, std::equal_to<>, int>());

int main() {}
