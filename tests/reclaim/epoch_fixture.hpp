// SPDX-License-Identifier: MIT
/// \file
/// A container of one place, reclaimed by eras, whose nodes are counted: for the tests of the
/// reclaimer.
#pragma once

#include <atomic>
#include <concur/detail/reclaim/epoch_reclaimer.hpp>
#include <cstdint>
#include <memory>

namespace concur_test {

namespace detail = concur::detail;

struct epoch_counts {
  std::atomic<std::int64_t> live{0};
  std::atomic<std::int64_t> peak{0};

  void born() {
    const std::int64_t n = live.fetch_add(1) + 1;
    std::int64_t seen = peak.load();
    while (seen < n && !peak.compare_exchange_weak(seen, n)) {
    }
  }
  void died() { live.fetch_sub(1); }
};

struct counted_node : detail::epoch_node {
  counted_node(epoch_counts& c, std::uint64_t n) : counts(c), value(n), copy(n) { counts.born(); }
  ~counted_node() {
    value = copy + 1;
    counts.died();
  }
  counted_node(const counted_node&) = delete;
  counted_node& operator=(const counted_node&) = delete;
  epoch_counts& counts;
  std::uint64_t value;
  std::uint64_t copy;
};

struct free_counted {
  template <class Record>
  void operator()(Record*, detail::epoch_node* node, unsigned) const noexcept {
    delete static_cast<counted_node*>(node);
  }
};

/// `place_count` links, each to a node that is replaced as a whole.
template <std::size_t place_count = 1, class Allocator = std::allocator<int>>
class epoch_places {
 public:
  explicit epoch_places(std::uint32_t batch = 128, std::uint32_t births_per_era = 128,
                        const Allocator& allocator = Allocator())
      : reclaimer(batch), births_per_era_(births_per_era), allocator_(allocator) {
    for (auto& place : places) place.store(make(0));
  }
  ~epoch_places() {
    for (auto& place : places) delete place.load();
    reclaimer.free_retired(free_counted());
    reclaimer.release_records(allocator_);
  }

  detail::epoch_record& record() {
    return reclaimer.ensure(detail::thread_slots::mine(), allocator_);
  }

  counted_node* make(std::uint64_t value) {
    auto* node = new counted_node(counts, value);
    detail::era_clock::stamp(detail::thread_slots::mine(), *node, births_per_era_);
    return node;
  }

  /// Retires what was there. Collects when it is due.
  void replace(std::size_t at, std::uint64_t value) {
    detail::thread_slot& me = detail::thread_slots::mine();
    detail::epoch_record& mine = record();
    {
      const detail::leaf_pin pin(me);
      counted_node* const old = places[at].exchange(make(value));
      reclaimer.retire(me, mine, old, 3);
    }
    if (reclaimer.is_due(mine)) reclaimer.collect(me, mine, free_counted());
  }

  bool collect_all() {
    return reclaimer.collect_all(detail::thread_slots::mine(), record(), free_counted());
  }
  void quiesce() { reclaimer.quiesce(detail::thread_slots::mine(), record(), free_counted()); }

  epoch_counts counts;
  detail::epoch_reclaimer<> reclaimer;
  std::atomic<counted_node*> places[place_count];

 private:
  std::uint32_t births_per_era_;
  Allocator allocator_;
};

}  // namespace concur_test
