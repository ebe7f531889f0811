// SPDX-License-Identifier: MIT
#include "wide_key.hpp"

void concur_guard::count_fixed_map() {
  concur::fixed_map<std::uint64_t, concur::digest_hash, arena_allocator<std::byte>> m(
      2 * elements, concur::digest_hash(seed));
  count_map("fixed_map/k32", m, wide_key);
}
