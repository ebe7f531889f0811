// SPDX-License-Identifier: MIT
/// \file
/// Where the slots of a `fixed_map` lie: one allocation, made by the constructor, given back by the
/// destructor.
///
///     [slot][slot][slot] ... [stripes of the size][stripes of the count of releases][tags]
///
/// A map without capacity (made by the default constructor, or moved from) has one slot that is
/// taken for ever, in static memory that nobody writes.
#pragma once

#include <atomic>
#include <bit>
#include <concur/detail/assert.hpp>
#include <concur/detail/fixed_map/slot_tags.hpp>
#include <concur/detail/fixed_map/values.hpp>
#include <concur/detail/sync/large_pages.hpp>
#include <concur/detail/sync/striped_counter.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

template <class Slot, class Allocator>
class own_memory {
 public:
  using slot = Slot;
  using allocator_type = Allocator;
  static constexpr bool has_owners = false;

  const Allocator& allocator() const noexcept { return allocator_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(size_.sum()); }

 protected:
  explicit own_memory(const Allocator& allocator) noexcept : allocator_(allocator) {}
  /// Throws std::invalid_argument unless `capacity` is a power of two, std::length_error if there
  /// is no such memory, and what the allocator throws.
  own_memory(std::size_t capacity, const Allocator& allocator) : allocator_(allocator) {
    if (!std::has_single_bit(capacity)) fail_capacity();
    allocate(capacity);
  }
  ~own_memory() { release_memory(); }
  own_memory(const own_memory&) = delete;
  own_memory& operator=(const own_memory&) = delete;

  Slot& slot_at(std::uint64_t index) const noexcept { return slots_[index & mask_]; }
  std::atomic<std::uint64_t>& bound_at(std::uint64_t index) const noexcept {
    return slot_at(index).bound;
  }
  std::uint64_t index_of(const Slot& s) const noexcept {
    return static_cast<std::uint64_t>(&s - slots_);
  }
  const slot_tags& tags() const noexcept { return tags_; }
  std::uint64_t home_of(std::uint64_t hash) const noexcept { return (hash >> shift_) & mask_; }
  std::uint64_t slot_count() const noexcept { return mask_ + 1; }

  // Processes do not share this memory: nobody is dead, and nobody needs a name.
  static constexpr unsigned me() noexcept { return 0; }

  void counted(std::int64_t delta, const thread_slot& thread) const noexcept {
    size_.add(delta, thread);
  }
  /// Called before a slot becomes empty: see `release` and `claim` in protocol.hpp.
  void count_release(const thread_slot& thread) const noexcept {
    // (1) release: the slot is marked as leaving; pairs with (2).
    releases_.add<std::memory_order_release>(1, thread);
  }
  std::int64_t releases() const noexcept {
    // (2) acquire: the slots that were counted are seen as leaving, or empty; pairs with (1).
    return releases_.sum<std::memory_order_acquire>();
  }
  std::atomic<std::int64_t>& known_full() const noexcept { return known_full_; }

  /// Needs quiet.
  void swap_memory(own_memory& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(tags_, other.tags_);
    std::swap(mask_, other.mask_);
    std::swap(shift_, other.shift_);
    std::swap(capacity_, other.capacity_);
    size_.swap(other.size_);
    releases_.swap(other.releases_);
    // relaxed: quiet
    known_full_.store(other.known_full_.exchange(known_full_.load(std::memory_order_relaxed),
                                                 std::memory_order_relaxed),
                      std::memory_order_relaxed);
  }
  void swap_allocator(own_memory& other) noexcept {
    using std::swap;
    swap(allocator_, other.allocator_);
  }
  void take_allocator(own_memory& other) noexcept { allocator_ = std::move(other.allocator_); }

  /// Destroys the elements and gives the memory back. Needs quiet.
  void release_memory() noexcept {
    if (capacity_ == 0) return;
    if constexpr (Slot::value_form::is_in_place) {
      for (std::uint64_t i = 0; i < capacity_; ++i) {
        Slot& s = slots_[i];
        // relaxed: quiet
        if (slot_word(s.word.load(std::memory_order_relaxed)).is(slot_state::member)) {
          s.value.destroy();
        }
      }
    }
    unit_allocator units(allocator_);
    deallocate(units, reinterpret_cast<unit*>(slots_), units_for(capacity_));
    slots_ = no_slots();
    tags_ = slot_tags();
    mask_ = 0;
    shift_ = 63;
    capacity_ = 0;
    size_.take_stripes();
    size_.reset();
    releases_.take_stripes();
    releases_.reset();
  }

 private:
  struct alignas(Slot) unit {
    std::byte bytes[alignof(Slot)];
  };
  using unit_allocator = rebind<Allocator, unit>;
  using stripe = striped_counter::stripe;
  // Small maps live without stripes.
  static constexpr std::size_t striped_from = 256;

  struct taken_slot {
    Slot slot;
    taken_slot() noexcept {
      // relaxed: nobody has seen it yet
      slot.word.store(slot_word().with(slot_state::corrupt).bits(), std::memory_order_relaxed);
    }
  };
  static Slot* no_slots() noexcept {
    static taken_slot taken;
    return &taken.slot;
  }

  [[noreturn]] CONCUR_NOINLINE static void fail_capacity() {
    constexpr const char* what = "concur::fixed_map: the capacity must be a power of two";
    fail<std::invalid_argument>(what, what);
  }

  static std::size_t units_for(std::size_t capacity) {
    static_assert(sizeof(Slot) % sizeof(unit) == 0);
    const std::size_t slots = checked_multiply(capacity, sizeof(Slot) / sizeof(unit));
    const std::size_t rest = checked_add(stripe_bytes(capacity), slot_tags::bytes_for(capacity));
    return checked_add(slots, checked_add(rest, sizeof(unit) - 1) / sizeof(unit));
  }
  static constexpr std::size_t stripe_bytes(std::size_t capacity) noexcept {
    return capacity < striped_from ? 0 : striped_counter::stripe_count * 2 * sizeof(stripe);
  }

  void allocate(std::size_t capacity) {
    if (capacity > bound_word::max_length) fail_length("concur::fixed_map: capacity too large");
    unit_allocator units(allocator_);
    auto* memory = reinterpret_cast<std::byte*>(detail::allocate(units, units_for(capacity)));
    if constexpr (large_pages::may_advise<unit_allocator>) {
      large_pages::advise(memory, units_for(capacity) * sizeof(unit),
                          large_pages::advised_once_from);
    }
    slots_ = reinterpret_cast<Slot*>(memory);
    for (std::size_t i = 0; i < capacity; ++i) ::new (static_cast<void*>(slots_ + i)) Slot;
    std::byte* const rest = memory + capacity * sizeof(Slot);
    if (capacity >= striped_from) {
      auto* stripes = reinterpret_cast<stripe*>(rest);
      for (std::size_t i = 0; i < 2 * striped_counter::stripe_count; ++i) {
        ::new (static_cast<void*>(stripes + i)) stripe;
      }
      size_.spread(stripes);
      releases_.spread(stripes + striped_counter::stripe_count);
    }
    slot_tags::construct(rest + stripe_bytes(capacity), capacity);
    tags_ = slot_tags(rest + stripe_bytes(capacity), capacity);
    capacity_ = capacity;
    mask_ = capacity - 1;
    shift_ = shift_for(capacity);
  }

  // Read by everybody:
  Slot* slots_ = no_slots();
  slot_tags tags_;
  std::uint64_t mask_ = 0;
  unsigned shift_ = 63;
  CONCUR_NO_UNIQUE_ADDRESS Allocator allocator_;
  std::size_t capacity_ = 0;
  // Written by small maps, and when the map is full:
  mutable striped_counter size_;
  mutable striped_counter releases_;
  mutable std::atomic<std::int64_t> known_full_{-1};
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
