// SPDX-License-Identifier: MIT
/// \file
/// One record per thread slot index, for one container: what a thread keeps there without sharing
/// it.
///
///   directory_ -> [record 0 .. record 15][chunk: 16..31][chunk: 32..63] ...   all made on first
///   need
///
/// A record belongs to the living thread with its index, and stays when that thread ends: the
/// successor finds it as it was left, because it took the slot after its predecessor gave it back
/// (thread_slots (6), (1)). An object without records is one null pointer.
///
/// `Record` is constructed from the `thread_slot&` whose index it has.
#pragma once

#include <atomic>
#include <bit>
#include <concur/detail/assert.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Record>
class thread_records {
 public:
  thread_records() = default;
  thread_records(const thread_records&) = delete;
  thread_records& operator=(const thread_records&) = delete;
  ~thread_records() { CONCUR_ASSERT(directory_.load(std::memory_order_relaxed) == nullptr); }

  /// The record of the calling thread, nullptr if there is none yet. O(1).
  Record* find(const thread_slot& me) const noexcept {
    const directory* d =
        directory_.load(std::memory_order_acquire);  // (2) acquire: pairs with (1).
    if (d == nullptr) [[unlikely]]
      return nullptr;
    if (me.index < first_count) [[likely]]
      return d->first[me.index].load(std::memory_order_relaxed);  // relaxed: own entry, see \file
    return find_in_chunk(*d, me.index);
  }

  /// The same; makes the record if there is none. Throws what the allocator throws, and has then
  /// changed nothing that can be seen.
  template <class Allocator>
  Record& ensure(thread_slot& me, const Allocator& allocator) {
    if (Record* record = find(me)) [[likely]]
      return *record;
    return make(me, allocator);
  }

  /// `f(record)` for the record of every index, those of ended threads too. Records that are made
  /// meanwhile may be left out.
  template <class F>
  void for_each(F&& f) const {
    std::uint64_t index = 0;
    while (Record* record = next(index)) f(*record);
  }

  /// Needs quiet: destroys all records.
  template <class Allocator>
  void release(const Allocator& allocator) noexcept {
    for_each([&](Record& record) {
      record.~Record();
      give_back(allocator, &record, sizeof(Record));
    });
    directory* d = directory_.exchange(nullptr, std::memory_order_relaxed);  // relaxed: quiet
    if (d == nullptr) return;
    for (unsigned k = 0; k < chunk_count; ++k) {
      entry* const chunk = d->chunks[k].load(std::memory_order_relaxed);  // relaxed: quiet
      if (chunk != nullptr) give_back(allocator, chunk, chunk_size(k) * sizeof(entry));
    }
    give_back(allocator, d, sizeof(directory));
  }

  /// Needs quiet.
  void swap(thread_records& other) noexcept {
    // relaxed: the caller's quiet orders them.
    directory_.store(other.directory_.exchange(directory_.load(std::memory_order_relaxed),
                                               std::memory_order_relaxed),
                     std::memory_order_relaxed);
  }

 private:
  using entry = std::atomic<Record*>;
  static constexpr std::uint32_t first_count = 16;
  static constexpr unsigned chunk_count = 28;  // 16..31, 32..63, ..., up to 2^32

  struct directory {
    entry first[first_count] = {};
    std::atomic<entry*> chunks[chunk_count] = {};
  };

  static constexpr unsigned chunk_of(std::uint64_t index) noexcept {
    return static_cast<unsigned>(std::bit_width(index)) - 5;
  }
  static constexpr std::size_t chunk_size(unsigned chunk) noexcept {
    return std::size_t{first_count} << chunk;
  }

  CONCUR_NOINLINE static Record* find_in_chunk(const directory& d, std::uint32_t index) noexcept {
    const unsigned k = chunk_of(index);
    const entry* chunk = d.chunks[k].load(std::memory_order_acquire);  // acquire: pairs with (3).
    if (chunk == nullptr) return nullptr;
    return chunk[index - chunk_size(k)].load(std::memory_order_relaxed);  // relaxed: own entry
  }

  /// The first record of that index or a larger one, and `index` is then the one after it; nullptr
  /// if there is none. One function for all who step through: each loop would be two.
  CONCUR_NOINLINE Record* next(std::uint64_t& index) const noexcept {
    const directory* d = directory_.load(std::memory_order_acquire);  // acquire: pairs with (1).
    if (d == nullptr) return nullptr;
    if (Record* record = next_of(d->first, 0, first_count, index)) return record;
    for (unsigned k = chunk_of(index); k < chunk_count; ++k) {
      // (4) acquire: pairs with (3).
      if (const entry* chunk = d->chunks[k].load(std::memory_order_acquire)) {
        const std::uint64_t begin = chunk_size(k);
        if (Record* record = next_of(chunk, begin, begin * 2, index)) return record;
      }
    }
    return nullptr;
  }
  /// Of `entries`, which are those of the indices from `begin` to `end`.
  static Record* next_of(const entry* entries, std::uint64_t begin, std::uint64_t end,
                         std::uint64_t& index) noexcept {
    if (index < begin) index = begin;
    while (index < end) {
      // (6) acquire: pairs with (5).
      if (Record* record = entries[index++ - begin].load(std::memory_order_acquire)) return record;
    }
    return nullptr;
  }

  template <class Allocator>
  CONCUR_COLD Record& make(thread_slot& me, const Allocator& allocator) {
    entry* place = nullptr;
    directory* d = get_or_make(directory_, allocator, 1);
    if (me.index < first_count) {
      place = &d->first[me.index];
    } else {
      const unsigned k = chunk_of(me.index);
      entry* chunk = get_or_make(d->chunks[k], allocator, chunk_size(k));
      place = &chunk[me.index - chunk_size(k)];
    }
    void* const memory = take(allocator, sizeof(Record));
    // The user's allocator may have used the same container. relaxed: own record
    if (Record* const made_meanwhile = place->load(std::memory_order_relaxed)) {
      give_back(allocator, memory, sizeof(Record));
      return *made_meanwhile;
    }
    Record* record = ::new (memory) Record(me);
    place->store(record, std::memory_order_release);  // (5) release: publishes it; pairs with (6).
    return *record;
  }

  /// What `place` leads to: `n` objects, made by whoever is first.
  template <class T, class Allocator>
  static T* get_or_make(std::atomic<T*>& place, const Allocator& allocator, std::size_t n) {
    T* seen = place.load(std::memory_order_acquire);  // acquire: pairs with (1), (3).
    if (seen != nullptr) return seen;
    T* fresh = static_cast<T*>(take(allocator, n * sizeof(T)));
    for (std::size_t i = 0; i < n; ++i) ::new (static_cast<void*>(fresh + i)) T{};
    // (1) release: publishes the directory; pairs with (2).
    // (3) release: publishes a chunk; pairs with (4).
    if (place.compare_exchange_strong(seen, fresh, std::memory_order_release,
                                      std::memory_order_acquire)) {
      return fresh;
    }
    give_back(allocator, fresh, n * sizeof(T));
    return seen;
  }

  // Memory comes in units that every allocator can align, with a cache line on either side that no
  // other thread's record is in.
  struct unit {
    alignas(std::max_align_t) unsigned char bytes[alignof(std::max_align_t)];
  };
  static constexpr std::size_t margin = cache_line_size / sizeof(unit);
  static_assert(alignof(Record) <= alignof(unit) && alignof(directory) <= alignof(unit));

  static constexpr std::size_t units_for(std::size_t bytes) noexcept {
    return (bytes + sizeof(unit) - 1) / sizeof(unit) + 2 * margin;
  }
  template <class Allocator>
  static void* take(const Allocator& allocator, std::size_t bytes) {
    return allocate_for<unit>(allocator, units_for(bytes)) + margin;
  }
  template <class Allocator>
  static void give_back(const Allocator& allocator, void* memory, std::size_t bytes) noexcept {
    deallocate_for(allocator, static_cast<unit*>(memory) - margin, units_for(bytes));
  }

  std::atomic<directory*> directory_{nullptr};
};

}  // namespace concur::inline CONCUR_ABI::detail
