// SPDX-License-Identifier: MIT
/// \file
/// Copies of a trivially copyable object that another thread may be writing, without a data race.
///
/// The object lies in memory as atomic words (Boehm, "Can Seqlocks Get Along with Programming
/// Language Memory Models?", MSPC 2012). A copy that ran beside a writer is a mixture
/// of words: whoever uses one validates it first, by a version or a lock.
///
/// Up to 8 bytes are one word, and such a copy is never mixed. The word loops are unrolled by fold
/// expressions: a loop or a temporary array costs 4 to 15 ns at 24 to 64 bytes with gcc 12. Beyond
/// 64 words, unrolled blocks lie in a loop: clang limits a fold expression to 256 operands.
#pragma once

#include <atomic>
#include <bit>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/config.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <std::size_t Size>
using word_of_size = std::conditional_t<
    Size == 1, std::uint8_t,
    std::conditional_t<Size == 2, std::uint16_t,
                       std::conditional_t<Size <= 4, std::uint32_t, std::uint64_t>>>;

/// The bytes of a `T` as atomic words. Zero until the first store.
template <class T>
class atomic_words {
  static_assert(std::is_trivially_copyable_v<T>,
                "concur: the type must be trivially copyable: it is copied while it may change");

 public:
  using word = word_of_size<sizeof(T)>;
  static constexpr std::size_t word_count = (sizeof(T) + sizeof(word) - 1) / sizeof(word);
  static constexpr bool is_single_word = word_count == 1;

  /// Reads all words. Mixed if somebody writes meanwhile and there are several words. With
  /// `acquire`, a version that is loaded afterwards shows every write that the copy has seen a part
  /// of: no fence is needed, which ThreadSanitizer would not understand.
  template <std::memory_order Order = std::memory_order_relaxed>
  T load() const noexcept {
    if constexpr (sizeof(T) == sizeof(word)) {
      return std::bit_cast<T>(words_[0].load(Order));
    } else if constexpr (std::is_trivially_default_constructible_v<T>) {
      return load_in_place<Order>();
    } else {
      uninitialized result;
      load_bytes<Order>(reinterpret_cast<unsigned char*>(std::addressof(result.value)));
      return result.value;
    }
  }

  /// Writes all words. With `release`, whoever sees one of them and loads a version afterwards sees
  /// what the writer stored there before.
  template <std::memory_order Order = std::memory_order_relaxed>
  void store(const T& value) noexcept {
    if constexpr (std::is_empty_v<T>) {
      words_[0].store(0, Order);  // its one byte is padding, which nobody has set
    } else if constexpr (sizeof(T) == sizeof(word)) {
      words_[0].store(std::bit_cast<word>(value), Order);
    } else {
      const auto* const from = reinterpret_cast<const unsigned char*>(std::addressof(value));
      for_blocks([&]<bool IsEnd, std::size_t... I>(block<IsEnd, I...>, std::size_t first) {
        (words_[first + I].store(word_of<is_last<IsEnd, I, sizeof...(I)>>(from, first + I), Order),
         ...);
      });
    }
  }

  /// Takes over all words of `other`, padding bytes included. Release, as `store`.
  void copy_from(const atomic_words& other) noexcept {
    for (std::size_t i = 0; i < word_count; ++i) {
      // relaxed: whoever copies holds what keeps `other` from changing.
      words_[i].store(other.words_[i].load(std::memory_order_relaxed), std::memory_order_release);
    }
  }

  /// The word if there is only one, else 0. Acquire, as `load`.
  std::uint64_t only_word() const noexcept {
    if constexpr (is_single_word) {
      return words_[0].load(std::memory_order_acquire);  // acquire: as load<acquire>
    } else {
      return 0;
    }
  }

  /// Whether both have the same words. Acquire, as `load`.
  bool has_words_of(const atomic_words& other) const noexcept {
    word difference = 0;
    for (std::size_t i = 0; i < word_count; ++i) {
      // acquire: as load<acquire>
      difference =
          static_cast<word>(difference | (words_[i].load(std::memory_order_acquire) ^
                                          other.words_[i].load(std::memory_order_acquire)));
    }
    return difference == 0;
  }

  /// Whether the stored bytes are those of `value`. Acquire, as `load`. By force, as far as the
  /// words: in a large program g++ would call a function for them, with closures and the value in
  /// memory, and the value's vector stores would be waited for by its word loads.
  CONCUR_FORCEINLINE bool has_bytes_of(const T& value) const noexcept {
    const auto* const from = reinterpret_cast<const unsigned char*>(std::addressof(value));
    word difference = 0;
    for_blocks([&]<bool IsEnd, std::size_t... I>(block<IsEnd, I...>,
                                                 std::size_t first) CONCUR_FORCEINLINE_LAMBDA {
      // acquire: as load<acquire>
      ((difference |= static_cast<word>(words_[first + I].load(std::memory_order_acquire) ^
                                        word_of<is_last<IsEnd, I, sizeof...(I)>>(from, first + I))),
       ...);
    });
    return difference == 0;
  }

 private:
  union uninitialized {
    uninitialized() noexcept {}
    T value;
  };

  static constexpr std::size_t block_words = 32;
  static constexpr std::size_t looped_words =
      word_count <= 64 ? 0 : (word_count - 1) / block_words * block_words;
  // The bytes of T in its last word; all words before it are full.
  static constexpr std::size_t tail_bytes = sizeof(T) - (word_count - 1) * sizeof(word);

  /// A run of words at offsets I; `IsEnd` if the last of them is the last word of the value.
  template <bool IsEnd, std::size_t... I>
  struct block {};

  /// Calls `f(block, first word)` for all words, in order.
  template <class F>
  static CONCUR_FORCEINLINE void for_blocks(F&& f) noexcept {
    if constexpr (looped_words != 0) {
      const auto inner = make_block<false>(std::make_index_sequence<block_words>{});
      for (std::size_t first = 0; first < looped_words; first += block_words) f(inner, first);
    }
    f(make_block<true>(std::make_index_sequence<word_count - looped_words>{}), looped_words);
  }

  template <bool IsEnd, std::size_t... I>
  static constexpr block<IsEnd, I...> make_block(std::index_sequence<I...>) noexcept {
    return {};
  }

// The padding of a value is copied like the rest of it; gcc 12 sees that nobody has set it.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
  template <bool IsLast>
  static CONCUR_FORCEINLINE word word_of(const unsigned char* from, std::size_t i) noexcept {
    word w = 0;
    std::memcpy(&w, from + i * sizeof(word), IsLast ? tail_bytes : sizeof(word));
    return w;
  }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

  template <bool IsEnd, std::size_t I, std::size_t Count>
  static constexpr bool is_last = (I + 1 == Count) && IsEnd;

  /// The result is filled in place, and not moved once more: a vector move right after the word
  /// stores would wait for all of them. (gcc 12 does so for a variable of the outermost block.)
  template <std::memory_order Order>
  T load_in_place() const noexcept {
    T result;
    load_bytes<Order>(reinterpret_cast<unsigned char*>(std::addressof(result)));
    return result;
  }

  template <std::memory_order Order>
  CONCUR_FORCEINLINE void load_bytes(unsigned char* to) const noexcept {
    for_blocks([&]<bool IsEnd, std::size_t... I>(block<IsEnd, I...>, std::size_t first) {
      (load_word<Order, is_last<IsEnd, I, sizeof...(I)>>(to, first + I), ...);
    });
  }

  // Inlined by force, as the others: gcc 12 would merge the bodies for two types of one tail
  // length, and then warn of the bounds of the other type.
  template <std::memory_order Order, bool IsLast>
  CONCUR_FORCEINLINE void load_word(unsigned char* to, std::size_t i) const noexcept {
    const word w = words_[i].load(Order);
    std::memcpy(to + i * sizeof(word), &w, IsLast ? tail_bytes : sizeof(word));
  }

  std::atomic<word> words_[word_count] = {};
};

}  // namespace concur::inline CONCUR_ABI::detail
