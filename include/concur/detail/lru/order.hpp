// SPDX-License-Identifier: MIT
/// \file
/// A walk over the elements of a cache by recency: all of them are pinned, a region at a time under
/// its lock, and shown outside. Between regions the order is by rank: see regions.hpp.
#pragma once

#include <concur/policy/allocator.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstddef>

namespace concur::inline CONCUR_ABI::detail::lru {

enum class walk_from : bool { coldest, hottest };

/// Pinned states, those that were not shown are unpinned at the end.
template <class Engine>
class pinned_order {
  using state_type = typename Engine::state_type;
  using allocator_type = rebind<typename Engine::allocator_type, state_type*>;

 public:
  explicit pinned_order(Engine& owner) noexcept : owner_(owner), allocator_(owner.allocator()) {}
  pinned_order(const pinned_order&) = delete;
  pinned_order& operator=(const pinned_order&) = delete;
  ~pinned_order() {
    for (std::size_t i = 0; i < size_; ++i) {
      if (states_[i] != nullptr) owner_.unpin(*states_[i]);
    }
    if (states_ != nullptr) deallocate(allocator_, states_, capacity_);
  }

  /// Pins what belongs to `r`, the coldest first. Throws what the allocator throws.
  template <class Region>
  void add(Region& r) {
    const std::size_t begin = size_;
    while (!try_add(r)) {
      while (size_ != begin) owner_.unpin(*states_[--size_]);
      grow();
    }
  }
  std::size_t size() const noexcept { return size_; }
  /// The pin is the caller's now.
  state_type& release(std::size_t i) noexcept {
    state_type& given = *states_[i];
    states_[i] = nullptr;
    return given;
  }

  /// each(index) by rank over parts that end at `ends[0 .. parts)`, while it says true.
  template <class Each>
  static void from_coldest(const std::size_t* ends, std::size_t parts, Each each) {
    const std::size_t rounds = longest(ends, parts);
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t p = 0; p < parts; ++p) {
        const run here(ends, p, round, rounds);
        for (std::size_t i = here.begin; i < here.end; ++i) {
          if (!each(i)) return;
        }
      }
    }
  }
  /// The same the other way round.
  template <class Each>
  static void from_hottest(const std::size_t* ends, std::size_t parts, Each each) {
    const std::size_t rounds = longest(ends, parts);
    for (std::size_t round = rounds; round != 0; --round) {
      for (std::size_t p = parts; p != 0; --p) {
        const run here(ends, p - 1, round - 1, rounds);
        for (std::size_t i = here.end; i != here.begin; --i) {
          if (!each(i - 1)) return;
        }
      }
    }
  }

 private:
  static std::size_t begin_of(const std::size_t* ends, std::size_t part) noexcept {
    return part == 0 ? 0 : ends[part - 1];
  }
  static std::size_t longest(const std::size_t* ends, std::size_t parts) noexcept {
    std::size_t most = 0;
    for (std::size_t p = 0; p < parts; ++p) {
      const std::size_t n = ends[p] - begin_of(ends, p);
      most = n > most ? n : most;
    }
    return most;
  }
  /// What a part gives in a round: n of them in all, evenly.
  struct run {
    run(const std::size_t* ends, std::size_t part, std::size_t round, std::size_t rounds) noexcept {
      const std::size_t first = begin_of(ends, part);
      const std::size_t n = ends[part] - first;
      begin = first + n * round / rounds;
      end = first + n * (round + 1) / rounds;
    }
    std::size_t begin;
    std::size_t end;
  };

  template <class Region>
  bool try_add(Region& r) noexcept {
    bool fits = true;
    const auto pin = [&](eviction::node& n) {
      fits = size_ < capacity_;
      if (!fits) return false;
      state_type& state = state_type::of(n);
      if (state.try_pin()) states_[size_++] = &state;
      return true;
    };
    r.lock.lock();
    if constexpr (requires { r.queue.settle(); }) r.queue.settle();
    // Those that are held, and were found so when their turn came, are in use: the hottest.
    r.queue.for_each(pin);
    if (fits) r.parked.for_each(pin);
    r.lock.unlock();
    return fits;
  }
  void grow() {
    const std::size_t wanted = capacity_ == 0 ? 64 : checked_multiply(capacity_, 2);
    state_type** const fresh = allocate(allocator_, wanted);
    for (std::size_t i = 0; i < size_; ++i) fresh[i] = states_[i];
    if (states_ != nullptr) deallocate(allocator_, states_, capacity_);
    states_ = fresh;
    capacity_ = wanted;
  }

  Engine& owner_;
  allocator_type allocator_;
  state_type** states_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
