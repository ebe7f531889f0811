// expect: Hash::is_avalanching must be void, std::true_type or std::false_type
// SPDX-License-Identifier: MIT
#include <concur/policy/hash_traits.hpp>

struct hasher {
  using is_avalanching = int;
  std::uint64_t operator()(int) const { return 0; }
};

static_assert(!concur::is_avalanching_v<hasher>);

int main() {}
