// SPDX-License-Identifier: MIT
/// \file
/// Copies the pairs of a leaf into another one that nobody else knows of yet.
#pragma once

#include <concur/detail/config.hpp>
#include <concur/detail/sync/match_words.hpp>
#include <cstddef>

namespace concur::inline CONCUR_ABI::detail::cmap {

#if CONCUR_VECTOR_LOADS
inline constexpr bool has_wide_copy = true;

/// One to six pairs of 16 bytes, without a branch that depends on how many: which would be guessed
/// wrong as often as leaves differ, and every wrong guess costs more than all of this. With an odd
/// count 16 bytes after the last pair are read and written too. In a leaf they are a pair or in the
/// header: others may be writing what is read there, and it has no meaning; whoever calls writes
/// what belongs there afterwards. (match_words.hpp says why the load is volatile.)
///
/// `Part`: what is copied at once. Of what was just written pair by pair that is one pair: a load
/// of two would wait until both have left the processor.
template <class Part>
CONCUR_FORCEINLINE void copy_pairs(void* to, const void* from, unsigned count) noexcept {
  using vector = typename Part::vector;
  constexpr std::size_t step = 32;
  const auto copy_two = [=](std::size_t at) {
    for (std::size_t i = at; i != at + step; i += sizeof(vector)) {
      *reinterpret_cast<vector*>(static_cast<unsigned char*>(to) + i) =
          *reinterpret_cast<const volatile vector*>(static_cast<const unsigned char*>(from) + i);
    }
  };
  const std::size_t last = (count - 1) / 2 * step;
  copy_two(0);
  copy_two(last < step ? last : step);
  copy_two(last);
}

// In classes: a template argument would lose the attributes.
struct one_pair {
  using vector = long long __attribute__((vector_size(16), aligned(16), may_alias));
};
#if defined(__AVX2__)
struct two_pairs {
  using vector = long long __attribute__((vector_size(32), aligned(16), may_alias));
};
#else
using two_pairs = one_pair;
#endif
#else
inline constexpr bool has_wide_copy = false;
struct one_pair;
struct two_pairs;
template <class Part>
void copy_pairs(void* to, const void* from, unsigned count) noexcept = delete;
#endif

}  // namespace concur::inline CONCUR_ABI::detail::cmap
