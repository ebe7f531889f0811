// SPDX-License-Identifier: MIT
/// \file
/// What an insertion says about itself: `bool` on maps that grow, `insert_result` on bounded ones.
/// The vocabulary computes an `insert_outcome`, and a map's traits choose what becomes of it.
#pragma once

#include <concepts>
#include <concur/version.hpp>
#include <utility>

namespace concur::inline CONCUR_ABI {
namespace detail {

/// `full` comes first: it is the outcome when an engine without room calls neither callback.
enum class insert_outcome : unsigned char { full, inserted, exists };

}  // namespace detail

/// The result of an insertion into a map that may be full. Convertible to `bool` (inserted) where
/// a condition is asked for, so that code for growing maps reads the same.
class insert_result {
 public:
  constexpr explicit insert_result(detail::insert_outcome outcome) noexcept : outcome_(outcome) {}

  constexpr bool inserted() const noexcept { return outcome_ == detail::insert_outcome::inserted; }
  /// The key was there; its value was left alone, assigned or visited, as the operation says.
  constexpr bool exists() const noexcept { return outcome_ == detail::insert_outcome::exists; }
  /// The key was not there, and there was no room for it. Nothing happened.
  constexpr bool full() const noexcept { return outcome_ == detail::insert_outcome::full; }
  constexpr explicit operator bool() const noexcept { return inserted(); }

  friend constexpr bool operator==(insert_result, insert_result) noexcept = default;

 private:
  detail::insert_outcome outcome_;
};

namespace detail {

template <class Result>
constexpr Result to_result(insert_outcome outcome) noexcept {
  if constexpr (std::same_as<Result, bool>) {
    return outcome == insert_outcome::inserted;
  } else {
    return Result(outcome);
  }
}

/// The types of the vocabulary. A bounded map derives from this, and says
/// `using insert_result = concur::insert_result;`.
template <class Key, class T>
struct map_traits {
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using init_type = std::pair<Key, T>;
  using insert_result = bool;
};

}  // namespace detail
}  // namespace concur::inline CONCUR_ABI
