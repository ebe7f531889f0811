// SPDX-License-Identifier: MIT
/// \file
/// The engine of fixed maps: what the vocabulary is derived from, over the slots of protocol.hpp.
///
///     home = high bits of the hash
///       |
///     [slot][slot][slot][slot][slot] ...         a slot = word, bound, key, value: one line
///       bound 3: the keys whose home this is are in these three
///     [tag][tag][tag][tag][tag] ...              a byte for each slot, slot_tags.hpp
///
/// Hit:  eight tags, and the slot that they lead to: its word, the key, the value, the word again.
///     One line of slots, more only for another key of the same tag. No shared write if values are
///     copied.
/// Miss:  eight tags, and the count of what is far away: no line of slots but for another key of
///     the same tag. Where the count is not 0, the bound of the home, and all tags within it.
/// Insert:  claim (compare-and-swap), key, value, a look at the bound, and at the slots within it,
///     if that is more than the home, admission (compare-and-swap). Away from home, where the bound
///     is too low, it is raised (compare-and-swap). Where two meet in one home: protocol.hpp.
/// Update:  lock (compare-and-swap), value, unlock (store). Erase: lock, an exchange, and, away
///     from home, the bound.
///
/// Linearization points:
///     read      hit: the load of the word after the value; miss: some moment without the key
///     insert    the admission; where a value is made for a reserved slot: its publication
///     update    the store of a value of up to 8 bytes; else the publication of the word
///     erase     the exchange that makes the slot busy
///     full      the moment that protocol.hpp speaks of
///
/// Who waits for whom: readers of copied values for one copy of a value of more than 8 bytes, of
/// values in place for a writer of the element; writers of an element for its other writers, and,
/// with values in place, for its readers; an insertion for a callback that is making the very
/// element. An insertion alone (`insert`, `emplace`, `try_emplace`) waits for nothing else.
#pragma once

#include <array>
#include <concur/detail/bits/key_words.hpp>
#include <concur/detail/fixed_map/element.hpp>
#include <concur/detail/fixed_map/protocol.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/detail/sync/reentrancy.hpp>
#include <concur/policy/digest_hash.hpp>
#include <concur/policy/hash_traits.hpp>
#include <cstdint>
#include <cstring>
#include <optional>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

template <class Storage, class Hash, class KeyEqual>
class engine : public protocol<Storage, Hash> {
  using base = protocol<Storage, Hash>;
  using patience = typename base::patience;

 public:
  using slot = typename Storage::slot;
  using key_type = typename slot::key_type;
  using mapped_type = typename slot::mapped_type;
  using value_form = typename slot::value_form;
  using value_type = std::pair<const key_type, mapped_type>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = typename Storage::allocator_type;
  using size_type = std::size_t;
  static constexpr bool is_in_place = value_form::is_in_place;
  using reference =
      std::conditional_t<is_in_place, lent_element<key_type, mapped_type>&, value_type&>;
  using const_reference =
      std::conditional_t<is_in_place, const lent_element<key_type, const mapped_type>&,
                         const value_type&>;

  static constexpr bool callback_is_exclusive = true;

  template <class... Args>
  explicit engine(const Hash& hash, Args&&... args) : base(hash, std::forward<Args>(args)...) {}

  /// Any type of 32 bytes that is equal where its bytes are stands for a key of 32 bytes.
  template <digest_key K>
  static key_type to_key(const K& key) noexcept requires(digest_key<key_type>) {
    return key_words<key_type>::copy(key);
  }

  key_equal key_eq() const noexcept { return key_equal(); }
  bool empty() const noexcept { return this->size() == 0; }
  void reserve(size_type) noexcept {}
  void shrink_to_fit() noexcept {}

  /// These need both maps to be quiet. Contents, without the hasher and the allocator:
  void swap_elements(engine& other) noexcept { this->swap_memory(other); }
  void swap_contents(engine& other) noexcept {
    this->swap_memory(other);
    this->swap_hash(other);
  }

  /// The same, and the allocators.
  void swap_everything(engine& other) noexcept {
    swap_contents(other);
    this->swap_allocator(other);
  }
  /// Gives everything back, and takes over what `other` has, its allocator included.
  void become(engine& other) noexcept {
    this->release_memory();
    this->take_allocator(other);
    swap_contents(other);
  }

  std::size_t longest_probe() const noexcept {
    std::uint64_t longest = 0;
    for (std::uint64_t i = 0; i < this->slot_count(); ++i) {
      const std::uint64_t probes = this->probes_of(i);
      if (probes > longest) longest = probes;
    }
    return static_cast<std::size_t>(longest);
  }

  /// f(const_reference): on a copy, or, in place, while the element is locked for reading.
  template <class F>
  CONCUR_FORCEINLINE bool read(std::uint64_t hash, const key_type& key, F&& f) const {
    const origin from = this->origin_of(hash);
    if constexpr (!is_in_place) {
      const tag_matches m = this->tags().match(from.home, from.tag);
      if (!m) {
        if (!this->goes_on(from, slot_tags::span)) [[likely]]
          return false;
      } else {
        const slot& s = this->slot_at(from.home + m.first());
        const slot_word w = base::word_of(s);
        if (w.is(slot_state::member) && s.key.has_bytes_of(key) && !value_form::must_wait(w))
            [[likely]] {
          const value_type copy(key, s.value.load(w.copy()));
          // relaxed: ordered by the acquire loads of the value; see copied_value
          if (w.has_value_of(slot_word(s.word.load(std::memory_order_relaxed)))) [[likely]] {
            f(copy);
            return true;
          }
        }
      }
    }
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return read_any(hash, f, key_words<key_type>::template at<I>(std::addressof(key))...);
    }
    (typename key_words<key_type>::indices());
  }

  /// Either callback with the key for itself; neither if it is absent and there is no room.
  template <class OnAbsent, class OnPresent>
  void modify(std::uint64_t hash, const key_type& key, OnAbsent&& on_absent,
              OnPresent&& on_present) {
    exclusive_scope::require_inactive(this);
    this->before_write();
    if (change_at_home(hash, key, on_present)) return;
    modify_any(hash, key, on_absent, on_present);
  }

  /// `modify` that does nothing to a present element. True if there is one.
  template <class OnAbsent>
  bool modify_absent(std::uint64_t hash, const key_type& key, OnAbsent&& on_absent) {
    exclusive_scope::require_inactive(this);
    this->before_write();
    thread_slot& thread = thread_slots::mine();
    const origin from = this->origin_of(hash);
    typename base::claimed_slot mine;
    if (!this->claim_home(from, mine)) {
      const auto result = claim_if_absent(from, key, mine);
      if (result != base::claim_result::claimed) return result == base::claim_result::found;
    }
    candidate<engine> guard(*this, mine, thread);
    this->store_key(mine, from, key);
    {
      const exclusive_scope scope(this);
      owned_slot<engine> absent(*this, *mine.where, mine.word, guard.has_value);
      on_absent(absent);
    }
    if (!guard.has_value) return false;
    if (!this->admit(mine, mine.word.filled()) && !win(from, mine)) return true;
    guard.dismiss();
    this->counted(+1, thread);
    return false;
  }

  template <class OnPresent>
  bool modify_present(std::uint64_t hash, const key_type& key, OnPresent&& on_present) {
    exclusive_scope::require_inactive(this);
    this->before_write();
    return change_at_home(hash, key, on_present) || change_any(hash, key, on_present);
  }

  // --- traversal: slots do not move, and every slot is looked at once ---

  template <class F>
  bool traverse(hash_range range, F&& f) {
    exclusive_scope::require_inactive(this);
    this->before_write();
    thread_slot& thread = thread_slots::mine();
    return for_each_slot(range, [&](slot& s) {
      bool go_on = true;
      const auto step = [&](owned_element<engine>& element) { go_on = f(element); };
      for (patience pause;;) {
        slot_word w = base::word_of(s);
        if (!w.is(slot_state::member) || with_lock(&s, w, thread, step)) return go_on;
        wait_for(s, w, pause);
      }
    });
  }

  template <class F>
  bool traverse(hash_range range, F&& f) const {
    return for_each_slot(range, [&](slot& s) {
      bool go_on = true;
      const auto step = [&](const_reference element) { go_on = f(element); };
      read_slot(s, step);
      return go_on;
    });
  }

  template <class F>
  std::uint64_t scan(std::uint64_t cursor, size_type n, F&& f) const {
    size_type shown = 0;
    const auto step = [&](const_reference element) {
      f(element);
      ++shown;
    };
    for (std::uint64_t i = cursor; i < this->slot_count(); ++i) {
      read_slot(this->slot_at(i), step);
      if (shown >= n && i + 1 < this->slot_count()) return i + 1;
    }
    return 0;
  }

  /// Before other threads traverse for the caller, who waits for them: throws std::system_error
  /// (resource_deadlock_would_occur) if they would wait for him. A value in place that he reads
  /// keeps out who changes elements, one that he changes keeps out who reads, too.
  template <bool IsExclusive>
  void require_nothing_held_against() const {
    if constexpr (IsExclusive) exclusive_scope::require_inactive(this);
    if constexpr (is_in_place) {
      const auto keeps_out = [this](const void* owner) {
        const auto first = reinterpret_cast<std::uintptr_t>(&this->slot_at(0));
        const auto offset = reinterpret_cast<std::uintptr_t>(owner) - first;
        if (offset >= this->slot_count() * sizeof(slot)) return false;  // no slot of this map
        return IsExclusive || base::word_of(*static_cast<const slot*>(owner)).is_locked();
      };
      if (exclusive_scope::any_active(keeps_out)) {
        fail_deadlock("concur: threads would wait for a value that the thread holds who waits");
      }
    }
  }

  /// Home by home, so that a key that is inserted anew meanwhile, further from its home, is not
  /// erased twice.
  void clear() {
    exclusive_scope::require_inactive(this);
    this->before_write();
    thread_slot& thread = thread_slots::mine();
    for (std::uint64_t home = 0; home < this->slot_count(); ++home) {
      const std::uint64_t length = this->length_of(home);
      for (std::uint64_t d = 0; d < length;) d = clear_some(home, d, length, thread);
    }
  }

 private:
  friend class owned_element<engine>;
  friend class locked_element<engine>;
  friend class candidate<engine>;
  friend class new_element<engine>;

  /// f(owned_element&) with the lock; false if the lock is not to be had.
  template <class F>
  bool with_lock(slot* s, slot_word w, thread_slot& thread, F& f) {
    if (!w.is_free_member() || (is_in_place && w.readers() != 0)) return false;
    if (!this->try_lock(*s, w)) return false;
    locked_element<engine> locked(*this, *s, w, thread);
    const exclusive_scope scope(this);
    const own_slot_scope own(s);
    f(locked.element);
    locked.has_returned = true;
    return true;
  }

  /// on_present(owned_element&), if the key is in its home and its lock is to be had: as most are.
  template <class OnPresent>
  CONCUR_FORCEINLINE bool change_at_home(std::uint64_t hash, const key_type& key,
                                         OnPresent& on_present) {
    slot& s = this->slot_at(this->home_of(hash));
    const slot_word w = base::word_of(s);
    // That it was this key is said by the lock: see `search`.
    return w.is_free_at_home() && s.key.has_bytes_of(key) &&
           with_lock(&s, w, thread_slots::mine(), on_present);
  }

  /// `modify_present`, whatever there is.
  template <class OnPresent>
  CONCUR_NOINLINE bool change_any(std::uint64_t hash, const key_type& key, OnPresent& on_present) {
    const origin from = this->origin_of(hash);
    for (patience pause;;) {
      const typename base::place found = this->template search<true>(from, key);
      if (!found || found.word.is(slot_state::reserved)) return false;
      if (with_lock(found.where, found.word, thread_slots::mine(), on_present)) return true;
      wait_for(*found.where, found.word, pause);
    }
  }

  /// `modify`, whatever there is.
  template <class OnAbsent, class OnPresent>
  CONCUR_NOINLINE void modify_any(std::uint64_t hash, const key_type& key, OnAbsent& on_absent,
                                  OnPresent& on_present) {
    thread_slot& thread = thread_slots::mine();
    const origin from = this->origin_of(hash);
    bool has_lost = false;
    for (patience pause;;) {
      typename base::place found = this->template search<true>(from, key);
      if (!found && has_lost) [[unlikely]]
        found = this->search_slots(from, key);
      if (found) {
        if (with_lock(found.where, found.word, thread, on_present)) return;
        wait_for(*found.where, found.word, pause);
        continue;
      }
      typename base::claimed_slot mine;
      const auto result = this->claim(from, key, true, mine);
      if (result == base::claim_result::full) return;
      if (result == base::claim_result::found) continue;
      new_element<engine> guard(*this, mine, thread);
      this->store_key(mine, from, key);
      const slot_word admitted = mine.word.admitted();
      has_lost = !this->admit(mine, admitted) && this->compete(mine, key) != base::verdict::won;
      if (has_lost) continue;
      mine.word = mine.word.admitted();
      const exclusive_scope scope(this);
      owned_slot<engine> absent(*this, *mine.where, mine.word, guard.has_value);
      on_absent(absent);
      return;
    }
  }

  /// A slot for the key, unless there is an element of it, or no room.
  CONCUR_NOINLINE auto claim_if_absent(const origin& from, const key_type& key,
                                       typename base::claimed_slot& mine) {
    for (patience pause;;) {
      const typename base::place found = this->search(from, key);
      if (found) {
        if (found.word.is(slot_state::member)) return base::claim_result::found;
        wait_for(*found.where, found.word, pause);
        continue;
      }
      const auto result = this->claim(from, key, false, mine);
      if (result != base::claim_result::found) return result;
    }
  }

  /// For a claim with a value that was not admitted. False if there is an element of its key.
  CONCUR_NOINLINE bool win(const origin& from, typename base::claimed_slot& mine) {
    // relaxed: the caller has stored it, and has no other any more that a callback cannot have
    // moved
    const key_type key = mine.where->key.load();
    for (patience pause;;) {
      const auto result = this->compete(mine, key);
      if (result != base::verdict::reserved) return result == base::verdict::won;
      if (const auto found = this->search_slots(from, key)) {
        if (!found.word.is(slot_state::member)) wait_for(*found.where, found.word, pause);
      }
    }
  }

  struct doomed {
    slot* where;
    std::uint64_t distance;
    key_type key;
  };
  // More keys of one home than a hasher that spreads gives any home of 2^32.
  static constexpr std::size_t doomed_at_once = 16;

  /// Erases the elements of one home from a distance on; returns where to go on. First they are
  /// written down, each key once: a key that is found again has been inserted anew.
  std::uint64_t clear_some(std::uint64_t home, std::uint64_t d, std::uint64_t length,
                           thread_slot& thread) {
    std::array<doomed, doomed_at_once> list;
    std::size_t count = 0;
    for (; d < length && count < list.size(); ++d) {
      slot& s = this->slot_at(home + d);
      slot_word w = base::word_of(s);
      if (!w.is(slot_state::member) || !w.may_be_at(d)) continue;
      // acquire: the word below is not older than what is seen of a key
      const key_type key = s.key.template load<std::memory_order_acquire>();
      if (!w.knows_distance() && this->home_of(this->hash(key)) != home) continue;
      bool is_known = false;
      for (std::size_t i = 0; i < count; ++i) {
        is_known = is_known ||
                   std::memcmp(std::addressof(list[i].key), std::addressof(key), sizeof key) == 0;
      }
      if (!is_known && this->look_at(s, d, key)) list[count++] = {&s, d, key};
    }
    const auto erase = [](owned_element<engine>& element) { element.erase(); };
    for (std::size_t i = 0; i < count; ++i) {
      for (patience pause;;) {
        const auto found = this->look_at(*list[i].where, list[i].distance, list[i].key);
        if (!found || !found.word.is(slot_state::member)) break;
        if (with_lock(found.where, found.word, thread, erase)) break;
        wait_for(*found.where, found.word, pause);
      }
    }
    return d;
  }

  /// Values in place: a thread that asks for what it holds itself must be told so.
  struct no_scope {
    explicit no_scope(const void*) noexcept {}
  };
  using own_slot_scope = std::conditional_t<is_in_place, exclusive_scope, no_scope>;

  void wait_for(slot& s, slot_word w, patience& pause) const {
    if constexpr (is_in_place) {
      if (exclusive_scope::is_active(&s)) {
        fail_deadlock("concur: a map would wait for a value that its own thread holds");
      }
    }
    this->wait(s, w, pause);
  }

  /// A wide value, stored over the old one: readers wait meanwhile.
  slot_word store_wide(slot& s, slot_word w, const mapped_type& v) noexcept {
    // release: the key, which the lock has acquired, goes on to who looks for rivals here; (16) in
    // protocol.hpp. The value's words are stored with release, and show this one.
    s.word.store(w.publishing().bits(), std::memory_order_release);
    s.value.store(0, v);
    w = w.published().locked(this->me());
    this->store_word(s, w);
    return w;
  }

  void unlock(slot& s, slot_word w, bool is_flipped) noexcept {
    if constexpr (value_form::is_paired) {
      // One compare-and-swap makes the new value count. If it fails, others held us to be dead.
      this->decide(s, w, is_flipped ? w.flipped() : w.unlocked());
    } else {
      static_cast<void>(is_flipped);
      this->store_word(s, w.unlocked());
    }
  }

  CONCUR_NOINLINE void erase_locked(slot& s, slot_word w, thread_slot& thread) noexcept {
    typename base::claimed_slot mine = this->claimed_by_lock(s, w);
    this->make_busy(s, mine.word);
    if constexpr (is_in_place) s.value.destroy();
    this->counted(-1, thread);
    this->release(mine, thread);
  }

  void publish(typename base::claimed_slot& mine) noexcept {
    this->store_word(*mine.where, mine.word.filled());
  }

  /// As `read`, which has tried the most likely slot.
  template <class F, class... Words>
  CONCUR_NOINLINE bool read_any(std::uint64_t hash, F& f, Words... words) const {
    const key_type key = key_words<key_type>::join(words...);
    const origin from = this->origin_of(hash);
    std::uint64_t d = 0;
    do {
      for (tag_matches m = this->matches(from, d); m; m.drop_first()) {
        if (read_if(this->slot_at(from.home + d + m.first()), key, f)) return true;
      }
      d += slot_tags::span;
    } while (this->goes_on(from, d));
    return false;
  }

  /// f(const_reference) if the slot has an element of this key.
  template <class F>
  bool read_if(slot& s, const key_type& key, F& f) const {
    backoff pause;
    for (;;) {
      const slot_word w = base::word_of(s);
      if (!w.is(slot_state::member) || !s.key.has_bytes_of(key)) return false;
      if constexpr (is_in_place) {
        return read_in_place(s, w, std::addressof(key), f);
      } else {
        if (!value_form::must_wait(w)) {
          const value_type copy(key, s.value.load(w.copy()));
          // relaxed: as above
          if (w.has_value_of(slot_word(s.word.load(std::memory_order_relaxed)))) {
            f(copy);
            return true;
          }
        }
        pause.pause();
      }
    }
  }

  /// With `key`, only if the element has that key; else whatever element there is.
  template <class F>
  bool read_in_place(slot& s, slot_word w, const key_type* key, F& f) const {
    for (patience pause;; w = base::word_of(s)) {
      if (!w.is(slot_state::member)) return false;
      if (key != nullptr && !s.key.has_bytes_of(*key)) return false;
      if (w.is_locked() || w.is_full_of_readers()) {
        wait_for(s, w, pause);
        continue;
      }
      std::uint64_t bits = w.bits();
      // (1) acquire: the value, as the writer's lock in protocol.hpp; pairs with (2).
      if (!s.word.compare_exchange_strong(bits, w.one_more_reader().bits(),
                                          std::memory_order_acquire, std::memory_order_relaxed)) {
        continue;
      }
      const reading_guard guard(s);
      const key_type copy = s.key.load();
      const own_slot_scope own(&s);
      const lent_element<key_type, const mapped_type> lent{copy, std::as_const(s.value).get()};
      f(lent);
      return true;
    }
  }

  struct reading_guard {
    explicit reading_guard(slot& s) noexcept : where(s) {}
    reading_guard(const reading_guard&) = delete;
    reading_guard& operator=(const reading_guard&) = delete;
    ~reading_guard() {
      // (2) release: our reads are over; pairs with (1), and with the writer's lock.
      where.word.fetch_sub(slot_word::one_reader, std::memory_order_release);
    }
    slot& where;
  };

  /// The element of a slot, if there is one.
  template <class F>
  void read_slot(slot& s, F& f) const {
    if constexpr (is_in_place) {
      read_in_place(s, base::word_of(s), nullptr, f);
    } else {
      for (backoff pause;; pause.pause()) {
        const slot_word w = base::word_of(s);
        if (!w.is(slot_state::member)) return;
        if (value_form::must_wait(w)) continue;
        // acquire: the word below is not older than what is seen of a key
        const key_type key = s.key.template load<std::memory_order_acquire>();
        const value_type copy(key, s.value.load(w.copy()));
        // relaxed: as above
        if (!w.has_value_of(slot_word(s.word.load(std::memory_order_relaxed)))) continue;
        f(copy);
        return;
      }
    }
  }

  /// Slots stand for equal parts of all hashes: a range is those whose first hash is in it.
  template <class F>
  bool for_each_slot(hash_range range, F f) const {
    const std::uint64_t count = this->slot_count();
    const std::uint64_t width = ~std::uint64_t{0} / count;  // times count does not overflow
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!range.is_all()) {
        if (width * i < range.first) continue;
        if (width * i > range.last) break;
      }
      if (!f(this->slot_at(i))) return false;
    }
    return true;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
