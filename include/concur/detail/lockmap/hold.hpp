// SPDX-License-Identifier: MIT
/// \file
/// What the calling thread holds: a list through its guards and callbacks. It is looked at before
/// a thread goes to sleep, and by what takes many keys: whoever would wait for himself is told.
#pragma once

#include <concur/detail/assert.hpp>
#include <concur/detail/lockmap/key_state.hpp>

namespace concur::inline CONCUR_ABI::detail::lockmap {

/// One key that this thread holds. Linked while it does; the address may change by a move.
class CONCUR_SHARED hold {
 public:
  hold() noexcept = default;
  hold(hold&& other) noexcept { take_place_of(other); }
  hold& operator=(hold&& other) noexcept {
    if (this != &other) {
      unlink();
      take_place_of(other);
    }
    return *this;
  }
  ~hold() { unlink(); }

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
    for (const hold* h = innermost; h != nullptr; h = h->next_) {
      if (h->map_ == map) return true;
    }
    return false;
  }
  /// Whether this thread holds `key`.
  static bool has(const key_state& key) noexcept {
    for (const hold* h = innermost; h != nullptr; h = h->next_) {
      if (h->key_ == &key) return true;
    }
    return false;
  }

 private:
  void take_place_of(hold& other) noexcept {
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

  const void* map_ = nullptr;
  const key_state* key_ = nullptr;
  hold* next_ = nullptr;
  hold* previous_ = nullptr;
  hold** list_ = nullptr;  ///< null when not linked
  inline static constinit thread_local hold* innermost = nullptr;
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
