// SPDX-License-Identifier: MIT
/// \file
/// Memory that is aligned to more than an allocator need honour. It is taken in units that every
/// allocator can align, and aligned here; the unit before it says where it begins.
///
///     [ ... | begin | what the caller gets, at a multiple of Alignment ... | ... ]
#pragma once

#include <concur/detail/config.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <new>

namespace concur::inline CONCUR_ABI::detail {

template <class Allocator, std::size_t Alignment>
class aligned_units {
 public:
  struct unit {
    alignas(std::max_align_t) unsigned char bytes[alignof(std::max_align_t)];
  };
  static_assert(Alignment % sizeof(unit) == 0 && sizeof(unit) >= sizeof(unit*));

  /// How many hold so many bytes, and what aligning them takes. `std::length_error` if that
  /// overflows.
  static constexpr std::size_t units_for(std::size_t bytes) {
    return checked_add(bytes, sizeof(unit) - 1) / sizeof(unit) + Alignment / sizeof(unit);
  }

  /// Throws what the allocator throws.
  [[nodiscard]] static void* allocate(const Allocator& allocator, std::size_t units) {
    unit* const memory = allocate_for<unit>(allocator, units);
    const auto behind = reinterpret_cast<std::uintptr_t>(memory) & (Alignment - 1);
    unit* const aligned = memory + (Alignment - behind) / sizeof(unit);
    ::new (static_cast<void*>(aligned - 1)) unit*(memory);
    return aligned;
  }
  /// Gives back what `allocate` returned for the same number.
  static void deallocate(const Allocator& allocator, void* aligned, std::size_t units) noexcept {
    unit* const before = static_cast<unit*>(aligned) - 1;
    deallocate_for(allocator, *std::launder(reinterpret_cast<unit**>(before)), units);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail
