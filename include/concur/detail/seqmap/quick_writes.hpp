// SPDX-License-Identifier: MIT
/// \file
/// Writes that run no user code under the lock: insertion of a pair, erasure, a new value computed
/// from the old one. For keys that are compared by their bytes.
///
/// What is here is done in the usual case alone: the key at home, or nowhere and a cell free,
/// nothing moves, nobody has the lock. There is no guard and no closure: hash, key, state and
/// address stay in registers, and between the compare-and-swap and the release are the stores of
/// the element and one of the thread's counter. Everything else is left to `engine::modify`,
/// undone.
///
/// Why the lock's owner may rely on what was read without it: the lock is taken from the very state
/// that was loaded first, by a compare-and-swap of the whole word, and whoever changes anything in
/// the bucket or its directory has the lock meanwhile and leaves another version.
#pragma once

#include <concur/detail/seqmap/migration.hpp>
#include <concur/detail/sync/contention.hpp>
#include <concur/detail/sync/reentrancy.hpp>

namespace concur::inline CONCUR_ABI::detail::seqmap {

template <class Types>
class quick_writes : public migration<Types> {
 public:
  /// The value of a present key becomes `change(value)`, which runs no user code. False
  /// if the key is absent, or it takes more than the usual case: then nothing was done.
  template <class Change>
  CONCUR_FORCEINLINE bool change_at_home(std::uint64_t hash, const typename Types::key_type& key,
                                         const Change& change) {
    exclusive_scope::require_inactive(this);
    const std::uintptr_t word = this->protected_root();
    if (table::is_replacing(word)) [[unlikely]]
      return false;
    bucket& home = *table::home(word, hash);
    state seen = home.load_state();
    const unsigned found = home.find(key, hash, seen.occupied());
    // A bucket that has moved has no occupied cell with a key of its own.
    if (found == 0) return false;
    if (!home.try_lock_from(seen)) [[unlikely]] {
      stay_away();
      return false;
    }
    const auto cell = static_cast<unsigned>(std::countr_zero(found));
    home.overwrite(cell, change(home.values[cell].load()), seen);
    home.unlock(seen);
    return true;
  }

 protected:
  using base = migration<Types>;
  using base::base;
  using typename base::bucket;
  using typename base::bucket_guard;
  using typename base::home_guard;
  using typename base::key_type;
  using typename base::mapped_type;
  using typename base::size_watch;
  using typename base::state;
  using typename base::table;

  /// Of a write that may leave the question to another one.
  enum class answer { no, yes, unknown };

  /// Inserts an absent key: yes. No: it is there.
  CONCUR_FORCEINLINE answer insert_at_home(std::uint64_t hash, const key_type& key,
                                           const mapped_type& value) {
    const std::uintptr_t word = this->protected_root();
    if (table::is_replacing(word)) [[unlikely]]
      return answer::unknown;  // every write does a share of that
    bucket& home = *table::home(word, hash);
    const state seen = home.load_state();
    if (home.find(key, hash, seen.occupied()) != 0) {
      return home.is_unchanged_since(seen) ? answer::no : answer::unknown;
    }
    if (seen.vacant() == 0 || may_be_elsewhere(home, seen, hash)) return answer::unknown;
    if (!home.try_lock_from(seen)) [[unlikely]] {
      stay_away();
      return answer::unknown;
    }
    const auto cell = static_cast<unsigned>(std::countr_zero(seen.vacant()));
    home.fill(cell, key, value, hash);
    unlock_counted(+1, word, home, seen.with_element(cell, false));
    return answer::yes;
  }

  /// The same where the home is full: into a neighbour. False if it takes more.
  bool insert_beside(std::uint64_t hash, const key_type& key, const mapped_type& value) {
    const std::uintptr_t word = this->protected_root();
    if (table::is_replacing(word)) return false;
    bucket& home = *table::home(word, hash);
    const state seen = home.load_state();
    if (seen.vacant() != 0 || home.find(key, hash, seen.occupied()) != 0 ||
        may_be_elsewhere(home, seen, hash) || !home.try_lock_from(seen)) {
      return false;
    }
    size_watch watch{*this};
    home_guard lock{word, bucket_guard(home, seen), &watch};
    const exclusive_scope scope(this);  // a page may be needed: the allocator is the user's
    bucket_guard beside;
    this->store_new(lock.owner(), lock.lock, beside, hash,
                    [&](bucket& b, unsigned cell) { b.fill(cell, key, value, hash); });
    this->counted(+1, lock);
    return true;
  }

  /// Erases a present key: yes. No: it is absent.
  CONCUR_FORCEINLINE answer erase_at_home(std::uint64_t hash, const key_type& key) {
    const std::uintptr_t word = this->protected_root();
    if (table::is_replacing(word)) [[unlikely]]
      return answer::unknown;
    bucket& home = *table::home(word, hash);
    // Before the state, for an answer without the lock: see engine::read_at_home.
    const displaced_directory before = home.load_displaced();
    const state seen = home.load_state();
    const unsigned found = home.find(key, hash, seen.occupied());
    if (found == 0) {
      return before.may_hold(displaced_directory::tag_of(hash)) || seen.is_moved() ? answer::unknown
                                                                                   : answer::no;
    }
    // Where something is displaced it may come home, and is hashed for that.
    if (!home.load_displaced().is_empty()) return answer::unknown;
    if (!home.try_lock_from(seen)) [[unlikely]] {
      stay_away();
      return answer::unknown;
    }
    const auto cell = static_cast<unsigned>(std::countr_zero(found));
    unlock_counted(-1, word, home, seen.without_element(cell));
    return answer::yes;
  }

  /// After another writer had the bucket, or was quicker: for some of his operations the line is
  /// his, or the two would pass it to and fro for every single one.
  CONCUR_NOINLINE static void stay_away() noexcept {
    constexpr std::uint64_t nanoseconds = 200;
    contention(nanoseconds).lost();
  }

 private:
  /// Whether a key that is not in the cells of its home may be in others. The directory is loaded
  /// after `seen`: it is the one that the owner of the lock will find.
  static bool may_be_elsewhere(const bucket& home, state seen, std::uint64_t hash) noexcept {
    return seen.is_moved() || home.load_displaced().may_hold(displaced_directory::tag_of(hash));
  }

  CONCUR_FORCEINLINE void unlock_counted(std::int64_t by, std::uintptr_t word, bucket& home,
                                         state now) noexcept {
    const bool must_check_load = this->count(by, word);
    home.unlock(now);
    if (must_check_load) [[unlikely]]
      this->check_load();
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
