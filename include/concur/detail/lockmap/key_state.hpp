// SPDX-License-Identifier: MIT
/// \file
/// What lies in memory for a key, and for a thread that waits for one.
///
///     state:  queue or next retired | word | hash | key | published copy | value | has_key
///     waiter: on the stack of the one who waits: neighbours in the queue, a word to sleep on
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

struct waiter {
  enum : std::uint32_t {
    queued = 0,       ///< nothing happened
    notified = 1,     ///< the key is free, or was: try to take it
    granted = 2,      ///< it is yours; you are no longer in the queue
    interrupted = 4,  ///< look whether you still want it
  };

  waiter* next = nullptr;      ///< the ring of those who wait for one key; under the shard's lock
  waiter* previous = nullptr;  ///< or, once granted, the chain of those to be woken
  std::atomic<std::uint32_t> state{queued};
  lock_mode mode = lock_mode::exclusive;
  std::uint8_t lost = 0;                       ///< how often it was notified and came too late
  void (*resume)(waiter&) noexcept = nullptr;  ///< of a coroutine: called when granted

  explicit waiter(lock_mode wanted) noexcept : mode(wanted) {}
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;
};

/// A queue is a pointer to its front in a ring. Under the shard's lock.
class waiter_queue {
 public:
  static void push_back(waiter*& front, waiter& w) noexcept {
    if (front == nullptr) {
      w.next = w.previous = &w;
      front = &w;
      return;
    }
    w.next = front;
    w.previous = front->previous;
    w.previous->next = &w;
    front->previous = &w;
  }

  static void remove(waiter*& front, waiter& w) noexcept {
    if (w.next == &w) {
      front = nullptr;
      return;
    }
    w.next->previous = w.previous;
    w.previous->next = w.next;
    if (front == &w) front = w.next;
  }
};

/// What does not depend on the types.
struct key_state {
  union {
    waiter* front = nullptr;  ///< under the shard's lock
    key_state* next_retired;  ///< of a dead one
  };
  std::atomic<std::uint64_t> word;  ///< beside the key and the value: on their line, mostly

  explicit key_state(key_word made) noexcept : word(made.bits()) {}
  key_state(const key_state&) = delete;
  key_state& operator=(const key_state&) = delete;

  key_word look() const noexcept {
    return key_word(word.load(std::memory_order_relaxed));  // relaxed: a look; a CAS decides
  }
  /// Takes a pin; false if it is dead. The caller protects the state meanwhile.
  bool try_pin() noexcept;
};

/// What comes before the key: with its hash.
struct hashed_key : key_state {
  hashed_key(std::uint64_t h, key_word made) noexcept : key_state(made), hash_(h) {}
  std::uint64_t hash() const noexcept { return hash_; }

 private:
  const std::uint64_t hash_;
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

/// `Head`, the key, and then `Mark` and the value in either order. One of the two has the hash.
template <class Key, class T, class Head = hashed_key, class Mark = key_mark,
          bool MarkIsFirst = false>
struct typed_state : key_and_copy<Key, T, Head>,
                     std::conditional_t<MarkIsFirst, Mark, value_place<T>>,
                     std::conditional_t<MarkIsFirst, value_place<T>, Mark> {
  using key_and_copy<Key, T, Head>::key;
  using value_place<T>::value;
  using Mark::has_key;

  typed_state(std::uint64_t h, key_word made) noexcept : key_and_copy<Key, T, Head>(h, made) {}
  ~typed_state() {
    // relaxed: whoever destroys it is the only one left.
    if (has_key.load(std::memory_order_relaxed)) key.~Key();
    if (this->look().is_present()) value.~T();
  }

  template <class Allocator, class... Args>
  void make_key(const Allocator& allocator, Args&&... args) {
    make(allocator, key, std::forward<Args>(args)...);
    // (1) release: publishes the key; pairs with (2).
    has_key.store(true, std::memory_order_release);
  }
  bool is_keyed() const noexcept {
    return has_key.load(std::memory_order_acquire);  // (2) acquire: pairs with (1).
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
