// SPDX-License-Identifier: MIT
/// \file
/// Operations that change one element: they look for it, call the user's callables, and take the
/// step that these ask for (modify.hpp). Who loses the race for it looks again, and calls again if
/// the element is another one by then (the rules of detail/map/primitives.hpp for copy-on-write
/// engines). Who keeps losing stays away for a while first (sync/contention.hpp).
///
/// What nearly every operation needs is inlined: the slot is in the root table, which is not being
/// replaced, and has a leaf or nothing. Beyond that everything is done in functions that are the
/// same for all callables of a map, and know them by address: a map whose operations are called
/// from many places has that code once. (Elements of their own always go the general way, which is
/// inlined for them: `change_from`.)
#pragma once

#include <concur/detail/cmap/modify.hpp>
#include <concur/detail/sync/contention.hpp>

namespace concur::inline CONCUR_ABI::detail::cmap {

template <class Types>
class changer : public modifier<Types> {
 protected:
  using base = modifier<Types>;
  using base::base;
  using typename base::item;
  using typename base::layout;
  using typename base::mapped_type;
  using typename base::operation;
  using typename base::position;
  using typename base::step_result;
  using typename base::value_type;
  using typename base::word;
  using key_type = typename Types::key_type;

  static constexpr unsigned max_leaf = Types::max_leaf;

  /// What inserts nothing: an empty map stays without memory.
  struct nothing {
    void operator()(const auto&) const noexcept {}
  };

  /// Inserts copies of key and value, unless the key is there: with nobody to ask there is little
  /// to inline, and to compile.
  CONCUR_FORCEINLINE bool insert_copies(std::uint64_t hash, const key_type& key,
                                        const mapped_type& value) {
    auto result = step_result::not_here;
    {
      era_pin pin(thread_slots::mine());
      position at;
      item found;
      if (find_quickly(pin, hash, key, at, found)) [[likely]] {
        if (found != nullptr) return false;
        result = this->insert_by(this->owner_of(pin.slot()), *at.at, at.seen, hash,
                                 value_type(key, value));
      }
    }
    if (result <= step_result::lost) [[unlikely]]
      return insert_anywhere(hash, key, value);
    if (result == step_result::done_and_due) [[unlikely]]
      look_after();
    return true;
  }
  /// Erases the element, if it is there, and shows it to nobody.
  template <class K>
  CONCUR_FORCEINLINE bool erase_unseen(std::uint64_t hash, const K& key) {
    auto result = step_result::not_here;
    {
      era_pin pin(thread_slots::mine());
      position at;
      item found;
      if (find_quickly(pin, hash, key, at, found)) [[likely]] {
        if (found == nullptr) return false;
        result = this->erase_by(this->owner_of(pin.slot()), *at.at, at.seen,
                                layout::index_of(at.seen, found), hash);
      }
    }
    if (result <= step_result::lost) [[unlikely]] {
      // By value, where that is cheap, so that the original needs no memory.
      return erase_anywhere<K, std::conditional_t<std::is_same_v<K, key_type>, K, const K&>>(hash,
                                                                                             key);
    }
    if (result == step_result::done_and_due) [[unlikely]]
      look_after();
    return true;
  }

  /// Atomically either on_absent(slot) or on_present(element), and what they ask for. True when
  /// the key was there.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE bool change(std::uint64_t hash, const K& key, OnAbsent& on_absent,
                                 OnPresent& on_present) {
    if constexpr (Types::is_inline) {
      bool is_present;
      lost_attempt<value_type> lost;
      const step_result what = attempt(hash, key, on_absent, on_present, is_present, lost);
      if (what <= step_result::lost) [[unlikely]] {
        // Of copies, references all of them: so that the originals need no memory.
        const std::conditional_t<std::is_same_v<K, key_type>, K, const K&> same_key = key;
        auto same_absent = on_absent;
        auto same_present = on_present;
        return change_anywhere(without_types(hash, same_key, same_absent, same_present),
                               what == step_result::lost ? &lost : nullptr);
      }
      if (what == step_result::done_and_due) [[unlikely]]
        look_after();
      return is_present;
    } else {
      return change_element(hash, key, on_absent, on_present);
    }
  }

 private:
  // --- callables by address ---

  /// An operation without the types of its key and its callables.
  struct untyped_change {
    struct functions {
      item (*find)(const changer&, word, std::uint64_t hash, const void* key);
      void (*on_absent)(void*, vacant_slot<Types>&);  ///< nullptr: inserts nothing
      void (*on_present)(void*, element_view<Types>&);
    };

    bool can_insert() const noexcept { return call->on_absent != nullptr; }

    const functions* call;
    std::uint64_t hash;
    const void* key;
    void* on_absent;
    void* on_present;
  };

  template <class K>
  CONCUR_COLD static item find(const changer& map, word w, std::uint64_t hash, const void* key) {
    return map.find_in(w, hash, *static_cast<const K*>(key));
  }
  template <class K, class OnAbsent, class OnPresent>
  struct typed {
    static void call_absent(void* f, vacant_slot<Types>& slot) {
      (*static_cast<OnAbsent*>(f))(slot);
    }
    static void call_present(void* f, element_view<Types>& element) {
      (*static_cast<OnPresent*>(f))(element);
    }
    static constexpr typename untyped_change::functions functions{
        &find<K>, std::is_same_v<std::remove_const_t<OnAbsent>, nothing> ? nullptr : &call_absent,
        &call_present};
  };
  template <class T>
  static void* address_of(T& t) noexcept {
    return const_cast<void*>(static_cast<const volatile void*>(std::addressof(t)));
  }
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE static untyped_change without_types(std::uint64_t hash, const K& key,
                                                         OnAbsent& on_absent,
                                                         OnPresent& on_present) noexcept {
    return {&typed<K, OnAbsent, OnPresent>::functions, hash, address_of(key), address_of(on_absent),
            address_of(on_present)};
  }

  // --- the quick way: pairs in a leaf, or nothing, in a slot of the root, and no replacement ---

  /// The slot of `hash`, and the element of `key` or null. False: that takes longer.
  template <class K>
  CONCUR_FORCEINLINE bool find_quickly(era_pin& pin, std::uint64_t hash, const K& key, position& at,
                                       item& found) const {
    found = nullptr;
    if (!this->try_locate_slot(pin, hash, at)) [[unlikely]]
      return false;
    if (!at.seen.may_hold(hash)) return true;
    if (!at.seen.is_leaf() || at.seen.is_frozen()) [[unlikely]]
      return false;
    found = layout::find(at.seen, hash, key, this->equal_);
    return true;
  }

  /// One attempt. `not_here` leaves all to `change_anywhere`; `lost`, what callables have left. In
  /// registers up to where an element is to be put or erased: that is the same for all callables,
  /// and not inlined. Another value is what most ask for who look at an element: that is inlined.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE step_result attempt(std::uint64_t hash, const K& key, OnAbsent& on_absent,
                                         OnPresent& on_present, bool& is_present,
                                         lost_attempt<value_type>& lost) {
    era_pin pin(thread_slots::mine());
    position at;
    item found;
    if (!find_quickly(pin, hash, key, at, found)) [[unlikely]]
      return step_result::not_here;
    new_element<Types> kept;
    is_present = found != nullptr;
    if (is_present) return attempt_present(pin.slot(), at, hash, found, on_present, kept, lost);
    vacant_slot<Types> absent(kept);
    CONCUR_TRY {
      on_absent(absent);
    }
    CONCUR_CATCH_ALL {
      // What has been emplaced stays.
      if (absent.is_filled()) insert_copy(hash, kept.value());
      CONCUR_RETHROW;
    }
    if (!absent.is_filled()) return step_result::done;
    const step_result result = this->insert_in_leaf(*at.at, at.seen, hash, kept.value());
    if (result == step_result::lost) [[unlikely]] {
      absent.leave_to(lost);
      leave_kept(kept, lost);
    } else {
      absent.show();
    }
    return result;
  }
  template <class OnPresent>
  CONCUR_FORCEINLINE step_result attempt_present(thread_slot& me, const position& at,
                                                 std::uint64_t hash, item found,
                                                 OnPresent& on_present, new_element<Types>& kept,
                                                 lost_attempt<value_type>& lost) {
    new_element<Types> computed;
    element_view<Types> present(kept, computed);
    present.reset(found);
    on_present(present);
    auto result = step_result::done;
    if (present.wanted() == element_change::store) {
      result = this->replace_by(this->owner_of(me), *at.at, at.seen,
                                layout::index_of(at.seen, found), present.next().value().second);
    } else if (present.wanted() == element_change::erase) {
      result = this->erase_in_leaf(*at.at, at.seen, layout::index_of(at.seen, found), hash);
    }
    if (result == step_result::lost) [[unlikely]] {
      present.leave_to(lost);
      leave_kept(kept, lost);
    }
    return result;
  }
  static void leave_kept(new_element<Types>& kept, lost_attempt<value_type>& lost) noexcept {
    lost.has_kept = kept.is_made();
    if (lost.has_kept) ::new (lost.kept.memory()) value_type(kept.value());
  }
  CONCUR_COLD void insert_copy(std::uint64_t hash, value_type value) {
    operation op(*this);
    era_pin pin(op.me);
    insert_kept(writer{op.me, op.mine, pin}, hash, &value);
  }

  CONCUR_NOINLINE void look_after() noexcept {
    const owner own = this->find_owner();
    {
      era_pin pin(*own.me);
      this->check_load(writer{*own.me, *own.mine, pin});
    }
    this->collect_if_due(*own.me, *own.mine);
  }

  CONCUR_COLD bool insert_anywhere(std::uint64_t hash, key_type key, mapped_type value) {
    const auto on_absent = [&](vacant_slot<Types>& slot) { slot.emplace(key, value); };
    const nothing on_present;
    return !change_anywhere(without_types(hash, key, on_absent, on_present), nullptr);
  }
  template <class K, class KeyArgument>
  CONCUR_COLD bool erase_anywhere(std::uint64_t hash, KeyArgument key) {
    const nothing on_absent;
    const auto on_present = [](element_view<Types>& there) { there.erase(); };
    return change_anywhere(without_types<K>(hash, key, on_absent, on_present), nullptr);
  }

  // --- elements of their own ---

  /// Whether the callable looks at no present element: an insertion's, which shows none.
  template <class OnPresent>
  static constexpr bool leaves_alone = std::is_invocable_v<OnPresent&>;

  /// Inlined where nothing is to be changed; the rest goes on from there, in the same pin.
  template <class K, class OnAbsent, class OnPresent>
  CONCUR_FORCEINLINE bool change_element(std::uint64_t hash, const K& key, OnAbsent& on_absent,
                                         OnPresent& on_present) {
    step_result result;
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
      result = change_from(pin, without_types(hash, key, on_absent, on_present), at.at, at.seen,
                           at.below, found, is_present);
    }
    if (result == step_result::done_and_due) [[unlikely]]
      look_after();
    return is_present;
  }

  /// `at`: the slot, what it says and the table's shift, and the element that was found there; or
  /// null. Inlined, so that the callables are known after all: a call of one function for all of
  /// them, or of one for each, makes an update a sixth slower (bench/NOTES.md).
  CONCUR_FORCEINLINE step_result change_from(era_pin& pin, const untyped_change& what, place* at,
                                             word seen, unsigned shift, item found,
                                             bool& is_present) {
    if (!what.can_insert() && this->is_without_memory()) return step_result::done;
    thread_slot& me = pin.slot();
    const writer w{me, this->reclaimer_.ensure(me, this->allocator_), pin};
    change_state state(*this, w, what.hash);
    position first;
    first.at = at;
    first.seen = seen;
    first.below = first.open = shift;
    is_present = change_on(w, what, state, first, found);
    return this->reclaimer_.is_due(w.mine) ? step_result::done_and_due : step_result::done;
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
    /// Of pairs the attempt before does not count: who lost once in a hundred writes need not wait.
    contention others;
  };

  /// Of pairs. `lost`: the attempt that goes on.
  CONCUR_COLD bool change_anywhere(const untyped_change& what, lost_attempt<value_type>* lost) {
    if (!what.can_insert() && this->is_without_memory()) return false;
    operation op(*this);
    era_pin pin(op.me);
    const writer w{op.me, op.mine, pin};
    change_state state(*this, w, what.hash);
    if (lost != nullptr) {
      if (lost->has_kept) state.kept.make_copy(*lost->kept.get());
      state.present.take_over(*lost);
      state.absent.take_over(*lost);
    }
    position first;
    return change_on(w, what, state, first, nullptr);
  }

  /// `at`: where it is, if that is known, and `found` what is there. A lost race alone is no reason
  /// to call again: what was computed for an element that is still the same, or still absent, is
  /// good.
  CONCUR_FORCEINLINE bool change_on(const writer& w, const untyped_change& what,
                                    change_state& state, position& at, item found) {
    element_view<Types>& present = state.present;
    vacant_slot<Types>& absent = state.absent;
    bool has_helped = false;
    for (bool is_known = at.at != nullptr;; is_known = false) {
      if (!is_known) {
        at = this->locate(w, what.hash, absent.is_filled(), has_helped);
        found = find_at(at, what, state.kept);
      }
      if (found != nullptr) {
        if (!present.is_still(found)) {
          absent.reset();
          present.reset(found);
          what.call->on_present(what.on_present, present);
        }
        if (apply(w, at, what.hash, found, present)) return true;
        state.others.lost();
      } else {
        if (!absent.is_filled()) {
          present.reset(nullptr);
          if (what.can_insert()) call_absent(w, what, absent);
          if (!absent.is_filled()) return false;
        }
        if (at.at == nullptr) continue;  // now it is to be made
        if constexpr (!Types::is_inline) {
          if (absent.is_to_be_shown()) cover_births(w);
        }
        if (this->try_insert(w, at, what.hash, state.kept.what())) {
          state.kept.published();
          absent.show();
          return false;
        }
        state.others.lost();
      }
    }
  }

  /// An element is born after the announcement that its place was found under. One that is to be
  /// shown when it is published, and may be erased by others at that moment, is to be covered
  /// before. (By a section of its own: extended, `w.pin` would pass for covering more than the
  /// place.)
  CONCUR_NOINLINE void cover_births(const writer& w) const noexcept {
    era_pin pin(w.me);
    static_cast<void>(pin.load(this->root_));
  }

  /// What is there; the given key may have been moved from when there is a kept element.
  CONCUR_FORCEINLINE item find_at(const position& at, const untyped_change& what,
                                  new_element<Types>& kept) const {
    if (at.at == nullptr || !at.seen.may_hold(what.hash)) return nullptr;
    if (kept.is_made()) [[unlikely]]
      return find<key_type>(*this, at.seen, what.hash, std::addressof(kept.value().first));
    return what.call->find(*this, at.seen, what.hash, what.key);
  }

  void call_absent(const writer& w, const untyped_change& what, vacant_slot<Types>& absent) {
    CONCUR_TRY {
      what.call->on_absent(what.on_absent, absent);
    }
    CONCUR_CATCH_ALL {
      // What has been emplaced stays.
      if (absent.is_filled()) {
        new_element<Types>& kept = absent.kept();
        if (insert_kept(w, what.hash, kept.what())) kept.published();
      }
      CONCUR_RETHROW;
    }
  }
  /// False if somebody else has put the key there.
  CONCUR_COLD bool insert_kept(const writer& w, std::uint64_t hash, item what) {
    bool has_helped = true;
    for (;;) {
      const position at = this->locate(w, hash, true, has_helped);
      const key_type& key = layout::value(what).first;
      if (find<key_type>(*this, at.seen, hash, std::addressof(key)) != nullptr) return false;
      if (this->try_insert(w, at, hash, what)) return true;
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
