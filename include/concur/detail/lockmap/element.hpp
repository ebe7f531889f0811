// SPDX-License-Identifier: MIT
/// \file
/// A key that is held exclusively, and what `modify` hands to the vocabulary
/// (detail/map/primitives.hpp): its element, or the slot of an absent key.
#pragma once

#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/lockmap/hold.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/construction.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {
namespace detail::lockmap {

/// What a callback gets: a pair that owns nothing. Good while the callback runs.
template <class Key, class T>
struct lent_element {
  const Key& first;
  T& second;

  template <class A, class B>
    requires(std::is_constructible_v<A, const Key&>&& std::is_constructible_v<B, T&>)
  // Implicit, as a pair of references is. NOLINTNEXTLINE(google-explicit-constructor)
  operator std::pair<A, B>() const { return std::pair<A, B>(first, second); }
};

/// `a = v`, or, for values that cannot be assigned, a new value in the place of the old one.
template <class Allocator, class T, class V>
void assign_in_place(const Allocator& allocator, T& a, V&& v) {
  if constexpr (std::is_scalar_v<T>) {
    a = static_cast<T>(std::forward<V>(v));
  } else if constexpr (std::is_assignable_v<T&, V>) {
    a = std::forward<V>(v);
  } else if constexpr (std::is_move_assignable_v<T>) {
    a = detail::made_with<T>(allocator, std::forward<V>(v));
  } else {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "concur::lockmap: a value that cannot be assigned must be movable without an "
                  "exception to be replaced");
    T made(detail::made_with<T>(allocator, std::forward<V>(v)));
    a.~T();
    ::new (static_cast<void*>(std::addressof(a))) T(std::move(made));
  }
}

/// Whether no code of the user's runs when one is destroyed.
template <class T>
inline constexpr bool is_destroyed_quietly = std::is_trivially_destructible_v<T>;
template <class Char, class Traits>
inline constexpr bool is_destroyed_quietly<std::basic_string<Char, Traits, std::allocator<Char>>> =
    true;

/// Whether a value that gets a successor is moved out before, and destroyed when its key has been
/// given back: its destructor may use the map. Others are assigned to, and use their memory again.
template <class T>
inline constexpr bool leaves_when_replaced =
    !is_destroyed_quietly<T> && std::is_nothrow_move_constructible_v<T> &&
    (std::is_nothrow_move_assignable_v<T> || !std::is_move_assignable_v<T>);

/// Holds a key exclusively; the destructor gives it back, with the value that is there then.
template <class Engine>
class grip {
 public:
  using state_type = typename Engine::state_type;
  using mapped_type = typename Engine::mapped_type;

  grip() noexcept = default;
  grip(Engine& engine, typename Engine::taken what) noexcept
      : engine_(&engine), state_(what.state), is_present_(what.is_present) {
    if (state_ != nullptr) hold_.link(engine_->identity(), *state_);
  }
  grip(grip&& other) noexcept
      : engine_(other.engine_),
        state_(std::exchange(other.state_, nullptr)),
        is_present_(other.is_present_),
        hold_(std::move(other.hold_)) {}
  grip& operator=(grip&& other) noexcept {
    if (this != &other) {
      leave();
      engine_ = other.engine_;
      state_ = std::exchange(other.state_, nullptr);
      is_present_ = other.is_present_;
      hold_ = std::move(other.hold_);
    }
    return *this;
  }
  ~grip() { leave(); }

  explicit operator bool() const noexcept { return state_ != nullptr; }
  Engine& engine() const noexcept { return *engine_; }
  state_type& state() const noexcept { return *state_; }
  bool is_present() const noexcept { return is_present_; }
  mapped_type& value() const noexcept {
    CONCUR_ASSERT(is_present_);
    return state_->value;
  }

  void leave() noexcept {
    if (state_ == nullptr) return;
    hold_.unlink();
    engine_->leave_exclusive(*std::exchange(state_, nullptr), is_present_);
  }
  /// The key is somebody else's now.
  state_type& release() noexcept {
    hold_.unlink();
    return *std::exchange(state_, nullptr);
  }

  template <class... Args>
  mapped_type& make(Args&&... args) {
    CONCUR_ASSERT(!is_present_);
    state_->make_value(engine_->allocator(), std::forward<Args>(args)...);
    is_present_ = true;
    engine_->made(*state_);
    return state_->value;
  }
  /// It was taken by way of a pin: see Engine::freshen.
  void freshen() noexcept { engine_->freshen(*state_, is_present_); }
  /// The value has got a successor in its place.
  void rewritten() const noexcept { engine_->rewritten(*state_); }
  /// The value is destroyed here and now, and whoever is told of those that leave is told before.
  void discard([[maybe_unused]] eviction_cause cause) noexcept {
    if constexpr (Engine::reports) {
      if (is_present_) engine_->report_in_place(*state_, cause);
    }
    reset();
  }
  /// The value, or what is left of it, is destroyed here and now.
  void reset() noexcept {
    if (!is_present_) return;
    is_present_ = false;
    engine_->count(*state_, -1);
    state_->value.~mapped_type();
  }

 private:
  Engine* engine_ = nullptr;
  state_type* state_ = nullptr;
  bool is_present_ = false;
  held_key hold_;
};

/// Where a value that was erased or replaced stays until its key has been given back: its
/// destructor may use the map.
template <class T>
class doomed_value {
  static constexpr bool is_kept =
      !std::is_trivially_destructible_v<T> && std::is_nothrow_move_constructible_v<T>;
  struct nothing {};
  CONCUR_NO_UNIQUE_ADDRESS std::conditional_t<is_kept, std::optional<T>, nothing> value_;

 public:
  /// The value of a key that is held, which is destroyed there next.
  template <class Grip>
  void keep(const Grip& held, eviction_cause) noexcept {
    if constexpr (is_kept) value_.emplace(std::move(held.value()));
  }
  /// The value becomes `v`.
  template <class Grip, class V>
  void replace(Grip& held, V&& v) {
    const auto& allocator = held.engine().allocator();
    if constexpr (leaves_when_replaced<T>) {
      // If that throws, nothing has happened.
      T next(detail::made_with<T>(allocator, std::forward<V>(v)));
      keep(held, eviction_cause::replaced);
      assign_in_place(allocator, held.value(), std::move(next));
    } else {
      assign_in_place(allocator, held.value(), std::forward<V>(v));
    }
    held.rewritten();
  }
};

template <class Engine>
class held_element {
 public:
  using key_type = typename Engine::key_type;
  using mapped_type = typename Engine::mapped_type;

  held_element(grip<Engine>& held, typename Engine::doomed_type& doomed) noexcept
      : held_(held), doomed_(doomed) {}

  const key_type& key() const noexcept { return held_.state().key; }
  const mapped_type& value() const noexcept { return held_.value(); }
  auto& state() const noexcept { return held_.state(); }

  template <class F>
  void visit(F&& f) {
    lent_element<key_type, mapped_type> lent{key(), held_.value()};
    std::forward<F>(f)(lent);
  }
  template <class F>
  void cvisit(F&& f) {
    const lent_element<key_type, const mapped_type> lent{key(), held_.value()};
    std::forward<F>(f)(lent);
  }
  template <class F>
  void mutate(F&& f) {
    std::forward<F>(f)(held_.value());
    held_.rewritten();
  }
  template <class V>
  void assign(V&& v) {
    doomed_.replace(held_, std::forward<V>(v));
  }
  /// As `assign`, but the old value is the caller's.
  template <class V>
  void exchange(V&& v, std::optional<mapped_type>& old) requires(Engine::reports) {
    old.emplace(std::as_const(held_.value()));
    assign_in_place(held_.engine().allocator(), held_.value(), std::forward<V>(v));
    held_.rewritten();
  }
  mapped_type take() {
    mapped_type taken(std::move(held_.value()));
    held_.reset();
    return taken;
  }
  /// Of a quiet map: to be moved from, the key last, and then dropped.
  key_type& key_to_move() const noexcept { return held_.state().key; }
  mapped_type& value_to_move() const noexcept { return held_.value(); }
  /// The value is somebody else's.
  void drop() noexcept { held_.reset(); }
  void erase(eviction_cause cause = eviction_cause::erased) noexcept {
    doomed_.keep(held_, cause);
    held_.reset();
  }

 private:
  grip<Engine>& held_;
  typename Engine::doomed_type& doomed_;
};

template <class Engine>
class held_slot {
 public:
  held_slot(grip<Engine>& held, typename Engine::doomed_type& doomed) noexcept
      : held_(held), element_(held, doomed) {}

  /// Makes the key, unless it is there. To be called before the user's code runs: while there is
  /// none, all keys of its hash have to wait for this one.
  template <class K>
  void claim(K&& key) {
    if (!held_.state().is_keyed_already()) {
      held_.state().make_key(held_.engine().allocator(), std::forward<K>(key));
    }
  }
  template <class K, class... Args>
  held_element<Engine>& emplace(K&& key, Args&&... args) {
    claim(std::forward<K>(key));
    held_.make(std::forward<Args>(args)...);
    return element_;
  }

 private:
  grip<Engine>& held_;
  held_element<Engine> element_;
};

}  // namespace detail::lockmap
}  // namespace concur::inline CONCUR_ABI
