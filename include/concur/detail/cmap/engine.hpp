// SPDX-License-Identifier: MIT
/// \file
/// The cmap engine: a hash trie whose root is a table, lock-free.
///
///   map          root word, hasher, equality, reclaimer
///    | 1
///   directory    [line of its own][moving][segment][segment] ...        table.hpp
///    | 2
///   segment      [slot][slot][slot][slot] ... up to 4096                slot = 16 filter bits,
///    | 3                                                                address, kind, frozen:
///   leaf         [pair][pair][pair] ... up to 6 [header]                slot_word.hpp
///                or [element][element] ... -> [hash][pair][header]      node.hpp
///   rarely       branch [place][place][place][place] -> leaves          build.hpp
///                list of equal hashes [pair] -> [pair] -> [pair]
///
/// States of a slot:  empty -> leaf, branch, list <-> emptied;  any of them -> frozen -> moved.
/// Of a branch's places: the same, without moved; a frozen one stays so.
///
/// Hit:    loads 1, 2, 3 and the keys of the leaf: two cache lines that are not hot, the slot and
///     the leaf; the era is compared after each load; two stores to the thread's own line before
///     and one after. No shared write, no atomic read-modify-write, no fence where membarrier
///     works.
/// Miss:   the slot alone, five times in six; else its leaf as well.
/// Insert, update, erase:  as a hit; a new leaf from the thread's cache, one compare-and-swap of
///     the slot, and the old leaf is noted in the thread's record as retired. 1/128 of a scan that
///     frees (epoch_reclaimer.hpp).
///
/// Linearization points:
///     hit, miss   the load of the word from which the answer came (the last slot or place)
///     insert, update, erase   the compare-and-swap that puts the new leaf into its place
///     nothing changed (a present key for insert, an absent one for erase): as a hit or a miss
///     A key changes tables by the CAS of its slot to `moved`; its value does not change by that.
///
/// Lock-free: an operation starts again only if another one has completed a step: changed its leaf,
/// moved its slot, rebuilt its branch; or advanced the era, which takes a hundred new nodes. Who
/// finds a slot or a branch frozen completes what was begun there (slot_mover.hpp, rebuild.hpp),
/// and a reader does not mind.
///
/// The files, from below: slot_word, table, node (layouts) | memory (state, allocation, freeing) |
/// build (new nodes) | slot_mover, growth (replacing the table) | rebuild (contraction) | walk
/// (finding a place) | element (what callbacks get) | modify (steps) | change (operations) |
/// release | traversal | validate.
///
/// Sources: Bagwell, "Ideal Hash Trees" (2000): the root table that grows with the elements;
/// Prokopec, "Cache-Tries" (PPoPP 2018): freezing and taking over; parlayhash (Anderson, Blelloch,
/// Wei): buckets as immutable nodes, growth in shares; Wen et al., "Interval-Based Memory
/// Reclamation" (PPoPP 2018).
#pragma once

#include <concur/detail/cmap/validate.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/map/primitives.hpp>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Key, class T, class Hash, class KeyEqual, class Allocator,
          class Tuning = default_tuning>
class engine : public validator<engine_types<Key, T, Hash, KeyEqual, Allocator, Tuning>,
                                engine<Key, T, Hash, KeyEqual, Allocator, Tuning>> {
 public:
  using types = engine_types<Key, T, Hash, KeyEqual, Allocator, Tuning>;
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;

  static constexpr bool callback_is_exclusive = false;
  /// Elements per slot at which the table grows.
  static constexpr float max_load_factor = static_cast<float>(types::max_load) / 16;

  engine(const Hash& hash, const KeyEqual& equal, const Allocator& allocator)
      : base(hash, equal, allocator) {}
  ~engine() { this->release_all(); }

  /// These need both maps to be quiet. Contents and functions, without the allocators:
  void swap_contents(engine& other) noexcept { base::swap_contents(other); }
  void swap_elements(engine& other) noexcept { base::swap_elements(other); }
  void swap_everything(engine& other) noexcept {
    base::swap_contents(other);
    using std::swap;
    swap(this->allocator_, other.allocator_);
  }
  /// Gives everything back, and takes over what `other` has, its allocator included.
  void become(engine& other) noexcept {
    this->release_all();
    this->allocator_ = std::move(other.allocator_);
    base::swap_contents(other);
  }

  /// Fetches the slot of a key that will be read soon.
  void prefetch(std::uint64_t hash) const noexcept {
    ahead(hash, [](const place& at) { prefetch_to_read(&at); });
  }
  /// The second step, when the slot has arrived: the leaf.
  void prefetch_deeper(std::uint64_t hash) const noexcept {
    ahead(hash, [=](const place& at) {
      // relaxed: an address to prefetch, which need not be right, and is not touched.
      const word seen(at.load(std::memory_order_relaxed));
      if (seen.may_hold(hash)) prefetch_to_read(seen.template address<const char>());
    });
  }

  /// f(const value_type&), if there is such an element; the map may be used meanwhile.
  template <class K, class F>
  CONCUR_FORCEINLINE bool read(std::uint64_t hash, const K& key, F&& f) const {
    // Where no code of the user runs, the pin need not nest.
    constexpr bool is_plain = runs_no_user_code<std::remove_cvref_t<F>> && std::is_same_v<K, Key> &&
                              is_bitwise_comparable<Key, KeyEqual>;
    using pin_type = std::conditional_t<is_plain, leaf_pin, era_pin>;
    thread_slot& me = thread_slots::mine();
    const lookup found = read_in_leaf<pin_type>(me, hash, key, f);
    if (found != lookup::elsewhere) [[likely]]
      return found == lookup::hit;
    // By value, where that is cheap, so that what they refer to may stay in registers.
    using key_argument = std::conditional_t<is_plain, const K, const K&>;
    using callable = std::conditional_t<is_plain, std::remove_cvref_t<F>, F&>;
    return read_anywhere<K, key_argument, callable>(me, hash, key, f);
  }

  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE void modify(std::uint64_t hash, const K& key, OnAbsent&& on_absent,
                                 OnPresent&& on_present) {
    this->change(hash, key, on_absent, on_present);
  }

  /// `modify` for what inserts nothing: an empty map stays without memory.
  template <class K, class OnPresent>
  CONCUR_FORCEINLINE bool modify_present(std::uint64_t hash, const K& key, OnPresent&& on_present) {
    const typename base::nothing on_absent;
    return this->change(hash, key, on_absent, on_present);
  }

  CONCUR_FORCEINLINE bool insert_pair(std::uint64_t hash, const Key& key,
                                      const T& value) requires(types::is_inline) {
    return this->insert_copies(hash, key, value);
  }
  template <class K>
  CONCUR_FORCEINLINE bool erase_key(std::uint64_t hash, const K& key) requires(types::is_inline) {
    return this->erase_unseen(hash, key);
  }

  /// Removes every element that was there when the call began. O(capacity + elements).
  void clear() {
    if (this->is_without_memory()) return;
    for (std::uint64_t at = 0;;) {
      const std::uint64_t last = this->clear_place(at);
      if (last == ~std::uint64_t{0}) break;
      at = last + 1;
    }
  }

  void make_room(size_type n) {
    if (n == 0) return;
    const unsigned log2 = base::log2_for(n);
    as_writer([&](const writer& w) { this->grow_to(w, log2); });
  }
  void quiesce() {
    if (this->is_without_memory() && this->reclaimer_.waiting() == 0) return;
    thread_slot& me = thread_slots::mine();
    thread_record& mine = this->reclaimer_.ensure(me, this->allocator_);
    this->reclaimer_.quiesce(me, mine, this->destroyer());
    this->empty_caches(mine);
  }
  void set_reclaim_period(std::uint32_t n) noexcept { this->reclaimer_.set_batch(n); }

  cmap_stats stats() const {
    const std::uint64_t oldest_pinned = this->reclaimer_.oldest_pinned();  // before our own
    leaf_pin pin(thread_slots::mine());
    const root_word root(pin.load(this->root_));
    const size_type slots = root.is_of_empty_map() ? 0 : size_type{1} << root.table()->log2();
    const size_type n = this->size();
    // relaxed: only whether there is one
    const bool is_resizing = root.table()->next.load(std::memory_order_relaxed) != nullptr;
    return {n,
            slots,
            slots == 0 ? 0.0F : static_cast<float>(n) / static_cast<float>(slots),
            is_resizing,
            this->reclaimer_.era(),
            oldest_pinned,
            this->reclaimer_.waiting(),
            this->reclaimer_.freed()};
  }
  /// Slots of the root table.
  size_type capacity() const noexcept {
    // relaxed: a number; the root word alone says it.
    const root_word root(this->root_.load(std::memory_order_relaxed));
    return root.is_of_empty_map() ? 0 : size_type{1} << (64 - root.shift());
  }

  void reserve(size_type n) {
    if (n == 0) return;
    const unsigned log2 = base::log2_for(n);
    as_writer([&](const writer& w) {
      this->grow_to(w, log2);
      // relaxed: a setting
      this->floor_.store(log2, std::memory_order_relaxed);
    });
  }
  void shrink_to_fit() {
    this->floor_.store(0, std::memory_order_relaxed);  // relaxed: a setting
    if (this->is_without_memory()) return;
    as_writer([&](const writer& w) {
      this->shrink(w);
      this->empty_caches(w.mine);
    });
  }

 private:
  using base = validator<types, engine>;
  using typename base::item;
  using typename base::layout;
  using typename base::word;

  /// f(slot), if it can be had at once.
  template <class F>
  void ahead(std::uint64_t hash, F f) const noexcept {
    CONCUR_TRY {
      leaf_pin pin(thread_slots::mine());
      std::uintptr_t bits;
      std::uint64_t entry;
      if (!pin.try_load(this->root_, bits)) return;
      const auto slot = static_cast<std::size_t>(hash >> root_word(bits).shift());
      if (pin.try_load(base::entry_of(root_word(bits).table(), slot), entry) &&
          entry > directory::entry_moved) {
        f(directory::slots(entry)[base::index_in_segment(slot)]);
      }
    }
    CONCUR_CATCH_ALL {
      // The thread cannot be registered: the read will say so.
    }
  }

  enum class lookup : unsigned char { miss, hit, elsewhere };

  /// What nearly every lookup needs: a slot of the root table, and a leaf. The pin does not leave
  /// the registers: for the rest there is another function, which starts anew.
  template <class Pin, class K, class F>
  CONCUR_FORCEINLINE lookup read_in_leaf(thread_slot& me, std::uint64_t hash, const K& key,
                                         F& f) const {
    Pin pin(me);
    std::uintptr_t bits;
    std::uint64_t entry;
    if (!pin.try_load(this->root_, bits)) [[unlikely]]
      return lookup::elsewhere;
    const root_word root(bits);
    const auto slot = static_cast<std::size_t>(hash >> root.shift());
    if (!pin.try_load(base::entry_of(root.table(), slot), entry) || entry <= directory::entry_moved)
        [[unlikely]] {
      return lookup::elsewhere;
    }
    const place& at = directory::slots(entry)[base::index_in_segment(slot)];
    // acquire: as try_load. A miss touches nothing more, and need not look at the era.
    std::uint64_t seen = at.load(std::memory_order_acquire);
    if (!word(seen).may_hold(hash)) return lookup::miss;
    if (!pin.try_load(at, seen) || !word(seen).is_leaf()) [[unlikely]]
      return lookup::elsewhere;
    const item e = layout::find(word(seen), hash, key, this->equal_);
    if (e == nullptr) return lookup::miss;
    f(layout::value(e));
    return lookup::hit;
  }

  /// Any case: next tables, branches, lists, an era that has advanced.
  template <class K, class KeyArgument, class Callable>
  CONCUR_NOINLINE bool read_anywhere(thread_slot& me, std::uint64_t hash, KeyArgument key,
                                     Callable f) const {
    era_pin pin(me);
    const item e = find_anywhere<K, KeyArgument>(pin, hash, key);
    if (e == nullptr) return false;
    f(layout::value(e));
    return true;
  }
  template <class K, class KeyArgument>
  CONCUR_COLD item find_anywhere(era_pin& pin, std::uint64_t hash, KeyArgument key) const {
    word found;
    while (!this->try_read_word(pin, hash, found)) {
    }
    return this->find_in(found, hash, key);
  }

  template <class F>
  void as_writer(F f) {
    typename base::operation op(*this);
    era_pin pin(op.me);
    f(writer{op.me, op.mine, pin});
  }
  friend class visited_element<types, engine>;
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
