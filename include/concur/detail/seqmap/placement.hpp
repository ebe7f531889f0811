// SPDX-License-Identifier: MIT
/// \file
/// Where an element goes, and what an erasure leaves behind. Everything here runs under the lock of
/// the element's home bucket.
///
/// Locks. The home's lock serialises all writers of the home's keys, wherever their cells are, so
/// that one of several concurrent inserts of a key wins. A second bucket is locked in addition to
/// change a cell in it; a traversal locks all that have elements of a home. Nobody waits for a
/// bucket at a lower address than one that he has: he tries, and starts again; so there is no
/// circle of waiting.
///
/// Coming home. First fit alone would let elements drift: at a steady size as many would live
/// away from home as buckets are full. So whoever vacates a cell brings one of that bucket's own
/// displaced elements back into it, and a table under churn looks like one that only grew. The copy
/// at home is published before the one away goes, and the directory entry goes last: a reader
/// finds the element at every moment.
#pragma once

#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/seqmap/memory.hpp>
#include <cstring>

namespace concur::inline CONCUR_ABI::detail::seqmap {

template <class Types>
class placement : public table_memory<Types> {
 protected:
  using base = table_memory<Types>;
  using typename base::annex_page;
  using typename base::bucket;
  using typename base::state;
  using typename base::table;
  using key_type = typename Types::key_type;
  using mapped_type = typename Types::mapped_type;
  using base::base;

  /// A bucket's lock, and the state that its release will publish.
  class bucket_guard {
   public:
    bucket_guard() noexcept = default;
    bucket_guard(bucket& b, state s) noexcept : where(&b), current(s) {}
    bucket_guard(bucket_guard&& other) noexcept
        : where(std::exchange(other.where, nullptr)), current(other.current) {}
    bucket_guard& operator=(bucket_guard&& other) noexcept {
      release();
      where = std::exchange(other.where, nullptr);
      current = other.current;
      return *this;
    }
    ~bucket_guard() { release(); }

    void release() noexcept {
      if (where != nullptr) std::exchange(where, nullptr)->unlock(current);
    }

    bucket* where = nullptr;
    state current;
  };

  /// The cell of an element, and how its home's directory names it.
  struct cell_place {
    bucket* where;
    unsigned cell;
    unsigned distance;  ///< 0 at home
  };

  static bool is_above(const bucket* a, const bucket* b) noexcept {
    return reinterpret_cast<std::uintptr_t>(a) > reinterpret_cast<std::uintptr_t>(b);
  }

  /// Locks one more bucket: waits for it if it is above `highest`, the highest one that the caller
  /// has locked, else tries. If it returns false the caller gives up all his locks, and starts
  /// again.
  static bool lock_another(const bucket* highest, bucket* wanted, bucket_guard& lock) noexcept {
    state seen;
    if (is_above(wanted, highest)) {
      seen = wanted->lock();
    } else if (!wanted->try_lock(seen)) {
      return false;
    }
    lock = bucket_guard(*wanted, seen);
    return true;
  }

  /// Calls `f(cell, key, hash)` for the displaced elements in `b` whose home is `home`, which is
  /// locked; `b` need not be. The keys of other homes may change meanwhile: the user's hasher sees
  /// only keys that were there at one moment.
  template <class F>
  void for_each_displaced_of(table& owner, bucket* home, bucket& b, F&& f) const {
    key_copies keys;
    unsigned cells = 0;
    for (state seen = b.load_state();; seen = b.load_state()) {
      cells = seen.displaced();
      for (unsigned mask = cells; mask != 0; mask &= mask - 1) {
        const auto cell = static_cast<unsigned>(std::countr_zero(mask));
        keys.set(cell, b.copy_key(cell));
      }
      if (b.is_unchanged_since(seen)) break;
    }
    for (; cells != 0; cells &= cells - 1) {
      const auto cell = static_cast<unsigned>(std::countr_zero(cells));
      const std::uint64_t hash = this->hash(keys[cell]);
      if (table::home(owner.word(), hash) == home) f(cell, keys[cell], hash);
    }
  }

  /// Where the element is whose key has the words of `wanted`, which is somewhere in the locked
  /// home or displaced from it. A null bucket if it is in one that was changing meanwhile.
  static cell_place find_words(table& owner, bucket* home, std::uint64_t hash,
                               const atomic_words<key_type>& wanted) noexcept {
    cell_place found{};
    const auto find_in = [&](bucket& b, unsigned distance) {
      const state s = b.load_state();
      for (unsigned cells = distance == 0 ? s.at_home() : s.displaced(); cells != 0;
           cells &= cells - 1) {
        const auto cell = static_cast<unsigned>(std::countr_zero(cells));
        if (!b.keys[cell].has_words_of(wanted) || !b.is_unchanged_since(s)) continue;
        found = {&b, cell, distance};
        return true;
      }
      return false;
    };
    if (!find_in(*home, 0)) {
      owner.visit_displaced(home, home->load_displaced(), displaced_directory::tag_of(hash),
                            find_in);
    }
    return found;
  }

  /// Stores an absent element in its home, which has a vacant cell; `fill(bucket&, cell)` writes
  /// it.
  template <class Fill>
  CONCUR_FORCEINLINE cell_place store_at_home(bucket_guard& home, Fill&& fill) {
    const auto cell = static_cast<unsigned>(std::countr_zero(home.current.vacant()));
    fill(*home.where, cell);
    home.current = home.current.with_element(cell, false);
    return {home.where, cell, 0};
  }

  /// Stores an absent element in its home or near it; `fill(bucket&, cell)` writes it into a vacant
  /// cell. What it returns in `elsewhere` is the lock of the other bucket, whose release publishes
  /// the element there; at home it is the home's. Throws only if a new annex page is needed and
  /// cannot be had; then nothing has changed.
  template <class Fill>
  CONCUR_FORCEINLINE cell_place store_new(table& owner, bucket_guard& home, bucket_guard& elsewhere,
                                          std::uint64_t hash, Fill&& fill) {
    if (home.current.vacant() != 0) [[likely]]
      return store_at_home(home, std::forward<Fill>(fill));
    const cell_place place = claim_neighbour(owner, home.where, elsewhere);
    fill(*place.where, place.cell);
    elsewhere.current = elsewhere.current.with_element(place.cell, true);
    home.where->store_displaced(
        home.where->load_displaced().with(place.distance, displaced_directory::tag_of(hash)));
    home.current = home.current.with_new_version();
    return place;
  }

  /// Stores an element at its home in the next table, if nobody has that, and it has room.
  CONCUR_FORCEINLINE static bool store_if_vacant(table& to, const bucket& from, unsigned from_cell,
                                                 std::uint64_t hash) noexcept {
    bucket& home = *table::home(to.word(), hash);
    const state seen = home.load_state();
    if (seen.vacant() == 0 || !home.try_lock_from(seen)) return false;
    const auto cell = static_cast<unsigned>(std::countr_zero(seen.vacant()));
    home.fill_from(cell, from, from_cell, hash);
    home.unlock(seen.with_element(cell, false));
    return true;
  }

  /// Removes the element at `place`. `holder` is the guard of its bucket: `home` itself at home.
  CONCUR_FORCEINLINE void remove(table& owner, bucket_guard& home, bucket_guard& holder,
                                 const cell_place& place, std::uint64_t hash) noexcept {
    if (place.distance == 0) {
      home.current = home.current.without_element(place.cell);
      if (!home.where->load_displaced().is_empty()) [[unlikely]] {
        home.current = bring_one_home(owner, *home.where, home.current, place.cell);
      }
    } else {
      remove_displaced(owner, home, holder, place, hash);
    }
  }

 private:
  /// Copies of the keys of a bucket, for types without a default constructor too.
  class key_copies {
   public:
    void set(unsigned i, const key_type& key) noexcept {
      std::memcpy(bytes_ + i * sizeof(key_type), std::addressof(key), sizeof(key_type));
    }
    const key_type& operator[](unsigned i) const noexcept {
      return *std::launder(reinterpret_cast<const key_type*>(bytes_ + i * sizeof(key_type)));
    }

   private:
    alignas(key_type) unsigned char bytes_[bucket::cell_count * sizeof(key_type)];
  };

  /// A vacant cell in another bucket of the home's block, or in its annex; `lock` gets its lock.
  CONCUR_NOINLINE cell_place claim_neighbour(table& owner, bucket* home, bucket_guard& lock) {
    // A bucket that is locked is passed by, not waited for: its owner may be waiting for our home.
    // The rounds only save a page for a block that is busy rather than full.
    constexpr unsigned rounds = 8;
    backoff wait;
    for (unsigned round = 0; round < rounds; ++round) {
      bool is_busy = false;
      cell_place found{};
      const auto claim = [&](bucket& b, unsigned distance) {
        state seen = b.load_state();
        if (seen.vacant() == 0 || seen.is_moved()) return false;
        if (!b.try_lock(seen)) {
          is_busy = true;
          return false;
        }
        bucket_guard taken(b, seen);
        if (seen.vacant() == 0 || seen.is_moved()) return false;
        found = {&b, static_cast<unsigned>(std::countr_zero(seen.vacant())), distance};
        lock = std::move(taken);
        return true;
      };
      if (owner.visit_neighbours(home, displaced_directory::reach_everywhere, claim)) return found;
      if (!is_busy) break;
      wait.pause();
    }
    annex_page* page = this->add_annex_page(owner, home);
    lock = bucket_guard(page->buckets()[0], state());
    return {page->buckets(), 0, displaced_directory::reach_everywhere};
  }

  CONCUR_NOINLINE void remove_displaced(table& owner, bucket_guard& home, bucket_guard& holder,
                                        const cell_place& place, std::uint64_t hash) noexcept {
    holder.current = holder.current.without_element(place.cell);
    home.where->store_displaced(directory_without(owner, home.where, place, hash));
    home.current = home.current.with_new_version();
    if (!holder.current.is_moved() && place.distance != displaced_directory::reach_everywhere) {
      holder.current = bring_one_home(owner, *holder.where, holder.current, place.cell);
    }
  }

  /// The directory of the locked `home` without the element at `gone`, which its bucket may still
  /// show. Where too many had spilled to be counted it looks whether any is left: this costs as
  /// much as it did to find the element.
  displaced_directory directory_without(table& owner, bucket* home, const cell_place& gone,
                                        std::uint64_t hash) noexcept {
    const displaced_directory rest =
        home->load_displaced().without(gone.distance, displaced_directory::tag_of(hash));
    if (!rest.is_uncounted() || !has_only_entries(owner, home, rest, gone)) [[likely]]
      return rest;
    return rest.without_spilled();
  }

  /// Whether no more elements are displaced from the locked `home`, beside the one at `gone`, than
  /// its directory has entries for. False also if the user's hasher threw.
  CONCUR_NOINLINE bool has_only_entries(table& owner, bucket* home, displaced_directory directory,
                                        const cell_place& gone) noexcept {
    const unsigned most = directory.entries_in_use();
    unsigned count = 0;
    CONCUR_TRY {
      return !owner.visit_displaced(home, directory, [&](bucket& b, unsigned) {
        for_each_displaced_of(owner, home, b, [&](unsigned cell, const key_type&, std::uint64_t) {
          count += &b != gone.where || cell != gone.cell;
        });
        return count > most;
      });
    }
    CONCUR_CATCH_ALL {
      return false;
    }
    return false;
  }

  /// Moves one displaced element of the locked bucket `target` into the cell that was vacated just
  /// now, if that can be done without waiting. `current` is the bucket's state, and the result what
  /// it is then.
  CONCUR_NOINLINE state bring_one_home(table& owner, bucket& target, state current,
                                       unsigned cell) noexcept {
    const displaced_directory directory = target.load_displaced();
    if (directory.is_empty()) [[likely]]
      return current;
    // Before the cell is filled again: whoever copies from it must find a new version.
    target.publish(current);
    owner.visit_displaced(&target, directory, [&](bucket& b, unsigned distance) {
      state seen = b.load_state();
      if (seen.displaced() == 0 || !b.try_lock(seen)) return false;
      bucket_guard away(b, seen);
      for (unsigned mask = seen.displaced(); mask != 0; mask &= mask - 1) {
        const auto from = static_cast<unsigned>(std::countr_zero(mask));
        std::uint64_t hash = 0;
        if (!try_hash(b.keys[from].load(), hash)) return true;
        if (table::home(owner.word(), hash) != &target) continue;
        target.fill_from(cell, b, from, hash);
        current = current.with_element(cell, false);
        target.publish(current);  // there at home before it is gone elsewhere
        away.current = away.current.without_element(from);
        away.release();
        // last: see \file
        target.store_displaced(directory_without(owner, &target, {&b, from, distance}, hash));
        return true;
      }
      return false;
    });
    return current;
  }

  /// False if the user's hasher threw: then an element stays where it is.
  bool try_hash(const key_type& key, std::uint64_t& result) noexcept {
    CONCUR_TRY {
      result = this->hash(key);
      return true;
    }
    CONCUR_CATCH_ALL {
      return false;
    }
    return false;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
