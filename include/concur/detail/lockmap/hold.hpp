// SPDX-License-Identifier: MIT
/// \file
/// What the calling thread holds: a list through its guards and callbacks. It is looked at before
/// a thread goes to sleep, and by what takes many keys: whoever would wait for himself is told.
#pragma once

#include <concur/detail/assert.hpp>
#include <concur/detail/lockmap/key_state.hpp>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// One key that this thread holds: in the list from `link` to `unlink`, which its owner calls. The
/// address may change by a move.
class CONCUR_SHARED held_key {
 public:
  held_key() noexcept = default;
  held_key(held_key&& other) noexcept { take_place_of(other); }
  held_key& operator=(held_key&& other) noexcept {
    if (this != &other) {
      unlink();
      take_place_of(other);
    }
    return *this;
  }
  ~held_key() { CONCUR_ASSERT(list_ == nullptr && "a hold outlives its key"); }

// A hold takes itself out of the list; gcc 12 does not see that it does.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdangling-pointer"
#endif
  void link(const void* map, const key_state& key) noexcept {
    map_ = map;
    key_ = &key;
    list_ = &innermost;
    previous_ = nullptr;
    next_ = innermost;
    if (next_ != nullptr) next_->previous_ = this;
    innermost = this;
  }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

  /// A guard is bound to its thread.
  void unlink() noexcept {
    if (list_ == nullptr) return;
    CONCUR_ASSERT(list_ == &innermost && "a lockmap entry is released by another thread");
    (previous_ != nullptr ? previous_->next_ : *list_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    list_ = nullptr;
  }

  /// Whether this thread holds any key of `map`.
  static bool any_of(const void* map) noexcept {
    for (const held_key* h = innermost; h != nullptr; h = h->next_) {
      if (h->map_ == map) return true;
    }
    return false;
  }
  /// Whether this thread holds `key`.
  static bool has(const key_state& key) noexcept {
    for (const held_key* h = innermost; h != nullptr; h = h->next_) {
      if (h->key_ == &key) return true;
    }
    return false;
  }

 private:
  void take_place_of(held_key& other) noexcept {
    list_ = other.list_;
    if (list_ == nullptr) return;
    CONCUR_ASSERT(list_ == &innermost && "a lockmap entry is moved by another thread");
    map_ = other.map_;
    key_ = other.key_;
    next_ = other.next_;
    previous_ = other.previous_;
    (previous_ != nullptr ? previous_->next_ : *list_) = this;
    if (next_ != nullptr) next_->previous_ = this;
    other.list_ = nullptr;
  }

  held_key** list_ = nullptr;  ///< null when not linked, and then the others mean nothing
  const void* map_;
  const key_state* key_;
  held_key* next_;
  held_key* previous_;
  inline static constinit thread_local held_key* innermost = nullptr;
};

/// The same, until the end of a block.
class CONCUR_SHARED hold : public held_key {
 public:
  ~hold() { unlink(); }
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
