// SPDX-License-Identifier: MIT
/// \file
/// How a slot holds its value. Three forms of one interface, and the slots that are made of them:
///
///     copied_value   trivially copyable, own memory: read as copies that the word validates. Up to
///                    8 bytes are one atomic word; longer ones are stored while `publishing` is set
///     paired_value   trivially copyable, shared memory: two copies, of which the word names the
///     one
///                    that counts. A writer stores the other one; the compare-and-swap that unlocks
///                    makes it count. Who dies before has changed nothing, and no reader waits
///     placed_value   any type, own memory: read and changed in place, under the lock in the word
///
///     own slot     [word 8][bound 8][key 32][value up to 16]      one cache line
///     shared slot  [word 8][key 32][value up to 12, twice]        one cache line; bounds elsewhere
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/fixed_map/slot_word.hpp>
#include <concur/detail/sync/word_copy.hpp>
#include <concur/policy/construction.hpp>
#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

template <class T>
class copied_value {
 public:
  static constexpr bool is_in_place = false;
  static constexpr bool is_paired = false;
  static constexpr bool is_small = atomic_words<T>::is_single_word;

  /// Whether a reader that found the slot like this has to wait: for one copy of the value.
  static constexpr bool must_wait(slot_word seen) noexcept {
    return !is_small && seen.is_publishing();
  }
  /// Good only if the word is still the same afterwards.
  T load(unsigned) const noexcept {
    // acquire: if a word was stored by a later writer, the slot's word that is loaded next shows
    // it; pairs with `store`.
    return words_.template load<std::memory_order_acquire>();
  }
  void store(unsigned, const T& value) noexcept {
    // release: the slot's word was set before; pairs with `load`.
    words_.template store<std::memory_order_release>(value);
  }

 private:
  atomic_words<T> words_;
};

template <class T>
class paired_value {
  // A copy of 9 to 12 bytes is a word of 8 bytes and one of 4: two copies have 24 bytes.
  static constexpr bool is_split = sizeof(T) > 8 && sizeof(T) <= 12;
  using head_bytes = std::array<std::byte, 8>;
  using tail_bytes = std::array<std::byte, is_split ? sizeof(T) - 8 : 1>;

  struct split_copies {
    atomic_words<head_bytes> heads[2];
    atomic_words<tail_bytes> tails[2];
  };
  struct whole_copies {
    atomic_words<T> copies[2];
  };

 public:
  static constexpr bool is_in_place = false;
  static constexpr bool is_paired = true;
  static constexpr bool is_small = false;

  static constexpr bool must_wait(slot_word) noexcept { return false; }
  T load(unsigned copy) const noexcept {
    if constexpr (is_split) {
      struct bytes {
        head_bytes head;
        tail_bytes tail;
      };
      // acquire: as copied_value
      const bytes both{words_.heads[copy].template load<std::memory_order_acquire>(),
                       words_.tails[copy].template load<std::memory_order_acquire>()};
      static_assert(sizeof both == sizeof(T));
      return std::bit_cast<T>(both);
    } else {
      // acquire: as copied_value
      return words_.copies[copy].template load<std::memory_order_acquire>();
    }
  }
  void store(unsigned copy, const T& value) noexcept {
    if constexpr (is_split) {
      head_bytes head;
      tail_bytes tail;
      const auto* const from = reinterpret_cast<const std::byte*>(std::addressof(value));
      std::memcpy(&head, from, sizeof head);
      std::memcpy(&tail, from + sizeof head, sizeof tail);
      // release: as copied_value
      words_.heads[copy].template store<std::memory_order_release>(head);
      // release: as copied_value
      words_.tails[copy].template store<std::memory_order_release>(tail);
    } else {
      // release: as copied_value
      words_.copies[copy].template store<std::memory_order_release>(value);
    }
  }

 private:
  std::conditional_t<is_split, split_copies, whole_copies> words_;
};

template <class T>
class placed_value {
 public:
  static constexpr bool is_in_place = true;
  static constexpr bool is_paired = false;
  static constexpr bool is_small = false;

  template <class Allocator, class... Args>
  void construct(const Allocator& allocator, Args&&... args) {
    detail::construct(allocator, address(), std::forward<Args>(args)...);
  }
  void destroy() noexcept { get().~T(); }
  T& get() noexcept { return *std::launder(address()); }
  const T& get() const noexcept { return const_cast<placed_value*>(this)->get(); }

 private:
  T* address() noexcept { return reinterpret_cast<T*>(bytes_); }

  alignas(T) std::byte bytes_[sizeof(T)];
};

/// Whether readers may have copies of it at all times. A type that has no copy constructor, such as
/// `std::atomic`, may be trivially copyable all the same.
template <class T>
inline constexpr bool is_copied = std::is_trivially_copyable_v<T>&& std::is_copy_constructible_v<T>;

template <class T>
using own_value = std::conditional_t<is_copied<T>, copied_value<T>, placed_value<T>>;

/// A slot in memory of the map's own. All zero: empty, and home of nobody.
template <class Key, class T>
struct own_slot {
  using key_type = Key;
  using mapped_type = T;
  using value_form = own_value<T>;

  // Not of the slot itself: clang refuses that where a value wants more.
  alignas(cache_line_size) std::atomic<std::uint64_t> word{0};
  std::atomic<std::uint64_t> bound{0};
  atomic_words<Key> key;
  value_form value;
};

/// A slot in shared memory: the same, on every processor, for every compiler.
template <class Key, class T>
struct alignas(64) shared_slot {
  using key_type = Key;
  using mapped_type = T;
  using value_form = paired_value<T>;

  std::atomic<std::uint64_t> word{0};
  atomic_words<Key> key;
  value_form value;
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
