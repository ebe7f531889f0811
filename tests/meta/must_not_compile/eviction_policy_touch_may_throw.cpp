// expect: The queue of the eviction policy needs `bool touch(node&) const noexcept`
// SPDX-License-Identifier: MIT
#include <concur/policy/eviction.hpp>

struct touches_under_a_lock {
  static constexpr bool prefers_one_shard = false;
  template <class Allocator>
  struct queue : concur::eviction::exact_lru::queue<Allocator> {
    using concur::eviction::exact_lru::queue<Allocator>::queue;
    bool touch(concur::eviction::node&) { return false; }
  };
};

static_assert(concur::detail::check_eviction_policy<touches_under_a_lock>());

int main() {}
