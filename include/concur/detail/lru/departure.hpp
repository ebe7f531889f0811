// SPDX-License-Identifier: MIT
/// \file
/// Values on their way out: they are moved here while their key is held, and reported and destroyed
/// when it has been given back. Until then a pin keeps the key, which the listener is shown.
///
/// A value whose move may throw is not moved: it is reported and destroyed where it is, while its
/// key is held.
#pragma once

#include <concur/detail/assert.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/lockmap/element.hpp>
#include <concur/detail/lockmap/hold.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/construction.hpp>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lru {

template <class T>
inline constexpr bool leaves_by_move = std::is_nothrow_move_constructible_v<T>;

/// One value. Made for a key that is held exclusively; reports in its destructor.
template <class Engine>
class departure {
  using state_type = typename Engine::state_type;
  using mapped_type = typename Engine::mapped_type;

 public:
  departure() noexcept {}
  departure(const departure&) = delete;
  departure& operator=(const departure&) = delete;
  ~departure() { report(); }

  /// Takes the value of a key; what is left of it is destroyed by the caller.
  void take(Engine& engine, state_type& state, eviction_cause cause) noexcept {
    engine.count_departure(cause);
    if constexpr (leaves_by_move<mapped_type>) {
      report();
      engine_ = &engine;
      cause_ = cause;
      ::new (static_cast<void*>(std::addressof(value_))) mapped_type(std::move(state.value));
      if (engine.has_listener()) {
        state.try_pin();  // it is held, and so not dead
        pinned_ = &state;
      }
    } else {
      // A listener that wants this very key is told, and does not wait for ever.
      lockmap::hold held;
      held.link(engine.identity(), state);
      engine.tell_listener(state.key, state.value, cause);
    }
  }
  void report() noexcept {
    if constexpr (leaves_by_move<mapped_type>) {
      if (engine_ == nullptr) return;
      if (pinned_ != nullptr) {
        engine_->tell_listener(pinned_->key, value_, cause_);
        engine_->unpin(*std::exchange(pinned_, nullptr));
      }
      engine_ = nullptr;
      value_.~mapped_type();
    }
  }

  // As `doomed_value`, for held_element.

  template <class Grip>
  void keep(const Grip& held, eviction_cause cause) noexcept {
    take(held.engine(), held.state(), cause);
  }
  /// The value becomes `v`, and the old one leaves.
  template <class Grip, class V>
  void replace(Grip& held, V&& v) {
    Engine& engine = held.engine();
    if (!lockmap::leaves_when_replaced<mapped_type> && !engine.has_listener()) {
      lockmap::assign_in_place(engine.allocator(), held.value(), std::forward<V>(v));
      engine.count_departure(eviction_cause::replaced);
    } else if constexpr (leaves_by_move<mapped_type>) {
      mapped_type next(detail::made_with<mapped_type>(engine.allocator(), std::forward<V>(v)));
      keep(held, eviction_cause::replaced);
      lockmap::assign_in_place(engine.allocator(), held.value(), std::move(next));
    } else {
      mapped_type next(detail::made_with<mapped_type>(engine.allocator(), std::forward<V>(v)));
      engine.report_in_place(held.state(), eviction_cause::replaced);
      // It has left: if its successor cannot take its place, there is none.
      CONCUR_TRY {
        lockmap::assign_in_place(engine.allocator(), held.value(), std::move(next));
      }
      CONCUR_CATCH_ALL {
        held.reset();
        CONCUR_RETHROW;
      }
    }
    held.rewritten();
  }

 private:
  Engine* engine_ = nullptr;
  state_type* pinned_ = nullptr;
  eviction_cause cause_{};
  union {
    mapped_type value_;
  };
};

/// The victims of one visit to a region: a few at a time. While they are held no code of the user's
/// runs, but the moves of values; it could want one of them.
template <class Engine>
class departures {
  using state_type = typename Engine::state_type;
  using mapped_type = typename Engine::mapped_type;
  using left_key = typename Engine::left_key;

  static constexpr std::size_t fitting = 1024 / sizeof(departure<Engine>);
  static constexpr std::size_t limit =
      !leaves_by_move<mapped_type> || fitting < 2 ? 1 : (fitting > 8 ? 8 : fitting);

 public:
  departures() noexcept {}
  departures(const departures&) = delete;
  departures& operator=(const departures&) = delete;
  ~departures() { CONCUR_ASSERT(size_ == 0); }

  bool is_empty() const noexcept { return size_ == 0; }
  bool is_full() const noexcept { return size_ == limit; }
  /// A victim, which the caller has taken exclusively, and out of the order.
  void add(state_type& victim, eviction_cause cause) noexcept {
    victims_[size_] = {&victim, cause};
    ++size_;
  }

  /// Without any lock of a region: the keys are given back. Nobody is woken yet: whoever is may be
  /// a coroutine, which runs then and there.
  void give_back(Engine& engine) noexcept {
    for (; given_back_ < size_; ++given_back_) {
      const one_taken& victim = victims_[given_back_];
      one_leaving& leaving = *::new (static_cast<void*>(leaving_ + given_back_)) one_leaving();
      leaving.value.take(engine, *victim.state, victim.cause);
      victim.state->value.~mapped_type();
      engine.count(*victim.state, -1);
      leaving.key = engine.leave_quietly(*victim.state);
    }
  }
  /// The rest: those who wait are woken, values reported and destroyed.
  void finish(Engine& engine) noexcept {
    if (size_ != 0) finish_some(engine);
  }

 private:
  struct one_taken {
    state_type* state;
    eviction_cause cause;
  };
  struct one_leaving {
    departure<Engine> value;
    left_key key;
  };

  CONCUR_NOINLINE void finish_some(Engine& engine) noexcept {
    give_back(engine);
    for (std::size_t i = 0; i < size_; ++i) engine.finish_leaving(leaving_[i].key);
    for (std::size_t i = 0; i < size_; ++i) leaving_[i].~one_leaving();
    size_ = given_back_ = 0;
  }

  std::size_t size_ = 0;
  std::size_t given_back_ = 0;
  one_taken victims_[limit];
  union {
    one_leaving leaving_[limit];
  };
};

}  // namespace concur::inline CONCUR_ABI::detail::lru
