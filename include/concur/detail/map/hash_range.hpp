// SPDX-License-Identifier: MIT
/// \file
/// A closed interval of hashes: what a traversal covers, and how it is dealt out to threads.
#pragma once

#include <concur/version.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// The elements whose hash lies in [first, last], both inclusive; by default all of them.
struct hash_range {
  std::uint64_t first = 0;
  std::uint64_t last = ~std::uint64_t{0};

  /// The `index`-th of `count` intervals that together cover every hash exactly once.
  static constexpr hash_range part(std::size_t index, std::size_t count) noexcept {
    const std::uint64_t width = ~std::uint64_t{0} / count;
    const std::uint64_t first = width * index;
    // The last part takes what the division left over.
    return {first, index + 1 == count ? ~std::uint64_t{0} : first + (width - 1)};
  }

  constexpr bool contains(std::uint64_t hash) const noexcept {
    return first <= hash && hash <= last;
  }
  constexpr bool is_all() const noexcept { return first == 0 && last == ~std::uint64_t{0}; }
};

}  // namespace concur::inline CONCUR_ABI::detail
