// expect: KeyEqual does not fit Key: `equal(a, b)` on a const KeyEqual must return a bool
// SPDX-License-Identifier: MIT
#include <concur/policy/concepts.hpp>

struct incomparable {
  int value;
};
struct hasher {
  std::size_t operator()(const incomparable& key) const {
    return static_cast<std::size_t>(key.value);
  }
};

static_assert(concur::detail::check_policies<incomparable, hasher, std::equal_to<>,
                                             std::allocator<incomparable>>());

int main() {}
