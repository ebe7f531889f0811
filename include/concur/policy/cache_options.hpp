// SPDX-License-Identifier: MIT
/// \file
/// What a cache is made with: `lru_lockmap<K, V>(cache_options<K, V>{.capacity = 1000, ...})`.
#pragma once

#include <atomic>
#include <concepts>
#include <concur/fwd.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {

/// A span of time in nanoseconds. Made of any duration of <chrono>, which need not be included
/// here. One that does not fit is as long as can be.
class cache_duration {
 public:
  constexpr cache_duration() noexcept = default;
  template <class Duration>
    requires requires(const Duration& d) {
      typename Duration::period;
      d.count();
    }
  // Implicit, so that an option can be written as 5s. NOLINTNEXTLINE(google-explicit-constructor)
  constexpr cache_duration(const Duration& duration)
      : nanoseconds_(scaled<typename Duration::period>(duration.count())) {}

  static constexpr cache_duration of_nanoseconds(std::int64_t n) noexcept {
    cache_duration made;
    made.nanoseconds_ = n;
    return made;
  }
  static constexpr cache_duration forever() noexcept { return of_nanoseconds(INT64_MAX); }

  constexpr std::int64_t nanoseconds() const noexcept { return nanoseconds_; }
  constexpr bool is_forever() const noexcept { return nanoseconds_ == INT64_MAX; }
  friend constexpr bool operator==(cache_duration, cache_duration) noexcept = default;

 private:
  template <class Period, class Count>
  static constexpr std::int64_t scaled(Count count) noexcept {
    constexpr std::int64_t second = 1'000'000'000;
    if constexpr (std::is_integral_v<Count> && second % Period::den == 0 &&
                  Period::num <= INT64_MAX / (second / Period::den)) {
      constexpr std::int64_t unit = second / Period::den * Period::num;
      if constexpr (std::is_unsigned_v<Count>) {
        if (std::uint64_t{count} > std::uint64_t{INT64_MAX}) return INT64_MAX;
      }
      const auto n = static_cast<std::int64_t>(count);
      if (n > INT64_MAX / unit) return INT64_MAX;
      if (n < INT64_MIN / unit) return INT64_MIN;
      return n * unit;
    } else {
      const double n = static_cast<double>(count) *
                       (1e9 * static_cast<double>(Period::num) / static_cast<double>(Period::den));
      if (n >= 9.2e18) return INT64_MAX;
      if (n <= -9.2e18) return INT64_MIN;
      return n == n ? static_cast<std::int64_t>(n) : 0;  // not of what is no number
    }
  }

  std::int64_t nanoseconds_ = 0;
};

/// What a walk by recency tells of an element beside its key and value. The moments come from the
/// cache's clock, and are kept by a cache with times alone; a write beside the walk may show in
/// `age` and `idle` before it shows in the value.
struct cache_times {
  /// Until it expires, if nobody uses it or writes it; `forever()`.
  cache_duration remaining = cache_duration::forever();
  /// Since it was written; zero in a cache whose options have no time, no expiry, no refresh.
  cache_duration age{};
  /// Since it was last written or found; zero in a cache without a time to idle.
  cache_duration idle{};
};

template <class Signature>
class cache_callback;

/// A callable of a cache, shared by its copies; empty unless it is made of one: not of a null
/// pointer to a function, or an empty `std::function`. Calls from many threads run side by side.
/// In place of `std::function`, whose header costs more than this map.
template <class R, class... Args>
class cache_callback<R(Args...)> {
 public:
  constexpr cache_callback() noexcept = default;
  constexpr cache_callback(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, cache_callback> &&
             std::is_invocable_v<std::decay_t<F>&, Args...>)
  // Implicit: a lambda is given as an option. It hides no copy constructor: see the constraint.
  // NOLINTNEXTLINE(google-explicit-constructor, bugprone-forwarding-reference-overload)
  cache_callback(F&& f)
      : shared_(is_empty<std::decay_t<F>>(f) ? nullptr
                                             : new holder<std::decay_t<F>>(std::forward<F>(f))) {}

  cache_callback(const cache_callback& other) noexcept : shared_(other.shared_) {
    // relaxed: `other` keeps it alive meanwhile.
    if (shared_ != nullptr) shared_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  cache_callback(cache_callback&& other) noexcept
      : shared_(std::exchange(other.shared_, nullptr)) {}
  cache_callback& operator=(cache_callback other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~cache_callback() {
    if (shared_ == nullptr) return;
    // (1) acq_rel: what other owners did happened before it is destroyed; pairs with (1).
    if (shared_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) shared_->destroy(shared_);
  }

  explicit operator bool() const noexcept { return shared_ != nullptr; }
  R operator()(Args... args) const { return shared_->call(*shared_, std::forward<Args>(args)...); }

 private:
  struct target {
    std::atomic<std::size_t> owners{1};
    R (*call)(target&, Args...);
    void (*destroy)(target*) noexcept;
    target(R (*c)(target&, Args...), void (*d)(target*) noexcept) noexcept : call(c), destroy(d) {}
  };
  template <class F>
  struct holder : target {
    F f;
    explicit holder(F made) : target(&holder::call_it, &holder::destroy_it), f(std::move(made)) {}
    static R call_it(target& self, Args... args) {
      return static_cast<R>(static_cast<holder&>(self).f(std::forward<Args>(args)...));
    }
    static void destroy_it(target* self) noexcept { delete static_cast<holder*>(self); }
  };

  template <class F>
  static constexpr bool is_empty(const F& f) noexcept {
    if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>) {
      return f == nullptr;
    } else if constexpr (requires {
                           f.operator bool();
                           f == nullptr;
                         }) {
      return !static_cast<bool>(f);  // a std::function, or its like
    } else {
      return false;
    }
  }

  target* shared_ = nullptr;
};

/// Everything has a default. Times that are zero (or less) are none.
template <class Key, class T>
struct cache_options {
  static constexpr std::size_t unbounded = static_cast<std::size_t>(-1);

  /// So many elements, or so much weight, may be there that nobody holds.
  std::size_t capacity = unbounded;
  /// Parts of the order of eviction, each with its share of the capacity. 0: four per processor,
  /// but none with a share of less than 128; one for a policy that likes one, and one if there is a
  /// weigher, since an element may weigh as much as the whole capacity. Ask for more where threads
  /// insert much, and no element weighs nearly as much as a share.
  std::size_t shards = 0;
  /// A value expires so long after it was written.
  cache_duration time_to_live{};
  /// A value expires so long after it was last written or found.
  cache_duration time_to_idle{};
  /// How long this value may live after it was written, in place of `time_to_live`: `forever()` is
  /// for ever, zero or less has expired at once. Called by whoever writes the value, while he holds
  /// the key; a use of that key by it throws. If it throws, `time_to_live` holds.
  cache_callback<cache_duration(const Key&, const T&)> expiry{};
  /// get_or_compute computes a value anew that is so old; others get the old one meanwhile.
  cache_duration refresh_after{};
  /// The weight of an element, at most 2^32 - 1; 1 without a weigher. Called when the key is given
  /// back by whoever held it exclusively; a use of that key by it throws. If it throws the element
  /// keeps the weight that it had, and a new one weighs 1.
  cache_callback<std::uint64_t(const Key&, const T&)> weigher{};
  /// Is given every value that leaves and is not handed to a caller. Must not throw.
  cache_callback<void(const Key&, T&&, eviction_cause)> on_evict{};
  /// What time it is, since any moment that stays the same. Must not throw. Without one: a
  /// monotonic clock that is as fine as the scheduler's tick, a few milliseconds.
  cache_callback<cache_duration()> clock{};
};

}  // namespace concur::inline CONCUR_ABI
