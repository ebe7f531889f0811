// SPDX-License-Identifier: MIT
/// \file
/// The word of a key: who holds it, who waits for it, whether it has a value. One compare-and-swap
/// takes it, one gives it back.
///
///     63         32 31      19 18       6  5    4      3     2        1        0
///     [  version   ][  pins   ][ sharers ][ ][parked][dead][present][waiting][exclusive]
///
/// - exclusive: set by whoever takes the key, or by the one who hands it over; sharers are 0 then.
/// - waiting:   there is a queue. Set and cleared under the lock of the shard.
/// - present:   there is a value. Set by the exclusive holder as he leaves, and his own business
///              before; or by who makes the state with its value.
/// - dead:      no longer in the table, for ever. Set under the lock of the shard, from an unused
///              word.
/// - parked:    of caches: an eviction found it held, and whoever leaves it free puts it back into
///              the order of eviction. Set and cleared under the lock of that order.
/// - pins:      threads that look at the key without holding it: it is not removed meanwhile.
/// - version:   counts exclusive holders as they leave. A reader that copied a value and finds word
///              as before has an unmixed copy. It wraps after 2^32 holders, a minute of nothing
///              else: a reader would have to be asleep between two loads for exactly a multiple.
#pragma once

#include <concur/version.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::lockmap {

enum class lock_mode : unsigned char { exclusive, shared };

class key_word {
 public:
  constexpr explicit key_word(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr std::uint64_t bits() const noexcept { return bits_; }

  constexpr bool is_exclusive() const noexcept { return (bits_ & exclusive_bit) != 0; }
  constexpr bool is_waiting() const noexcept { return (bits_ & waiting_bit) != 0; }
  constexpr bool is_present() const noexcept { return (bits_ & present_bit) != 0; }
  constexpr bool is_dead() const noexcept { return (bits_ & dead_bit) != 0; }
  constexpr bool is_parked() const noexcept { return (bits_ & parked_bit) != 0; }
  /// There is a value, and nobody who changes it.
  constexpr bool is_readable() const noexcept {
    return (bits_ & (exclusive_bit | present_bit | dead_bit)) == present_bit;
  }
  /// Whoever leaves it free has something to do.
  constexpr bool needs_care() const noexcept { return (bits_ & (waiting_bit | parked_bit)) != 0; }
  constexpr std::uint64_t sharers() const noexcept { return (bits_ >> share_shift) & count_max; }
  constexpr std::uint64_t pins() const noexcept { return (bits_ >> pin_shift) & count_max; }
  /// Nobody holds it.
  constexpr bool is_free() const noexcept { return (bits_ & (exclusive_bit | all_shares)) == 0; }
  /// No value, and nobody who wants it: it may be removed.
  constexpr bool is_unused() const noexcept {
    return (bits_ &
            (exclusive_bit | waiting_bit | present_bit | dead_bit | all_shares | all_pins)) == 0;
  }
  constexpr bool can_be_pinned() const noexcept { return pins() < count_max; }
  constexpr bool can_be_shared_once_more() const noexcept { return sharers() < count_max; }

  /// Whether one may take it who has not queued. A free key may be overtaken; one that is shared
  /// and waited for may not, or those who wait for the last sharer would wait for ever.
  template <lock_mode Mode>
  constexpr bool admits() const noexcept {
    if constexpr (Mode == lock_mode::exclusive) {
      return is_free();
    } else {
      return !is_exclusive() && (!is_waiting() || sharers() == 0) && can_be_shared_once_more();
    }
  }

  template <lock_mode Mode>
  constexpr key_word taken() const noexcept {
    return key_word(Mode == lock_mode::exclusive ? bits_ | exclusive_bit : bits_ + one_share);
  }
  constexpr key_word shared_by(std::uint64_t n) const noexcept {
    return key_word(bits_ + n * one_share);
  }
  /// Without its exclusive holder, who leaves it with or without a value.
  constexpr key_word left(bool with_value) const noexcept {
    const std::uint64_t rest = bits_ & ~(exclusive_bit | present_bit);
    return key_word((with_value ? rest | present_bit : rest) + one_version);
  }
  /// With one sharer less.
  constexpr key_word left() const noexcept { return key_word(bits_ - one_share); }
  constexpr key_word with_waiting(bool yes) const noexcept {
    return key_word(yes ? bits_ | waiting_bit : bits_ & ~waiting_bit);
  }
  constexpr key_word pinned() const noexcept { return key_word(bits_ + one_pin); }
  constexpr key_word unpinned(unsigned n = 1) const noexcept {
    return key_word(bits_ - n * one_pin);
  }
  constexpr key_word parked(bool yes) const noexcept {
    return key_word(yes ? bits_ | parked_bit : bits_ & ~parked_bit);
  }
  constexpr key_word died() const noexcept { return key_word(bits_ | dead_bit); }

  /// For a fetch_and.
  static constexpr std::uint64_t all_but_parked() noexcept { return ~parked_bit; }

  /// Nobody has changed the value between the two.
  constexpr bool has_same_value_as(key_word other) const noexcept {
    constexpr std::uint64_t value = exclusive_bit | present_bit | dead_bit | all_versions;
    return ((bits_ ^ other.bits_) & value) == 0;
  }

  friend constexpr bool operator==(key_word, key_word) noexcept = default;

  /// Of a key that its maker holds, or has pinned.
  static constexpr key_word made_exclusive() noexcept { return key_word(exclusive_bit); }
  static constexpr key_word made_shared() noexcept { return key_word(one_share); }
  static constexpr key_word made_pinned() noexcept { return key_word(one_pin); }
  /// Of a key that is free, and has a value.
  static constexpr key_word made_present() noexcept { return key_word(present_bit); }

 private:
  static constexpr std::uint64_t one = 1;
  static constexpr unsigned share_shift = 6;
  static constexpr unsigned pin_shift = 19;
  static constexpr std::uint64_t count_max = (one << 13) - 1;

  static constexpr std::uint64_t exclusive_bit = one << 0;
  static constexpr std::uint64_t waiting_bit = one << 1;
  static constexpr std::uint64_t present_bit = one << 2;
  static constexpr std::uint64_t dead_bit = one << 3;
  static constexpr std::uint64_t parked_bit = one << 4;
  static constexpr std::uint64_t one_share = one << share_shift;
  static constexpr std::uint64_t all_shares = count_max << share_shift;
  static constexpr std::uint64_t one_pin = one << pin_shift;
  static constexpr std::uint64_t all_pins = count_max << pin_shift;
  static constexpr std::uint64_t one_version = one << 32;
  static constexpr std::uint64_t all_versions = ~(one_version - 1);

  std::uint64_t bits_;
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
