// SPDX-License-Identifier: MIT
/// \file
/// The regression guard: short loops over the hot operations, counted by callgrind instead of
/// timed, so that the result is the same on a busy machine. Run by `run.py`, which compares it with
/// `counts.txt`.
///
/// What could make counts differ is fixed: the seed of the hash, the order of the keys, and the
/// allocator, because that of the C library changes with its version.
#pragma once

#include <valgrind/callgrind.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

namespace concur_guard {

/// Elements of each map: some hundred KiB, more than the simulated first-level cache.
inline constexpr std::uint64_t elements = std::uint64_t{1} << 14;
inline constexpr std::uint64_t seed = 42;

/// Memory in a row, with a list of free blocks for each size. For one thread.
class arena {
 public:
  static void* take(std::size_t size, std::size_t alignment) {
    size = rounded(size, alignment);
    void*& free_list = list(size, alignment);
    if (free_list != nullptr) return std::exchange(free_list, *static_cast<void**>(free_list));
    used_ = (used_ + alignment - 1) & ~(alignment - 1);
    if (size > room - used_) std::abort();
    return memory_ + std::exchange(used_, used_ + size);
  }
  static void give(void* block, std::size_t size, std::size_t alignment) noexcept {
    void*& free_list = list(rounded(size, alignment), alignment);
    *static_cast<void**>(block) = std::exchange(free_list, block);
  }

 private:
  static constexpr std::size_t room = std::size_t{256} << 20;
  static constexpr std::size_t exact = 64;  ///< steps of 16 bytes; larger sizes are powers of two

  static std::size_t rounded(std::size_t size, std::size_t& alignment) noexcept {
    alignment = alignment < 16 ? 16 : alignment;
    size = (size + alignment - 1) & ~(alignment - 1);
    return size <= exact * 16 ? size : std::bit_ceil(size);
  }
  static void*& list(std::size_t size, std::size_t alignment) noexcept {
    const std::size_t kind = size <= exact * 16 ? size / 16 : exact + std::bit_width(size);
    return lists_[static_cast<std::size_t>(std::bit_width(alignment))][kind];
  }

  alignas(4096) static inline char memory_[room];
  static inline std::size_t used_ = 0;
  static inline std::array<std::array<void*, exact + 65>, 24> lists_{};
};

template <class T>
struct arena_allocator {
  using value_type = T;
  arena_allocator() = default;
  template <class U>
  arena_allocator(const arena_allocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(arena::take(n * sizeof(T), alignof(T))); }
  void deallocate(T* block, std::size_t n) noexcept {
    arena::give(block, n * sizeof(T), alignof(T));
  }
  friend bool operator==(const arena_allocator&, const arena_allocator&) { return true; }
};

/// Runs body(i) for i in [0, n) and has callgrind write what that took under this name.
template <class Body>
[[gnu::noinline]] void count(const std::string& name, std::uint64_t n, const Body& body) {
  CALLGRIND_ZERO_STATS;
  for (std::uint64_t i = 0; i != n; ++i) body(i);
  CALLGRIND_DUMP_STATS_AT(name.c_str());
  std::printf("%s %llu\n", name.c_str(), static_cast<unsigned long long>(n));
}

/// The result is needed; what computes it stays.
template <class T>
inline void keep(const T& value) noexcept {
  asm volatile("" : : "r,m"(value) : "memory");
}

/// A wrong answer would make the counts worthless.
inline void expect(bool good, const std::string& name) {
  if (good) return;
  std::fprintf(stderr, "%s: wrong result\n", name.c_str());
  std::exit(1);
}

/// Of `i`th operation: every index once, in an order that is not that of insertion.
inline std::uint64_t scattered(std::uint64_t i) noexcept {
  return i * 7919 & (elements - 1);
}

inline std::uint64_t word_key(std::uint64_t index) noexcept {
  return (index + 1) * 0x9e3779b97f4a7c15U;
}

inline void fill_words(std::uint64_t index, std::uint64_t (&words)[4]) noexcept {
  const std::uint64_t x = word_key(index);
  words[0] = x;
  words[1] = x * 0xd6e8feb86659fd93U;
  words[2] = x ^ 0x5851f42d4c957f2dU;
  words[3] = x * 0x2545f4914f6cdd1dU;
}

/// The common vocabulary, counted over one map that is empty at first. `key(index)` makes a key;
/// those of [0, elements) are inserted, the next `elements` are missed.
template <class Map, class Key>
void count_map(const std::string& name, Map& m, const Key& key) {
  count(name + "/insert from empty", elements, [&](std::uint64_t i) { m.try_emplace(key(i), i); });
  expect(m.size() == elements, name);
  count(name + "/find hit", elements, [&](std::uint64_t i) { keep(m.find(key(scattered(i)))); });
  count(name + "/find miss", elements,
        [&](std::uint64_t i) { keep(m.find(key(elements + scattered(i)))); });
  expect(m.find(key(5)) == 5U && !m.contains(key(elements)), name);
  count(name + "/overwrite", elements,
        [&](std::uint64_t i) { m.insert_or_assign(key(scattered(i)), i); });
  count(name + "/update", elements,
        [&](std::uint64_t i) { m.update(key(scattered(i)), [](std::uint64_t& v) { ++v; }); });
  count(name + "/erase", elements, [&](std::uint64_t i) { m.erase(key(scattered(i))); });
  expect(m.empty(), name);
}

/// One file for each map, so that what is inlined into one does not depend on the others.
void count_cmap();
void count_cmap_strings();
void count_seqmap();
void count_hamt();
void count_fixed_map();
void count_lockmap();
void count_lru_lockmap();
void count_seq_array();

}  // namespace concur_guard
