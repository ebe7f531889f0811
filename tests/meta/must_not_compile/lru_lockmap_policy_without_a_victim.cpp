// expect: needs `node* victim() noexcept`
// SPDX-License-Identifier: MIT
#include <concur/lru_lockmap.hpp>

struct forgetful {
  static constexpr bool prefers_one_shard = true;
  template <class Allocator>
  class queue {
   public:
    queue(std::uint64_t, const Allocator&) {}
    void set_capacity(std::uint64_t) {}
    bool touch(concur::eviction::node&) const noexcept { return false; }
    void promote(concur::eviction::node&) noexcept {}
    void insert(concur::eviction::node&) noexcept {}
    void erase(concur::eviction::node&) noexcept {}
    void evict(concur::eviction::node&) noexcept {}
    void reweigh(concur::eviction::node&, std::uint32_t) noexcept {}
    std::uint64_t weight() const noexcept { return 0; }
    template <class F>
    void for_each(F) {}
  };
};

int main() {
  concur::lru_lockmap<int, int, concur::hash<int>, std::equal_to<>,
                      std::allocator<std::pair<const int, int>>, forgetful>
      map;
  return static_cast<int>(map.size());
}
