// expect: Hash::is_avalanching must be a type, not a value or a function
// SPDX-License-Identifier: MIT
#include <concur/policy/hash_traits.hpp>

struct hasher {
  static constexpr bool is_avalanching = true;
  std::uint64_t operator()(int) const { return 0; }
};

static_assert(!concur::is_avalanching_v<hasher>);

int main() {}
