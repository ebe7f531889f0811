// SPDX-License-Identifier: MIT
/// \file
/// The guards of a lockmap: `entry` holds a key exclusively, `shared_entry` with others. A key that
/// is absent is held like any other; it is gone afterwards unless a value was put there.
///
/// A guard is bound to its thread and must not outlive its map: debug builds stop at either.
/// References into it are good until it is released or destroyed; a move does not touch them.
#pragma once

#include <concepts>
#include <concur/detail/assert.hpp>
#include <concur/detail/lockmap/element.hpp>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

template <class Engine>
class shared_entry;

/// Holds a key exclusively until it is destroyed or `unlock`ed. Empty if the key could not be had.
template <class Engine>
class [[nodiscard]] entry {
 public:
  using key_type = typename Engine::key_type;
  using mapped_type = typename Engine::mapped_type;

  entry() noexcept = default;
  entry(entry&&) noexcept = default;
  entry& operator=(entry&&) noexcept = default;
  ~entry() = default;

  /// Whether it holds a key.
  explicit operator bool() const noexcept { return static_cast<bool>(held_); }
  const key_type& key() const noexcept { return held_.state().key; }
  /// Whether the key that it holds has a value.
  bool has_value() const noexcept { return held_ && held_.is_present(); }

  /// The value; there must be one.
  mapped_type& operator*() const noexcept { return held_.value(); }
  mapped_type* operator->() const noexcept { return std::addressof(held_.value()); }
  /// The value, or `std::bad_optional_access`.
  mapped_type& value() const {
    if (!has_value()) fail<std::bad_optional_access>("a lockmap entry without a value");
    return held_.value();
  }

  /// Makes the value of `args`; an old one is destroyed before. If that throws there is none.
  template <class... Args>
  requires std::constructible_from<mapped_type, Args...> mapped_type& emplace(Args&&... args) {
    held_.discard(eviction_cause::replaced);
    return held_.make(std::forward<Args>(args)...);
  }
  /// The value, made of `args` if there is none.
  template <class... Args>
  requires std::constructible_from<mapped_type, Args...> mapped_type& value_or_emplace(
      Args&&... args) {
    return held_.is_present() ? held_.value() : held_.make(std::forward<Args>(args)...);
  }
  /// The value becomes `v`; the old one, if any, is returned.
  template <class V = mapped_type>
    requires(std::constructible_from<mapped_type, V>&& std::move_constructible<mapped_type>)
  std::optional<mapped_type> exchange(V&& v) {
    if (!held_.is_present()) {
      held_.make(std::forward<V>(v));
      return std::nullopt;
    }
    std::optional<mapped_type> old(std::in_place, std::move(held_.value()));
    assign_in_place(held_.engine().allocator(), held_.value(), std::forward<V>(v));
    held_.rewritten();
    return old;
  }
  /// Destroys the value, if there is one. The key stays held.
  void reset() noexcept {
    if (held_) held_.discard(eviction_cause::erased);
  }
  /// As `reset`, but the value, if there is one, is the caller's: nobody is told that it left. If
  /// moving it throws, it stays.
  std::optional<mapped_type> take() requires std::move_constructible<mapped_type> {
    if (!has_value()) return std::nullopt;
    std::optional<mapped_type> taken(std::in_place, std::move(held_.value()));
    held_.reset();
    return taken;
  }

  /// Gives the key back; the entry is empty.
  void unlock() noexcept { held_.leave(); }
  /// Becomes a `shared_entry` of the same key, without letting anybody else in between who would
  /// write. This one is empty.
  shared_entry<Engine> downgrade() noexcept;

 private:
  template <class>
  friend class shared_entry;
  friend Engine;
  template <class>
  friend class entry_maker;

  explicit entry(grip<Engine>&& held) noexcept : held_(std::move(held)) {}
  /// In its place: a move would have to relink it.
  entry(Engine& engine, typename Engine::taken what) noexcept : held_(engine, what) {}

  grip<Engine> held_;
};

/// Holds a key together with other readers. The value cannot change meanwhile.
template <class Engine>
class [[nodiscard]] shared_entry {
 public:
  using key_type = typename Engine::key_type;
  using mapped_type = typename Engine::mapped_type;

  shared_entry() noexcept = default;
  shared_entry(shared_entry&& other) noexcept
      : engine_(other.engine_),
        what_(std::exchange(other.what_, {})),
        hold_(std::move(other.hold_)) {}
  shared_entry& operator=(shared_entry&& other) noexcept {
    if (this != &other) {
      unlock();
      engine_ = other.engine_;
      what_ = std::exchange(other.what_, {});
      hold_ = std::move(other.hold_);
    }
    return *this;
  }
  ~shared_entry() { unlock(); }

  explicit operator bool() const noexcept { return what_.state != nullptr; }
  const key_type& key() const noexcept { return what_.state->key; }
  bool has_value() const noexcept { return what_.is_present; }

  const mapped_type& operator*() const noexcept { return what_.state->value; }
  const mapped_type* operator->() const noexcept { return std::addressof(what_.state->value); }
  const mapped_type& value() const {
    if (!has_value()) fail<std::bad_optional_access>("a lockmap entry without a value");
    return what_.state->value;
  }

  void unlock() noexcept {
    if (what_.state == nullptr) return;
    hold_.unlink();
    engine_->leave_shared(*std::exchange(what_, {}).state);
  }

  /// Becomes an exclusive entry, if it is the only one that shares the key; else the result is
  /// empty, and this one as before. Does not wait: two who wait for each other's share never get
  /// it.
  entry<Engine> try_upgrade() noexcept {
    if (what_.state == nullptr || !Engine::try_upgrade(*what_.state)) return {};
    hold_.unlink();
    typename Engine::taken what = std::exchange(what_, {});
    what.is_present = what.state->look().is_present();
    grip<Engine> held(*engine_, what);
    held.freshen();
    return entry<Engine>(std::move(held));
  }

 private:
  template <class>
  friend class entry;
  template <class>
  friend class entry_maker;

  shared_entry(Engine& engine, typename Engine::taken what) noexcept
      : engine_(&engine), what_(what) {
    if (what_.state != nullptr) hold_.link(engine.identity(), *what_.state);
  }

  Engine* engine_ = nullptr;
  typename Engine::taken what_;
  held_key hold_;
};

template <class Engine>
shared_entry<Engine> entry<Engine>::downgrade() noexcept {
  if (!held_) return {};
  Engine& engine = held_.engine();
  const bool is_present = held_.is_present();
  auto& state = held_.release();
  // First: a listener that is told of an eviction must not wait for this key.
  shared_entry<Engine> shared(engine, {&state, is_present});
  engine.downgrade(state, is_present);
  return shared;
}

/// What `co_await map.async_lock(k)` waits for: defined in concur/lockmap_async.hpp.
template <class Engine, class... Executor>
class async_lock_operation;

/// Makes guards of what was taken.
template <class Engine>
class entry_maker {
 public:
  static entry<Engine> exclusive(Engine& engine, typename Engine::taken what) noexcept {
    return entry<Engine>(engine, what);
  }
  /// Of a key that was pinned, and not searched for just now.
  static entry<Engine> exclusive_pinned(Engine& engine, typename Engine::taken what) noexcept {
    grip<Engine> held(engine, what);
    held.freshen();
    return entry<Engine>(std::move(held));
  }
  static shared_entry<Engine> shared(Engine& engine, typename Engine::taken what) noexcept {
    return shared_entry<Engine>(engine, what);
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
