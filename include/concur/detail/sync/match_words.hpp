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
/// Eight tags of a byte are compared at once by the same rule, byte for byte, also on AArch64,
/// where it is a word, and a fence keeps the order.
#pragma once

#include <atomic>
#include <bit>
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
/// With an odd count the 8 bytes before the first word are read too, and ignored: what they are is
/// part of the same bucket, and seldom written. (Those after the last one are a value: a vector
/// load of what was stored a moment ago as a word waits until it has left the store buffer.)
template <unsigned Count>
inline constexpr unsigned words_before = Count % 2;

#if defined(__AVX2__)
/// Three or four 8-byte words at once.
template <unsigned Count>
CONCUR_FORCEINLINE unsigned match_words_wide(const std::uint64_t* words,
                                             std::uint64_t key) noexcept {
  using four = long long __attribute__((vector_size(32), aligned(8), may_alias));
  const auto wanted = static_cast<long long>(key);
  const four found = *reinterpret_cast<const volatile four*>(words - words_before<Count>);
  const auto equal = found == four{wanted, wanted, wanted, wanted};
  using four_doubles = double __attribute__((vector_size(32)));
  const int mask = __builtin_ia32_movmskpd256(reinterpret_cast<four_doubles>(equal));
  std::atomic_signal_fence(std::memory_order_acquire);
  if (mask < 0 || mask > 15) __builtin_unreachable();  // g++ does not know it of four lanes
  return static_cast<unsigned>(mask) >> words_before<Count>;
}
#endif

/// Two 8-byte words at a time.
template <unsigned Count>
CONCUR_FORCEINLINE unsigned match_words_vector(const std::uint64_t* words,
                                               std::uint64_t key) noexcept {
  using two = long long __attribute__((vector_size(16), aligned(8), may_alias));
  const __m128i wanted = _mm_set1_epi64x(static_cast<long long>(key));
  unsigned mask = 0;
  for (unsigned i = 0; i < Count; i += 2) {
    const two found = *reinterpret_cast<const volatile two*>(words - words_before<Count> + i);
#if defined(__SSE4_1__)
    const __m128i equal = reinterpret_cast<__m128i>(found == reinterpret_cast<__v2di>(wanted));
#else
    const __m128i halves = _mm_cmpeq_epi32(reinterpret_cast<__m128i>(found), wanted);
    const __m128i equal = _mm_and_si128(halves, _mm_shuffle_epi32(halves, 0xb1));
#endif
    const int lanes = _mm_movemask_pd(_mm_castsi128_pd(equal));
    if (lanes < 0 || lanes > 3) __builtin_unreachable();  // as above
    mask |= static_cast<unsigned>(lanes) << i;
  }
  std::atomic_signal_fence(std::memory_order_acquire);
  return mask >> words_before<Count>;
}
#endif

/// Bit i of the result: `words[i]` has the bytes of `key`. There are 8 readable bytes before.
template <unsigned Count, class Key>
CONCUR_FORCEINLINE unsigned match_words(const atomic_words<Key>* words, const Key& key) noexcept {
#if CONCUR_VECTOR_LOADS
  if constexpr (sizeof(Key) == 8 && Count >= 2 && Count <= 5) {
    const auto* const first = reinterpret_cast<const std::uint64_t*>(words);
    const auto wanted = std::bit_cast<std::uint64_t>(key);
#if defined(__AVX2__)
    if constexpr (Count == 3 || Count == 4) return match_words_wide<Count>(first, wanted);
#endif
    return match_words_vector<Count>(first, wanted);
  }
#endif
  return match_words_portable<Count>(words, key);
}

// --- tags of one byte ---

inline constexpr unsigned tags_at_once = 8;

/// The tags that matched, the first one first: one bit for each, in a word of eight bytes the last
/// bit of its byte.
class tag_matches {
 public:
  static constexpr unsigned bits_per_tag = CONCUR_VECTOR_LOADS ? 1 : 8;

  explicit constexpr tag_matches(std::uint64_t bits) noexcept : bits_(bits) {}
  static constexpr std::uint64_t bit_of(unsigned i) noexcept {
    return std::uint64_t{1} << (bits_per_tag * (i + 1) - 1);
  }

  explicit constexpr operator bool() const noexcept { return bits_ != 0; }
  unsigned first() const noexcept {
#if !defined(_MSC_VER) || defined(__clang__)
    // No answer to 0 is asked for.
    return static_cast<unsigned>(__builtin_ctzll(bits_)) / bits_per_tag;
#else
    return static_cast<unsigned>(std::countr_zero(bits_)) / bits_per_tag;
#endif
  }
  void drop_first() noexcept {
    bits_ &= bits_ - 1;
  }

 private:
  std::uint64_t bits_;
};

/// Which of eight bytes are `tag`, not 0. Each is loaded once, acquire.
CONCUR_FORCEINLINE tag_matches match_tags_portable(const std::atomic<std::uint8_t>* tags,
                                                   std::uint8_t tag) noexcept {
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < tags_at_once; ++i) {
    // acquire: for the caller, who says why
    const bool is_same = tags[i].load(std::memory_order_acquire) == tag;
    bits |= is_same ? tag_matches::bit_of(i) : 0;
  }
  return tag_matches(bits);
}

/// The same, and on AArch64 now and then one more, behind one that is the same: for whoever takes a
/// tag for a hint. The eight bytes need not be aligned.
CONCUR_FORCEINLINE tag_matches match_tags(const std::atomic<std::uint8_t>* tags,
                                          std::uint8_t tag) noexcept {
  static_assert(sizeof(std::atomic<std::uint8_t>) == 1);
#if CONCUR_VECTOR_LOADS
  using any_word = long long __attribute__((aligned(1), may_alias));
  const __m128i found = _mm_cvtsi64_si128(*reinterpret_cast<const volatile any_word*>(tags));
  const __m128i equal = _mm_cmpeq_epi8(found, _mm_set1_epi8(static_cast<char>(tag)));
  std::atomic_signal_fence(std::memory_order_acquire);
  // What is beyond the eight is 0, and no tag.
  return tag_matches(static_cast<unsigned>(_mm_movemask_epi8(equal)));
#elif !CONCUR_PORTABLE_LOADS && defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  using any_word = std::uint64_t __attribute__((aligned(1), may_alias));
  constexpr std::uint64_t ones = 0x0101010101010101;
  const std::uint64_t found = *reinterpret_cast<const volatile any_word*>(tags);
  std::atomic_thread_fence(
      std::memory_order_acquire);  // acquire: a load that orders nothing itself
  // A byte of zeros borrows from the next one: that is the one more.
  const std::uint64_t difference = found ^ (ones * tag);
  return tag_matches((difference - ones) & ~difference & (ones << 7));
#else
  return match_tags_portable(tags, tag);
#endif
}

}  // namespace concur::inline CONCUR_ABI::detail
