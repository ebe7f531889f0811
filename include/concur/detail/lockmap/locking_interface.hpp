// SPDX-License-Identifier: MIT
/// \file
/// The names by which a map locks keys, beside the vocabulary of all maps: of `lockmap` and of
/// `lru_lockmap`. A face derives from it as it does from `map_interface`.
#pragma once

#include <concepts>
#include <concur/detail/lockmap/entry.hpp>
#include <concur/detail/lockmap/multi_lock.hpp>
#include <concur/detail/lockmap/patience.hpp>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/from_range.hpp>
#include <concur/detail/map/keys.hpp>
#include <initializer_list>
#include <iterator>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

template <class Token>
concept stop_token_like = requires(const Token& token) {
  { token.stop_requested() } -> std::convertible_to<bool>;
  { token.stop_possible() } -> std::convertible_to<bool>;
};

template <class Engine>
class async_entry;

template <class Derived, class Engine>
class locking_interface {
  using Key = typename Engine::key_type;
  using T = typename Engine::mapped_type;
  using maker = entry_maker<Engine>;

 public:
  using entry = lockmap::entry<Engine>;
  using shared_entry = lockmap::shared_entry<Engine>;
  using entries = lockmap::entries<Engine>;
  using async_entry = lockmap::async_entry<Engine>;  ///< of `async_lock`, in its own header

  /// \name One key
  /// All of them: linearize at the taking of the key; progress: wait for whoever holds it, and for
  /// those who have waited longer; throw `std::system_error` (`resource_deadlock_would_occur`) if
  /// they would wait for a key that this thread holds, and what making a key throws. Where there
  /// is no time to wait, one's own key is somebody's like another: the entry is empty.
  /// \{

  /// Locks `k`, present or not, exclusively.
  template <new_key<Derived> K = Key>
  entry lock(K&& k) {
    return hold_key<lock_mode::exclusive>(std::forward<K>(k), endless_patience());
  }
  /// Locks `k` together with other readers.
  template <new_key<Derived> K = Key>
  shared_entry lock_shared(K&& k) {
    return hold_key<lock_mode::shared>(std::forward<K>(k), endless_patience());
  }
  /// An empty entry if somebody holds `k`, also if that is this thread.
  template <new_key<Derived> K = Key>
  entry try_lock(K&& k) {
    return hold_key<lock_mode::exclusive>(std::forward<K>(k), no_patience());
  }
  template <new_key<Derived> K = Key>
  shared_entry try_lock_shared(K&& k) {
    return hold_key<lock_mode::shared>(std::forward<K>(k), no_patience());
  }
  /// An empty entry if `k` could not be had in time. A duration of zero or less is one attempt.
  template <new_key<Derived> K = Key, class Duration>
  entry try_lock_for(K&& k, const Duration& duration) {
    return hold_key<lock_mode::exclusive>(std::forward<K>(k), patience_for(duration));
  }
  template <new_key<Derived> K = Key, class Duration>
  shared_entry try_lock_shared_for(K&& k, const Duration& duration) {
    return hold_key<lock_mode::shared>(std::forward<K>(k), patience_for(duration));
  }
  /// An empty entry if `k` could not be had until then. A moment in the past is one attempt.
  template <new_key<Derived> K = Key, class TimePoint>
  entry try_lock_until(K&& k, const TimePoint& end) {
    return hold_key<lock_mode::exclusive>(std::forward<K>(k), patience_until<TimePoint>(end));
  }
  template <new_key<Derived> K = Key, class TimePoint>
  shared_entry try_lock_shared_until(K&& k, const TimePoint& end) {
    return hold_key<lock_mode::shared>(std::forward<K>(k), patience_until<TimePoint>(end));
  }
  /// An empty entry if a stop was requested before `k` could be had; after a stop it is one
  /// attempt. Include <concur/lockmap_stop.hpp>.
  template <new_key<Derived> K = Key, stop_token_like StopToken>
  entry lock(K&& k, const StopToken& token) {
    return hold_key<lock_mode::exclusive>(std::forward<K>(k), patience_unless<StopToken>(token));
  }
  template <new_key<Derived> K = Key, stop_token_like StopToken>
  shared_entry lock_shared(K&& k, const StopToken& token) {
    return hold_key<lock_mode::shared>(std::forward<K>(k), patience_unless<StopToken>(token));
  }
  /// `co_await map.async_lock(k)` suspends the coroutine until it has `k`; the result may be
  /// released by any thread. The thread that gives the key back resumes it, or
  /// `executor(std::coroutine_handle<>)` does. Include <concur/lockmap_async.hpp>.
  template <new_key<Derived> K = Key, class... Executor>
    requires(sizeof...(Executor) <= 1)
  auto async_lock(K&& k, Executor... executor) {
    auto&& key = as_lasting_key(derived(), std::forward<K>(k));
    const auto& probe = key;
    return async_lock_operation<Engine, Executor...>(engine(), engine().hash(probe), probe,
                                                     key_of(static_cast<decltype(key)>(key)),
                                                     std::move(executor)...);
  }
  /// \}

  /// \name Many keys
  /// The keys of a range or an initializer list, each once. They are taken in one global order:
  /// calls that overlap never deadlock. O(n log n).
  /// \{

  /// Throws `std::system_error` (`resource_deadlock_would_occur`) if this thread holds any key.
  template <any_range Keys>
  entries lock_all(Keys&& keys) {
    engine().require_nothing_held();
    return hold_keys(std::begin(keys), std::end(keys), endless_patience());
  }
  entries lock_all(std::initializer_list<Key> keys) {
    engine().require_nothing_held();
    return hold_keys(keys.begin(), keys.end(), endless_patience());
  }
  /// All, or none if somebody holds one of them. Works beside keys that this thread holds.
  template <any_range Keys>
  entries try_lock_all(Keys&& keys) {
    return hold_keys(std::begin(keys), std::end(keys), no_patience());
  }
  entries try_lock_all(std::initializer_list<Key> keys) {
    return hold_keys(keys.begin(), keys.end(), no_patience());
  }
  /// All, or none if they could not be had in time. A duration of zero or less is one attempt; a
  /// longer one throws, as `lock` does, if it would wait for a key that this thread holds.
  template <any_range Keys, class Duration>
  entries try_lock_all_for(Keys&& keys, const Duration& duration) {
    return hold_keys(std::begin(keys), std::end(keys), patience_for(duration));
  }
  template <class Duration>
  entries try_lock_all_for(std::initializer_list<Key> keys, const Duration& duration) {
    return hold_keys(keys.begin(), keys.end(), patience_for(duration));
  }
  /// \}

  /// The value of `k`, made by `f()` if it is absent. `f` runs once for all callers that wait,
  /// while the key is held; if it throws, the exception is that caller's, and the next one runs it.
  /// - Returns: a copy of the value.
  /// - Linearizes at: the read, or the release of the key with the new value.
  /// - Progress: read; the absent key: write, and for as long as `f` runs.
  /// - Callback: `f()`, exclusive: it may use other keys.
  /// - Throws: what `f` and copying throws.
  template <new_key<Derived> K = Key, class F>
    requires std::copy_constructible<T> T get_or_compute(K&& k, F&& f) {
      static_assert(std::is_constructible_v<T, std::invoke_result_t<F&>>,
                    "get_or_compute: f() does not make a value");
      auto&& key = as_lasting_key(derived(), std::forward<K>(k));
      const auto& probe = key;
      return engine().compute_once(engine().hash(probe), probe,
                                   key_of(static_cast<decltype(key)>(key)), f);
    }

 private:
  template <class K>
  static auto key_of(K&& key) noexcept {
    return typename Engine::template key_from<K>(key);
  }

  template <lock_mode Mode, class K, class Patience>
  auto hold_key(K&& k, Patience&& patience) {
    auto&& key = as_lasting_key(derived(), std::forward<K>(k));
    const auto& probe = key;
    const auto what = engine().template acquire<Mode>(
        engine().hash(probe), probe, key_of(static_cast<decltype(key)>(key)), patience);
    if constexpr (Mode == lock_mode::exclusive) {
      return maker::exclusive(engine(), what);
    } else {
      return maker::shared(engine(), what);
    }
  }

  template <class It, class End, class Patience>
  entries hold_keys(It first, End last, Patience&& patience) {
    multi_lock<Engine> many(engine());
    for (; first != last; ++first) {
      many.make_room();
      // An iterator may make what it shows: it lives for as long as the key is used.
      auto&& shown = *first;
      auto&& given = as_lasting_key(derived(), static_cast<decltype(shown)>(shown));
      const auto& key = given;
      auto* const state = engine().pin(engine().hash(key), key, key_of(key), patience);
      if (state == nullptr) return {};
      many.add(*state);
    }
    return many.take(patience);
  }

  Derived& derived() noexcept { return static_cast<Derived&>(*this); }
  Engine& engine() noexcept { return map_access::engine(derived()); }
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
