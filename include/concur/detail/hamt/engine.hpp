// SPDX-License-Identifier: MIT
/// \file
/// The hamt engine: a lock-free hash trie whose versions share what they have in common.
///
///   map        root word, core, hasher, equality, counter
///   version    one generation of the tree: a slot with its top
///   branch     64, 64, then 16 slots each: arrays that are written in place, by the writers of
///              their generation; writers of a later one copy a branch before they change it
///   leaf       up to 8 pairs (small trivially copyable ones), or one element; its slot's word has
///              marks of their hashes (marks.hpp): most misses end there, and a hit reads one pair
///
/// A find protects each node on its way by one store and checks by one load that the slot still
/// holds it: no shared write, no atomic read-modify-write, no fence instruction where membarrier
/// works. An insert, update or erase makes a new leaf and swaps it in by two compare-and-swaps of
/// one word (tree.hpp). A snapshot replaces the version and is then the old one.
///
/// Nothing blocks: who meets an unfinished step finishes it. Sources: Bagwell, "Ideal Hash Trees"
/// (2000); Prokopec, Bronson, Bagwell, Odersky (PPoPP 2012); Michael, "Hazard Pointers" (2004).
#pragma once

#include <concur/detail/assert.hpp>
#include <concur/detail/hamt/modify.hpp>
#include <concur/detail/hamt/tree.hpp>
#include <concur/detail/hamt/validate.hpp>
#include <concur/detail/hamt/view.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/detail/sync/striped_counter.hpp>
#include <concur/policy/hash_seed.hpp>
#include <concur/policy/hash_traits.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::hamt {

template <class Key, class T, class Hash, class KeyEqual, class Allocator,
          class Tuning = default_tuning>
class engine : private tree<engine_types<Key, T, Hash, KeyEqual, Allocator, Tuning>> {
 public:
  using types = engine_types<Key, T, Hash, KeyEqual, Allocator, Tuning>;

 private:
  using base = tree<types>;
  using core_type = core<types>;
  using section_type = section<types>;
  friend class modification<engine>;

  // An empty handle has no functions and no allocator: then, those of a map that is made without.
  static Hash hash_of(const held_version<types>& from) {
    if constexpr (std::is_default_constructible_v<Hash>) {
      if (!from) return make_default_hasher<Hash>();
    }
    CONCUR_ASSERT(from);
    return from.shared()->hash_function();
  }
  static KeyEqual equal_of(const held_version<types>& from) {
    if constexpr (std::is_default_constructible_v<KeyEqual>) {
      if (!from) return KeyEqual();
    }
    return from.shared()->key_eq();
  }
  static Allocator allocator_of(const held_version<types>& from) {
    if constexpr (std::is_default_constructible_v<Allocator>) {
      if (!from) return Allocator();
    }
    return from.shared()->allocator();
  }

 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using held = held_version<types>;

  static constexpr bool callback_is_exclusive = false;

  engine(const Hash& hash, const KeyEqual& equal, const Allocator& allocator)
      : base(hash, equal, allocator) {}
  /// A fork: shares everything with the version. O(1).
  explicit engine(const held& from) : base(hash_of(from), equal_of(from), allocator_of(from)) {
    if (from) adopt(from);
  }
  ~engine() { release_all(); }

  const Hash& hash_function() const noexcept { return this->hash_; }
  const KeyEqual& key_eq() const noexcept { return this->equal_; }
  const Allocator& allocator() const noexcept { return this->allocator_; }

  template <class K>
  std::uint64_t hash(const K& key) const
      noexcept(noexcept(mixed_hash(std::declval<const Hash&>(), key))) {
    return mixed_hash(this->hash_, key);
  }
  /// Nothing: a walk ahead of the walk would have to protect what it goes by, too. Two of them, one
  /// to the slot and one to the leaf, made find_each slower up to 100'000 elements (by 8 ns of 10
  /// at 1000, by 2 of 19 at 100'000), and no faster beyond doubt at a million: the processor
  /// overlaps the walks of a batch by itself.
  void prefetch(std::uint64_t) const noexcept {}

  /// f(const value_type&) on the element, which stays while `f` runs; nothing else does, for `f`
  /// may take long.
  template <class K, class F>
  CONCUR_FORCEINLINE bool read(std::uint64_t hash, const K& key, F&& f) const {
    thread_slot& me = thread_slots::mine();
    if (read_frame frame(me); frame.try_open()) [[likely]] {
      word leaf;
      if (this->walk(frame.words(), hash, leaf)) [[likely]] {
        const value_type* const found = find_pair<types>(leaf, hash, key, this->equal_);
        if (found == nullptr) return false;
        if constexpr (!runs_no_user_code<std::remove_cvref_t<F>>) frame.keep_only(node_of(leaf));
        std::forward<F>(f)(*found);
        return true;
      }
    }
    return read_slowly(me, hash, key, f);
  }

  template <class K, class OnAbsent, class OnPresent>
  void modify(std::uint64_t hash, K&& key, OnAbsent&& on_absent, OnPresent&& on_present) {
    modification<engine> m(*this, hash);
    m.run(key, on_absent, on_present);
  }
  template <class K, class OnPresent>
  bool modify_present(std::uint64_t hash, K&& key, OnPresent&& on_present) {
    // acquire: an insertion that this call must see has made the first version.
    if (this->root_.load(std::memory_order_acquire) == nullptr) return false;
    bool present = false;
    modify(
        hash, key, [&](auto&) { present = false; },
        [&](auto& element) {
          present = true;
          on_present(element);
        });
    return present;
  }

  /// The map as it is now. Linearizes at the replacement of the root; O(1).
  held snapshot() const {
    section_type s(thread_slots::mine());
    version* const v = this->take_snapshot(s);
    return held(this->shared(), v);
  }

  /// The moment that a traversal shows, for all of its parts. Without elements it is not made.
  held to_traverse() const { return is_without_version() ? held() : snapshot(); }

  template <class F>
  bool traverse(hash_range range, F&& f) const {
    return traverse(to_traverse(), range, f);
  }
  template <class F>
  bool traverse(const held& of, hash_range range, F&& f) const {
    return for_each(of, range, [&](std::uint64_t, const value_type& pair) { return f(pair); });
  }

  /// Elements that can be erased: f(element) -> bool.
  template <class F>
  bool traverse(hash_range range, F&& f) {
    return traverse(to_traverse(), range, f);
  }
  template <class F>
  bool traverse(const held& of, hash_range range, F&& f) {
    return for_each(of, range, [&](std::uint64_t hash, const value_type& pair) {
      shown_element shown(*this, hash, pair);
      if (!f(shown)) return false;
      while (shown.was_lost()) {
        // Somebody else has changed it: it is offered as it is now.
        const held now = snapshot();
        const value_type* const again = find_in(now, hash, pair.first);
        if (again == nullptr) break;
        shown_element anew(*this, hash, *again);
        if (!f(anew)) return false;
        if (!anew.was_lost()) break;
      }
      return true;
    });
  }

  template <class F>
  std::uint64_t scan(std::uint64_t cursor, size_type n, F&& f) const {
    if (is_without_version()) return 0;
    const held now = snapshot();
    size_type shown = 0;
    std::uint64_t next = 0;
    now.for_each_leaf(cursor, ~std::uint64_t{0}, [&](const node* leaf, std::uint64_t last) {
      const std::uint32_t count = leaf->number();
      for (std::uint32_t i = 0; i < count; ++i) {
        if (cursor != 0 && now.hash_of(leaf, i) < cursor) continue;
        f(types::pair_at(leaf, i));
        ++shown;
      }
      next = last + 1;  // 0 after the last
      return shown < n && next != 0;
    });
    return shown < n ? 0 : next;
  }

  size_type size() const noexcept {
    const std::int64_t sum = counter_.signed_sum() + static_cast<std::int64_t>(base_size());
    return sum < 0 ? 0 : static_cast<size_type>(sum);
  }
  bool empty() const noexcept { return size() == 0; }
  size_type capacity() const noexcept { return size(); }
  void reserve(size_type) noexcept {}
  void shrink_to_fit() noexcept {
    if (core_type* const c = this->shared_or_null()) {
      c->collect_all();
      c->drop_spares(thread_slots::mine());
    }
  }

  /// All at once. O(elements), for counting and freeing them.
  void clear() {
    section_type s(thread_slots::mine());
    for (;;) {
      version* const v = this->protect_root(s);
      if (v == nullptr) return;
      this->settle_top(s, v);
      core_type& c = this->shared();
      version* const next = c.make_version(0, nullptr);
      if (!this->begin_generation(v, next)) {
        c.free_memory(next);
        continue;
      }
      full_fence();  // seq_cst: with tree (5), (8): proposals of the old version are seen, and
                     // undone
      const auto gone = static_cast<std::int64_t>(hamt::count(v));
      counter_.add(-gone, s.me());
      s.drop(c, v);
      break;
    }
    if (core_type* const c = this->shared_or_null()) {
      s.frame().clear();
      c->collect_all();
    }
  }

  /// These need both maps to be quiet. Contents and functions, without the allocators:
  void swap_contents(engine& other) noexcept {
    swap_elements(other);
    using std::swap;
    swap(this->hash_, other.hash_);
    swap(this->equal_, other.equal_);
  }
  void swap_elements(engine& other) noexcept {
    // relaxed: the caller's quiet orders all of these.
    const auto exchange = [](auto& a, auto& b) {
      b.store(a.exchange(b.load(std::memory_order_relaxed), std::memory_order_relaxed),
              std::memory_order_relaxed);
    };
    exchange(this->root_, other.root_);
    exchange(this->core_, other.core_);
    exchange(origin_, other.origin_);
    exchange(base_size_, other.base_size_);
    counter_.swap(other.counter_);
  }
  void swap_everything(engine& other) noexcept {
    swap_contents(other);
    using std::swap;
    swap(this->allocator_, other.allocator_);
  }
  /// Gives everything back, and takes over what `other` has, its allocator included.
  void become(engine& other) noexcept {
    release_all();
    this->allocator_ = std::move(other.allocator_);
    swap_contents(other);
  }
  /// Needs this map to be empty and new: shares everything with the version. Throws bad_alloc.
  void adopt(const held& from) {
    core_type& c = *from.shared();
    const word top = settled_word(from.get()->top);
    version* const mine = c.make_version(top, nullptr);
    if (node* const n = node_of(top)) core_type::add_link(n);
    c.acquire();
    core_type::add_link(from.get());
    // relaxed: nobody else has this map yet.
    this->core_.store(&c, std::memory_order_relaxed);
    this->root_.store(mine, std::memory_order_relaxed);
    origin_.store(from.get(), std::memory_order_relaxed);
  }

  /// No version yet: no memory is needed to say so.
  bool is_without_version() const noexcept {
    return this->root_.load(std::memory_order_acquire) == nullptr;  // acquire: see modify_present
  }
  /// Whether a snapshot or a fork may have what this map has, which is quiet.
  bool is_shared() const noexcept {
    const core_type* const c = this->shared_or_null();
    return c != nullptr && c->is_shared();
  }
  /// Whether nothing that was replaced is waiting for its readers. For tests.
  bool is_clean() const noexcept {
    const core_type* const c = this->shared_or_null();
    return c == nullptr || c->is_clean();
  }

  using base::root;  // for tests
  /// Needs quiet.
  hamt_report validate() const {
    hamt_report report;
    // relaxed: quiet
    const version* const v = this->root_.load(std::memory_order_relaxed);
    const core_type* const c = this->shared_or_null();
    const std::size_t counted = size();
    if (v != nullptr) {
      const bool is_alone = c->is_clean() && c->has_one_owner();
      report = validator<types>(this->hash_, this->equal_, is_alone).check(v);
    }
    if (report.elements != counted && report.error == nullptr) {
      report.error = "size() is not the number of elements";
    }
    return report;
  }

  /// f(hash, pair) -> bool for the elements of a version in a range.
  template <class F>
  static bool for_each(const held& now, hash_range range, F&& f) {
    return now.for_each_leaf(range.first, range.last, [&](const node* leaf, std::uint64_t last) {
      const std::uint32_t count = leaf->number();
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint64_t hash = now.hash_of(leaf, i);
        if (!range.contains(hash)) continue;
        if (!f(hash, types::pair_at(leaf, i))) return false;
      }
      static_cast<void>(last);
      return true;
    });
  }

 private:
  template <class K, class F>
  CONCUR_NOINLINE bool read_slowly(thread_slot& me, std::uint64_t hash, const K& key, F& f) const {
    section_type s(me);
    place p;
    if (!this->template locate<false>(s, hash, p)) return false;
    const value_type* const found = find_pair<types>(p.seen, hash, key, this->equal_);
    if (found == nullptr) return false;
    s.frame().announce(words::looked_at, node_of(p.seen));
    s.give_up_walks();
    f(*found);
    return true;
  }

  /// An element of a snapshot, and what may be done to it in the map.
  class shown_element {
   public:
    shown_element(engine& e, std::uint64_t hash, const value_type& pair) noexcept
        : engine_(e), hash_(hash), pair_(pair) {}
    const Key& key() const noexcept { return pair_.first; }
    const T& value() const noexcept { return pair_.second; }
    template <class F>
    void visit(F& f) {
      f(pair_);
    }
    template <class F>
    void cvisit(F& f) {
      f(pair_);
    }
    bool erase() {
      bool is_that = false;
      const bool present = engine_.modify_present(hash_, pair_.first, [&](auto& element) {
        is_that = element.is_that(&pair_);
        if (is_that) element.erase();
      });
      lost_ = !present || !is_that;
      return !lost_;
    }
    bool was_lost() const noexcept { return lost_; }

   private:
    engine& engine_;
    std::uint64_t hash_;
    const value_type& pair_;
    bool lost_ = false;
  };

  const value_type* find_in(const held& now, std::uint64_t hash, const Key& key) const {
    return find_pair<types>(leaf_for(now.get(), hash), hash, key, this->equal_);
  }

  void count(std::int64_t delta, const thread_slot& me) noexcept {
    const std::int64_t value = counter_.add(delta, me);
    if (value >= 64 && !counter_.is_striped()) [[unlikely]]
      spread_counter();
  }

  void after_erasure(section_type& s, std::uint64_t hash, const place& p) noexcept {
    if (this->looks_contractible(p)) this->contract_way(s, hash);
  }

  /// What a fork began with: counted when somebody asks.
  std::uint64_t base_size() const noexcept {
    version* const from = origin_.load(std::memory_order_acquire);  // (1) acquire: pairs with (2).
    if (from == nullptr) return base_size_.load(std::memory_order_relaxed);  // relaxed: see (2)
    section_type s(thread_slots::mine());
    s.frame().announce(words::the_version, from);
    // acquire: as (1)
    if (origin_.load(std::memory_order_acquire) == from) {
      const std::uint64_t n = hamt::count(from);
      base_size_.store(n, std::memory_order_relaxed);  // relaxed: published by (2)
      version* expected = from;
      // (2) release: publishes the size; pairs with (1).
      if (origin_.compare_exchange_strong(expected, nullptr, std::memory_order_release,
                                          std::memory_order_relaxed)) {
        s.drop(this->shared(), from);
      }
    }
    return base_size_.load(std::memory_order_relaxed);  // relaxed: stored by us, or before (1)
  }

  using stripe = striped_counter::stripe;
  void spread_counter() noexcept {
    CONCUR_TRY {
      rebind<Allocator, stripe> stripes(this->allocator_);
      allocation<rebind<Allocator, stripe>> memory(stripes, striped_counter::stripe_count);
      for (std::size_t i = 0; i < striped_counter::stripe_count; ++i) {
        ::new (static_cast<void*>(memory.data() + i)) stripe;
      }
      if (counter_.spread(memory.data())) static_cast<void>(memory.release());
    }
    CONCUR_CATCH_ALL {
      // The counter stays a single word: slower, not wrong.
    }
  }

  /// Needs quiet: gives back everything; the map is an empty one.
  void release_all() noexcept {
    // relaxed: the caller's quiet orders all of these.
    core_type* const c = this->core_.exchange(nullptr, std::memory_order_relaxed);
    version* const v = this->root_.exchange(nullptr, std::memory_order_relaxed);
    version* const from = origin_.exchange(nullptr, std::memory_order_relaxed);
    base_size_.store(0, std::memory_order_relaxed);
    if (c != nullptr) {
      thread_slot& me = thread_slots::mine();
      if (from != nullptr) c->drop_link(from, me);
      if (v != nullptr) c->drop_link(v, me);
      c->collect_all();
      c->release();
    }
    if (stripe* const all = counter_.take_stripes()) {
      rebind<Allocator, stripe> stripes(this->allocator_);
      deallocate(stripes, all, striped_counter::stripe_count);
    }
    counter_.reset();
  }

  /// Of a fork: the version that it began with, until that has been counted.
  mutable std::atomic<version*> origin_{nullptr};
  mutable std::atomic<std::uint64_t> base_size_{0};
  // Written by every insertion: not beside what every reader reads.
  alignas(cache_line_size) striped_counter counter_;
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
