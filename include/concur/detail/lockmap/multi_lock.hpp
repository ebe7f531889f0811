// SPDX-License-Identifier: MIT
/// \file
/// Many keys at once, in one global order.
///
/// 1. pin the states of all keys, each once; those of absent keys are made. A pinned state stays
///    where it is, so that all who want a key agree on its address.
/// 2. sort by address
/// 3. take them in that order
///
/// Whoever waits in step 3 holds only states of lower addresses: no cycle among those who lock many
/// keys, whatever keys they have in common. A thread that held a key before could be part of one,
/// and is refused where it would wait without end.
#pragma once

#include <concur/detail/assert.hpp>
#include <concur/detail/bits/mix.hpp>
#include <concur/detail/lockmap/entry.hpp>
#include <concur/detail/map/keys.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// Keys that are held exclusively, until it is destroyed or `unlock`ed. Empty if they could not be
/// had; all or none of them.
template <class Engine>
class [[nodiscard]] entries {
 public:
  using value_type = entry<Engine>;
  using key_type = typename Engine::key_type;
  using size_type = std::size_t;
  using iterator = value_type*;
  using const_iterator = const value_type*;

  entries() noexcept = default;
  entries(entries&& other) noexcept
      : engine_(other.engine_),
        first_(std::exchange(other.first_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)),
        is_held_(std::exchange(other.is_held_, false)) {}
  entries& operator=(entries&& other) noexcept {
    if (this != &other) {
      unlock();
      engine_ = other.engine_;
      first_ = std::exchange(other.first_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
      is_held_ = std::exchange(other.is_held_, false);
    }
    return *this;
  }
  ~entries() { unlock(); }

  /// Whether the keys are held. No keys at all are always held.
  explicit operator bool() const noexcept { return is_held_; }
  size_type size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// The entries, each key once, in no particular order.
  iterator begin() noexcept { return first_; }
  iterator end() noexcept { return first_ + size_; }
  const_iterator begin() const noexcept { return first_; }
  const_iterator end() const noexcept { return first_ + size_; }

  /// The entry of `k`, or `std::out_of_range` if it is not among them. O(size).
  template <class K = key_type>
  value_type& operator[](const K& k) const {
    if constexpr (converted_at_once<const K&, key_type> && !std::is_same_v<K, key_type>) {
      return (*this)[static_cast<key_type>(k)];
    } else {
      for (size_type i = 0; i < size_; ++i) {
        if (engine_->key_eq()(first_[i].key(), k)) return first_[i];
      }
      fail_out_of_range("concur: the key is not among those that were locked");
    }
  }

  /// Gives all keys back.
  void unlock() noexcept {
    is_held_ = false;
    if (first_ == nullptr) return;
    while (size_ != 0) std::destroy_at(first_ + --size_);
    auto allocator = entry_allocator();
    deallocate(allocator, std::exchange(first_, nullptr), capacity_);
  }

 private:
  template <class>
  friend class multi_lock;

  using allocator_type = rebind<typename Engine::allocator_type, value_type>;
  allocator_type entry_allocator() const { return allocator_type(engine_->allocator()); }

  entries(Engine& engine, size_type n) : engine_(&engine), capacity_(n) {
    if (n == 0) return;
    auto allocator = entry_allocator();
    first_ = allocate(allocator, n);
  }
  void add(value_type&& one) noexcept {
    ::new (static_cast<void*>(first_ + size_)) value_type(std::move(one));
    ++size_;
  }

  Engine* engine_ = nullptr;
  value_type* first_ = nullptr;
  size_type size_ = 0;
  size_type capacity_ = 0;
  bool is_held_ = false;
};

template <class Engine>
class multi_lock {
  using state_type = typename Engine::state_type;
  using allocator_type = rebind<typename Engine::allocator_type, state_type*>;

 public:
  explicit multi_lock(Engine& engine) noexcept : engine_(engine), allocator_(engine.allocator()) {}
  multi_lock(const multi_lock&) = delete;
  multi_lock& operator=(const multi_lock&) = delete;
  ~multi_lock() {
    for (std::size_t i = 0; i < capacity_; ++i) {
      if (states_[i] != nullptr) engine_.unpin(*states_[i]);
    }
    if (states_ != nullptr) deallocate(allocator_, states_, capacity_);
  }

  /// A state that the caller has pinned, for which he has made room. One that is there already is
  /// unpinned at once: a key has room for a few thousand pins.
  void add(state_type& pinned) noexcept {
    state_type*& place = place_of(pinned);
    if (place != nullptr) {
      engine_.unpin(pinned);
    } else {
      place = &pinned;
      ++size_;
    }
  }
  /// Room for one more, before it is pinned: a pin must not be lost.
  void make_room() {
    if (4 * (size_ + 1) <= 3 * capacity_) return;
    const std::size_t wanted = capacity_ == 0 ? 8 : checked_multiply(capacity_, 2);
    state_type** const old = std::exchange(states_, allocate(allocator_, wanted));
    const std::size_t old_capacity = std::exchange(capacity_, wanted);
    for (std::size_t i = 0; i < wanted; ++i) states_[i] = nullptr;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old[i] != nullptr) place_of(*old[i]) = old[i];
    }
    if (old != nullptr) deallocate(allocator_, old, old_capacity);
  }

  template <class Patience>
  entries<Engine> take(Patience&& patience) {
    compact();
    sort();
    entries<Engine> result(engine_, size_);
    // From the lowest address; those that are taken leave from the front.
    std::size_t done = 0;
    const remaining rest{*this, done};
    for (; done < size_; ++done) {
      state_type& state = *states_[done];
      if (!engine_.template take_pinned<lock_mode::exclusive>(state, patience)) return {};
      result.add(
          entry_maker<Engine>::exclusive_pinned(engine_, {&state, state.look().is_present()}));
    }
    result.is_held_ = true;
    return result;
  }

 private:
  /// Keeps the pins of what was not taken for the destructor to give back.
  struct remaining {
    multi_lock& all;
    std::size_t& done;
    ~remaining() {
      for (std::size_t i = 0; i < done; ++i) all.states_[i] = nullptr;
    }
  };

  /// Where `state` is, or is to be: a hash table of addresses, a quarter of it empty.
  state_type*& place_of(const state_type& state) noexcept {
    const std::size_t mask = capacity_ - 1;
    std::uint64_t i = mix_bijective(reinterpret_cast<std::uintptr_t>(&state));
    while (states_[i & mask] != nullptr && states_[i & mask] != &state) ++i;
    return states_[i & mask];
  }
  /// All to the front: no hash table any more.
  void compact() noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < capacity_; ++i) {
      state_type* const state = std::exchange(states_[i], nullptr);
      if (state != nullptr) states_[kept++] = state;
    }
  }

  static bool before(const state_type* a, const state_type* b) noexcept {
    return reinterpret_cast<std::uintptr_t>(a) < reinterpret_cast<std::uintptr_t>(b);
  }
  /// A heap sort: <algorithm> costs more to parse than this file.
  void sort() noexcept {
    for (std::size_t i = size_ / 2; i != 0; --i) sift(i - 1, size_);
    for (std::size_t n = size_; n > 1; --n) {
      std::swap(states_[0], states_[n - 1]);
      sift(0, n - 1);
    }
  }
  void sift(std::size_t i, std::size_t n) noexcept {
    for (std::size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
      if (child + 1 < n && before(states_[child], states_[child + 1])) ++child;
      if (!before(states_[i], states_[child])) return;
      std::swap(states_[i], states_[child]);
      i = child;
    }
  }

  Engine& engine_;
  allocator_type allocator_;
  state_type** states_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
