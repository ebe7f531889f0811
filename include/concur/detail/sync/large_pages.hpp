// SPDX-License-Identifier: MIT
/// \file
/// What the library asks of the kernel for its large tables, and the only place that decides it.
///
/// - Large pages for memory that is read at random: a table of hundreds of megabytes has more small
///   pages than the processor remembers, and each find would look up two of them. From 32 MiB on,
///   because malloc takes that much from the kernel for this one block, so that the advice ends
///   with it. From 4 MiB on for a block that is made once, for the life of a map: if malloc had it
///   in its heap, then that part of the heap may have large pages afterwards, too, and no more
///   memory for it than the block had. It is advice: where large pages are off, or the kernel
///   refuses, nothing happens.
/// - Memory is given back in portions before the block is freed: the kernel needs milliseconds for
///   the small pages of a large table, and the thread that frees it came to do something else.
///
/// Both only for memory of `std::allocator`: another allocator's may be locked, shared, or used by
/// the next one as it is.
#pragma once

#include <concur/detail/bits/equal_to.hpp>  // declares std::allocator
#include <concur/detail/config.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace concur::inline CONCUR_ABI::detail {

struct large_pages {
  static constexpr std::size_t advised_from = std::size_t{32} << 20;
  static constexpr std::size_t advised_once_from = std::size_t{4} << 20;
  static constexpr std::size_t portion = std::size_t{2} << 20;

  /// Whether memory of this allocator may be advised on.
  template <class Allocator>
  static constexpr bool may_advise =
      std::is_same_v<Allocator, std::allocator<typename Allocator::value_type>>;

  /// For a block that was just allocated, of `from` bytes or more.
  static void advise([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes,
                     [[maybe_unused]] std::size_t from = advised_from) noexcept {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (bytes < from) return;
    constexpr std::uintptr_t page = 65536;  // or a divisor of it
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    const std::uintptr_t first = (begin + page - 1) & ~(page - 1);
    const std::uintptr_t end = (begin + bytes) & ~(page - 1);
    ::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
  }

  /// Gives back one portion of a block that will be freed soon, and that nobody reads any more.
  /// The result is how much of it is still to be given back.
  static std::size_t give_back([[maybe_unused]] void* memory,
                               [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__) && defined(MADV_DONTNEED)
    // Whole portions of the address space: part of a large page would first be split.
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    const std::uintptr_t end = (begin + bytes) & ~(portion - 1);
    if (end >= begin + 2 * portion) {
      ::madvise(reinterpret_cast<void*>(end - portion), portion, MADV_DONTNEED);
      return end - portion - begin;
    }
#endif
    return 0;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail
