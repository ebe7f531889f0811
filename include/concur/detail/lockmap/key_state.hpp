// SPDX-License-Identifier: MIT
/// \file
/// What lies in memory for a key, and for a thread that waits for one.
///
///     state:  hash, or next retired | word | key | published copy | value | has_key
///     waiter: on the stack of the one who waits: neighbours in queues, a word to sleep on
///
/// A state exists while the key has a value or somebody is concerned with it: a locked absent key
/// is a state without a value. Its address does not change. The value is the exclusive holder's
/// own; where it is small and trivially copyable, he leaves a copy of it in atomic words, from
/// which others read without taking anything.
#pragma once

#include <atomic>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/lockmap/key_word.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <concur/detail/sync/word_copy.hpp>
#include <concur/policy/construction.hpp>
#include <cstdint>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

struct key_state;

struct waiter {
  enum : std::uint32_t {
    queued = 0,       ///< nothing happened
    notified = 1,     ///< the key is free, or was: try to take it
    granted = 2,      ///< it is yours; you are no longer in the queue
    interrupted = 4,  ///< look whether you still want it
  };

  waiter* next = nullptr;      ///< the ring of those who wait for one key; under the shard's lock
  waiter* previous = nullptr;  ///< or, once granted, the chain of those to be woken
  const key_state* of_key = nullptr;  ///< of the front of a ring; under the shard's lock
  waiter* next_key = nullptr;         ///< then: the fronts of other keys' rings
  waiter* previous_key = nullptr;
  std::atomic<std::uint32_t> state{queued};
  lock_mode mode = lock_mode::exclusive;
  std::uint8_t lost = 0;                       ///< how often it was notified and came too late
  void (*resume)(waiter&) noexcept = nullptr;  ///< of a coroutine: called when granted

  explicit waiter(lock_mode wanted) noexcept : mode(wanted) {}
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;
};

/// Who waits for the keys of a shard: a ring for each of these keys, whose front is in a ring of
/// fronts. (A key that nobody waits for, as most are, has no room for that.) Under the shard's
/// lock.
///
/// O(1), but to find the front of a key's queue: O(keys of the shard that are waited for), from
/// that on which was queued first.
class waiting_threads {
 public:
  waiter* front_of(const key_state& key) const noexcept {
    waiter* w = oldest_;
    if (w == nullptr || w->of_key == &key) return w;
    for (w = w->next_key; w->of_key != &key; w = w->next_key) {
      if (w == oldest_) return nullptr;
    }
    return w;
  }

  /// `w` waits for `key`, as the last one, or the first.
  void push_back(const key_state& key, waiter& w, bool has_others) noexcept {
    waiter* const front = has_others ? front_of(key) : nullptr;
    if (front == nullptr) {
      w.next = w.previous = &w;
      w.of_key = &key;
      insert_front(w);
      return;
    }
    w.next = front;
    w.previous = front->previous;
    w.previous->next = &w;
    front->previous = &w;
  }

  void remove(waiter& w) noexcept {
    waiter& next = *w.next;
    next.previous = w.previous;
    w.previous->next = &next;
    if (w.of_key == nullptr) return;
    // It is a front; the next one, if there is one, gets its place.
    if (&next != &w) {
      next.of_key = w.of_key;
      replace_front(w, next);
    } else {
      remove_front(w);
    }
    w.of_key = nullptr;
  }

 private:
  void insert_front(waiter& w) noexcept {
    if (oldest_ == nullptr) {
      w.next_key = w.previous_key = &w;
      oldest_ = &w;
      return;
    }
    insert_before(*oldest_, w);
  }
  static void insert_before(waiter& there, waiter& w) noexcept {
    w.next_key = &there;
    w.previous_key = there.previous_key;
    w.previous_key->next_key = &w;
    there.previous_key = &w;
  }
  void replace_front(waiter& w, waiter& by) noexcept {
    insert_before(w, by);
    if (oldest_ == &w) oldest_ = &by;
    remove_front(w);
  }
  void remove_front(waiter& w) noexcept {
    if (w.next_key == &w) {
      oldest_ = nullptr;
      return;
    }
    w.next_key->previous_key = w.previous_key;
    w.previous_key->next_key = w.next_key;
    if (oldest_ == &w) oldest_ = w.next_key;
  }

  waiter* oldest_ = nullptr;
};

/// What does not depend on the types.
struct key_state {
 protected:
  std::atomic<std::uint64_t> hash_;  ///< of some kinds of state; constant while it lives
 public:
  std::atomic<std::uint64_t> word;  ///< beside the key and the value: on their line, mostly

  explicit key_state(key_word made, std::uint64_t hash = 0) noexcept
      : hash_(hash), word(made.bits()) {}
  key_state(const key_state&) = delete;
  key_state& operator=(const key_state&) = delete;

  key_word look() const noexcept {
    return key_word(word.load(std::memory_order_relaxed));  // relaxed: a look; a CAS decides
  }
  /// Takes a pin; false if it is dead. The caller protects the state meanwhile.
  bool try_pin() noexcept;

  /// Of one that is dead, and no longer in the table: in the place of its hash. Only a search that
  /// has announced the state may still look at that, and takes it for another hash, or by chance
  /// for the same: then it finds another key, or a dead one.
  key_state* next_retired() const noexcept {
    // relaxed: whose list it is has got it by a lock.
    return reinterpret_cast<key_state*>(
        static_cast<std::uintptr_t>(hash_.load(std::memory_order_relaxed)));
  }
  void set_next_retired(key_state* next) noexcept {
    hash_.store(reinterpret_cast<std::uintptr_t>(next), std::memory_order_relaxed);  // as above
  }
};

/// What comes before the key: with its hash.
struct hashed_key : key_state {
  hashed_key(std::uint64_t h, key_word made) noexcept : key_state(made, h) {}
  std::uint64_t hash() const noexcept {
    return hash_.load(std::memory_order_relaxed);  // relaxed: constant, or see next_retired
  }
};

/// Whether comparing keys runs no code that could use a map, and a key that is being destroyed may
/// be looked at: such keys are compared before anything is taken.
template <class Key>
inline constexpr bool is_plain_key = std::is_scalar_v<Key> && !std::is_floating_point_v<Key>;
template <class Char, class Allocator>
inline constexpr bool is_plain_key<std::basic_string<Char, std::char_traits<Char>, Allocator>> =
    std::is_scalar_v<Char>;
template <class Char>
inline constexpr bool is_plain_key<std::basic_string_view<Char, std::char_traits<Char>>> =
    std::is_scalar_v<Char>;

template <class Equal, class Key>
inline constexpr bool is_plain_equal = false;
template <class Key>
inline constexpr bool is_plain_equal<std::equal_to<>, Key> = true;
template <class Key>
inline constexpr bool is_plain_equal<std::equal_to<Key>, Key> = true;

template <class K>
inline constexpr bool is_plain_probe =
    is_plain_key<std::remove_cvref_t<K>> || std::is_scalar_v<std::decay_t<K>>;

/// Small and trivially copyable values are read from a copy.
template <class T>
inline constexpr bool is_published =
    std::is_trivially_copyable_v<T>&& std::is_copy_constructible_v<T> && sizeof(T) <= 16;

struct no_words {};

template <class Key, class T, class Head>
struct key_and_copy : Head {
  key_and_copy(std::uint64_t h, key_word made) noexcept : Head(h, made) {}
  ~key_and_copy() {}

  union {
    Key key;
  };
  CONCUR_NO_UNIQUE_ADDRESS std::conditional_t<is_published<T>, atomic_words<T>, no_words> published;
};
template <class T>
struct value_place {
  value_place() noexcept {}
  ~value_place() {}

  union {
    T value;
  };
};

struct key_mark {
  /// Whether `key` is there: it may come with the value, see engine::modify.
  std::atomic<bool> has_key{false};
};
/// Of a scalar: it is always there.
struct no_mark {};
template <class Key>
using mark_of = std::conditional_t<std::is_scalar_v<Key>, no_mark, key_mark>;

/// `Head`, the key, and then `Mark` and the value in either order. One of the two has the hash.
template <class Key, class T, class Head = hashed_key, class Mark = mark_of<Key>,
          bool MarkIsFirst = false>
struct typed_state : key_and_copy<Key, T, Head>,
                     std::conditional_t<MarkIsFirst, Mark, value_place<T>>,
                     std::conditional_t<MarkIsFirst, value_place<T>, Mark> {
  using key_and_copy<Key, T, Head>::key;
  using value_place<T>::value;
  /// Whether the key may come later than the state, or go before it.
  static constexpr bool is_marked = !std::is_same_v<Mark, no_mark>;

  typed_state(std::uint64_t h, key_word made) noexcept : key_and_copy<Key, T, Head>(h, made) {}
  ~typed_state() {
    if (is_keyed_already()) key.~Key();
    if (this->look().is_present()) value.~T();
  }

  template <class Allocator, class... Args>
  void make_key(const Allocator& allocator, Args&&... args) {
    make(allocator, key, std::forward<Args>(args)...);
    // (1) release: publishes the key; pairs with (2).
    if constexpr (is_marked) this->has_key.store(true, std::memory_order_release);
  }
  bool is_keyed() const noexcept {
    if constexpr (is_marked) {
      return this->has_key.load(std::memory_order_acquire);  // (2) acquire: pairs with (1).
    } else {
      return true;
    }
  }
  /// The same for the only one who may make it, or is left.
  bool is_keyed_already() const noexcept {
    if constexpr (is_marked) {
      return this->has_key.load(std::memory_order_relaxed);  // relaxed: nobody else writes it
    } else {
      return true;
    }
  }
  /// Destroys the key of a state at which nobody looks any more, if it is there.
  void drop_key() noexcept {
    if (!is_keyed_already()) return;
    // relaxed: for the destructor.
    if constexpr (is_marked) this->has_key.store(false, std::memory_order_relaxed);
    key.~Key();
  }
  template <class Allocator, class... Args>
  void make_value(const Allocator& allocator, Args&&... args) {
    make(allocator, value, std::forward<Args>(args)...);
  }

 private:
  template <class Allocator, class U, class... Args>
  static void make(const Allocator& allocator, U& where, Args&&... args) {
    // A narrowing of the caller's is not for us to warn of.
    if constexpr (std::is_scalar_v<U> && sizeof...(Args) == 1) {
      detail::construct(allocator, std::addressof(where), static_cast<U>(args)...);
    } else {
      detail::construct(allocator, std::addressof(where), std::forward<Args>(args)...);
    }
  }
};

inline bool key_state::try_pin() noexcept {
  std::uint64_t seen = word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
  for (;;) {
    const key_word now(seen);
    if (now.is_dead()) return false;
    if (!now.can_be_pinned()) [[unlikely]] {
      // Thousands of threads at one key, each with a pin or two: they are gone in a moment.
      backoff().pause();
      seen = word.load(std::memory_order_relaxed);  // relaxed: as above
      continue;
    }
    // relaxed: a pin keeps the state, and publishes nothing.
    if (word.compare_exchange_weak(seen, now.pinned().bits(), std::memory_order_relaxed)) {
      return true;
    }
  }
}

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
