// SPDX-License-Identifier: MIT
/// \file
/// The two eviction policies by recency: `eviction::exact_lru` and `eviction::lru`.
#pragma once

#include <atomic>
#include <concur/detail/bits/extremes.hpp>
#include <concur/detail/config.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI {
namespace detail {

/// The one list of both, with what neither does differently.
class recency_queue {
 public:
  void set_capacity(std::uint64_t) noexcept {}
  void reweigh(eviction::node& changed, std::uint32_t weight) noexcept {
    list_.reweigh(changed, weight);
  }
  std::uint64_t weight() const noexcept { return list_.weight(); }

 protected:
  eviction::node_list list_;
};

}  // namespace detail

namespace eviction {

/// The element that was used longest ago is evicted, strictly: every hit moves the element to the
/// end of the list, under the lock. For one shard, where the order has to be exact.
struct exact_lru {
  static constexpr bool prefers_one_shard = true;

  template <class Allocator>
  class queue : public detail::recency_queue {
   public:
    queue(std::uint64_t /*capacity*/, const Allocator&) noexcept {}

    bool touch(node&) const noexcept { return true; }
    void promote(node& hit) noexcept {
      if (hit.is_listed()) list_.move_to_newest(hit);
    }
    void insert(node& fresh) noexcept { list_.push_newest(fresh); }
    void erase(node& gone) noexcept { list_.erase(gone); }
    node* victim() noexcept { return list_.oldest(); }
    void evict(node& gone) noexcept { list_.erase(gone); }
    template <class F>
    void for_each(F&& f) {
      list_.for_each(f);
    }
  };
};

/// Least recently used, but for what cannot matter: a hit takes no lock and moves nothing. If an
/// eighth of the shard has been inserted or hit so since it was stamped, the element is stamped
/// anew, in its own memory, else nothing is written. The list has marks in it, one for each eighth,
/// the generations. When an element comes to the old end of the list, its stamp says which
/// generation it belongs to now, and it is moved there, or evicted if that is the oldest one. So no
/// element is further than a quarter of the shard from its place, and one that is hit a hundred
/// times in between is moved once. (CacheLib skips by time; CLOCK knows one generation.)
///
///     oldest ... | generation 1 ... | generation 2 ... | ... newest      | a mark, with the stamp
///                                                                          that it begins with
///
/// Which eighth: of the elements that are there, so that it needs no capacity and no weights. Of
/// large shards it is a ninth, and the stamps are counted by estimate.
/// `victim` moves, amortised, one element for each stamp.
struct lru {
  static constexpr bool prefers_one_shard = false;

  template <class Allocator>
  class queue : public detail::recency_queue {
   public:
    queue(std::uint64_t /*capacity*/, const Allocator&) noexcept {}

    /// True, once in a generation: it is time for the next mark.
    bool touch(node& hit) const noexcept {
      // relaxed, all: hints. Whoever reads an old clock or stamp stamps too early, or not yet. An
      // element that is not hit for 2^31 ticks looks new, and is not evicted for a generation.
      const std::uint32_t time = now();
      const std::uint32_t width = width_.load(std::memory_order_relaxed);
      const std::uint32_t stamp = hit.stamp.load(std::memory_order_relaxed);
      // Its stamp may be that of the next tick: who stamps does not always make the clock tick.
      if (time + 1 - stamp <= width + 1) return false;
      const std::uint32_t step = step_of(width);
      if (is_drawn(hit, stamp, step)) hits_.fetch_add(step, std::memory_order_relaxed);
      hit.stamp.store(time + 1, std::memory_order_relaxed);
      return time - begin_.load(std::memory_order_relaxed) >= width;
    }
    void promote(node&) noexcept { mark_if_due(); }
    void insert(node& fresh) noexcept {
      // First: most of what was hit lately belongs to a generation before, and not behind this one.
      mark_if_due();
      list_.push_newest(fresh);
      // relaxed, all: as in `touch`; written under the lock alone.
      insertions_.store(insertions_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      fresh.stamp.store(now(), std::memory_order_relaxed);
      newcomer_ = &fresh;
      count_width();
    }
    void erase(node& gone) noexcept {
      forget(gone);
      list_.erase(gone);
      count_width();
    }
    void evict(node& gone) noexcept { erase(gone); }
    node* victim() noexcept {
      while (node* const oldest = list_.oldest()) {
        look_ahead(*oldest);
        if (marks_ != 0 && oldest == &mark(0)) {
          drop_oldest_mark();
        } else if (marks_ != 0 && !is_before(*oldest, mark(0))) {
          settle(*oldest);
        } else if (oldest == newcomer_ && size() != 1) {
          // All others have been hit since it came, by threads that are faster than this one.
          oldest->stamp.store(now(), std::memory_order_relaxed);  // relaxed: as in `touch`
          forget(*oldest);
          list_.move_to_newest(*oldest);
        } else {
          return oldest;
        }
      }
      return nullptr;
    }
    /// All to where they belong. O(elements).
    void settle() noexcept {
      // Those of the last generation are there; what is moved lies before its end then.
      for (std::size_t i = 0; i < marks_; ++i) {
        for (node* at = i == 0 ? list_.oldest() : mark(i - 1).newer; at != &mark(i);) {
          node* const next = at->newer;
          if (!is_before(*at, mark(i))) settle(*at);
          at = next;
        }
      }
    }
    template <class F>
    void for_each(F&& f) {
      list_.for_each([&](node& n) { return is_mark(n) || f(n); });
    }

   private:
    static constexpr std::size_t generations = 16;
    static constexpr unsigned sight = 8;
    static constexpr std::size_t counted_width = 1024;  ///< up to it every stamp is counted

    /// In large shards one of 4 or 8 hits that are stamped counts for all: a read-modify-write
    /// would keep the loads of the next operation waiting. Two generations are as long as they
    /// should be to a twenty-fifth then, and a ninth in place of an eighth leaves them three times
    /// that.
    static constexpr std::uint32_t step_of(std::uint32_t width) noexcept {
      return width < counted_width ? 1 : (width < 4 * counted_width ? 4 : 8);
    }
    /// Whether it is the one of `step`, a power of two: by chance, another one each time.
    static bool is_drawn(const node& hit, std::uint32_t stamp, std::uint32_t step) noexcept {
      const std::uint64_t mixed = (hit.hash ^ stamp) * std::uint64_t{0x9e3779b97f4a7c15};
      return (mixed >> 32 & (step - 1)) == 0;
    }
    std::size_t size() const noexcept { return list_.size() - marks_; }
    node& mark(std::size_t i) noexcept { return ring_[(first_ + i) % generations]; }
    bool is_mark(const node& n) const noexcept {
      const auto offset =
          reinterpret_cast<std::uintptr_t>(&n) - reinterpret_cast<std::uintptr_t>(ring_);
      return offset < sizeof(ring_);
    }
    /// Insertions, and hits that were stamped.
    std::uint32_t now() const noexcept {
      // relaxed, both: as in `touch`.
      return insertions_.load(std::memory_order_relaxed) + hits_.load(std::memory_order_relaxed);
    }
    /// Whether it was stamped before the generation of a mark began.
    static bool is_before(const node& n, const node& mark) noexcept {
      // relaxed, both: as in `touch`.
      const std::uint32_t since =
          n.stamp.load(std::memory_order_relaxed) - mark.stamp.load(std::memory_order_relaxed);
      return static_cast<std::int32_t>(since) < 0;
    }
    /// To the newest end of its generation, which is not the oldest.
    void settle(node& n) noexcept {
      forget(n);
      std::size_t i = marks_ - 1;
      while (i != 0 && is_before(n, mark(i))) --i;
      if (i + 1 == marks_) {
        list_.move_to_newest(n);
      } else {
        list_.move_before(n, mark(i + 1));
      }
    }
    /// What comes to the old end has not been looked at for long: it is fetched some steps before.
    void look_ahead(node& oldest) noexcept {
      if (ahead_ == nullptr) {
        ahead_ = &oldest;
        distance_ = 0;
      }
      for (int steps = 2; steps != 0 && distance_ < sight && !list_.is_end(*ahead_->newer);
           --steps) {
        ahead_ = ahead_->newer;
        ++distance_;
        detail::prefetch_to_write(ahead_);
        detail::prefetch_to_write(&ahead_->newer);
      }
    }
    /// Of a node that leaves its place.
    void forget(node& n) noexcept {
      if (&n == ahead_) ahead_ = nullptr;
      if (&n == newcomer_) newcomer_ = nullptr;
      if (distance_ != 0 && list_.oldest() == &n) --distance_;
    }
    void drop_oldest_mark() noexcept {
      forget(mark(0));
      list_.erase(mark(0));
      first_ = (first_ + 1) % generations;
      --marks_;
    }
    void mark_if_due() noexcept {
      // relaxed, all: as in `touch`.
      const std::uint32_t time = now();
      if (time - begin_.load(std::memory_order_relaxed) <= width_.load(std::memory_order_relaxed)) {
        return;
      }
      if (marks_ == generations) drop_oldest_mark();
      node& fresh = mark(marks_);
      fresh.weight = 0;
      fresh.stamp.store(time + 1, std::memory_order_relaxed);
      begin_.store(time, std::memory_order_relaxed);
      list_.push_newest(fresh);
      ++marks_;
    }
    void count_width() noexcept {
      constexpr std::size_t most = std::size_t{1} << 30;
      const std::size_t n = size();
      const std::size_t eighth = n / 8;
      const auto width = static_cast<std::uint32_t>(detail::least(
          eighth < counted_width ? eighth : detail::greatest(n / 9, counted_width), most));
      // relaxed: a hint. Tested first: readers keep the line while the number is the same.
      if (width_.load(std::memory_order_relaxed) != width) {
        width_.store(width, std::memory_order_relaxed);
      }
    }

    node ring_[generations];
    std::size_t first_ = 0;  ///< of the marks that are in the list
    std::size_t marks_ = 0;
    node* newcomer_ = nullptr;  ///< if it has not been moved
    node* ahead_ = nullptr;     ///< about `distance_` from the oldest; in the list, or null
    unsigned distance_ = 0;
    std::atomic<std::uint32_t> insertions_{0};
    mutable std::atomic<std::uint32_t> hits_{0};  ///< of elements that were not new
    std::atomic<std::uint32_t> begin_{0};         ///< of the newest generation
    std::atomic<std::uint32_t> width_{0};         ///< of a generation
  };
};

}  // namespace eviction
}  // namespace concur::inline CONCUR_ABI
