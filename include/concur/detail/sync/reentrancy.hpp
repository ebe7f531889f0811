// SPDX-License-Identifier: MIT
/// \file
/// Knows, per thread, whose exclusive callback is running: a write from inside it would wait for a
/// lock that the thread itself holds, and is reported instead, in release builds too.
#pragma once

#include <concur/detail/assert.hpp>

namespace concur::inline CONCUR_ABI::detail {

/// Marks `owner` (a map) as running an exclusive callback on this thread, for its own lifetime.
class CONCUR_SHARED exclusive_scope {
 public:
  explicit exclusive_scope(const void* owner) noexcept : owner_(owner), outer_(innermost) {
    innermost = this;
  }
  ~exclusive_scope() { innermost = outer_; }
  exclusive_scope(const exclusive_scope&) = delete;
  exclusive_scope& operator=(const exclusive_scope&) = delete;

  /// Whether a callback of `owner` runs on this thread. One thread-local load when none does.
  CONCUR_NOINLINE static bool is_active(const void* owner) noexcept {
    for (const exclusive_scope* s = innermost; s != nullptr; s = s->outer_) {
      if (s->owner_ == owner) return true;
    }
    return false;
  }

  /// Whether is_wanted(owner) is true of any owner whose callback runs on this thread.
  template <class Predicate>
  static bool any_active(const Predicate& is_wanted) {
    for (const exclusive_scope* s = innermost; s != nullptr; s = s->outer_) {
      if (is_wanted(s->owner_)) return true;
    }
    return false;
  }

  /// Throws std::system_error (resource_deadlock_would_occur) if a callback of `owner` runs here.
  static void require_inactive(const void* owner) {
    if (innermost != nullptr && is_active(owner)) [[unlikely]] {
      fail_deadlock("concur: write to a map from inside its own exclusive callback");
    }
  }

 private:
  const void* owner_;
  const exclusive_scope* outer_;
  inline static constinit thread_local const exclusive_scope* innermost = nullptr;
};

}  // namespace concur::inline CONCUR_ABI::detail
