// expect: digest_key
// SPDX-License-Identifier: MIT
#include <concur/policy/digest_hash.hpp>

struct padded {
  std::uint64_t words[3];
  std::uint32_t half;
};

int main() {
  return static_cast<int>(concur::digest_hash{}(padded{}));
}
