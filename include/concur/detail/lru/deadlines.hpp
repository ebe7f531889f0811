// SPDX-License-Identifier: MIT
/// \file
/// The deadlines of a region's elements: a timer wheel in digits, so that what has expired is met
/// when its time is over, in constant amortised time, wherever it is in the order of eviction.
///
///     tick   about a millisecond; 44 bits, that is 11 digits of 4
///     digit  16 slots each. An element is in the digit in which its tick differs first from
///            `elapsed`, in the slot of its own digit there: so at most 11 moves until it is due
///
///     elapsed  ... 3 7 2
///     tick     ... 3 9 5   ->  digit 1, slot 9. When `elapsed` comes to ... 3 9 0 it is moved to
///                              digit 0, slot 5, where it is due
///
/// All of it is guarded by the lock of the region. The wheel knows nodes, not moments: whoever
/// advances it says of each node that comes out when it is due, so that a deadline that moves later
/// (a use, a write) costs nothing until then. One that moves earlier is set anew.
///
/// Places are words of memory that is allocated outside the lock (policy/eviction/memory.hpp), four
/// each, in circular lists that begin at a place for each slot; a node keeps the number of its own.
/// A node that finds no place, because there was no memory, is *missed*: then the cache looks
/// through the table, a few homes at each insertion.
#pragma once

#include <array>
#include <bit>
#include <concur/detail/assert.hpp>
#include <concur/detail/bits/extremes.hpp>
#include <concur/policy/eviction/memory.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lru {

template <class Allocator>
class deadlines {
  static constexpr unsigned digit_bits = 4;
  static constexpr unsigned digits = 11;
  static constexpr std::uint64_t last_tick = (std::uint64_t{1} << digit_bits * digits) - 1;
  static constexpr unsigned slots = 1U << digit_bits;
  static constexpr std::uint32_t heads = digits * slots;
  static constexpr std::size_t most = std::size_t{1} << 31;

 public:
  static constexpr unsigned tick_bits = 20;
  /// A moment that is not one: the node is to leave.
  static constexpr std::int64_t never = INT64_MAX;

  explicit deadlines(const Allocator& allocator) noexcept : memory_(allocator) {}

  std::size_t size() const noexcept { return size_; }
  bool has_missed() const noexcept { return has_missed_; }
  void note_missed() noexcept { has_missed_ = true; }
  void forget_missed() noexcept { has_missed_ = false; }

  /// Puts a node where `at` belongs, or moves it there. False: there is no place for it.
  bool set(eviction::node& n, std::int64_t at) noexcept {
    if (n.timer != 0) {
      unlink(n.timer);
    } else {
      if (patience_ != 0) --patience_;
      n.timer = take_place();
      if (n.timer == 0) return false;
      put_node(n.timer, &n);
      ++size_;
    }
    link(n.timer, tick_of(at));
    return true;
  }
  void remove(eviction::node& n) noexcept {
    if (n.timer == 0) return;
    unlink(n.timer);
    words_of(n.timer)[newer] = free_;
    free_ = std::exchange(n.timer, 0);
    --size_;
  }

  /// Takes out what is due by `now`, or has to be looked at again by then: next(node) says when its
  /// moment is now, later than `now`, or `never`. At most `steps` nodes, and while more() is true.
  template <class Next, class More>
  void advance(std::int64_t now, unsigned steps, Next next, More more) noexcept {
    const std::uint64_t to = tick_of(now);
    if (size_ == 0) {
      elapsed_ = to;
      return;
    }
    for (; steps != 0 && more(); --steps) {
      const std::uint32_t head = first_due(to);
      if (head == heads) return;
      eviction::node& n = *node_of(words_of(head)[newer]);
      const std::int64_t at = next(n);
      if (at == never) {
        remove(n);
      } else {
        unlink(n.timer);
        // Not before the next tick: what could not be removed is not met again in this one. At the
        // end of time there is no next one.
        link(n.timer, least(greatest(tick_of(at), to + 1), last_tick));
      }
    }
  }

  /// Words, if a node has found no place.
  std::size_t words_lacking() const noexcept {
    if (!is_full_ || patience_ != 0 || places_ >= most) return 0;
    return std::size_t{words_of_place} * (heads + least(greatest(2 * places_, least_places), most));
  }
  /// Takes the memory if it is more.
  void exchange_memory(eviction::memory<Allocator>& fresh) noexcept {
    if (fresh.size() == 0) patience_ = places_ / 8 + 32;
    if (fresh.size() <= memory_.size()) return;
    const bool is_first = memory_.size() == 0;
    if (!is_first) {
      std::memcpy(fresh.data(), memory_.data(), memory_.size() * sizeof(std::uint32_t));
    }
    memory_.swap(fresh);
    places_ = memory_.size() / words_of_place - heads;
    is_full_ = false;
    if (!is_first) return;
    for (std::uint32_t head = 0; head != heads; ++head) {
      words_of(head)[older] = words_of(head)[newer] = head;
    }
  }

 private:
  static constexpr std::size_t words_of_place = 4;
  static constexpr std::size_t least_places = 64;
  enum : std::size_t { older, newer, node };

  /// In order also where a clock is negative.
  static constexpr std::uint64_t tick_of(std::int64_t at) noexcept {
    return (static_cast<std::uint64_t>(at) ^ (std::uint64_t{1} << 63)) >> tick_bits;
  }
  static constexpr unsigned shift_of(unsigned digit) noexcept { return digit * digit_bits; }

  std::uint32_t* words_of(std::uint32_t place) noexcept {
    return memory_.data() + std::size_t{place} * words_of_place;
  }
  void put_node(std::uint32_t place, eviction::node* n) noexcept {
    std::memcpy(words_of(place) + node, &n, sizeof n);
  }
  eviction::node* node_of(std::uint32_t place) noexcept {
    eviction::node* n = nullptr;
    std::memcpy(&n, words_of(place) + node, sizeof n);
    return n;
  }

  /// 0 if there is none.
  std::uint32_t take_place() noexcept {
    if (free_ != 0) return std::exchange(free_, words_of(free_)[newer]);
    is_full_ = used_ == places_;
    if (is_full_) return 0;
    return heads + static_cast<std::uint32_t>(used_++);
  }
  /// Into the slot where it is met when `elapsed` comes there; at once if it is overdue.
  void link(std::uint32_t place, std::uint64_t tick) noexcept {
    const std::uint64_t differing = tick > elapsed_ ? tick ^ elapsed_ : 0;
    const unsigned digit =
        differing == 0 ? 0U : (static_cast<unsigned>(std::bit_width(differing)) - 1) / digit_bits;
    const std::uint64_t at = greatest(tick, elapsed_);
    const auto slot = static_cast<std::uint32_t>(at >> shift_of(digit)) & (slots - 1);
    occupied_[digit] = static_cast<std::uint16_t>(occupied_[digit] | 1U << slot);
    const std::uint32_t head = digit * slots + slot;
    std::uint32_t* const words = words_of(place);
    words[newer] = head;
    words[older] = words_of(head)[older];
    words_of(words[older])[newer] = place;
    words_of(head)[older] = place;
  }
  void unlink(std::uint32_t place) noexcept {
    const std::uint32_t before = words_of(place)[older];
    const std::uint32_t behind = words_of(place)[newer];
    words_of(before)[newer] = behind;
    words_of(behind)[older] = before;
    if (before != behind || before >= heads) return;
    // It was the only one there.
    std::uint16_t& bits = occupied_[before / slots];
    bits = static_cast<std::uint16_t>(bits & ~(1U << before % slots));
  }

  /// The slot whose time comes first, if that is not after `to`, and `elapsed` comes there; else
  /// `heads`, and `elapsed` comes to `to`. Slots before that of `elapsed` are empty, in every
  /// digit.
  std::uint32_t first_due(std::uint64_t to) noexcept {
    // Where `elapsed` is, in a higher digit: what has not been moved yet. It does not go on before.
    for (unsigned digit = digits - 1; digit != 0; --digit) {
      const unsigned slot = static_cast<unsigned>(elapsed_ >> shift_of(digit)) & (slots - 1);
      if ((unsigned{occupied_[digit]} >> slot & 1U) != 0) return digit * slots + slot;
    }
    unsigned digit = 0;
    while (digit != digits && occupied_[digit] == 0) ++digit;
    if (digit != digits) {
      // What is in a lower digit comes before all that is in a higher one.
      const auto slot = static_cast<unsigned>(std::countr_zero(occupied_[digit]));
      const std::uint64_t below = (std::uint64_t{slots} << shift_of(digit)) - 1;
      const std::uint64_t begin = (elapsed_ & ~below) | std::uint64_t{slot} << shift_of(digit);
      if (begin <= to) {
        elapsed_ = begin;
        return digit * slots + slot;
      }
    }
    elapsed_ = greatest(elapsed_, to);
    return heads;
  }

  eviction::memory<Allocator> memory_;
  std::size_t places_ = 0;  ///< for nodes
  std::size_t used_ = 0;    ///< of them, those that were in use at any time
  std::size_t size_ = 0;
  std::size_t patience_ = 0;  ///< so many insertions until it asks for memory again
  std::uint64_t elapsed_ = 0;
  std::uint32_t free_ = 0;
  bool is_full_ = false;
  bool has_missed_ = false;
  std::array<std::uint16_t, digits> occupied_{};
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
