// SPDX-License-Identifier: MIT
/// \file
/// What the engine of a cache keeps beside that of a lockmap: its options, the regions, which are
/// made when there is a first element, and its counters.
#pragma once

#include <atomic>
#include <concur/detail/lockmap/engine.hpp>
#include <concur/detail/lru/cached_state.hpp>
#include <concur/detail/lru/counters.hpp>
#include <concur/detail/lru/regions.hpp>
#include <concur/detail/sync/platform.hpp>
#include <concur/policy/cache_options.hpp>
#include <concur/policy/eviction.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

namespace concur::inline CONCUR_ABI::detail::lru {

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning,
          class Policy, class Self>
class engine_regions : public lockmap::engine<Key, T, Hash, KeyEqual, Allocator, Tuning, Self> {
 protected:
  using base = lockmap::engine<Key, T, Hash, KeyEqual, Allocator, Tuning, Self>;
  using queue_type = typename Policy::template queue<Allocator>;
  using regions_type = region_set<queue_type, Allocator>;
  using region_type = typename regions_type::region_type;
  using typename base::aligned;

 public:
  using options_type = cache_options<Key, T>;
  /// Whether hits, misses and the like are counted.
  static constexpr bool counts = Tuning::counts && keeps_statistics<Policy>();

  engine_regions(const Hash& hash, const KeyEqual& equal, const Allocator& allocator,
                 const options_type& options)
      : base(hash, equal, allocator), options_(options), capacity_(options.capacity) {
    this->with_tails_ = has_deadlines_by_option() || options_.refresh_after.nanoseconds() > 0;
  }
  ~engine_regions() { free_regions(); }

  const options_type& options() const noexcept { return options_; }
  std::size_t asked_capacity() const noexcept {
    return capacity_.load(std::memory_order_relaxed);  // relaxed: a number
  }

  /// Makes room for elements, before anything is held that would be lost if there were no memory.
  void require_regions() {
    if (regions() == nullptr) [[unlikely]]
      make_regions();
  }

 protected:
  /// Whether there are times behind the states.
  bool has_times() const noexcept { return this->with_tails_; }
  bool has_deadlines_by_option() const noexcept {
    return options_.time_to_live.nanoseconds() > 0 || options_.time_to_idle.nanoseconds() > 0 ||
           static_cast<bool>(options_.expiry);
  }

  regions_type* regions() const noexcept {
    return regions_.load(std::memory_order_acquire);  // (1) acquire: pairs with (2).
  }

  void free_regions() noexcept {
    // relaxed: the caller's quiet orders it.
    regions_type* const all = regions_.exchange(nullptr, std::memory_order_relaxed);
    if (all == nullptr) return;
    counters_.spread(nullptr);
    for (std::size_t i = all->size; i != 0; --i) (*all)[i - 1].~region_type();
    aligned::deallocate(this->allocator_, all, all->units);
  }

  /// Needs both to be quiet.
  template <class A>
  static void exchange(A& a, A& b) noexcept {
    // relaxed: the caller's quiet orders them.
    a.store(b.exchange(a.load(std::memory_order_relaxed), std::memory_order_relaxed),
            std::memory_order_relaxed);
  }
  void swap_regions(engine_regions& other) noexcept {
    exchange(regions_, other.regions_);
    exchange(max_evictions_, other.max_evictions_);
    counters_.swap(other.counters_);
  }

  std::size_t wanted_regions(std::size_t capacity) const noexcept {
    constexpr std::size_t least_share = 128;
    const auto at_most = [](std::size_t n, std::size_t limit) { return n < limit ? n : limit; };
    const std::size_t parts =
        options_.shards != 0 ? capacity : capacity / least_share;  // an element each, or a share
    return at_most(parts == 0 ? 1 : parts, room_for_regions());
  }
  std::size_t room_for_regions() const noexcept {
    if (options_.shards != 0) return options_.shards;
    // Of weights nobody knows here how many elements they are: a share might be less than one.
    if (Policy::prefers_one_shard || options_.weigher) return 1;
    return std::size_t{4} * processor_count();
  }

  CONCUR_NOINLINE void make_regions() {
    using stripe = cache_counters::stripe;
    const lock_holder locked(settings_);
    if (regions() != nullptr) return;
    const std::size_t size = room_for_regions();
    constexpr std::size_t stripes = counts ? cache_counters::stripe_count : 0;
    const std::size_t bytes = checked_add(checked_multiply(size, sizeof(region_type)),
                                          sizeof(regions_type) + stripes * sizeof(stripe));
    const std::size_t units = aligned::units_for(bytes);
    void* const memory = aligned::allocate(this->allocator_, units);
    const std::size_t capacity = asked_capacity();
    const std::size_t wanted = wanted_regions(capacity);
    auto* const made = ::new (memory) regions_type{units, size, wanted};
    std::size_t done = 0;
    CONCUR_TRY {
      for (; done < size; ++done) {
        const std::uint64_t part = done < wanted ? share_of(widened(capacity), done, wanted) : 0;
        ::new (static_cast<void*>(made->first() + done)) region_type(part, this->allocator_);
      }
    }
    CONCUR_CATCH_ALL {
      while (done != 0) (*made)[--done].~region_type();
      aligned::deallocate(this->allocator_, made, units);
      CONCUR_RETHROW;
    }
    if constexpr (counts) {
      auto* const lines = reinterpret_cast<stripe*>(made->first() + size);
      for (std::size_t i = 0; i < stripes; ++i) ::new (lines + i) stripe;
      counters_.spread(lines);
    }
    // (2) release: publishes the regions; pairs with (1).
    regions_.store(made, std::memory_order_release);
  }
  static constexpr std::uint64_t widened(std::size_t capacity) noexcept {
    return capacity == options_type::unbounded ? ~std::uint64_t{0} : std::uint64_t{capacity};
  }

  options_type options_;
  std::atomic<std::size_t> capacity_;
  std::atomic<std::size_t> max_evictions_{std::numeric_limits<std::size_t>::max()};
  cache_counters counters_;
  std::atomic<regions_type*> regions_{nullptr};
  parking_lock settings_;  ///< for whoever makes the regions or changes the capacity
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
