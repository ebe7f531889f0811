// SPDX-License-Identifier: MIT
/// \file
/// Visits of all elements, one home bucket after the other, in the order of their hashes.
///
/// The position of a traversal is a hash, which means the same in every table: growth and shrinking
/// beside it neither repeat nor omit anything. All elements of a home are seen at one moment: under
/// its lock, or in copies that its version vouches for.
#pragma once

#include <concur/detail/map/hash_range.hpp>
#include <concur/detail/seqmap/quick_writes.hpp>
#include <concur/detail/seqmap/small_buffer.hpp>

namespace concur::inline CONCUR_ABI::detail::seqmap {

template <class Engine>
class locked_element;

template <class Types, class Engine>
class traversal : public quick_writes<Types> {
 public:
  using value_type = typename Types::value_type;

  /// Exclusive: f(element) -> go on. The elements of one home are visited under its lock.
  template <class F>
  bool traverse(hash_range range, F&& f) {
    exclusive_scope::require_inactive(this);
    // relaxed: an insertion that this call must see has replaced the root before.
    if (base::is_empty_word(this->root_.load(std::memory_order_relaxed))) return true;
    size_watch watch{*this};
    bool go_on = true;
    for (std::uint64_t at = range.first, last = 0; go_on; at = last + 1) {
      for (backoff wait; !visit_locked_home(at, range, watch, f, last, go_on);) wait.pause();
      if (last >= range.last) break;
    }
    return go_on;
  }

  /// Shared: f(const value_type&) -> go on, on copies, with nothing held.
  template <class F>
  bool traverse(hash_range range, F&& f) const {
    copy_list list(this->allocator_);
    for (std::uint64_t at = range.first, last = 0;; at = last + 1) {
      bool go_on = true;
      if (!visit_copies_at_home(at, range.last, last,
                                [&](const value_type& e) { go_on = go_on && f(e); })) {
        copy_home(at, list, last);
        for (element_copy& e : list) {
          if (e.is_wanted && range.contains(e.hash) && !f(std::as_const(e.value))) return false;
        }
      }
      if (!go_on) return false;
      if (last >= range.last) return true;
    }
  }

  /// Visits whole homes from `cursor` on until `n` elements or more have been visited. The result
  /// is where to go on, 0 at the end.
  template <class F>
  std::uint64_t scan(std::uint64_t cursor, std::size_t n, F&& f) const {
    copy_list list(this->allocator_);
    for (std::uint64_t at = cursor, last = 0;; at = last + 1) {
      const auto show = [&](const value_type& e) {
        f(e);
        n -= n != 0;
      };
      if (!visit_copies_at_home(at, ~std::uint64_t{0}, last, show)) {
        copy_home(at, list, last);
        for (element_copy& e : list) {
          if (e.is_wanted) show(std::as_const(e.value));
        }
      }
      if (n == 0 || last == ~std::uint64_t{0}) return last + 1;
    }
  }

  /// How many buckets a lookup of this key reads: what must not depend on history. For tests.
  std::size_t probe_count(const typename Types::key_type& key) const {
    lasting_hazard guard;
    std::size_t count = 1;
    const std::uint64_t h = this->hash(key);
    const std::uintptr_t word = guard.protect(this->root_);
    bucket* home = table::home(word, h);
    const state seen = home->load_state();
    const unsigned found = Types::compares_bytes ? home->find(key, h, seen.at_home())
                                                 : home->tags.match(h) & seen.at_home();
    if (!seen.is_moved() && found == 0) {
      table::of(word)->visit_displaced(home, home->load_displaced(), displaced_directory::tag_of(h),
                                       [&](bucket&, unsigned) {
                                         ++count;
                                         return false;
                                       });
    }
    return count;
  }

 protected:
  using base = quick_writes<Types>;
  using typename base::bucket;
  using typename base::bucket_guard;
  using typename base::cell_place;
  using typename base::home_guard;
  using typename base::key_type;
  using typename base::mapped_type;
  using typename base::size_watch;
  using typename base::state;
  using typename base::table;
  using allocator_type = typename Types::allocator_type;
  using base::base;

 private:
  static constexpr std::size_t few = bucket::cell_count + displaced_directory::entry_count;

  /// An element of a locked home, and which guard holds its bucket (0: the home's).
  struct locked_cell {
    cell_place place;
    std::uint64_t hash;
    std::size_t guard;
  };
  struct element_copy {
    std::uint64_t hash = 0;
    bool is_wanted = true;
    value_type value;
    element_copy(const key_type& k, const mapped_type& v) : value(k, v) {}
  };
  using cell_list = small_buffer<locked_cell, allocator_type, few>;
  using guard_list = small_buffer<bucket_guard, allocator_type, few>;
  using copy_list = small_buffer<element_copy, allocator_type, few>;

  enum class outcome { copied, again, elsewhere };

  /// Whether the home of `word` that `at` lies in begins there, and ends at `limit` or before.
  static bool is_whole_home(std::uintptr_t word, std::uint64_t at, std::uint64_t limit) noexcept {
    const std::uint64_t below = (std::uint64_t{1} << (word & table::shift_mask)) - 1;
    return (at & below) == 0 && (at | below) <= limit;
  }

  /// Most homes lie in the range as a whole and have nothing displaced: what is at home there need
  /// not be hashed. f(const value_type&) on copies that are of one moment. False if it takes more.
  template <class F>
  CONCUR_FORCEINLINE bool visit_copies_at_home(std::uint64_t at, std::uint64_t limit,
                                               std::uint64_t& last, F&& f) const {
    const std::uintptr_t word = this->protected_root();
    const bucket& home = *table::home(word, at);
    const displaced_directory directory = home.load_displaced();  // first: see bucket (2)
    const state before = home.load_state();
    if (!directory.is_empty() || before.is_moved() || !is_whole_home(word, at, limit)) return false;
    alignas(value_type) unsigned char copies[bucket::cell_count * sizeof(value_type)];
    // Of one line all cells, the vacant ones too: how many there are is nothing to predict.
    constexpr bool copies_all = bucket::shape.lines == 1;
    for (unsigned cell = 0; cell < bucket::cell_count; ++cell) {
      if (!copies_all && (before.at_home() >> cell & 1) == 0) continue;
      ::new (static_cast<void*>(copies + cell * sizeof(value_type)))
          value_type(home.copy_key(cell), home.copy_value(cell));
    }
    if (before.is_publishing() || !home.is_unchanged_since(before)) return false;
    last = table::last_hash_of_home(word, at);
    for (unsigned mask = before.at_home(); mask != 0; mask &= mask - 1) {
      const auto cell = static_cast<unsigned>(std::countr_zero(mask));
      f(*std::launder(reinterpret_cast<const value_type*>(copies + cell * sizeof(value_type))));
    }
    return true;
  }

  /// Locks the home of `at` and everything displaced from it, then visits. False if the locks could
  /// not be had in order: nothing was visited. `last` is the last hash of that home.
  template <class F>
  bool visit_locked_home(std::uint64_t at, hash_range range, size_watch& watch, F& f,
                         std::uint64_t& last, bool& go_on) {
    const auto locked = this->lock_home(at);
    home_guard home{locked.word, bucket_guard(*locked.where, locked.current), &watch};
    exclusive_scope scope(this);
    last = last_hash_of_step(home.word, at);
    if (locked.where->load_displaced().is_empty() && is_whole_home(home.word, at, last) &&
        last <= range.last) {
      // The hash of an element at home is not needed.
      for (unsigned mask = home.lock.current.at_home(); go_on && mask != 0; mask &= mask - 1) {
        const auto cell = static_cast<unsigned>(std::countr_zero(mask));
        locked_element<Engine> e(static_cast<Engine&>(*this), home, home.lock,
                                 {locked.where, cell, 0}, at);
        go_on = f(e);
      }
      return true;
    }
    cell_list cells(this->allocator_);
    guard_list others(this->allocator_);
    if (!lock_elements(home, cells, others)) return false;
    for (const locked_cell& c : cells) {
      const hash_range step{at, last};
      if (!step.contains(c.hash) || !range.contains(c.hash)) continue;
      locked_element<Engine> e(static_cast<Engine&>(*this), home,
                               c.guard == 0 ? home.lock : others[c.guard - 1], c.place, c.hash);
      go_on = f(e);
      if (!go_on) break;
    }
    return true;
  }

  /// How far the locked home of `at` in the table of `word` goes. A smaller table's home takes in
  /// several of the table that it replaces, of which some may not have moved: their elements come
  /// with them, in the next steps.
  std::uint64_t last_hash_of_step(std::uintptr_t word, std::uint64_t at) const noexcept {
    const std::uint64_t last = table::last_hash_of_home(word, at);
    // relaxed: `word` is the root, or the locked home was reached through the root before it, by
    // an acquire load: this one is no older. If it is newer, then everything has moved.
    const std::uintptr_t root = this->root_.load(std::memory_order_relaxed);
    if (table::of(root) == table::of(word)) return last;
    const std::uint64_t finer = table::last_hash_of_home(root, at);
    return finer < last ? finer : last;
  }

  /// Lists the elements of a locked home, and locks the other buckets that hold some. While all of
  /// them are locked nothing comes home that an erasure makes room for.
  bool lock_elements(home_guard& home, cell_list& cells, guard_list& others) {
    bucket* b = home.lock.where;
    for (unsigned mask = home.lock.current.at_home(); mask != 0; mask &= mask - 1) {
      const auto cell = static_cast<unsigned>(std::countr_zero(mask));
      cells.emplace(locked_cell{{b, cell, 0}, this->hash(b->keys[cell].load()), 0});
    }
    const displaced_directory directory = b->load_displaced();
    if (directory.is_empty()) [[likely]]
      return true;
    bucket* highest = b;
    return !home.owner().visit_displaced(b, directory, [&](bucket& other, unsigned distance) {
      const std::size_t before = cells.size();
      this->for_each_displaced_of(
          home.owner(), b, other, [&](unsigned cell, const key_type&, std::uint64_t hash) {
            cells.emplace(locked_cell{{&other, cell, distance}, hash, others.size() + 1});
          });
      if (cells.size() == before) return false;
      bucket_guard lock;
      if (!base::lock_another(highest, &other, lock)) return true;
      if (base::is_above(&other, highest)) highest = &other;
      others.emplace(std::move(lock));
      return false;
    });
  }

  /// Copies the elements of the home of `at` as they were at one moment.
  void copy_home(std::uint64_t at, copy_list& list, std::uint64_t& last) const {
    lasting_hazard guard;
    for (backoff wait;; wait.pause()) {
      // Room is made here, where no table is announced: an allocator may use a map, too.
      const bool is_short = list.is_full();
      list.clear();
      if (is_short) list.grow();
      const std::uintptr_t word = guard.protect(this->root_);
      last = table::last_hash_of_home(word, at);
      outcome o = copy_home_in(word, at, list);
      if (o == outcome::elsewhere) {
        const table* next = table::of(word)->next.load(std::memory_order_acquire);  // acquire: see
                                                                                    // migration (1)
        if (next == nullptr) return;  // the table of an empty map
        if (!this->announce_next(guard, word, next)) continue;
        // The finer of the two: see last_hash_of_step.
        const std::uint64_t last_of_next = table::last_hash_of_home(next->word(), at);
        if (last_of_next < last) last = last_of_next;
        o = copy_home_in(next->word(), at, list);
      }
      if (o != outcome::copied) continue;
      for (element_copy& e : list) e.is_wanted &= at <= e.hash && e.hash <= last;
      return;
    }
  }

  outcome copy_home_in(std::uintptr_t word, std::uint64_t at, copy_list& list) const {
    bucket* home = table::home(word, at);
    const displaced_directory directory = home->load_displaced();
    const state before = home->load_state();
    if (before.is_moved()) return outcome::elsewhere;
    for (unsigned mask = before.at_home(); mask != 0; mask &= mask - 1) {
      if (!copy_cell(*home, before, static_cast<unsigned>(std::countr_zero(mask)), list)) {
        return outcome::again;
      }
    }
    bool is_whole = true;
    if (!directory.is_empty()) {
      table::of(word)->visit_displaced(home, directory, [&](bucket& b, unsigned) {
        is_whole = copy_displaced_in(*home, before, b, list);
        return !is_whole;
      });
    }
    if (!is_whole || !home->is_unchanged_since(before)) return outcome::again;
    // The user's hasher sees only keys that were there at one moment. It may use a map, and with it
    // the announcement: the table is not touched any more. Elements of other homes are dropped.
    for (element_copy& e : list) {
      e.hash = this->hash(e.value.first);
      e.is_wanted = table::home(word, e.hash) == home;
    }
    return outcome::copied;
  }

  /// False if the cell has changed, or the list is full.
  bool copy_cell(const bucket& b, state before, unsigned cell, copy_list& list) const {
    if (list.is_full() || !bucket::can_use(b, before, cell)) return false;
    list.emplace(b.copy_key(cell), b.copy_value(cell));
    return bucket::can_use(b, before, cell);
  }

  /// The displaced elements of `b`, but for one that has just come home and is not yet gone here.
  bool copy_displaced_in(const bucket& home, state home_before, const bucket& b,
                         copy_list& list) const {
    const state before = b.load_state();
    for (unsigned mask = before.displaced(); mask != 0; mask &= mask - 1) {
      const auto cell = static_cast<unsigned>(std::countr_zero(mask));
      bool is_at_home = false;
      for (unsigned own = home_before.at_home(); own != 0; own &= own - 1) {
        is_at_home |= home.keys[std::countr_zero(own)].has_words_of(b.keys[cell]);
      }
      if (!is_at_home && !copy_cell(b, before, cell, list)) return false;
    }
    return true;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
