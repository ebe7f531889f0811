// SPDX-License-Identifier: MIT
/// \file
/// The chunks of a seq_array and the way to them.
///
///   segments [ o | o | . | ... ]          14 pointers in the array object, set once, never
///   replaced
///              |   +-> [slot 24..119]
///              +-----> [slot 0..23]       a slot: address of a chunk, or 0
///                          |   bit 0 set: unlinked, not yet freed
///                          +-> chunk: [cell][cell]...[cell]       never moves
///
/// A slot:   0 --link--> linked --unlink--> unlinked --sweep--> 0
///                          ^----link----------+      (its cells are all vacant: as good as new)
///
/// `link`, `unlink` and `sweep` need the array's tail lock. Readers take no lock: they protect the
/// chunk with their thread's leaf hazard, and validate that the slot still links it. The two cases:
/// if the reader's announcement comes before the heavy fence in `sweep`, the sweep sees it and the
/// chunk stays; if the fence comes first, the reader's second look sees the slot unlinked.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/seq_array/geometry.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <new>

namespace concur::inline CONCUR_ABI::detail {

template <class Cell, class Allocator, class Geometry>
class seq_array_directory {
 public:
  static_assert(alignof(Cell) >= 2, "bit 0 of a chunk's address says that it is unlinked");

  seq_array_directory() noexcept = default;
  seq_array_directory(const seq_array_directory&) = delete;
  seq_array_directory& operator=(const seq_array_directory&) = delete;

  /// The cell of an element, kept from being freed by `guard`. Null if its chunk is not linked.
  /// The caller has learnt that the element exists, by an acquire that pairs with its birth: with
  /// it came the slots of its chunk.
  Cell* protect(std::size_t index, leaf_hazard& guard) const noexcept {
    const seq_array_place place = Geometry::locate(index);
    const slot* where = find(place.chunk);
    if (where == nullptr) return nullptr;
    const std::uintptr_t chunk = guard.protect(*where);  // (2) acquire: pairs with (1).
    return is_linked(chunk) ? cells(chunk) + place.offset : nullptr;
  }

  /// The cell of an element whose chunk is linked. Needs the tail lock.
  Cell* at(std::size_t index) const noexcept {
    const seq_array_place place = Geometry::locate(index);
    // relaxed: written under the tail lock alone, which the caller holds.
    return cells(find(place.chunk)->load(std::memory_order_relaxed)) + place.offset;
  }

  /// Makes chunk number `chunk` ready for use, all its cells vacant. Throws what the allocator
  /// throws; then nothing changed.
  void link(std::size_t chunk, const Allocator& allocator) {
    slot& where = find_or_make(chunk, allocator);
    std::uintptr_t address = where.load(std::memory_order_relaxed);  // relaxed: the tail lock
    CONCUR_ASSERT(!is_linked(address));
    if (address == 0) {
      const std::size_t count = Geometry::chunk_elements(chunk);
      Cell* fresh = allocate<Cell>(allocator, count);
      for (std::size_t i = 0; i < count; ++i) {
        ::new (static_cast<void*>(fresh + i)) Cell(typename Cell::vacant_tag{});
      }
      address = reinterpret_cast<std::uintptr_t>(fresh);
    }
    // (1) release: the cells are constructed; pairs with (2).
    where.store(address & ~unlinked_bit, std::memory_order_release);
  }

  /// Hides a chunk whose cells are all vacant from readers who come now.
  void unlink(std::size_t chunk) noexcept {
    slot& where = *find(chunk);
    // relaxed: the heavy fence in sweep orders it before the look at the hazards.
    where.store(where.load(std::memory_order_relaxed) | unlinked_bit, std::memory_order_relaxed);
  }

  /// Frees the unlinked chunks in [first, last) that no thread is reading. Returns the end of what
  /// is left, `first` if nothing is.
  std::size_t sweep(std::size_t first, std::size_t last, const Allocator& allocator) noexcept {
    // Says false where the kernel refuses the fence: nothing is known about readers then.
    const bool fenced = asymmetric_fence::heavy();
    std::size_t end = first;
    for (std::size_t chunk = first; chunk < last; ++chunk) {
      slot* where = find(chunk);
      const std::uintptr_t tagged =
          where == nullptr ? 0 : where->load(std::memory_order_relaxed);  // relaxed: the tail lock
      if (tagged == 0) continue;
      const std::uintptr_t address = tagged & ~unlinked_bit;
      if (!fenced || leaf_hazard::is_protected(address, every_bit)) {
        end = chunk + 1;
        continue;
      }
      where->store(0, std::memory_order_relaxed);  // relaxed: readers skip both values
      deallocate(allocator, cells(address), Geometry::chunk_elements(chunk));
    }
    return end;
  }

  /// Frees everything. Needs quiet. No chunk from number `end` on was ever used.
  void release(std::size_t end, const Allocator& allocator) noexcept {
    for (std::size_t chunk = 0; chunk < end; ++chunk) {
      const slot* where = find(chunk);
      if (where == nullptr) break;
      const std::uintptr_t address =
          where->load(std::memory_order_relaxed) & ~unlinked_bit;  // relaxed: quiet
      if (address == 0) continue;
      deallocate(allocator, cells(address), Geometry::chunk_elements(chunk));
    }
    for (std::size_t i = 0; i < Geometry::segment_count; ++i) {
      slot* slots = segments_[i].exchange(nullptr, std::memory_order_relaxed);  // relaxed: quiet
      if (slots != nullptr) deallocate(allocator, slots, Geometry::segment_slots(i));
    }
  }

  /// Bytes of the segments.
  std::size_t bytes() const noexcept {
    std::size_t total = 0;
    for (std::size_t i = 0; i < Geometry::segment_count; ++i) {
      // relaxed: only a number.
      if (segments_[i].load(std::memory_order_relaxed) != nullptr) {
        total += Geometry::segment_slots(i) * sizeof(slot);
      }
    }
    return total;
  }

  /// Needs quiet.
  void swap(seq_array_directory& other) noexcept {
    for (std::size_t i = 0; i < Geometry::segment_count; ++i) {
      // relaxed: the caller's quiet orders them.
      slot* mine = segments_[i].load(std::memory_order_relaxed);
      segments_[i].store(other.segments_[i].exchange(mine, std::memory_order_relaxed),
                         std::memory_order_relaxed);
    }
  }

 private:
  using slot = std::atomic<std::uintptr_t>;
  static constexpr std::uintptr_t unlinked_bit = 1;
  static constexpr std::uintptr_t every_bit = ~std::uintptr_t{0};

  static constexpr bool is_linked(std::uintptr_t word) noexcept {
    return word != 0 && (word & unlinked_bit) == 0;
  }
  static Cell* cells(std::uintptr_t address) noexcept { return reinterpret_cast<Cell*>(address); }

  slot* find(std::size_t chunk) const noexcept {
    const seq_array_slot place = Geometry::slot_of(chunk);
    // relaxed: set once, by who held the tail lock; who does not hold it has acquired the birth of
    // an element in one of these slots, which came later.
    slot* slots = segments_[place.segment].load(std::memory_order_relaxed);
    return slots == nullptr ? nullptr : slots + place.offset;
  }

  slot& find_or_make(std::size_t chunk, const Allocator& allocator) {
    if (slot* where = find(chunk)) return *where;
    const seq_array_slot place = Geometry::slot_of(chunk);
    const std::size_t count = Geometry::segment_slots(place.segment);
    slot* slots = allocate<slot>(allocator, count);
    for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(slots + i)) slot(0);
    segments_[place.segment].store(slots, std::memory_order_relaxed);  // relaxed: see find
    return slots[place.offset];
  }

  template <class U>
  static U* allocate(const Allocator& allocator, std::size_t count) {
    return allocate_for<U>(allocator, count);
  }

  template <class U>
  static void deallocate(const Allocator& allocator, U* memory, std::size_t count) noexcept {
    deallocate_for(allocator, memory, count);
  }

  std::atomic<slot*> segments_[Geometry::segment_count] = {};
};

}  // namespace concur::inline CONCUR_ABI::detail
