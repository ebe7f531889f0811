// SPDX-License-Identifier: MIT
/// \file
/// Leaves that nobody can read any more, and what has their size, kept by the thread that would
/// have freed them for the next ones that it makes: for each thread and core one short list for
/// each size. A steady writer calls the allocator rarely, and gives back no memory of another
/// thread's arena while that allocates.
///
/// They are the thread's alone, and stay when it ends: for its successor, or until somebody shrinks
/// the map. Made when a batch is worked off, so that maps that few write to have none; without
/// memory for that, leaves go back to the allocator.
#pragma once

#include <concur/detail/config.hpp>
#include <cstddef>
#include <cstdint>
#include <new>

namespace concur::inline CONCUR_ABI::detail::hamt {

/// `Sizes` lists: of leaves of one pair, of two, and so on, of at most `Most` each.
template <std::uint32_t Sizes, std::uint32_t Most>
class leaf_spares {
 public:
  /// Memory of a leaf of `count` pairs; null if there is none.
  void* take(std::uint32_t count) noexcept {
    if (count > Sizes) [[unlikely]]
      return nullptr;
    list& from = lists_[count - 1];
    void* const memory = from.head;
    if (memory == nullptr) return nullptr;
    from.head = *static_cast<void**>(memory);
    --from.length;
    // The next one was freed a batch ago, and has gone cold.
    prefetch_to_write(from.head);
    return memory;
  }
  /// False if it is not wanted.
  bool keep(void* memory, std::uint32_t count) noexcept {
    if (count > Sizes) [[unlikely]]
      return false;
    list& to = lists_[count - 1];
    if (to.length >= Most) return false;
    ::new (memory) void*(to.head);
    to.head = memory;
    ++to.length;
    return true;
  }
  /// f(memory, count) for all of them.
  template <class F>
  void empty(F&& f) noexcept {
    for (std::uint32_t count = 1; count <= Sizes; ++count) {
      while (void* const memory = take(count)) f(memory, count);
    }
  }

 private:
  struct list {
    void* head = nullptr;
    std::uint32_t length = 0;
  };
  // No other thread's are in the same cache lines, wherever the allocator puts them.
  unsigned char margin_before_[cache_line_size];
  list lists_[Sizes];
  unsigned char margin_after_[cache_line_size];
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
