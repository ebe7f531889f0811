// SPDX-License-Identifier: MIT
/// \file
/// How a table is replaced by a larger or a smaller one, while everybody goes on.
///
///   1. A thread finds the load too high (or too low), allocates the next table, sets `next` of the
///      root table, then the `replacing` bit of the root word.
///   2. Every write does a share first: it takes a number, initialises the block of the next table
///      that belongs to it, and moves that range of buckets, one by one, each under its own lock.
///   3. Who accounts for the last bucket makes the next table the root, and retires the old one.
///
/// A home bucket and all its elements move in one critical section, whose last store says "moved":
/// that store is where the elements change tables. What is in a cell of the old table stays there,
/// and is never overwritten, so that a reader who is late still reads what was true when he came.
///
/// Between any two buckets everybody can go on. A thread that sleeps in the middle of a share
/// delays nobody: the others move its buckets when there is nothing else left. Who sleeps in the
/// middle of a bucket holds its lock, like any writer.
#pragma once

#include <concur/detail/seqmap/placement.hpp>
#include <concur/detail/sync/reentrancy.hpp>

namespace concur::inline CONCUR_ABI::detail::seqmap {

template <class Types>
class migration : public placement<Types> {
 public:
  /// Cells of the table that new elements go to.
  std::size_t capacity() const noexcept {
    const std::uintptr_t word = this->root_.load(std::memory_order_relaxed);  // relaxed: a hint
    if (base::is_empty_word(word)) return 0;
    if (!table::is_replacing(word)) return static_cast<std::size_t>(table::cells_of(word));
    // relaxed: a hint
    return std::size_t{bucket::cell_count} << this->next_log2_.load(std::memory_order_relaxed);
  }

  bool is_resizing() const noexcept {
    return table::is_replacing(this->root_.load(std::memory_order_relaxed));  // relaxed: a hint
  }

  /// Brings the map to a table for `n` elements, and keeps it from shrinking below; returns when it
  /// is there.
  void reserve(std::size_t n) {
    const unsigned log2 = make_room(n);
    this->floor_.store(log2, std::memory_order_relaxed);  // relaxed: a setting
  }

  /// The same for once. The result is the log2 of the buckets that `n` elements need, 0 for none.
  unsigned make_room(std::size_t n) {
    exclusive_scope::require_inactive(this);
    if (n == 0) return 0;
    const unsigned log2 = this->log2_for(n);
    resize_to([log2](unsigned now) { return now < log2 ? log2 : now; });
    return log2;
  }

  /// While it lives no table shrinks because it is too empty. Whoever inserts elements in the order
  /// of their hashes, as a traversal shows them, makes room for all first, and keeps it: in a small
  /// table all of them would go to the same few homes.
  class [[nodiscard]] filling {
   public:
    explicit filling(migration& map) noexcept : map_(map) {
      map_.fillings_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a setting
    }
    ~filling() { map_.fillings_.fetch_sub(1, std::memory_order_relaxed); }  // relaxed: a setting
    filling(const filling&) = delete;
    filling& operator=(const filling&) = delete;

   private:
    migration& map_;
  };

  void shrink_to_fit() {
    exclusive_scope::require_inactive(this);
    this->floor_.store(0, std::memory_order_relaxed);  // relaxed: a setting
    if (base::is_empty_word(this->root_.load(std::memory_order_relaxed))) return;  // relaxed: hint
    // Also where that is larger: what was inserted while the table shrank has perhaps overfilled
    // it.
    resize_to([this](unsigned) { return this->log2_for(this->size()); });
  }

 protected:
  using base = placement<Types>;
  using typename base::bucket;
  using typename base::bucket_guard;
  using typename base::cell_place;
  using typename base::key_type;
  using typename base::mapped_type;
  using typename base::state;
  using typename base::table;
  using tuning = typename Types::tuning;
  using base::base;

  /// The root word, its table protected.
  CONCUR_FORCEINLINE std::uintptr_t protected_root() const {
    // acquire: pairs with memory (1), and (3).
    const std::uintptr_t word = this->root_.load(std::memory_order_acquire);
    if (lasting_hazard::still_protects(thread_slots::mine_or_nobodys(), word)) [[likely]]
      return word;
    return announced_root();
  }
  CONCUR_NOINLINE std::uintptr_t announced_root() const {
    return lasting_hazard().protect(this->root_);
  }

  /// Protects the next table in place of the announced root table `word`. False if the root has
  /// changed: then nothing is known of either.
  bool announce_next(lasting_hazard& guard, std::uintptr_t word, const table* next) const noexcept {
    // Beside `word`, and not yet in its place: while that is announced its address is no other
    // table's, and the comparison below means what it says.
    const auto address = reinterpret_cast<std::uintptr_t>(next);
    guard.announce_second(address);
    // (4) acquire: while `word` is the root, or its successor is, the successor is not retired;
    // pairs with (3).
    const std::uintptr_t now = this->root_.load(std::memory_order_acquire);
    guard.announce(address);
    guard.clear_second();
    return table::of(now) == table::of(word) || table::of(now) == next;
  }

  /// Announces the root table and, while it is being replaced, the next one. False if the root has
  /// changed, also for another table of the same word: `id` is that of the announced table.
  bool announce_both(lasting_hazard& guard, std::uintptr_t root, std::uint64_t id) const noexcept {
    guard.announce(root);
    if (table::is_replacing(root)) {
      // acquire: see migration (3): only then is the table touched.
      if (this->root_.load(std::memory_order_acquire) != root) return false;
      // acquire: see migration (1)
      const table* next = table::of(root)->next.load(std::memory_order_acquire);
      guard.announce_second(reinterpret_cast<std::uintptr_t>(next));
    }
    // acquire: see migration (3)
    return this->root_.load(std::memory_order_acquire) == root && table::of(root)->id == id;
  }

  /// A table that was announced, and which one that was.
  struct known_table {
    std::uintptr_t word;
    std::uint64_t id;

    explicit known_table(std::uintptr_t announced) noexcept
        : word(announced), id(table::of(announced)->id) {}
    bool is(const table* announced) const noexcept {
      return announced == table::of(word) && announced->id == id;
    }
  };

  /// Announces anew `known`, which the root `root` led to, after user code that may have used a
  /// map. False if the root has changed.
  bool still_announced(lasting_hazard& guard, const known_table& known,
                       const known_table& root) const noexcept {
    guard.announce(root.word);
    // acquire: as (4)
    if (this->root_.load(std::memory_order_acquire) != root.word) return false;
    if (!root.is(table::of(root.word))) return false;
    if (table::of(known.word) == table::of(root.word)) return true;
    // acquire: see (1)
    const table* next = table::of(root.word)->next.load(std::memory_order_acquire);
    return next == table::of(known.word) && announce_next(guard, root.word, next) && known.is(next);
  }

  /// Notes, under locks, that the load is to be looked at, and does it when they are released, also
  /// where a callback throws.
  struct size_watch {
    migration& map;
    bool must_check_load = false;
    ~size_watch() {
      if (must_check_load) [[unlikely]]
        map.check_load();
    }
  };

  /// A home that is locked, in the table of `word`, which stays for as long as it is.
  struct locked_home {
    std::uintptr_t word;
    bucket* where;
    state current;
  };

  /// The same with the lock's owner, and who wants to know about the size.
  struct home_guard {
    std::uintptr_t word;
    bucket_guard lock;
    size_watch* watch;
    table& owner() const noexcept { return *table::of(word); }
  };

  /// Locks the home of `hash`, wherever it is by now; creates the first table; helps.
  locked_home lock_home(std::uint64_t hash) {
    const std::uintptr_t word = protected_root();
    if (!table::is_replacing(word)) [[likely]] {
      bucket* home = table::home(word, hash);
      const state seen = home->lock_unless_moved();
      if (!seen.is_moved()) [[likely]]
        return {word, home, seen};
    }
    return lock_home_slowly(hash);
  }

  CONCUR_FORCEINLINE void counted(std::int64_t by, home_guard& home) noexcept {
    if (count(by, home.word)) home.watch->must_check_load = true;
  }

  /// Does one share of a running replacement. What the user's hasher or allocator throws is kept
  /// here: the share is then done later, or by somebody else.
  void help(std::uintptr_t word, lasting_hazard& guard) noexcept {
    table& from = *table::of(word);
    const std::uint64_t shares = share_count(from);
    // relaxed: any number will do; a bucket is moved under its lock, and only once.
    const std::uint64_t number = from.next_share.fetch_add(1, std::memory_order_relaxed);
    // After the first round the missing shares are in work; look after them now and then.
    if (number >= shares && number % 8 != 0) return;
    CONCUR_TRY {
      move_share(word, number < shares ? number : number / 8 % shares, guard);
    }
    CONCUR_CATCH_ALL {}
  }

  CONCUR_NOINLINE locked_home lock_home_slowly(std::uint64_t hash) {
    lasting_hazard guard;
    bool has_helped = false;
    for (;;) {
      const std::uintptr_t word = guard.protect(this->root_);
      if (base::is_empty_word(word)) {
        this->create_first_table(tuning::first_log2_buckets);
        continue;
      }
      if (table::is_replacing(word) && !std::exchange(has_helped, true)) {
        help(word, guard);
        continue;
      }
      bucket* home = table::home(word, hash);
      const state seen = home->lock_unless_moved();
      if (!seen.is_moved()) return {word & ~table::replacing_bit, home, seen};
      table* next = table::of(word)->next.load(std::memory_order_acquire);  // acquire: see (1)
      if (!announce_next(guard, word, next)) continue;
      bucket* next_home = table::home(next->word(), hash);
      const state next_seen = next_home->lock_unless_moved();
      if (!next_seen.is_moved()) return {next->word(), next_home, next_seen};
    }
  }

  /// Looks at the load, and does what it asks for. Called every so many changes of the size.
  CONCUR_NOINLINE void check_load() noexcept {
    const std::uint64_t n = this->size();
    {
      lasting_hazard guard;
      const std::uintptr_t word = guard.protect(this->root_);
      if (!base::is_empty_word(word) && !table::is_replacing(word)) {
        const unsigned log2 = wanted_log2(word, n);
        CONCUR_TRY {
          if (log2 != base::log2_of(word)) start_replacing(guard, word, log2);
        }
        CONCUR_CATCH_ALL {
          // No memory for a larger table: the map goes on with this one until it is full.
        }
        if (log2 >= tuning::striped_log2_buckets) this->spread_counter();
      }
    }
    this->reclaim();
  }

  /// One change of the size under a bucket's lock; true if the load is to be looked at.
  CONCUR_FORCEINLINE bool count(std::int64_t by, std::uintptr_t word) noexcept {
    // Whoever has locked a home has announced its table: the slot is this thread's.
    auto* const stripe = this->counter_.stripe_of(thread_slots::mine_or_nobodys());
    if (stripe == nullptr) [[unlikely]]
      return count_in_base(by, word);
    return is_time_to_look(striped_counter::add_to(*stripe, by), word);
  }

 private:
  CONCUR_NOINLINE bool count_in_base(std::int64_t by, std::uintptr_t word) noexcept {
    const std::int64_t share = this->counter_.add(by, thread_slots::mine_or_nobodys());
    if (this->counter_.is_striped()) return is_time_to_look(share, word);
    return is_out_of_bounds(word, static_cast<std::uint64_t>(share < 0 ? 0 : share));
  }

  /// Less often in a larger table: what all threads have not yet looked at is a few per cent.
  static bool is_time_to_look(std::int64_t share, std::uintptr_t word) noexcept {
    // share % 2^interval == 0 for interval = log2(buckets) - 8, at least 0 and at most the
    // tuning's. The word has 64 - log2(buckets).
    constexpr unsigned few_per_cent = 8;
    constexpr unsigned least = 64 - tuning::log2_check_interval;
    const auto shift = static_cast<unsigned>(word & table::shift_mask) + few_per_cent;
    if (shift >= 64 || least >= 64) return true;
    return static_cast<std::uint64_t>(share) << (shift > least ? shift : least) % 64 == 0;
  }

  CONCUR_NOINLINE bool is_out_of_bounds(std::uintptr_t word, std::uint64_t n) const noexcept {
    return is_too_full(word, n) || is_too_empty(word, n);
  }
  bool is_too_full(std::uintptr_t word, std::uint64_t n) const noexcept {
    return n * 64 > table::cells_of(word) * this->max_load(base::log2_of(word));
  }
  bool is_too_empty(std::uintptr_t word, std::uint64_t n) const noexcept {
    return n * tuning::min_load_divisor < table::cells_of(word) &&
           base::log2_of(word) > tuning::first_log2_buckets;
  }

  /// The size of table (log2 of its buckets) for `n` elements, given the one there is.
  unsigned wanted_log2(std::uintptr_t word, std::uint64_t n) const noexcept {
    unsigned log2 = base::log2_of(word);
    if (is_too_full(word, n)) return log2 + tuning::log2_growth(log2);
    // relaxed: a setting
    if (!is_too_empty(word, n) || this->fillings_.load(std::memory_order_relaxed) != 0) return log2;
    const unsigned floor = this->floor_.load(std::memory_order_relaxed);  // relaxed: a setting
    const unsigned least = floor > tuning::first_log2_buckets ? floor : tuning::first_log2_buckets;
    // To a quarter of the cells, and half of what is too full: the next growth is far away.
    for (; log2 > least; --log2) {
      const std::uint64_t cells = std::uint64_t{bucket::cell_count} << (log2 - 1);
      if (n * 4 >= cells || n * 128 >= cells * this->max_load(log2 - 1)) break;
    }
    return log2;
  }

  /// Buckets of the old table that one share moves: those that fill one block of a table twice as
  /// large.
  static unsigned log2_share(const table& from) noexcept {
    return from.log2_block() > 0 ? from.log2_block() - 1 : 0;
  }
  static std::uint64_t share_count(const table& from) noexcept {
    return from.bucket_count() >> log2_share(from);
  }

  /// Allocates the next table, if there is none yet. Needs `word` to be announced.
  void start_replacing(lasting_hazard& guard, std::uintptr_t word, unsigned log2_buckets) {
    table& from = *table::of(word);
    table* surplus = nullptr;
    if (from.next.load(std::memory_order_acquire) == nullptr) {  // acquire: see (1)
      table* fresh = this->create_table(log2_buckets);
      // The user's allocator may have used a map, and with it the announcement.
      guard.announce(word);
      if (this->root_.load(std::memory_order_acquire) != word) {  // acquire: as (4)
        this->destroy_table(fresh);
        return;
      }
      table* expected = nullptr;
      // (1) release: publishes the next table; pairs with the acquire loads of `next`.
      if (from.next.compare_exchange_strong(expected, fresh, std::memory_order_release,
                                            std::memory_order_relaxed)) {
        this->next_log2_.store(log2_buckets, std::memory_order_relaxed);  // relaxed: a hint
      } else {
        surplus = fresh;
      }
    }
    // (2) release: `next` is set for whoever sees the bit; pairs with leaf_hazard::protect. It
    // fails when another thread has set it: whoever set `next` may sleep before he comes here.
    this->root_.compare_exchange_strong(word, word | table::replacing_bit,
                                        std::memory_order_release, std::memory_order_relaxed);
    if (surplus != nullptr) this->destroy_table(surplus);  // last: user code, as above
  }

  void move_share(std::uintptr_t word, std::uint64_t share, lasting_hazard& guard) {
    table& from = *table::of(word);
    table& to = *from.next.load(std::memory_order_acquire);  // acquire: see (1)
    const std::uint64_t first = share << log2_share(from);
    const std::uint64_t last = first + (std::uint64_t{1} << log2_share(from)) - 1;
    // The hashes of these homes, and so the blocks of the next table that they go to.
    const unsigned shift = 64 - from.log2_buckets;
    const std::uint64_t last_hash = last << shift | ((std::uint64_t{1} << shift) - 1);
    if (!prepare_blocks(word, to, first << shift, last_hash, guard)) return;
    share_accounting account{*this, word, guard};
    const exclusive_scope scope(this);  // a hasher that writes to its own map is told so
    for (std::uint64_t i = first; i <= last; ++i) {
      // A bucket that we moved and have not accounted for keeps both tables alive. Before the first
      // one, the announcement does, which the user's hasher may have overwritten by using a map:
      // then nothing is known of either, and the share is done another time. (Compared with the
      // root, the word would not do: by now it may be another table's at the same address.)
      if (account.moved == 0) {
        if (!lasting_hazard::still_protects(guard.slot(), word)) return;
        if (this->root_.load(std::memory_order_acquire) != word) return;  // acquire: as (4)
      }
      if (move_home(from, to, from.buckets() + i)) ++account.moved;
    }
  }

  /// Initialises the blocks of the next table for a range of hashes. False if the root has changed,
  /// or another thread is just initialising one: then this range stays where it is for now.
  bool prepare_blocks(std::uintptr_t word, table& to, std::uint64_t first_hash,
                      std::uint64_t last_hash, lasting_hazard& guard) noexcept {
    // The announcement of `word` keeps the old table only. The next one may have been replaced and
    // freed meanwhile, unless `word` still is the root after its own announcement.
    guard.announce_second(reinterpret_cast<std::uintptr_t>(&to));
    bool is_ready = this->root_.load(std::memory_order_acquire) == word;  // acquire: as (4)
    if (is_ready) {
      const std::uint64_t last = to.block_of(table::home(to.word(), last_hash));
      for (std::uint64_t b = to.block_of(table::home(to.word(), first_hash)); is_ready && b <= last;
           ++b) {
        is_ready = to.prepare_block(b);
      }
    }
    guard.clear_second();
    return is_ready;
  }

  /// Adds to the count of moved buckets when it goes, and finishes the replacement with the last.
  struct share_accounting {
    migration& map;
    std::uintptr_t word;
    lasting_hazard& guard;
    std::uint64_t moved = 0;
    ~share_accounting() {
      if (moved == 0) return;
      table& from = *table::of(word);
      const std::uint64_t all = from.bucket_count();
      // acq_rel: whoever adds the last one has seen all the others' moves; pairs with itself.
      if (from.moved_buckets.fetch_add(moved, std::memory_order_acq_rel) + moved == all) {
        map.finish_replacing(word, guard);
      }
    }
  };

  void finish_replacing(std::uintptr_t word, lasting_hazard& guard) noexcept {
    table& from = *table::of(word);
    table* to = from.next.load(std::memory_order_acquire);  // acquire: see (1)
    // (3) release: publishes that the next table has everything; pairs with (4). Nobody else
    // changes the root while it says "replacing".
    this->root_.store(to->word(), std::memory_order_release);
    this->retire(&from);
    guard.clear();  // this thread has done with it, and nothing else may come by for long
    this->reclaim();
  }

  /// An element on its way.
  struct passenger {
    cell_place from;
    std::uint64_t hash;
  };

  /// Moves a home with its elements, unless that was done, or a writer has it just now: his
  /// callback may take long, and this thread came for another key. What the hasher or the allocator
  /// throws leaves everything in the old table. Needs an exclusive_scope: the hasher may not write.
  bool move_home(table& from, table& to, bucket* home) {
    const state seen = home->load_state();
    if (seen.is_moved() || !home->try_lock_from(seen)) return false;
    bucket_guard lock(*home, seen);
    const displaced_directory directory = home->load_displaced();
    unsigned rest = seen.at_home();
    if constexpr (noexcept(this->hash(std::declval<const key_type&>()))) {
      // Nearly always: nothing is displaced, and there is room where the elements go.
      if (directory.is_empty()) {
        for (; rest != 0; rest &= rest - 1) {
          const auto cell = static_cast<unsigned>(std::countr_zero(rest));
          if (!base::store_if_vacant(to, *home, cell, this->hash(home->keys[cell].load()))) break;
        }
      }
    }
    if ((rest != 0 || !directory.is_empty()) &&
        !move_listed(from, to, home, directory, seen, rest)) {
      return false;
    }
    lock.current = lock.current.with_moved();
    return true;
  }

  /// The general case of move_home, after all of its own elements but `rest` were stored.
  CONCUR_NOINLINE bool move_listed(table& from, table& to, bucket* home,
                                   displaced_directory directory, state seen, unsigned rest) {
    passenger few[bucket::cell_count + displaced_directory::entry_count];
    std::size_t n = 0;
    const auto list = [&](unsigned mask) {
      for (; mask != 0; mask &= mask - 1) {
        const auto cell = static_cast<unsigned>(std::countr_zero(mask));
        few[n++] = {{home, cell, 0}, this->hash(home->keys[cell].load())};
      }
    };
    list(seen.at_home() & ~rest);
    const std::size_t arrived = n;
    list(rest);
    if (directory.spilled() != 0) return move_crowd(from, to, home, few, n);
    if (!directory.is_empty()) {
      collect_displaced(from, home, directory, [&](const passenger& p) { few[n++] = p; });
    }
    return move_passengers(to, few, n, arrived);
  }

  /// Calls `f(passenger)` for the displaced elements of the locked `home`.
  template <class F>
  void collect_displaced(table& from, bucket* home, displaced_directory directory, F&& f) {
    from.visit_displaced(home, directory, [&](bucket& b, unsigned distance) {
      this->for_each_displaced_of(from, home, b,
                                  [&](unsigned cell, const key_type&, std::uint64_t hash) {
                                    f(passenger{{&b, cell, distance}, hash});
                                  });
      return false;
    });
  }

  /// More elements than the directory has entries for: they are listed in memory of their own.
  CONCUR_NOINLINE bool move_crowd(table& from, table& to, bucket* home, const passenger* first,
                                  std::size_t n) {
    const displaced_directory directory = home->load_displaced();
    std::size_t total = n;
    collect_displaced(from, home, directory, [&](const passenger&) { ++total; });
    if (total == 0) return true;
    allocation<rebind<typename Types::allocator_type, passenger>> crowd(this->allocator_, total);
    std::size_t i = 0;
    const auto add = [&](const passenger& p) { ::new (crowd.data() + i++) passenger(p); };
    for (std::size_t k = 0; k < n; ++k) add(first[k]);
    collect_displaced(from, home, directory, add);
    return move_passengers(to, crowd.data(), total, 0);
  }

  /// The same with elements whose homes are full, and after the first `arrived` were stored. False
  /// if a bucket of the next table could not be had: then none has moved.
  CONCUR_NOINLINE bool move_passengers(table& to, const passenger* list, std::size_t n,
                                       std::size_t arrived) {
    // Owns the copies until all have arrived: takes them back if an annex page cannot be had.
    struct journey {
      migration& map;
      table& to;
      const passenger* list;
      std::size_t arrived;
      bool is_complete = false;
      ~journey() {
        while (!is_complete && arrived != 0) map.take_back(to, list[--arrived]);
      }
    } journey{*this, to, list, arrived};
    bucket_guard lock;
    for (std::size_t i = arrived; i < n; ++i) {
      const passenger& p = list[i];
      bucket* home = table::home(to.word(), p.hash);
      if (home != lock.where) {
        lock.release();
        state seen;
        // Not waited for: whoever has it may be in a callback, and this thread came for another
        // key.
        if (!home->try_lock_briefly(seen)) return false;
        lock = bucket_guard(*home, seen);
      }
      bucket_guard elsewhere;
      this->store_new(to, lock, elsewhere, p.hash, [&](bucket& b, unsigned cell) {
        b.fill_from(cell, *p.from.where, p.from.cell, p.hash);
      });
      ++journey.arrived;
    }
    journey.is_complete = true;
    return true;
  }

  /// Removes the copy of an element from the next table, which no writer can find yet. It may have
  /// come home since it was stored.
  void take_back(table& to, const passenger& p) noexcept {
    bucket* home = table::home(to.word(), p.hash);
    for (backoff wait;; wait.pause()) {
      bucket_guard lock(*home, home->lock());
      const cell_place place = base::find_words(to, home, p.hash, p.from.where->keys[p.from.cell]);
      if (place.where == nullptr) continue;  // a bucket that we have not locked was changing
      bucket_guard second;
      if (place.distance == 0) {
        this->remove(to, lock, lock, place, p.hash);
        return;
      }
      if (base::lock_another(lock.where, place.where, second)) {
        this->remove(to, lock, second, place, p.hash);
        return;
      }
    }
  }

  /// Replaces tables until the root has `wanted(log2)` buckets for the log2 that it has. Moves
  /// buckets itself; where another thread is in the middle of one it waits for it.
  template <class Wanted>
  void resize_to(Wanted wanted) {
    for (backoff wait;;) {
      if (base::is_empty_word(this->root_.load(std::memory_order_relaxed))) {  // relaxed: a hint
        this->create_first_table(wanted(0));  // or another thread did, and a smaller one
        continue;
      }
      lasting_hazard guard;
      const std::uintptr_t word = guard.protect(this->root_);
      if (table::is_replacing(word)) {
        for (std::uint64_t i = 0, n = share_count(*table::of(word)); i < n; ++i) {
          guard.announce(word);
          if (this->root_.load(std::memory_order_acquire) != word) break;  // acquire: as (4)
          move_share(word, i, guard);
        }
        if (this->root_.load(std::memory_order_relaxed) == word) wait.pause();  // relaxed: a hint
        continue;
      }
      const unsigned now = base::log2_of(word);
      const unsigned log2 = wanted(now);
      if (log2 == now) break;
      start_replacing(guard, word, log2);
    }
    this->reclaim(true);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
