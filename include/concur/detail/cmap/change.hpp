// SPDX-License-Identifier: MIT
/// \file
/// Operations that change one element: they look for it, call the user's callables, and take the
/// step that these ask for (modify.hpp). Who loses the race for it looks again, and calls again if
/// the element is another one by then (the rules of detail/map/primitives.hpp for copy-on-write
/// engines).
///
/// What nearly every operation needs is inlined: the slot is in the root table, which is not being
/// replaced, and has a leaf or nothing. Beyond that everything is done in functions that are
/// called.
#pragma once

#include <concur/detail/cmap/modify.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types>
class changer : public modifier<Types> {
 protected:
  using base = modifier<Types>;
  using base::base;
  using typename base::item;
  using typename base::layout;
  using typename base::operation;
  using typename base::position;
  using typename base::value_type;
  using typename base::word;
  using mapped_type = typename Types::mapped_type;

  static constexpr unsigned max_leaf = Types::max_leaf;

  /// What inserts nothing: an empty map stays without memory.
  struct nothing {
    void operator()(const auto&) const noexcept {}
  };

  /// Atomically either on_absent(slot) or on_present(element), and what they ask for. True when
  /// the key was there.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE bool change(std::uint64_t hash, const K& key, OnAbsent& on_absent,
                                 OnPresent& on_present) {
    if constexpr (Types::is_inline) {
      bool is_present;
      lost_attempt<value_type> lost;
      const attempt_result what = attempt(hash, key, on_absent, on_present, is_present, lost);
      if (what <= attempt_result::lost) [[unlikely]] {
        return change_anywhere(hash, key, on_absent, on_present,
                               what == attempt_result::lost ? &lost : nullptr);
      }
      if (what == attempt_result::done_and_due) [[unlikely]]
        look_after();
      return is_present;
    } else {
      return change_element(hash, key, on_absent, on_present);
    }
  }

 private:
  /// The thread that runs, and its record if it has one.
  owner find_owner() const {
    thread_slot& me = thread_slots::mine();
    return {&me, this->reclaimer_.find(me)};
  }

  // --- the quick way: pairs in a leaf, or nothing, in a slot of the root, and no replacement ---

  enum class attempt_result : unsigned char { not_here, lost, done, done_and_due };

  /// One attempt. `not_here` leaves all to `change_anywhere`; `lost`, what callables have left. In
  /// registers up to where something is to be changed: that is the same for all callables, and not
  /// inlined.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE attempt_result attempt(std::uint64_t hash, const K& key, OnAbsent& on_absent,
                                            OnPresent& on_present, bool& is_present,
                                            lost_attempt<value_type>& lost) {
    era_pin pin(thread_slots::mine());
    position at;
    if (!this->try_locate_slot(pin, hash, at)) [[unlikely]]
      return attempt_result::not_here;
    new_element<Types> kept;
    if (at.seen.may_hold(hash)) {
      if (!at.seen.is_leaf() || at.seen.is_frozen()) [[unlikely]]
        return attempt_result::not_here;
      if (const item found = layout::find(at.seen, hash, key, this->equal_)) {
        is_present = true;
        return attempt_present(at, found, on_present, kept, lost);
      }
    }
    is_present = false;
    vacant_slot<Types> absent(kept);
    CONCUR_TRY {
      on_absent(absent);
    }
    CONCUR_CATCH_ALL {
      // What has been emplaced stays.
      if (absent.is_filled()) insert_copy(hash, kept.value());
      CONCUR_RETHROW;
    }
    if (!absent.is_filled()) return attempt_result::done;
    const attempt_result result = insert_in_leaf(*at.at, at.seen, hash, kept.value());
    if (result == attempt_result::lost) [[unlikely]] {
      absent.leave_to(lost);
      leave_kept(kept, lost);
    } else {
      absent.show();
    }
    return result;
  }
  template <class OnPresent>
  CONCUR_FORCEINLINE attempt_result attempt_present(const position& at, item found,
                                                    OnPresent& on_present, new_element<Types>& kept,
                                                    lost_attempt<value_type>& lost) {
    new_element<Types> computed;
    element_view<Types> present(kept, computed);
    present.reset(found);
    on_present(present);
    auto result = attempt_result::done;
    if (present.wanted() == element_change::store) {
      result = replace_in_leaf(*at.at, at.seen, layout::index_of(at.seen, found),
                               present.next().value().second);
    } else if (present.wanted() == element_change::erase) {
      result = erase_in_leaf(*at.at, at.seen, layout::index_of(at.seen, found));
    }
    if (result == attempt_result::lost) [[unlikely]] {
      present.leave_to(lost);
      leave_kept(kept, lost);
    }
    return result;
  }
  static void leave_kept(new_element<Types>& kept, lost_attempt<value_type>& lost) noexcept {
    lost.has_kept = kept.is_made();
    if (lost.has_kept) ::new (lost.kept.memory()) value_type(kept.value());
  }
  CONCUR_NOINLINE void insert_copy(std::uint64_t hash, value_type value) {
    operation op(*this);
    era_pin pin(op.me);
    insert_kept(writer{op.me, op.mine, pin}, hash, &value);
  }

  // Few and small arguments, by value: they stay in registers.

  CONCUR_NOINLINE attempt_result replace_in_leaf(place& at, word seen, unsigned index,
                                                 mapped_type value) {
    const owner own = find_owner();
    if (own.mine == nullptr) [[unlikely]]
      return attempt_result::lost;
    void* const leaf = this->copy_leaf(own, seen);
    layout::put_value(leaf, index, value);
    if (!this->publish_copy(own, at, seen, leaf)) [[unlikely]]
      return attempt_result::lost;
    return this->reclaimer_.is_due(*own.mine) ? attempt_result::done_and_due : attempt_result::done;
  }
  CONCUR_NOINLINE attempt_result insert_in_leaf(place& at, word seen, std::uint64_t hash,
                                                value_type value) {
    const owner own = find_owner();
    if (own.mine == nullptr || seen.count() >= max_leaf || seen.is_frozen() ||
        !this->put_longer(own, at, seen, &value, hash)) [[unlikely]] {
      return attempt_result::lost;
    }
    return counted_quickly(own, 1);
  }
  CONCUR_NOINLINE attempt_result erase_in_leaf(place& at, word seen, unsigned index) {
    const owner own = find_owner();
    if (own.mine == nullptr || !this->put_shorter(own, at, seen, index)) [[unlikely]]
      return attempt_result::lost;
    return counted_quickly(own, -1);
  }
  CONCUR_FORCEINLINE attempt_result counted_quickly(owner own, std::int64_t by) noexcept {
    // relaxed: how large the table is
    const root_word root(this->root_.load(std::memory_order_relaxed));
    const bool is_load_due = this->count(by, *own.me, 64 - root.shift());
    return is_load_due || this->reclaimer_.is_due(*own.mine) ? attempt_result::done_and_due
                                                             : attempt_result::done;
  }
  CONCUR_NOINLINE void look_after() noexcept {
    const owner own = find_owner();
    {
      era_pin pin(*own.me);
      this->check_load(writer{*own.me, *own.mine, pin});
    }
    this->collect_if_due(*own.me, *own.mine);
  }

  // --- elements of their own ---

  /// Whether the callable looks at no present element: an insertion's, which shows none.
  template <class OnPresent>
  static constexpr bool leaves_alone = std::is_invocable_v<OnPresent&>;

  /// Inlined where nothing is to be changed; the rest goes on from there, in the same pin.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE bool change_element(std::uint64_t hash, const K& key, OnAbsent& on_absent,
                                         OnPresent& on_present) {
    attempt_result result;
    bool is_present = false;
    {
      era_pin pin(thread_slots::mine());
      position at;
      item found = nullptr;
      if (!this->try_locate_slot(pin, hash, at)) [[unlikely]] {
        at.at = nullptr;
      } else if (at.seen.may_hold(hash)) {
        if (!at.seen.is_leaf()) [[unlikely]]
          at.at = nullptr;
        else
          found = layout::find(at.seen, hash, key, this->equal_);
      }
      if (at.at != nullptr) [[likely]] {
        if (leaves_alone<OnPresent> && found != nullptr) {
          if constexpr (leaves_alone<OnPresent>) on_present();
          return true;
        }
        if (std::is_same_v<OnAbsent, const nothing> && found == nullptr) return false;
        if (at.seen.is_frozen()) [[unlikely]]
          at.at = nullptr;
      }
      result = change_from(pin, hash, key, on_absent, on_present, at.at, at.seen, at.shift, found,
                           is_present);
    }
    if (result == attempt_result::done_and_due) [[unlikely]]
      look_after();
    return is_present;
  }

  /// `at`: the slot, what it says and the table's shift, and the element that was found there; or
  /// null.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_NOINLINE attempt_result change_from(era_pin& pin, std::uint64_t hash, const K& key,
                                             OnAbsent& on_absent, OnPresent& on_present, place* at,
                                             word seen, unsigned shift, item found,
                                             bool& is_present) {
    if (std::is_same_v<OnAbsent, const nothing> && this->is_without_memory())
      return attempt_result::done;
    thread_slot& me = pin.slot();
    const writer w{me, this->reclaimer_.ensure(me, this->allocator_), pin};
    change_state state(*this, w, hash);
    position first;
    first.at = at;
    first.seen = seen;
    first.shift = first.below = first.open = shift;
    is_present = change_on(w, hash, key, on_absent, on_present, state, first, found);
    return this->reclaimer_.is_due(w.mine) ? attempt_result::done_and_due : attempt_result::done;
  }

  // --- any case ---

  /// What an operation has made, and what its callables have asked for.
  struct change_state {
    change_state(changer& m, const writer& w, std::uint64_t hash) noexcept
        : kept(m, w, hash), computed(m, w, hash), present(kept, computed), absent(kept) {}

    new_element<Types> kept;
    new_element<Types> computed;
    element_view<Types> present;
    vacant_slot<Types> absent;
  };

  /// Of pairs. `lost`: the attempt that goes on.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_NOINLINE bool change_anywhere(std::uint64_t hash, const K& key, OnAbsent& on_absent,
                                       OnPresent& on_present, lost_attempt<value_type>* lost) {
    if (std::is_same_v<OnAbsent, const nothing> && this->is_without_memory()) return false;
    operation op(*this);
    era_pin pin(op.me);
    const writer w{op.me, op.mine, pin};
    change_state state(*this, w, hash);
    if (lost != nullptr) {
      if (lost->has_kept) state.kept.make_copy(*lost->kept.get());
      state.present.take_over(*lost);
      state.absent.take_over(*lost);
    }
    position first;
    return change_on(w, hash, key, on_absent, on_present, state, first, nullptr);
  }

  /// `at`: where it is, if that is known, and `found` what is there. A lost race alone is no reason
  /// to call again: what was computed for an element that is still the same, or still absent, is
  /// good.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE bool change_on(const writer& w, std::uint64_t hash, const K& key,
                                    OnAbsent& on_absent, OnPresent& on_present, change_state& state,
                                    position& at, item found) {
    element_view<Types>& present = state.present;
    vacant_slot<Types>& absent = state.absent;
    bool has_helped = false;
    for (bool is_known = at.at != nullptr;; is_known = false) {
      if (!is_known) {
        at = this->locate(w, hash, absent.is_filled(), has_helped);
        found = find_at(at, hash, key, state.kept);
      }
      if (found != nullptr) {
        if (!present.is_still(found)) {
          absent.reset();
          present.reset(found);
          on_present(present);
        }
        if (apply(w, at, hash, found, present)) return true;
      } else {
        if (!absent.is_filled()) {
          present.reset(nullptr);
          call_absent(w, hash, on_absent, absent);
          if (!absent.is_filled()) return false;
        }
        if (at.at != nullptr && this->try_insert(w, at, hash, state.kept.what())) {
          state.kept.published();
          this->counted(w, 1, at.shift);
          absent.show();
          return false;
        }
      }
    }
  }

  /// What is there; the given key may have been moved from when there is a kept element.
  template <class K>
  CONCUR_FORCEINLINE item find_at(const position& at, std::uint64_t hash, const K& key,
                                  new_element<Types>& kept) const {
    if (at.at == nullptr) return nullptr;
    if (kept.is_made()) [[unlikely]]
      return this->find_in(at.seen, hash, kept.value().first);
    return this->find_in(at.seen, hash, key);
  }

  template <class OnAbsent, class Slot>
  void call_absent(const writer& w, std::uint64_t hash, OnAbsent& on_absent, Slot& absent) {
    CONCUR_TRY {
      on_absent(absent);
    }
    CONCUR_CATCH_ALL {
      // What has been emplaced stays.
      if (absent.is_filled()) {
        new_element<Types>& kept = absent.kept();
        const bool is_in =
            layout::spilled(kept.what(), [&](item what) { return insert_kept(w, hash, what); });
        if (is_in) kept.published();
      }
      CONCUR_RETHROW;
    }
  }
  /// False if somebody else has put the key there.
  CONCUR_NOINLINE bool insert_kept(const writer& w, std::uint64_t hash, item what) {
    bool has_helped = true;
    for (;;) {
      const position at = this->locate(w, hash, true, has_helped);
      if (this->find_in(at.seen, hash, layout::value(what).first) != nullptr) return false;
      if (!this->try_insert(w, at, hash, what)) continue;
      this->counted(w, 1, at.shift);
      return true;
    }
  }

  /// What on_present has asked for. False if the race was lost.
  CONCUR_FORCEINLINE bool apply(const writer& w, const position& at, std::uint64_t hash, item found,
                                element_view<Types>& present) {
    switch (present.wanted()) {
      case element_change::none:
        return true;
      case element_change::store:
        if (!this->try_replace(w, at, found, present.next().what(), hash)) return false;
        present.next().published();
        return true;
      case element_change::erase:
        return this->try_erase(w, at, hash, found);
    }
    return true;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
