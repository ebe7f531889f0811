// SPDX-License-Identifier: MIT
/// \file
/// What `modify` hands to the vocabulary (detail/map/primitives.hpp): an element whose lock is
/// held, or the claimed slot of an absent key. Values that are copied are shown as copies, and
/// stored when the callable has returned; values in place are shown themselves.
#pragma once

#include <concur/detail/config.hpp>
#include <concur/detail/fixed_map/protocol.hpp>
#include <concur/policy/construction.hpp>
#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

/// What a callback gets where the value lies in place: a pair that owns nothing.
template <class Key, class T>
struct lent_element {
  const Key& first;
  T& second;
};

/// `a = v`, or, for values that cannot be assigned, a new value in the place of the old one. Not
/// inline: gcc 12 would warn that a string which comes out of an optional may not be there.
template <class Allocator, class T, class V>
CONCUR_NOINLINE void assign_in_place(const Allocator& allocator, T& a, V&& v) {
  if constexpr (std::is_assignable_v<T&, V>) {
    a = std::forward<V>(v);
  } else if constexpr (std::is_move_assignable_v<T>) {
    a = detail::made_with<T>(allocator, std::forward<V>(v));
  } else {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "concur::fixed_map: a value that cannot be assigned must be movable without an "
                  "exception to be replaced");
    T made(detail::made_with<T>(allocator, std::forward<V>(v)));
    a.~T();
    ::new (static_cast<void*>(&a)) T(std::move(made));
  }
}

/// The owner's view of an element: locked, or in a slot that is reserved for it. `word` is the
/// slot's word as its owner knows it; the guards below give it back.
template <class Engine>
class owned_element {
 public:
  using key_type = typename Engine::key_type;
  using mapped_type = typename Engine::mapped_type;
  using value_form = typename Engine::slot::value_form;
  static constexpr bool is_in_place = value_form::is_in_place;

  owned_element(Engine& engine, typename Engine::slot& s, slot_word word, bool is_new) noexcept
      : engine_(engine), slot_(s), word_(word), is_new_(is_new) {}
  owned_element(const owned_element&) = delete;
  owned_element& operator=(const owned_element&) = delete;

  const key_type& key() {
    if (!key_) key_.emplace(slot_.key.load());
    return *key_;
  }

  const mapped_type& value() {
    if constexpr (is_in_place) {
      return slot_.value.get();
    } else {
      if (!value_) value_.emplace(load());
      return *value_;
    }
  }

  template <class F>
  void visit(F&& f) {
    if constexpr (is_in_place) {
      lent_element<key_type, mapped_type> lent{key(), slot_.value.get()};
      std::forward<F>(f)(lent);
    } else {
      std::pair<const key_type, mapped_type> copy(slot_.key.load(), load());
      std::forward<F>(f)(copy);
      store_if_changed(copy.second);
    }
  }

  template <class F>
  void cvisit(F&& f) {
    if constexpr (is_in_place) {
      const lent_element<key_type, const mapped_type> lent{key(), slot_.value.get()};
      std::forward<F>(f)(lent);
    } else {
      const std::pair<const key_type, mapped_type> copy(slot_.key.load(), load());
      std::forward<F>(f)(copy);
    }
  }

  template <class F>
  void mutate(F&& f) {
    if constexpr (is_in_place) {
      std::forward<F>(f)(slot_.value.get());
    } else {
      mapped_type copy(load());
      std::forward<F>(f)(copy);
      store_if_changed(copy);
    }
  }

  template <class V>
  void assign(V&& v) {
    if constexpr (is_in_place) {
      assign_in_place(engine_.allocator(), slot_.value.get(), std::forward<V>(v));
    } else if constexpr (std::is_same_v<std::remove_cvref_t<V>, mapped_type>) {
      store(v);
    } else {
      store(mapped_type(std::forward<V>(v)));
    }
  }

  mapped_type take() {
    if constexpr (is_in_place) {
      mapped_type result(std::move(slot_.value.get()));
      is_erased_ = true;
      return result;
    } else {
      is_erased_ = true;
      return load();
    }
  }

  /// Done by the guard, when the callback has returned.
  void erase() noexcept { is_erased_ = true; }

  // For the guards:
  bool is_erased() const noexcept { return is_erased_; }
  bool is_flipped() const noexcept { return is_flipped_; }
  slot_word word() const noexcept { return word_; }

 private:
  /// Which of two copies is the value, as the owner sees it.
  unsigned copy() const noexcept { return word_.copy() ^ (is_flipped_ ? 1u : 0u); }
  mapped_type load() const noexcept { return slot_.value.load(copy()); }

  void store_if_changed(const mapped_type& v) {
    // One word is stored sooner than compared: the line is the owner's already.
    if constexpr (!value_form::is_small) {
      const mapped_type before = load();
      if (std::memcmp(std::addressof(v), std::addressof(before), sizeof(mapped_type)) == 0) return;
    }
    store(v);
  }

  void store(const mapped_type& v) {
    if constexpr (value_form::is_small) {
      slot_.value.store(0, v);
    } else if constexpr (value_form::is_paired) {
      if (!is_new_) is_flipped_ = true;
      slot_.value.store(is_new_ ? 0 : word_.copy() ^ 1u, v);
    } else if (is_new_) {
      slot_.value.store(0, v);
    } else {
      word_ = engine_.store_wide(slot_, word_, v);
    }
    value_.reset();
  }

  struct nothing {
    void reset() noexcept {}
  };

  Engine& engine_;
  typename Engine::slot& slot_;
  slot_word word_;
  bool is_new_;
  bool is_erased_ = false;
  bool is_flipped_ = false;
  std::optional<key_type> key_;
  std::conditional_t<is_in_place, nothing, std::optional<mapped_type>> value_;
};

/// A slot of the caller's, for a key that is absent.
template <class Engine>
class owned_slot {
 public:
  using element = owned_element<Engine>;
  using mapped_type = typename Engine::mapped_type;

  owned_slot(Engine& engine, typename Engine::slot& s, slot_word word, bool& has_value) noexcept
      : engine_(engine), slot_(s), has_value_(has_value), element_(engine, s, word, true) {}
  owned_slot(const owned_slot&) = delete;
  owned_slot& operator=(const owned_slot&) = delete;

  /// Makes the value. The key is in the slot already.
  template <class K, class... Args>
  element& emplace(K&&, Args&&... args) {
    if constexpr (element::is_in_place) {
      slot_.value.construct(engine_.allocator(), std::forward<Args>(args)...);
    } else {
      slot_.value.store(0, mapped_type(std::forward<Args>(args)...));
    }
    has_value_ = true;
    return element_;
  }

 private:
  Engine& engine_;
  typename Engine::slot& slot_;
  bool& has_value_;
  element element_;
};

/// A locked element, whose lock and whose end are the guard's.
template <class Engine>
class locked_element {
 public:
  locked_element(Engine& owner, typename Engine::slot& s, slot_word word,
                 thread_slot& thread) noexcept
      : owner_(owner), slot_(s), thread_(thread), element(owner, s, word, false) {}
  locked_element(const locked_element&) = delete;
  locked_element& operator=(const locked_element&) = delete;
  CONCUR_FORCEINLINE ~locked_element() {
    if (has_returned && element.is_erased()) {
      owner_.erase_locked(slot_, element.word(), thread_);
    } else {
      owner_.unlock(slot_, element.word(), element.is_flipped());
    }
  }

 private:
  Engine& owner_;
  typename Engine::slot& slot_;
  thread_slot& thread_;

 public:
  owned_element<Engine> element;
  bool has_returned = false;  ///< a callback that throws erases nothing
};

/// A claimed slot that competes with a value: given back unless it has won.
template <class Engine>
class candidate {
 public:
  candidate(Engine& owner, typename Engine::claimed_slot& mine, thread_slot& thread) noexcept
      : owner_(owner), mine_(mine), thread_(thread) {}
  candidate(const candidate&) = delete;
  candidate& operator=(const candidate&) = delete;
  CONCUR_FORCEINLINE ~candidate() {
    if (is_over_) [[likely]]
      return;
    if constexpr (Engine::is_in_place) {
      if (has_value) mine_.where->value.destroy();
    }
    owner_.release(mine_, thread_);
  }
  void dismiss() noexcept { is_over_ = true; }

  bool has_value = false;

 private:
  Engine& owner_;
  typename Engine::claimed_slot& mine_;
  thread_slot& thread_;
  bool is_over_ = false;
};

/// A slot that is reserved for an element: published if it got a value, else given back.
template <class Engine>
class new_element {
 public:
  new_element(Engine& owner, typename Engine::claimed_slot& mine, thread_slot& thread) noexcept
      : owner_(owner), mine_(mine), thread_(thread) {}
  new_element(const new_element&) = delete;
  new_element& operator=(const new_element&) = delete;
  CONCUR_FORCEINLINE ~new_element() {
    if (has_value) [[likely]] {
      owner_.publish(mine_);
      owner_.counted(+1, thread_);
    } else {
      owner_.release(mine_, thread_);
    }
  }

  bool has_value = false;

 private:
  Engine& owner_;
  typename Engine::claimed_slot& mine_;
  thread_slot& thread_;
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
