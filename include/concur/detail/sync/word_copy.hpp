// SPDX-License-Identifier: MIT
/// \file
/// Copies of a trivially copyable object that another thread may be writing, without a data race.
///
/// The object lies in memory as atomic words (Boehm, "Can Seqlocks Get Along with Programming
/// Language Memory Models?", MSPC 2012). A copy that ran beside a writer is a mixture
/// of words: whoever uses one validates it first, by a version or a lock.
///
/// Up to 8 bytes are one word, and such a copy is never mixed. The word loops are unrolled by fold
/// expressions: a loop or a temporary array costs 4 to 15 ns at 24 to 64 bytes with gcc 12.
#pragma once

#include <atomic>
#include <bit>
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
    } else {
      uninitialized result;
      load_bytes<Order>(reinterpret_cast<unsigned char*>(&result.value),
                        std::make_index_sequence<word_count>{});
      return result.value;
    }
  }

  /// Writes all words. With `release`, whoever sees one of them and loads a version afterwards sees
  /// what the writer stored there before.
  template <std::memory_order Order = std::memory_order_relaxed>
  void store(const T& value) noexcept {
    if constexpr (sizeof(T) == sizeof(word)) {
      words_[0].store(std::bit_cast<word>(value), Order);
    } else {
      store_bytes<Order>(reinterpret_cast<const unsigned char*>(&value),
                         std::make_index_sequence<word_count>{});
    }
  }

  /// Takes over all words of `other`, padding bytes included. Release, as `store`.
  void copy_from(const atomic_words& other) noexcept {
    for (std::size_t i = 0; i < word_count; ++i) {
      // relaxed: whoever copies holds what keeps `other` from changing.
      words_[i].store(other.words_[i].load(std::memory_order_relaxed), std::memory_order_release);
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

  /// Whether the stored bytes are those of `value`. Acquire, as `load`.
  bool has_bytes_of(const T& value) const noexcept {
    return equal_words(reinterpret_cast<const unsigned char*>(&value),
                       std::make_index_sequence<word_count>{});
  }

 private:
  union uninitialized {
    uninitialized() noexcept {}
    T value;
  };

  static constexpr std::size_t bytes_in(std::size_t i) noexcept {
    return sizeof(T) - i * sizeof(word) < sizeof(word) ? sizeof(T) - i * sizeof(word)
                                                       : sizeof(word);
  }

  template <std::size_t I>
  static word word_of(const unsigned char* from) noexcept {
    word w = 0;
    std::memcpy(&w, from + I * sizeof(word), bytes_in(I));
    return w;
  }

  template <std::memory_order Order, std::size_t I>
  void load_word(unsigned char* to) const noexcept {
    const word w = words_[I].load(Order);
    std::memcpy(to + I * sizeof(word), &w, bytes_in(I));
  }

  template <std::memory_order Order, std::size_t... I>
  void load_bytes(unsigned char* to, std::index_sequence<I...>) const noexcept {
    (load_word<Order, I>(to), ...);
  }

  template <std::memory_order Order, std::size_t... I>
  void store_bytes(const unsigned char* from, std::index_sequence<I...>) noexcept {
    (words_[I].store(word_of<I>(from), Order), ...);
  }

  template <std::size_t... I>
  bool equal_words(const unsigned char* from, std::index_sequence<I...>) const noexcept {
    word difference = 0;
    // acquire: as load<acquire>
    ((difference = static_cast<word>(
          difference | (words_[I].load(std::memory_order_acquire) ^ word_of<I>(from)))),
     ...);
    return difference == 0;
  }

  std::atomic<word> words_[word_count] = {};
};

}  // namespace concur::inline CONCUR_ABI::detail
