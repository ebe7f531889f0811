// SPDX-License-Identifier: MIT
/// \file
/// How the library fails: cold functions that throw, or, without exceptions, print one line and
/// terminate. `CONCUR_ASSERT` checks an internal invariant in debug builds.
#pragma once

#include <concur/detail/config.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <system_error>

/// \cond internal
#if !defined(CONCUR_ASSERT)
#if defined(NDEBUG)
#define CONCUR_ASSERT(condition) static_cast<void>(0)
#else
#define CONCUR_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::concur::detail::assertion_failed(#condition))
#endif
#endif
/// \endcond

namespace concur::inline CONCUR_ABI::detail {

[[noreturn]] CONCUR_NOINLINE inline void terminate_with(const char* what) noexcept {
  std::fprintf(stderr, "concur: %s\n", what);
  std::terminate();
}

[[noreturn]] CONCUR_NOINLINE inline void assertion_failed(const char* what) noexcept {
  terminate_with(what);
}

/// Throws `Exception(args...)`; without exceptions prints `what` and terminates.
template <class Exception, class... Args>
[[noreturn]] CONCUR_NOINLINE void fail(const char* what, const Args&... args) {
#if CONCUR_HAS_EXCEPTIONS
  static_cast<void>(what);
  throw Exception(args...);
#else
  (static_cast<void>(args), ...);
  terminate_with(what);
#endif
}

[[noreturn]] CONCUR_NOINLINE inline void fail_length(const char* what) {
  fail<std::length_error>(what, what);
}

[[noreturn]] CONCUR_NOINLINE inline void fail_out_of_range(const char* what) {
  fail<std::out_of_range>(what, what);
}

[[noreturn]] CONCUR_NOINLINE inline void fail_bad_alloc() {
  fail<std::bad_alloc>("out of memory");
}

/// A std::system_error whose text is a literal. The constructors that take one make a string of it
/// and of the code's message, inline: to compile that costs as much as an operation of a map.
class system_failure final : public std::system_error {
 public:
  system_failure(std::errc code, const char* what)
      : std::system_error(std::make_error_code(code)), what_(what) {}
  const char* what() const noexcept override { return what_; }

 private:
  const char* what_;
};

/// A call that would wait for a lock which its own thread holds.
[[noreturn]] CONCUR_NOINLINE inline void fail_deadlock(const char* what) {
  fail<system_failure>(what, std::errc::resource_deadlock_would_occur, what);
}

}  // namespace concur::inline CONCUR_ABI::detail
