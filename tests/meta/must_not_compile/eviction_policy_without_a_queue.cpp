// expect: The eviction policy has no queue
// SPDX-License-Identifier: MIT
#include <concur/policy/eviction.hpp>

struct without_queue {
  static constexpr bool prefers_one_shard = false;
};

static_assert(concur::detail::check_eviction_policy<without_queue>());

int main() {}
