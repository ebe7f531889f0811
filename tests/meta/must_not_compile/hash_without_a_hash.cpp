// expect: Key has no hash: declare `std::uint64_t concur_hash_value(
// SPDX-License-Identifier: MIT
#include <concur/policy/concepts.hpp>
#include <concur/policy/hash.hpp>

struct unhashable {
  int value;
  bool operator==(const unhashable&) const = default;
};

static_assert(concur::detail::check_policies<unhashable, concur::hash<unhashable>, std::equal_to<>,
                                             std::allocator<unhashable>>());

int main() {}
