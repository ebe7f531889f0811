// SPDX-License-Identifier: MIT
/// \file
/// A tag for every slot, in an array of their own: a byte of the hash of the key that is in it, or
/// 0. A lookup compares eight of them at once, and reads only slots that may have its key. In which
/// of the slots behind its home a key is, if in any, no processor can guess, and where a guess is
/// undone only by a line of memory, that line is waited for. The tags are 1/64 of the slots, and in
/// a cache.
///
///     [far: 4 bytes for 8 homes] ... [tags: 1 byte a slot] ... [the first 7 tags once more]
///
/// `far` counts the slots that are taken for keys of these homes and lie eight or more from them:
/// where it is 0, the eight tags from a home on say all of its keys.
///
/// Whoever claims a slot stores its tag and counts it before the slot becomes a candidate, and
/// takes both back when it has ceased to be an element, before it is empty. So the tag of an
/// element is there for as long as the element is, and a tag that is not needed is nowhere for
/// longer than its slot. A lookup that finds an element by no tag has seen, for each of its slots,
/// a moment of the lookup without the element: elements do not move, so one that was there
/// throughout has been seen. Tags and counts are hints in the other direction: what they lead to is
/// looked at.
#pragma once

#include <atomic>
#include <bit>
#include <concur/detail/config.hpp>
#include <concur/detail/sync/match_words.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <cstdint>
#include <new>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

/// Where a lookup begins, and what it looks for.
struct origin {
  std::uint64_t home;
  std::uint8_t tag;
};

/// Never 0, and of bits that no home is made of.
constexpr std::uint8_t tag_of(std::uint64_t hash) noexcept {
  const auto low = static_cast<std::uint8_t>(hash);
  return static_cast<std::uint8_t>(low + (low == 0 ? 1 : 0));
}

/// How far a hash is shifted for its home, of which a map of one slot masks the last bit.
constexpr unsigned shift_for(std::uint64_t slots) noexcept {
  const unsigned bits = static_cast<unsigned>(std::countr_zero(slots));
  return bits == 0 ? 63 : 64 - bits;
}

/// Zeros.
struct empty_tags {
  std::atomic<std::uint32_t> far_counter{0};
  std::atomic<std::uint8_t> tags[tags_at_once] = {};
};
inline constinit empty_tags no_tags{};

/// A view of the array. `count`, the number of slots, is a power of two.
class slot_tags {
 public:
  /// Distances that one look at the tags covers.
  static constexpr std::uint64_t span = tags_at_once;

  using tag = std::atomic<std::uint8_t>;
  using counter = std::atomic<std::uint32_t>;

  static constexpr std::size_t counters_for(std::size_t count) noexcept {
    return (count + span - 1) / span;
  }
  static constexpr std::size_t tags_for(std::size_t count) noexcept { return count + span - 1; }
  /// Throws std::length_error for what no memory holds.
  static std::size_t bytes_for(std::size_t count) {
    return checked_add(checked_multiply(counters_for(count), sizeof(counter)), tags_for(count));
  }

  /// Makes the array of `count` empty slots, aligned to 4 bytes.
  static void construct(std::byte* at, std::size_t count) noexcept {
    for (std::size_t i = 0; i < counters_for(count); ++i) {
      ::new (static_cast<void*>(at + i * sizeof(counter))) counter{0};
    }
    std::byte* const tags = at + counters_for(count) * sizeof(counter);
    for (std::size_t i = 0; i < tags_for(count); ++i) ::new (static_cast<void*>(tags + i)) tag{0};
  }

  /// Those of the one slot that is taken for ever: nobody writes them.
  slot_tags() noexcept : slot_tags(nowhere(), 1) {}
  slot_tags(std::byte* at, std::size_t count) noexcept
      : far_(reinterpret_cast<counter*>(at)),
        tags_(reinterpret_cast<tag*>(far_ + counters_for(count))) {}

  /// Which of the eight slots from `index` on, below the count, may have a key of this tag.
  CONCUR_FORCEINLINE tag_matches match(std::uint64_t index, std::uint8_t t) const noexcept {
    // (1) acquire: who finds no tag has what was done before the erasure; pairs with (2).
    return match_tags(tags_ + index, t);
  }
  void prefetch(std::uint64_t index) const noexcept { prefetch_to_read(tags_ + index); }
  void prefetch_for_add(std::uint64_t index) const noexcept { prefetch_to_write(tags_ + index); }

  /// Whether there may be keys of this home, or of its neighbours, that are `span` or more from it.
  bool has_far(std::uint64_t home) const noexcept {
    return far_[home / span].load(std::memory_order_acquire) != 0;  // acquire: as (1)
  }

  /// By the owner of a slot that is not a candidate yet.
  void add(std::uint64_t index, std::uint64_t distance, const origin& from,
           std::uint64_t count) const noexcept {
    if (distance >= span) {
      // relaxed: the candidate publishes it; the release of (2) goes on in it.
      far_[from.home / span].fetch_add(1, std::memory_order_relaxed);
    }
    store(index, from.tag, count);
  }
  /// By the owner of a slot that is no element any more, and was no candidate for longer.
  void remove(std::uint64_t index, std::uint64_t count) const noexcept { store(index, 0, count); }
  /// Undoes what `add` has counted.
  void discount(std::uint64_t home, std::uint64_t distance) const noexcept {
    if (distance < span) return;
    far_[home / span].fetch_sub(1, std::memory_order_release);  // release: as (2)
  }

  /// Whether lookups are led to an element: what `add` has stored is there, in all of its copies.
  bool leads_to(std::uint64_t index, std::uint64_t distance, const origin& from,
                std::uint64_t count) const noexcept {
    if (distance >= span && !has_far(from.home)) return false;
    for (std::uint64_t i = index; i < count + span - 1; i += count) {
      // acquire: the slot's word that is loaded next is not older than what is seen here
      if (tags_[i].load(std::memory_order_acquire) != from.tag) return false;
    }
    return true;
  }

  /// For tests.
  std::uint8_t tag_at(std::size_t index) const noexcept {
    return tags_[index].load(std::memory_order_relaxed);  // relaxed: of a quiet map
  }
  std::uint32_t far_at(std::size_t homes) const noexcept {
    return far_[homes].load(std::memory_order_relaxed);  // relaxed: of a quiet map
  }

 private:
  void store(std::uint64_t index, std::uint8_t t, std::uint64_t count) const noexcept {
    // (2) release: the end of the slot's last life; pairs with (1).
    tags_[index].store(t, std::memory_order_release);
    if (index >= span - 1) [[likely]]
      return;
    for (std::uint64_t i = index + count; i < count + span - 1; i += count) {
      tags_[i].store(t, std::memory_order_release);  // release: as above
    }
  }

  static std::byte* nowhere() noexcept { return reinterpret_cast<std::byte*>(&no_tags); }

  counter* far_;
  tag* tags_;
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
