// SPDX-License-Identifier: MIT
/// \file
/// How far from its home a key may be.
///
/// Bounds. Every home slot has a bound: its keys lie in that many slots from it on, in one at
/// least. Who claims a slot sees to it that the bound covers it before the key can become an
/// element: by raising it, or by a look that finds it high enough and no scan. Who erases at the
/// bound looks for the last slot with a key or a claim of this home, and lowers the bound if its
/// word has not changed meanwhile: every raise changes it, and so does who erases beside a scan.
/// Who raised it for a key that has gone meanwhile lowers it as well. A bound never depends on
/// history. The home itself is always within it: nobody raises it for a key there, nor lowers it.
///
/// (2), (3), (8), (9), (13) to (16) are in protocol.hpp.
#pragma once

#include <atomic>
#include <concur/detail/config.hpp>
#include <concur/detail/fixed_map/slot_word.hpp>
#include <concur/policy/hash_traits.hpp>
#include <cstdint>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

/// `Storage` has the slots and their bounds; `hash(key)` is asked for the rare key that is more
/// than 62 slots from home.
template <class Storage, class Hash>
class bounds : public Storage {
 public:
  using slot = typename Storage::slot;
  using key_type = typename slot::key_type;
  using hasher = Hash;

  const hasher& hash_function() const noexcept { return hash_; }
  template <class K>
  std::uint64_t hash(const K& key) const
      noexcept(noexcept(mixed_hash(std::declval<const hasher&>(), key))) {
    return mixed_hash(hash_, key);
  }

 protected:
  template <class... Args>
  explicit bounds(const Hash& hash, Args&&... args)
      : Storage(std::forward<Args>(args)...), hash_(hash) {}

  void swap_hash(bounds& other) noexcept {
    using std::swap;
    swap(hash_, other.hash_);
  }

  static slot_word word_of(const slot& s) noexcept {
    // (1) acquire: key and value; pairs with (3), (9), (14) of protocol.hpp. The owner's name: with
    // (2), (15).
    return slot_word(s.word.load(std::memory_order_acquire));
  }
  bound_word bound_of(std::uint64_t home) const noexcept {
    // acquire: the keys within it; pairs with (4). The bound of an element that the caller knows
    // of was raised before the element was admitted.
    return bound_word(this->bound_at(home).load(std::memory_order_acquire));
  }
  /// The bound, and never more than there is: shared memory is not to be trusted.
  std::uint64_t length_of(std::uint64_t home) const noexcept {
    return within_slots(bound_of(home).reach());
  }

  /// The same, of a home that may have no key at all.
  std::uint64_t probes_of(std::uint64_t home) const noexcept {
    const std::uint64_t length = length_of(home);
    return length > 1 || is_of_home(home, 0) ? length : 0;
  }

  /// How far a slot is from its key's home: as its word says, or, far away, as the hash says. False
  /// if the hasher throws.
  bool find_distance(const slot& s, std::uint64_t index, slot_word w,
                     std::uint64_t& distance) const noexcept {
    if (w.knows_distance()) {
      distance = w.stored_distance();
      return true;
    }
    CONCUR_TRY {
      // acquire: by who does not own the slot: its word is loaded again, and is not older
      const key_type key = s.key.template load<std::memory_order_acquire>();
      distance = (index - this->home_of(hash(key))) & (this->slot_count() - 1);
      return true;
    }
    CONCUR_CATCH_ALL {}
    return false;
  }

  /// For a claim; returns the bound, raised if need be.
  CONCUR_FORCEINLINE std::uint64_t cover(std::uint64_t home, std::uint64_t distance) noexcept {
    // (17) seq_cst: after (2). If no scan runs here, one that begins later, (11), counts the claim;
    // a scan that begins at an older word ends in vain. A key at home is within any bound.
    const bound_word now(this->bound_at(home).load(std::memory_order_seq_cst));
    if (distance == 0 || (now.reach() >= distance && !now.is_scanned())) [[likely]]
      return within_slots(now.reach());
    return raise_bound(home, distance);
  }

  /// For a candidate; returns the bound. Always a new word, also if the bound is high enough.
  CONCUR_NOINLINE std::uint64_t raise_bound(std::uint64_t home, std::uint64_t distance) noexcept {
    std::atomic<std::uint64_t>& bound = this->bound_at(home);
    std::uint64_t bits = bound.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    for (;;) {
      const bound_word now(bits);
      const std::uint64_t reach = now.reach() > distance ? now.reach() : distance;
      // (4) seq_cst: of two candidates, who comes second here sees the other's word, (3). A scan
      // that begins after this sees the candidate (pairs with the acquire of (11)); one that began
      // before cannot end, since the word has changed. And see raised_for.
      if (bound.compare_exchange_weak(bits, now.with_reach(reach).bits(), std::memory_order_seq_cst,
                                      std::memory_order_relaxed)) {
        return within_slots(reach);
      }
    }
  }
  /// What lies in shared memory may be any number.
  std::uint64_t within_slots(std::uint64_t reach) const noexcept {
    if constexpr (!Storage::has_owners) return reach + 1;
    return reach < this->slot_count() ? reach + 1 : this->slot_count();
  }

  /// The caller has raised the bound for a key that others may have decided and erased before. The
  /// two cases: if the load of the bound (10) by the last who had the slot is before (4), then the
  /// load in is_of_home, after (4), sees that the key is gone; else he sees the raised bound.
  void raised_for(std::uint64_t home, std::uint64_t distance) noexcept {
    if (distance != 0 && !is_of_home(home, distance)) lower_bound(home, distance);
  }

  /// A key at `distance` from `home`, not 0, is there no longer: finds the last one, if this was
  /// it.
  void lower_bound(std::uint64_t home, std::uint64_t distance) noexcept {
    std::atomic<std::uint64_t>& bound = this->bound_at(home);
    // (10) seq_cst: after (8). If a scan began before this load, we see that it runs; if it begins
    // later, it sees that our key is gone.
    std::uint64_t bits = bound.load(std::memory_order_seq_cst);
    for (;;) {
      const bound_word now(bits);
      if (now.reach() != distance) {
        if (!now.is_scanned()) return;
        // It may have counted our key: it must begin again. release: our key is gone, as (12).
        if (bound.compare_exchange_weak(bits, now.unscanned().bits(), std::memory_order_release,
                                        std::memory_order_relaxed)) {
          return;
        }
        continue;
      }
      const bound_word scanned = now.scanned();
      // (11) seq_cst: before the loads of the words below.
      if (!bound.compare_exchange_weak(bits, scanned.bits(), std::memory_order_seq_cst,
                                       std::memory_order_relaxed)) {
        continue;
      }
      std::uint64_t reach = distance;
      while (reach > 0 && !is_of_home(home, reach)) --reach;
      bits = scanned.bits();
      // (12) release: after the loads of the words: nothing has become visible within the bound
      // since (11), nor has gone. Who reads the lower bound has what was done before the erasure.
      if (bound.compare_exchange_strong(bits, scanned.with_reach(reach).bits(),
                                        std::memory_order_release, std::memory_order_relaxed)) {
        return;
      }
    }
  }

  /// Lowers a bound that was raised by somebody who died then; returns by how much.
  std::uint64_t tighten_bound(std::uint64_t home) noexcept {
    const std::uint64_t length = length_of(home);
    raised_for(home, length - 1);
    const std::uint64_t now = length_of(home);
    return now < length ? length - now : 0;
  }

 private:
  bool is_of_home(std::uint64_t home, std::uint64_t distance) const noexcept {
    const std::uint64_t index = (home + distance) & (this->slot_count() - 1);
    const slot& s = this->slot_at(index);
    for (;;) {
      // seq_cst: after (11), after (4)
      const slot_word w(s.word.load(std::memory_order_seq_cst));
      if (!w.holds_key() || !w.may_be_at(distance)) return false;
      if (w.knows_distance()) return true;
      std::uint64_t found = distance;  // a hasher that throws leaves the bound where it was
      static_cast<void>(find_distance(s, index, w, found));
      if (w.is_same_life(word_of(s))) return found == distance;
    }
  }

  Hash hash_;
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
