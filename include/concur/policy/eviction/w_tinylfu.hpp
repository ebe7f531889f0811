// SPDX-License-Identifier: MIT
/// \file
/// The eviction policy `eviction::w_tinylfu`.
#pragma once

#include <atomic>
#include <concur/policy/detail/frequency_sketch.hpp>
#include <concur/policy/detail/node_lists.hpp>
#include <concur/policy/eviction/memory.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::eviction {

/// By recency and by frequency (Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache
/// Admission Policy", ACM Transactions on Storage 2017). A new element enters the window, a sixth
/// of the shard, which is least recently used. The rest is a segmented LRU: elements on probation,
/// and protected ones, four fifths, that were hit while on probation. When the window is full, its
/// victim takes the place of that of the main lists if it was used more often, as a sketch of the
/// frequencies of all keys tells, also of those that are not there; else it is evicted.
///
/// For loops and scans that are longer than the cache, of which LRU keeps nothing and S3-FIFO
/// little. Where what is new is what is used (a workload that moves on quickly), the filter costs
/// hits: then prefer `s3fifo`.
///
/// A hit counts in the element up to 15, and needs no lock ever: it is seen when the element's turn
/// comes, and goes into the sketch then. So the lists are CLOCKs that stand in for LRU lists, which
/// is the difference to the paper, beside the larger window: on the traces of docs/performance.md
/// the paper's hundredth loses up to 20 points to LRU, a sixth less than 5.
///
/// The sketch takes 8 to 16 bytes for each element of a full shard.
struct w_tinylfu {
  static constexpr bool prefers_one_shard = false;

  template <class Allocator>
  class queue {
   public:
    queue(std::uint64_t capacity, const Allocator& allocator) noexcept : sketch_(allocator) {
      set_capacity(capacity);
    }
    void set_capacity(std::uint64_t capacity) noexcept {
      capacity_ = capacity;
      window_share_ = detail::part_of(capacity, 6);
      const std::uint64_t main_share = capacity - window_share_;
      protected_share_ = main_share - main_share / 5;
    }

    bool touch(node& hit) const noexcept {
      // relaxed: a hint; of two hits at once one may count.
      const std::uint32_t hits = hit.stamp.load(std::memory_order_relaxed);
      if (hits < sketch::highest) hit.stamp.store(hits + 1, std::memory_order_relaxed);
      return false;
    }
    void promote(node&) noexcept {}

    void insert(node& fresh) noexcept {
      const bool comes_back = fresh.where != in_none;
      if (!comes_back) {
        fresh.stamp.store(0, std::memory_order_relaxed);  // relaxed: as in touch
        count(fresh, 1);
      }
      retry_.count_insertion();
      lists_.insert(fresh, comes_back ? in_protected : in_window);
      // While there is room, the main lists take what the window cannot hold.
      while (window_is_over() && weight() <= capacity_) {
        lists_.move(*least_recent(in_window), in_probation);
      }
    }
    void erase(node& gone) noexcept { lists_.erase(gone); }
    node* victim() noexcept {
      node* const rival = main_victim();
      if (rival != nullptr && !window_is_over()) return rival;
      node* const candidate = least_recent(in_window);
      if (candidate == nullptr) return rival == nullptr ? lists_.newcomer() : rival;
      if (rival == nullptr || !is_used_more(*candidate, *rival)) return candidate;
      lists_.move(*candidate, in_probation);
      return rival;
    }
    void evict(node& gone) noexcept { erase(gone); }
    void reweigh(node& changed, std::uint32_t weight) noexcept { lists_.reweigh(changed, weight); }
    std::uint64_t weight() const noexcept { return lists_.weight(); }
    /// Those on probation, the window, those protected, each from the end.
    template <class F>
    void for_each(F&& f) {
      if (lists_.for_each(in_probation, f) && lists_.for_each(in_window, f)) {
        lists_.for_each(in_protected, f);
      }
    }

    std::size_t words_lacking() const noexcept {
      // Frequencies decide nothing before the shard is full: half of it is early enough to count.
      if (capacity_ == 0 || weight() < capacity_ / 2 || retry_.is_too_early()) return 0;
      const std::size_t words = sketch::words_for(elements_that_fit());
      return words <= sketch_.words() ? 0 : words;
    }
    void exchange_memory(memory<Allocator>& words) noexcept {
      if (words.size() == 0) retry_.after(lists_.size());
      sketch_.exchange_memory(words);
    }

   private:
    using sketch = detail::frequency_sketch<Allocator>;
    enum : std::uint8_t { in_none, in_window, in_probation, in_protected };

    std::size_t elements_that_fit() const noexcept {
      return lists_.fitting(capacity_, sketch::most);
    }
    /// Without what can leave it, the window is never over.
    bool window_is_over() const noexcept {
      const node* const fresh = lists_.newcomer();
      const std::uint64_t coming =
          fresh != nullptr && fresh->where == in_window ? fresh->weight : 0;
      const node_list& window = lists_.list(in_window);
      return !window.empty() && window.weight() + coming > window_share_;
    }

    void count(const node& element, unsigned uses) noexcept {
      // The sample of the paper: ten times the cache.
      sketch_.add(element.hash, uses, 10 * std::uint64_t{elements_that_fit()});
    }
    /// Whether the element has been hit since it was last asked.
    bool take_hits(node& element) noexcept {
      // relaxed: as in touch
      const std::uint32_t hits = element.stamp.load(std::memory_order_relaxed);
      if (hits == 0) return false;
      element.stamp.store(0, std::memory_order_relaxed);
      count(element, hits);
      return true;
    }
    /// The one of a list that is at its end and has not been hit: those that have been go round.
    /// Null when there is none at all.
    node* least_recent(std::uint8_t where) noexcept {
      node_list& list = lists_.list(where);
      // Bounded by once round: hits may come in as fast as they are taken.
      for (std::size_t steps = list.size(); steps > 1 && take_hits(*list.oldest()); --steps) {
        list.move_to_newest(*list.oldest());
      }
      return list.oldest();
    }
    /// As least_recent, of both main lists: who was hit on probation is protected, and who is
    /// protected for longest is on probation again when there are too many.
    node* main_victim() noexcept {
      node_list& probation = lists_.list(in_probation);
      node_list& safe = lists_.list(in_protected);
      for (std::size_t steps = probation.size() + safe.size();; --steps) {
        while (safe.weight() > protected_share_) {
          lists_.move(*least_recent(in_protected), in_probation);
        }
        if (steps <= 1 || probation.empty() || !take_hits(*probation.oldest())) break;
        lists_.move(*probation.oldest(), in_protected);
      }
      return probation.empty() ? least_recent(in_protected) : probation.oldest();
    }
    bool is_used_more(const node& candidate, const node& rival) const noexcept {
      // Without a sketch what is newer is better.
      return sketch_.words() == 0 ||
             sketch_.estimate(candidate.hash) > sketch_.estimate(rival.hash);
    }

    detail::node_lists<3> lists_;
    std::uint64_t capacity_ = 0;
    std::uint64_t window_share_ = 0;
    std::uint64_t protected_share_ = 0;  ///< the rest is on probation
    detail::memory_retry retry_;
    sketch sketch_;
  };
};

}  // namespace concur::inline CONCUR_ABI::eviction
