// SPDX-License-Identifier: MIT
/// \file
/// The two words of a slot, as values with verbs.
///
///     slot    [version 40][owner or readers 12][distance 6][reserves][copy][locked][state 3]
///
///       state     see below
///       locked    a member belongs to one writer; set and taken away by that writer. A busy slot
///                 is a claim, and nobody has doubted that it is the only one of its key
///       copy      the value is being stored (`publishing`: set by the owner of the lock), or, of
///                 two copies of it, which one counts
///       reserves  of a candidate: it becomes `reserved`, not `member`; set by its owner
///       distance  how many slots after its home; 63 means "63 or more"
///       owner     where processes share the map: whose slot, or lock, this is
///       readers   where values are read in place: how many do so; changed by every reader
///       version   one more for every life of the slot, for every attempt, for every value that a
///                 reader could mix up with the one before
///
///              claim              key, value, and no other of this home is seen
///     empty -----------> claim -----------------------------------+
///       ^                 |  |                                    |
///       |         doubted |  | another of this home is seen       |
///       |                 v  v         only                       v
///       |          collided inserting ------------------> member or reserved
///       |             |  ^     | ^                         |  ^       |  |
///       |             |  +-----+ | another first, and then |  +-------+  |
///       |             +----------+ version + 1             | erase       |
///       |             |                                    v             v
///       +-------------+------------------------------- busy (leaving) ---+
///         version + 1
///
/// What goes back to empty, and every erased member, passes through `leaving`, which has the old
/// version: while it is there, the release is being counted.
///
/// A claim, and what is busy, collided, reserved or leaving, belongs to whoever claimed the slot,
/// and only the owner moves it on; but a claim is doubted by anybody who competes for the same
/// home, by compare-and-swap, and the owner's own is one for that. A slot that is inserting is
/// decided by anybody who finds it, by compare-and-swap. A member is locked by anybody, and moved
/// on by the owner of the lock.
///
/// In shared memory an owner may be dead; then whoever finds out takes its place, by
/// compare-and-swap and with the next version: of a lock by unlocking (`recovered`), of a slot that
/// is busy, inserting, collided, reserved or leaving by making it busy, in its own name
/// (`taken_over`), and then empty.
///
///     locked member ----------> member              one of the others ----------> busy --> empty
///                    recovered                                         taken_over
#pragma once

#include <concur/detail/assert.hpp>
#include <concur/detail/config.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

enum class slot_state : unsigned char {
  empty,      ///< anybody may claim it
  busy,       ///< a claim, or being erased: what is in it is nobody's business
  inserting,  ///< a candidate for being the only one with its key
  collided,   ///< a candidate that was not the first
  member,     ///< an element
  reserved,   ///< the only one with its key, but not an element yet: its value is being made
  leaving,    ///< given back: its release is being counted, and then it is empty
  corrupt,    ///< nobody writes this
};

class slot_word {
 public:
  constexpr slot_word() noexcept = default;
  constexpr explicit slot_word(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr std::uint64_t bits() const noexcept { return bits_; }

  constexpr slot_state state() const noexcept {
    return static_cast<slot_state>(bits_ & state_mask);
  }
  constexpr bool is(slot_state s) const noexcept { return state() == s; }
  /// A slot that was taken for a key which nobody sees yet: it may become the only one of its key
  /// at any moment.
  constexpr bool is_claim() const noexcept { return is(slot_state::busy) && is_locked(); }
  /// Counts for the bound of its home.
  constexpr bool holds_key() const noexcept {
    return is(slot_state::member) || is(slot_state::inserting) || is(slot_state::reserved) ||
           is_claim();
  }
  constexpr bool is_corrupt() const noexcept { return is(slot_state::corrupt); }
  constexpr bool is_locked() const noexcept { return (bits_ & locked_bit) != 0; }
  constexpr bool is_publishing() const noexcept { return (bits_ & copy_bit) != 0; }
  constexpr unsigned copy() const noexcept { return (bits_ & copy_bit) != 0 ? 1 : 0; }
  constexpr bool reserves() const noexcept { return (bits_ & reserves_bit) != 0; }
  constexpr unsigned owner() const noexcept { return field(); }
  constexpr unsigned readers() const noexcept { return field(); }
  constexpr bool is_full_of_readers() const noexcept { return field() == max_field; }
  constexpr std::uint64_t version() const noexcept { return bits_ >> version_shift; }

  /// Whether the slot is `distance` from the home of its key, as far as the word says.
  constexpr bool may_be_at(std::uint64_t distance) const noexcept {
    return stored_distance() == saturated(distance);
  }
  constexpr bool knows_distance() const noexcept { return stored_distance() != max_distance; }
  constexpr std::uint64_t stored_distance() const noexcept {
    return (bits_ >> distance_shift) & max_distance;
  }

  /// Whether a value that was read at this word is still the value at `later`.
  constexpr bool has_value_of(slot_word later) const noexcept {
    return ((bits_ ^ later.bits_) & ~(locked_bit | (max_field << field_shift))) == 0;
  }
  /// Whether it is the same slot in the same life and state, whoever has a lock on it.
  constexpr bool is_same_life(slot_word later) const noexcept {
    return version() == later.version() && state() == later.state();
  }
  /// A member that a writer may lock.
  constexpr bool is_free_member() const noexcept {
    return (bits_ & (state_mask | locked_bit)) == static_cast<std::uint64_t>(slot_state::member);
  }
  /// The same, in its home.
  constexpr bool is_free_at_home() const noexcept {
    constexpr std::uint64_t mask = state_mask | locked_bit | (max_distance << distance_shift);
    return (bits_ & mask) == static_cast<std::uint64_t>(slot_state::member);
  }

  constexpr slot_word with(slot_state s) const noexcept {
    return slot_word{(bits_ & ~state_mask) | static_cast<std::uint64_t>(s)};
  }
  /// Claims an empty slot for a key whose home is `distance` before it.
  constexpr slot_word claimed(std::uint64_t distance, bool reserves,
                              unsigned owner) const noexcept {
    return slot_word{(bits_ & version_mask) | (saturated(distance) << distance_shift) |
                     (reserves ? reserves_bit : 0) |
                     (static_cast<std::uint64_t>(owner) << field_shift) | locked_bit |
                     static_cast<std::uint64_t>(slot_state::busy)};
  }
  /// A claim that has to compete, or a candidate that was not the first.
  constexpr slot_word collided() const noexcept {
    return slot_word{bits_ & ~locked_bit}.with(slot_state::collided);
  }
  /// What a claim becomes that competes.
  constexpr slot_word candidate() const noexcept { return collided().with(slot_state::inserting); }
  /// The verdict on a claim or a candidate that has no rival.
  constexpr slot_word admitted() const noexcept {
    if (reserves()) return slot_word{bits_ & ~locked_bit}.with(slot_state::reserved);
    return member_of(*this);
  }
  /// A reserved slot, or a claim, whose value has been made.
  constexpr slot_word filled() const noexcept { return member_of(*this); }
  constexpr slot_word next_attempt() const noexcept {
    return slot_word{bits_ + version_step}.with(slot_state::inserting);
  }
  constexpr slot_word released() const noexcept {
    return slot_word{(bits_ & version_mask) + version_step};
  }

  constexpr slot_word locked(unsigned owner) const noexcept {
    return slot_word{bits_ | locked_bit | (static_cast<std::uint64_t>(owner) << field_shift)};
  }
  constexpr slot_word unlocked() const noexcept {
    return slot_word{bits_ & ~(locked_bit | (max_field << field_shift))};
  }
  constexpr slot_word publishing() const noexcept { return slot_word{bits_ | copy_bit}; }
  /// Unlocked, with a new value that was stored over the old one.
  constexpr slot_word published() const noexcept {
    return slot_word{(unlocked().bits_ & ~copy_bit) + version_step};
  }
  /// Unlocked, with the other copy of the value.
  constexpr slot_word flipped() const noexcept {
    return slot_word{(unlocked().bits_ ^ copy_bit) + version_step};
  }
  /// Whether it names an owner: somebody who has yet to do something with it.
  constexpr bool has_owner() const noexcept {
    return is(slot_state::member) ? is_locked() : !is(slot_state::empty) && !is_corrupt();
  }
  /// A member whose owner died: unlocked, with the value that it had.
  constexpr slot_word recovered() const noexcept {
    return slot_word{unlocked().bits_ + version_step};
  }
  /// A slot whose owner died, before its key was an element: another's.
  constexpr slot_word taken_over(unsigned owner) const noexcept {
    return slot_word{unlocked().with(slot_state::busy).bits_ + version_step +
                     (static_cast<std::uint64_t>(owner) << field_shift)};
  }
  /// Being erased by the owner of its lock, or given back.
  constexpr slot_word erased() const noexcept {
    return slot_word{bits_ & ~locked_bit}.with(slot_state::busy);
  }

  constexpr slot_word one_more_reader() const noexcept { return slot_word{bits_ + one_reader}; }
  static constexpr std::uint64_t one_reader = std::uint64_t{1} << 12;

  static constexpr unsigned max_owner = (1u << 12) - 1;

  friend constexpr bool operator==(slot_word, slot_word) noexcept = default;

 private:
  static constexpr std::uint64_t state_mask = 7;
  static constexpr std::uint64_t locked_bit = 1 << 3;
  static constexpr std::uint64_t copy_bit = 1 << 4;
  static constexpr std::uint64_t reserves_bit = 1 << 5;
  static constexpr unsigned distance_shift = 6;
  static constexpr std::uint64_t max_distance = 63;
  static constexpr unsigned field_shift = 12;
  static constexpr std::uint64_t max_field = (1u << 12) - 1;
  static constexpr unsigned version_shift = 24;
  static constexpr std::uint64_t version_step = std::uint64_t{1} << version_shift;
  static constexpr std::uint64_t version_mask = ~(version_step - 1);

  static constexpr std::uint64_t saturated(std::uint64_t distance) noexcept {
    return distance < max_distance ? distance : max_distance;
  }
  static constexpr slot_word member_of(slot_word w) noexcept {
    return slot_word{w.unlocked().with(slot_state::member).bits_ & ~reserves_bit};
  }
  constexpr unsigned field() const noexcept {
    return static_cast<unsigned>((bits_ >> field_shift) & max_field);
  }

  std::uint64_t bits_ = 0;
};

/// What was seen of all slots, none of which was empty.
struct full_look {
  std::uint64_t versions = 0;  ///< their sum
  bool is_leaving = false;     ///< one of them is about to be empty
  bool is_owned = false;       ///< one of them has an owner, who may be dead

  constexpr void add(slot_word w, bool has_owners) noexcept {
    versions += w.version();
    is_leaving = is_leaving || w.is(slot_state::leaving);
    is_owned = is_owned || (has_owners && w.has_owner());
  }
};

/// How far from its home a key may be: the keys of a home lie in the `length` slots that begin with
/// it, the home itself always among them. Every change is a new version, so that a scan which is
/// about to lower it notices all of them.
class bound_word {
 public:
  constexpr explicit bound_word(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr std::uint64_t bits() const noexcept { return bits_; }

  /// The largest distance.
  constexpr std::uint64_t reach() const noexcept { return bits_ & reach_mask; }
  constexpr std::uint64_t length() const noexcept { return reach() + 1; }
  constexpr bool is_scanned() const noexcept { return (bits_ & scanned_bit) != 0; }

  constexpr bound_word with_reach(std::uint64_t reach) const noexcept {
    return bound_word{(next() & ~(reach_mask | scanned_bit)) | reach};
  }
  constexpr bound_word scanned() const noexcept { return bound_word{next() | scanned_bit}; }
  constexpr bound_word unscanned() const noexcept { return bound_word{next() & ~scanned_bit}; }

  /// Slots beyond this cannot be named by a bound.
  static constexpr std::uint64_t max_length = (std::uint64_t{1} << 32) - 1;

 private:
  static constexpr std::uint64_t reach_mask = max_length;
  static constexpr std::uint64_t scanned_bit = std::uint64_t{1} << 32;
  static constexpr std::uint64_t version_step = std::uint64_t{1} << 33;

  constexpr std::uint64_t next() const noexcept { return bits_ + version_step; }

  std::uint64_t bits_;
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
