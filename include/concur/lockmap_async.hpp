// SPDX-License-Identifier: MIT
/// \file
/// `co_await map.async_lock(k)`: waits for a key of a lockmap without a thread. Apart from
/// lockmap.hpp because of <coroutine>.
///
///     auto entry = co_await accounts.async_lock("alice");
///     entry.value_or_emplace().balance += 10;
///     co_await write_to_disk(*entry);      // may go on in another thread: the key is still ours
///
/// The coroutine is resumed by the thread that gives the key back, inside that call and outside
/// every internal lock; or, with `map.async_lock(k, executor)`, by whatever
/// `executor(std::coroutine_handle<>)` arranges, which must not throw. Coroutines queue with the
/// threads, in one order. A coroutine is not a thread: that it already holds the key is not
/// noticed. It must not be destroyed while it waits. Any number of coroutines may wait for a key;
/// of operations that were made and are not awaited yet, fewer than 8,191.
///
/// Without an executor the coroutine that gives the key back resumes the next one inside that call,
/// which does the same: the stack grows with those that wait. Where thousands wait for one key,
/// give an executor that resumes them one after the other.
#pragma once

#include <concepts>
#include <concur/detail/assert.hpp>
#include <concur/detail/config.hpp>
#include <concur/detail/lockmap/element.hpp>
#include <concur/lockmap.hpp>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// An `entry` that is not bound to a thread: whoever has it may use and release it, one at a time.
template <class Engine>
class [[nodiscard]] async_entry {
 public:
  using key_type = typename Engine::key_type;
  using mapped_type = typename Engine::mapped_type;

  async_entry() noexcept = default;
  async_entry(async_entry&& other) noexcept
      : engine_(other.engine_), what_(std::exchange(other.what_, {})) {}
  async_entry& operator=(async_entry&& other) noexcept {
    if (this != &other) {
      unlock();
      engine_ = other.engine_;
      what_ = std::exchange(other.what_, {});
    }
    return *this;
  }
  ~async_entry() { unlock(); }

  explicit operator bool() const noexcept { return what_.state != nullptr; }
  const key_type& key() const noexcept { return what_.state->key; }
  bool has_value() const noexcept { return what_.is_present; }
  mapped_type& operator*() const noexcept {
    CONCUR_ASSERT(has_value());
    return what_.state->value;
  }
  mapped_type* operator->() const noexcept { return std::addressof(**this); }
  mapped_type& value() const {
    if (!has_value()) fail<std::bad_optional_access>("a lockmap entry without a value");
    return what_.state->value;
  }

  template <class... Args>
  requires std::constructible_from<mapped_type, Args...> mapped_type& emplace(Args&&... args) {
    discard(eviction_cause::replaced);
    what_.state->make_value(engine_->allocator(), std::forward<Args>(args)...);
    what_.is_present = true;
    engine_->made(*what_.state);
    return what_.state->value;
  }
  template <class... Args>
  requires std::constructible_from<mapped_type, Args...> mapped_type& value_or_emplace(
      Args&&... args) {
    return has_value() ? what_.state->value : emplace(std::forward<Args>(args)...);
  }
  template <class V = mapped_type>
    requires(std::constructible_from<mapped_type, V>&& std::move_constructible<mapped_type>)
  std::optional<mapped_type> exchange(V&& v) {
    if (!has_value()) {
      emplace(std::forward<V>(v));
      return std::nullopt;
    }
    std::optional<mapped_type> old(std::in_place, std::move(what_.state->value));
    assign_in_place(engine_->allocator(), what_.state->value, std::forward<V>(v));
    engine_->rewritten(*what_.state);
    return old;
  }
  void reset() noexcept { discard(eviction_cause::erased); }
  std::optional<mapped_type> take() requires std::move_constructible<mapped_type> {
    if (!has_value()) return std::nullopt;
    std::optional<mapped_type> taken(std::in_place, std::move(what_.state->value));
    end_value();
    return taken;
  }
  /// Gives the key back; the next one who waits may run inside this call.
  void unlock() noexcept {
    if (what_.state == nullptr) return;
    const auto what = std::exchange(what_, {});
    engine_->leave_exclusive(*what.state, what.is_present);
  }

 private:
  template <class, class...>
  friend class async_lock_operation;
  async_entry(Engine& engine, typename Engine::taken what) noexcept
      : engine_(&engine), what_(what) {
    engine.freshen(*what_.state, what_.is_present);
  }
  void discard([[maybe_unused]] eviction_cause cause) noexcept {
    if (!what_.is_present) return;
    if constexpr (Engine::reports) engine_->report_in_place(*what_.state, cause);
    end_value();
  }
  /// Destroys the value, or what is left of it.
  void end_value() noexcept {
    what_.is_present = false;
    engine_->count(*what_.state, -1);
    what_.state->value.~mapped_type();
  }

  Engine* engine_ = nullptr;
  typename Engine::taken what_;
};

/// What `async_lock` returns: to be awaited once, or dropped.
///
/// It may find a state that has no key yet, and stands for every key of its hash (acquire.hpp):
/// then it queues for that one, and when it has it looks whether the key is the right one. If it
/// is not, it goes on with another, before the coroutine is resumed.
template <class Engine, class... Executor>
class [[nodiscard]] async_lock_operation : private waiter {
  using state_type = typename Engine::state_type;

 public:
  template <class K, class MakeKey>
  async_lock_operation(Engine& engine, std::uint64_t hash, const K& key, MakeKey make_key,
                       Executor... executor)
      : waiter(lock_mode::exclusive),
        engine_(engine),
        executor_(std::move(executor)...),
        wanted_(engine),
        state_(&engine.pin_at_once(hash, key, make_key, wanted_)) {
    this->resume = [](waiter& self) noexcept { static_cast<async_lock_operation&>(self).go_on(); };
  }
  async_lock_operation(const async_lock_operation&) = delete;
  async_lock_operation& operator=(const async_lock_operation&) = delete;
  ~async_lock_operation() {
    if (state_ != nullptr) engine_.unpin(*state_);
  }

  bool await_ready() {
    do {
      if (key_lock::try_take<lock_mode::exclusive>(*state_, 1) != attempt::taken) return false;
    } while (!is_taken_key_wanted());
    return true;
  }
  /// When it has queued, another thread may resume the coroutine before this returns: nothing of it
  /// is touched any more.
  bool await_suspend(std::coroutine_handle<> self) {
    handle_ = self;
    return queue();
  }
  async_entry<Engine> await_resume() {
    if constexpr (Engine::keys_come_late) {
      if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    }
    state_type& mine = *std::exchange(state_, nullptr);
    return async_entry<Engine>(engine_, {&mine, mine.look().is_present()});
  }

 private:
  /// False if it has the key.
  bool queue() {
    do {
      // The number of those who wait is not bounded, that of pins is.
      if (!key_lock::enqueue<lock_mode::exclusive, key_lock::pin_of_queued::given_back>(
              *state_, engine_.queues_of(*state_), *this)) {
        return true;
      }
    } while (!is_taken_key_wanted());
    return false;
  }
  /// Of the state that has been taken. If it is another's it is given back, and one more is pinned.
  bool is_taken_key_wanted() {
    if constexpr (Engine::keys_come_late) {
      if (!wanted_) return true;
      taken_state mine{engine_, std::exchange(state_, nullptr)};
      if (mine.state->is_keyed() &&
          engine_.key_eq()(mine.state->key, std::as_const((*wanted_).key))) {
        state_ = std::exchange(mine.state, nullptr);
        return true;
      }
      mine.give_back();
      state_ = &engine_.pin_again(wanted_);
      return false;
    } else {
      return true;
    }
  }
  struct taken_state {
    Engine& engine;
    state_type* state;
    ~taken_state() { give_back(); }
    void give_back() noexcept {
      if (state == nullptr) return;
      state_type& left = *std::exchange(state, nullptr);
      engine.leave_exclusive(left, left.look().is_present());
    }
  };

  struct inline_executor {
    void operator()(std::coroutine_handle<> h) const { h.resume(); }
  };
  template <class... E>
  struct executor_of {
    using type = inline_executor;
  };
  template <class E>
  struct executor_of<E> {
    using type = E;
  };

  /// It has been granted the state.
  void go_on() noexcept {
    if constexpr (Engine::keys_come_late) {
      CONCUR_TRY {
        if (!is_taken_key_wanted() && queue()) return;
      }
      CONCUR_CATCH_ALL {
        failure_ = std::current_exception();
      }
    }
    // The operation ends with the coroutine's step: the executor is needed beyond.
    auto execute = std::move(executor_);
    execute(handle_);
  }

  struct cannot_fail {};

  Engine& engine_;
  CONCUR_NO_UNIQUE_ADDRESS typename executor_of<Executor...>::type executor_;
  /// The key, until it is certain that `state_` is its state.
  typename Engine::prepared_state wanted_;
  state_type* state_;  ///< pinned, queued for, or taken
  std::coroutine_handle<> handle_;
  CONCUR_NO_UNIQUE_ADDRESS
  std::conditional_t<Engine::keys_come_late, std::exception_ptr, cannot_fail> failure_;
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
