// SPDX-License-Identifier: MIT
/// \file
/// What one thread has retired and what could not be freed yet. Retiring allocates nothing.
///
///   ring       what was retired last, in a fixed array, so that nodes are not touched before they
///              are freed: a part that waits since the last scan, all of one retired era, and a
///              fresh part without one
///   overflow   what found no room in the ring: a list through the nodes themselves, as the rest
///   waiting    what was in such a list at the last scan: of the same era as the waiting part of
///              the ring
///   parks      could not be freed because of one announcement, which is noted: looked at again
///              when it has changed. So a reader that sleeps costs each node one look, not one per
///              scan.
///   mixed      for more announcements than there are parks: looked at again when as many have been
///              retired as it has
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/reclaim/pinned_eras.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// A list of retired nodes.
class epoch_list {
 public:
  bool empty() const noexcept { return head_ == nullptr; }
  std::size_t count() const noexcept { return count_; }

  void push(epoch_node* node) noexcept {
    node->set_next(head_);
    if (head_ == nullptr) tail_ = node;
    head_ = node;
    ++count_;
  }
  /// nullptr if there is none.
  epoch_node* pop() noexcept {
    epoch_node* const node = head_;
    if (node == nullptr) return nullptr;
    head_ = node->next();
    --count_;
    return node;
  }
  /// Takes all nodes of `other`. O(1).
  CONCUR_NOINLINE void take(epoch_list& other) noexcept {
    if (other.empty()) return;
    other.tail_->set_next(head_);
    if (head_ == nullptr) tail_ = other.tail_;
    head_ = other.head_;
    count_ += other.count_;
    other = epoch_list();
  }
  template <class F>
  void for_each(F f) const {
    for (epoch_node* node = head_; node != nullptr; node = node->next()) f(*node);
  }

 private:
  epoch_node* head_ = nullptr;
  epoch_node* tail_ = nullptr;
  std::size_t count_ = 0;
};

/// Nodes that could not be freed, by what keeps them.
class epoch_parks {
 public:
  /// Keeps `node` until `blocker` has gone.
  void keep(epoch_node* node, const pinned_era& blocker) noexcept {
    park* vacant = nullptr;
    for (park& p : parks_) {
      if (p.nodes.empty()) {
        vacant = &p;
      } else if (p.blocker.slot == blocker.slot && p.blocker.lower == blocker.lower) {
        p.nodes.push(node);
        return;
      }
    }
    if (vacant != nullptr) {
      vacant->blocker = blocker;
      vacant->nodes.push(node);
    } else {
      mixed_.push(node);
    }
  }
  /// Keeps nodes without a reason.
  void keep_all(epoch_list& nodes) noexcept { mixed_.take(nodes); }

  /// What may have become free, when `retired` nodes have come since the last call: the parks whose
  /// blocker has changed, and the mixed one if that costs no more than one look for each of them.
  CONCUR_NOINLINE epoch_list take_changed(std::size_t retired) noexcept {
    epoch_list taken;
    for (park& p : parks_) {
      if (!p.nodes.empty() && p.blocker.has_changed()) taken.take(p.nodes);
    }
    retired_since_mixed_ += retired;
    if (retired_since_mixed_ >= mixed_.count()) take_mixed(taken);
    return taken;
  }
  CONCUR_COLD epoch_list take_all() noexcept {
    epoch_list taken;
    for (park& p : parks_) taken.take(p.nodes);
    take_mixed(taken);
    return taken;
  }
  /// How many nodes are kept.
  CONCUR_NOINLINE std::size_t count() const noexcept {
    std::size_t n = mixed_.count();
    for (const park& p : parks_) n += p.nodes.count();
    return n;
  }

 private:
  struct park {
    pinned_era blocker{};
    epoch_list nodes;
  };
  static constexpr std::size_t park_count = 8;

  void take_mixed(epoch_list& taken) noexcept {
    taken.take(mixed_);
    retired_since_mixed_ = 0;
  }

  park parks_[park_count];
  epoch_list mixed_;
  std::size_t retired_since_mixed_ = 0;  ///< since `mixed_` was last looked at
};

/// What was retired last, in the order of retirement: positions are counted, and never again.
///
///   taken_ .. looked_at_ .. retired_
///        waiting         fresh
///
/// `begun_` is ahead of `taken_` while entries are taken: the child of a fork, in which the thread
/// that takes them does not exist, finds there which of them have not been touched.
template <std::size_t Capacity>
class retired_ring {
  static_assert((Capacity & (Capacity - 1)) == 0);

 public:
  /// False if there is no room.
  CONCUR_FORCEINLINE bool push(epoch_node* node, unsigned kind) noexcept {
    const std::uint64_t n = retired();
    if (n - taken() >= Capacity) [[unlikely]]
      return false;
    entries_[n % Capacity] = reinterpret_cast<std::uintptr_t>(node) | kind;
    // relaxed: a number; the entries belong to who may change the record.
    retired_.store(n + 1, std::memory_order_relaxed);
    return true;
  }

  std::uint64_t retired() const noexcept {
    return retired_.load(std::memory_order_relaxed);  // relaxed: as above
  }
  std::uint64_t looked_at() const noexcept {
    return looked_at_.load(std::memory_order_relaxed);  // relaxed: as above
  }
  /// How many have left the ring.
  std::uint64_t taken() const noexcept {
    return taken_.load(std::memory_order_relaxed);  // relaxed: as above
  }
  /// The same for others: what was done with those nodes has happened before.
  std::uint64_t taken_for_good() const noexcept {
    return taken_.load(std::memory_order_acquire);  // (1) acquire: pairs with (2).
  }
  bool is_empty() const noexcept { return retired() == taken(); }
  std::uint64_t waiting_era() const noexcept { return waiting_era_; }

  /// f(node, kind) for every entry before `end`, which leave the ring after that.
  template <class F>
  void take_until(std::uint64_t end, F&& f) noexcept {
    for (std::uint64_t i = begun_; i < end; ++i) {
      const std::uintptr_t entry = entries_[i % Capacity];
      begun_ = i + 1;
      std::atomic_signal_fence(std::memory_order_seq_cst);  // in this order, should somebody fork
      f(reinterpret_cast<epoch_node*>(entry & ~epoch_node::kind_mask),
        static_cast<unsigned>(entry & epoch_node::kind_mask));
    }
    // relaxed: as above
    if (looked_at() < end) looked_at_.store(end, std::memory_order_relaxed);
    // (2) release: they have been freed, or counted where they went; pairs with (1).
    taken_.store(end, std::memory_order_release);
  }
  /// What is before `end` was retired in `era`. Nothing waits yet.
  void wait(std::uint64_t end, std::uint64_t era) noexcept {
    looked_at_.store(end, std::memory_order_relaxed);  // relaxed: as above
    waiting_era_ = era;
  }

 private:
  std::atomic<std::uint64_t> retired_{0};
  std::atomic<std::uint64_t> looked_at_{0};
  std::atomic<std::uint64_t> taken_{0};
  std::uint64_t begun_ = 0;
  std::uint64_t waiting_era_ = 0;
  std::uintptr_t entries_[Capacity];
};

/// The base of a container's record (detail/reclaim/thread_records.hpp).
///
/// Ring and lists are changed by the owner while it is pinned, or by whoever has claimed the
/// record, see detail/reclaim/epoch_reclaimer.hpp.
template <std::size_t RingCapacity>
class basic_epoch_record {
 public:
  explicit basic_epoch_record(thread_slot& owner) noexcept : owner_(owner) {}
  basic_epoch_record(const basic_epoch_record&) = delete;
  basic_epoch_record& operator=(const basic_epoch_record&) = delete;

 private:
  template <class Record>
  friend class epoch_reclaimer;

  void add_overflow(epoch_node* node) noexcept {
    overflow_.push(node);
    note_overflow();
    --counted_from_;
  }
  epoch_list take_overflow() noexcept {
    epoch_list taken;
    taken.take(overflow_);
    note_overflow();
    return taken;
  }
  epoch_list take_waiting() noexcept {
    epoch_list taken;
    taken.take(waiting_);
    note_overflow();
    return taken;
  }
  /// Until the next scan.
  void keep_waiting(epoch_list& list) noexcept {
    waiting_.take(list);
    note_overflow();
  }
  void note_overflow() noexcept {
    // relaxed: a hint for others, exact for the owner.
    overflow_count_.store(overflow_.count() + waiting_.count(), std::memory_order_relaxed);
  }
  /// How many have been retired since the last scan: at least, if somebody else has taken some.
  std::int64_t retired_since() const noexcept {
    return static_cast<std::int64_t>(ring_.retired() - counted_from_);
  }
  void begin_batch(std::uint64_t position) noexcept { counted_from_ = position; }
  /// By one who scans for himself and finds something here: whether the owner has done nothing for
  /// so long that it is worth claiming what he has. At 8 scans, 16, 32 and so on: it may be in
  /// vain.
  bool is_left_alone() noexcept {
    // relaxed, all: hints; several who scan at once count once, or one for another.
    const std::uint64_t position = ring_.retired();
    if (seen_position_.load(std::memory_order_relaxed) != position) {
      seen_position_.store(position, std::memory_order_relaxed);
      scans_seen_.store(0, std::memory_order_relaxed);
      return false;
    }
    const std::uint32_t scans = scans_seen_.load(std::memory_order_relaxed) + 1;
    scans_seen_.store(scans, std::memory_order_relaxed);
    return scans >= 8 && (scans & (scans - 1)) == 0;
  }
  void note_parked() noexcept {
    parked_count_.store(parks_.count(), std::memory_order_relaxed);  // relaxed: as above
  }
  bool is_empty() const noexcept {
    // relaxed: hints
    return ring_.is_empty() && overflow_count_.load(std::memory_order_relaxed) == 0 &&
           parked_count_.load(std::memory_order_relaxed) == 0;
  }

  thread_slot& owner_;
  std::atomic<thread_slot*> claimed_by_{nullptr};

  // Touched by the owner alone.
  std::uint64_t counted_from_ = 0;  ///< position in the ring, less what was retired elsewhere
  bool is_scanning_shared_ = false;

  std::atomic<std::uint64_t> seen_position_{0};  ///< of the ring, by others
  std::atomic<std::uint32_t> scans_seen_{0};     ///< of others, since it was there
  std::atomic<std::size_t> overflow_count_{0};
  std::atomic<std::size_t> parked_count_{0};
  epoch_list overflow_;
  epoch_list waiting_;
  epoch_parks parks_;
  retired_ring<RingCapacity> ring_;
};

/// Room for what waits and what is fresh, with the usual batch.
using epoch_record = basic_epoch_record<256>;

}  // namespace concur::inline CONCUR_ABI::detail
