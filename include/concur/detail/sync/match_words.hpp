// SPDX-License-Identifier: MIT
/// \file
/// Compares one key with all keys of a bucket at once.
///
/// On x86-64 with 8-byte keys this is a vector comparison of words that other threads may be
/// writing. The C++ memory model does not know such a load; the hardware does: it reads each
/// aligned 8-byte word as a whole, and never reorders loads, and the volatile access and the
/// compiler fence keep the compiler from doing so. That is all that the caller relies on: each lane
/// is some value that the word had, as with its portable twin of atomic loads, which sanitizers,
/// the model checker and other processors get. Nothing else in the library depends on such a thing.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/sync/word_copy.hpp>
#include <cstddef>
#include <cstdint>

#if !CONCUR_PORTABLE_LOADS && defined(__SSE2__) && defined(__x86_64__)
#include <emmintrin.h>
#define CONCUR_VECTOR_LOADS 1
#else
#define CONCUR_VECTOR_LOADS 0
#endif

namespace concur::inline CONCUR_ABI::detail {

/// Bit i of the result: `words[i]` has the bytes of `key`. Each word is loaded once, acquire.
template <unsigned Count, class Key>
CONCUR_FORCEINLINE unsigned match_words_portable(const atomic_words<Key>* words,
                                                 const Key& key) noexcept {
  unsigned mask = 0;
  for (unsigned i = 0; i < Count; ++i) {
    mask |= static_cast<unsigned>(words[i].has_bytes_of(key)) << i;
  }
  return mask;
}

#if CONCUR_VECTOR_LOADS
#if defined(__AVX2__)
/// Three or four 8-byte words at once. With three the 8 bytes after the last word are read too, and
/// ignored: they are part of the same bucket.
template <unsigned Count>
CONCUR_FORCEINLINE unsigned match_words_wide(const void* words, std::uint64_t key) noexcept {
  using four = long long __attribute__((vector_size(32), aligned(8), may_alias));
  const auto wanted = static_cast<long long>(key);
  const four found = *static_cast<const volatile four*>(words);
  const auto equal = found == four{wanted, wanted, wanted, wanted};
  using four_doubles = double __attribute__((vector_size(32)));
  const int mask = __builtin_ia32_movmskpd256(reinterpret_cast<four_doubles>(equal));
  std::atomic_signal_fence(std::memory_order_acquire);
  return static_cast<unsigned>(mask) & ((1u << Count) - 1);
}
#endif

/// Two 8-byte words at a time. `words` is 16-byte aligned; with an odd count the 8 bytes after the
/// last word are read too, and ignored: they are part of the same bucket.
template <unsigned Count>
CONCUR_FORCEINLINE unsigned match_words_vector(const void* words, std::uint64_t key) noexcept {
  const __m128i wanted = _mm_set1_epi64x(static_cast<long long>(key));
  unsigned mask = 0;
  for (unsigned i = 0; i < Count; i += 2) {
    const __m128i found = *(static_cast<const volatile __m128i*>(words) + i / 2);
#if defined(__SSE4_1__)
    const __m128i equal = reinterpret_cast<__m128i>(reinterpret_cast<__v2di>(found) ==
                                                    reinterpret_cast<__v2di>(wanted));
#else
    const __m128i halves = _mm_cmpeq_epi32(found, wanted);
    const __m128i equal = _mm_and_si128(halves, _mm_shuffle_epi32(halves, 0xb1));
#endif
    mask |= static_cast<unsigned>(_mm_movemask_pd(_mm_castsi128_pd(equal))) << i;
  }
  std::atomic_signal_fence(std::memory_order_acquire);
  return mask & ((1u << Count) - 1);
}
#endif

template <unsigned Count, class Key>
CONCUR_FORCEINLINE unsigned match_words(const atomic_words<Key>* words, const Key& key) noexcept {
#if CONCUR_VECTOR_LOADS
#if defined(__AVX2__)
  if constexpr (sizeof(Key) == 8 && (Count == 3 || Count == 4)) {
    return match_words_wide<Count>(words, std::bit_cast<std::uint64_t>(key));
  }
#endif
  if constexpr (sizeof(Key) == 8 && Count >= 2 && Count <= 5) {
    return match_words_vector<Count>(words, std::bit_cast<std::uint64_t>(key));
  }
#endif
  return match_words_portable<Count>(words, key);
}

}  // namespace concur::inline CONCUR_ABI::detail
