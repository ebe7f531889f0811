// SPDX-License-Identifier: MIT
/// \file
/// The slots of a fixed map: how a key is looked for, how one becomes the only one of its kind, and
/// how far from its home it may be. What follows is the algorithm of Purcell and Harris,
/// "Non-blocking Hashtables with Open Addressing" (DISC 2005), with versions in the words of the
/// bounds too, and with slots that are reserved for a value that is yet to be made.
///
/// Bounds. Every home slot has one: bounds.hpp. Who claims a slot sees to it that the bound covers
/// it before the key can become an element.
///
/// Uniqueness, where nobody competes. Claim (a read-modify-write of the slot), bound, a look at the
/// other slots within the bound: all in the one order of what is seq_cst. Of two that insert one
/// key, whose home is one, the claim that comes later in that order is followed by a look that
/// finds the slot of the other: within the bound, since that slot has been a claim, which counts,
/// before its owner looked at the bound; unless he looks later, and then he is the one who finds. A
/// claim is found without its key: it is doubted, by compare-and-swap. Who finds nothing of his key
/// and is not doubted is admitted, by compare-and-swap of his claim. Whoever is doubted, or finds a
/// rival, competes:
///
/// Uniqueness, among those who compete. Who has made a candidate and raised the bound looks at all
/// slots within it. Every such raise is a read-modify-write of one word, even if the bound is high
/// enough already: of two candidates with one key, the one that raises later sees the other. The
/// one that is closer to the home wins: the other is made `collided`. Who has no rival is admitted.
/// All of that is done by compare-and-swap on words that carry a version, by anybody: a candidate
/// whose thread sleeps is in nobody's way. A claim that came before the look at it is found by it,
/// and doubted; one that comes later finds the candidate, whose word was made, seq_cst, before that
/// look.
///
/// A miss is right: elements do not move. One that is there throughout is within the bound, in a
/// slot that is a member, with its key, and its tag leads there, whenever a reader looks. If the
/// reader did not see it, there was a moment without it.
///
/// Rivals are looked for slot by slot, not by tags: a candidate has the lines of the slots before
/// its own already, and few have others.
///
/// Full. Two looks at all slots find none of them empty, and a search between them does not find
/// the key. If no slot became empty from its first look to its second, then at every moment of the
/// search no slot was empty. There are two proofs of that:
///   - The sum of all versions is what it was. Who empties a slot raises its version, and none
///     falls. (They do come round: after 2^40 changes between one look and the next.)
///   - Where elements are written meanwhile, which raises versions too: no release was counted from
///     before the second look to after the search, and that look found no slot that was leaving. A
///     release is counted while its slot is `leaving`: of a slot that becomes empty later than it
///     was looked at, the count comes later, too. This proof holds on: it is written down
///     (`known_full`), and as long as no release is counted, one look is saved.
/// A slot whose owner is dead is no reason to say full: see shared_memory.hpp.
#pragma once

#include <concur/detail/config.hpp>
#include <concur/detail/fixed_map/bounds.hpp>
#include <concur/detail/fixed_map/slot_tags.hpp>
#include <concur/detail/fixed_map/slot_word.hpp>
#include <concur/detail/fixed_map/values.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstdint>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

/// `Storage` has the slots and the counters.
template <class Storage, class Hash>
class protocol : public bounds<Storage, Hash> {
  using base = bounds<Storage, Hash>;

 public:
  using slot = typename Storage::slot;
  using key_type = typename slot::key_type;

  void prefetch(std::uint64_t hash) const noexcept {
    const std::uint64_t home = this->home_of(hash);
    this->tags().prefetch(home);
    prefetch_to_read(&this->slot_at(home));
  }

  /// The number of elements. After a death the counters are not trusted, and the slots are counted.
  std::size_t size() const noexcept {
    if constexpr (Storage::has_owners) {
      const bool was_right = this->noted_deaths() == 0;
      const std::int64_t sum = this->counted_size();
      if (!was_right || this->has_deaths()) return count_members();
      return sum < 0 ? 0 : static_cast<std::size_t>(sum);
    } else {
      return Storage::size();
    }
  }

  /// How many slots a lookup of this key reads at most: what must not depend on history. For tests.
  std::uint64_t probe_count(const key_type& key) const {
    return this->probes_of(this->home_of(this->hash(key)));
  }

 protected:
  using base::length_of;
  using base::word_of;

  template <class... Args>
  explicit protocol(const Hash& hash, Args&&... args) : base(hash, std::forward<Args>(args)...) {}

  origin origin_of(std::uint64_t hash) const noexcept {
    return {this->home_of(hash), tag_of(hash)};
  }
  /// Which of the eight slots that are `distance` or more from home may have a key of this tag.
  CONCUR_FORCEINLINE tag_matches matches(const origin& from,
                                         std::uint64_t distance) const noexcept {
    return this->tags().match((from.home + distance) & (this->slot_count() - 1), from.tag);
  }
  /// Whether keys of this home may be `distance` or more from it, a multiple of the span and not 0.
  bool goes_on(const origin& from, std::uint64_t distance) const noexcept {
    if (distance == slot_tags::span && !this->tags().has_far(from.home)) return false;
    return distance < length_of(from.home);
  }

  /// Waits in turn for the owner of a slot, and for the discovery that there is none any more.
  struct patience {
    backoff pause;
    unsigned rounds = 0;
  };

  /// A little longer than the last time. The slot is somebody else's, as `seen` says.
  void wait(slot& s, slot_word seen, patience& waited) const noexcept {
    waited.pause.pause();
    if constexpr (Storage::has_owners) {
      if (++waited.rounds % rounds_per_check == 0) recover_if_dead(s, seen);
    }
  }

  /// What names this process as its owner was left by another, since it has not written yet: of a
  /// name's generation only the end is kept, and it comes again.
  void take_over() noexcept {
    for (std::uint64_t i = 0; i < this->slot_count(); ++i) {
      slot& s = this->slot_at(i);
      slot_word w = word_of(s);
      while (w.has_owner() && w.owner() == this->me() && !this->recover(s, w)) w = word_of(s);
    }
  }

  /// To be called before a slot is looked at in order to write. Throws format_error if there is no
  /// room for one more process.
  CONCUR_FORCEINLINE void before_write() {
    if constexpr (Storage::has_owners) {
      if (this->is_other_process()) [[unlikely]]
        enter_after_fork();
    }
  }

  /// Looks at every slot, and repairs those whose owner has died.
  void recover_all() const noexcept {
    if constexpr (Storage::has_owners) {
      for (std::uint64_t i = 0; i < this->slot_count(); ++i) {
        slot& s = this->slot_at(i);
        recover_if_dead(s, word_of(s));
      }
    }
  }

  std::size_t count_members() const noexcept {
    std::size_t n = 0;
    for (std::uint64_t i = 0; i < this->slot_count(); ++i) {
      if (word_of(this->slot_at(i)).is(slot_state::member)) ++n;
    }
    return n;
  }

  struct place {
    slot* where = nullptr;  ///< null if the key is absent
    slot_word word;         ///< a member, or reserved
    explicit operator bool() const noexcept { return where != nullptr; }
  };

  /// The slot of the key, as an element or reserved. `IsToLock`: the word of an element is one by
  /// which it may be locked; if that fails, it may have been another's.
  template <bool IsToLock = false>
  CONCUR_FORCEINLINE place search(const origin& from, const key_type& key) const noexcept {
    // Writers need the line of the home, and its bound, in any case: they do not wait for the tags.
    if (const place found = look_at<IsToLock>(this->slot_at(from.home), 0, key)) return found;
    const std::uint64_t length = length_of(from.home);
    if (length <= 1) return {};
    for (std::uint64_t d = 0; d < length; d += slot_tags::span) {
      for (tag_matches m = matches(from, d); m; m.drop_first()) {
        const std::uint64_t at = d + m.first();
        if (at == 0) continue;
        if (const place found = look_at<IsToLock>(this->slot_at(from.home + at), at, key)) {
          return found;
        }
      }
    }
    return {};
  }

  /// The same without the tags, which somebody may have changed in shared memory: whoever has lost
  /// to a rival finds that rival, or nobody any more.
  CONCUR_NOINLINE place search_slots(const origin& from, const key_type& key) const noexcept {
    for (std::uint64_t d = 0; d < length_of(from.home); ++d) {
      if (const place found = look_at(this->slot_at(from.home + d), d, key)) return found;
    }
    return {};
  }

  /// A slot `d` from the home of the key, if the key is in it.
  template <bool IsToLock = false>
  CONCUR_FORCEINLINE place look_at(slot& s, std::uint64_t d, const key_type& key) const noexcept {
    for (slot_word w = word_of(s); w.is(slot_state::member) || w.is(slot_state::reserved);) {
      if (!w.may_be_at(d) || !s.key.has_bytes_of(key)) break;
      // The compare-and-swap that locks says whether it is the same life.
      if (IsToLock && w.is(slot_state::member)) return {&s, w};
      const slot_word again = word_of(s);
      if (w.is_same_life(again)) return {&s, again};
      w = again;
    }
    return {};
  }

  /// A slot that the caller owns: not yet, or no longer, an element.
  struct claimed_slot {
    slot* where;
    std::uint64_t home;
    std::uint64_t distance;
    slot_word word;
  };

  void store_key(claimed_slot& mine, const origin& from, const key_type& key) noexcept {
    // release: who still reads the last key here sees that the slot is claimed; as copied_value.
    mine.where->key.template store<std::memory_order_release>(key);
    this->tags().add(this->index_of(*mine.where), mine.distance, from, this->slot_count());
  }

  static constexpr std::uint64_t no_distance = ~std::uint64_t{0};

  enum class claim_result { claimed, full, found };

  /// Takes the home, for a key that is seen nowhere: if there is no other key of this home.
  CONCUR_FORCEINLINE bool claim_home(const origin& from, claimed_slot& mine) noexcept {
    this->tags().prefetch_for_add(from.home);
    slot& s = this->slot_at(from.home);
    slot_word w = word_of(s);
    return w.is(slot_state::empty) && length_of(from.home) == 1 &&
           try_claim(s, from.home, 0, w, false, mine);
  }

  /// Takes the first empty slot from home on. `found`: none is empty, and the key is there now.
  claim_result claim(const origin& from, const key_type& key, bool reserves, claimed_slot& mine) {
    this->tags().prefetch_for_add(from.home);
    full_look first;
    if (claim_empty(from.home, reserves, mine, first)) [[likely]]
      return claim_result::claimed;
    return claim_when_full(from, key, reserves, mine, first);
  }

  /// Makes the claimed slot, in which key and value have been stored, the only one of its key, if
  /// nobody else is seen to insert one of this home. Else the caller has to compete.
  /// `admitted` is its word then.
  CONCUR_FORCEINLINE bool admit(const claimed_slot& mine, slot_word admitted) noexcept {
    const std::uint64_t length = this->cover(mine.home, mine.distance);
    // Within a bound of 1 there is no slot but that of the home, which is the caller's.
    if (length > 1 && !has_no_rival(mine, length)) return false;
    return decide(*mine.where, mine.word, admitted);
  }

  enum class verdict { won, present, reserved };

  /// The same for a claim that was not admitted, and for one that has collided since. `present`:
  /// there is an element; `reserved`: somebody is making one. Then the slot is still the caller's,
  /// collided, and may be tried again.
  CONCUR_NOINLINE verdict compete(claimed_slot& mine, const key_type& key) noexcept {
    mine.word = mine.word.is_claim() ? mine.word.candidate() : mine.word.next_attempt();
    for (;; mine.word = mine.word.next_attempt()) {
      // (3) seq_cst: release: the key and the value; pairs with (1) of bounds.hpp. Before the bound
      // is raised, and before the look at the words of claims: see (4), (16). Whoever has doubted
      // comes before.
      mine.where->word.store(mine.word.bits(), std::memory_order_seq_cst);
      const verdict v = settle(mine, key);
      // (13) seq_cst: between the decision (14) and the load of the bound (10); after (4).
      const slot_word decided(mine.where->word.load(std::memory_order_seq_cst));
      if (decided != mine.word.collided()) {
        if (decided != mine.word.admitted()) this->raised_for(mine.home, mine.distance);
        return verdict::won;
      }
      mine.word = decided;
      if (v != verdict::won) return v;
    }
  }

  /// Gives back a slot that has no value (any more).
  void release(claimed_slot& mine, const thread_slot& thread) noexcept {
    if (mine.word.holds_key()) make_busy(*mine.where, mine.word);
    this->tags().remove(this->index_of(*mine.where), this->slot_count());
    if (mine.distance != no_distance) this->tags().discount(mine.home, mine.distance);
    lower_bound_of(mine);
    leave(*mine.where, mine.word);
    this->count_release(thread);
    // (7) release: our use of the slot is over, and its release is counted; pairs with (2).
    store_word(*mine.where, mine.word.released());
  }

  /// Takes a member whose lock is ours out of the map, or what is reserved or a claim of ours. The
  /// value is still there.
  void make_busy(slot& s, slot_word& w) noexcept {
    w = w.erased();
    // (8) seq_cst: before the load of the bound in lower_bound (10).
    s.word.exchange(w.bits(), std::memory_order_seq_cst);
  }

  void store_word(slot& s, slot_word w) noexcept {
    // (9) release: what was stored in the slot; pairs with (2), (15), and (1) of bounds.hpp.
    s.word.store(w.bits(), std::memory_order_release);
  }

  /// By one who decides a candidate, doubts a claim, or admits his own.
  bool decide(slot& s, slot_word expected, slot_word desired) noexcept {
    std::uint64_t bits = expected.bits();
    // (14) seq_cst: release: passes on what (3) published, or publishes key and value of the own
    // claim, to those who find the element; pairs with (15), and (1) of bounds.hpp. Before (13):
    // who collided sees the scan that has counted his key. After (2): whoever is doubted and
    // competes, (3), sees the claim of who has doubted.
    return s.word.compare_exchange_strong(bits, desired.bits(), std::memory_order_seq_cst,
                                          std::memory_order_relaxed);
  }

  /// By one who locks.
  bool try_lock(slot& s, slot_word& w) noexcept {
    std::uint64_t bits = w.bits();
    const slot_word locked = w.locked(this->me());
    // (15) acquire: the value; pairs with (9), (14). Readers of values in place are over, too: they
    // release in engine.hpp. release: our name, as (2); pairs with (1) of bounds.hpp.
    if (!s.word.compare_exchange_strong(bits, locked.bits(), std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
      return false;
    }
    w = locked;
    return true;
  }

  /// A member whose lock is ours, as a slot that is ours altogether.
  claimed_slot claimed_by_lock(slot& s, slot_word w) const noexcept {
    const std::uint64_t index = this->index_of(s);
    std::uint64_t distance = 0;
    if (!this->find_distance(s, index, w, distance)) return {&s, index, no_distance, w};
    return {&s, (index - distance) & (this->slot_count() - 1), distance, w};
  }

 private:
  static constexpr unsigned rounds_per_check = 8;

  CONCUR_NOINLINE void enter_after_fork() {
    if (!this->may_enter()) return;
    CONCUR_TRY {
      this->enter();
    }
    CONCUR_CATCH_ALL {
      this->give_up_entering();
      CONCUR_RETHROW;
    }
    take_over();
    this->has_entered();
  }

  void recover_if_dead(slot& s, slot_word seen) const noexcept {
    if constexpr (Storage::has_owners) {
      // What was seen may be older than what the dead owner wrote last: then look again.
      for (; seen.has_owner() && this->is_dead(seen.owner()); seen = word_of(s)) {
        this->note_death();
        if (const_cast<protocol*>(this)->recover(s, seen)) return;
      }
    }
  }

 protected:
  /// The owner of the slot is dead. False if the slot is not as it was seen.
  bool recover(slot& s, slot_word seen) noexcept {
    if (seen.is(slot_state::member)) return decide(s, seen, seen.recovered());
    const slot_word taken = seen.taken_over(this->me());
    if (!decide(s, seen, taken)) return false;
    claimed_slot mine = claimed_by_lock(s, taken);
    // Nobody knows whether the dead one had counted the slot: where it had, lookups of these homes
    // ask for their bound.
    this->tags().remove(this->index_of(s), this->slot_count());
    lower_bound_of(mine);
    leave(s, mine.word);
    this->count_release_unnamed();
    store_word(s, mine.word.released());
    return true;
  }

 private:
  void lower_bound_of(const claimed_slot& mine) noexcept {
    if (mine.distance != no_distance && mine.distance != 0)
      this->lower_bound(mine.home, mine.distance);
  }

  void leave(slot& s, slot_word w) noexcept {
    // relaxed: the count that follows shows it
    s.word.store(w.with(slot_state::leaving).bits(), std::memory_order_relaxed);
  }

  /// Of an empty slot; else `w` is what it is now.
  CONCUR_FORCEINLINE bool try_claim(slot& s, std::uint64_t home, std::uint64_t distance,
                                    slot_word& w, bool reserves, claimed_slot& mine) noexcept {
    const slot_word claimed = w.claimed(distance, reserves, this->me());
    std::uint64_t bits = w.bits();
    // (2) acquire: the last owner's use of the slot is over; pairs with (7), (9). release: who
    // reads our name here finds us in the table of processes; pairs with (1) of bounds.hpp.
    // seq_cst: before the looks at the bound (17), and at the other slots of the home (16).
    if (!s.word.compare_exchange_strong(bits, claimed.bits(), std::memory_order_seq_cst,
                                        std::memory_order_acquire)) {  // acquire: as word_of
      w = slot_word(bits);
      return false;
    }
    mine = {&s, home, distance, claimed};
    return true;
  }

  /// `seen` is empty before, and good only if there is no empty slot.
  bool claim_empty(std::uint64_t home, bool reserves, claimed_slot& mine,
                   full_look& seen) noexcept {
    const std::uint64_t count = this->slot_count();
    for (std::uint64_t d = 0; d < count; ++d) {
      slot& s = this->slot_at(home + d);
      slot_word w = word_of(s);
      while (w.is(slot_state::empty)) {
        if (try_claim(s, home, d, w, reserves, mine)) return true;
      }
      seen.add(w, Storage::has_owners);
    }
    return false;
  }

  /// `claim`, after a first look at all slots: what the file says of "Full".
  CONCUR_NOINLINE claim_result claim_when_full(const origin& from, const key_type& key,
                                               bool reserves, claimed_slot& mine, full_look seen) {
    for (;;) {
      // acquire: the releases that were counted there are seen here, so that equal sums are equal
      // counts; pairs with the release below.
      const std::int64_t known = this->known_full().load(std::memory_order_acquire);
      const std::int64_t before = this->releases();
      const bool is_known = before == known && !seen.is_owned;
      const full_look last = seen;
      if (!is_known) {
        if (seen.is_owned) this->recover_all();
        seen = {};
        if (claim_empty(from.home, reserves, mine, seen)) return claim_result::claimed;
      }
      if (search(from, key)) return claim_result::found;
      const bool is_uncounted = this->releases() == before;
      if (is_uncounted && !is_known && !seen.is_leaving) {
        // release: pairs with the acquire above.
        this->known_full().store(before, std::memory_order_release);
      }
      if (is_uncounted && (is_known || !seen.is_leaving)) return claim_result::full;
      if (!is_known && seen.versions == last.versions) return claim_result::full;
    }
  }

  struct rival {
    enum { none, decided, closer, member, reserved } what;
    std::uint64_t distance = 0;
    slot_word word{};
  };

  /// Sees to it that a candidate of the caller's is decided, and helps those that come first. `won`
  /// says that it has been decided, one way or the other.
  verdict settle(const claimed_slot& mine, const key_type& key) noexcept {
    rival found = judge(mine.home, key, mine.distance, mine.word);
    while (found.what == rival::closer) {
      const rival helped = found;
      found = judge(mine.home, key, helped.distance, helped.word);
      this->raised_for(mine.home, helped.distance);
    }
    if (found.what == rival::member) return verdict::present;
    if (found.what == rival::reserved) return verdict::reserved;
    return verdict::won;
  }

  /// Decides the candidate at `distance` from `home`, whose word was `mine`, unless others do;
  /// returns what kept it from being admitted.
  rival judge(std::uint64_t home, const key_type& key, std::uint64_t distance,
              slot_word mine) noexcept {
    const std::uint64_t length = this->raise_bound(home, distance);
    const rival found = first_rival(home, length, key, distance, mine);
    if (found.what != rival::decided) {
      decide(this->slot_at(home + distance), mine,
             found.what == rival::none ? mine.admitted() : mine.collided());
    }
    return found;
  }

  /// Whether a claim of the caller's has no rival within the bound, as far as keys can be seen.
  CONCUR_NOINLINE bool has_no_rival(const claimed_slot& mine, std::uint64_t length) noexcept {
    const key_type key = mine.where->key.load();  // relaxed: the caller has stored it
    return first_rival(mine.home, length, key, mine.distance, mine.word).what == rival::none;
  }

  /// What keeps the candidate or claim `mine` from being admitted, within the bound as the caller
  /// has raised or seen it. Candidates further away are made to collide, claims are doubted.
  rival first_rival(std::uint64_t home, std::uint64_t length, const key_type& key,
                    std::uint64_t distance, slot_word mine) noexcept {
    for (std::uint64_t d = 0; d < length; ++d) {
      if (d == distance) continue;
      slot& other = this->slot_at(home + d);
      for (;;) {
        // (16) seq_cst: acquire, as (1). After (2), or (3) and (4): a rival that is not yet a
        // claim, or not yet a candidate, here will see us.
        const slot_word w(other.word.load(std::memory_order_seq_cst));
        if (w.is_claim() && w.may_be_at(d)) {
          if (decide(other, w, w.collided())) break;
          continue;
        }
        const bool is_rival =
            w.is(slot_state::inserting) || w.is(slot_state::member) || w.is(slot_state::reserved);
        if (!is_rival || !w.may_be_at(d) || !other.key.has_bytes_of(key)) break;
        if (!w.is_same_life(word_of(other))) continue;  // whose key was that?
        if (w.is(slot_state::member)) return {rival::member};
        if (w.is(slot_state::reserved)) return {rival::reserved};
        if (d < distance) return {rival::closer, d, w};
        if (word_of(this->slot_at(home + distance)) != mine) return {rival::decided};
        // If this comes too late, the other may have been admitted: look again.
        if (decide(other, w, w.collided())) break;
      }
    }
    return {rival::none};
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
