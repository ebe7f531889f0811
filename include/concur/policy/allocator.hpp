// SPDX-License-Identifier: MIT
/// \file
/// How the library takes memory from a user's allocator: through `std::allocator_traits` alone,
/// with every size checked, and with fancy pointers turned into raw ones at the door. A fancy
/// pointer may be an offset from its own address, which an atomic word cannot hold; it is made
/// again by `pointer_traits<pointer>::pointer_to` when the memory goes back. Objects are not
/// constructed here: construction.hpp does that.
#pragma once

#include <bit>
#include <concur/detail/assert.hpp>
#include <concur/detail/bits/equal_to.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Allocator, class T>
using rebind = typename std::allocator_traits<Allocator>::template rebind_alloc<T>;

template <class Allocator>
using allocated_type = typename std::allocator_traits<Allocator>::value_type;

// Sizes. Every capacity that a user can name goes through these.

/// a + b, or `std::length_error`.
constexpr std::size_t checked_add(std::size_t a, std::size_t b) {
  if (b > std::numeric_limits<std::size_t>::max() - a) fail_length("concur: size overflows");
  return a + b;
}

/// a * b, or `std::length_error`.
constexpr std::size_t checked_multiply(std::size_t a, std::size_t b) {
  if (a != 0 && b > std::numeric_limits<std::size_t>::max() / a) {
    fail_length("concur: size overflows");
  }
  return a * b;
}

/// The smallest power of two that is not below `n`, or `std::length_error`.
constexpr std::size_t checked_bit_ceil(std::size_t n) {
  if (n > (std::numeric_limits<std::size_t>::max() >> 1) + 1) {
    fail_length("concur: size overflows");
  }
  return std::bit_ceil(n);
}

/// `count` divided by a fraction `numerator / denominator` of at most one, rounded up: how many
/// cells hold `count` elements at that load. `std::length_error` if it overflows.
constexpr std::size_t checked_cells(std::size_t count, std::size_t numerator,
                                    std::size_t denominator) {
  CONCUR_ASSERT(numerator != 0 && numerator <= denominator);
  return checked_add(checked_multiply(count, denominator), numerator - 1) / numerator;
}

// Memory.

/// The limit of an allocator is a guess when it has none of its own: of its size type.
template <class T>
constexpr void check_size(std::size_t n, std::size_t limit = ~std::size_t{0}) {
  constexpr std::size_t bytes = std::numeric_limits<std::ptrdiff_t>::max();
  if (n > bytes / sizeof(T) || n > limit) {
    fail_length("concur: more memory than the allocator can give");
  }
}

/// Memory for `n > 0` objects, uninitialised. Throws `std::length_error` when the allocator can
/// never give that much, and what the allocator throws.
template <class Allocator>
[[nodiscard]] allocated_type<Allocator>* allocate(Allocator& allocator, std::size_t n) {
  using traits = std::allocator_traits<Allocator>;
  using size_type = typename traits::size_type;
  check_size<allocated_type<Allocator>>(n, static_cast<std::size_t>(traits::max_size(allocator)));
  return std::to_address(traits::allocate(allocator, static_cast<size_type>(n)));
}

/// Gives back what `allocate` returned for the same `n`.
template <class Allocator>
void deallocate(Allocator& allocator, allocated_type<Allocator>* memory, std::size_t n) noexcept {
  using traits = std::allocator_traits<Allocator>;
  using pointer = typename traits::pointer;
  using size_type = typename traits::size_type;
  if constexpr (std::is_pointer_v<pointer>) {
    traits::deallocate(allocator, memory, static_cast<size_type>(n));
  } else {
    traits::deallocate(allocator, std::pointer_traits<pointer>::pointer_to(*memory),
                       static_cast<size_type>(n));
  }
}

/// The standard allocator calls `operator new`, by the letter of the standard: the library does so
/// itself, and spares every user the compilation of fifteen functions for each type in between.
template <class>
inline constexpr bool is_standard_allocator = false;
template <class T>
inline constexpr bool is_standard_allocator<std::allocator<T>> = true;

template <class T>
inline constexpr bool has_extended_alignment = alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;

/// `allocate` by an allocator of any type, made one of `T`.
template <class T, class Allocator>
[[nodiscard]] T* allocate_for(const Allocator& allocator, std::size_t n) {
  if constexpr (is_standard_allocator<Allocator>) {
    check_size<T>(n);
    const std::size_t bytes = n * sizeof(T);
    if constexpr (has_extended_alignment<T>) {
      return static_cast<T*>(::operator new (bytes, std::align_val_t{alignof(T)}));
    } else {
      return static_cast<T*>(::operator new(bytes));
    }
  } else {
    rebind<Allocator, T> rebound(allocator);
    return detail::allocate(rebound, n);
  }
}
template <class T, class Allocator>
void deallocate_for(const Allocator& allocator, T* memory, std::size_t n) noexcept {
  if constexpr (!is_standard_allocator<Allocator>) {
    rebind<Allocator, T> rebound(allocator);
    detail::deallocate(rebound, memory, n);
  } else {
#if defined(__cpp_sized_deallocation)
    const std::size_t bytes = n * sizeof(T);
    if constexpr (has_extended_alignment<T>) {
      ::operator delete (memory, bytes, std::align_val_t{alignof(T)});
    } else {
      ::operator delete(memory, bytes);
    }
#else
    static_cast<void>(n);
    if constexpr (has_extended_alignment<T>) {
      ::operator delete (memory, std::align_val_t{alignof(T)});
    } else {
      ::operator delete(memory);
    }
#endif
  }
}

/// Owns memory for `n` objects of `Allocator`'s type that nobody has constructed yet, or that
/// somebody has destroyed: gives it back unless it is released. Keeps a copy of the allocator.
template <class Allocator>
class [[nodiscard]] allocation {
 public:
  using value_type = allocated_type<Allocator>;

  /// For `n > 0` objects; throws as `allocate`.
  template <class OtherAllocator>
  allocation(const OtherAllocator& allocator, std::size_t n)
      : allocator_(allocator), size_(n), data_(detail::allocate(allocator_, n)) {}

  allocation(allocation&& other) noexcept
      : allocator_(other.allocator_), size_(other.size_), data_(other.release()) {}
  allocation& operator=(allocation&&) = delete;
  ~allocation() {
    if (data_ != nullptr) detail::deallocate(allocator_, data_, size_);
  }

  value_type* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  Allocator& allocator() noexcept { return allocator_; }

  /// The memory, which the caller owns from now on.
  [[nodiscard]] value_type* release() noexcept { return std::exchange(data_, nullptr); }

 private:
  CONCUR_NO_UNIQUE_ADDRESS Allocator allocator_;
  std::size_t size_;
  value_type* data_;
};

// Propagation: which allocator a map has after copy, move and swap.

template <class Allocator>
inline constexpr bool pocca =
    std::allocator_traits<Allocator>::propagate_on_container_copy_assignment::value;
template <class Allocator>
inline constexpr bool pocma =
    std::allocator_traits<Allocator>::propagate_on_container_move_assignment::value;
template <class Allocator>
inline constexpr bool pocs = std::allocator_traits<Allocator>::propagate_on_container_swap::value;
template <class Allocator>
inline constexpr bool always_equal = std::allocator_traits<Allocator>::is_always_equal::value;

/// Of a map that is copied.
template <class Allocator>
Allocator allocator_of_copy(const Allocator& source) {
  return std::allocator_traits<Allocator>::select_on_container_copy_construction(source);
}

/// In a copy assignment, when `to` has given everything back.
template <class Allocator>
void copy_assign_allocator(Allocator& to, const Allocator& from) noexcept {
  if constexpr (pocca<Allocator>) to = from;
}

/// In a move assignment, when `to` has given everything back.
template <class Allocator>
void move_assign_allocator(Allocator& to, Allocator& from) noexcept {
  if constexpr (pocma<Allocator>) to = std::move(from);
}

/// In a swap. Allocators that do not propagate must be equal.
template <class Allocator>
void swap_allocators(Allocator& a, Allocator& b) noexcept {
  if constexpr (pocs<Allocator>) {
    using std::swap;
    swap(a, b);
  } else {
    CONCUR_ASSERT(always_equal<Allocator> || a == b);
  }
}

/// May a move assignment take the memory of `from` over? Otherwise it moves element by element.
template <class Allocator>
bool memory_moves(const Allocator& to, const Allocator& from) noexcept {
  if constexpr (pocma<Allocator> || always_equal<Allocator>) {
    return true;
  } else {
    return to == from;
  }
}

}  // namespace concur::inline CONCUR_ABI::detail
