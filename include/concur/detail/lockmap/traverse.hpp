// SPDX-License-Identifier: MIT
/// \file
/// A walk over all states, in the order of their hashes: a run of homes at a time is pinned under
/// the shard's lock, and looked at outside. What is pinned stays; a table that is replaced between
/// two runs has the same order.
#pragma once

#include <concur/detail/lockmap/memory.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// The states of one run, pinned; those that are left are unpinned at the end.
template <class Locks>
class pinned_run {
 public:
  using state_type = typename Locks::state_type;
  using allocator_type = rebind<typename Locks::allocator_type, key_state*>;

  explicit pinned_run(Locks& owner) noexcept : owner_(owner), allocator_(owner.allocator()) {}
  pinned_run(const pinned_run&) = delete;
  pinned_run& operator=(const pinned_run&) = delete;
  ~pinned_run() {
    while (state_type* state = pop()) owner_.unpin(*state);
    if (more_ != nullptr) deallocate(allocator_, more_, capacity_);
  }

  /// The next state; its pin is the caller's.
  state_type* pop() noexcept {
    return next_ == size_ ? nullptr : static_cast<state_type*>(states()[next_++]);
  }

  /// Pins the states of `s` with a hash in [from, to], of about `n` homes from that of `from` on.
  /// Returns the last hash that is dealt with, at most `to`.
  std::uint64_t fill(shard& s, std::uint64_t from, std::uint64_t to, std::size_t n) {
    for (;;) {
      next_ = size_ = 0;
      std::uint64_t last = to;
      if (try_fill(s, from, to, n, last)) return last;
      while (state_type* state = pop()) owner_.unpin(*state);
      next_ = size_ = 0;
      grow();
    }
  }

 private:
  key_state** states() noexcept { return more_ != nullptr ? more_ : few_; }

  bool try_fill(shard& s, std::uint64_t from, std::uint64_t to, std::size_t n,
                std::uint64_t& last) noexcept {
    using layout = typename Locks::layout;
    const lock_holder locked(s.lock);
    const std::uintptr_t word = s.table_word();
    if (word == 0) return true;
    const table_view view(word, layout::log2_shards);
    const std::size_t first = view.home_of(from);
    std::size_t end = view.home_of(to) + 1;
    if (end - first > n) {
      end = first + n;
      last = layout::first_hash(layout::shard_of(from)) + view.hash_of_home(end) - 1;
    }
    // A state lies at its home or behind, with no empty slot between.
    for (std::size_t i = first, seen = 0; seen < view.slot_count(); ++i, ++seen) {
      const slot_word here = view.load(i);
      if (here.is_empty() && i >= end - 1) break;
      if (!here.is_state()) continue;
      auto& state = static_cast<state_type&>(*here.state());
      if (state.hash() < from || state.hash() > last) continue;
      // Its first element is being made. Were it pinned, it could not go if that fails.
      if (!state.is_keyed()) continue;
      if (size_ == capacity_) return false;
      // It is in the table, and stays there while we have the lock.
      if (state.try_pin()) states()[size_++] = &state;
    }
    return true;
  }

  void grow() {
    key_state** const fresh = allocate(allocator_, capacity_ * 4);
    if (more_ != nullptr) deallocate(allocator_, more_, capacity_);
    more_ = fresh;
    capacity_ *= 4;
  }

  static constexpr std::size_t few = 128;
  Locks& owner_;
  allocator_type allocator_;
  std::size_t next_ = 0;
  std::size_t size_ = 0;
  std::size_t capacity_ = few;
  key_state** more_ = nullptr;
  key_state* few_[few];
};

/// The runs of `range`, one after the other.
template <class Locks>
class walk {
 public:
  using layout = typename Locks::layout;

  walk(Locks& owner, hash_range range) noexcept
      : owner_(owner), next_(range.first), last_(range.last) {}

  bool is_over() const noexcept { return is_over_; }
  /// Where the next run begins; 0 when it is over.
  std::uint64_t cursor() const noexcept { return is_over_ ? 0 : next_; }

  /// each(state) for every state of a run of about `n` homes; the pin is `each`'s. False if it said
  /// no.
  template <class Each>
  bool step(std::size_t n, Each&& each) {
    shard* const all = owner_.all_shards();
    if (all == nullptr) {
      is_over_ = true;
      return true;
    }
    const std::size_t index = layout::shard_of(next_);
    const std::uint64_t end = layout::last_hash(index) < last_ ? layout::last_hash(index) : last_;
    pinned_run<Locks> run(owner_);
    const std::uint64_t done = run.fill(all[index], next_, end, n);
    while (auto* state = run.pop()) {
      if (!each(*state)) return false;
    }
    is_over_ = done == last_;
    next_ = done + 1;
    return true;
  }

 private:
  Locks& owner_;
  std::uint64_t next_;
  std::uint64_t last_;
  bool is_over_ = false;
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
