// SPDX-License-Identifier: MIT
/// \file
/// The eviction policy `eviction::s3fifo`.
#pragma once

#include <atomic>
#include <concur/policy/detail/ghosts.hpp>
#include <concur/policy/detail/node_lists.hpp>
#include <concur/policy/eviction/memory.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::eviction {

/// Three queues, first in, first out (Yang, Zhang, Qiu, Yue, Vigfusson, "FIFO queues are all you
/// need for cache eviction", SOSP 2023). An element enters the small one, a tenth of the shard. If
/// it has been hit when it reaches the end, it goes on to the main queue, else it is evicted, and
/// its key is remembered among as many ghosts as nine tenths of the shard. A key that is
/// remembered enters the main queue at once. An element that reaches the end of the main queue is
/// evicted if it has used up its hits, of which three count; else it goes round once more.
///
/// A hit counts in the element if it is not at three yet, and needs no lock ever: of the policies
/// here this one has the cheapest hits. It keeps what is used once from driving out what is used
/// often, and is hardly ever worse than LRU. Unlike the paper's, one hit is enough to be promoted:
/// on the real traces of docs/performance.md that hits 0.1 points more in the mean, and loses 1.1
/// points to LRU at worst in place of 3.2.
///
/// Ghosts take 20 to 22 bytes for each element of a full shard.
struct s3fifo {
  static constexpr bool prefers_one_shard = false;

  template <class Allocator>
  class queue {
   public:
    queue(std::uint64_t capacity, const Allocator& allocator) noexcept : ghosts_(allocator) {
      set_capacity(capacity);
    }
    void set_capacity(std::uint64_t capacity) noexcept {
      main_share_ = capacity - detail::part_of(capacity, 10);
      ghost_share_ = capacity - capacity / 10 - (capacity % 10 == 0 ? 0 : 1);
      nearly_all_ = capacity == 0 ? unbounded : capacity - capacity / 8;
    }

    bool touch(node& hit) const noexcept {
      // relaxed: a hint; of two hits at once one may count.
      const std::uint32_t hits = hit.stamp.load(std::memory_order_relaxed);
      if (hits < most_hits) hit.stamp.store(hits + 1, std::memory_order_relaxed);
      return false;
    }
    void promote(node&) noexcept {}

    void insert(node& fresh) noexcept {
      const bool comes_back = fresh.where != in_none;
      set_hits(fresh, 0);
      retry_.count_insertion();
      lists_.insert(fresh, comes_back || ghosts_.take(fresh.hash) ? in_main : in_small);
    }
    void erase(node& gone) noexcept { lists_.erase(gone); }
    node* victim() noexcept {
      node_list& small = lists_.list(in_small);
      node_list& main = lists_.list(in_main);
      if (main.weight() <= main_share_) {
        // All of the small queue if need be, also when the main queue outgrows its share thereby.
        while (node* const oldest = small.oldest()) {
          if (hits_of(*oldest) == 0) return oldest;
          set_hits(*oldest, 0);
          lists_.move(*oldest, in_main);
        }
      }
      // Every step uses up a hit. That ends, unless new ones come in faster: then it ends here.
      for (std::size_t steps = (most_hits + 1) * main.size(); steps > 1; --steps) {
        node& oldest = *main.oldest();
        const std::uint32_t hits = hits_of(oldest);
        if (hits == 0) break;
        set_hits(oldest, hits - 1);
        main.move_to_newest(oldest);
      }
      return main.empty() ? lists_.newcomer() : main.oldest();
    }
    void evict(node& gone) noexcept {
      if (gone.where == in_small) ghosts_.remember(gone.hash, ghost_limit());
      erase(gone);
    }
    void reweigh(node& changed, std::uint32_t weight) noexcept { lists_.reweigh(changed, weight); }
    std::uint64_t weight() const noexcept { return lists_.weight(); }
    /// The small queue, then the main queue, each from the end.
    template <class F>
    void for_each(F&& f) {
      if (lists_.for_each(in_small, f)) lists_.for_each(in_main, f);
    }

    std::size_t words_lacking() const noexcept {
      // Nothing is evicted, so nothing remembered, before the shard is full.
      if (weight() < nearly_all_ || retry_.is_too_early()) return 0;
      const std::size_t words = ghosts::words_for(ghost_limit());
      if (words <= ghosts_.words()) return 0;
      // Weights change the number of elements that fit: some more, not to be back soon.
      return lists_.size() == weight() ? words : words + words / 4;
    }
    void exchange_memory(memory<Allocator>& words) noexcept {
      if (words.size() == 0) retry_.after(lists_.size());
      ghosts_.exchange_memory(words);
    }

   private:
    using ghosts = detail::ghosts<Allocator>;
    static constexpr std::uint32_t most_hits = 3;
    static constexpr std::uint64_t unbounded = ~std::uint64_t{0};
    enum : std::uint8_t { in_none, in_small, in_main };

    static std::uint32_t hits_of(const node& element) noexcept {
      return element.stamp.load(std::memory_order_relaxed);  // relaxed: as in touch
    }
    static void set_hits(node& element, std::uint32_t hits) noexcept {
      element.stamp.store(hits, std::memory_order_relaxed);  // relaxed: as in touch
    }
    std::size_t ghost_limit() const noexcept { return lists_.fitting(ghost_share_, ghosts::most); }

    detail::node_lists<2> lists_;
    std::uint64_t main_share_ = 0;
    std::uint64_t ghost_share_ = 0;  ///< as a weight: how many ghosts that is, elements tell
    std::uint64_t nearly_all_ = 0;
    detail::memory_retry retry_;
    ghosts ghosts_;
  };
};

}  // namespace concur::inline CONCUR_ABI::eviction
