// expect: The queue of the eviction policy needs both or neither
// SPDX-License-Identifier: MIT
#include <concur/policy/eviction.hpp>

struct wants_memory {
  static constexpr bool prefers_one_shard = false;
  template <class Allocator>
  struct queue : concur::eviction::exact_lru::queue<Allocator> {
    using concur::eviction::exact_lru::queue<Allocator>::queue;
    std::size_t words_lacking() const noexcept { return 1; }
  };
};

static_assert(concur::detail::check_eviction_policy<wants_memory>());

int main() {}
